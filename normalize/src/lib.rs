//! Raw log records become access events, raw grants become entitlements and policies.
//!
//! # Layout
//!
//! [`Normalizer`] is the room of logs. For each raw record, in this order: its bytes are checked and hashed by their structure
//! (`canonical`), its provider reads it (`providers`, one file per cloud), copies are dropped (`dedup`), and what became
//! of it is counted (`tally`). [`GrantReader`] is the room of grants, over `grants`, the part that keeps state between
//! records. `json` holds the
//! types that read the mis-cased, absent and mistyped fields of real logs, `tool` the table of user agents.
//!
//! **Invariants:** a raw record gives exactly one of an event, a copy, a `not_access` count or a dead letter, so that
//! `read = events + copies + not access + dead letters`. An event is a function of its record and the config alone;
//! only what is a copy and what a tally says depend on earlier records. No input panics, and everything that grows has
//! a bound in [`Config`].

mod cache;
mod canonical;
mod config;
mod context;
mod dedup;
mod error;
mod grant_room;
mod grants;
mod json;
mod metrics;
mod providers;
mod room;
mod tally;
mod tool;

pub use config::{Config, ValidConfig};
pub use error::ConfigError;
pub use grant_room::GrantReader;
pub use metrics::Metrics;
pub use room::Normalizer;
