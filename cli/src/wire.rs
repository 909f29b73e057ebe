//! Messages on Kafka: the wire format of `schemas` behind the belt's codec, with the ids of a registry or our own.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use schemas::wire::{self, Encoded, SchemaIds, Wire, WireError};
use schemas::{Body, DeadLetter, Message, Noun, Origin, Text, Time};
use stream::Fault;
use stream::kafka::{Codec, Decoded, Incoming, Parts};

/// Asks for a schema by its id; `None` when nobody has it.
pub(crate) type Ask = Box<dyn Fn(u32) -> Result<Option<String>, Fault> + Send + Sync>;

/// Ids that came to nothing are remembered up to here, so that bytes that are no Avro do not ask the registry each time.
const MAX_REFUSED: usize = 10_000;

/// The codec of all topics.
pub(crate) struct AvroCodec {
    ids: RwLock<SchemaIds>,
    source: String,
    ask: Option<Ask>,
    refused: RwLock<BTreeSet<u32>>,
}

thread_local! {
    /// Buffers that are used again from record to record.
    static ENCODED: RefCell<Encoded> = RefCell::default();
}

impl AvroCodec {
    /// With the ids to write with, and somebody who knows the schemas of other writers.
    pub(crate) fn new(ids: SchemaIds, source: String, ask: Option<Ask>) -> Self {
        Self { ids: RwLock::new(ids), source, ask, refused: RwLock::default() }
    }

    /// Asks for a schema that nobody here has written; which noun it is, its topic says.
    fn learn(&self, id: u32, topic: &str) -> Result<bool, Fault> {
        let (Some(ask), Some(noun)) = (&self.ask, wire::noun_of(topic)) else { return Ok(false) };
        if self.refused.read().unwrap_or_else(PoisonError::into_inner).contains(&id) {
            return Ok(false);
        }
        let mut ids = self.ids.write().unwrap_or_else(PoisonError::into_inner);
        let is_learned = ask(id)?.is_some_and(|text| ids.add_writer(id, noun, &text).is_ok());
        let mut refused = self.refused.write().unwrap_or_else(PoisonError::into_inner);
        if !is_learned && refused.len() < MAX_REFUSED {
            refused.insert(id);
        }
        Ok(is_learned)
    }

    fn read(&self, wire: &Wire<'_>) -> Result<Option<Message>, WireError> {
        wire::decode(wire, &self.ids.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Codec<Message> for AvroCodec {
    fn encode(&self, payload: &Message, to: &mut dyn FnMut(Parts<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        ENCODED.with_borrow_mut(|encoded| {
            let ids = self.ids.read().unwrap_or_else(PoisonError::into_inner);
            wire::encode(payload, &ids, &self.source, encoded).map_err(|error| Fault::edge("wire", error))?;
            to(Parts { key: &encoded.key, value: encoded.value.as_deref(), headers: &encoded.headers })
        })
    }

    fn decode(&self, record: &Incoming<'_>) -> Result<Decoded<Message>, Fault> {
        let wire = Wire {
            topic: record.topic,
            partition: record.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            key: record.key,
            value: record.value,
            headers: record.headers.clone(),
        };
        let mut read = self.read(&wire);
        if let Err(WireError::UnknownId(id)) = read
            && self.learn(id, record.topic)?
        {
            read = self.read(&wire);
        }
        Ok(match read {
            Ok(Some(message)) => Decoded::Payload(message),
            Ok(None) => Decoded::None,
            Err(error) => Decoded::Rejected(dead_letter(record, &error)),
        })
    }
}

/// What cannot be read, with its bytes.
fn dead_letter(record: &Incoming<'_>, error: &WireError) -> Message {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    let origin =
        Origin { topic: Text::from(record.topic), partition: record.partition, offset: record.offset, file: None };
    let time = Time(record.timestamp_ms.unwrap_or(0).saturating_mul(1_000));
    let body = Body(record.value.unwrap_or_default().to_vec().into());
    DeadLetter::of("stream", reason, None, origin, time, &body).into_message()
}
