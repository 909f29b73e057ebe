//! Messages as Kafka records: Avro in the Confluent wire format with CloudEvents headers.
//!
//! | part | what it is |
//! |---|---|
//! | key | the full row key |
//! | value | a zero byte, the schema id in four bytes (the highest first), the Avro datum; on raw topics the provider's own bytes |
//! | headers | CloudEvents in Kafka's binary mode: `ce_specversion`, `ce_type`, `ce_source`, `ce_id`, `ce_time`, `content-type`; on raw topics `overgrant_raw` too |
//!
//! A row with `deleted_at` is a record like any other. A null value is a tombstone, which nobody needs to read.
//!
//! Written by other versions, a datum is read by the schema it was written with: [`SchemaIds`] knows how, or says
//! [`WireError::UnknownId`] so that the caller can ask the registry. The id may also stand in Confluent's header
//! `__value_schema_id`, as a number or a GUID; then the value is the datum alone.

mod error;
mod headers;
mod ids;
mod plan;
mod raw;
mod read;
mod resolve;
#[cfg(test)]
mod tests;
mod write;

pub use error::{DatumError, WireError};
pub use ids::SchemaIds;

use crate::Message;
use headers::{Headers, VALUE_SCHEMA_ID};
use raw::Raw;

/// A record to be written, over buffers that are used again from record to record.
#[derive(Debug, Default)]
pub struct Encoded {
    /// The row key.
    pub key: Vec<u8>,
    /// The value; [`encode`] always sets one, empty for a raw grant that is only a mark.
    pub value: Option<Vec<u8>>,
    /// Names and values, in order.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
}

impl Encoded {
    /// Empties it; its buffers stay.
    pub fn clear(&mut self) {
        self.key.clear();
        let used = self.headers.drain(..).map(|(_, value)| value);
        for mut buffer in used.chain(self.value.take()) {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

/// A record as it was read, lent from the client.
#[derive(Clone, Debug)]
pub struct Wire<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Kafka's timestamp in milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Wire<'a> {
    /// The last header of a name, as Kafka's own clients read them.
    fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Writes a message as a record of its topic; `source` is the CloudEvents source, such as `overgrant/score`.
///
/// # Errors
/// [`WireError::NoId`] when `ids` has none for the noun.
pub fn encode(message: &Message, ids: &SchemaIds, source: &str, into: &mut Encoded) -> Result<(), WireError> {
    into.clear();
    let place = message.place();
    let noun = &ids::nouns()[place];
    let id = ids.written(place).ok_or(WireError::NoId(noun.name))?;
    message.write_row_key(&mut into.key);
    let mut value = into.spare.pop().unwrap_or_default();
    let mut headers = Headers { list: &mut into.headers, spare: &mut into.spare };
    headers.cloud_event(message, &noun.event_type, source, &into.key);
    let written = match raw::parted(message) {
        Some((body, rest)) => {
            value.extend_from_slice(body);
            frame(&rest, id, headers.add(raw::REST))
        }
        None => frame(message, id, &mut value),
    };
    into.value = Some(value);
    written.map_err(|source| WireError::Datum { noun: noun.name, source })
}

/// Reads a record; `None` for a tombstone. On topics that are not raw, the schema id says which noun it is.
///
/// # Errors
/// [`WireError::UnknownId`] and [`WireError::UnknownGuid`] when the schema is to be asked for; the others say why the
/// record is a dead letter.
pub fn decode(wire: &Wire<'_>, ids: &SchemaIds) -> Result<Option<Message>, WireError> {
    let Some(value) = wire.value else { return Ok(None) };
    if let Some(kind) = raw::kind(wire.topic) {
        return raw::decode(kind, wire, value, ids).map(Some);
    }
    match wire.header(VALUE_SCHEMA_ID) {
        None => framed(value, ids),
        Some(named) => match *named {
            [0, a, b, c, d] | [a, b, c, d] => ids.read(u32::from_be_bytes([a, b, c, d]), value),
            [1, ref guid @ ..] => {
                let guid =
                    guid.try_into().map_err(|_| WireError::Frame("a GUID in `__value_schema_id` has 16 bytes"))?;
                ids.read_guid(u128::from_be_bytes(guid), value)
            }
            _ => Err(WireError::Frame("`__value_schema_id` is neither an id nor a GUID")),
        },
    }
    .map(Some)
}

/// The noun of a topic's records, with or without a prefix before the topic's name: what a schema met there is to be
/// read as. `None` for topics that are not ours.
#[must_use]
pub fn noun_of(topic: &str) -> Option<&'static str> {
    match raw::kind(topic) {
        Some(Raw::Log(_)) => Some("raw_record"),
        Some(Raw::Grant) => Some("raw_grant"),
        None => {
            let name = topic.strip_suffix(".v1")?;
            let name = name.rsplit('.').next().unwrap_or(name);
            ids::nouns().iter().map(|noun| noun.name).find(|noun| *noun == name)
        }
    }
}

fn frame(message: &Message, id: u32, into: &mut Vec<u8>) -> Result<(), DatumError> {
    into.push(0);
    into.extend_from_slice(&id.to_be_bytes());
    crate::with_noun!(message, noun => write::datum(noun.as_ref(), into))
}

/// Reads what begins with the classic header, or with its newer form that has a GUID.
fn framed(value: &[u8], ids: &SchemaIds) -> Result<Message, WireError> {
    match value {
        [0, a, b, c, d, datum @ ..] => ids.read(u32::from_be_bytes([*a, *b, *c, *d]), datum),
        [1, rest @ ..] => match rest.split_first_chunk() {
            Some((guid, datum)) => ids.read_guid(u128::from_be_bytes(*guid), datum),
            None => Err(WireError::Frame("it ends within the schema GUID")),
        },
        [0, ..] => Err(WireError::Frame("it ends within the schema id")),
        [] => Err(WireError::Frame("it is empty")),
        _ => Err(WireError::Frame("its first byte is neither 0 nor 1")),
    }
}
