//! What is true of a sample: who was granted what, who used what, who is worst, which attacks were injected, and how many
//! records of each sort lie on disk. `truth.json` holds exactly this.

mod build;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    calls::{Call, Outcome},
    ops::Op,
    world::{Cloud, Kind},
};
pub(crate) use build::build;

/// The truth of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Format of this file; 1.
    pub version: u32,
    /// The seed it was generated from.
    pub seed: u64,
    /// First moment of the logs, RFC 3339.
    pub start: String,
    /// First moment after the logs, RFC 3339.
    pub end: String,
    /// AWS accounts, Azure subscriptions, GCP projects.
    pub accounts: Vec<AccountTruth>,
    /// Every identity that was granted something.
    pub identities: Vec<IdentityTruth>,
    /// Pairs of identities whose scores must stand in this order.
    pub order: Vec<OrderTruth>,
    /// Ids of identities that used every action they were granted: their index is 0.
    pub zero: Vec<String>,
    /// The injected attacks, in order of time.
    pub attacks: Vec<AttackTruth>,
    /// Records on disk, by cloud (`aws`, `azure`, `gcp`).
    pub records: BTreeMap<String, RecordCounts>,
}

/// An account that identities are granted something in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountTruth {
    /// `aws`, `azure` or `gcp`.
    pub cloud: String,
    /// Account number, subscription id or project id.
    pub id: String,
    /// Its display name.
    pub name: String,
}

/// One identity: granted and used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityTruth {
    /// `aws:<account>:user/<name>`, `aws:<account>:role/<name>`, `azure:<tenant>:<object id>` or `gcp:<e-mail>`.
    pub id: String,
    /// `aws`, `azure` or `gcp`.
    pub cloud: String,
    /// Accounts it holds grants in.
    pub accounts: Vec<String>,
    /// `user`, `role`, `service_principal`, `managed_identity` or `service_account`.
    pub kind: String,
    /// Its name for people.
    pub name: String,
    /// The way of working it was given, e.g. `aws.developer`.
    pub persona: String,
    /// Local time minus UTC in minutes, for people.
    pub utc_offset_minutes: i32,
    /// When it was created, for newcomers within the span, RFC 3339.
    pub joined: Option<String>,
    /// Whether it works at office hours of that zone.
    pub office_hours: bool,
    /// Names of its policies and roles.
    pub granted: Vec<String>,
    /// Actions used, with how often and when last.
    pub used: BTreeMap<String, UseTruth>,
    /// Resources of the inventory that uses touched, by their id there, with how often.
    pub resources: BTreeMap<String, u32>,
    /// Actions granted by exact name and never used; empty when `n_granted_exact` is above 60.
    pub never_used: Vec<String>,
    /// Actions granted by exact name.
    pub n_granted_exact: u32,
    /// How many of those were never used.
    pub n_never_used: u32,
    /// Whether exact names are all it holds: no wildcard, no predefined role known only by name.
    pub only_exact: bool,
    /// Calls made, whatever their outcome; sign-ins not among them.
    pub n_calls: u32,
    /// Calls that were denied: no use.
    pub n_denied: u32,
    /// Calls turned away before authorization: no use.
    pub n_throttled: u32,
    /// Sign-ins and other calls that need no permission.
    pub n_free: u32,
    /// The people behind an Identity Center role: session name, and how often each action was used under it.
    pub people: BTreeMap<String, BTreeMap<String, u32>>,
}

/// Use of one action by one identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseTruth {
    /// Calls that used it: successes and errors after authorization. A start and its end count once.
    pub n: u32,
    /// How many of those ended in an error.
    pub n_error: u32,
    /// When last, RFC 3339, to the second.
    pub last: String,
}

/// Two identities in the order their scores must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTruth {
    /// The id that scores higher.
    pub above: String,
    /// The id that scores lower.
    pub below: String,
    /// Whether equality would be wrong.
    pub strict: bool,
    /// Why it holds by construction.
    pub why: String,
}

