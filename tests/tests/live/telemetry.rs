//! What rooms on a real broker tell of themselves: to scrapes, to probes, and to tools that look at consumer groups.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tests::servers::Kafka;

use crate::overgrant::{count, overgrant, sample};
use crate::scrape::{Page, Running, SECTION, asked_for, askers, wait};

const N_PARTITIONS: i32 = 3;
const LOGS: &[&str] = &["raw.aws.cloudtrail", "raw.azure.activity", "raw.gcp.audit"];
const LEFT: &[&str] = &["ingest", "normalize", "grants"];
const RIGHT: &[&str] = &["accounts", "score", "scopes", "peers", "detect", "triage", "sinks"];
/// What only a run in one process tells.
const IN_ONE_PROCESS: &[&str] = &["stream_queue_batches"];

fn config(folder: &Path, kafka: &Kafka) -> PathBuf {
    let path = folder.join("telemetry.toml");
    let text = format!(
        "{SECTION}[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"told.\"\ngroup_prefix = \"told\"\n\
         n_partitions = {N_PARTITIONS}\nsnapshots = \"{}\"\nbodies = \"{}\"\nsnapshot_every = \"1s\"\ncommit_every = \"50ms\"\n\
         session_timeout = \"2s\"\n[stream]\nbatch_records = 200\n",
        kafka.bootstrap(),
        folder.join("snapshots").display(),
        folder.join("bodies").display()
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn start(config: &Path, store: &Path, inputs: &[PathBuf], rooms: &[&str]) -> Running {
    let mut command = overgrant();
    command.args(["run", "--plain", "--config"]).arg(config).arg("--store").arg(store);
    rooms.iter().for_each(|room| {
        command.args(["--room", room]);
    });
    if rooms.contains(&"ingest") {
        inputs.iter().for_each(|input| {
            command.arg("--input").arg(input);
        });
    }
    Running::start(command)
}

fn ready(running: &Running) {
    wait("readiness", || {
        let (status, why) = running.get("/readyz", None);
        assert!(status == 200 || why.starts_with("not ok\n"), "{status}: {why}");
        (status == 200).then_some(())
    });
}

/// What the group of a room holds for topics, and their ends.
fn places(kafka: &Kafka, room: &str, topics: &[&str]) -> Vec<(String, i32, Option<i64>, i64)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("group.id", format!("told.{room}"))
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    for topic in topics {
        list.add_partition_range(&format!("told.{topic}"), 0, N_PARTITIONS - 1);
    }
    let patience = Duration::from_secs(20);
    let committed = consumer.committed_offsets(list, patience).unwrap();
    let place = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        let (topic, partition) = (element.topic().to_owned(), element.partition());
        let (_, end) = consumer.fetch_watermarks(&topic, partition, patience).unwrap();
        let held = if let Offset::Offset(offset) = element.offset() { Some(offset) } else { None };
        (topic, partition, held, end)
    };
    committed.elements().iter().map(place).collect()
}

/// Scrapes both until nothing moves and nobody is behind; no counter goes back on the way.
fn settled(left: &Running, right: &Running) -> (Page, Page) {
    let (mut last, mut n_still) = ((left.scrape(), right.scrape()), 0);
    wait("rest", || {
        std::thread::sleep(Duration::from_millis(400));
        let page = (left.scrape(), right.scrape());
        assert_eq!(page.0.gone_back(&last.0), Vec::<String>::new());
        assert_eq!(page.1.gone_back(&last.1), Vec::<String>::new());
        let n_behind = page.0.room("stream_lag_records", "normalize") + page.1.room("stream_lag_records", "score");
        let is_moving = page.1.sum("sinks_rows_total") > last.1.sum("sinks_rows_total")
            || page.0.sum("normalize_records_total") < page.0.sum("ingest_log_records_total").max(1.0)
            || n_behind > 0.0;
        n_still = if is_moving { 0 } else { n_still + 1 };
        last = page;
        (n_still > 8).then(|| last.clone())
    })
}

