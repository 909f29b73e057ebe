//! What a run in one process tells of itself is true of its store.

use std::path::{Path, PathBuf};

use super::overgrant::{count, overgrant, sample};
use super::scrape::{Page, Running, SECTION, TOKEN, TOKEN_ENV, asked_for, askers, wait};

/// What only a run on Kafka tells.
const ON_KAFKA: &[&str] = &["stream_transaction_seconds", "stream_lag_records", "stream_queue_records"];

/// Logs and grants, one file of them twice, and what is no record at all.
fn inputs(folder: &Path) -> Vec<PathBuf> {
    let (_, inputs) = sample(&folder.join("input"), 4, 24, 1);
    let bad = folder.join("bad.ndjson");
    let no_name = r#"{"eventVersion":"1.08","eventTime":"2026-01-02T03:04:05Z","eventSource":"s3.amazonaws.com","awsRegion":"x"}"#;
    std::fs::write(&bad, format!("{no_name}\n{{\"not\": \"a record\"}}\nnot JSON\n")).unwrap();
    let logs = walk(&folder.join("input/aws")).into_iter().find(|path| is_log(path)).unwrap();
    let copy = folder.join(format!("copy-{}", logs.file_name().unwrap().to_string_lossy()));
    std::fs::copy(logs, &copy).unwrap();
    inputs.into_iter().chain([bad, copy]).collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.into_iter().flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

fn is_log(path: &Path) -> bool {
    path.to_string_lossy().contains("CloudTrail")
}

/// Scrapes until everything was read and nothing moves, and sees that no counter goes back on the way.
fn settled(running: &Running) -> Page {
    let (mut last, mut n_still) = (running.scrape(), 0);
    wait("rest", || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let page = running.scrape();
        assert_eq!(page.gone_back(&last), Vec::<String>::new());
        let is_moving = page.sum("sinks_rows_total") > last.sum("sinks_rows_total")
            || page.sum("stream_queue_batches") > 0.0
            || page.sum("ingest_log_records_total") < 1.0;
        n_still = if is_moving { 0 } else { n_still + 1 };
        last = page;
        (n_still > 8).then(|| last.clone())
    })
}

#[test]
fn numbers_of_a_run_are_those_of_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let (store, config) = (folder.path().join("store"), folder.path().join("config.toml"));
    std::fs::write(&config, format!("{SECTION}[stream]\ncommit_every = \"200ms\"\nbatch_records = 100\n")).unwrap();
    let mut command = overgrant();
    command.args(["run", "--plain", "--store"]).arg(&store).arg("--config").arg(&config);
    inputs(folder.path()).iter().for_each(|input| {
        command.arg("--input").arg(input);
    });
    let running = Running::start(command);
    assert_eq!(running.get("/metrics", None).0, 401);
    assert_eq!(running.get("/metrics", Some("a wrong one, of some length")).0, 401);
    let page = settled(&running);
    assert_eq!(running.get("/healthz", None), (200, "ok\n".to_owned()));
    assert_eq!(running.get("/readyz", None), (200, "ok\n".to_owned()));
    let log = running.end();

    let normalized = |noun: &str| page.room(&format!("normalize_{noun}_total"), "normalize");
    let (n_read, n_copies, n_dead) = (normalized("records"), normalized("copies"), normalized("dead_letters"));
    assert!(n_copies > 0.0 && n_dead > 0.0, "{n_copies} copies, {n_dead} dead letters");
    let n_sum = normalized("events") + n_copies + normalized("not_access") + n_dead;
    assert_eq!(n_read as i64, n_sum as i64, "read = events + copies + not access + dead letters");
    let stored = |table: &str| count(&store, &format!("SELECT COUNT(*) FROM {table}"));
    assert_eq!(n_read as i64, stored("raw_record"));
    assert_eq!(n_read as i64, page.sum("ingest_log_records_total") as i64);
    assert_eq!(n_read as i64, page.room("stream_read_records_total", "normalize") as i64);
    assert_eq!(normalized("events") as i64, stored("access_event"));
    let n_rejected = page.sum("stream_rejected_records_total") + page.sum("ingest_rejected_records_total");
    assert_eq!(n_rejected as i64, stored("dead_letter"));
    let lines = std::fs::read_to_string(store.join("alerts.ndjson")).unwrap_or_default().lines().count();
    assert_eq!(page.room("sinks_alerts_total", "alerts") as usize, lines);
    assert!(page.room("stream_batch_seconds_count", "score") > 0.0);
    assert!(page.room("stream_snapshot_seconds_count", "score") > 0.0);
    assert!(page.room("stream_commit_seconds_count", "lake") > 0.0);
    assert!(page.room("stream_watermark_lag_seconds", "score") > 0.0);

    says_little(&log);
    let labels = page.labels();
    let kinds: Vec<&str> = labels.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["le", "partition", "room"], "labels come out of small closed sets");
    for asker in askers() {
        let unknown: Vec<String> = asked_for(&asker)
            .into_iter()
            .filter(|name| !page.names().contains(name) && !ON_KAFKA.contains(&name.as_str()))
            .collect();
        assert_eq!(unknown, Vec::<String>::new(), "{}", asker.display());
    }
}

/// Start and end with their data in fields, nothing for each record, and nothing out of one.
fn says_little(log: &[serde_json::Value]) {
    let find = |message: &str| log.iter().find(|line| line["fields"]["message"] == message).expect(message);
    assert!(find("runs in one process")["fields"]["store"].is_string());
    assert_eq!(find("has come to its end")["fields"]["is_well"], true);
    assert!(log.len() < 30, "{} lines", log.len());
    for line in log {
        assert!(line["fields"]["message"].as_str().unwrap().chars().all(|letter| !letter.is_ascii_digit()), "{line}");
        assert!(!line.to_string().contains("eventVersion"), "{line}");
    }
}

#[test]
fn settings_that_would_tell_everybody_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let run = |text: &str| {
        std::fs::write(&config, text).unwrap();
        let mut command = overgrant();
        command.args(["run", "--once", "--plain", "--input"]).arg(folder.path()).arg("--config").arg(&config);
        let output = command.env_remove(TOKEN_ENV).arg("--store").arg(folder.path().join("store")).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, why) = run("[telemetry]\nlisten = \"0.0.0.0:0\"\n");
    assert_eq!(code, Some(2));
    assert!(why.contains("`token_env` must name the variable of a token"), "{why}");
    let (code, why) = run(SECTION);
    assert_eq!(code, Some(2));
    assert!(why.contains(TOKEN_ENV) && why.contains("is not set"), "{why}");
    assert!(!why.contains(TOKEN));
}
