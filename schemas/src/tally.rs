//! What became of the records of one source: the sum that shows that nothing was lost.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::topic::PartitionBy;
use crate::{Message, Noun, Provider, Text, Time};

/// A kind of record that is no access, and how many there were.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, AvroSchema)]
pub struct KindCount {
    /// The kind: `insight`, `service_health`, `alert`, `digest` …
    pub kind: Text,
    /// How many.
    pub n: i64,
}

/// The records of one file or topic that one partition of a room read: `n_read = n_events + n_copies + n_not_access + n_dead_letters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
pub struct Tally {
    /// The room that counted.
    pub room: Text,
    /// The partition of the room.
    pub partition: i32,
    /// The cloud, when known.
    pub provider: Option<Provider>,
    /// The raw topic.
    pub topic: Text,
    /// The file; empty for topics.
    pub file: Text,
    /// Records read.
    pub n_read: i64,
    /// Access events emitted.
    pub n_events: i64,
    /// Copies: the same provider id and the same canonical bytes as an earlier one.
    pub n_copies: i64,
    /// Records that are no access.
    pub n_not_access: i64,
    /// Records rejected.
    pub n_dead_letters: i64,
    /// Records with an earlier one's provider id and other bytes; counted among the events.
    pub n_id_collisions: i64,
    /// Events whose action the record names or a table maps.
    pub n_known: i64,
    /// Events whose action is assumed from the operation's name.
    pub n_assumed: i64,
    /// Events that need no permission.
    pub n_none_needed: i64,
    /// Events whose action is unknown.
    pub n_unknown: i64,
    /// The kinds of `n_not_access`, in order.
    pub not_access: Vec<KindCount>,
    /// The highest event time among them.
    pub time: Time,
    /// Counts up with each change.
    pub revision: i64,
}

impl Noun for Tally {
    const NAME: &'static str = "tally";

    fn row_key(&self) -> String {
        let provider = self.provider.map_or("", Provider::as_str);
        format!("{}|{}|{provider}|{}|{}", self.room, self.partition, self.topic, self.file)
    }

    /// Always the epoch: one row a source, whose day must not change as it grows.
    fn time(&self) -> Time {
        Time(0)
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    fn raise(&mut self, by: i64) {
        self.revision = self.revision.saturating_add(by);
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Text(&self.topic)
    }

    fn into_message(self) -> Message {
        Message::Tally(self.into())
    }
}
