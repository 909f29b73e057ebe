//! The right end of the pipeline: stores every noun in a Parquet lake, answers questions over it, and writes alerts.
//!
//! # Layout
//!
//! [`Lake`], [`clickhouse`] (behind the feature of that name) and [`AlertFile`] are the [`stream::Sink`]s; [`Store`] is
//! the read side of either store: SQL, the [`questions`] that are asked again and again, or typed rows. [`mod@format`] prints answers, [`redact`] is what never gets stored.
//!
//! ```text
//! <store>/manifest.json                                        the belt's; names everything below
//! <store>/lake/access_event/day=2026-10-31/12-345.parquet      <epoch>-<number>
//! <store>/lake/policy/day=all/…                                small tables are not cut by day
//! <store>/alerts.ndjson                                        one alert a line, appended
//! ```
//!
//! **Invariants:** what the manifest does not name is invisible and removed at the next start. A file is never
//! changed after it was written. A stored row is the whole value with its revision, and readers see the highest.
//! Bodies are redacted before anything is written. Reading never writes.

mod alert_file;
pub mod clickhouse;
mod config;
mod error;
pub mod format;
pub mod lake;
mod metrics;
pub mod query;
pub mod questions;
pub mod redact;
mod rows;

pub use alert_file::{ALERTS, AlertFile};
pub use config::{Config, ConfigError, ValidConfig};
pub use error::LakeError;
pub use lake::{LAKE, Lake};
pub use metrics::Metrics;
pub use query::{Answer, QueryError, ReadOptions, Store};
