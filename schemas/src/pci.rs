//! The Permission Creep Index of a scope, and what it is made of.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::enums::words;
use crate::topic::PartitionBy;
use crate::{AccountId, IdentityKind, Message, Noun, Provider, RiskClass, ScopeKind, Text, Time};

words!(
    /// Where a score stands.
    Bucket {
        /// 0 to 33.
        Low => "low",
        /// 34 to 66.
        Medium => "medium",
        /// 67 to 100.
        High => "high",
    }
);

/// One part of a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
pub struct Contribution {
    /// Which unused permissions, for people: `iam: 42 actions of permissions management on *`.
    pub label: Text,
    /// The service.
    pub service: Text,
    /// How dangerous they are.
    pub risk_class: RiskClass,
    /// The resource pattern.
    pub resource: Text,
    /// The policy or role that grants them.
    pub source: Text,
    /// How many actions.
    pub n_actions: i64,
    /// Their part of the exposure, in millionths of a weight.
    pub exposure: i64,
}

/// The index of one scope in one account at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
pub struct Pci {
    /// What is scored.
    pub scope_kind: ScopeKind,
    /// Which one.
    pub scope_id: Text,
    /// In which account; empty for scopes above accounts.
    pub account_id: AccountId,
    /// The cloud.
    pub provider: Provider,
    /// Its name for people.
    pub scope_name: Option<Text>,
    /// What kind of identity, for identities.
    pub identity_kind: Option<IdentityKind>,
    /// The end of the window of use.
    pub time: Time,
    /// The index, 0 to 100, two decimals: `hi`, with unknowable use counted as unused.
    pub score: f64,
    /// The same with unknowable use counted as used.
    pub score_lo: f64,
    /// Where it stands.
    pub bucket: Bucket,
    /// The sum behind `score`, in millionths of a weight.
    pub exposure: i64,
    /// The sum behind `score_lo`.
    pub exposure_lo: i64,
    /// A full administrator's sum.
    pub capacity: i64,
    /// Granted actions.
    pub n_granted: i64,
    /// Those used in the window.
    pub n_used: i64,
    /// Those known to be unused.
    pub n_unused: i64,
    /// Those whose use cannot be known from what is ingested.
    pub n_unknowable: i64,
    /// The largest parts, the largest first.
    pub contributions: Vec<Contribution>,
    /// The path to administrator that is held and unused, when there is one.
    pub escalation: Option<Text>,
    /// What the score did not take into account: `condition`, `scp`, `boundary`, `unreadable statement` …
    pub ignored: Vec<Text>,
    /// Why it changed.
    pub cause: Option<Text>,
    /// By how much, against the score before.
    pub change: Option<f64>,
    /// The last use of anything, within what is remembered.
    pub last_used_at: Option<Time>,
    /// Whether less than a window of the account's log, or of the identity's life, is known.
    pub young: bool,
    /// The window of use in microseconds.
    pub window_us: i64,
    /// The risk model's version.
    pub model_version: Text,
    /// The catalogue's version.
    pub catalogue_version: Text,
    /// Whether it may still change.
    pub provisional: bool,
    /// When the scope was deleted.
    pub deleted_at: Option<Time>,
    /// Counts up with each change.
    pub revision: i64,
}

impl Noun for Pci {
    const NAME: &'static str = "pci";

    fn row_key(&self) -> String {
        format!("{}|{}|{}|{}", self.scope_kind, self.scope_id, self.account_id, self.time.0)
    }

    fn time(&self) -> Time {
        self.time
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    fn raise(&mut self, by: i64) {
        self.revision = self.revision.saturating_add(by);
    }

    fn deleted_at(&self) -> Option<Time> {
        self.deleted_at
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Text(&self.scope_id)
    }

    fn into_message(self) -> Message {
        Message::Pci(self.into())
    }
}
