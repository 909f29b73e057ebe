//! Entitlements that others recorded, in the clouds' own forms: what is read of each.

use expect_test::expect;

use super::*;

/// `name of list: n objects, n dead letters, rows by kind`.
fn told(list: &str, account: &str, objects: &[(&str, Value)]) -> String {
    let (mut grants, mut out) = (grants(), Output::default());
    if list.starts_with("azure") {
        grants.learn_tenant(&account.into(), &TENANT.into(), &mut out);
    }
    // A part's name is the id of its object.
    let part = list.split_once('/').map_or("", |(_, part)| part);
    for grant in snapshot(list, account, 10, objects, Mark::End) {
        grants.apply(&RawGrant { object_id: part.into(), ..grant }, &mut out);
    }
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    last_rows(&out).values().for_each(|row| *kinds.entry(row.kind.to_string()).or_default() += 1);
    for line in inventories(&out) {
        let mut words = line.split(' ').skip(1);
        let (kind, n) = (words.next().unwrap(), words.next().unwrap().trim_end_matches(':'));
        *kinds.entry(format!("inventory of {kind}")).or_default() += n.parse::<usize>().unwrap();
    }
    format!("{list}: {} objects, {} dead letters, {kinds:?}\n", objects.len(), out.rejected.len())
}

fn objects<'k>(kind: &'k str, list: &Value) -> Vec<(&'k str, Value)> {
    list.as_array().unwrap().iter().map(|object| (kind, object.clone())).collect()
}

#[test]
fn what_cartography_recorded_of_three_clouds_is_read() {
    let Some(path) = shared("cartography.Apache-2.0.json") else { return };
    let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (rbac, iam, aws) = (&all["azure/rbac.py"], &all["gcp/iam.py"], &all["aws/iam/__init__.py"]);
    let sub = "12345678-1234-1234-1234-123456789012";
    let mut report = String::new();
    report += &told("azure.role_assignments", sub, &objects("assignment", &rbac["AZURE_ROLE_ASSIGNMENTS"]));
    report += &told("azure.role_definitions", sub, &objects("definition", &rbac["AZURE_ROLE_DEFINITIONS"]));
    let service_accounts = &iam["LIST_SERVICE_ACCOUNTS_RESPONSE"]["accounts"];
    report += &told("gcp.service_accounts", "project-abc", &objects("service_account", service_accounts));
    let keys = &iam["LIST_SERVICE_ACCOUNT_KEYS_RESPONSE"]["keys"];
    report += &told("gcp.service_account_keys", "project-abc", &objects("key", keys));
    report += &told("gcp.roles", "project-abc", &objects("role", &iam["LIST_ROLES_RESPONSE"]["roles"]));
    report +=
        &told("gcp.resources", "project-abc", &objects("resource", &iam["CAI_SERVICE_ACCOUNTS_RESPONSE"]["assets"]));
    let access = [("last_accessed", aws["SERVICE_LAST_ACCESSED_DETAILS"].clone())];
    report += &told("aws.service_last_accessed/role/r", ACCOUNT, &access);
    let members = &all["gcp/policy_bindings.py"]["MOCK_GSUITE_GROUP_MEMBERS"]["viewers@example.com"];
    let group = [("group", json!({"id": "viewers@example.com", "members": members}))];
    report += &told("gcp.group_members/viewers@example.com", "global", &group);
    expect![[r#"
        azure.role_assignments: 4 objects, 0 dead letters, {"identity": 4, "role_assignment": 4}
        azure.role_definitions: 3 objects, 0 dead letters, {}
        gcp.service_accounts: 2 objects, 0 dead letters, {"identity": 2}
        gcp.service_account_keys: 2 objects, 0 dead letters, {"inventory of iam.googleapis.com/ServiceAccountKey": 2}
        gcp.roles: 3 objects, 0 dead letters, {}
        gcp.resources: 2 objects, 0 dead letters, {"inventory of iam.googleapis.com/ServiceAccount": 2}
        aws.service_last_accessed/role/r: 1 objects, 0 dead letters, {"identity": 1}
        gcp.group_members/viewers@example.com: 1 objects, 0 dead letters, {}
    "#]]
    .assert_eq(&report);
}
