//! What an identity used in a window.

use serde::{Deserialize, Serialize};

use crate::topic::PartitionBy;
use crate::{
    AccessLevel, AccountId, Action, IdentityId, IdentityKind, Message, Noun, Provider, ResourceId, RiskClass, Time,
};

/// The uses of one action on one grantable resource by one identity in one tumbling window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct Usage {
    /// Who.
    pub identity_id: IdentityId,
    /// What kind of identity.
    pub identity_kind: IdentityKind,
    /// The cloud.
    pub provider: Provider,
    /// The account in which it was used.
    pub account_id: AccountId,
    /// The action; `other` for what overflowed the bound of actions per identity.
    pub action: Action,
    /// What the action does.
    pub access_level: Option<AccessLevel>,
    /// How dangerous it is.
    pub risk_class: Option<RiskClass>,
    /// The grantable container (bucket, table, key, function), empty when unknown, `other` for what overflowed.
    pub resource_id: ResourceId,
    /// The window's start.
    pub window_start: Time,
    /// The window's width in microseconds: an hour or a day.
    pub window_us: i64,
    /// Uses: successes and errors after authorization.
    pub n_uses: i64,
    /// Denials, which are no use.
    pub n_denied: i64,
    /// Errors among the uses.
    pub n_errors: i64,
    /// The first of them in the window.
    pub first_at: Time,
    /// The last of them in the window.
    pub last_at: Time,
    /// Whether the window may still change.
    pub provisional: bool,
    /// Counts up with each change.
    pub revision: i64,
}

impl Noun for Usage {
    const NAME: &'static str = "usage";

    fn row_key(&self) -> String {
        let Self { identity_id, account_id, action, resource_id, window_start, window_us, .. } = self;
        format!("{identity_id}|{account_id}|{action}|{resource_id}|{}|{window_us}", window_start.0)
    }

    fn time(&self) -> Time {
        self.window_start
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
        Message::Usage(self.into())
    }
}
