//! A raw log record, its bytes untouched.

use std::collections::HashSet;
use std::fmt;

use apache_avro::AvroSchema;
use apache_avro::schema::{Name, NamespaceRef, Schema};
use apache_avro::serde::AvroSchemaComponent;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::topic::PartitionBy;
use crate::{AccountId, Id128, Message, Noun, Provider, Text, Time};

/// The bytes of a record as they came; Avro `bytes`.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Body(pub Bytes);

impl Body {
    /// A number that spreads records over partitions and is the same for all copies of one: members of JSON in another
    /// order, or other white space, do not change it. Each byte counts with a weight of its own, wherever it stands.
    #[must_use]
    pub fn spread(&self) -> u128 {
        let weight = |byte: u8| (u64::from(byte) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) | 1;
        let sum = self.0.iter().filter(|byte| !byte.is_ascii_whitespace()).fold(0u64, |sum, byte| {
            let weight = weight(*byte);
            sum.wrapping_add(weight.wrapping_mul(weight))
        });
        u128::from(sum)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Body {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Bytes::deserialize(deserializer)?))
    }
}

impl AvroSchemaComponent for Body {
    fn get_schema_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> Schema {
        Schema::Bytes
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }
}

/// Where a record stood when we first read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AvroSchema)]
pub struct Origin {
    /// The raw topic, such as `raw.aws.cloudtrail`.
    pub topic: Text,
    /// Its partition.
    pub partition: i32,
    /// The offset in the partition, or the record's place in its file for files.
    pub offset: i64,
    /// The file it came from, as ingest names it; absent for records that came over a topic.
    pub file: Option<Text>,
}

/// One raw log record. Stored after the redaction list was applied; until then byte for byte what the cloud wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
pub struct RawRecord {
    /// The hash of the origin: file or topic, partition, offset.
    pub record_id: Id128,
    /// The cloud whose log it is.
    pub provider: Provider,
    /// Where it stood.
    pub origin: Origin,
    /// The account that ingest saw in it, for partitioning and progress only; normalization decides.
    pub account_id: Option<AccountId>,
    /// The time that ingest saw in it, for ordering only; normalization decides.
    pub time: Option<Time>,
    /// When we read it.
    pub ingested_at: Time,
    /// The bytes.
    pub body: Body,
    /// How many values the redaction list replaced before it was stored.
    pub n_redacted: i32,
    /// When it was sent once more, after its room had rejected it: its room then counts it no second time. Never stored;
    /// on a topic it is in a header of its own.
    #[serde(skip)]
    pub redriven_at: Option<Time>,
}

impl RawRecord {
    /// The id of the record at an origin.
    #[must_use]
    pub fn id_at(origin: &Origin) -> Id128 {
        let file = origin.file.as_deref().unwrap_or_default();
        let (partition, offset) = (origin.partition.to_le_bytes(), origin.offset.to_le_bytes());
        Id128::of_parts(&[origin.topic.as_bytes(), file.as_bytes(), &partition, &offset])
    }
}

impl Noun for RawRecord {
    const NAME: &'static str = "raw_record";

    fn row_key(&self) -> String {
        self.record_id.to_string()
    }

    fn write_row_key(&self, into: &mut Vec<u8>) {
        self.record_id.write_hex(into);
    }

    fn time(&self) -> Time {
        self.time.unwrap_or(self.ingested_at)
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Salted(self.account_id.as_deref().unwrap_or_default(), self.body.spread())
    }

    fn into_message(self) -> Message {
        Message::RawRecord(self.into())
    }
}
