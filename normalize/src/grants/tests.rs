mod aws_lives;
mod azure_more;
mod gcp_more;
mod real;
mod resource_policies;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemas::{Body, Entitlement, EntitlementKind, Noun};
use serde_json::json;

use super::*;
use crate::Config;

const ACCOUNT: &str = "111122223333";
const SUBSCRIPTION: &str = "0b1f6471-1bf0-4dda-aec3-111122223333";
const TENANT: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

pub(super) fn grants() -> Grants {
    Grants::new(&Config::default().validate().unwrap())
}

/// One list of one account as ingest hands it out: begin, objects, and the mark at its end.
fn snapshot(list: &str, account: &str, at: i64, objects: &[(&str, Value)], end: Mark) -> Vec<RawGrant> {
    let provider = match list.split('.').next().unwrap() {
        "aws" => Provider::Aws,
        "azure" => Provider::Azure,
        _ => Provider::Gcp,
    };
    let make = |mark, place, kind: &str, body: String| RawGrant {
        provider,
        account_id: account.into(),
        list: list.into(),
        snapshot_id: Id128::of_parts(&[list.as_bytes(), account.as_bytes(), &at.to_le_bytes()]),
        place,
        mark,
        object_kind: kind.into(),
        object_id: Text::default(),
        body: Body(body.into()),
        collected_at: Time(at),
        ingested_at: Time(at),
        origin: Origin::default(),
    };
    let mut out = vec![make(Mark::Begin, -1, "", String::new())];
    for (place, (kind, object)) in objects.iter().enumerate() {
        out.push(make(Mark::Object, place as i64, kind, object.to_string()));
    }
    out.push(make(end, objects.len() as i64, "", String::new()));
    out
}

/// A list of one object that has an id of its own.
pub(super) fn one(list: &str, account: &str, at: i64, kind: &str, id: &str, object: Value) -> Vec<RawGrant> {
    let mut grants = snapshot(list, account, at, &[(kind, object)], Mark::End);
    grants.iter_mut().filter(|grant| grant.mark == Mark::Object).for_each(|grant| grant.object_id = id.into());
    grants
}

/// The reasons of dead letters.
fn reasons(out: &Output<Message>) -> Vec<String> {
    let reason = |message: &Message| match message {
        Message::DeadLetter(letter) => letter.reason.to_string(),
        other => format!("{other:?}"),
    };
    out.rejected.iter().map(reason).collect()
}

/// The newest inventory of each kind and account that is not gone: `account kind ids`.
fn inventories(out: &Output<Message>) -> Vec<String> {
    let mut rows = BTreeMap::new();
    for message in &out.emitted {
        if let Message::Inventory(row) = message {
            rows.insert(row.row_key(), row.clone());
        }
    }
    let ids = |row: &schemas::Inventory| row.resource_ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(" ");
    let living = rows.values().filter(|row| row.deleted_at.is_none());
    living.map(|row| format!("{} {} {}: {}", row.account_id, row.kind, row.n_resources, ids(row))).collect()
}

fn user(name: &str, id: &str, policies: &[&str]) -> (&'static str, Value) {
    let attached: Vec<Value> = policies.iter().map(|arn| json!({"PolicyName": arn, "PolicyArn": arn})).collect();
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
    ("user", json!({"UserName": name, "UserId": id, "Arn": arn, "AttachedManagedPolicies": attached}))
}

/// What readers of the rows end with: of each key the row with the highest revision, but for what never held.
pub(super) fn last_rows(out: &Output<Message>) -> BTreeMap<String, Entitlement> {
    let mut rows: BTreeMap<String, Entitlement> = BTreeMap::new();
    for message in &out.emitted {
        if let Message::Entitlement(row) = message
            && rows.get(&row.row_key()).is_none_or(|old| old.revision < row.revision)
        {
            rows.insert(row.row_key(), Entitlement::clone(row));
        }
    }
    rows.retain(|_, row| !row.is_withdrawn());
    rows
}

fn policies(out: &Output<Message>) -> BTreeSet<String> {
    let hash = |message: &Message| match message {
        Message::Policy(policy) if policy.errors.is_empty() => Some(policy.policy_hash.to_string()),
        _ => None,
    };
    out.emitted.iter().filter_map(hash).collect()
}

