//! The belt over a real broker, with rooms that count: every record once, in topics and in sinks, however often the rooms
//! are stopped and started.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use stream::Wiring;
use stream::clock::Stopwatch;
use stream::embedded::Stop;
use stream::kafka::{Cleanup, Client, Codec, Decoded, Incoming, Options, Parts, TopicSpec};
use stream::metrics::Meters;
use stream::snapshot::SnapshotStore;
use stream::{
    Batch, Fault, Output, Polled, Progress, Sink, SinkState, Source, StateError, Topology, Transform, Watermarks,
};
use tests::servers::Kafka;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Item {
    Seen { key: u32, time: i64 },
    Counted { key: u32, n: u64, through: i64 },
}

struct Json;

impl Codec<Item> for Json {
    fn encode(&self, item: &Item, to: &mut dyn FnMut(Parts<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let (Item::Seen { key, .. } | Item::Counted { key, .. }) = item;
        let (key, value) = (key.to_string(), serde_json::to_vec(item).unwrap());
        to(Parts { key: key.as_bytes(), value: Some(&value), headers: &[] })
    }

    fn decode(&self, record: &Incoming<'_>) -> Result<Decoded<Item>, Fault> {
        let value = record.value.map(|value| serde_json::from_slice(value).unwrap());
        Ok(value.map_or(Decoded::None, Decoded::Payload))
    }
}

/// Hands out numbers in a fixed order; its cursor is how many.
struct Numbers {
    n: u64,
    end: u64,
    pause: Duration,
}

impl Numbers {
    fn item(n: u64) -> Item {
        Item::Seen { key: (n.wrapping_mul(2_654_435_761) % 97) as u32, time: (n / 50) as i64 }
    }
}

impl Source<Item> for Numbers {
    fn poll(&mut self, max_records: usize) -> BoxFuture<'_, Result<Polled<Item>, Fault>> {
        let from = self.n;
        self.n = (from + max_records as u64).min(self.end);
        let time = (self.n / 50) as i64;
        let polled = if from == self.end {
            Polled::End(time)
        } else {
            let said = Progress { feed: "numbers".into(), account: "a".into(), through: time, idle: false };
            Polled::Records((from..self.n).map(Self::item).collect(), vec![said])
        };
        let pause = self.pause;
        Box::pin(async move {
            tokio::time::sleep(pause).await;
            Ok(polled)
        })
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        Ok(self.n.to_le_bytes().to_vec())
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.n = u64::from_le_bytes(bytes.try_into().map_err(|_| StateError::Damaged("length".into()))?);
        Ok(())
    }
}

/// Counts by key, and tells each key's count when time moves and at the end.
#[derive(Default, Serialize, Deserialize)]
struct Counter {
    counts: BTreeMap<u32, u64>,
    told: BTreeMap<u32, u64>,
}

impl Counter {
    fn tell(&mut self, through: i64, out: &mut Output<Item>) {
        for (key, n) in &self.counts {
            if self.told.insert(*key, *n) != Some(*n) {
                out.emit(Item::Counted { key: *key, n: *n, through });
            }
        }
    }
}

impl Transform<Item> for Counter {
    fn apply(&mut self, batch: Batch<Item>, _: &mut Output<Item>) {
        for item in batch.into_payloads() {
            if let Item::Seen { key, .. } = item {
                *self.counts.entry(key).or_default() += 1;
            }
        }
    }

    fn advance(&mut self, watermarks: &Watermarks, out: &mut Output<Item>) {
        self.tell(watermarks.low().unwrap_or_default(), out);
    }

    fn finish(&mut self, as_of: i64, out: &mut Output<Item>) {
        self.tell(as_of, out);
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        serde_json::to_vec(self).map_err(|error| StateError::Damaged(error.to_string()))
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        *self = serde_json::from_slice(bytes).map_err(|error| StateError::Damaged(error.to_string()))?;
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<Item>>>);

impl Sink<Item> for Collected {
    fn restore(&mut self, _: SinkState) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn write(&mut self, batch: Batch<Item>) -> BoxFuture<'_, Result<(), Fault>> {
        self.0.lock().unwrap().extend(batch.into_payloads());
        Box::pin(std::future::ready(Ok(())))
    }

    fn commit(&mut self, _: u64) -> BoxFuture<'_, Result<SinkState, Fault>> {
        Box::pin(std::future::ready(Ok(SinkState::Null)))
    }
}

