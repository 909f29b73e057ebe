//! Other people's clients read our topics: kcat, and Confluent's own client with the schema registry.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use schemas::Time;
use serde_json::Value;
use tests::servers::{Kafka, Registry, client, file};

use super::settings;
use crate::overgrant::{done, query, run, sample};

const PREFIX: &str = "clients.";
/// Topic, table, and the column that is the record's key.
const NOUNS: &[(&str, &str, &str)] =
    &[("access_event.v1", "access_event", "event_id"), ("alert.v1", "alert", "alert_id")];
/// Columns that are times: microseconds in Avro, text in the answers of `overgrant query`.
const TIMES: &[&str] = &["time", "ingested_at", "first_at", "last_at"];

/// The rows of a table as an Avro reader gives them, by key.
fn stored(store: &Path, table: &str, key: &str) -> BTreeMap<String, Value> {
    let plain = |mut row: Value| {
        let object = row.as_object_mut().unwrap();
        for (_, value) in object.iter_mut().filter(|(name, _)| TIMES.contains(&name.as_str())) {
            *value = Time::parse(value.as_str().unwrap()).unwrap().0.into();
        }
        (row[key].as_str().unwrap().to_owned(), row)
    };
    query(store, &format!("SELECT * FROM {table}")).into_iter().map(plain).collect()
}

/// What a client prints. A binary header that kcat prints as it is may be damaged in it.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn revision(row: &Value) -> i64 {
    row["revision"].as_i64().unwrap_or_default()
}

/// Every row is there, and its last revision is what was stored, to the last field.
fn check_rows(kafka: &Kafka, registry: &Registry, store: &Path) {
    for (topic, table, key) in NOUNS {
        let mut command = Command::new(client("avro").unwrap());
        command.arg(file("avro_reader.py")).args([kafka.bootstrap(), registry.url(), &format!("{PREFIX}{topic}")]);
        let mut found: BTreeMap<String, Value> = BTreeMap::new();
        for line in output(&mut command).lines() {
            let mut record: Value = serde_json::from_str(line).unwrap();
            let (name, row) = (record["key"].as_str().unwrap().to_owned(), record["row"].take());
            let last = found.entry(name).or_insert_with(|| row.clone());
            if revision(&row) > revision(last) {
                *last = row;
            }
        }
        let expected = stored(store, table, key);
        assert!(expected.len() > 2, "{} rows of {table} show little", expected.len());
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{topic}");
        for (name, row) in &expected {
            assert_eq!(found[name], *row, "{topic}: {name}");
        }
        println!("{topic}: {} rows by Avro", found.len());
    }
}

/// The id that the registry gives the schema of a topic.
fn schema_id(registry: &Registry, topic: &str) -> String {
    let url = format!("{}/subjects/{PREFIX}{topic}-value/versions/latest", registry.url());
    let text = ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["id"].to_string()
}

/// One record as kcat prints it: its key, the zero byte and the schema id before its value, its headers.
struct Printed {
    key: String,
    frame: String,
    headers: BTreeMap<String, String>,
}

/// What kcat puts behind each record; the marks that rooms leave for each other have binary headers.
const END: &str = "\n-- end --\n";

/// Every committed record with a value.
fn by_kcat(kafka: &Kafka, topic: &str) -> Vec<Printed> {
    let mut command = Command::new(client("kcat").unwrap());
    command.args(["-C", "-e", "-q", "-o", "beginning", "-X", "isolation.level=read_committed", "-s", "value=>bI"]);
    command.args(["-f", "%S\t%k\t%s\t%h\n-- end --\n", "-b", kafka.bootstrap(), "-t", &format!("{PREFIX}{topic}")]);
    let text = output(&mut command);
    let printed = |record: &str| {
        let fields: Vec<&str> = record.splitn(4, '\t').collect();
        let pairs = || fields[3].split(',').map(|pair| pair.split_once('=').unwrap());
        (fields[0] != "-1").then(|| Printed {
            key: fields[1].to_owned(),
            frame: fields[2].to_owned(),
            headers: pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    };
    text.split_terminator(END).filter_map(printed).collect()
}

/// Keys, headers and the five bytes before each value are right, and no row stands twice.
fn check_records(kafka: &Kafka, registry: &Registry, store: &Path) {
    for (topic, table, key) in NOUNS {
        let (expected, id) = (stored(store, table, key), schema_id(registry, topic));
        let mut times: BTreeMap<String, i64> = BTreeMap::new();
        for Printed { key, frame, headers } in by_kcat(kafka, topic) {
            assert_eq!(frame, format!("0{id}"), "{topic}: {key}");
            let said = |header: &str| headers[header].as_str();
            assert_eq!((said("ce_specversion"), said("content-type")), ("1.0", "application/avro"));
            assert_eq!(said("ce_id").rsplit_once('#').map(|(of, _)| of), Some(key.as_str()), "{topic}");
            assert!(expected.contains_key(&key), "{topic}: {key} is in no table");
            let time = Time::parse(said("ce_time")).unwrap().0;
            assert_eq!(times.insert(said("ce_id").to_owned(), time), None, "{topic}: {key} stands twice");
        }
        for (name, row) in &expected {
            let time = times.get(&format!("{name}#{}", revision(row)));
            assert_eq!(time.copied(), row["time"].as_i64(), "{topic}: {name}");
        }
        println!("{topic}: {} records by kcat", times.len());
    }
}

#[test]
fn kcat_and_an_avro_client_read_what_a_query_answers() {
    let (kafka, registry) = (Kafka::start().unwrap(), Registry::start().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 20, 24, 3);
    let store = folder.path().join("store");
    let section = format!("{}registry = \"{}\"\n", settings::quick(kafka.bootstrap()), registry.url());
    let config = settings::write(folder.path(), "clients", 3, &section, "");
    done(run(&inputs, &store, Some(&config)));
    check_records(&kafka, &registry, &store);
    check_rows(&kafka, &registry, &store);
}