/// `source @ valid_from - deleted_at generation`, one a line.
fn told(rows: &BTreeMap<String, Entitlement>) -> Vec<String> {
    let line = |row: &Entitlement| {
        let gone = row.deleted_at.map_or("-".to_owned(), |time| time.0.to_string());
        let id = row.identity_id.rsplit(['/', ':']).next().unwrap().to_owned();
        let generation = row.identity_generation.as_deref().unwrap_or("-");
        format!("{id} {} {} {gone} {generation}", row.source, row.valid_from.0)
    };
    rows.values().map(line).collect()
}

fn run(snapshots: &[Vec<RawGrant>]) -> Output<Message> {
    let (mut grants, mut out) = (grants(), Output::default());
    snapshots.iter().flatten().for_each(|grant| grants.apply(grant, &mut out));
    out
}

fn aws(at: i64, users: &[(&str, Value)], end: Mark) -> Vec<RawGrant> {
    snapshot("aws.authorization_details", ACCOUNT, at, users, end)
}

pub(super) fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let insert = |order: Vec<usize>| {
        (0..=order.len()).map(move |place| {
            let mut order = order.clone();
            order.insert(place, n - 1);
            order
        })
    };
    orders(n - 1).into_iter().flat_map(insert).collect()
}

#[test]
fn what_a_snapshot_deletes() {
    let both = || aws(10, &[user("a", "A1", &[]), user("b", "B1", &[])], Mark::End);
    let a = user("a", "A1", &[]);
    let kept = ["a identity 10 - A1", "b identity 10 - B1"];
    let mut short = aws(20, std::slice::from_ref(&a), Mark::End);
    short.last_mut().unwrap().place = 2;
    let broken = aws(20, &[a.clone(), ("user", json!({"UserName": "b"}))], Mark::End);
    let cases: Vec<(&str, Vec<RawGrant>, &[&str])> = vec![
        ("complete", aws(20, std::slice::from_ref(&a), Mark::End), &["a identity 10 - A1", "b identity 10 20 B1"]),
        ("aborted", aws(20, std::slice::from_ref(&a), Mark::Abort), &kept),
        ("no end", aws(20, std::slice::from_ref(&a), Mark::End)[..2].to_vec(), &kept),
        ("an object lost", short, &kept),
        ("an object unreadable", broken, &kept),
        ("older", aws(5, &[a], Mark::End), &["a identity 5 - A1", "b identity 10 - B1"]),
        (
            "re-created",
            aws(20, &[user("a", "A2", &[]), user("b", "B1", &[])], Mark::End),
            &["a identity 10 20 A1", "a identity 20 - A2", "b identity 10 - B1"],
        ),
    ];
    for (name, second, expected) in cases {
        assert_eq!(told(&last_rows(&run(&[both(), second]))), expected, "{name}");
    }
}

#[test]
fn the_order_of_snapshots_does_not_matter() {
    let all = [
        aws(10, &[user("a", "A1", &["p"]), user("b", "B1", &["p"])], Mark::End),
        aws(20, &[user("a", "A1", &["q"]), user("c", "C1", &[])], Mark::End),
        aws(30, &[user("a", "A2", &["p"])], Mark::End),
        aws(40, &[user("a", "A2", &["p"]), user("b", "B2", &[])], Mark::End),
    ];
    let expected =
        last_rows(&run(&all)).into_values().map(|row| Entitlement { revision: 0, ..row }).collect::<Vec<_>>();
    for order in orders(all.len()) {
        let shuffled: Vec<Vec<RawGrant>> = order.iter().map(|at| all[*at].clone()).collect();
        let found =
            last_rows(&run(&shuffled)).into_values().map(|row| Entitlement { revision: 0, ..row }).collect::<Vec<_>>();
        assert_eq!(found, expected, "{order:?}");
    }
}

