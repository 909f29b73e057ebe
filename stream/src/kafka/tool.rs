//! Topics for tools beside the rooms: reads one to its end, looks at the first and last records of many, and writes records in
//! transactions.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Headers, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{Message, Offset, TopicPartitionList};

use super::client::Quiet;
use super::control::HEADER;
use super::scan::Scanner;
use super::topics::fault;
use super::{Codec, Incoming, Options};
use crate::clock::Stopwatch;
use crate::{Fault, Wiring};

/// How long the brokers may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a look at many topics takes at most, and how long nothing may come before it is at its end.
const LOOK: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_millis(400);
/// How far before the end a look begins: behind the last record stand the marks of transactions.
const TAIL: i64 = 16;

/// A tool's hold on the topics: one of a name at a time, whoever opened it last.
pub struct Tool<P> {
    options: Options,
    codec: Arc<dyn Codec<P>>,
    wiring: Wiring<P>,
    producer: BaseProducer<Told>,
    is_open: bool,
    key: Vec<u8>,
}

/// Passes trouble on as events.
#[derive(Clone, Copy, Debug, Default)]
struct Told;

impl ClientContext for Told {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(target: "librdkafka", %error, reason, "the connection has trouble");
    }
}

impl ProducerContext for Told {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &rdkafka::message::DeliveryResult<'_>, (): ()) {}
}

impl<P> Tool<P> {
    /// Opens a tool's transactions: another process that has the same tool open can write no more.
    ///
    /// # Errors
    /// When the brokers cannot be reached.
    pub fn open(options: &Options, codec: Arc<dyn Codec<P>>, wiring: Wiring<P>, name: &str) -> Result<Self, Fault> {
        let config = options.client.writer(&options.group(name));
        let producer: BaseProducer<Told> =
            config.create_with_context(Told).map_err(|error| fault("cannot make a writer", error))?;
        producer.init_transactions(PATIENCE).map_err(|error| fault("cannot open transactions", error))?;
        Ok(Self { options: options.clone(), codec, wiring, producer, is_open: false, key: Vec::new() })
    }

    /// Writes a payload to its topic: to the partition that it belongs to, or to one of the caller's choice.
    ///
    /// # Errors
    /// When the brokers do not take it.
    pub fn send(&mut self, payload: &P, partition: Option<i32>) -> Result<(), Fault> {
        self.begin()?;
        let topic = (self.wiring.topic)(payload);
        let n = self.options.n_partitions_of(topic);
        let own = self.wiring.partition(payload, n, &mut self.key).unwrap_or(0);
        let partition = partition.unwrap_or(i32::try_from(own).unwrap_or(i32::MAX));
        let (topic, producer) = (self.options.topic(topic), &self.producer);
        self.codec.encode(payload, &mut |parts| {
            let headers = parts.headers.iter().map(|(name, value)| (*name, value.as_slice()));
            push(producer, &topic, partition, parts.key, parts.value, headers)
        })
    }

