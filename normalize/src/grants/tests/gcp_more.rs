//! Asset inventory, deny policies, groups, service accounts, keys and conditions with an end.

use expect_test::expect;

use super::*;

const PROJECT: &str = "acme-prod-1";
const AT: i64 = 1_793_404_800_000_000;

fn list(name: &str, objects: &[Value]) -> Vec<RawGrant> {
    let objects: Vec<(&str, Value)> = objects.iter().map(|object| ("", object.clone())).collect();
    snapshot(name, PROJECT, AT, &objects, Mark::End)
}

fn held(out: &Output<Message>) -> String {
    let line = |row: &Entitlement| {
        let until = row.valid_until.map_or("-".to_owned(), |time| time.to_string());
        let (groups, condition) = (row.groups.len(), row.condition.as_deref().unwrap_or("-"));
        let source = row.source.trim_start_matches("binding:");
        format!("{} {} {source} in {groups} until {until} if {condition}\n", row.identity_id, row.identity_kind)
    };
    let is_held = |row: &&Entitlement| row.kind != EntitlementKind::Identity && row.deleted_at.is_none();
    last_rows(out).values().filter(is_held).map(line).collect()
}

#[test]
fn asset_inventory_tells_bindings_and_what_lies_above() {
    let bindings = json!([{"role": "roles/viewer", "members": ["user:ann@example.com"]}, {"members": []}, 7]);
    let ancestors = json!(["projects/123", "folders/2", "organizations/3"]);
    let asset = json!({"name": "//storage.googleapis.com/b1", "assetType": "storage.googleapis.com/Bucket",
        "iamPolicy": {"bindings": bindings}, "ancestors": ancestors});
    let out = run(&[list("gcp.asset_iam_policies", &[asset])]);
    expect![[r#"
        gcp:ann@example.com user //storage.googleapis.com/b1#roles/viewer# in 0 until - if -
    "#]]
    .assert_eq(&held(&out));
    expect!["`bindings[1]`: field `role` is missing or no text; `bindings[2]`: field `role` is missing or no text"]
        .assert_eq(&reasons(&out).join("\n"));
    expect!["acme-prod-1 ancestor 2: organizations/3 folders/2"].assert_eq(&inventories(&out).join("\n"));
    assert!(last_rows(&out).values().all(|row| row.org_id.as_deref() == Some("3")));
    let levels = [("project", PROJECT), ("folder", "2"), ("organization", "3")];
    let levels = levels.map(|(kind, id)| json!({"id": id, "type": kind}));
    let resources: Vec<Value> = levels.iter().map(|level| json!({ "resourceId": level })).collect();
    for objects in [levels.to_vec(), vec![json!({ "ancestor": resources })]] {
        assert_eq!(inventories(&run(&[list("gcp.ancestors", &objects)])), inventories(&out));
    }
}

#[test]
fn a_group_is_opened_and_a_deny_spares_whom_it_names() {
    let group = |email: &str, members: Value| {
        one(
            &format!("gcp.group_members/{email}"),
            "global",
            AT,
            "group",
            email,
            json!({"id": email, "members": members}),
        )
    };
    let key = |id: &str| json!({"preferredMemberKey": {"id": id}, "roles": [{"name": "MEMBER"}]});
    let rule = |rule: Value| json!({ "denyRule": rule });
    let deny = json!({"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-prod-1/denypolicies/no", "kind": "DenyPolicy", "displayName": "No", "rules": [
        rule(json!({"deniedPrincipals": ["principalSet://goog/group/devs@example.com", "principal://goog/subject/Cy@example.com"],
            "exceptionPrincipals": ["principalSet://goog/group/leads@example.com"],
            "deniedPermissions": ["storage.googleapis.com/buckets.*"], "exceptionPermissions": ["storage.googleapis.com/buckets.get"]})),
        {"allow": 1},
        rule(json!({"deniedPrincipals": ["principalSet://goog/public:all", 7], "deniedPermissions": ["iam.googleapis.com/roles.list"],
            "denialCondition": {"expression": "resource.matchTag('1/env', 'prod')"}})),
    ]});
    let lists = [
        list(
            "gcp.iam_policy",
            &[json!({"role": "roles/editor", "members": ["group:Devs@example.com", "user:bob@example.com"]})],
        ),
        group(
            "devs@example.com",
            json!([key("ann@example.com"), key("leads@example.com"), key("ci@p.iam.gserviceaccount.com"), {"email": "devs@example.com", "type": "GROUP"}, {"roles": []}]),
        ),
        group("leads@example.com", json!([{"email": "lea@example.com", "type": "USER"}])),
        list("gcp.deny_policies", &[deny]),
    ];
    let whole = run(&lists);
    expect![[r#"
        gcp:allusers anonymous deny://cloudresourcemanager.googleapis.com/projects/acme-prod-1#no#2 in 0 until - if resource.matchTag('1/env', 'prod')
        gcp:ann@example.com user group:devs@example.com/binding://cloudresourcemanager.googleapis.com/projects/acme-prod-1#roles/editor# in 1 until - if -
        gcp:ann@example.com user group:devs@example.com/deny://cloudresourcemanager.googleapis.com/projects/acme-prod-1#no#0 in 1 until - if -
        gcp:bob@example.com user //cloudresourcemanager.googleapis.com/projects/acme-prod-1#roles/editor# in 0 until - if -
        gcp:ci@p.iam.gserviceaccount.com service_account group:devs@example.com/binding://cloudresourcemanager.googleapis.com/projects/acme-prod-1#roles/editor# in 1 until - if -
        gcp:ci@p.iam.gserviceaccount.com service_account group:devs@example.com/deny://cloudresourcemanager.googleapis.com/projects/acme-prod-1#no#0 in 1 until - if -
        gcp:cy@example.com user deny://cloudresourcemanager.googleapis.com/projects/acme-prod-1#no#0 in 0 until - if -
        gcp:devs@example.com group //cloudresourcemanager.googleapis.com/projects/acme-prod-1#roles/editor# in 0 until - if -
        gcp:devs@example.com group deny://cloudresourcemanager.googleapis.com/projects/acme-prod-1#no#0 in 0 until - if -
        gcp:lea@example.com user group:devs@example.com/binding://cloudresourcemanager.googleapis.com/projects/acme-prod-1#roles/editor# in 1 until - if -
        gcp:leads@example.com group group:devs@example.com/binding://cloudresourcemanager.googleapis.com/projects/acme-prod-1#roles/editor# in 1 until - if -
    "#]].assert_eq(&held(&whole));
    expect![[r#"
        `members[4]`: neither `preferredMemberKey.id` nor `email` is there
        `rules[1]`: field `denyRule` is missing; `rules[2]`: `deniedPrincipals[1]` is no text"#]]
    .assert_eq(&reasons(&whole).join("\n"));
    for order in orders(lists.len()) {
        let found = run(&order.iter().map(|at| lists[*at].clone()).collect::<Vec<_>>());
        assert_eq!(held(&found), held(&whole), "{order:?}");
    }
    let says = |message: &Message| match message {
        Message::Policy(policy) if policy.statements.iter().any(|s| s.effect == schemas::Effect::Deny) => {
            let s = &policy.statements[0];
            Some(format!("{:?} not {:?}: {:?} but {:?}", s.actions, s.not_actions, s.identities, s.not_identities))
        }
        _ => None,
    };
    expect![[r#"
        [Action("storage.googleapis.com/buckets.*")] not [Action("storage.googleapis.com/buckets.get")]: [Text("principalSet://goog/group/devs@example.com"), Text("principal://goog/subject/Cy@example.com")] but [Text("principalSet://goog/group/leads@example.com")]
        [Action("iam.googleapis.com/roles.list")] not []: [Text("principalSet://goog/public:all")] but []"#]].assert_eq(&whole.emitted.iter().filter_map(says).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_list_of_deny_policies_without_their_rules_is_said() {
    let deny = json!({"name": "policies/cloudresourcemanager.googleapis.com%2Forganizations%2F1/denypolicies/no", "kind": "DenyPolicy"});
    expect!["deny policy `no` has no `rules`: lists leave them out, `gcloud iam policies get` has them"]
        .assert_eq(&reasons(&run(&[list("gcp.deny_policies", &[deny])])).join("\n"));
}

#[test]
fn service_accounts_have_their_names_and_keys_are_counted() {
    let email = "ci@acme-prod-1.iam.gserviceaccount.com";
    let account = json!({"name": format!("projects/{PROJECT}/serviceAccounts/{email}"), "email": email, "uniqueId": "112233", "displayName": "CI", "disabled": true});
    let key = |id: &str| json!({"name": format!("projects/{PROJECT}/serviceAccounts/{email}/keys/{id}"), "keyType": "USER_MANAGED"});
    let lists = [
        list("gcp.service_accounts", &[account, json!({"name": "x"})]),
        list("gcp.iam_policy", &[json!({"role": "roles/viewer", "members": [format!("serviceAccount:{email}")]})]),
        one(&format!("gcp.service_account_keys/{email}"), PROJECT, AT, "key", "k1", key("k1")),
        one("gcp.service_account_keys/b@x", PROJECT, AT, "key", "k2", key("k2")),
    ];
    let told = |out: &Output<Message>| {
        let rows = last_rows(out);
        let line = |row: &Entitlement| {
            format!(
                "{} {} {} {:?} {:?}\n",
                row.identity_id, row.identity_kind, row.source, row.identity_name, row.identity_generation
            )
        };
        rows.values().map(line).collect::<String>() + &inventories(out).join("\n")
    };
    let whole = run(&lists);
    expect![[r#"
        gcp:ci@acme-prod-1.iam.gserviceaccount.com service_account binding://cloudresourcemanager.googleapis.com/projects/acme-prod-1#roles/viewer# Some(Text("ci@acme-prod-1.iam.gserviceaccount.com")) None
        gcp:ci@acme-prod-1.iam.gserviceaccount.com service_account identity Some(Text("CI")) Some(Text("112233"))
        acme-prod-1 iam.googleapis.com/ServiceAccountKey 2: //iam.googleapis.com/projects/acme-prod-1/serviceAccounts/ci@acme-prod-1.iam.gserviceaccount.com/keys/k1 //iam.googleapis.com/projects/acme-prod-1/serviceAccounts/ci@acme-prod-1.iam.gserviceaccount.com/keys/k2"#]].assert_eq(&told(&whole));
    expect!["field `email` is missing or no text"].assert_eq(&reasons(&whole).join("\n"));
    for order in orders(lists.len()) {
        let found = run(&order.iter().map(|at| lists[*at].clone()).collect::<Vec<_>>());
        assert_eq!(told(&found), told(&whole), "{order:?}");
    }
}

#[test]
fn a_condition_with_an_end_ends_the_binding() {
    let binding = |who: &str, text: &str| json!({"role": "roles/viewer", "members": [who], "condition": {"title": "t", "expression": text}});
    let end = "request.time < timestamp(\"2026-12-31T00:00:00Z\")";
    let bindings = [
        binding("user:only@example.com", end),
        binding("user:both@example.com", &format!("resource.name == 'x' && {end}")),
        binding("user:never@example.com", &format!("resource.name == 'x' || {end}")),
    ];
    expect![[r#"
        gcp:both@example.com user //cloudresourcemanager.googleapis.com/projects/acme-prod-1#roles/viewer#5ff2face5014dbb8fb4df2713bb01640 in 0 until 2026-12-31T00:00:00Z if resource.name == 'x' && request.time < timestamp("2026-12-31T00:00:00Z")
        gcp:never@example.com user //cloudresourcemanager.googleapis.com/projects/acme-prod-1#roles/viewer#a3b72f7720924362cb55df7b262b5013 in 0 until - if resource.name == 'x' || request.time < timestamp("2026-12-31T00:00:00Z")
        gcp:only@example.com user //cloudresourcemanager.googleapis.com/projects/acme-prod-1#roles/viewer#ff979df0417a968c4f592424494cfd36 in 0 until 2026-12-31T00:00:00Z if -
    "#]].assert_eq(&held(&run(&[list("gcp.iam_policy", &bindings)])));
}
