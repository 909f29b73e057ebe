//! What the benches share: what is read, who reads it, and how they are compared.
//!
//! # Layout
//!
//! `corpus` holds the records of one cloud, `readers` what reads them ([`Ours`], [`JsonTree`]; the peers have theirs),
//! `contest` lets them take turns and prints how fast each was. `benches/normalize.rs` and the workspace `peers` are
//! short programs over these.

#![expect(clippy::print_stdout, reason = "a bench is run by hand and prints its result")]

mod contest;
mod corpus;
mod readers;

pub use contest::{Moment, Reader, compare};
pub use corpus::{BenchError, Corpus};
pub use readers::{JsonTree, Ours};