#[test]
fn rooms_on_kafka_tell_what_is_true() {
    let mut kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 4, 24, 1);
    let (store, config) = (folder.path().join("store"), config(folder.path(), &kafka));
    let left = start(&config, &store, &inputs, LEFT);
    let right = start(&config, &store, &inputs, RIGHT);
    ready(&left);
    ready(&right);
    let (from_left, from_right) = settled(&left, &right);

    let normalized = |noun: &str| from_left.room(&format!("normalize_{noun}_total"), "normalize") as i64;
    let n_read = normalized("records");
    assert_eq!(n_read, from_left.sum("ingest_log_records_total") as i64);
    let n_sum = normalized("events") + normalized("copies") + normalized("not_access") + normalized("dead_letters");
    assert_eq!(n_read, n_sum);
    assert!(from_left.room("stream_transaction_seconds_count", "normalize") > 0.0);
    assert!(from_right.room("stream_snapshot_seconds_count", "score") > 0.0);
    let n_tasks = |page: &Page, room: &str| page.room("stream_tasks", room) as i32;
    assert_eq!((n_tasks(&from_left, "normalize"), n_tasks(&from_right, "score")), (N_PARTITIONS, N_PARTITIONS));
    let n_lags = from_left.of("stream_lag_records").filter(|(labels, _)| labels["room"] == "normalize").count();
    assert_eq!(n_lags, LOGS.len() * N_PARTITIONS as usize);
    let topics = &from_left.labels()["topic"];
    assert!(LOGS.iter().all(|topic| topics.contains(*topic)), "{topics:?}");

    // What tools find in the groups is where the rooms stand: at the end, marks of transactions passed over.
    for (room, topics) in [("normalize", LOGS), ("score", &["access_event.v1", "entitlement.v1"])] {
        wait("the end in the group", || {
            let places = places(&kafka, room, topics);
            assert_eq!(places.len(), topics.len() * N_PARTITIONS as usize);
            let is_there = |(_, _, held, end): &(String, i32, Option<i64>, i64)| *end == 0 || *held == Some(*end);
            places.iter().all(is_there).then_some(())
        });
    }

    known(&from_left, &from_right);
    // One more process of a room that has one partition stands by, and is ready to.
    let standby = start(&config, &folder.path().join("standby"), &inputs, &["ingest"]);
    ready(&standby);
    assert_eq!(standby.scrape().room("stream_tasks", "ingest") as i32, 0);
    standby.end();
    // Killed and started anew, the rooms take again what they had, and count none of it.
    drop(left);
    let left = start(&config, &store, &inputs, LEFT);
    ready(&left);
    let again = left.scrape();
    assert_eq!(again.room("normalize_records_total", "normalize") as i64, 0);
    assert_eq!(again.room("stream_read_records_total", "normalize") as i64, 0);
    left.end();
    let log = right.end();
    let stored = |table: &str| count(&store, &format!("SELECT COUNT(*) FROM {table}"));
    assert_eq!((n_read, normalized("events")), (stored("raw_record"), stored("access_event")));
    assert!(log.iter().any(|line| line["fields"]["message"] == "takes over"));

    let left = start(&config, &store, &inputs, LEFT);
    ready(&left);
    kafka.stop().unwrap();
    wait("a broker that is missed", || {
        let (status, why) = left.get("/readyz", None);
        (status == 503 && why.contains("`brokers` does not answer")).then_some(())
    });
    assert_eq!(left.get("/healthz", None).0, 200, "rooms wait for brokers, they do not die");
}

/// Every metric that the dashboard and the alerts ask for is told.
fn known(left: &Page, right: &Page) {
    let names: std::collections::BTreeSet<String> = left.names().union(&right.names()).cloned().collect();
    for asker in askers() {
        let unknown: Vec<String> = asked_for(&asker)
            .into_iter()
            .filter(|name| !names.contains(name) && !IN_ONE_PROCESS.contains(&name.as_str()))
            .collect();
        assert_eq!(unknown, Vec::<String>::new(), "{}", asker.display());
    }
}
