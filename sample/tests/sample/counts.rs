//! The same parameters give the same bytes, and the counts are those of the disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use sample::{SampleParams, generate};
use serde_json::Value;

use super::{SAMPLE, all_records, files, log_files};

#[test]
fn the_same_parameters_give_the_same_bytes() {
    let params = SampleParams { n_days: 6, n_identities: 60, n_attacks: 5, n_broken: 4, ..SampleParams::default() };
    let hash = |params: &SampleParams| -> BTreeMap<PathBuf, Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        generate(params, dir.path()).unwrap();
        let name = |path: &PathBuf| path.strip_prefix(dir.path()).unwrap().to_owned();
        files(dir.path()).iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
    };
    let one = hash(&params);
    assert!(one == hash(&params), "two runs differ");
    assert!(one != hash(&SampleParams { seed: 43, ..params }), "another seed changes nothing");
}

#[test]
fn counts_in_the_truth_are_the_records_on_disk() {
    for cloud in ["aws", "azure", "gcp"] {
        let counts = &SAMPLE.1.records[cloud];
        let files = log_files(cloud);
        let all = all_records(cloud);
        let mut seen = BTreeSet::new();
        let n_copies = all.iter().filter(|record| !seen.insert(record.to_string())).count() as u64;
        let n_not_access = all.iter().filter(|r| is_not_access(r)).count() as u64;
        assert_eq!(all.len() as u64, counts.n_records, "{cloud} records");
        assert_eq!(files.len() as u64, counts.n_files, "{cloud} files");
        assert_eq!(n_copies, counts.n_copies, "{cloud} copies");
        assert_eq!(n_not_access, counts.n_not_access, "{cloud} not access");
        assert_eq!(counts.n_events, counts.n_records - n_copies - n_not_access, "{cloud} events");
        assert_eq!(
            counts.n_events,
            counts.n_calls + counts.n_by_others + counts.n_second_records + counts.n_second_views,
            "{cloud} sum"
        );
        assert_eq!(counts.n_broken, 9);
    }
}

#[test]
fn broken_lines_cannot_be_read() {
    for cloud in ["aws", "azure", "gcp"] {
        let bytes = fs::read(SAMPLE.0.path().join(format!("{cloud}/broken/{cloud}.ndjson"))).unwrap();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 9);
        let readable =
            |line: &&&[u8]| serde_json::from_slice::<Value>(line).is_ok_and(|v| !v.to_string().contains("not a time"));
        assert_eq!(lines.iter().filter(readable).count(), 0, "{cloud}");
    }
}

#[test]
fn one_identity_more_changes_none_of_the_others() {
    let used = |n: u32| {
        let dir = tempfile::tempdir().unwrap();
        let params = SampleParams { n_days: 5, n_identities: n, n_attacks: 0, ..SampleParams::default() };
        generate(&params, dir.path()).unwrap().identities
    };
    let (few, more) = (used(40), used(42));
    assert_eq!(few[..], more[..few.len()]);
}

fn is_not_access(record: &Value) -> bool {
    record["eventType"] == "AwsCloudTrailInsight"
        || record.get("digestStartTime").is_some()
        || ["ServiceHealth", "ResourceHealth"].iter().any(|c| record["category"] == *c)
}
