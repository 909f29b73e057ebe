//! Real logs that nobody here wrote: nothing is lost, and what becomes of each file is a golden file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;

use expect_test::expect_file;

use super::overgrant::{done, query, run};

#[test]
fn real_logs_add_up() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.join("raw").exists() {
        println!("skipped: `../shared/data/raw` is absent");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    done(run(&[data.join("raw"), data.join("entitlements")], &store, None));
    let tallies = query(
        &store,
        "SELECT provider, file, n_read, n_events, n_copies, n_not_access, n_dead_letters, n_known, n_assumed, n_none_needed, n_unknown FROM tally ORDER BY provider, file",
    );
    let mut table = String::from("read = events + copies + not access + dead | known assumed none unknown | file\n");
    for row in &tallies {
        let n = |name: &str| row[name].as_i64().unwrap();
        assert_eq!(n("n_read"), n("n_events") + n("n_copies") + n("n_not_access") + n("n_dead_letters"), "{row}");
        let (provider, file) = (row["provider"].as_str().unwrap_or("?"), row["file"].as_str().unwrap());
        writeln!(
            table,
            "{:>4} = {:>4} + {} + {} + {:>2} | {:>4} {:>3} {:>3} {:>3} | {provider} {file}",
            n("n_read"),
            n("n_events"),
            n("n_copies"),
            n("n_not_access"),
            n("n_dead_letters"),
            n("n_known"),
            n("n_assumed"),
            n("n_none_needed"),
            n("n_unknown")
        )
        .unwrap();
    }
    table.push_str("\ndead letters\n");
    for row in query(
        &store,
        "SELECT room, provider, reason, count(*) AS n FROM dead_letter GROUP BY room, provider, reason ORDER BY 1, 2, 3",
    ) {
        writeln!(
            table,
            "{:>4} {} {} {}",
            row["n"],
            row["room"].as_str().unwrap(),
            row["provider"].as_str().unwrap_or("?"),
            row["reason"].as_str().unwrap()
        )
        .unwrap();
    }
    expect_file!["../../golden/real_logs.txt"].assert_eq(&table);
}

/// What a labelled event is called by its provider, the same in the log and in the store.
const IDS: &[&str] = &["eventID", "insertId", "eventDataId", "id", "correlationId"];

/// The labelled events without their labels and without what gives them away; the techniques by provider id.
fn strip(data: &Path, to: &Path) -> BTreeMap<String, BTreeSet<String>> {
    std::fs::create_dir_all(to).unwrap();
    let mut techniques: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for cloud in ["aws", "azure", "gcp"] {
        let file = std::fs::File::open(data.join(format!("logs/{cloud}.ndjson.gz"))).unwrap();
        let mut out = std::fs::File::create(to.join(format!("{cloud}.ndjson"))).unwrap();
        for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
            let labelled: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            let event = &labelled["event"];
            let id = IDS.iter().find_map(|name| event[name].as_str());
            if let (Some(id), Some(technique)) = (id, labelled["technique"].as_str()) {
                techniques.entry(id.to_owned()).or_default().insert(technique.to_owned());
            }
            let mut text = event.to_string();
            for tell in [
                "stratus-red-team",
                "stratus_red_team",
                "stratus",
                "Stratus",
                "TrailDiscover",
                "traildiscover",
                "attacker",
            ] {
                text = text.replace(tell, "acme");
            }
            writeln!(out, "{text}").unwrap();
        }
    }
    techniques
}

/// What the README says of the labelled logs. They are collected attacks with next to no ordinary days between them, so
/// most identities have nothing to differ from.
#[test]
fn labelled_logs_alert_as_the_readme_says() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.join("logs").exists() {
        println!("skipped: `../shared/data/logs` is absent");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (logs, store) = (folder.path().join("logs"), folder.path().join("store"));
    let techniques = strip(&data, &logs);
    done(run(&[logs], &store, None));
    let events = query(
        &store,
        "SELECT a.alert_id, e.provider_event_id AS id FROM (SELECT alert_id, unnest(event_ids) AS event_id FROM alert) a \
         JOIN access_event e ON e.event_id = a.event_id",
    );
    let alerts: BTreeSet<&str> = events.iter().filter_map(|row| row["alert_id"].as_str()).collect();
    let of =
        |row: &serde_json::Value| row["id"].as_str().and_then(|id| techniques.get(id)).cloned().unwrap_or_default();
    let named: BTreeSet<String> = events.iter().flat_map(of).collect();
    let right: BTreeSet<&str> =
        events.iter().filter(|row| !of(row).is_empty()).filter_map(|row| row["alert_id"].as_str()).collect();
    let all: BTreeSet<&String> = techniques.values().flatten().collect();
    let said = format!(
        "{} alerts; {} of them name events of a detonated technique, {} techniques of {}",
        alerts.len(),
        right.len(),
        named.len(),
        all.len()
    );
    println!("{said}");
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&said), "the README does not say: {said}");
}
