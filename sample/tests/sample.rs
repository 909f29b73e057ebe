//! Reads a generated sample with nothing but `serde_json`: what the truth says must be what lies on disk.
#![expect(clippy::unwrap_used, reason = "a failed test should panic")]

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use sample::{SampleParams, Truth, generate};
use serde_json::Value;

/// One sample for all tests: three weeks, every persona twice.
static SAMPLE: LazyLock<(tempfile::TempDir, Truth)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let params = SampleParams {
        n_days: 21,
        n_identities: 112,
        n_attacks: 14,
        n_broken: 9,
        ..SampleParams::default()
    };
    let truth = generate(&params, dir.path()).unwrap();
    (dir, truth)
});

fn files(root: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path)
            } else {
                out.push(path)
            }
        }
    }
    out.sort();
    out
}

fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    if path.extension().is_some_and(|e| e == "gz") {
        let mut out = String::new();
        flate2::read::GzDecoder::new(&bytes[..])
            .read_to_string(&mut out)
            .unwrap();
        return out;
    }
    String::from_utf8(bytes).unwrap()
}

/// The log records of a file, whatever its envelope.
fn records(path: &Path) -> Vec<Value> {
    let text = text(path);
    if let Ok(whole) = serde_json::from_str::<Value>(&text) {
        for key in ["Records", "records"] {
            if let Some(list) = whole[key].as_array() {
                return list.clone();
            }
        }
        return whole
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![whole.clone()]);
    }
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn log_files(cloud: &str) -> Vec<PathBuf> {
    let skip = ["entitlements", "inventory", "broken"];
    files(&SAMPLE.0.path().join(cloud))
        .into_iter()
        .filter(|path| {
            !path
                .components()
                .any(|c| skip.contains(&c.as_os_str().to_str().unwrap()))
        })
        .collect()
}

#[test]
fn the_same_parameters_give_the_same_bytes() {
    let params = SampleParams {
        n_days: 6,
        n_identities: 60,
        n_attacks: 5,
        n_broken: 4,
        ..SampleParams::default()
    };
    let hash = |params: &SampleParams| -> BTreeMap<PathBuf, Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        generate(params, dir.path()).unwrap();
        let name = |path: &PathBuf| path.strip_prefix(dir.path()).unwrap().to_owned();
        files(dir.path())
            .iter()
            .map(|path| (name(path), fs::read(path).unwrap()))
            .collect()
    };
    let one = hash(&params);
    assert!(one == hash(&params), "two runs differ");
    assert!(
        one != hash(&SampleParams { seed: 43, ..params }),
        "another seed changes nothing"
    );
}

#[test]
fn counts_in_the_truth_are_the_records_on_disk() {
    for cloud in ["aws", "azure", "gcp"] {
        let counts = &SAMPLE.1.records[cloud];
        let files = log_files(cloud);
        let all: Vec<Value> = files.iter().flat_map(|path| records(path)).collect();
        let mut seen = std::collections::BTreeSet::new();
        let n_copies = all
            .iter()
            .filter(|record| !seen.insert(record.to_string()))
            .count() as u64;
        let n_not_access = all.iter().filter(|r| is_not_access(r)).count() as u64;
        assert_eq!(all.len() as u64, counts.n_records, "{cloud} records");
        assert_eq!(files.len() as u64, counts.n_files, "{cloud} files");
        assert_eq!(n_copies, counts.n_copies, "{cloud} copies");
        assert_eq!(n_not_access, counts.n_not_access, "{cloud} not access");
        assert_eq!(
            counts.n_events,
            counts.n_records - n_copies - n_not_access,
            "{cloud} events"
        );
        assert_eq!(
            counts.n_events,
            counts.n_calls + counts.n_by_others + counts.n_second_records + counts.n_second_views,
            "{cloud} sum"
        );
        assert_eq!(counts.n_broken, 9);
    }
}

fn is_not_access(record: &Value) -> bool {
    record["eventType"] == "AwsCloudTrailInsight"
        || record.get("digestStartTime").is_some()
        || ["ServiceHealth", "ResourceHealth"]
            .iter()
            .any(|c| record["category"] == *c)
}
