//! Who assumed what: one temporary credential and the chain behind it.

use serde::{Deserialize, Serialize};

use crate::topic::PartitionBy;
use crate::{AccountId, Id128, IdentityId, Message, Noun, Provider, Text, Time};

/// One session: a temporary credential, its identity and who stands behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct Session {
    /// The temporary credential's id.
    pub credential_id: Text,
    /// The cloud.
    pub provider: Provider,
    /// The account of the assumed identity.
    pub account_id: AccountId,
    /// The identity that was assumed.
    pub identity_id: IdentityId,
    /// The session's name.
    pub session_name: Option<Text>,
    /// Who assumed it.
    pub assumed_by: IdentityId,
    /// The chain so far, the first one first; its last is `assumed_by`.
    pub chain: Vec<IdentityId>,
    /// The credential that assumed it.
    pub parent_credential_id: Option<Text>,
    /// When it was issued.
    pub issued_at: Time,
    /// When it ends, when known.
    pub expires_at: Option<Time>,
    /// The event that issued it.
    pub event_id: Id128,
    /// Counts up with each change.
    pub revision: i64,
}

impl Noun for Session {
    const NAME: &'static str = "session";

    fn row_key(&self) -> String {
        self.credential_id.to_string()
    }

    fn time(&self) -> Time {
        self.issued_at
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
        Message::Session(self.into())
    }
}
