//! Tests of the whole pipeline, in `tests/`, and the real servers that the live ones run against.

pub mod servers;
