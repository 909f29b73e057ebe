//! The output of one task: transactions of records, control records and a journal entry.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::control::{self, Control, HEADER, Says};
use super::journal::Entry;
use super::topics::{fault, writer_name};
use super::{Codec, Shared};
use crate::clock::Stopwatch;
use crate::{Fault, Progress, Wiring};

/// How long the brokers may take to open, flush or commit a transaction before the task starts anew.
const PATIENCE: Duration = Duration::from_secs(60);

/// Marks the journal's record among those delivered.
const JOURNAL: usize = 1;
/// No place yet.
const NOWHERE: i64 = -1;

/// Hears where the journal's record came to stand. The end of a transaction is answered before its marker is in the
/// journal, so asking for the journal's end a moment later would not do.
#[derive(Debug, Default)]
struct Delivered {
    journal: AtomicI64,
}

impl ClientContext for Delivered {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(target: "librdkafka", %error, reason, "the connection has trouble");
    }
}

impl ProducerContext for Delivered {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, what: usize) {
        if what == JOURNAL
            && let Ok(message) = result
        {
            self.journal.store(message.offset(), Ordering::Release);
        }
    }
}

type Record<'r> = BaseRecord<'r, [u8], [u8], usize>;

fn record_to(topic: &str, partition: i32, what: usize) -> Record<'_> {
    BaseRecord::with_opaque_to(topic, what).partition(partition)
}

/// A topic of the task's output.
struct Target {
    name: &'static str,
    topic: String,
    n_partitions: u32,
    carries_time: bool,
}

/// Writes transactions. Dropped in the middle of one, it leaves it open, and the next owner ends it.
pub(super) struct Outputs<P> {
    producer: BaseProducer<Delivered>,
    codec: Arc<dyn Codec<P>>,
    wiring: Wiring<P>,
    targets: Vec<Target>,
    journal: String,
    partition: i32,
    writer: String,
    is_open: bool,
    key: Vec<u8>,
}

impl<P: Clone> Outputs<P> {
    /// Writes a payload with a higher revision.
    pub(super) fn send_raised(&mut self, payload: &P, by: i64) -> Result<(), Fault> {
        if by == 0 {
            return self.send(payload);
        }
        let mut payload = payload.clone();
        (self.wiring.raise)(&mut payload, by);
        self.send(&payload)
    }
}

