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
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|e| e.file_type().is_file())
        .map(|e| e.into_path())
        .collect();
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
                format!(
                    "{} {} {} {} {} {}",
                    grant.place, grant.mark, grant.list, grant.account_id, grant.object_kind, grant.object_id
                )
            }
            Item::Rejected(letter) => {
                format!("{} dead, {} bytes: {}", letter.origin.offset, letter.n_bytes, letter.reason)
            }
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
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_real_account_is_one_snapshot() {
    let Some(data) = data() else { return };
    let path = data.join("entitlements/cloudsplaining/examples/files/example.json");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for item in split(std::fs::File::open(path).unwrap(), None, "example.json") {
        let Item::Grant(grant) = item else { panic!("{item:?}") };
        *counts
            .entry(format!("{} {} {} {}", grant.list, grant.account_id, grant.mark, grant.object_kind))
            .or_default() += 1;
    }
    expect![[r#"
        {
            "aws.authorization_details 200611803367 begin ": 1,
            "aws.authorization_details 200611803367 end ": 1,
            "aws.authorization_details 200611803367 object group": 5,
            "aws.authorization_details 200611803367 object policy": 84,
            "aws.authorization_details 200611803367 object role": 78,
            "aws.authorization_details 200611803367 object user": 44,
        }"#]]
    .assert_eq(&format!("{counts:#?}"));
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
        }"#]]
    .assert_eq(&format!("{reasons:#?}"));
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

#[test]
fn every_form_of_log_is_recognised_by_its_content() {
    let event = r#"{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventID":"1"}"#;
    let quoted = Value::from(event).to_string();
    check(
        format!("{event}\n{event}\n"),
        &expect![[r#"
        0 aws 70 bytes
        1 aws 70 bytes
    "#]],
    );
    check(
        format!("[{event},\n {event}]"),
        &expect![[r#"
        0 aws 70 bytes
        1 aws 70 bytes
    "#]],
    );
    check(
        format!("{{\"Records\": [{event}, {event}]}}\n"),
        &expect![[r#"
        0 aws 70 bytes
        1 aws 70 bytes
    "#]],
    );
    check(
        format!("{{\"NextToken\":\"n\",\"Events\":[{{\"EventId\":\"1\",\"CloudTrailEvent\":{quoted}}}]}}"),
        &expect![[r#"
        0 aws 70 bytes
    "#]],
    );
    let azure = r#"{"time":"2024-01-01T00:00:00Z","category":"Administrative","operationName":"x"}"#;
    check(
        format!("{{\"records\":[{azure}]}}\n{{\"records\":[{azure},{azure}]}}\n"),
        &expect![[r#"
        0 azure 79 bytes
        1 azure 79 bytes
        2 azure 79 bytes
    "#]],
    );
    let nested =
        r#"{"eventTimestamp":"2024-01-01T00:00:00Z","operationName":{"value":"x","localizedValue":"X"},"id":"/s"}"#;
    check(
        format!("[{nested}]"),
        &expect![[r#"
        0 azure 102 bytes
    "#]],
    );
    let gcp = r#"{"logName":"projects/p/logs/x","protoPayload":{},"insertId":"1"}"#;
    check(
        gcp,
        &expect![[r#"
        0 gcp 64 bytes
    "#]],
    );
    check(
        format!("\u{feff}[\n  {gcp}\n]\n"),
        &expect![[r#"
        0 gcp 64 bytes
    "#]],
    );
}

#[test]
fn entitlements_become_snapshots() {
    let assignments =
        r#"[{"id":"/subscriptions/S1/a/1","scope":"/subscriptions/S1","principalId":"p","roleDefinitionId":"r"}]"#;
    check(
        assignments,
        &expect![[r#"
        -1 begin azure.role_assignments s1  
        0 object azure.role_assignments s1 assignment /subscriptions/S1/a/1
        1 end azure.role_assignments s1  
    "#]],
    );
    check(
        r#"[{"id":"/subscriptions/S1/d/1","roleName":"Owner","roleType":"BuiltInRole","permissions":[]}]"#,
        &expect![[r#"
        -1 begin azure.role_definitions s1  
        0 object azure.role_definitions s1 definition /subscriptions/S1/d/1
        1 end azure.role_definitions s1  
    "#]],
    );
    check(
        r#"{"UserDetailList":[],"GroupDetailList":[],"RoleDetailList":[{"RoleName":"r","Arn":"arn:aws:iam::111122223333:role/r"}],"Policies":[],"IsTruncated":true}"#,
        &expect![[r#"
        -1 begin aws.authorization_details 111122223333  
        0 object aws.authorization_details 111122223333 role arn:aws:iam::111122223333:role/r
        1 abort aws.authorization_details 111122223333  
    "#]],
    );
    check(
        r#"{"ResourceTagMappingList":[{"ResourceARN":"arn:aws:s3:::b"},{"ResourceARN":"arn:aws:sqs:eu-west-1:111122223333:q"}]}"#,
        &expect![[r#"
        -1 begin aws.resources 111122223333  
        0 object aws.resources 111122223333 resource arn:aws:s3:::b
        1 object aws.resources 111122223333 resource arn:aws:sqs:eu-west-1:111122223333:q
        2 end aws.resources 111122223333  
    "#]],
    );
}

#[test]
fn gcp_entitlements_are_cut_into_projects() {
    check(
        r#"[{"resource":"//cloudresourcemanager.googleapis.com/projects/proj-a","project":"projects/1","policy":{"bindings":[]}},{"resource":"//storage.googleapis.com/b","project":"projects/1","policy":{}},{"resource":"//cloudresourcemanager.googleapis.com/organizations/9","policy":{}}]"#,
        &expect![[r#"
        -1 begin gcp.search_all_iam_policies organizations/9  
        0 object gcp.search_all_iam_policies organizations/9 policy //cloudresourcemanager.googleapis.com/organizations/9
        1 end gcp.search_all_iam_policies organizations/9  
        -1 begin gcp.search_all_iam_policies proj-a  
        0 object gcp.search_all_iam_policies proj-a policy //cloudresourcemanager.googleapis.com/projects/proj-a
        1 object gcp.search_all_iam_policies proj-a policy //storage.googleapis.com/b
        2 end gcp.search_all_iam_policies proj-a  
    "#]],
    );
    check(
        r#"{"name":"projects/proj-a/roles/x","title":"X","stage":"GA","includedPermissions":["a.b.c"]}"#,
        &expect![[r#"
        -1 begin gcp.roles proj-a  
        0 object gcp.roles proj-a role projects/proj-a/roles/x
        1 end gcp.roles proj-a  
    "#]],
    );
    check(
        r#"[{"name":"//compute.googleapis.com/projects/proj-a/x","assetType":"compute.googleapis.com/Disk"}]"#,
        &expect![[r#"
        -1 begin gcp.resources proj-a  
        0 object gcp.resources proj-a resource //compute.googleapis.com/projects/proj-a/x
        1 end gcp.resources proj-a  
    "#]],
    );
    check(
        r#"{"bindings":[{"role":"roles/owner","members":["user:a@b.c"]}],"etag":"x","version":1}"#,
        &expect![[r#"
        0 dead, 47 bytes: `gcp.iam_policy` does not say which account it is of; put the file into a folder named by the account
    "#]],
    );
    check(
        r#"[{"id":"g1","displayName":"eng","members":[{"id":"u1"}]}]"#,
        &expect![[r#"
        0 dead, 55 bytes: `azure.group_members` does not say which account it is of; put the file into a folder named by the account
    "#]],
    );
}

#[test]
fn where_a_policy_has_no_name_in_it_the_folder_tells_whose_it_is() {
    let policy = r#"{"bindings":[{"role":"r","members":[]},{"role":"r","members":[]},{"role":"r","condition":{"expression":"e"}}],"etag":"x"}"#;
    let found = told(split(Cursor::new(policy), None, "gcp/entitlements/acme-prod-1/iam-policy.json"));
    expect![[r#"
        -1 begin gcp.iam_policy acme-prod-1  
        0 object gcp.iam_policy acme-prod-1 binding r
        1 object gcp.iam_policy acme-prod-1 binding r~1
        2 object gcp.iam_policy acme-prod-1 binding r#dfca479a581a1d4bbca3b713c2c6d306
        3 end gcp.iam_policy acme-prod-1  
    "#]]
    .assert_eq(&found);
    let members =
        r##"[{"@odata.type":"#microsoft.graph.user","id":"u1"},{"@odata.type":"#microsoft.graph.user","id":"u2"}]"##;
    let name = "12345678-1234-1234-1234-123456789abc/ABC.json";
    let bodies: Vec<String> = split(Cursor::new(members), None, name)
        .map(|item| match item {
            Item::Grant(grant) => format!("{} {} {}", grant.account_id, grant.object_id, grant.body.0.escape_ascii()),
            other => panic!("{other:?}"),
        })
        .collect();
    expect![[r##"
        12345678-1234-1234-1234-123456789abc  
        12345678-1234-1234-1234-123456789abc abc {\"id\":\"abc\",\"members\":[{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"u1\"},{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"u2\"}]}
        12345678-1234-1234-1234-123456789abc  "##]].assert_eq(&bodies.join("\n"));
}

fn aws(n: usize) -> String {
    format!(r#"{{"eventVersion":"1","eventSource":"s","n":{n},"x":{{"y":[1,2]}}}}"#)
}

#[test]
fn what_is_broken_is_a_dead_letter_and_the_rest_goes_on() {
    let (a, b, c) = (aws(1), aws(2), aws(3));
    let half = &b[..b.len() - 9];
    check(
        "",
        &expect![[r#"
        0 dead, 0 bytes: the file is empty
    "#]],
    );
    check(
        " \n",
        &expect![[r#"
        0 dead, 0 bytes: the file is empty
    "#]],
    );
    check(
        format!("{a}\n{half}\n{c}\n"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 52 bytes: the line at byte 61 ends within its record; deliver the line again
        2 aws 60 bytes
    "#]],
    );
    check(
        format!("{half}\n{a}\n{c}\n"),
        &expect![[r#"
        0 dead, 52 bytes: the line at byte 0 ends within its record; deliver the line again
        1 aws 60 bytes
        2 aws 60 bytes
    "#]],
    );
    check(
        format!("{a}\n{half}"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 51 bytes: the input ends within the record at byte 61; deliver the file again
    "#]],
    );
    check(
        format!("{{\"Records\":[{a},{half},{c}]}}"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 52 bytes: the record at byte 73 has unbalanced braces, commas or colons
        2 aws 60 bytes
    "#]],
    );
    check(
        format!("{{\"Records\":[{a},{b}"),
        &expect![[r#"
        0 aws 60 bytes
        1 aws 60 bytes
        2 dead, 0 bytes: the list is not closed at byte 133; deliver the file again, its records so far are in
    "#]],
    );
    check(
        format!("{{\"Records\":[{a},{half}"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 51 bytes: the input ends within the record at byte 73; deliver the file again
    "#]],
    );
    check(
        format!("{{\"records\":[{a}]}}\n{{\"records\":[{a},\n{{\"records\":[{b}]}}\n"),
        &expect![[r#"
        0 azure 60 bytes
        1 azure 60 bytes
        2 dead, 0 bytes: the list is not closed at byte 148; deliver the file again, its records so far are in
        3 azure 60 bytes
    "#]],
    );
}

#[test]
fn what_is_no_record_is_a_dead_letter_and_the_rest_goes_on() {
    let (a, b) = (aws(1), aws(2));
    check(
        format!("{a}\nnot json\nnor this\n{b}\n"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 18 bytes: no JSON at byte 61; expected log records, entitlements or an inventory as the clouds write them
        2 aws 60 bytes
    "#]],
    );
    check(
        format!("{a}\n{{\"some\":\"thing\"}}\n{{\"some\":\"more\"}}\n{b}"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 31 bytes: kind of 2 values not recognised; expected CloudTrail, Azure or GCP audit records, or the output of `aws iam get-account-authorization-details`, `az role assignment list --all`, `az role definition list`, `gcloud projects get-iam-policy`, `gcloud asset search-all-iam-policies`, `gcloud iam roles list`, or an inventory
        3 aws 60 bytes
    "#]],
    );
    check(
        b"\x7fELF\x00\x01\x02\n\x00{[\x00\n",
        &expect![[r#"
        0 dead, 13 bytes: no JSON at byte 0; expected log records, entitlements or an inventory as the clouds write them
    "#]],
    );
    check(
        [a.as_bytes(), b"\n{\"eventVersion\":\"\xff\",\"eventSource\":1}\n", b.as_bytes()].concat(),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 36 bytes: the record at byte 61 is not UTF-8 from its byte 17 on
        2 aws 60 bytes
    "#]],
    );
    check(
        format!("{a}\n{{\"eventVersion\":{}1{}}}\n{b}", "[".repeat(300), "]".repeat(300)),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 618 bytes: the record at byte 61 is nested deeper than 128 levels
        2 aws 60 bytes
    "#]],
    );
    check(
        r#"{"just":"anything","Records":[{"eventVersion":1}]}"#,
        &expect![[r#"
        0 dead, 50 bytes: kind not recognised; expected CloudTrail, Azure or GCP audit records, or the output of `aws iam get-account-authorization-details`, `az role assignment list --all`, `az role definition list`, `gcloud projects get-iam-policy`, `gcloud asset search-all-iam-policies`, `gcloud iam roles list`, or an inventory
    "#]],
    );
    check(
        r#"{"Events":[{"CloudTrailEvent":5}]}"#,
        &expect![[r#"
        0 dead, 21 bytes: `CloudTrailEvent` of the entry at byte 11 is no string
    "#]],
    );
}

#[test]
fn a_record_of_50_mb_is_a_dead_letter_and_the_rest_goes_on() {
    let large = format!(r#"{{"eventVersion":"1","eventSource":"s","x":"{}"}}"#, "x".repeat(50 << 20));
    for text in [
        format!("{}\n{large}\n{}\n", aws(1), aws(2)),
        format!("[{},{large},{}]", aws(1), aws(2)),
        format!("{{\"Records\":[{},{large},{}]}}", aws(1), aws(2)),
    ] {
        let items: Vec<Item> = split(Cursor::new(&text), None, "x").collect();
        let Item::Rejected(letter) = &items[1] else { panic!("{:?}", items[1]) };
        assert_eq!(letter.n_bytes, large.len() as i64);
        assert_eq!(letter.body.0.len(), DeadLetter::MAX_BODY_BYTES);
        assert!(letter.reason.contains("`ingest.max_record`, 16777216 bytes"), "{}", letter.reason);
        assert_eq!(items.len(), 3);
        assert!(matches!((&items[0], &items[2]), (Item::Log(_), Item::Log(_))));
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

#[test]
fn compressed_files_are_told_by_their_first_bytes() {
    let (a, b) = (format!("{}\n", aws(1)), format!("{}\n", aws(2)));
    let plain: Vec<Item> = split(Cursor::new(format!("{a}{b}")), None, "x").collect();
    let members = [gzip(a.as_bytes()), gzip(b.as_bytes())].concat();
    assert_eq!(split(Cursor::new(members), None, "x").collect::<Vec<_>>(), plain);
    let frames = [zstd::encode_all(a.as_bytes(), 1).unwrap(), zstd::encode_all(b.as_bytes(), 1).unwrap()].concat();
    assert_eq!(split(Cursor::new(frames), None, "x").collect::<Vec<_>>(), plain);
}

#[test]
fn the_records_before_a_break_in_a_compressed_file_count() {
    let text: String = (0..20_000).map(|n| format!("{}\n", aws(n))).collect();
    for whole in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 1).unwrap()] {
        for cut in [whole.len() / 2, whole.len() - 3] {
            let items: Vec<Item> = split(Cursor::new(&whole[..cut]), None, "x").collect();
            let (last, before) = items.split_last().unwrap();
            let Item::Rejected(letter) = last else { panic!("{last:?}") };
            assert!(
                letter.reason.contains("stream ends early") || letter.reason.contains("incomplete frame"),
                "{}",
                letter.reason
            );
            assert!(before.len() > 5_000, "{} before the break", before.len());
            for (n, item) in before.iter().enumerate() {
                let Item::Log(record) = item else { panic!("{item:?}") };
                assert_eq!(record.body.0, aws(n).as_bytes());
            }
        }
    }
}

fn json(depth: u32) -> BoxedStrategy<Value> {
    let text = prop_oneof![any::<String>(), "[\\\\\"{}\\[\\],:\n\t a]{0,12}", Just("},{\"eventVersion\"".to_owned()),];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from)
    ];
    leaf.prop_recursive(depth, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..5)
                .prop_map(|list| Value::Object(list.into_iter().collect())),
        ]
    })
    .boxed()
}

fn record() -> impl Strategy<Value = Value> {
    (json(4), json(2)).prop_map(|(x, y)| serde_json::json!({"eventVersion": y, "eventSource": "s", "x": x}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn made_up_records_split_as_serde_json_parses_them(
        records in prop::collection::vec(record(), 1..6), form in 0..6, sizes in prop::collection::vec(1_usize..40, 1..4),
    ) {
        let lines: Vec<String> = records.iter().map(Value::to_string).collect();
        let pretty: Vec<String> = records.iter().map(|record| serde_json::to_string_pretty(record).unwrap()).collect();
        let text = match form {
            0 => lines.join("\n"),
            1 => format!("{{\"Records\":[{}]}}", lines.join(" ,\n")),
            2 => format!("[ {} ]\n", pretty.join(",")),
            3 => pretty.join("\n"),
            4 => serde_json::to_string_pretty(&serde_json::json!({"Records": records})).unwrap(),
            _ => lines.iter().map(|line| format!("{{\"Records\":[{line},{line}]}}\r\n")).collect(),
        };
        let wanted = if form == 5 { records.iter().flat_map(|r| [r.clone(), r.clone()]).collect() } else { records };
        prop_assert_eq!(bodies(split(Cut::new(text.as_bytes(), &sizes), None, "x")), wanted);
    }

    #[test]
    fn no_bytes_panic_and_cuts_do_not_change_what_is_found(
        bytes in prop::collection::vec(prop_oneof![
            Just(b"{\"eventVersion\":1,\"eventSource\":2}".to_vec()), Just(b"{\"Records\":[".to_vec()), Just(b"]}".to_vec()),
            Just(b"\n".to_vec()), Just(b",".to_vec()), Just(b"\"".to_vec()), Just(b"{".to_vec()), Just(b"}".to_vec()), Just(b"[".to_vec()),
            Just(b"\\".to_vec()), Just(b"\"a\":".to_vec()), prop::collection::vec(any::<u8>(), 0..4),
        ], 0..30), sizes in prop::collection::vec(1_usize..9, 1..4),
    ) {
        let bytes = bytes.concat();
        let whole: Vec<Item> = split(Cursor::new(&bytes), None, "x").collect();
        prop_assert_eq!(split(Cut::new(&bytes, &sizes), None, "x").collect::<Vec<_>>(), whole.clone());
        let may_be_empty = bytes.iter().any(|byte| matches!(byte, b'[' | b'{'));
        prop_assert!(may_be_empty || !whole.is_empty());
    }
}

/// Quadratic work would take hours here.
#[test]
fn hostile_input_costs_no_more_than_its_length() {
    let n = 400_000;
    let first = aws(0);
    for text in [
        format!("[{first},{}}}", r#"{"eventVersion":["#.repeat(n)),
        format!("[{first},{}", r#"{"eventVersion":" "#.repeat(n)),
        format!("{{\"Records\":[{first}],\"{}", "k".repeat(6 << 20)),
        format!("{{\"{}", "k".repeat(6 << 20)),
        "{\"a\":1,\n{\n".repeat(n),
        "[[{".repeat(n),
        format!("{{\"value\":[{}", "{},".repeat(n)),
    ] {
        assert!(split(Cut::new(text.as_bytes(), &[4096]), None, "x").count() > 0);
    }
}
