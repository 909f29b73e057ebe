//! The resources an account is known to have: what a resource pattern's reach is measured against.

use serde::{Deserialize, Serialize};

use crate::topic::PartitionBy;
use crate::{AccountId, Message, Noun, Provider, ResourceId, Text, Time};

/// The known resources of one type in one account, from an inventory snapshot and never from the event stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct Inventory {
    /// The cloud.
    pub provider: Provider,
    /// The account.
    pub account_id: AccountId,
    /// The resource type in the cloud's own words: `s3:bucket`, `Microsoft.Storage/storageAccounts`,
    /// `storage.googleapis.com/Bucket`.
    pub kind: Text,
    /// When the snapshot was taken.
    pub time: Time,
    /// How many there are.
    pub n_resources: i64,
    /// Their ids in order, cut at the bound of the config.
    pub resource_ids: Vec<ResourceId>,
    /// When a complete snapshot no longer had any.
    pub deleted_at: Option<Time>,
    /// Counts up with each change.
    pub revision: i64,
}

impl Noun for Inventory {
    const NAME: &'static str = "inventory";

    fn row_key(&self) -> String {
        format!("{}|{}|{}", self.provider, self.account_id, self.kind)
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
        PartitionBy::Broadcast
    }

    fn into_message(self) -> Message {
        Message::Inventory(self.into())
    }
}
