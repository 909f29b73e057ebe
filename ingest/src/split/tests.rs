//! The splitter against `serde_json` as the oracle, on real files and on made-up ones.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use expect_test::expect;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// A reader that hands out as many bytes at a time as a list says, again and again.
struct Cut<'a> {
    bytes: &'a [u8],
    sizes: Vec<usize>,
    turn: usize,
}

impl<'a> Cut<'a> {
    fn new(bytes: &'a [u8], sizes: &[usize]) -> Self {
        Self { bytes, sizes: sizes.to_vec(), turn: 0 }
    }
}

impl Read for Cut<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].max(1);
        self.turn += 1;
        let n = size.min(into.len()).min(self.bytes.len());
        into[..n].copy_from_slice(&self.bytes[..n]);
        self.bytes = &self.bytes[n..];
        Ok(n)
    }
}

fn data() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if path.is_dir() {
        return Some(path);
    }
    println!("the shared data folder is absent; nothing to test");
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        walkdir::WalkDir::new(folder).into_iter().flatten().filter(|e| e.file_type().is_file()).map(|e| e.into_path()).collect();
    found.sort();
    found
}

/// What the whole file holds, by `serde_json`.
fn oracle(path: &Path) -> Vec<Value> {
    let mut text = Vec::new();
    Decoded::new(std::fs::File::open(path).unwrap()).read_to_end(&mut text).unwrap();
    let mut records = Vec::new();
    for value in serde_json::Deserializer::from_slice(&text).into_iter::<Value>() {
        let value = value.unwrap();
        match value.get("Records").or_else(|| value.get("records")) {
            Some(list) => records.extend(list.as_array().unwrap().iter().cloned()),
            None => records.push(value),
        }
    }
    records
}

