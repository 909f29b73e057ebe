//! A whole account, as AWS prints it, read in place: who can become administrator was worked out by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{AccountId, Entitlement, EntitlementKind, IdentityId, IdentityKind, Policy, Provider, Time};
use serde_json::Value;

use super::super::{Estate, Member, OutsideTrust, Outsider};
use super::build::{entitlement, set_of_rows};
use super::laws::report;
use crate::aws::evaluate::{CompiledPolicy, Policies, PolicyKind};
use crate::aws::parse_policy;
use crate::calibration::shared;
use crate::catalogue::Catalogue;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn read(document: &Value) -> Arc<Policy> {
    let parsed = parse_policy(document.to_string().as_bytes());
    Arc::new(Policy::of(Provider::Aws, parsed.statements, parsed.errors, Time(0)))
}

/// Worked out by hand from the file.
const BY_HAND: [(&str, &str); 15] = [
    // A chain of three roles, each of which the next one's trust policy names; the last is an administrator.
    (
        "privesc-AssumeRole-starting-role",
        "sts-001 privesc-AssumeRole-intermediate-role, sts-001 privesc-AssumeRole-ending-role",
    ),
    ("privesc-AssumeRole-intermediate-role", "sts-001 privesc-AssumeRole-ending-role"),
    ("privesc-AssumeRole-start-user", "no"),
    // May make keys of all users of its account, none of whom is an administrator, but one may pass the role that is.
    ("privesc4-CreateAccessKey-user", "iam-002 fn1-privesc3-partial-user, ec2-001 privesc-high-priv-service-role"),
    ("OverprivilegedEC2", "iam-002 obama"),
    ("privesc7-AttachUserPolicy-user", "iam-008 !"),
    // Roles have no policies of users, and this one has no user.
    ("privesc7-AttachUserPolicy-role", "no"),
    ("privesc9-AttachRolePolicy-role", "iam-009 !"),
    // May make any role an administrator, but can take none of them.
    ("privesc9-AttachRolePolicy-user", "no"),
    ("privesc12-PutRolePolicy-user", "no"),
    ("privesc13-AddUserToGroup-user", "iam-013 privesc-sre-group, ec2-001 privesc-high-priv-service-role"),
    ("privesc17-EditExistingLambdaFunctionWithRole-user", "lambda-003 privesc-high-priv-service-role (may)"),
    ("privesc20-PassExistingRoleToCloudFormation-user", "cloudformation-001 privesc-high-priv-service-role"),
    // Its condition is on a session that began before 2020: no session lives so long.
    ("fp5-nonExploitableConditionConstraint-user", "no"),
    // In the account with made-up names, where nothing runs.
    ("biden", "no"),
];

struct Account {
    managed: BTreeMap<String, Arc<Policy>>,
    groups: BTreeMap<String, Value>,
}

impl Account {
    /// The policies of a user, role or group, and the ARNs of those that are the account's own.
    fn policies(&self, entry: &Value, inline: &str) -> (Vec<Arc<Policy>>, Vec<String>) {
        let mut policies: Vec<Arc<Policy>> =
            list(entry, inline).iter().map(|one| read(&one["PolicyDocument"])).collect();
        let mut own = Vec::new();
        for arn in list(entry, "AttachedManagedPolicies").iter().map(|one| text(&one["PolicyArn"])) {
            policies.extend(self.managed.get(&arn).cloned());
            if !arn.starts_with("arn:aws:iam::aws:") {
                own.push(arn);
            }
        }
        for group in list(entry, "GroupList").iter().filter_map(|name| self.groups.get(name.as_str()?)) {
            let (more, arns) = self.policies(group, "GroupPolicyList");
            policies.extend(more);
            own.extend(arns);
        }
        (policies, own)
    }

    fn member(&self, entry: &Value, name: &str, inline: &str, kind: IdentityKind) -> Member {
        // The file tells of two accounts: a real one, and one with made-up names.
        let arn = text(&entry["Arn"]);
        let account = arn.split(':').nth(4).unwrap();
        let mut member = Member::new(&text(&entry[name]), &arn, kind, account);
        let (policies, own) = self.policies(entry, inline);
        let rows: Vec<_> = policies
            .iter()
            .enumerate()
            .map(|(at, one)| {
                let row = entitlement(Provider::Aws, EntitlementKind::IdentityPolicy, at, one);
                (Entitlement { valid_from: Time::parse("2026-11-29T00:00:00Z").unwrap(), ..row }, Arc::clone(one))
            })
            .collect();
        let set = set_of_rows(Provider::Aws, &rows);
        let all = Catalogue::bundled().provider(Provider::Aws).iter().count() as u64;
        if set.whole().len() == all && set.ignored().is_empty() {
            member.administers = vec![AccountId::from(account)];
        }
        let compile = |one: &Arc<Policy>| Arc::new(CompiledPolicy::of_policy("p", PolicyKind::Identity, one));
        member.policies =
            Some(Arc::new(Policies { identity: policies.iter().map(compile).collect(), ..Policies::default() }));
        member.grants = vec![(AccountId::from(account), set)];
        member.attached = own.into_iter().map(Into::into).collect();
        member.groups = list(entry, "GroupList").iter().map(|name| IdentityId::from(text(name).as_str())).collect();
        member.trust = entry.get("AssumeRolePolicyDocument").map(read);
        member
    }
}

