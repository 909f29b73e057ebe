//! What every noun can say of itself.

use apache_avro::AvroSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::topic::PartitionBy;
use crate::{Message, Time};

/// A record that flows between rooms and is stored as one whole row.
pub trait Noun: Serialize + DeserializeOwned + AvroSchema + Clone + PartialEq + Send + Sync + 'static {
    /// The one name: table, and topic and schema with `.v1` behind it.
    const NAME: &'static str;

    /// The full row key, which is the Kafka key too: what compaction and the stores keep one row of.
    fn row_key(&self) -> String;

    /// Appends the row key; the nouns that flow in masses do so without a text in between.
    fn write_row_key(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.row_key().as_bytes());
    }

    /// The event time, or the start of the window, by whose day the row is stored.
    fn time(&self) -> Time;

    /// A counter in the row's own state; the highest wins. Nouns that never change say 0.
    fn revision(&self) -> i64 {
        0
    }

    /// Adds to its revision: what a room tells whose state was made anew must win over what it told before. Nouns that
    /// never change have nothing to raise, and those whose revision is a time need nothing.
    fn raise(&mut self, by: i64) {
        let _ = by;
    }

    /// When the row was deleted; `None` while it stands.
    fn deleted_at(&self) -> Option<Time> {
        None
    }

    /// What the partition is computed from.
    fn partition_by(&self) -> PartitionBy<'_>;

    /// Wraps it for the belt.
    fn into_message(self) -> Message;
}