fn bodies(items: impl Iterator<Item = Item>) -> Vec<Value> {
    items
        .map(|item| match item {
            Item::Log(record) => serde_json::from_slice(&record.body.0).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn told(items: impl Iterator<Item = Item>) -> String {
    let mut out = String::new();
    for item in items {
        let line = match item {
            Item::Log(record) => format!("{} {} {:?}", record.origin.offset, record.provider, record.body),
            Item::Grant(grant) => {
                format!("{} {} {} {} {} {}", grant.place, grant.mark, grant.list, grant.account_id, grant.object_kind, grant.object_id)
            }
            Item::Rejected(letter) => format!("{} dead, {} bytes: {}", letter.origin.offset, letter.n_bytes, letter.reason),
        };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn check(text: impl AsRef<[u8]>, expected: &expect_test::Expect) {
    let text = text.as_ref();
    let whole = told(split(Cursor::new(text), None, "x"));
    for sizes in [&[1][..], &[3, 1, 7], &[4096]] {
        assert_eq!(told(split(Cut::new(text, sizes), None, "x")), whole, "cut at {sizes:?}");
    }
    expected.assert_eq(&whole);
}

#[test]
fn real_files_split_as_serde_json_parses_them() {
    let Some(data) = data() else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for path in files(&data.join("raw")) {
        let folder = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let found = bodies(split(std::fs::File::open(&path).unwrap(), None, "x"));
        *counts.entry(folder).or_default() += found.len();
        assert_eq!(found, oracle(&path), "{}", path.display());
    }
    let expected = [("aws-cloudtrail", 859), ("azure-activity", 131), ("azure-entra", 133), ("gcp-audit", 117)];
    assert_eq!(counts, expected.map(|(folder, n)| (folder.to_owned(), n)).into());
}

#[test]
fn real_records_are_of_their_cloud_and_show_time_and_account() {
    let Some(data) = data() else { return };
    let mut table = String::new();
    for path in files(&data.join("raw")) {
        let (mut n, mut n_time, mut n_account, mut clouds) = (0, 0, 0, BTreeMap::new());
        for item in split(std::fs::File::open(&path).unwrap(), None, "x") {
            let Item::Log(record) = item else { panic!("{item:?}") };
            n += 1;
            n_time += usize::from(record.time.is_some());
            n_account += usize::from(record.account_id.is_some());
            *clouds.entry(record.provider.as_str()).or_insert(0) += 1;
        }
        let name = path.file_name().unwrap().to_string_lossy();
        table.push_str(&format!("{name}: {clouds:?}, of {n} {n_time} with a time, {n_account} with an account\n"));
    }
    expect![[r#"
        panther-analysis.json.gz: {"aws": 193}, of 193 186 with a time, 184 with an account
        plaso.json.gz: {"aws": 6}, of 6 6 with a time, 6 with an account
        security-lake-ocsf-validation.json.gz: {"aws": 20}, of 20 20 with a time, 20 with an account
        stratus-red-team.json.gz: {"aws": 310}, of 310 310 with a time, 310 with an account
        streamalert.json.gz: {"aws": 13}, of 13 8 with a time, 13 with an account
        traildiscover.json.gz: {"aws": 314}, of 314 314 with a time, 314 with an account
        trailscraper.json.gz: {"aws": 3}, of 3 3 with a time, 3 with an account
        azure_activity.azure-dynatrace-forwarder.json: {"azure": 4}, of 4 4 with a time, 3 with an account
        azure_activity.panther-analysis.json: {"azure": 114}, of 114 114 with a time, 114 with an account
        azure_activity.plaso.json: {"azure": 4}, of 4 4 with a time, 4 with an account
        azure_resource_log.azure-datadog-forwarder.json: {"azure": 2}, of 2 2 with a time, 2 with an account
        azure_resource_log.azure-dynatrace-forwarder.json: {"azure": 2}, of 2 2 with a time, 2 with an account
        azure_resource_log.panther-analysis.json: {"azure": 5}, of 5 5 with a time, 5 with an account
        entra_audit.azure-datadog-forwarder.json: {"azure": 22}, of 22 22 with a time, 22 with an account
        entra_audit.panther-analysis.json: {"azure": 3}, of 3 3 with a time, 3 with an account
        entra_signin.azure-datadog-forwarder.json: {"azure": 68}, of 68 68 with a time, 68 with an account
        entra_signin.panther-analysis.json: {"azure": 15}, of 15 15 with a time, 10 with an account
        msgraph_activity.azure-datadog-forwarder.json: {"azure": 25}, of 25 25 with a time, 25 with an account
        gcp-google-cloudevents.ndjson: {"gcp": 3}, of 3 3 with a time, 3 with an account
        gcp-gordon.ndjson: {"gcp": 2}, of 2 2 with a time, 2 with an account
        gcp-professional-services.ndjson: {"gcp": 22}, of 22 22 with a time, 22 with an account
        gcp-real-time-enforcer.ndjson: {"gcp": 26}, of 26 12 with a time, 26 with an account
        panther-analysis.ndjson: {"gcp": 55}, of 55 49 with a time, 53 with an account
        plaso.ndjson: {"gcp": 9}, of 9 9 with a time, 9 with an account
    "#]].assert_eq(&table);
}

#[test]
fn a_real_account_is_one_snapshot() {
    let Some(data) = data() else { return };
    let path = data.join("entitlements/cloudsplaining/examples/files/example.json");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for item in split(std::fs::File::open(path).unwrap(), None, "example.json") {
        let Item::Grant(grant) = item else { panic!("{item:?}") };
        *counts.entry(format!("{} {} {} {}", grant.list, grant.account_id, grant.mark, grant.object_kind)).or_default() += 1;
    }
    expect![[r#"
        {
            "aws.authorization_details 200611803367 begin ": 1,
            "aws.authorization_details 200611803367 end ": 1,
            "aws.authorization_details 200611803367 object group": 5,
            "aws.authorization_details 200611803367 object policy": 84,
            "aws.authorization_details 200611803367 object role": 78,
            "aws.authorization_details 200611803367 object user": 44,
        }"#]].assert_eq(&format!("{counts:#?}"));
}

#[test]
fn recordings_and_dumps_are_one_clear_dead_letter_each() {
    let Some(data) = data() else { return };
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for path in files(&data.join("entitlements")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "example.json" {
            continue;
        }
        let items: Vec<Item> = split(std::fs::File::open(&path).unwrap(), None, &name).collect();
        assert_eq!(items.len(), 1, "{}: {items:?}", path.display());
        let Item::Rejected(letter) = &items[0] else { panic!("{items:?}") };
        *reasons.entry(letter.reason.split(';').next().unwrap().to_owned()).or_default() += 1;
    }
    expect![[r#"
        {
            "kind not recognised": 299,
            "no JSON at byte 0": 2,
            "no JSON at byte 34": 1,
        }"#]].assert_eq(&format!("{reasons:#?}"));
}

#[test]
fn chunk_boundaries_do_not_change_the_records() {
    let Some(data) = data() else { return };
    for path in files(&data.join("raw")) {
        let mut text = Vec::new();
        Decoded::new(std::fs::File::open(&path).unwrap()).read_to_end(&mut text).unwrap();
        let whole: Vec<Item> = split(Cursor::new(&text), None, "x").collect();
        for sizes in [&[1][..], &[2, 3, 5, 7, 11], &[1000, 1, 65_536]] {
            let cut: Vec<Item> = split(Cut::new(&text, sizes), None, "x").collect();
            assert!(cut == whole, "{} cut at {sizes:?}", path.display());
        }
    }
}
