//! What stands in the topics, as any client reads it that takes committed records only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Headers;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use schemas::Message;
use schemas::topic::TOPICS;
use schemas::wire::{SchemaIds, Wire, decode};
use stream::clock::Stopwatch;

use crate::overgrant::query;

/// A transaction that its writer left open is undone by the broker after a minute.
const PATIENCE: Duration = Duration::from_secs(90);

/// None of the events and alerts is missing. Returns the rows that stand more than once in a topic in the same revision.
pub(super) fn check(brokers: &str, prefix: &str, n_partitions: u32, expected: &Path) -> Vec<String> {
    let mut double = Vec::new();
    for topic in TOPICS {
        let n = if topic.broadcast { 1 } else { n_partitions };
        let rows = rows(brokers, prefix, topic.name, n);
        double
            .extend(rows.iter().filter(|(_, n)| **n > 1).map(|(row, n)| format!("{}: {row:?} {n} times", topic.name)));
        for (name, table, id) in [("access_event.v1", "access_event", "event_id"), ("alert.v1", "alert", "alert_id")] {
            if topic.name == name {
                let found: BTreeSet<&str> = rows.keys().map(|(key, _)| key.as_str()).collect();
                let expected = query(expected, &format!("SELECT {id} AS id FROM {table}"));
                let expected: BTreeSet<&str> = expected.iter().map(|row| row["id"].as_str().unwrap()).collect();
                assert!(found == expected, "{name}: {} keys, and {} expected", found.len(), expected.len());
            }
        }
        println!("{}: {} rows", topic.name, rows.len());
    }
    double
}

/// An object of a raw snapshot comes with each snapshot.
fn key_of(row: &Message) -> String {
    match row {
        Message::RawGrant(grant) => {
            format!("{} {} {} {}", row.row_key(), grant.snapshot_id, grant.collected_at.0, grant.place)
        }
        row => row.row_key(),
    }
}

/// Row keys with their revisions, and how often each stands there.
fn rows(brokers: &str, prefix: &str, topic: &str, n_partitions: u32) -> BTreeMap<(String, i64), usize> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "soak-reader")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let (mut found, ids) = (BTreeMap::new(), SchemaIds::reserved());
    let mut list = TopicPartitionList::new();
    for partition in 0..n_partitions {
        list.add_partition_offset(&format!("{prefix}{topic}"), partition as i32, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut ended, asked) = (BTreeSet::new(), Stopwatch::start());
    while ended.len() < n_partitions as usize {
        let polled = consumer.poll(Duration::from_millis(100));
        assert!(asked.elapsed() < PATIENCE, "{topic}: not all ends come, only {ended:?}");
        let Some(polled) = polled else { continue };
        match polled {
            Ok(message) => {
                let headers: Vec<(&str, &[u8])> = message
                    .headers()
                    .into_iter()
                    .flat_map(Headers::iter)
                    .filter_map(|h| Some((h.key, h.value?)))
                    .collect();
                let wire = Wire {
                    topic,
                    partition: message.partition(),
                    offset: message.offset(),
                    timestamp_ms: None,
                    key: message.key(),
                    value: message.payload(),
                    headers,
                };
                if let Some(row) = decode(&wire, &ids).unwrap() {
                    *found.entry((key_of(&row), row.revision())).or_default() += 1;
                }
            }
            Err(KafkaError::PartitionEOF(partition)) => drop(ended.insert(partition)),
            Err(error) => panic!("{error}"),
        }
    }
    found
}
