//! GCP: bindings of allow policies, and roles.

use std::collections::BTreeMap;

use permissions::gcp::role;
use schemas::{
    AccountId, EntitlementKind, Id128, IdentityId, IdentityKind, OrgId, Policy, PolicyHash, Provider, ResourceId, Text,
    identity,
};
use serde_json::Value;

use super::aws::Reader;
use super::facts::{Binding, Draft, Fact, draft, items, required, text};

/// Reads the bindings or the role of one object.
pub(super) fn objects(list: &str, account: &str, object: &Value, reader: &mut Reader<'_>) -> Result<Vec<Fact>, String> {
    match list {
        "gcp.iam_policy" => {
            let scope = if account.contains('/') { account.to_owned() } else { format!("projects/{account}") };
            let resource = format!("//cloudresourcemanager.googleapis.com/{scope}");
            Ok(vec![binding(object, &resource, None)?])
        }
        "gcp.search_all_iam_policies" => {
            let resource = required(object, "resource")?;
            let org = text(object, "organization").map(|org| OrgId::from(org.trim_start_matches("organizations/")));
            let policy = object.get("policy").unwrap_or(&Value::Null);
            items(policy, "bindings").iter().map(|found| binding(found, resource, org.as_ref())).collect()
        }
        "gcp.roles" => {
            let found = role(&serde_json::to_vec(object).unwrap_or_default()).ok_or("the role has no `name`")?;
            let policy = Policy::of(Provider::Gcp, vec![found.statement], Vec::new(), reader.at);
            let title = text(object, "title").map(Text::from);
            Ok(vec![Fact::Role { name: found.name.into(), title, hash: reader.policies.put(policy, reader.out) }])
        }
        other => Err(format!("list `{other}` is unknown")),
    }
}

fn binding(object: &Value, resource: &str, org_id: Option<&OrgId>) -> Result<Fact, String> {
    let condition = object.get("condition").filter(|found| !found.is_null());
    Ok(Fact::Binding(Binding {
        resource: ResourceId::from(resource),
        role: required(object, "role")?.into(),
        members: items(object, "members").iter().filter_map(Value::as_str).map(Text::from).collect(),
        condition: condition
            .map(|found| text(found, "expression").map_or_else(|| found.to_string(), str::to_owned).into()),
        org_id: org_id.cloned(),
    }))
}

/// The identity that a member is. A deleted member keeps its whole name with the `?uid=`, as in the logs.
fn of_member(member: &str) -> (IdentityId, IdentityKind, &str) {
    let (kind, name) = match member.split_once(':') {
        Some(("user" | "serviceAccount", name)) if name.ends_with(".gserviceaccount.com") => {
            (IdentityKind::ServiceAccount, name)
        }
        Some(("user", name)) => (IdentityKind::User, name),
        Some(("serviceAccount", name)) => (IdentityKind::ServiceAccount, name),
        Some(("group" | "domain", name)) => (IdentityKind::Group, name),
        Some(("deleted", rest)) if rest.starts_with("serviceAccount:") => (IdentityKind::ServiceAccount, member),
        Some(("deleted", rest)) if rest.starts_with("group:") => (IdentityKind::Group, member),
        Some(("deleted", _)) => (IdentityKind::User, member),
        Some(("projectOwner" | "projectEditor" | "projectViewer", _)) => (IdentityKind::Group, member),
        Some(("principal" | "principalSet", _)) => (IdentityKind::Federated, member),
        None if matches!(member, "allUsers" | "allAuthenticatedUsers") => (IdentityKind::Anonymous, member),
        _ => (IdentityKind::Unknown, member),
    };
    (identity::gcp(name), kind, name)
}

/// The rows of one project's (or folder's, or organization's) bindings.
pub(super) fn rows(account: &AccountId, bindings: &[Fact], others: &[&Fact], reader: &mut Reader<'_>) -> Vec<Draft> {
    let mut roles = BTreeMap::new();
    for fact in others {
        if let Fact::Role { name, title, hash } = fact {
            roles.insert(name.as_str(), (title, hash));
        }
    }
    let mut rows = Vec::new();
    for fact in bindings {
        let Fact::Binding(binding) = fact else { continue };
        // A role that no list defines is looked up in the catalogue; what is not there either, the score names as unknown.
        let (title, hash) = match roles.get(binding.role.as_str()) {
            Some((title, hash)) => (Option::clone(title), PolicyHash::clone(hash)),
            None => (None, reader.policies.role(Provider::Gcp, &binding.role, reader.at, reader.out)),
        };
        let condition = binding.condition.as_ref().map(|text| Id128::of_parts(&[text.as_bytes()]).to_string());
        let source = format!("binding:{}#{}#{}", binding.resource, binding.role, condition.unwrap_or_default());
        for member in &binding.members {
            let (id, identity_kind, name) = of_member(member);
            let make = |kind, source| {
                let mut made = draft(Provider::Gcp, account, reader.at, (id.clone(), identity_kind), kind, source);
                made.row.org_id.clone_from(&binding.org_id);
                made.row.identity_name = Some(name.into());
                made
            };
            rows.push(make(EntitlementKind::Identity, "identity".to_owned()));
            let mut made = make(EntitlementKind::Binding, source.clone());
            made.row.source_name = Some(title.clone().unwrap_or_else(|| binding.role.clone()));
            made.row.policy_hashes.push(hash.clone());
            made.row.scopes.push(binding.resource.clone());
            made.row.condition.clone_from(&binding.condition);
            rows.push(made);
        }
    }
    rows
}
