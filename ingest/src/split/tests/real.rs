//! Real files, against `serde_json`.

use super::*;

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

/// What an official answer inside a recording is recognised as: lists and object kinds, or what is said of it.
fn recognised(answer: &Value, counts: &mut BTreeMap<String, usize>) {
    let text = answer.to_string();
    for item in
        split(Cursor::new(text), None, "o/12345678-1234-1234-1234-123456789012/project-abc/devs@example.com.json")
    {
        let what = match item {
            Item::Grant(grant) if grant.mark == schemas::Mark::Object => {
                let base = grant.list.split('/').next().unwrap_or_default();
                format!("{base} {}", grant.object_kind)
            }
            Item::Grant(_) => continue,
            Item::Log(record) => format!("log of {}", record.provider),
            Item::Rejected(letter) => letter.reason.split(';').next().unwrap_or_default().to_owned(),
        };
        *counts.entry(what).or_default() += 1;
    }
}

#[test]
fn answers_inside_of_recordings_are_recognised() {
    let Some(data) = data() else { return };
    let mut custodian: BTreeMap<String, usize> = BTreeMap::new();
    for path in files(&data.join("entitlements/cloud-custodian")) {
        let Ok(file) = serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap()) else { continue };
        recognised(&file["body"], &mut custodian);
    }
    expect![[r#"
        {
            "gcp.iam_policy binding": 245,
            "gcp.roles role": 4,
            "gcp.service_account_keys key": 4,
            "gcp.service_accounts service_account": 9,
            "kind not recognised": 190,
        }"#]]
    .assert_eq(&format!("{custodian:#?}"));
    let mut cartography: BTreeMap<String, usize> = BTreeMap::new();
    let file = std::fs::read(data.join("entitlements/cartography.Apache-2.0.json")).unwrap();
    let bundle: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_slice(&file).unwrap();
    for answer in bundle.values().flat_map(BTreeMap::values).filter(|answer| answer.is_array() || answer.is_object()) {
        recognised(answer, &mut cartography);
    }
    expect![[r#"
        {
            "`aws.service_last_accessed` does not say which account it is of": 1,
            "azure.group_members group": 11,
            "azure.resources resource": 5,
            "azure.role_assignments assignment": 12,
            "azure.role_definitions definition": 4,
            "gcp.resources resource": 4,
            "gcp.roles role": 18,
            "gcp.service_account_keys key": 2,
            "gcp.service_accounts service_account": 3,
            "kind not recognised": 32,
            "kind of 2 values not recognised": 5,
            "kind of 3 values not recognised": 2,
            "kind of 4 values not recognised": 2,
            "kind of 7 values not recognised": 1,
            "no JSON at byte 0": 1,
        }"#]]
    .assert_eq(&format!("{cartography:#?}"));
}
