//! Tests on real records and a real account: operations become the actions that the clouds themselves name, and the
//! escalations that are known to be there are found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{IdentityKind, Provider, Statement};
use serde_json::Value;

use crate::calibration::{set_of, shared};
use crate::escalation::{Targets, unused_path};
use crate::grants::GrantSet;
use crate::{Catalogue, aws, azure, gcp};

fn records(path: &str) -> Option<Vec<Value>> {
    let lines = String::from_utf8(shared(path)?).unwrap();
    Some(lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone()).collect())
}

#[test]
fn cloudtrail_calls_are_known() {
    let Some(events) = records("logs/aws.ndjson.gz") else { return };
    let mut pairs: BTreeMap<(String, String), u32> = BTreeMap::new();
    for event in events {
        if matches!(event["eventType"].as_str(), Some("AwsApiCall" | "AwsConsoleSignIn")) {
            let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
            *pairs.entry((text("eventSource"), text("eventName"))).or_default() += 1;
        }
    }
    let mut by_known: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut unsure = Vec::new();
    for ((source, name), n) in &pairs {
        let known = aws::operation_actions(source, name).known.as_str();
        let sums = by_known.entry(known).or_default();
        *sums = (sums.0 + 1, sums.1 + n);
        if known == "unknown" {
            unsure.push(format!("{source} {name}"));
        }
    }
    eprintln!("calls and records by certainty: {by_known:?}\nunknown: {unsure:?}");
    let (n_unknown, _) = by_known.get("unknown").copied().unwrap_or_default();
    assert!(n_unknown as usize * 20 < pairs.len(), "{unsure:?}");
}