impl<P> Outputs<P> {
    /// Opens the transactional id of a task: whoever had it is locked out, and what he had not committed is undone.
    pub(super) fn open(
        shared: &Shared<P>,
        room: &'static str,
        partition: u32,
        writes: &[&'static str],
    ) -> Result<Self, Fault> {
        let options = &shared.options;
        let id = format!("{}.{partition}", options.group(room));
        let producer: BaseProducer<Delivered> = options
            .client
            .writer(&id)
            .create_with_context(Delivered::default())
            .map_err(|error| fault("cannot make a writer", error))?;
        until(PATIENCE, "cannot open transactions", || producer.init_transactions(Duration::from_secs(10)))?;
        let targets = writes.iter().map(|name| Target {
            name,
            topic: options.topic(name),
            n_partitions: options.n_partitions_of(name),
            carries_time: shared.plan.is_read_by_rooms(name),
        });
        Ok(Self {
            producer,
            codec: Arc::clone(&shared.codec),
            wiring: shared.wiring,
            targets: targets.collect(),
            journal: options.journal(room),
            partition: i32::try_from(partition).unwrap_or(i32::MAX),
            writer: writer_name(room, partition),
            is_open: false,
            key: Vec::new(),
        })
    }

    fn begin(&mut self) -> Result<(), Fault> {
        if !self.is_open {
            self.producer.begin_transaction().map_err(|error| fault("cannot begin a transaction", error))?;
            self.is_open = true;
        }
        Ok(())
    }

    /// Writes a payload to its partition.
    pub(super) fn send(&mut self, payload: &P) -> Result<(), Fault> {
        self.begin()?;
        let name = (self.wiring.topic)(payload);
        let Some(target) = self.targets.iter().find(|target| target.name == name) else { return Ok(()) };
        let n = target.n_partitions;
        let partition = self.wiring.partition(payload, n, &mut self.key).unwrap_or(0);
        let producer = &self.producer;
        self.codec.encode(payload, &mut |parts| {
            let mut headers = OwnedHeaders::new_with_capacity(parts.headers.len());
            for (key, value) in parts.headers {
                headers = headers.insert(Header { key, value: Some(value) });
            }
            let partition = i32::try_from(partition).unwrap_or(i32::MAX);
            let mut record = record_to(&target.topic, partition, 0).key(parts.key).headers(headers);
            if let Some(value) = parts.value {
                record = record.payload(value);
            }
            push(producer, record)
        })
    }

    /// Says how far accounts have been read, behind the records sent before.
    pub(super) fn progress(&mut self, said: Vec<Progress>) -> Result<(), Fault> {
        control::in_pieces(said).into_iter().try_for_each(|piece| self.say(Says::Progress(piece)))
    }

    /// Puts something of the belt's behind the records of every partition that a room reads; an end goes to all.
    pub(super) fn say(&mut self, says: Says) -> Result<(), Fault> {
        self.begin()?;
        let is_end = matches!(says, Says::End(_));
        let control = Control { writer: self.writer.clone(), says };
        let value = control.write().map_err(|source| Fault::edge("kafka", source))?;
        let key = format!("overgrant-control/{}", self.writer);
        for target in self.targets.iter().filter(|target| is_end || target.carries_time) {
            for partition in 0..target.n_partitions {
                let headers = OwnedHeaders::new().insert(Header { key: HEADER, value: Some(&value) });
                let partition = i32::try_from(partition).unwrap_or(i32::MAX);
                let record = record_to(&target.topic, partition, 0).key(key.as_bytes()).headers(headers);
                push(&self.producer, record)?;
            }
        }
        Ok(())
    }

    /// Ends the transaction: from here on what was sent counts, and the entry says what it stands for. Returns the place
    /// behind the entry.
    pub(super) fn commit(&mut self, entry: &Entry) -> Result<i64, Fault> {
        self.begin()?;
        let value = entry.write().map_err(|source| Fault::edge("kafka", source))?;
        self.producer.context().journal.store(NOWHERE, Ordering::Release);
        push(&self.producer, record_to(&self.journal, self.partition, JOURNAL).payload(value.as_slice()))?;
        until(PATIENCE, "cannot commit a transaction", || self.producer.commit_transaction(Duration::from_secs(10)))?;
        self.is_open = false;
        let waited = Stopwatch::start();
        loop {
            match self.producer.context().journal.load(Ordering::Acquire) {
                NOWHERE if waited.elapsed() < PATIENCE => self.producer.poll(Duration::from_millis(10)),
                NOWHERE => {
                    let what = "the journal's record was not reported as delivered".to_owned();
                    return Err(Fault::Kafka { what, why: None, is_passing: true });
                }
                offset => return Ok(offset + 1),
            }
        }
    }
}

/// Hands a record to librdkafka; waits while its queue is full.
fn push(producer: &BaseProducer<Delivered>, mut record: Record<'_>) -> Result<(), Fault> {
    let waited = Stopwatch::start();
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) if waited.elapsed() < PATIENCE => {
                producer.poll(Duration::from_millis(50));
                record = back;
            }
            Err((error, _)) => return Err(fault("cannot write", error)),
        }
    }
}

/// Tries again what the brokers may answer later.
fn until(patience: Duration, what: &str, mut work: impl FnMut() -> Result<(), KafkaError>) -> Result<(), Fault> {
    let waited = Stopwatch::start();
    loop {
        match work() {
            Ok(()) => return Ok(()),
            Err(KafkaError::Transaction(error)) if error.is_retriable() && waited.elapsed() < patience => {
                tracing::debug!(%error, "{what}, tries again");
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(error) => return Err(fault(what, error)),
        }
    }
}