    /// Writes a record as it is; without a value it is a tombstone.
    ///
    /// # Errors
    /// When the brokers do not take it.
    pub fn send_parts(
        &mut self,
        topic: &str,
        partition: i32,
        key: &[u8],
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<(), Fault> {
        self.begin()?;
        let topic = self.options.topic(topic);
        push(&self.producer, &topic, partition, key, value, headers.iter().copied())
    }

    fn begin(&mut self) -> Result<(), Fault> {
        if !self.is_open {
            self.producer.begin_transaction().map_err(|error| fault("cannot begin a transaction", error))?;
            self.is_open = true;
        }
        Ok(())
    }

    /// Ends the transaction: from here on what was sent counts.
    ///
    /// # Errors
    /// When it cannot be ended; then nothing of it counts.
    pub fn commit(&mut self) -> Result<(), Fault> {
        if self.is_open {
            self.producer.commit_transaction(PATIENCE).map_err(|error| fault("cannot commit a transaction", error))?;
            self.is_open = false;
        }
        Ok(())
    }

    /// Reads a topic from its beginning to its end as of now, records of the belt itself left out.
    ///
    /// # Errors
    /// When the brokers cannot be reached, and what `each` answers.
    pub fn read(&self, topic: &str, mut each: impl FnMut(&Incoming<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let n = i32::try_from(self.options.n_partitions_of(topic)).unwrap_or(i32::MAX);
        Scanner::open(&self.options)?.all(&self.options.topic(topic), 0..n, |message| {
            incoming(message, self.options.topic_prefix.len()).map_or(Ok(()), |incoming| each(&incoming))
        })
    }
}

/// Looks at a few records at the beginning and at the end of each partition of some topics; empty ones are passed over.
///
/// # Errors
/// When the brokers cannot be reached, and what `each` answers.
pub fn look(
    options: &Options,
    topics: &[&str],
    mut each: impl FnMut(&Incoming<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let consumer: BaseConsumer<Quiet> = options
        .client
        .reader(&options.group("tools"))
        .create_with_context(Quiet)
        .map_err(|error| fault("cannot make a reader", error))?;
    for from in [Offset::Beginning, Offset::OffsetTail(TAIL)] {
        let places = topics.iter().flat_map(|topic| {
            let n = i32::try_from(options.n_partitions_of(topic)).unwrap_or(i32::MAX);
            (0..n).map(|partition| (options.topic(topic), partition))
        });
        assign(&consumer, places, from)?;
        let (begun, mut quiet) = (Stopwatch::start(), Stopwatch::start());
        while begun.elapsed() < LOOK && quiet.elapsed() < QUIET {
            let message = match consumer.poll(Duration::from_millis(50)) {
                Some(Ok(message)) => message,
                // A topic shorter than its tail is read from its beginning before.
                Some(Err(_)) | None => continue,
            };
            quiet = Stopwatch::start();
            if let Some(incoming) = incoming(&message, options.topic_prefix.len()) {
                each(&incoming)?;
                if from == Offset::Beginning {
                    let mut seen = TopicPartitionList::new();
                    seen.add_partition(message.topic(), message.partition());
                    consumer.pause(&seen).map_err(|error| fault("cannot pause", error))?;
                }
            }
        }
    }
    Ok(())
}

fn assign(
    consumer: &BaseConsumer<Quiet>,
    places: impl Iterator<Item = (String, i32)>,
    from: Offset,
) -> Result<(), Fault> {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in places {
        list.add_partition_offset(&topic, partition, from).map_err(|error| fault("cannot assign a topic", error))?;
    }
    consumer.assign(&list).map_err(|error| fault("cannot assign a topic", error))
}

/// A record, unless it is one of the belt's own.
pub(super) fn incoming<'m>(message: &'m BorrowedMessage<'_>, prefix_len: usize) -> Option<Incoming<'m>> {
    let headers: Vec<(&str, &[u8])> = message
        .headers()
        .into_iter()
        .flat_map(Headers::iter)
        .filter_map(|header| Some((header.key, header.value?)))
        .collect();
    if headers.iter().any(|(name, _)| *name == HEADER) {
        return None;
    }
    Some(Incoming {
        topic: message.topic().get(prefix_len..).unwrap_or_default(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key(),
        value: message.payload(),
        headers,
    })
}

fn push<'h>(
    producer: &BaseProducer<Told>,
    topic: &str,
    partition: i32,
    key: &[u8],
    value: Option<&[u8]>,
    headers: impl Iterator<Item = (&'h str, &'h [u8])>,
) -> Result<(), Fault> {
    let mut owned = OwnedHeaders::new();
    for (key, value) in headers {
        owned = owned.insert(Header { key, value: Some(value) });
    }
    let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).partition(partition).key(key).headers(owned);
    if let Some(value) = value {
        record = record.payload(value);
    }
    let waited = Stopwatch::start();
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(rdkafka::error::RDKafkaErrorCode::QueueFull), back))
                if waited.elapsed() < PATIENCE =>
            {
                producer.poll(Duration::from_millis(50));
                record = back;
            }
            Err((error, _)) => return Err(fault("cannot write", error)),
        }
    }
}
