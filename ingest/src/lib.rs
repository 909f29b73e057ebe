//! Ingest: reads files of three clouds into raw records and raw grants, their bytes untouched.
//!
//! # Layout
//!
//! [`FileSource`] is the room's edge: files, folders, patterns and standard input, in event-time order, with a cursor.
//! [`split()`] is its pure half: bytes in, [`Item`]s out. `split/pieces.rs` finds where a record ends, `split/kind.rs`
//! says what it is, `grants.rs` makes snapshots of entitlements. `sources.rs` lists the feeds.
//!
//! **Invariants:** a record's bytes are never changed. What cannot be read is a dead letter and the rest goes on. The
//! same files give the same items in the same order with the same offsets, wherever a run was cut.

mod codec;
mod config;
mod error;
mod grants;
mod metrics;
mod sources;
mod split;

pub use config::{Config, ValidConfig};
pub use error::{ConfigError, IngestError};
pub use metrics::{Counter, Metrics};
pub use sources::{FileSource, FileSourceParams, arrival, n_values};
pub use split::{Item, Split, SplitOptions, split};
