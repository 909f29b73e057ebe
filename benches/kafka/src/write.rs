//! Who writes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer, ProducerContext};

use crate::load::{HEADERS, KEY, Load, WRITER};

const PATIENCE: Duration = Duration::from_secs(60);
/// Where a transaction's journal entry goes.
pub(crate) const JOURNAL: &str = "bench.journal";
/// After how many records, or after what time, a transaction ends.
const COMMIT_RECORDS: u64 = 20_000;
const COMMIT_EVERY: Duration = Duration::from_millis(200);
/// How many records of `FutureProducer` may be under way.
const WINDOW: usize = 20_000;

/// Hears of every record, as `stream::kafka::outputs` does.
#[derive(Default)]
struct Delivered {
    failed: AtomicU64,
    journal: AtomicU64,
}

impl ClientContext for Delivered {}

impl ProducerContext for Delivered {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, what: usize) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        } else if what == 1 {
            self.journal.fetch_add(1, Ordering::Release);
        }
    }
}

fn headers() -> OwnedHeaders {
    let mut headers = OwnedHeaders::new_with_capacity(HEADERS.len());
    for (key, value) in HEADERS {
        headers = headers.insert(Header { key, value: Some(value.as_bytes()) });
    }
    headers
}

type Record<'r> = BaseRecord<'r, [u8], [u8], usize>;

fn push(producer: &BaseProducer<Delivered>, mut record: Record<'_>) -> Result<(), String> {
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                producer.poll(Duration::from_millis(50));
                record = back;
            }
            Err((error, _)) => return Err(error.to_string()),
        }
    }
}

/// How ours writes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    pub(crate) has_headers: bool,
    pub(crate) has_transactions: bool,
    /// Waits for what was written when a transaction would end: the same records under way, and no transaction.
    pub(crate) is_flushed: bool,
}

/// Ours: the calls that `stream::kafka::outputs` makes. Says how many transactions it were.
pub(crate) fn ours(load: &Load, how: How) -> Result<u64, String> {
    let mut config = load.config(WRITER);
    if how.has_transactions {
        let id = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        config.set("transactional.id", format!("kafka-bench-{id}")).set("transaction.timeout.ms", "60000");
    }
    let producer: BaseProducer<Delivered> =
        config.create_with_context(Delivered::default()).map_err(|error| error.to_string())?;
    if how.has_transactions {
        producer.init_transactions(PATIENCE).map_err(|error| error.to_string())?;
    }
    let values = load.values();
    let (mut n_open, mut since, mut n_commits) = (0, Instant::now(), 0);
    for (idx, value) in (0..load.n).zip(values.iter().cycle()) {
        if n_open == 0 {
            since = Instant::now();
            if how.has_transactions {
                producer.begin_transaction().map_err(|error| error.to_string())?;
            }
        }
        let partition = (idx % load.n_partitions as u64) as i32;
        let mut record =
            Record::with_opaque_to(&load.topic, 0).partition(partition).key(KEY.as_bytes()).payload(value.as_slice());
        if how.has_headers {
            record = record.headers(headers());
        }
        push(&producer, record)?;
        n_open += 1;
        // The clock is asked once for many records, as a room does between two batches.
        let is_due = n_open >= COMMIT_RECORDS || n_open % 1000 == 0 && since.elapsed() >= COMMIT_EVERY;
        if is_due || idx + 1 == load.n {
            n_open = 0;
            if how.has_transactions {
                commit(&producer)?;
                n_commits += 1;
            } else if how.is_flushed {
                producer.flush(PATIENCE).map_err(|error| error.to_string())?;
            }
        }
    }
    producer.flush(PATIENCE).map_err(|error| error.to_string())?;
    match producer.context().failed.load(Ordering::Relaxed) {
        0 => Ok(n_commits),
        n => Err(format!("{n} records were not written")),
    }
}

/// The journal's entry goes with the records, and is heard of before the next transaction begins.
fn commit(producer: &BaseProducer<Delivered>) -> Result<(), String> {
    let journal = &producer.context().journal;
    let before = journal.load(Ordering::Acquire);
    push(producer, Record::with_opaque_to(JOURNAL, 1).partition(0).payload(&[0; 200]))?;
    producer.commit_transaction(PATIENCE).map_err(|error| error.to_string())?;
    while journal.load(Ordering::Acquire) == before {
        producer.poll(Duration::from_millis(10));
    }
    Ok(())
}

/// `FutureProducer`, with a window of records under way.
pub(crate) fn future(load: &Load) -> Result<(), String> {
    crate::runtime()?.block_on(async {
        let producer: FutureProducer = load.config(WRITER).create().map_err(|error| error.to_string())?;
        let mut open = VecDeque::with_capacity(WINDOW);
        let values = load.values();
        for (idx, value) in (0..load.n).zip(values.iter().cycle()) {
            let partition = (idx % load.n_partitions as u64) as i32;
            let mut record = FutureRecord::<[u8], [u8]>::to(&load.topic)
                .partition(partition)
                .key(KEY.as_bytes())
                .payload(value.as_slice())
                .headers(headers());
            loop {
                match producer.send_result(record) {
                    Ok(under_way) => {
                        open.push_back(under_way);
                        break;
                    }
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
                    Err((error, _)) => return Err(error.to_string()),
                }
                heard(open.pop_front()).await?;
            }
            if open.len() >= WINDOW {
                heard(open.pop_front()).await?;
            }
        }
        while let Some(under_way) = open.pop_front() {
            heard(Some(under_way)).await?;
        }
        Ok(())
    })
}

async fn heard(under_way: Option<rdkafka::producer::DeliveryFuture>) -> Result<(), String> {
    let Some(under_way) = under_way else { return Ok(()) };
    match under_way.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error.to_string()),
        Err(_) => Err("a record was forgotten".to_owned()),
    }
}
