//! Real records of others, and fixtures of ours.

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::expect;
use proptest::prelude::*;
use schemas::{AccessLevel, Provider, ResourceId};
use serde_json::Value;

use crate::providers::testing::{Agreement, any_value, event, fixture, read, shared, summary, with_replaced};
use crate::providers::{Normalized, testing};

/// The records of a file of the real data.
fn lines(path: &std::path::Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn every_real_record_becomes_something() {
    let Some(folder) = shared("raw/gcp-audit") else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut report = String::new();
    let mut dead: BTreeMap<String, usize> = BTreeMap::new();
    for file in files {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for line in lines(&file) {
            let fate = match read(Provider::Gcp, &line) {
                Ok(Normalized::Event(event)) => format!("{} {}", event.category, event.action_known),
                Ok(Normalized::NotAccess(kind)) => format!("not access: {kind}"),
                Err(reason) => {
                    *dead.entry(reason).or_default() += 1;
                    "dead letter".to_owned()
                }
            };
            *counts.entry(fate).or_default() += 1;
        }
        writeln!(report, "{}: {counts:?}", file.file_stem().unwrap().to_string_lossy()).unwrap();
    }
    for (reason, n) in dead {
        writeln!(report, "{n} dead letters: {reason}").unwrap();
    }
    expect![[r#"
        gcp-google-cloudevents: {"data logged": 1, "data mapped": 1, "management logged": 1}
        gcp-gordon: {"management logged": 1, "management mapped": 1}
        gcp-professional-services: {"data logged": 5, "directory unknown": 2, "management logged": 10, "management mapped": 1, "policy mapped": 1, "policy unknown": 1, "sign_in none_needed": 1, "system none_needed": 1}
        gcp-real-time-enforcer: {"data logged": 2, "dead letter": 14, "management logged": 10}
        panther-analysis: {"data logged": 8, "data mapped": 2, "dead letter": 4, "directory unknown": 3, "management logged": 30, "management mapped": 5, "management unknown": 3}
        plaso: {"management logged": 6, "management mapped": 3}
        3 dead letters: field `timestamp` is missing
        6 dead letters: field `timestamp` is no time: `0000-00-00T00:00:00.000000000Z`
        8 dead letters: field `timestamp` is no time: `0000-00-00T00:00:00.000Z`
        1 dead letters: neither `logName`, `resource.labels` nor `resourceName` names a project, folder or organization
    "#]].assert_eq(&report);
}

/// Cloud Asset Inventory's types of the monitored resources (cloud.google.com/monitoring/api/resources,
/// cloud.google.com/asset-inventory/docs/asset-types), which the expected output uses.
const ASSET_TYPES: [(&str, &str); 12] = [
    ("bigquery_dataset", "bigquery.googleapis.com/Dataset"),
    ("cloud_dataproc_cluster", "dataproc.googleapis.com/Cluster"),
    ("cloud_function", "cloudfunctions.googleapis.com/CloudFunction"),
    ("cloudsql_database", "sqladmin.googleapis.com/Instance"),
    ("dataflow_step", "dataflow.googleapis.com/Job"),
    ("gae_app", "appengine.googleapis.com/Instance"),
    ("gce_firewall_rule", "compute.googleapis.com/Firewall"),
    ("gce_subnetwork", "compute.googleapis.com/Subnetwork"),
    ("gke_cluster", "container.googleapis.com/Cluster"),
    ("gke_nodepool", "container.googleapis.com/NodePool"),
    ("pubsub_subscription", "pubsub.googleapis.com/Subscription"),
    ("pubsub_topic", "pubsub.googleapis.com/Topic"),
];

/// The enforcer's rows (cloud.google.com/appengine/docs/admin-api/reference/rest/v1/apps.services.versions.instances/debug
/// names `appengine.instances.enableDebug`; the record of `DebugInstance` does not, and no table of ours maps it, so we
/// do not guess what it does; everything else agrees): the type, name and operation of the resource that each record is about. Their times were blanked
/// out, so the test puts one in.
#[test]
fn real_time_enforcer_agrees() {
    let Some(file) = shared("normalization/gcp-real-time-enforcer.Apache-2.0.gold.json") else { return };
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut agreement = Agreement::default();
    for row in &rows {
        let raw = row["raw"].to_string().replace("0000-00-00T", "2020-01-01T");
        let event = event(Provider::Gcp, &raw);
        let expected = |field: &str| row[field].as_str().unwrap();
        let file = expected("file");
        let main = event.resources.first();
        let kind = main.and_then(|main| main.kind.as_deref()).unwrap_or_default();
        let kind = ASSET_TYPES.iter().find(|(monitored, _)| *monitored == kind).map_or(kind, |(_, asset)| asset);
        agreement.field(file, "resource_type", expected("resource_type"), kind);
        let name = main.and_then(|main| main.id.rsplit('/').next()).unwrap_or_default();
        agreement.field(file, "resource_name", expected("resource_name"), name);
        // The enforcer calls a creation `create` in one of its rules and `write` in the others.
        let wanted = if expected("operation") == "read" { "reads" } else { "changes" };
        let ours = match event.access_level {
            Some(AccessLevel::Read | AccessLevel::List) => "reads",
            Some(_) => "changes",
            None => "unknown",
        };
        agreement.field(file, "operation", wanted, ours);
    }
    expect![[r#"
        75 fields compared, 1 differ
        app-engine-debug.json operation: expected `changes`, ours `unknown`
    "#]]
    .assert_eq(&agreement.report());
}

/// Plaso's rows, by time.
#[test]
fn plaso_agrees() {
    let (Some(expected), Some(records)) =
        (shared("normalization/plaso/gcp_log.expected.json"), shared("raw/gcp-audit/plaso.ndjson"))
    else {
        return;
    };
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    let events: Vec<_> = lines(&records).iter().map(|line| event(Provider::Gcp, line)).collect();
    let mut agreement = Agreement::default();
    for row in &rows {
        let time = crate::providers::when::parse(row["recorded_time"].as_str().unwrap()).unwrap();
        let event = events.iter().find(|event| event.time == time).unwrap();
        let name = row["recorded_time"].as_str().unwrap();
        let permissions: Vec<_> = event.uses.iter().map(|used| used.action.as_str()).collect();
        let delegation: Vec<_> = event.on_behalf_of.iter().map(|id| id.trim_start_matches("gcp:")).collect();
        let status = match event.error_code.as_deref() {
            Some("PERMISSION_DENIED") => "7",
            other => other.unwrap_or_default(),
        };
        let project = row["log_name"].as_str().unwrap().split('/').nth(1).unwrap();
        agreement.field(name, "project", project, &event.account_id);
        for (field, ours) in [
            ("event_subtype", event.operation.as_str()),
            ("method_name", event.operation.as_str()),
            ("service_name", event.service.as_str()),
            ("principal_email", event.identity_name.as_deref().unwrap_or_default()),
            ("caller_ip", event.source_ip.as_deref().unwrap_or_default()),
            ("user_agent", event.user_agent.as_deref().unwrap_or_default()),
            ("resource_name", event.resources.first().map(|main| main.id.as_str()).unwrap_or_default()),
            ("delegation_chain", &delegation.join("->")),
            ("status_code", status),
            ("service_account_key_name", event.credential_id.as_deref().unwrap_or_default()),
            ("permissions", &permissions.join(" ")),
        ] {
            let wanted = match &row[field] {
                Value::Array(items) => items.iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(" "),
                Value::String(text) => text.clone(),
                _ if row.get(field).is_some() => String::new(),
                _ => continue,
            };
            agreement.field(name, field, &wanted, ours);
        }
    }
    expect![[r#"
        30 fields compared, 0 differ
    "#]]
    .assert_eq(&agreement.report());
}

fn check(name: &str, expected: expect_test::Expect) {
    let record = fixture(&format!("gcp/{name}.json"));
    let event = event(Provider::Gcp, &record);
    expected.assert_eq(&summary(&event));
    // How the record is written does not matter; `serde_json` says what it says.
    let compact = serde_json::from_str::<Value>(&record).unwrap().to_string();
    assert_eq!(testing::event(Provider::Gcp, &compact), event);
    let capitals = record
        .replace("\"time\"", "\"Time\"")
        .replace("\"timestamp\"", "\"TIME_STAMP\"")
        .replace("\"properties\"", "\"Properties\"");
    assert_eq!(testing::event(Provider::Gcp, &capitals), event);
}

#[test]
fn a_vm_that_runs_as_a_service_account_uses_act_as() {
    check(
        "instance_insert",
        expect![[r#"
        2026-03-02T09:15:04.123456Z shop-prod management org -
        by gcp:dana@shop.example (user) Dana@Shop.example of -
        compute.googleapis.com v1.compute.instances.insert -> compute.instances.create (logged, write)
        uses compute.instances.create on projects/shop-prod/zones/europe-west1-b/instances/web-1 of shop-prod: yes logged
        uses compute.disks.create on projects/shop-prod/zones/europe-west1-b/disks/web-1 of shop-prod: yes logged
        uses iam.serviceAccounts.actAs on projects/-/serviceAccounts/web@shop-prod.iam.gserviceaccount.com of shop-prod: yes derived
        touches projects/shop-prod/zones/europe-west1-b/instances/web-1 (gce_instance)
        touches projects/shop-prod/zones/europe-west1-b/disks/web-1 (compute.disks)
        success - counts
        region europe-west1-b ip 203.0.113.9 tool gcloud call operation-77 id k1v2m3
    "#]],
    );
}

#[test]
fn the_last_record_of_an_operation_tells_its_end_and_is_no_second_use() {
    check(
        "operation_last",
        expect![[r#"
        2026-03-02T09:15:14Z shop-prod management org -
        by gcp:dana@shop.example (user) dana@shop.example of -
        compute.googleapis.com v1.compute.instances.insert -> compute.instances.create (mapped, write)
        uses compute.instances.create on projects/shop-prod/zones/europe-west1-b/instances/web-1 of shop-prod: unknown mapped
        touches projects/shop-prod/zones/europe-west1-b/instances/web-1 (gce_instance)
        error RESOURCE_EXHAUSTED does not count
        region europe-west1-b call operation-77 id k1v2m4
    "#]],
    );
}

#[test]
fn a_delegated_key_and_a_refusal() {
    check(
        "denied_delegated",
        expect![[r#"
        2026-03-02T10:00:00.5Z shop-prod data org -
        by gcp:deploy@shop-prod.iam.gserviceaccount.com (service_account) deploy@shop-prod.iam.gserviceaccount.com of shop-prod
        for gcp:erin@shop.example
        for gcp:ci@tools.iam.gserviceaccount.com
        secretmanager.googleapis.com google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion -> secretmanager.versions.access (logged, read)
        uses secretmanager.versions.access on projects/shop-prod/secrets/db/versions/3 of shop-prod: no logged
        touches projects/shop-prod/secrets/db/versions/3 (secretmanager.googleapis.com/Secret)
        denied PERMISSION_DENIED does not count
        from gce-internal-ip credential //iam.googleapis.com/projects/shop-prod/serviceAccounts/deploy@shop-prod.iam.gserviceaccount.com/keys/0a1b id d9
    "#]],
    );
}

#[test]
fn a_workload_of_another_identity_provider_in_the_sdks_spelling() {
    check(
        "federated_snake_case",
        expect![[r#"
        2026-03-02T11:00:00Z organizations/123456 management org 123456
        by gcp:principal://iam.googleapis.com/locations/global/workforcepools/staff/subject/frank (federated) principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/frank of -
        cloudresourcemanager.googleapis.com SetIamPolicy -> resourcemanager.organizations.setIamPolicy (logged, permissions)
        uses resourcemanager.organizations.setIamPolicy on organizations/123456 of -: yes logged
        touches organizations/123456 (organization)
        success - counts
        ip 2001:db8::7 tool terraform id f1
    "#]],
    );
}

#[test]
fn what_is_no_audit_record_is_no_access() {
    for (record, kind) in [
        (r#"{"logName":"projects/p/logs/compute.googleapis.com%2Fvpc_flows","jsonPayload":{"x":1}}"#, "flow_log"),
        (r#"{"logName":"projects/p/logs/stdout","textPayload":"hello"}"#, "text_log"),
        (r#"{"logName":"projects/p/logs/app","jsonPayload":{"x":1}}"#, "json_log"),
        (r#"{"logName":"projects/p/logs/requests","httpRequest":{"status":200}}"#, "http_request"),
        (
            r#"{"logName":"organizations/1/logs/cloudaudit.googleapis.com%2Faccess_transparency","jsonPayload":{}}"#,
            "access_transparency",
        ),
        (
            r#"{"logName":"projects/p/logs/x","protoPayload":{"@type":"type.googleapis.com/google.appengine.logging.v1.RequestLog"}}"#,
            "other_log",
        ),
    ] {
        match read(Provider::Gcp, record) {
            Ok(Normalized::NotAccess(found)) => assert_eq!(found, kind, "{record}"),
            other => panic!("{other:?}: {record}"),
        }
    }
}

#[test]
fn what_cannot_be_used_says_why() {
    let audit = r#""protoPayload":{"methodName":"m","serviceName":"s"}"#;
    for (record, reason) in [
        ("[1]".to_owned(), "the record is no JSON object"),
        ("{}".to_owned(), "field `protoPayload` is missing"),
        (
            r#"{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog"}}"#.to_owned(),
            "field `protoPayload.methodName` is missing",
        ),
        (format!(r#"{{"logName":"projects/p/logs/x",{audit}}}"#), "field `timestamp` is missing"),
        (
            format!(r#"{{"logName":"projects/p/logs/x","timestamp":"0000-00-00T00:00:00Z",{audit}}}"#),
            "field `timestamp` is no time: `0000-00-00T00:00:00Z`",
        ),
        (
            format!(r#"{{"timestamp":"2026-01-01T00:00:00Z",{audit}}}"#),
            "neither `logName`, `resource.labels` nor `resourceName` names a project, folder or organization",
        ),
    ] {
        assert_eq!(read(Provider::Gcp, &record).unwrap_err(), reason, "{record}");
    }
}

#[test]
fn codes_decide_what_counts() {
    let check = |status: &str, granted: &str| {
        let event = event(
            Provider::Gcp,
            &format!(
                r#"{{"logName":"projects/p/logs/cloudaudit.googleapis.com%2Fdata_access","timestamp":"2026-01-01T00:00:00Z",
                "protoPayload":{{"serviceName":"storage.googleapis.com","methodName":"storage.objects.get","status":{status},
                "authorizationInfo":[{{"permission":"storage.objects.get"{granted}}}]}}}}"#
            ),
        );
        format!(
            "{} {} {} {}",
            event.outcome,
            event.error_code.as_deref().unwrap_or("-"),
            event.uses[0].granted,
            event.counts_as_use
        )
    };
    for (status, granted, expected) in [
        ("{}", "", "success - yes true"),
        ("{}", r#","granted":true"#, "success - yes true"),
        ("{}", r#","granted":false"#, "denied - no false"),
        (r#"{"code":7}"#, "", "denied PERMISSION_DENIED no false"),
        (r#"{"code":16}"#, "", "denied UNAUTHENTICATED no false"),
        (r#"{"code":5}"#, "", "error NOT_FOUND yes true"),
        (r#"{"code":8}"#, "", "error RESOURCE_EXHAUSTED unknown false"),
        (r#"{"code":8}"#, r#","granted":true"#, "error RESOURCE_EXHAUSTED yes true"),
        (r#"{"code":99}"#, "", "error 99 yes true"),
    ] {
        assert_eq!(check(status, granted), expected, "{status}{granted}");
    }
}

#[test]
fn a_long_list_of_permissions_is_read_once_each() {
    let checks: Vec<String> = (0..20_000)
        .map(|n| format!(r#"{{"permission":"a.b.c{}","resource":"projects/p/x/{}"}}"#, n % 7, n % 1000))
        .collect();
    let record = format!(
        r#"{{"logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","timestamp":"2026-01-01T00:00:00Z",
        "protoPayload":{{"serviceName":"a.googleapis.com","methodName":"m","authorizationInfo":[{}]}}}}"#,
        checks.join(",")
    );
    let event = event(Provider::Gcp, &record);
    assert_eq!(event.uses.len(), 7000);
    assert!(event.resources.len() <= 65);
    assert_eq!(event.uses[0].resource_id, Some(ResourceId::from("projects/p/x/0")));
}

proptest! {
    #[test]
    fn a_value_of_any_kind_in_any_place_is_read_or_rejected(
        name in prop::sample::select(vec!["instance_insert", "operation_last", "denied_delegated", "federated_snake_case"]),
        place in 0_usize..80,
        other in any_value(),
    ) {
        let record = with_replaced(&fixture(&format!("gcp/{name}.json")), place, &other);
        if let Ok(Normalized::Event(event)) = read(Provider::Gcp, &record) {
            prop_assert_eq!(event.action.as_ref(), event.uses.first().map(|used| &used.action));
            prop_assert!(!event.account_id.is_empty() && !event.identity_id.is_empty());
        }
    }
}
