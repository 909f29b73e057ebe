//! What holds however slow a store is and however uneven the input: the memory of a sink, and the closing of windows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use stream::clock::Stopwatch;
use tests::servers::Kafka;

use super::clickhouse::Database;
use super::settings;
use crate::overgrant::{TABLES, count, done, final_rows, overgrant, run, sample};
use crate::scrape::wait;

/// A process that is killed with its value.
struct Held(Child);

impl Held {
    fn start(mut command: Command) -> Self {
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// --- a store that crawls ---

const CRAWL: Duration = Duration::from_millis(150);
/// What a sink may fetch ahead: so little that a small input fills it, too. Brokers hand out compressed records, and these
/// logs take a tenth of their bytes there.
const FETCHED: &str =
    "[kafka.settings]\n\"queued.max.messages.kbytes\" = \"1024\"\n\"fetch.message.max.bytes\" = \"131072\"\n";
/// Room for a noisy allocator. A sink that holds what it was given holds [`HELD`] times its bytes: rows, and what they are
/// encoded into.
const MAX_GROWTH_BYTES: u64 = 80 << 20;
/// Measured with the bounds of the sink and of commits out of the way.
const HELD: u64 = 5;

/// The most memory that the sink of ClickHouse ever had while it emptied the topics of one sample, and how many bytes of
/// records it took out of them.
fn peak(kafka: &Kafka, folder: &Path, name: &str, n_days: u32, n_identities: u32) -> (u64, u64) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(Database::start_slow(CRAWL));
    let (_, inputs) = sample(&folder.join(name).join("input"), n_days, n_identities, 0);
    let steps = "commit_every = \"200ms\"\ncommit_records = 2000\n";
    let section = format!("brokers = \"{}\"\n{steps}{FETCHED}", kafka.bootstrap());
    let config = settings::write(folder, name, 3, &section, &settings::clickhouse(&database, ""));
    let store = folder.join(name).join("store");
    let mut fill = run(&inputs, &store, Some(&config));
    fill.args(["--room", "ingest"]);
    done(fill);

    let mut command: Command = overgrant();
    command.args(["run", "--plain", "--room", "clickhouse", "--config"]).arg(&config).arg("--store").arg(&store);
    let sink = Held::start(command);
    let (watch, mut n_before, mut n_still) = (Stopwatch::start(), 0, 0);
    wait("the last record", || {
        let n = runtime.block_on(database.value("SELECT count() FROM raw_record")).parse::<u64>().unwrap();
        n_still = if n > 0 && n == n_before { n_still + 1 } else { 0 };
        n_before = n;
        std::thread::sleep(CRAWL * 4);
        (n_still > 2).then_some(())
    });
    let bytes = runtime.block_on(database.value("SELECT sum(length(body)) FROM raw_record")).parse().unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", sink.0.id())).unwrap();
    drop(sink);
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10;
    println!("{name}: {n_before} records of {bytes} bytes in {:?}, {} MiB at most", watch.elapsed(), peak >> 20);
    (peak, bytes)
}

#[test]
fn a_store_that_crawls_does_not_fill_the_memory_of_its_sink() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (low, few) = peak(&kafka, folder.path(), "few", 6, 40);
    let (high, many) = peak(&kafka, folder.path(), "many", 20, 120);
    assert!((many - few) * HELD > MAX_GROWTH_BYTES * 3, "{few} and {many} bytes would show nothing");
    assert!(high < low + MAX_GROWTH_BYTES, "{} MiB after {} MiB", high >> 20, low >> 20);
}

// --- one identity, and a clock that is wrong ---

