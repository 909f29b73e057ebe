//! The whole house through its one binary: sample and real logs in, rows out, however often it is killed on the way.
//!
//! The binary is the one that `make test` builds, with the feature `failpoints`.

#![expect(clippy::unwrap_used, reason = "a failed test should panic")]

mod house {
    pub(crate) mod kill;
    pub(crate) mod overgrant;
    pub(crate) mod real;
    pub(crate) mod truth;
}
