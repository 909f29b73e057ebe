//! Walks the entitlement files as a stranger would: what was used must be granted, what was refused must not be.

use std::collections::{BTreeMap, BTreeSet};

use sample::IdentityTruth;
use serde_json::Value;

use super::{SAMPLE, json, shared};

/// Whether a pattern with `*` matches, by splitting at the stars; letters without case.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    let parts: Vec<&str> = pattern.split('*').collect();
    if parts.len() == 1 {
        return pattern == action;
    }
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    if !action.starts_with(first) || action.len() < first.len() + last.len() || !action.ends_with(last) {
        return false;
    }
    let mut rest = &action[first.len()..action.len() - last.len()];
    for part in &parts[1..parts.len() - 1] {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// A string or an array of strings.
fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn any(value: &Value, action: &str) -> bool {
    list(value).iter().any(|pattern| matches(pattern, action))
}

fn find<'a>(list: &'a Value, key: &str, value: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|one| one[key] == value).unwrap_or_else(|| panic!("no {key} `{value}`"))
}

/// The policy documents of an AWS identity.
fn aws_documents(details: &Value, id: &str) -> Vec<Value> {
    let (kind, name) = id.rsplit(':').next().unwrap().split_once('/').unwrap();
    let mut out = Vec::new();
    let managed = |of: &Value, out: &mut Vec<Value>| {
        for attached in of["AttachedManagedPolicies"].as_array().unwrap() {
            let policy = find(&details["Policies"], "Arn", attached["PolicyArn"].as_str().unwrap());
            let version = find(&policy["PolicyVersionList"], "VersionId", policy["DefaultVersionId"].as_str().unwrap());
            out.push(version["Document"].clone());
        }
    };
    let (me, inline) = if kind == "user" {
        (find(&details["UserDetailList"], "UserName", name), "UserPolicyList")
    } else {
        (find(&details["RoleDetailList"], "RoleName", name), "RolePolicyList")
    };
    managed(me, &mut out);
    for group in me["GroupList"].as_array().into_iter().flatten() {
        managed(find(&details["GroupDetailList"], "GroupName", group.as_str().unwrap()), &mut out);
    }
    out.extend(me[inline].as_array().into_iter().flatten().map(|policy| policy["PolicyDocument"].clone()));
    out
}

fn aws_allows(documents: &[Value], action: &str) -> bool {
    let hit = |effect: &str| {
        documents.iter().flat_map(|document| document["Statement"].as_array().unwrap()).any(|statement| {
            let covered = match statement.get("NotAction") {
                Some(not) => !any(not, action),
                None => any(&statement["Action"], action),
            };
            statement["Effect"] == effect && covered
        })
    };
    hit("Allow") && !hit("Deny")
}

/// The permission blocks of an Azure identity, groups included.
fn azure_permissions(account: &str, object_id: &str) -> Vec<Value> {
    let folder = format!("azure/entitlements/{account}");
    let groups = json(&format!("{folder}/group-members.json"));
    let mut principals = vec![object_id.to_owned()];
    for group in groups.as_array().unwrap() {
        if group["members"].as_array().unwrap().iter().any(|member| member["id"] == object_id) {
            principals.push(group["id"].as_str().unwrap().to_owned());
        }
    }
    let definitions = json(&format!("{folder}/role-definitions.json"));
    json(&format!("{folder}/role-assignments.json"))
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| principals.iter().any(|id| one["principalId"] == **id))
        .map(|one| find(&definitions, "id", one["roleDefinitionId"].as_str().unwrap())["permissions"][0].clone())
        .collect()
}

fn azure_allows(permissions: &[Value], action: &str) -> bool {
    permissions.iter().any(|p| {
        let control = any(&p["actions"], action) && !any(&p["notActions"], action);
        control || (any(&p["dataActions"], action) && !any(&p["notDataActions"], action))
    })
}

/// The permissions of a GCP identity; predefined roles come from the public catalogue.
fn gcp_permissions(account: &str, email: &str, predefined: &Value) -> BTreeSet<String> {
    let folder = format!("gcp/entitlements/{account}");
    let custom = json(&format!("{folder}/roles.json"));
    let mut out = BTreeSet::new();
    for binding in json(&format!("{folder}/iam-policy.json"))["bindings"].as_array().unwrap() {
        let members = list(&binding["members"]);
        if !members.iter().any(|member| member.split_once(':').unwrap().1 == email) {
            continue;
        }
        let role = binding["role"].as_str().unwrap();
        let of = if role.starts_with("projects/") { find(&custom, "name", role) } else { &predefined[role] };
        let permissions = list(&of["includedPermissions"]);
        assert!(!permissions.is_empty(), "role `{role}` holds nothing");
        out.extend(permissions.into_iter().map(str::to_owned));
    }
    out
}