#[test]
fn azure_lists_and_the_tenant_come_in_any_order() {
    let assignment = json!({"id": "/x/roleAssignments/G1", "principalId": "group-1", "principalType": "Group",
        "roleDefinitionId": format!("/x/roleDefinitions/{READER}"), "scope": format!("/subscriptions/{SUBSCRIPTION}")});
    let group = json!({"id": "group-1", "members": [{"@odata.type": "#microsoft.graph.user", "id": "User-1"}]});
    let definition = json!({"name": READER, "roleName": "Reader", "permissions": [{"actions": ["*/read"]}]});
    let list = |name: &str, object: &Value| snapshot(name, SUBSCRIPTION, 10, &[("", object.clone())], Mark::End);
    let lists = [
        list("azure.role_assignments", &assignment),
        list("azure.group_members", &group),
        list("azure.role_definitions", &definition),
        Vec::new(),
    ];
    for order in orders(lists.len()) {
        let (mut grants, mut out) = (grants(), Output::default());
        for at in &order {
            if lists[*at].is_empty() {
                grants.learn_tenant(&SUBSCRIPTION.into(), &TENANT.into(), &mut out);
            }
            lists[*at].iter().for_each(|grant| grants.apply(grant, &mut out));
        }
        let rows = last_rows(&out);
        let expected = [
            "group-1 assignment:g1 10 - -",
            "group-1 identity 10 - -",
            "user-1 group:group-1/assignment:g1 10 - -",
            "user-1 identity 10 - -",
        ];
        assert_eq!(told(&rows), expected, "{order:?}");
        assert!(rows.values().all(|row| row.org_id.as_deref() == Some(TENANT)));
        assert_eq!(out.rejected, []);
    }
}

#[test]
fn no_snapshot_is_forgotten_that_came_before_the_tenant() {
    let assignment = |id: &str| {
        let id = format!("/x/roleAssignments/{id}");
        let scope = format!("/subscriptions/{SUBSCRIPTION}");
        ("", json!({"id": id, "principalId": id, "roleDefinitionId": READER, "scope": scope}))
    };
    let list = |at, names: &[&str]| {
        let objects: Vec<_> = names.iter().map(|name| assignment(name)).collect();
        snapshot("azure.role_assignments", SUBSCRIPTION, at, &objects, Mark::End)
    };
    let lists = [list(10, &["a", "b"]), list(20, &["a"]), list(30, &["a", "c"])];
    for place in 0..=lists.len() {
        let (mut grants, mut out) = (grants(), Output::default());
        for (n, list) in lists.iter().enumerate() {
            if n == place {
                grants.learn_tenant(&SUBSCRIPTION.into(), &TENANT.into(), &mut out);
            }
            list.iter().for_each(|grant| grants.apply(grant, &mut out));
        }
        grants.learn_tenant(&SUBSCRIPTION.into(), &TENANT.into(), &mut out);
        let assignments: Vec<String> =
            told(&last_rows(&out)).into_iter().filter(|row| row.contains("assignment")).collect();
        assert_eq!(
            assignments,
            ["a assignment:a 10 - -", "b assignment:b 10 20 -", "c assignment:c 30 - -"],
            "{place}"
        );
    }
}

#[test]
fn a_subscription_without_tenant_is_named_at_the_end() {
    let assignment = json!({"id": "g1", "principalId": "u", "roleDefinitionId": READER, "scope": "/"});
    let (mut grants, mut out) = (grants(), Output::default());
    let list = snapshot("azure.role_assignments", SUBSCRIPTION, 10, &[("", assignment)], Mark::End);
    list.iter().for_each(|grant| grants.apply(grant, &mut out));
    assert!(last_rows(&out).is_empty());
    grants.finish(0, &mut out);
    let Some(Message::DeadLetter(letter)) = out.rejected.first() else { panic!("no dead letter") };
    assert!(letter.reason.contains(SUBSCRIPTION), "{}", letter.reason);
}

fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/entitlements").join(path);
    path.exists().then_some(path)
}

