//! Tests of the whole house, in `tests/`: what no single room can show.