/// Ahead of every clock.
const AHEAD: &str = "2199-01-01T00:00:00Z";
const AHEAD_YEAR: &str = "\"2199-";
/// Time goes on soon behind what is read.
const FOLLOWED: &str = "[ingest]\npoll_interval = \"200ms\"\nidle_after = \"2s\"\n";
/// How long windows may take to close once all is read.
const PATIENCE: Duration = Duration::from_secs(60);

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The records of the sample's busiest user of AWS.
fn busiest(aws: &Path) -> Vec<Value> {
    let (mut paths, mut by_user) = (Vec::new(), BTreeMap::<String, Vec<Value>>::new());
    files(&aws.join("AWSLogs"), &mut paths);
    paths.sort();
    for path in paths {
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
        let mut file: Value = serde_json::from_str(&text).unwrap();
        // Digests stand beside the logs.
        let Value::Array(records) = file["Records"].take() else { continue };
        for record in records.into_iter().filter(|record| record["userIdentity"]["type"] == "IAMUser") {
            by_user.entry(record["userIdentity"]["arn"].as_str().unwrap().to_owned()).or_default().push(record);
        }
    }
    by_user.into_values().max_by_key(Vec::len).unwrap()
}

/// The grants of a sample and the log of one user, with or without a record whose clock was wrong.
fn one_user(folder: &Path) -> (PathBuf, PathBuf) {
    sample(&folder.join("sample"), 12, 24, 0);
    let aws = folder.join("sample/aws");
    let mut records = busiest(&aws);
    let logs = |name: &str, records: &[Value]| {
        fs::create_dir_all(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("log.json"), json!({ "Records": records }).to_string()).unwrap();
        folder.join(name)
    };
    let right = logs("right", &records);
    let mut ahead = records[0].clone();
    ahead["eventTime"] = AHEAD.into();
    ahead["eventID"] = "a-clock-that-is-wrong".into();
    records.push(ahead);
    fs::remove_dir_all(aws.join("AWSLogs")).unwrap();
    (right, logs("wrong", &records))
}

/// The final rows without those of the record whose clock was wrong. It is the last use of its identity, and leaves the
/// last one before it known by its day only.
fn rows(store: &Path, table: &str) -> BTreeSet<String> {
    let plain = |row: String| {
        let mut row: Value = serde_json::from_str(&row).unwrap();
        row.as_object_mut().unwrap().remove("last_used_at");
        row.to_string()
    };
    final_rows(store, table).into_iter().filter(|row| !row.contains(AHEAD_YEAR)).map(plain).collect()
}

/// The usage of windows that time has passed.
fn closed(store: &Path) -> BTreeSet<String> {
    rows(store, "usage").into_iter().filter(|row| row.contains("\"provisional\":false")).collect()
}

fn assert_same(found: &BTreeSet<String>, expected: &BTreeSet<String>, what: &str) {
    let (extra, missing) = (found.difference(expected).next(), expected.difference(found).next());
    assert!(found == expected, "{what}: {} and {}; extra {extra:?}; missing {missing:?}", found.len(), expected.len());
}

#[test]
fn one_busy_partition_and_a_clock_that_is_ahead_change_no_answer() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = one_user(folder.path());
    let grants = folder.path().join("sample/aws");
    let at = |name: &str| folder.path().join(name);
    done(run(&[right, grants.clone()], &at("calm"), None));
    let inputs = [wrong, grants];
    let config = settings::write(folder.path(), "ahead", 3, &settings::quick(kafka.bootstrap()), "");
    done(run(&inputs, &at("store"), Some(&config)));
    assert_eq!(count(&at("store"), "SELECT count(*) FROM access_event WHERE time > '2198-01-01'"), 1);
    for table in TABLES.iter().filter(|table| **table != "tally") {
        assert_same(&rows(&at("store"), table), &rows(&at("calm"), table), table);
    }

    // The bound is what does it: a record that may move time on closes every window.
    fs::write(at("unbound.toml"), "[ingest]\nmax_ahead = \"300years\"\n").unwrap();
    done(run(&inputs, &at("unbound"), Some(&at("unbound.toml"))));
    assert_ne!(closed(&at("unbound")), closed(&at("calm")));
}