#[test]
fn a_real_account_is_read_whole_and_again_after_a_restart() {
    let Some(path) = shared("cloudsplaining/examples/files/example.json") else { return };
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut objects = Vec::new();
    let mut n_rows = BTreeMap::new();
    for (kind, list, inline) in [
        ("user", "UserDetailList", "UserPolicyList"),
        ("group", "GroupDetailList", "GroupPolicyList"),
        ("role", "RoleDetailList", "RolePolicyList"),
        ("policy", "Policies", ""),
    ] {
        for object in facts::items(&file, list) {
            objects.push((kind, object.clone()));
            let mut add = |kind: EntitlementKind, n: usize| *n_rows.entry(kind).or_insert(0) += n;
            add(EntitlementKind::Identity, usize::from(kind != "policy"));
            let n = facts::items(object, inline).len() + facts::items(object, "AttachedManagedPolicies").len();
            add(EntitlementKind::IdentityPolicy, n);
        }
    }
    let list = aws(10, &objects, Mark::End);
    let whole = run(std::slice::from_ref(&list));
    assert_eq!(whole.rejected, []);
    let rows = last_rows(&whole);
    for kind in [EntitlementKind::Identity, EntitlementKind::IdentityPolicy] {
        assert_eq!(rows.values().filter(|row| row.kind == kind).count(), n_rows[&kind], "{kind:?}");
    }
    let known = policies(&whole);
    let unresolved = rows.values().filter(|row| row.policy_hashes.iter().any(|hash| !known.contains(hash.as_str())));
    assert_eq!(unresolved.map(Noun::row_key).collect::<Vec<_>>(), Vec::<String>::new());

    let (mut first, mut out) = (grants(), Output::default());
    let (head, tail) = list.split_at(list.len() / 2);
    head.iter().for_each(|grant| first.apply(grant, &mut out));
    let mut second = grants();
    second.restore(&first.snapshot().unwrap()).unwrap();
    tail.iter().for_each(|grant| second.apply(grant, &mut out));
    assert_eq!(out, whole);
}

fn gather(folder: &std::path::Path, out: &mut Vec<Value>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            gather(&entry.path(), out);
        } else if let Ok(file) = serde_json::from_slice::<Value>(&std::fs::read(entry.path()).unwrap()) {
            out.extend(file.get("body").filter(|body| body.get("bindings").is_some()).cloned());
        }
    }
}

#[test]
fn every_member_of_real_bindings_holds_them() {
    let Some(path) = shared("cloud-custodian") else { return };
    let mut found = Vec::new();
    gather(&path, &mut found);
    assert!(found.len() > 50, "{} policies", found.len());
    for policy in found {
        let bindings = facts::items(&policy, "bindings");
        let objects: Vec<(&str, Value)> = bindings.iter().map(|binding| ("binding", binding.clone())).collect();
        let out = run(&[snapshot("gcp.iam_policy", "acme-prod-1", 10, &objects, Mark::End)]);
        assert_eq!(out.rejected, []);
        let expected: BTreeSet<(String, String)> = bindings
            .iter()
            .flat_map(|binding| facts::items(binding, "members").iter().map(move |member| (binding, member)))
            .map(|(binding, member)| (binding["role"].to_string(), member.as_str().unwrap().to_lowercase()))
            .collect();
        let rows = last_rows(&out);
        let held: BTreeSet<(String, String)> = expected
            .iter()
            .filter(|(role, member)| {
                rows.values().any(|row| {
                    let name = row.identity_id.trim_start_matches("gcp:");
                    row.source.contains(role.trim_matches('"')) && member.ends_with(name)
                })
            })
            .cloned()
            .collect();
        assert_eq!(held, expected);
    }
}

#[test]
fn an_inventory_counts_all_and_lists_some() {
    let bucket = |name: &str| ("resource", json!({"ResourceARN": format!("arn:aws:s3:::{name}")}));
    let config = Config { max_inventory_ids: 2, ..Config::default() };
    let (mut grants, mut out) = (Grants::new(&config.validate().unwrap()), Output::default());
    let first = snapshot("aws.resources", ACCOUNT, 10, &[bucket("c"), bucket("a"), bucket("b")], Mark::End);
    let second = snapshot("aws.resources", ACCOUNT, 20, &[], Mark::End);
    first.iter().chain(&second).for_each(|grant| grants.apply(grant, &mut out));
    let row = |message: &Message| match message {
        Message::Inventory(row) => {
            format!("{} {} {:?} {:?}", row.kind, row.n_resources, row.resource_ids.len(), row.deleted_at.map(|at| at.0))
        }
        other => format!("{other:?}"),
    };
    assert_eq!(out.emitted.iter().map(row).collect::<Vec<_>>(), ["s3:bucket 3 2 None", "s3:bucket 0 0 Some(20)"]);
}
