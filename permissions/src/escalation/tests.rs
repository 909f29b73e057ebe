//! Tests: every known path by a small estate of its own, the closure against a slow one, and real accounts.

mod build;
mod closure;
mod laws;
mod paths;
mod published;
mod sample;
mod scp;
