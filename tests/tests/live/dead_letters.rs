//! Dead letters on a real broker: sent again after a fix, large ones by pointer, and topics with two kinds of schema ids.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tests::servers::Kafka;

use crate::overgrant::{count, done, final_rows, overgrant, run, sample};

const LATE: &str = "[score]\nlate = \"90days\"\n[detect]\nlate = \"90days\"\n";

/// Settings for a run of its own on a broker that others use, too.
fn config(folder: &Path, kafka: &Kafka, name: &str, file: &str, more: &str) -> PathBuf {
    let path = folder.join(format!("{name}-{file}.toml"));
    let at = |what: &str| folder.join(format!("{name}-{what}")).display().to_string();
    let text = format!(
        "{LATE}[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"{name}.\"\ngroup_prefix = \"{name}\"\nn_partitions = 3\n\
         snapshots = \"{}\"\nbodies = \"{}\"\nsnapshot_every = \"1s\"\ncommit_every = \"50ms\"\ncommit_records = 500\n\
         session_timeout = \"2s\"\n[stream]\nbatch_records = 200\n{more}",
        kafka.bootstrap(),
        at("snapshots"),
        at("bodies"),
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn redrive(config: &Path, inputs: &[PathBuf], which: &[&str]) -> String {
    let mut command: Command = overgrant();
    command.args(["dead-letters", "redrive", "--config"]).arg(config).args(which);
    inputs.iter().for_each(|input| {
        command.arg("--input").arg(input);
    });
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn open_letters(store: &Path) -> i64 {
    count(store, "SELECT count(*) FROM dead_letter_current")
}

fn rows(store: &Path, table: &str) -> BTreeSet<String> {
    final_rows(store, if table == "dead_letter" { "dead_letter_current" } else { table })
}

/// Runs all rooms but those of files until they have taken what was sent again: the store's letters are as many.
fn until_letters(config: &Path, store: &Path, n: i64) {
    for _ in 0..4 {
        let mut rooms = overgrant();
        rooms.args(["run", "--plain", "--config"]).arg(config).arg("--store").arg(store);
        for room in ["normalize", "grants", "accounts", "score", "scopes", "peers", "detect", "triage", "sinks"] {
            rooms.args(["--room", room]);
        }
        let mut child = rooms.spawn().unwrap();
        std::thread::sleep(Duration::from_secs(8));
        done_on_term(&mut child);
        if open_letters(store) == n {
            return;
        }
    }
    panic!("{} dead letters are open, and {n} should be", open_letters(store));
}

fn done_on_term(child: &mut std::process::Child) {
    let status = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn records_sent_again_over_topics_give_the_rows_of_a_run_that_never_failed() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 2, 16, 1);
    let (calm, store) = (folder.path().join("calm"), folder.path().join("store"));
    let good = config(folder.path(), &kafka, "again", "good", "");
    let bad = config(
        folder.path(),
        &kafka,
        "again",
        "bad",
        "[normalize]\nmax_record = \"1100 B\"\n[ingest]\nmax_record = \"1400 B\"\n",
    );
    let alone = folder.path().join("alone.toml");
    std::fs::write(&alone, LATE).unwrap();
    done(run(&inputs, &calm, Some(&alone)));
    done(run(&inputs, &store, Some(&bad)));
    let n = open_letters(&store);
    assert!(n > 10, "{n}");

    // Which subscriptions still wait for their tenant is told when inputs end, which these do not.
    let waiting = "SELECT count(*) FROM dead_letter_current WHERE reason LIKE 'no event names the tenant%'";
    let n = n - count(&store, waiting);
    let text = redrive(&bad, &inputs, &["--room", "normalize"]);
    assert!(text.contains("records were sent again"), "{text}");
    until_letters(&bad, &store, n);
    let text = redrive(&good, &inputs, &["--all"]);
    assert!(text.contains(&format!("{n} records were sent again")), "{text}");
    let text = redrive(&good, &inputs, &["--all"]);
    assert!(text.contains("0 records were sent again"), "{text}");
    until_letters(&good, &store, 0);
    // Rows that an end tells are not compared, since there is none here; nor those of grants, whose time in the first run was
    // that of its highest event, and the record of that event was a dead letter.
    for table in ["access_event", "raw_record", "dead_letter", "session"] {
        let (found, expected) = (rows(&store, table), rows(&calm, table));
        let (extra, missing) = (found.difference(&expected).next(), expected.difference(&found).next());
        let (n, n_expected) = (found.len(), expected.len());
        assert!(found == expected, "{table}: {n} and {n_expected}; extra {extra:?}; missing {missing:?}");
    }
    for column in ["n_read", "n_events", "n_copies", "n_not_access", "n_dead_letters"] {
        let sum = format!("SELECT sum({column}) FROM tally");
        assert_eq!(count(&store, &sum), count(&calm, &sum), "{column}");
    }
}

fn producer(kafka: &Kafka) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("message.max.bytes", "20000000")
        .create()
        .unwrap()
}

#[test]
fn what_cannot_be_read_off_a_topic_keeps_key_headers_and_bytes() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input");
    let event = |id: &str, filler: usize| {
        format!(
            r#"{{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventTime":"2026-10-01T00:00:00Z","eventID":"{id}","awsRegion":"eu-central-1","recipientAccountId":"111122223333","userIdentity":{{"type":"Root","accountId":"111122223333"}},"requestParameters":{{"filler":"{}"}}}}"#,
            "x".repeat(filler)
        )
    };
    std::fs::create_dir_all(&input).unwrap();
    std::fs::write(input.join("a.ndjson"), event("large", 1_500_000) + "\n" + &event("small", 1) + "\n").unwrap();
    let store = folder.path().join("store");
    let config = config(folder.path(), &kafka, "keys", "good", "");
    done(run(std::slice::from_ref(&input), &store, Some(&config)));
    assert_eq!(count(&store, "SELECT count(*) FROM access_event"), 2, "a record above 900 KB is read by its pointer");
    let bodies = folder.path().join("keys-bodies/raw.aws.cloudtrail");
    assert_eq!(std::fs::read_dir(bodies).unwrap().count(), 1);

    let producer = producer(&kafka);
    let body = event("foreign", 1);
    let headers = OwnedHeaders::new()
        .insert(Header { key: "overgrant_raw", value: Some(b"\x09") })
        .insert(Header { key: "trace", value: Some(b"abc") });
    let record =
        BaseRecord::to("keys.raw.aws.cloudtrail").partition(1).key("their-key").payload(&body).headers(headers);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
    until_letters(&config, &store, 1);
    let letter = crate::overgrant::query(&store, "SELECT dead_letter_id, room FROM dead_letter_current");
    assert_eq!(letter[0]["room"], "stream");
    let mut show = overgrant();
    show.args(["dead-letters", "show", letter[0]["dead_letter_id"].as_str().unwrap(), "--store"]).arg(&store);
    let text = String::from_utf8(done(show).stdout).unwrap();
    for part in ["their-key", "trace: abc", "foreign", "keys."] {
        assert!(text.contains(part) != (part == "keys."), "{part}: {text}");
    }
    // The same bytes fail for the same reason, under the same letter.
    let text = redrive(&config, &[], &["--all"]);
    assert!(text.contains("1 records were sent again"), "{text}");
    until_letters(&config, &store, 1);
    assert_eq!(count(&store, "SELECT count(*) FROM dead_letter"), 1);
}

#[test]
fn a_topic_with_the_other_kind_of_schema_ids_is_refused_at_start() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 1, 8, 0);
    let config = config(folder.path(), &kafka, "kinds", "good", "");
    done(run(&inputs, &folder.path().join("store"), Some(&config)));
    let producer = producer(&kafka);
    let foreign = [0, 0, 0, 0, 17, 2, 4];
    producer
        .send(BaseRecord::<str, [u8]>::to("kinds.usage.v1").partition(2).key("k").payload(&foreign))
        .map_err(|(error, _)| error)
        .unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
    let output = run(&inputs, &folder.path().join("store"), Some(&config)).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("`kinds.usage.v1` has schema ids of ours and of a registry"), "{text}");
}