/// For each identity: id, and a function that says whether an action is granted.
fn check(cloud: &str, mut allows: impl FnMut(&IdentityTruth, &str) -> bool) {
    let truth = &SAMPLE.1;
    let mut n_used = 0;
    for identity in truth.identities.iter().filter(|i| i.cloud == cloud) {
        for action in identity.used.keys() {
            assert!(allows(identity, action), "{} used {action} without a grant", identity.id);
            n_used += 1;
        }
        for action in &identity.never_used {
            assert!(allows(identity, action), "{} was never granted {action}", identity.id);
        }
        let refused = truth.attacks.iter().filter(|a| a.identity == identity.id).flat_map(|a| &a.denied_actions);
        for action in refused {
            assert!(!allows(identity, action), "{} was refused {action} in spite of a grant", identity.id);
        }
    }
    assert!(n_used > 50, "only {n_used} uses in {cloud}");
}

#[test]
fn what_was_used_in_aws_is_granted() {
    let mut details = BTreeMap::new();
    for account in SAMPLE.1.accounts.iter().filter(|a| a.cloud == "aws") {
        let path = format!("aws/entitlements/{}/account-authorization-details.json", account.id);
        details.insert(account.id.clone(), json(&path));
    }
    check("aws", |identity, action| aws_allows(&aws_documents(&details[&identity.accounts[0]], &identity.id), action));
}

#[test]
fn what_was_used_in_azure_is_granted() {
    check("azure", |identity, action| {
        let object_id = identity.id.rsplit(':').next().unwrap();
        azure_allows(&azure_permissions(&identity.accounts[0], object_id), action)
    });
}

#[test]
fn what_was_used_in_gcp_is_granted() {
    let Some(predefined) = shared("catalogs/gcp_roles.iam-dataset.MIT.json.gz") else {
        return;
    };
    check("gcp", |identity, action| {
        let email = identity.id.strip_prefix("gcp:").unwrap();
        gcp_permissions(&identity.accounts[0], email, &predefined).contains(action)
    });
}

#[test]
fn built_in_definitions_are_the_published_ones() {
    let Some(published) = shared("catalogs/azure_builtin_roles.iam-dataset.MIT.json.gz") else {
        return;
    };
    let account = &SAMPLE.1.accounts.iter().find(|a| a.cloud == "azure").unwrap().id;
    for role in json(&format!("azure/entitlements/{account}/role-definitions.json")).as_array().unwrap() {
        if role["roleType"] == "CustomRole" {
            continue;
        }
        let known = find(&published, "name", role["name"].as_str().unwrap());
        for plane in ["actions", "notActions", "dataActions", "notDataActions"] {
            assert_eq!(role["permissions"][0][plane], known["permissions"][0][plane], "{} {plane}", role["roleName"]);
        }
    }
}

#[test]
fn managed_policies_are_the_published_ones() {
    let Some(published) = shared("catalogs/aws_managed_policies.moto-5.2.5.Apache-2.0.json.gz") else {
        return;
    };
    let actions = |document: &Value| -> BTreeSet<(String, String)> {
        let statements = document["Statement"].as_array().unwrap();
        let of = |s: &Value, key: &str| -> Vec<(String, String)> {
            list(&s[key]).into_iter().map(|action| (key.to_owned(), action.to_owned())).collect()
        };
        statements.iter().flat_map(|s| [of(s, "Action"), of(s, "NotAction")].concat()).collect()
    };
    for account in SAMPLE.1.accounts.iter().filter(|a| a.cloud == "aws") {
        let details = json(&format!("aws/entitlements/{}/account-authorization-details.json", account.id));
        for policy in details["Policies"].as_array().unwrap() {
            if policy["Arn"].as_str().unwrap().starts_with("arn:aws:iam::aws:") {
                let known = &published[policy["PolicyName"].as_str().unwrap()]["Document"];
                let ours = actions(&policy["PolicyVersionList"][0]["Document"]);
                assert_eq!(ours, actions(known), "{}", policy["PolicyName"]);
            }
        }
    }
}

#[test]
fn who_uses_all_it_holds_is_zero_and_stands_below_the_others() {
    let truth = &SAMPLE.1;
    assert!(truth.zero.len() >= 8, "only {} identities use all they hold", truth.zero.len());
    for id in &truth.zero {
        let identity = truth.identities.iter().find(|i| i.id == *id).unwrap();
        assert!(identity.only_exact && identity.never_used.is_empty() && !identity.used.is_empty(), "{id}");
    }
    let pairs: BTreeSet<(&str, &str)> =
        truth.order.iter().filter(|o| o.strict).map(|o| (o.above.as_str(), o.below.as_str())).collect();
    assert!(pairs.len() > 100);
    for (above, below) in &pairs {
        assert!(!pairs.contains(&(below, above)), "{above} and {below} stand above each other");
        assert!(truth.identities.iter().any(|i| i.id == *above), "{above} is nobody");
        assert!(!truth.zero.iter().any(|id| id == above), "{above} uses all it holds");
    }
}
