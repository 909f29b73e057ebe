//! A candidate: something a detector found unlikely.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::topic::PartitionBy;
use crate::{
    AccountId, Action, Id128, IdentityId, IdentityKind, Message, Noun, OrgId, Provider, ResourceId, RiskClass, Text,
    Time,
};

/// One reason, with its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
pub struct Reason {
    /// The detector's channel: `action`, `resource`, `network`, `volume`, `peers` …
    pub channel: Text,
    /// What is unlikely about it, in nats (natural-log units of surprise).
    pub nats: f64,
    /// One sentence for people.
    pub text: Text,
}

/// One candidate of one detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
pub struct Anomaly {
    /// The hash of detector, event or window, and identity.
    pub anomaly_id: Id128,
    /// The detector.
    pub detector: Text,
    /// The event time.
    pub time: Time,
    /// The cloud.
    pub provider: Provider,
    /// In which account.
    pub account_id: AccountId,
    /// The organization or tenant, for triage; the account where there is none.
    pub org_id: OrgId,
    /// Who.
    pub identity_id: IdentityId,
    /// What kind of identity.
    pub identity_kind: IdentityKind,
    /// Its name for people.
    pub identity_name: Option<Text>,
    /// The action, when it is about one.
    pub action: Option<Action>,
    /// How dangerous that action is.
    pub risk_class: Option<RiskClass>,
    /// The resource, when it is about one.
    pub resource_id: Option<ResourceId>,
    /// The caller's address.
    pub source_ip: Option<Text>,
    /// The tool.
    pub tool: Option<Text>,
    /// The probability of something at least as unlikely under the model.
    pub p_value: f64,
    /// How many were tested to find it, for false-discovery control.
    pub n_tested: i64,
    /// Why, the heaviest first.
    pub reasons: Vec<Reason>,
    /// The events behind it, the first ones up to the bound of the config.
    pub event_ids: Vec<Id128>,
    /// The peer model it was scored with.
    pub model_id: Option<Text>,
    /// Whether it may still change.
    pub provisional: bool,
    /// Counts up with each change.
    pub revision: i64,
}

impl Noun for Anomaly {
    const NAME: &'static str = "anomaly";

    fn row_key(&self) -> String {
        self.anomaly_id.to_string()
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
        PartitionBy::Text(&self.org_id)
    }

    fn into_message(self) -> Message {
        Message::Anomaly(self.into())
    }
}
