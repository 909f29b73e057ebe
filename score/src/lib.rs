//! Counts what identities use, weighs what they are granted and do not use, and says which risks stand.
//!
//! # Layout
//!
//! Three stages, each a [`stream::Transform`]: [`Accounts`] (one partition) learns what every partition must know of an
//! account, [`Scorer`] (by identity) counts usage windows and scores identities, [`ScopeScorer`] (one partition) sums
//! scores by account, group and organization.
//!
//! | file | what |
//! |---|---|
//! | `law` | the one file that asks `permissions` |
//! | `collapse`, `windows`, `usage` | events to usage rows |
//! | `days`, `sources`, `facts`, `limits` | use, grants, inventories and what limits everybody, with enough history to ask about a past day |
//! | `moment`, `row`, `findings` | what a day's end weighs, its row with its cause, its findings |
//! | `accounts`, `accounts/*` | the stage before: logs, people of Identity Center, targets of escalation, sessions |
//! | `scope`, `scope/*` | the stage behind: sums by account, group and organization |
//! | `holding`, `told` | one identity's series: which days changed, and what was told before |
//!
//! **Invariants:** event time only. A score at a day's end is a function of the events, grants, policies and inventories
//! up to it, however late they came: closed days are looked at again. A row is told only when it changed. Every map has a
//! bound in [`ScoreConfig`].

mod accounts;
mod collapse;
mod config;
mod days;
mod error;
mod facts;
mod findings;
mod holding;
mod law;
mod limits;
mod metrics;
mod moment;
mod row;
mod scope;
mod scorer;
mod sources;
mod state;
mod told;
mod usage;
mod windows;

pub use accounts::Accounts;
pub use config::{ScoreConfig, ValidConfig};
pub use error::ConfigError;
pub use metrics::ScoreMetrics;
pub use scope::ScopeScorer;
pub use scorer::Scorer;
