//! The nouns of Overgrant: every record that flows between rooms, with its row key, its time and its topic.
//!
//! # Layout
//!
//! One file per noun, one name everywhere: type [`AccessEvent`], file `access_event.rs`, schema
//! `avro/access_event.v1.avsc`, topic `access_event.v1`, table `access_event`. [`topic`] is the one topic table,
//! [`message`] the sum of all nouns that the belt carries, [`identity`] the one place that writes identity ids,
//! [`arrow`], [`json`] and [`wire`] the other forms a row takes: in files, for people, on Kafka.
//!
//! **Invariant:** this crate knows nothing of ours and does no I/O.

mod access_event;
mod alert;
mod anomaly;
pub mod arrow;
pub mod avro;
pub mod clickhouse;
mod dead_letter;
mod entitlement;
mod enums;
pub mod example;
mod finding;
mod id;
pub mod identity;
mod inventory;
pub mod json;
pub mod message;
mod model;
mod noun;
mod pci;
mod policy;
mod raw_grant;
mod raw_record;
mod session;
mod tally;
mod time;
pub mod topic;
mod usage;
pub mod wire;

pub use access_event::{AccessEvent, ActionKnown, How, Outcome, Resource, Use, Vantage};
pub use alert::Alert;
pub use anomaly::{Anomaly, Reason};
pub use dead_letter::{DeadLetter, RecordHeader};
pub use entitlement::{Entitlement, EntitlementKind};
pub use enums::{AccessLevel, Category, Granted, IdentityKind, Provider, RiskClass, ScopeKind, Severity};
pub use finding::{Finding, FindingKind};
pub use id::{AccountId, Action, Id128, IdentityId, OrgId, PolicyHash, ResourceId, Text};
pub use inventory::Inventory;
pub use message::Message;
pub use model::Model;
pub use noun::Noun;
pub use pci::{Bucket, Contribution, Pci};
pub use policy::{Effect, Policy, Statement};
pub use raw_grant::{Mark, RawGrant};
pub use raw_record::{Body, Origin, RawRecord};
pub use session::Session;
pub use tally::{KindCount, Tally};
pub use time::{Time, TimeError};
pub use usage::Usage;
