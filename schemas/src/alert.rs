//! Something happened that somebody should look at.

use serde::{Deserialize, Serialize};

use crate::topic::PartitionBy;
use crate::{
    AccountId, Action, Id128, IdentityId, IdentityKind, Message, Noun, OrgId, Provider, Reason, ResourceId, Severity,
    Text, Time,
};

/// One alert: who, what, where, when, why, and what the identity could do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct Alert {
    /// The hash of identity, account and the start of its group.
    pub alert_id: Id128,
    /// When it was raised, by event time.
    pub time: Time,
    /// The first event of the group.
    pub first_at: Time,
    /// The last event of the group so far.
    pub last_at: Time,
    /// The cloud.
    pub provider: Provider,
    /// In which account.
    pub account_id: AccountId,
    /// The organization or tenant.
    pub org_id: OrgId,
    /// Who.
    pub identity_id: IdentityId,
    /// What kind of identity.
    pub identity_kind: IdentityKind,
    /// Its name for people.
    pub identity_name: Option<Text>,
    /// How soon somebody should look.
    pub severity: Severity,
    /// One line for people.
    pub title: Text,
    /// The fused surprise in nats.
    pub nats: f64,
    /// Why, the heaviest first.
    pub reasons: Vec<Reason>,
    /// What was done.
    pub actions: Vec<Action>,
    /// To what.
    pub resources: Vec<ResourceId>,
    /// From where.
    pub source_ips: Vec<Text>,
    /// What the identity could do, in a sentence.
    pub could: Option<Text>,
    /// The MITRE ATT&CK technique its actions are known for.
    pub technique: Option<Text>,
    /// The events behind it, the first ones up to the bound of the config; `overgrant raw` shows each.
    pub event_ids: Vec<Id128>,
    /// How many events there were in all.
    pub n_events: i64,
    /// The candidates it was fused from.
    pub anomaly_ids: Vec<Id128>,
    /// Why it is held back, when it is.
    pub suppressed: Option<Text>,
    /// Whether it may still change.
    pub provisional: bool,
    /// Counts up with each change.
    pub revision: i64,
}

impl Noun for Alert {
    const NAME: &'static str = "alert";

    fn row_key(&self) -> String {
        self.alert_id.to_string()
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

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Text(&self.identity_id)
    }

    fn into_message(self) -> Message {
        Message::Alert(self.into())
    }
}
