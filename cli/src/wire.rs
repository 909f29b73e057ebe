//! Messages on Kafka: the wire format of `schemas` behind the belt's codec, with the ids of a registry or our own.

mod large;
pub(crate) mod redrive;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use schemas::wire::{self, Encoded, SchemaIds, Wire, WireError};
use schemas::{Body, DeadLetter, Message, Noun, Origin, Text, Time};
use stream::Fault;
use stream::bodies::BodyStore;
use stream::kafka::{Codec, Decoded, Incoming, Parts};

use self::redrive::Redrive;

/// How a schema is named on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SchemaName {
    /// By a number.
    Id(u32),
    /// By a GUID.
    Guid(u128),
}

/// Asks for a schema by its name; `None` when nobody has it.
pub(crate) type Ask = Box<dyn Fn(SchemaName) -> Result<Option<String>, Fault> + Send + Sync>;

/// Names that came to nothing are remembered up to here, so that bytes that are no Avro do not ask the registry each time.
const MAX_REFUSED: usize = 10_000;
/// Schemas of others that are remembered: a hostile writer may name any number of them.
const MAX_LEARNED: usize = 10_000;

/// The codec of all topics.
pub(crate) struct AvroCodec {
    ids: RwLock<SchemaIds>,
    source: String,
    ask: Option<Ask>,
    asked: RwLock<Asked>,
    bodies: Option<BodyStore>,
}

/// What came of asking.
#[derive(Debug, Default)]
struct Asked {
    refused: BTreeSet<SchemaName>,
    n_learned: usize,
}

thread_local! {
    /// Buffers that are used again from record to record.
    static ENCODED: RefCell<Encoded> = RefCell::default();
}

impl AvroCodec {
    /// With the ids to write with, and somebody who knows the schemas of other writers.
    pub(crate) fn new(ids: SchemaIds, source: String, ask: Option<Ask>) -> Self {
        Self { ids: RwLock::new(ids), source, ask, asked: RwLock::default(), bodies: None }
    }

    /// With a place for bodies that are too large for a topic.
    pub(crate) fn with_bodies(mut self, bodies: BodyStore) -> Self {
        self.bodies = Some(bodies);
        self
    }

    /// Asks for a schema that nobody here has written; which noun it is, its topic says.
    fn learn(&self, name: SchemaName, topic: &str) -> Result<bool, Fault> {
        let (Some(ask), Some(noun)) = (&self.ask, wire::noun_of(topic)) else { return Ok(false) };
        {
            let asked = self.asked.read().unwrap_or_else(PoisonError::into_inner);
            if asked.refused.contains(&name) || asked.n_learned >= MAX_LEARNED {
                return Ok(false);
            }
        }
        let text = ask(name)?;
        let mut ids = self.ids.write().unwrap_or_else(PoisonError::into_inner);
        let is_learned = text.is_some_and(|text| match name {
            SchemaName::Id(id) => ids.add_writer(id, noun, &text).is_ok(),
            SchemaName::Guid(guid) => ids.add_guid(guid, noun, &text).is_ok(),
        });
        let mut asked = self.asked.write().unwrap_or_else(PoisonError::into_inner);
        asked.n_learned += usize::from(is_learned);
        if !is_learned && asked.refused.len() < MAX_REFUSED {
            asked.refused.insert(name);
        }
        Ok(is_learned)
    }

    fn read(&self, wire: &Wire<'_>) -> Result<Option<Message>, WireError> {
        wire::decode(wire, &self.ids.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads a record, and asks for its schema if need be.
    fn read_or_learn(&self, wire: &Wire<'_>) -> Result<Result<Option<Message>, WireError>, Fault> {
        let read = self.read(wire);
        let name = match read {
            Err(WireError::UnknownId(id)) => SchemaName::Id(id),
            Err(WireError::UnknownGuid(guid)) => SchemaName::Guid(guid),
            read => return Ok(read),
        };
        Ok(if self.learn(name, wire.topic)? { self.read(wire) } else { read })
    }
}

impl Codec<Message> for AvroCodec {
    fn encode(&self, payload: &Message, to: &mut dyn FnMut(Parts<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let (mut cut, mut redrive) = (None, None);
        match payload {
            Message::DeadLetter(letter) => cut = large::letter(letter, self.bodies.as_ref())?,
            Message::RawRecord(raw) => redrive = Redrive::of_record(raw),
            _ => {}
        }
        let payload = cut.as_ref().unwrap_or(payload);
        ENCODED.with_borrow_mut(|encoded| {
            let ids = self.ids.read().unwrap_or_else(PoisonError::into_inner);
            wire::encode(payload, &ids, &self.source, encoded).map_err(|error| Fault::edge("wire", error))?;
            encoded.headers.extend(redrive.iter().map(|redrive| (redrive::HEADER, redrive.write())));
            if let (Some(value), Some(bodies)) = (&mut encoded.value, &self.bodies)
                && value.len() > large::MAX_VALUE_BYTES
            {
                *value = large::store(payload.topic(), value, bodies)?;
                encoded.headers.push((large::HEADER, value.clone()));
            }
            to(Parts { key: &encoded.key, value: encoded.value.as_deref(), headers: &encoded.headers })
        })
    }

    fn decode(&self, record: &Incoming<'_>) -> Result<Decoded<Message>, Fault> {
        let redrive = Redrive::read(&record.headers);
        let loaded = match large::load(&record.headers, self.bodies.as_ref())? {
            None => None,
            Some(Ok(body)) => Some(body),
            Some(Err(error)) => return Ok(Decoded::Rejected(dead_letter(record, &error, redrive))),
        };
        let origin = redrive.as_ref().map(|redrive| &redrive.origin);
        let wire = Wire {
            topic: record.topic,
            partition: origin.map_or(record.partition, |origin| origin.partition),
            offset: origin.map_or(record.offset, |origin| origin.offset),
            timestamp_ms: redrive.as_ref().map(|redrive| redrive.time.0 / 1_000).or(record.timestamp_ms),
            key: record.key,
            value: loaded.as_deref().or(record.value),
            headers: record.headers.clone(),
        };
        Ok(match self.read_or_learn(&wire)? {
            Ok(Some(message)) => Decoded::Payload(match &redrive {
                Some(redrive) => redrive.mark(message),
                None => message,
            }),
            Ok(None) => Decoded::None,
            Err(error) => Decoded::Rejected(dead_letter(record, &error, redrive)),
        })
    }
}

/// What cannot be read, with its bytes. A record that was sent again has its letter open again.
fn dead_letter(record: &Incoming<'_>, error: &dyn std::error::Error, redrive: Option<Redrive>) -> Message {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    let place =
        Origin { topic: Text::from(record.topic), partition: record.partition, offset: record.offset, file: None };
    let time = Time(record.timestamp_ms.unwrap_or(0).saturating_mul(1_000));
    let (room, origin, time, revision) = match redrive {
        Some(redrive) => (redrive.room, redrive.origin, redrive.time, redrive.at.0.saturating_add(1)),
        None => (Text::from(DeadLetter::STREAM), place, time, 0),
    };
    let body = Body(record.value.unwrap_or_default().to_vec().into());
    let headers = record.headers.iter().filter(|(name, _)| *name != redrive::HEADER).copied();
    let letter = DeadLetter::of(&room, reason, None, origin, time, &body).with_headers(record.key, headers);
    DeadLetter { revision, ..letter }.into_message()
}

#[cfg(test)]
mod tests;
