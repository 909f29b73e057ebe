//! The law, pure: what the three clouds' permissions are called, how dangerous they are, which calls use them, who is
//! granted them, and how large the unused part is.
//!
//! # Layout
//!
//! [`Catalogue`] knows every action. [`aws`], [`azure`] and [`gcp`] read each cloud's policy language and say which
//! action a logged operation used; `evaluate` in each decides requests in the words of [`decision`], [`simulate`] one
//! JSON case. [`grants`] joins entitlements and policies to an interned [`GrantSet`]; [`exposure`], [`escalation`] and
//! [`RiskModel`] weigh what of it is unused. [`resource`] cuts ids at what a grant can name and matches patterns.
//!
//! **Invariant:** no I/O and no clock. The tables are part of the program (`permissions/data`, made by
//! `tools/catalogue`).

pub mod aws;
pub mod azure;
mod bundled;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test should panic, and these print what they measured"
)]
mod calibration;
pub mod catalogue;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test should panic, and these print what they measured"
)]
mod coverage;
pub mod decision;
pub mod document;
#[cfg(test)]
mod draw;
pub mod escalation;
pub mod exposure;
pub mod gcp;
pub mod grants;
pub mod guardrails;
pub mod inventory;
pub mod lint;
mod patterns;
pub mod question;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test should panic, and these print what they measured"
)]
mod real_data;
pub mod resource;
pub mod risk;
pub mod simulate;
mod truth;

pub use catalogue::{ActionIdx, ActionInfo, Catalogue, Logged, Plane, ProviderCatalogue};
pub use escalation::{EscalationPath, Targets};
pub use exposure::{Exposure, Reach, Scale};
pub use grants::{Area, GrantSet, Grants};
pub use inventory::KnownResources;
pub use risk::RiskModel;