/// Every call of the SDKs, by a list of names that somebody else keeps: what it maps and we do not belongs to services that
/// AWS has shut down, whose actions the reference no longer names.
#[test]
fn every_call_of_the_sdks_is_known() {
    let Some(bytes) = shared("catalogs/aws_api_to_iam_action.access-undenied.Apache-2.0.json.gz") else { return };
    let list: Value = serde_json::from_slice(&bytes).unwrap();
    let (mut by_known, mut unknown) = (BTreeMap::<&str, usize>::new(), BTreeMap::<String, usize>::new());
    for call in list["sdk_method_iam_mappings"].as_object().unwrap().keys() {
        let (sdk, operation) = call.split_once('.').unwrap();
        let prefix = list["sdk_service_mappings"][sdk].as_str().map_or_else(|| sdk.to_lowercase(), str::to_owned);
        let known = aws::operation_actions(&format!("{prefix}.amazonaws.com"), operation).known.as_str();
        *by_known.entry(known).or_default() += 1;
        if known == "unknown" {
            *unknown.entry(prefix).or_default() += 1;
        }
    }
    expect_test::expect![[r#"
        {"mapped": 10702, "none_needed": 31, "unknown": 127}
        {"application-cost-profiler": 6, "cloudhsm": 18, "comprehendmedical": 1, "elastic-inference": 6, "finspace-api": 10, "iot1click": 29, "iotthingsgraph": 35, "macie": 7, "mobilehub": 9, "rds": 6}
    "#]].assert_eq(&format!("{by_known:?}\n{unknown:?}\n"));
}

/// Of the catalogue's own actions each is known as a call of its name, since many are that, unless no call is logged under
/// its service's name.
#[test]
fn every_action_is_known_as_a_call_of_its_name() {
    let mut by_known: BTreeMap<&str, usize> = BTreeMap::new();
    let mut otherwise = BTreeSet::new();
    for (_, info) in Catalogue::bundled().provider(Provider::Aws).iter() {
        let (service, name) = info.name.split_once(':').unwrap();
        let found = aws::operation_actions(&format!("{service}.amazonaws.com"), name);
        *by_known.entry(found.known.as_str()).or_default() += 1;
        let own = found.actions.iter().any(|used| used.action.as_str() == info.name.as_str());
        if !own && found.known.as_str() != "none_needed" {
            otherwise.insert(service);
        }
    }
    expect_test::expect![[r#"
        {"assumed": 2779, "mapped": 17633, "none_needed": 33, "unknown": 10}
        {"apigateway", "lambda", "mediapackage", "opensearch"}
    "#]]
    .assert_eq(&format!("{by_known:?}\n{otherwise:?}\n"));
}

#[test]
fn azure_operations_are_known() {
    let Some(events) = records("logs/azure.ndjson.gz") else { return };
    let mut by_known: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut unknown, mut not_listed) = (BTreeSet::new(), BTreeSet::new());
    for event in events {
        let (Some(operation), Some(category)) = (event["operationName"].as_str(), event["category"].as_str()) else {
            continue;
        };
        let found = azure::operation_action(operation, category);
        *by_known.entry(found.known.as_str()).or_default() += 1;
        match (found.action, found.idx) {
            (None, _) if found.known.as_str() == "unknown" => unknown.insert(operation.to_owned()),
            (Some(action), None) => not_listed.insert(action.to_string()),
            _ => false,
        };
    }
    eprintln!("azure by certainty: {by_known:?}\nunknown: {unknown:?}\nnot in the catalogue: {not_listed:?}");
    assert!(by_known["unknown"] * 5 < by_known.values().sum());
}

/// The clouds' own word is the oracle: where a record names the permissions, ours must be one of them.
#[test]
fn gcp_methods_become_permissions_that_the_records_name() {
    let Some(events) = records("logs/gcp.ndjson.gz") else { return };
    let (mut agree, mut none) = (0, BTreeSet::new());
    let mut differ = BTreeSet::new();
    for event in events {
        let payload = &event["protoPayload"];
        let (Some(service), Some(method)) = (payload["serviceName"].as_str(), payload["methodName"].as_str()) else {
            continue;
        };
        let named: Vec<&str> = payload["authorizationInfo"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|a| a["permission"].as_str())
            .collect();
        if named.is_empty() {
            continue;
        }
        match gcp::method_permissions(service, method).permissions.first() {
            Some(first) if named.contains(&first.as_str()) => agree += 1,
            Some(first) => _ = differ.insert(format!("{method}: {first} instead of {named:?}")),
            None => _ = none.insert(method.to_owned()),
        }
    }
    eprintln!("gcp: {agree} agree\ndiffer: {differ:#?}\nnone found: {none:?}");
    assert!(agree > 40);
    assert!(differ.len() < 10, "{differ:#?}");
}

struct Account {
    managed: BTreeMap<String, Value>,
    groups: BTreeMap<String, Value>,
}

impl Account {
    fn statements(&self, entry: &Value, inline: &str) -> (Vec<Statement>, Vec<String>) {
        let mut documents: Vec<Value> = Vec::new();
        let mut own = vec![entry["Arn"].as_str().unwrap_or_default().to_owned()];
        documents.extend(entry[inline].as_array().into_iter().flatten().map(|p| p["PolicyDocument"].clone()));
        for attached in entry["AttachedManagedPolicies"].as_array().into_iter().flatten() {
            let arn = attached["PolicyArn"].as_str().unwrap_or_default();
            documents.extend(self.managed.get(arn).cloned());
            own.push(arn.to_owned());
        }
        let mut statements: Vec<Statement> =
            documents.iter().flat_map(|d| aws::parse_policy(d.to_string().as_bytes()).statements).collect();
        for group in entry["GroupList"].as_array().into_iter().flatten().filter_map(|g| self.groups.get(g.as_str()?)) {
            let (more, arns) = self.statements(group, "GroupPolicyList");
            statements.extend(more);
            own.extend(arns);
        }
        (statements, own)
    }
}

fn account() -> Option<(Account, Value)> {
    let bytes = shared("entitlements/cloudsplaining/examples/files/example.json")?;
    let all: Value = serde_json::from_slice(&bytes).unwrap();
    let list = |key: &str| all[key].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let document = |policy: &Value| {
        let versions = policy["PolicyVersionList"].as_array().unwrap();
        versions.iter().find(|v| v["IsDefaultVersion"] == true).unwrap()["Document"].clone()
    };
    let managed = list("Policies").iter().map(|p| (text(&p["Arn"]), document(p))).collect();
    let groups = list("GroupDetailList").into_iter().map(|g| (text(&g["GroupName"]), g)).collect();
    Some((Account { managed, groups }, all))
}

/// Users named `privesc*` and `fn*` hold a path, those named `fp*` none. `fp5` and `fn3` differ in the date of a
/// condition alone, which a set does not weigh: both are flagged, and both say that a condition was ignored.
#[test]
fn known_escalations_are_found_and_nothing_else() {
    let Some((account, all)) = account() else { return };
    let (mut wrong, mut n) = (Vec::new(), 0);
    for user in all["UserDetailList"].as_array().unwrap() {
        let name = user["UserName"].as_str().unwrap();
        let (statements, own) = account.statements(user, "UserPolicyList");
        let set: Arc<GrantSet> = set_of(Provider::Aws, statements, &[]);
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let targets = Targets { holder: IdentityKind::User, own: &own, exists: &|_, _| true, trusts: &|_| true };
        let found = unused_path(&set, &RoaringBitmap::new(), &targets);
        let expected = match name {
            // Its only permission is given by the role's trust policy.
            "privesc-AssumeRole-start-user" => false,
            "fp5-nonExploitableConditionConstraint-user" => true,
            _ if name.starts_with("privesc") || name.starts_with("fn") => true,
            _ if name.starts_with("fp") => false,
            _ => continue,
        };
        n += 1;
        if found.is_some() != expected {
            wrong.push(format!("{name}: {:?}", found.map(|path| path.id.clone())));
        }
        let conditional = name.contains("ConditionConstraint");
        assert_eq!(set.ignored().contains(&"condition"), conditional, "{name}");
        let used = set.actions().clone();
        assert!(unused_path(&set, &used, &targets).is_none(), "{name}: a path that is used is no finding");
    }
    eprintln!("{n} users of a real account checked");
    assert!(n > 35);
    assert_eq!(wrong, Vec::<String>::new());
}
