//! A record that a room could not use, with the reason and its bytes.

use serde::{Deserialize, Serialize};

use crate::topic::PartitionBy;
use crate::{Body, Id128, Message, Noun, Origin, Provider, Text, Time};

/// One rejected record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct DeadLetter {
    /// The hash of room and origin.
    pub dead_letter_id: Id128,
    /// The room that rejected it.
    pub room: Text,
    /// Why, for people, with what to do when it is ours to say.
    pub reason: Text,
    /// The cloud, when it is known.
    pub provider: Option<Provider>,
    /// Where the record stood.
    pub origin: Origin,
    /// When we read it.
    pub time: Time,
    /// How many bytes it had.
    pub n_bytes: i64,
    /// The bytes, after the redaction list; cut at the bound of the config, `n_bytes` tells.
    pub body: Body,
    /// The hash of all its bytes.
    pub body_hash: Id128,
}

impl DeadLetter {
    /// How many bytes of a record a dead letter carries at most: what fits a 900 KB topic record with room for the rest.
    pub const MAX_BODY_BYTES: usize = 800_000;

    /// Makes one from a record's bytes.
    #[must_use]
    pub fn of(
        room: &str,
        reason: impl AsRef<str>,
        provider: Option<Provider>,
        origin: Origin,
        time: Time,
        body: &Body,
    ) -> Self {
        let file = origin.file.as_deref().unwrap_or_default();
        let place = format!("{}|{}|{}", origin.topic, origin.partition, origin.offset);
        Self {
            dead_letter_id: Id128::of_parts(&[room.as_bytes(), place.as_bytes(), file.as_bytes()]),
            room: Text::from(room),
            reason: Text::new(reason),
            provider,
            origin,
            time,
            n_bytes: i64::try_from(body.0.len()).unwrap_or(i64::MAX),
            body: Body(body.0.slice(..body.0.len().min(Self::MAX_BODY_BYTES))),
            body_hash: Id128::of_parts(&[&body.0]),
        }
    }
}

impl Noun for DeadLetter {
    const NAME: &'static str = "dead_letter";

    fn row_key(&self) -> String {
        self.dead_letter_id.to_string()
    }

    fn time(&self) -> Time {
        self.time
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Text(&self.origin.topic)
    }

    fn into_message(self) -> Message {
        Message::DeadLetter(self.into())
    }
}
