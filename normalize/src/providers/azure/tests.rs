//! Real records of others, and fixtures of ours.

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::expect;
use proptest::prelude::*;
use schemas::Provider;
use serde_json::Value;

use super::arm::ArmId;
use crate::providers::testing::{Agreement, any_value, event, fixture, read, shared, summary, with_replaced};
use crate::providers::{Normalized, testing};

fn records(path: &std::path::Path) -> Vec<String> {
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    file["records"].as_array().unwrap().iter().map(Value::to_string).collect()
}

#[test]
fn every_real_record_becomes_something() {
    let mut report = String::new();
    let mut dead: BTreeMap<String, usize> = BTreeMap::new();
    for folder in ["raw/azure-activity", "raw/azure-entra"] {
        let Some(folder) = shared(folder) else { return };
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for record in records(&file) {
                let fate = match read(Provider::Azure, &record) {
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
    }
    for (reason, n) in dead {
        writeln!(report, "{n} dead letters: {reason}").unwrap();
    }
    expect![[r#"
        azure_activity.azure-dynatrace-forwarder: {"not access: alert": 1, "not access: policy_evaluation": 1, "not access: resource_health": 1, "not access: service_health": 1}
        azure_activity.panther-analysis: {"directory unknown": 2, "management logged": 112}
        azure_activity.plaso: {"management logged": 4}
        azure_resource_log.azure-datadog-forwarder: {"not access: risk_event": 2}
        azure_resource_log.azure-dynatrace-forwarder: {"not access: gateway_log": 2}
        azure_resource_log.panther-analysis: {"data mapped": 3, "directory mapped": 2}
        entra_audit.azure-datadog-forwarder: {"directory mapped": 12, "directory none_needed": 1, "directory unknown": 9}
        entra_audit.panther-analysis: {"directory mapped": 2, "directory unknown": 1}
        entra_signin.azure-datadog-forwarder: {"sign_in none_needed": 68}
        entra_signin.panther-analysis: {"sign_in none_needed": 15}
        msgraph_activity.azure-datadog-forwarder: {"data unknown": 25}
    "#]].assert_eq(&report);
}

/// The kinds of the categories that the forwarder names.
const SOURCES: [(&str, &str); 3] = [
    ("alert", "Activity Log - Alert"),
    ("policy_evaluation", "Activity Log - Policy"),
    ("resource_health", "Activity Log - ResourceHealth"),
];

/// Dynatrace's forwarder: what it reads from four records. Three of them are no access for us, so of these the kind and
/// what their ids tell are compared. Ids and actions are compared without case, as Azure does.
#[test]
fn dynatrace_forwarder_agrees() {
    let Some(file) = shared("normalization/azure-dynatrace-forwarder.Apache-2.0.gold.json") else { return };
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut agreement = Agreement::default();
    for row in &rows {
        let name = row["name"].as_str().unwrap();
        let expected = |field: &str| row["expected"][field].as_str().unwrap_or_default();
        let id = ArmId::parse(row["raw"]["resourceId"].as_str().unwrap());
        let segments: Vec<&str> = id.id.split('/').collect();
        agreement.caseless(name, "azure.resource.id", expected("azure.resource.id"), &id.id);
        agreement.caseless(
            name,
            "azure.subscription",
            expected("azure.subscription"),
            id.subscription.as_deref().unwrap_or_default(),
        );
        agreement.caseless(name, "azure.resource.group", expected("azure.resource.group"), segments[4]);
        agreement.caseless(
            name,
            "azure.resource.type",
            expected("azure.resource.type"),
            id.kind.as_deref().unwrap_or_default(),
        );
        agreement.caseless(name, "azure.resource.name", expected("azure.resource.name"), segments.last().unwrap());
        match read(Provider::Azure, &row["raw"].to_string()).unwrap() {
            Normalized::NotAccess(kind) => {
                let source = SOURCES.iter().find(|(ours, _)| *ours == kind).map_or(kind, |(_, source)| source);
                agreement.field(name, "log.source", expected("log.source"), source);
            }
            Normalized::Event(event) => {
                let time = crate::providers::when::parse(expected("timestamp")).unwrap();
                agreement.field(name, "timestamp", &time.to_string(), &event.time.to_string());
                agreement.field(
                    name,
                    "audit.identity",
                    expected("audit.identity"),
                    event.identity_name.as_deref().unwrap_or_default(),
                );
                agreement.caseless(
                    name,
                    "audit.action",
                    expected("audit.action"),
                    event.action.as_deref().unwrap_or_default(),
                );
                let failed = if expected("audit.result").starts_with("Failed") { "error" } else { "success" };
                agreement.field(name, "audit.result", failed, event.outcome.as_str());
            }
        }
    }
    expect![[r#"
        27 fields compared, 0 differ
    "#]]
    .assert_eq(&agreement.report());
}

#[test]
fn plaso_agrees() {
    let (Some(expected), Some(records)) = (
        shared("normalization/plaso/azure_activity_log.expected.json"),
        shared("raw/azure-activity/azure_activity.plaso.json"),
    ) else {
        return;
    };
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    let events: Vec<_> = self::records(&records).iter().map(|record| event(Provider::Azure, record)).collect();
    let mut agreement = Agreement::default();
    for row in &rows {
        let expected = |field: &str| row[field].as_str().unwrap();
        let id = expected("event_data_identifier");
        let event = events.iter().find(|event| event.provider_event_id.as_deref() == Some(id)).unwrap();
        let time = crate::providers::when::parse(expected("recorded_time")).unwrap();
        agreement.field(id, "recorded_time", &time.to_string(), &event.time.to_string());
        agreement.field(id, "caller", expected("caller"), event.identity_id.rsplit(':').next().unwrap());
        agreement.field(id, "client_ip", expected("client_ip"), event.source_ip.as_deref().unwrap());
        let call = format!("{}/{}", expected("correlation_identifier"), expected("operation_identifier"));
        agreement.field(id, "correlation and operation", &call, event.call_id.as_deref().unwrap());
        agreement.field(id, "operation_name", expected("operation_name"), &event.operation);
        agreement.field(id, "action", expected("operation_name"), event.action.as_deref().unwrap());
        let resource = &event.resources[0];
        agreement.caseless(id, "resource_identifier", expected("resource_identifier"), &resource.id);
        agreement.caseless(id, "resource_group", expected("resource_group"), resource.id.split('/').nth(4).unwrap());
        agreement.field(id, "resource_type", expected("resource_type"), resource.kind.as_deref().unwrap());
        agreement.field(id, "resource_provider", expected("resource_provider"), &event.service);
        agreement.field(id, "subscription_identifier", expected("subscription_identifier"), &event.account_id);
        agreement.field(id, "tenant_identifier", expected("tenant_identifier"), event.org_id.as_deref().unwrap());
        agreement.field(
            id,
            "event_name",
            expected("event_name"),
            if event.counts_as_use { "EndRequest" } else { "BeginRequest" },
        );
    }
    expect![[r#"
        13 fields compared, 0 differ
    "#]]
    .assert_eq(&agreement.report());
}

fn check(name: &str, expected: expect_test::Expect) {
    let record = fixture(&format!("azure/{name}.json"));
    let event = event(Provider::Azure, &record);
    expected.assert_eq(&summary(&event));
    // How the record is written does not matter; `serde_json` says what it says.
    let compact = serde_json::from_str::<Value>(&record).unwrap().to_string();
    assert_eq!(testing::event(Provider::Azure, &compact), event);
    let capitals = record
        .replace("\"time\"", "\"Time\"")
        .replace("\"timestamp\"", "\"TIME_STAMP\"")
        .replace("\"properties\"", "\"Properties\"");
    assert_eq!(testing::event(Provider::Azure, &capitals), event);
}

#[test]
fn a_user_reads_the_keys_of_a_storage_account() {
    check(
        "activity_success",
        expect![[r#"
        2026-03-02T09:15:04.123456Z 33333333-aaaa-4bbb-8ccc-444444444444 management org 11111111-aaaa-4bbb-8ccc-222222222222
        by azure:11111111-aaaa-4bbb-8ccc-222222222222:55555555-aaaa-4bbb-8ccc-666666666666 (user) dana@shop.example of -
        Microsoft.Storage MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION -> Microsoft.Storage/storageAccounts/listKeys/action (logged, list)
        uses Microsoft.Storage/storageAccounts/listKeys/action on /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata of 33333333-aaaa-4bbb-8ccc-444444444444: yes logged
        touches /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata (Microsoft.Storage/storageAccounts)
        success - counts
        region global ip 203.0.113.9 credential tok-1 call c-1/494ace2cc11784a5 mfa yes
    "#]],
    );
}

#[test]
fn a_start_does_not_count_and_shares_the_call_of_its_end() {
    check(
        "activity_start",
        expect![[r#"
        2026-03-02T09:15:04.123456Z 33333333-aaaa-4bbb-8ccc-444444444444 management org 11111111-aaaa-4bbb-8ccc-222222222222
        by azure:11111111-aaaa-4bbb-8ccc-222222222222:55555555-aaaa-4bbb-8ccc-666666666666 (user) dana@shop.example of -
        Microsoft.Storage MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION -> Microsoft.Storage/storageAccounts/listKeys/action (logged, list)
        uses Microsoft.Storage/storageAccounts/listKeys/action on /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata of 33333333-aaaa-4bbb-8ccc-444444444444: yes logged
        touches /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata (Microsoft.Storage/storageAccounts)
        success - does not count
        region global ip 203.0.113.9 credential tok-1 call c-1/494ace2cc11784a5 mfa yes
    "#]],
    );
}

#[test]
fn a_refused_service_principal() {
    check(
        "activity_denied",
        expect![[r#"
        2026-03-02T09:15:04.123456Z 33333333-aaaa-4bbb-8ccc-444444444444 management org 11111111-aaaa-4bbb-8ccc-222222222222
        by azure:11111111-aaaa-4bbb-8ccc-222222222222:55555555-aaaa-4bbb-8ccc-666666666666 (service_principal) 04b07795-8ddb-461a-bbee-02f9e1bf7b46 of -
        Microsoft.Storage MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION -> Microsoft.Storage/storageAccounts/listKeys/action (logged, list)
        uses Microsoft.Storage/storageAccounts/listKeys/action on /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata of 33333333-aaaa-4bbb-8ccc-444444444444: no logged
        touches /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata (Microsoft.Storage/storageAccounts)
        denied AuthorizationFailed does not count
        region global ip 203.0.113.9 credential tok-1 call c-1/494ace2cc11784a5
    "#]],
    );
}

#[test]
fn a_managed_identity_hands_another_to_a_vm() {
    check(
        "activity_managed_identity",
        expect![[r#"
        2026-03-02T09:15:04.123456Z 33333333-aaaa-4bbb-8ccc-444444444444 management org 11111111-aaaa-4bbb-8ccc-222222222222
        by azure:11111111-aaaa-4bbb-8ccc-222222222222:55555555-aaaa-4bbb-8ccc-666666666666 (managed_identity) deployer of -
        Microsoft.Compute MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE -> Microsoft.Compute/virtualMachines/write (logged, write)
        uses Microsoft.Compute/virtualMachines/write on /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/vm1 of 33333333-aaaa-4bbb-8ccc-444444444444: yes logged
        uses Microsoft.ManagedIdentity/userAssignedIdentities/assign/action on /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/web of 33333333-aaaa-4bbb-8ccc-444444444444: yes derived
        touches /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/vm1 (Microsoft.Compute/virtualMachines)
        success - counts
        region global ip 203.0.113.9 call c-1/ed8b9522afca3669
    "#]],
    );
}

#[test]
fn az_monitor_with_a_caller_alone() {
    check(
        "az_cli",
        expect![[r#"
        2026-03-02T09:20:00.5Z 33333333-aaaa-4bbb-8ccc-444444444444 management org 11111111-aaaa-4bbb-8ccc-222222222222
        by azure:11111111-aaaa-4bbb-8ccc-222222222222:upn/dana@shop.example (external) dana@shop.example of -
        Microsoft.Compute Microsoft.Compute/disks/delete -> Microsoft.Compute/disks/delete (logged, write)
        uses Microsoft.Compute/disks/delete on /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Compute/disks/d1 of 33333333-aaaa-4bbb-8ccc-444444444444: yes logged
        touches /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Compute/disks/d1 (Microsoft.Compute/disks)
        success - counts
        ip 203.0.113.9 call c-2/o-2 id e-2
    "#]],
    );
}

#[test]
fn a_secret_is_read() {
    check(
        "key_vault",
        expect![[r#"
        2026-03-02T09:21:00Z 33333333-aaaa-4bbb-8ccc-444444444444 data org 11111111-aaaa-4bbb-8ccc-222222222222
        by azure:11111111-aaaa-4bbb-8ccc-222222222222:55555555-aaaa-4bbb-8ccc-666666666666 (user) dana@shop.example of -
        Microsoft.KeyVault SecretGet -> Microsoft.KeyVault/vaults/secrets/getSecret/action (mapped, read)
        uses Microsoft.KeyVault/vaults/secrets/getSecret/action on /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/shopvault/secrets/db of 33333333-aaaa-4bbb-8ccc-444444444444: yes mapped
        touches /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/shopvault/secrets/db (Microsoft.KeyVault/vaults/secrets)
        success - counts
        ip 203.0.113.9 tool azure-sdk call c-3/5053dc39ccf59aa8
    "#]],
    );
}

#[test]
fn a_refused_blob() {
    check(
        "storage_oauth",
        expect![[r#"
        2026-03-02T09:22:00Z 33333333-aaaa-4bbb-8ccc-444444444444 data org 11111111-aaaa-4bbb-8ccc-222222222222
        by azure:11111111-aaaa-4bbb-8ccc-222222222222:55555555-aaaa-4bbb-8ccc-666666666666 (service_principal) 77777777-aaaa-4bbb-8ccc-888888888888 of -
        Microsoft.Storage GetBlob -> Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read (logged, read)
        uses Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read on /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata/blobServices/default/containers/in/blobs/Orders A.csv of 33333333-aaaa-4bbb-8ccc-444444444444: no logged
        touches /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata/blobServices/default/containers/in/blobs/Orders A.csv (Microsoft.Storage/storageAccounts/blobServices/containers/blobs)
        denied AuthorizationPermissionMismatch does not count
        region westeurope ip 203.0.113.9 tool azure-sdk credential h-1 call c-4/16c703ccc061b693
    "#]],
    );
}

#[test]
fn a_public_blob() {
    check(
        "storage_anonymous",
        expect![[r#"
        2026-03-02T09:23:00Z 33333333-aaaa-4bbb-8ccc-444444444444 data org -
        by azure:anonymous (anonymous) - of -
        Microsoft.Storage GetBlob -> Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read (mapped, read)
        uses Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read on /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata/blobServices/default/containers/public/blobs/logo.png of 33333333-aaaa-4bbb-8ccc-444444444444: yes mapped
        touches /subscriptions/33333333-aaaa-4bbb-8ccc-444444444444/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopdata/blobServices/default/containers/public/blobs/logo.png (Microsoft.Storage/storageAccounts/blobServices/containers/blobs)
        success - counts
        ip 198.51.100.4 call c-5/d13f89d0cf94d445
    "#]],
    );
}

#[test]
fn conditional_access_refuses_a_guest() {
    check(
        "sign_in_refused",
        expect![[r#"
        2026-03-02T09:24:00.456Z 11111111-aaaa-4bbb-8ccc-222222222222 sign_in org 11111111-aaaa-4bbb-8ccc-222222222222
        by azure:11111111-aaaa-4bbb-8ccc-222222222222:55555555-aaaa-4bbb-8ccc-666666666666 (user) dana@shop.example of 99999999-aaaa-4bbb-8ccc-000000000000
        microsoft.aadiam Sign-in activity -> - (none_needed, -)
        touches abcdef00-aaaa-4bbb-8ccc-111111111111 (servicePrincipal)
        denied 53003 does not count
        ip 198.51.100.4 tool browser session s-6 credential tok-6 call c-6 id r-6
    "#]],
    );
}

#[test]
fn an_application_changes_the_directory() {
    check(
        "directory_by_app",
        expect![[r#"
        2026-03-02T21:25:00Z 11111111-aaaa-4bbb-8ccc-222222222222 directory org 11111111-aaaa-4bbb-8ccc-222222222222
        by azure:11111111-aaaa-4bbb-8ccc-222222222222:55555555-aaaa-4bbb-8ccc-666666666666 (service_principal) Provisioner of -
        microsoft.directory Add member to role -> microsoft.directory/roleAssignments/allProperties/allTasks (mapped, permissions)
        uses microsoft.directory/roleAssignments/allProperties/allTasks on abcdef00-aaaa-4bbb-8ccc-222222222222 of 11111111-aaaa-4bbb-8ccc-222222222222: yes mapped
        touches abcdef00-aaaa-4bbb-8ccc-222222222222 (User)
        touches role/global administrator (Role)
        success - counts
        tool python call c-7 id Directory_c-7
    "#]],
    );
}

#[test]
fn a_user_calls_graph() {
    check(
        "graph_user",
        expect![[r#"
        2026-03-02T09:26:00Z 11111111-aaaa-4bbb-8ccc-222222222222 data org 11111111-aaaa-4bbb-8ccc-222222222222
        by azure:11111111-aaaa-4bbb-8ccc-222222222222:55555555-aaaa-4bbb-8ccc-666666666666 (user) - of -
        Microsoft.Graph PATCH /users/{id}/memberOf -> - (unknown, -)
        touches https://graph.microsoft.com/users/dana@shop.example/memberOf (users)
        success - counts
        region West Europe ip 203.0.113.9 tool az-cli credential tok-6 call o-8 id r-8
    "#]],
    );
}

#[test]
fn what_is_no_access_is_counted_by_kind() {
    for (category, operation, kind) in [
        ("Security", "Microsoft.Security/x/action", "security_alert"),
        ("Autoscale", "Microsoft.Insights/AutoscaleSettings/Scaleup/Action", "autoscale"),
        ("Recommendation", "Microsoft.Advisor/generateRecommendations/action", "recommendation"),
        ("AllMetrics", "x", "metric"),
        ("kube-audit", "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read", "kubernetes_audit"),
        ("SomeNewLog", "Something happened", "resource_log"),
        ("RiskyUsers", "Risky user", "risk_event"),
        ("ProvisioningLogs", "Provisioning activity", "provisioning"),
    ] {
        let record = format!(
            r#"{{"time":"2026-01-01T00:00:00Z","category":"{category}","operationName":"{operation}","resourceId":"/subscriptions/s"}}"#
        );
        match read(Provider::Azure, &record) {
            Ok(Normalized::NotAccess(found)) => assert_eq!(found, kind, "{record}"),
            other => panic!("{other:?}: {record}"),
        }
    }
}

#[test]
fn what_cannot_be_used_says_why() {
    for (record, reason) in [
        ("7", "the record is no JSON object"),
        ("{}", "field `operationName` is missing"),
        (
            r#"{"category":"Administrative","operationName":"a/b","resourceId":"/subscriptions/s"}"#,
            "field `time` is missing",
        ),
        (
            r#"{"category":"Administrative","operationName":"a/b","time":"yesterday"}"#,
            "field `time` is no time: `yesterday`",
        ),
        (
            r#"{"category":"Administrative","operationName":"a/b","time":"2026-01-01T00:00:00Z"}"#,
            "neither `resourceId` nor `tenantId` names an account",
        ),
        (r#"{"category":"SignInLogs","time":"2026-01-01T00:00:00Z"}"#, "field `tenantId` is missing"),
    ] {
        assert_eq!(read(Provider::Azure, record).unwrap_err(), reason, "{record}");
    }
}

proptest! {
    #[test]
    fn a_value_of_any_kind_in_any_place_is_read_or_rejected(
        name in prop::sample::select(vec!["activity_success", "activity_denied", "activity_managed_identity", "az_cli", "key_vault", "storage_oauth", "sign_in_refused", "directory_by_app", "graph_user"]),
        place in 0_usize..80,
        other in any_value(),
    ) {
        let record = with_replaced(&fixture(&format!("azure/{name}.json")), place, &other);
        if let Ok(Normalized::Event(event)) = read(Provider::Azure, &record) {
            prop_assert_eq!(event.action.as_ref(), event.uses.first().map(|used| &used.action));
            prop_assert!(!event.account_id.is_empty() && !event.identity_id.is_empty());
        }
    }
}

#[test]
fn who_acted_is_told_by_what_the_record_has() {
    let tenant = r#""tenantId":"T","#;
    for (part, id, kind) in [
        (r#""identity":{"claims":{"oid":"O","upn":"a@x"}}"#, "azure:t:o", "user"),
        (r#""identity":{"claims":{"oid":"O","idtyp":"app"}}"#, "azure:t:o", "service_principal"),
        (r#""identity":{"claims":{"oid":"O","sub":"O"}}"#, "azure:t:o", "service_principal"),
        (r#""identity":{"claims":{"oid":"O","xms_mirid":"/x/y"}}"#, "azure:t:o", "managed_identity"),
        (r#""identity":{"claims":{"oid":"O"}}"#, "azure:t:o", "unknown"),
        (r#""identity":{"claims":{"oid":"O","tid":"Other"}}"#, "azure:other:o", "unknown"),
        (r#""identity":{"claims":{"upn":"A@X","appid":"P"}}"#, "azure:t:upn/a@x", "external"),
        (r#""identity":{"claims":{"appid":"P"}}"#, "azure:t:app/p", "external"),
        (r#""caller":"a@x""#, "azure:t:upn/a@x", "external"),
        (
            r#""caller":"55555555-aaaa-4bbb-8ccc-666666666666""#,
            "azure:t:55555555-aaaa-4bbb-8ccc-666666666666",
            "service_principal",
        ),
        (
            r#""caller":"Microsoft.Insights/autoscaleSettings""#,
            "azure:t:name/microsoft.insights/autoscalesettings",
            "unknown",
        ),
        (r#""x":1"#, "azure:t:unknown", "unknown"),
    ] {
        let record = format!(
            r#"{{"time":"2026-01-01T00:00:00Z","category":"Administrative","operationName":"Microsoft.Compute/disks/write",{tenant}"resourceId":"/subscriptions/s",{part}}}"#
        );
        let event = event(Provider::Azure, &record);
        assert_eq!((event.identity_id.as_str(), event.identity_kind.as_str()), (id, kind), "{part}");
    }
}

#[test]
fn a_subscription_belongs_to_the_root_of_its_hierarchy_not_to_its_callers_tenant() {
    let root = "11111111-aaaa-4bbb-8ccc-222222222222";
    let record = format!(
        r#"{{"time":"2026-01-01T00:00:00Z","category":"Administrative","operationName":"Microsoft.Compute/disks/write","resourceId":"/subscriptions/s",
        "identity":{{"claims":{{"oid":"o","tid":"managing"}}}},"properties":{{"hierarchy":"{root}/group/s"}}}}"#
    );
    let event = event(Provider::Azure, &record);
    assert_eq!(event.org_id.as_deref(), Some(root));
    assert_eq!((event.identity_id.as_str(), event.identity_account.as_deref()), ("azure:managing:o", Some("managing")));
}