/// One injected attack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackTruth {
    /// `attack-01` and so on.
    pub id: String,
    /// Kind, e.g. `aws_stolen_key_enumeration`.
    pub kind: String,
    /// MITRE ATT&CK technique.
    pub technique: String,
    /// The identity whose credentials were used.
    pub identity: String,
    /// Time of the first record, RFC 3339, to the second.
    pub start: String,
    /// Time of the last record.
    pub end: String,
    /// `eventID`s (AWS), `correlationId`s (Azure) or `insertId`s (GCP) of the records.
    pub event_ids: Vec<String>,
    /// Actions the identity had never used before.
    pub first_actions: Vec<String>,
    /// Resources of the inventory that the identity had never used before.
    pub first_resources: Vec<String>,
    /// Actions that were denied during the attack.
    pub denied_actions: Vec<String>,
}

/// Records on disk of one cloud: `n_records = n_events + n_copies + n_not_access`, and
/// `n_events = n_calls + n_by_others + n_second_records + n_second_views`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCounts {
    /// All log records, malformed lines not among them.
    pub n_records: u64,
    /// Distinct records of access.
    pub n_events: u64,
    /// First records of calls and sign-ins of the identities above.
    pub n_calls: u64,
    /// Records of AWS services, identity providers, root and other companies.
    pub n_by_others: u64,
    /// Ends of a start (Azure) and lasts of a first (GCP).
    pub n_second_records: u64,
    /// The owner's view of a call across accounts, sharing a `sharedEventID`.
    pub n_second_views: u64,
    /// Records delivered twice, byte for byte.
    pub n_copies: u64,
    /// Insights, digests, health alerts.
    pub n_not_access: u64,
    /// Malformed lines under `broken/`.
    pub n_broken: u64,
    /// Log files.
    pub n_files: u64,
}

/// What one identity did, counted while it happens.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    pub(crate) used: BTreeMap<&'static str, Use>,
    pub(crate) denied: BTreeSet<&'static str>,
    pub(crate) n_calls: u32,
    pub(crate) n_denied: u32,
    pub(crate) n_throttled: u32,
    pub(crate) n_free: u32,
    /// Uses by kind and index of the resource, in the identity's own account.
    pub(crate) resources: BTreeMap<(Kind, u16), u32>,
    /// The same uses by the person behind the session, for Identity Center roles.
    pub(crate) people: BTreeMap<String, BTreeMap<&'static str, u32>>,
}

#[derive(Debug, Default)]
pub(crate) struct Use {
    pub(crate) n: u32,
    pub(crate) n_error: u32,
    pub(crate) last: i64,
}

/// The count of everything that happens.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) deeds: BTreeMap<u32, Deeds>,
    n_by_others: BTreeMap<Cloud, u64>,
}

impl Tally {
    /// Counts a call of an identity; `person` is whoever is behind the session of a shared role.
    pub(crate) fn call(&mut self, who: u32, person: Option<&str>, op: &Op, call: &Call) {
        let deeds = self.deeds.entry(who).or_default();
        if op.actions.is_empty() {
            deeds.n_free += 1;
            return;
        }
        deeds.n_calls += 1;
        match call.outcome {
            Outcome::Denied => {
                deeds.n_denied += 1;
                deeds.denied.extend(&op.actions);
            }
            Outcome::Throttled => deeds.n_throttled += 1,
            Outcome::Success | Outcome::Missing => {
                *deeds.resources.entry((op.target, call.res)).or_default() += 1;
                for action in &op.actions {
                    let entry = deeds.used.entry(action).or_default();
                    entry.n += 1;
                    entry.n_error += u32::from(call.outcome == Outcome::Missing);
                    entry.last = entry.last.max(call.at);
                    if let Some(person) = person {
                        *deeds.people.entry(person.to_owned()).or_default().entry(action).or_default() += 1;
                    }
                }
            }
        }
    }

    /// Counts a record that belongs to no identity of the company.
    pub(crate) fn by_others(&mut self, cloud: Cloud) {
        *self.n_by_others.entry(cloud).or_default() += 1;
    }

    pub(crate) fn n_by_others(&self, cloud: Cloud) -> u64 {
        self.n_by_others.get(&cloud).copied().unwrap_or(0)
    }

    /// Calls and sign-ins of the identities given.
    pub(crate) fn n_calls(&self, of: impl Iterator<Item = u32>) -> u64 {
        of.filter_map(|idx| self.deeds.get(&idx)).map(|deeds| u64::from(deeds.n_calls + deeds.n_free)).sum()
    }
}
