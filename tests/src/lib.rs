//! Tests of the whole pipeline; see `tests/`.
