//! Finds what is unlikely and tells what deserves a look: `AccessEvent` → `Anomaly` → `Alert`.
//!
//! # Layout
//!
//! Three [`stream::Transform`]s. [`Detector`] scores events against frozen models and emits candidates; `detectors` has
//! one file per detector, `evidence` the arithmetic, `detector` what is remembered. [`PeerModels`] clusters identities
//! by what they use and publishes it as a `Model`. [`Triage`] fuses candidates into sessions and holds them to an alert
//! budget. `law` is the one file that asks `permissions`.
//!
//! # How a score stays the same whatever the order of arrival
//!
//! An event at `t` is scored against what its account's log said before c(t) = floor_hour(t) − lag, and against the
//! peer model that is effective at floor_hour(t). Facts carry the time from which they are known, and rhythms are
//! summed over whole days before c(t)'s day, so the question can be asked when learning has gone further. An event that
//! comes before c(t) is closed waits. `frontier` says how far an account may close, and why its model is there by then.
//!
//! **Invariants:** no I/O, no clock. Hours close in order, and each learns after it was judged. Everything that grows
//! has a bound in [`Config`]. The number of partitions changes neither candidates nor alerts.

mod config;
mod detector;
mod detectors;
mod error;
mod event;
mod evidence;
mod frontier;
mod law;
mod metrics;
mod peers;
mod state;
mod technique;
#[cfg(test)]
mod tests;
mod triage;

pub use config::{Config, PeersConfig, Suppression, TriageConfig, ValidConfig};
pub use detector::Detector;
pub use error::ConfigError;
pub use metrics::{DetectorMetrics, PeersMetrics, TriageMetrics};
pub use peers::PeerModels;
pub use triage::Triage;
