//! The whole house through its one binary: sample and real logs in, rows out, however often it is killed on the way.
//!
//! The binary is the one that `make test` builds, with the feature `failpoints`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed test should panic, a passed one may say what it saw"
)]

mod house {
    pub(crate) mod compose;
    pub(crate) mod dead_letters;
    pub(crate) mod kill;
    pub(crate) mod overgrant;
    pub(crate) mod questions;
    pub(crate) mod real;
    pub(crate) mod scrape;
    pub(crate) mod telemetry;
    pub(crate) mod truth;
}