#[test]
fn windows_close_while_two_of_three_partitions_are_idle() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = one_user(folder.path());
    let grants = folder.path().join("sample/aws");
    let (calm, store) = (folder.path().join("calm"), folder.path().join("store"));
    done(run(&[right, grants.clone()], &calm, None));
    let config = settings::write(folder.path(), "idle", 3, &settings::quick(kafka.bootstrap()), FOLLOWED);
    let mut command = overgrant();
    command.args(["run", "--plain", "--config"]).arg(config).arg("--store").arg(&store);
    for input in [&wrong, &grants] {
        command.arg("--input").arg(input);
    }
    let running = Held::start(command);
    let (expected, watch) = (closed(&calm), Stopwatch::start());
    let is_closed = || store.join("manifest.json").exists() && closed(&store) == expected;
    while !is_closed() && watch.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("closed after {:?}", watch.elapsed());
    // Nothing more closes by waiting: the record that is ahead moves no time on.
    std::thread::sleep(Duration::from_secs(1));
    drop(running);
    assert!(expected.len() > 10 && expected.len() < rows(&calm, "usage").len(), "there are windows of both kinds");
    assert_same(&closed(&store), &expected, "usage");
}

// --- grants behind a log that goes on no more ---

/// A followed run that reads a log to its end, and is given the grants then.
fn grants_behind_the_log(name: &str, config: &Path, folder: &Path) {
    let (right, _) = one_user(folder);
    let grants = folder.join("sample/aws");
    let (whole, store, input) = (folder.join("whole"), folder.join(name), folder.join(format!("{name}-input")));
    done(run(&[right.clone(), grants.clone()], &whole, None));
    let records: Value = serde_json::from_slice(&fs::read(right.join("log.json")).unwrap()).unwrap();
    let records = records["Records"].as_array().unwrap();
    let (first, rest) = records.split_at(records.len() / 2);
    let bring = |name: &str, records: &[Value]| {
        fs::write(input.join(name), json!({ "Records": records }).to_string()).unwrap();
    };
    fs::create_dir(&input).unwrap();
    bring("first.json", first);
    let mut command = overgrant();
    command.args(["run", "--plain", "--config"]).arg(config).arg("--store").arg(&store).arg("--input").arg(&input);
    let _running = Held::start(command);
    wait("a window", || (store.join("manifest.json").exists() && !closed(&store).is_empty()).then_some(()));
    bring("rest.json", rest);
    let windows = closed(&whole);
    wait("the last window", || (closed(&store) == windows).then_some(()));
    // All that the log itself can bring about has come to pass.
    std::thread::sleep(Duration::from_secs(2));
    let expected = final_scores(&whole);
    assert!(expected.len() > 10 && final_scores(&store).is_disjoint(&expected), "{} scores", expected.len());
    fs::rename(grants, input.join("grants")).unwrap();
    let watch = Stopwatch::start();
    while final_scores(&store) != expected && watch.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("{name}: scored after {:?}", watch.elapsed());
    assert_same(&final_scores(&store), &expected, "pci");
}

/// The scores of days that time has passed. A run that ends has one more of each, as of its end.
fn final_scores(store: &Path) -> BTreeSet<String> {
    let is_of_day = |row: &String| row.contains("T00:00:00Z\",\"score\"") && row.contains("\"provisional\":false");
    rows(store, "pci").into_iter().filter(is_of_day).collect()
}

#[test]
fn grants_behind_a_log_that_goes_on_no_more_are_scored() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("followed.toml");
    fs::write(&config, FOLLOWED).unwrap();
    grants_behind_the_log("files", &config, folder.path());

    let folder = tempfile::tempdir().unwrap();
    let kafka = Kafka::start().unwrap();
    let config = settings::write(folder.path(), "behind", 3, &settings::quick(kafka.bootstrap()), FOLLOWED);
    grants_behind_the_log("kafka", &config, folder.path());
}