const N_PARTITIONS: u32 = 3;

fn topology(end: u64, pause: Duration, sink: &Collected) -> Topology<Item> {
    let wiring = Wiring {
        topic: |item: &Item| match item {
            Item::Seen { .. } => "seen",
            Item::Counted { .. } => "counted",
        },
        key: |item, buffer| {
            let (Item::Seen { key, .. } | Item::Counted { key, .. }) = item;
            buffer.extend_from_slice(&key.to_le_bytes());
            true
        },
        raise: |_, _| {},
    };
    Topology::new(wiring, "numbers", &["seen"], Box::new(Numbers { n: 0, end, pause }))
        .room("count", &["seen"], &["counted"], N_PARTITIONS, |_| Box::new(Counter::default()))
        .sink("all", &["counted"], Box::new(sink.clone()))
}

fn options(kafka: &Kafka, name: &str, snapshots: &std::path::Path) -> Options {
    let topic = |name| TopicSpec { name, is_broadcast: false, cleanup: Cleanup::Delete(Duration::from_secs(86_400)) };
    Options {
        client: Client::of(kafka.bootstrap()),
        topic_prefix: format!("{name}."),
        group_prefix: name.to_owned(),
        topics: vec![topic("seen"), topic("counted")],
        n_partitions: N_PARTITIONS,
        replication: 1,
        batch_records: 100,
        commit_records: 300,
        commit_every: Duration::from_millis(30),
        snapshot_every: Duration::from_millis(300),
        snapshots: SnapshotStore::in_folder(snapshots.to_owned()).unwrap(),
        store: None,
        session_timeout: Duration::from_secs(2),
        once: true,
    }
}

/// Every count that was told, as any client reads it.
fn told(kafka: &Kafka, name: &str) -> Vec<Item> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("group.id", "reader")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..N_PARTITIONS {
        list.add_partition_offset(&format!("{name}.counted"), partition as i32, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut found, mut n_ends) = (Vec::new(), 0);
    while n_ends < N_PARTITIONS {
        match consumer.poll(Duration::from_secs(20)).expect("the end comes") {
            Ok(message) => found.extend(message.payload().map(|value| serde_json::from_slice::<Item>(value).unwrap())),
            Err(KafkaError::PartitionEOF(_)) => n_ends += 1,
            Err(error) => panic!("{error}"),
        }
    }
    found
}

/// Each key's counts rise, none twice; the last is right.
fn check(told: &[Item], end: u64) {
    let mut expected: BTreeMap<u32, u64> = BTreeMap::new();
    for n in 0..end {
        if let Item::Seen { key, .. } = Numbers::item(n) {
            *expected.entry(key).or_default() += 1;
        }
    }
    let mut last: BTreeMap<u32, u64> = BTreeMap::new();
    for item in told {
        if let Item::Counted { key, n, .. } = item {
            let before = last.insert(*key, *n).unwrap_or_default();
            assert!(before < *n, "key {key}: {n} after {before}");
        }
    }
    assert_eq!(last, expected);
}

#[test]
fn every_record_counts_once() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (sink, end) = (Collected::default(), 20_000);
    let options = options(&kafka, "once", folder.path());
    let topology = topology(end, Duration::ZERO, &sink);
    stream::kafka::prepare(&topology, &options, runtime.handle()).unwrap();
    let meters = Meters::of(topology.names());
    let begun = Stopwatch::start();
    stream::kafka::run(topology, &options, Arc::new(Json), &[], runtime.handle(), &Stop::default(), &meters).unwrap();
    println!("{end} records in {:?}", begun.elapsed());
    check(&told(&kafka, "once"), end);
    check(&sink.0.lock().unwrap(), end);
}

#[test]
fn a_run_that_is_stopped_again_and_again_counts_once() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (sink, end) = (Collected::default(), 20_000);
    let options = options(&kafka, "stopped", folder.path());
    for n in 0..6 {
        let topology = topology(end, Duration::from_millis(10), &sink);
        stream::kafka::prepare(&topology, &options, runtime.handle()).unwrap();
        let meters = Meters::of(topology.names());
        let stop = Stop::default();
        if n < 5 {
            let stop = stop.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(900));
                stop.now();
            });
        }
        stream::kafka::run(topology, &options, Arc::new(Json), &[], runtime.handle(), &stop, &meters).unwrap();
    }
    check(&told(&kafka, "stopped"), end);
}