fn estate() -> Option<Estate> {
    let bytes = shared("entitlements/cloudsplaining/examples/files/example.json")?;
    let all: Value = serde_json::from_slice(&bytes).unwrap();
    let default = |policy: &Value| {
        let version = list(policy, "PolicyVersionList").iter().find(|one| one["IsDefaultVersion"] == true).cloned();
        read(&version.unwrap()["Document"])
    };
    let managed = list(&all, "Policies").iter().map(|one| (text(&one["Arn"]), default(one))).collect();
    let groups = list(&all, "GroupDetailList").iter().map(|one| (text(&one["GroupName"]), one.clone())).collect();
    let account = Account { managed, groups };
    let mut members = Vec::new();
    for (key, name, inline, kind) in [
        ("UserDetailList", "UserName", "UserPolicyList", IdentityKind::User),
        ("RoleDetailList", "RoleName", "RolePolicyList", IdentityKind::Role),
        ("GroupDetailList", "GroupName", "GroupPolicyList", IdentityKind::Group),
    ] {
        members.extend(list(&all, key).iter().map(|one| account.member(one, name, inline, kind)));
    }
    // What runs in the account is not in the file.
    Some(Estate::new(Provider::Aws, members, None))
}

#[test]
fn a_real_account_is_told_as_it_is() {
    let Some(estate) = estate() else { return };
    let told: BTreeMap<String, String> =
        estate.escalating().map(|(id, chain)| (id.to_string(), report(Some(&chain)))).collect();
    for (id, chain) in &told {
        eprintln!("{id}: {chain}");
    }
    let to = |id: &str| told.get(id).map_or("no", String::as_str);
    for (id, chain) in BY_HAND {
        assert_eq!(to(id), chain, "{id}");
    }
    let harmless = ["fp1-", "fp2-", "fp3-", "fp4-"];
    assert!(told.keys().all(|id| !harmless.iter().any(|fp| id.starts_with(fp))));
    let outside = estate.outside_trust();
    let owner = |one: &&OutsideTrust| match &one.whom {
        Outsider::Account { account, is_known, .. } => account.as_str() == "072528804237" && !is_known,
        _ => false,
    };
    let roles: Vec<&str> = outside.iter().filter(owner).map(|one| one.role.as_str()).collect();
    assert_eq!(roles, ["OrganizationAccountAccessRole", "stacksets-exec-b5520cb2730c2f54b523d6375a319abb"]);
}

/// The file's own labels: whoever is called `fn…` holds a risk that must be found, `fp…` none.
#[test]
fn what_the_account_labels_as_a_risk_is_found_and_nothing_else() {
    let Some(estate) = estate() else { return };
    let mut table = String::new();
    for member in estate.members.iter().filter(|member| member.id.starts_with("fn") || member.id.starts_with("fp")) {
        let chain = estate.chain_to_administrator(&member.id);
        let said = match &chain {
            None => "no path".to_owned(),
            Some(chain) => {
                format!("{} {}", chain.steps[0].path.unwrap().id, if chain.is_certain() { "certain" } else { "may" })
            }
        };
        table += &format!("{} {said}\n", member.id);
        assert_eq!(chain.is_some(), member.id.starts_with("fn"), "{} {said}", member.id);
    }
    expect_test::expect![[r#"
        fn1-privesc3-partial-role ec2-001 certain
        fn1-privesc3-partial-user ec2-001 certain
        fn2-exploitableResourceConstraint-role iam-001 certain
        fn2-exploitableResourceConstraint-user iam-001 certain
        fn3-exploitableConditionConstraint-role iam-001 may
        fn3-exploitableConditionConstraint-user iam-001 may
        fn4-exploitableNotAction-role cloudformation-001 certain
        fn4-exploitableNotAction-user cloudformation-001 certain
        fp1-allow-and-deny-role no path
        fp1-allow-and-deny-user no path
        fp2-allow-and-deny-multiple-policies-role no path
        fp2-allow-and-deny-multiple-policies-user no path
        fp3-deny-iam-role no path
        fp3-deny-iam-user no path
        fp4-nonExploitableResourceConstraint-role no path
        fp4-nonExploitableResourceConstraint-user no path
        fp5-nonExploitableConditionConstraint-role no path
        fp5-nonExploitableConditionConstraint-user no path
    "#]]
    .assert_eq(&table);
}
