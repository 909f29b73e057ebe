//! GCP: bindings of allow policies, deny policies, roles, groups, service accounts and their keys.

mod deny;
mod group;
mod until;

use std::collections::BTreeMap;

use permissions::gcp::role;
use schemas::{
    AccountId, EntitlementKind, Id128, IdentityId, IdentityKind, OrgId, Policy, PolicyHash, Provider, ResourceId, Text,
    identity,
};
use serde_json::Value;

use super::aws::Reader;
use super::facts::{Binding, Draft, Fact, Life, draft, items, required, text};
use super::inventory::{ANCESTOR, KEY};
use super::lists::base;
use super::read::Read;

use self::group::{Grant, Groups};

/// Reads the bindings, the deny rules, the role, the group or the service account of one object.
pub(super) fn objects(list: &str, account: &str, object: &Value, reader: &mut Reader<'_>) -> Result<Read, String> {
    match base(list) {
        "gcp.iam_policy" => {
            let scope = if account.contains('/') { account.to_owned() } else { format!("projects/{account}") };
            let resource = format!("//cloudresourcemanager.googleapis.com/{scope}");
            Ok(vec![binding(object, &resource, None)?].into())
        }
        "gcp.search_all_iam_policies" => {
            let resource = required(object, "resource")?;
            let org = text(object, "organization").map(|org| OrgId::from(org.trim_start_matches("organizations/")));
            Ok(bindings(object.get("policy").unwrap_or(&Value::Null), resource, org.as_ref()))
        }
        "gcp.asset_iam_policies" => asset(account, object),
        "gcp.deny_policies" => deny::read(object, reader),
        "gcp.group_members" => group::read(object),
        "gcp.service_accounts" => {
            let email = required(object, "email")?;
            let name = text(object, "displayName").unwrap_or(email);
            Ok(vec![Fact::Life(Life {
                identity_id: identity::gcp(email),
                kind: IdentityKind::ServiceAccount,
                name: Some(name.into()),
                generation: text(object, "uniqueId").map(Text::from),
                created_at: None,
                last_used_at: None,
            })]
            .into())
        }
        "gcp.roles" => {
            let found = role(&serde_json::to_vec(object).unwrap_or_default()).ok_or("the role has no `name`")?;
            let policy = Policy::of(Provider::Gcp, vec![found.statement], Vec::new(), reader.at);
            let title = text(object, "title").map(Text::from);
            Ok(vec![Fact::Role { name: found.name.into(), title, hash: reader.policies.put(policy, reader.out) }]
                .into())
        }
        other => Err(format!("list `{other}` is unknown")),
    }
}

/// Reads what lies above a project, or a key of a service account.
pub(super) fn facts(list: &str, object: &Value) -> Result<Read, String> {
    let level = |of: &Value| {
        let word = match required(of, "type")? {
            "project" => "projects",
            "folder" => "folders",
            "organization" => "organizations",
            other => return Err(format!("`{other}` in `type` is no level")),
        };
        Ok(Fact::Resource { kind: ANCESTOR.into(), id: format!("{word}/{}", required(of, "id")?).into() })
    };
    if base(list) == "gcp.service_account_keys" {
        let id = ResourceId::from(format!("//iam.googleapis.com/{}", required(object, "name")?));
        return Ok(vec![Fact::Resource { kind: KEY.into(), id }].into());
    }
    let mut read = Read::default();
    match object.get("ancestor").and_then(Value::as_array) {
        None => read.facts.push(level(object)?),
        Some(levels) => {
            for (at, found) in levels.iter().enumerate() {
                read.take(&format!("`ancestor[{at}]`"), level(found.get("resourceId").unwrap_or(&Value::Null)));
            }
        }
    }
    Ok(read)
}

/// A resource's policy as asset inventory exports it, with what lies above the resource: the nearest first, which is the
/// account itself.
fn asset(account: &str, object: &Value) -> Result<Read, String> {
    let ancestors = items(object, "ancestors").iter().filter_map(Value::as_str);
    let org = ancestors.clone().find_map(|name| name.strip_prefix("organizations/")).map(OrgId::from);
    let policy = object.get("iamPolicy").or_else(|| object.get("iam_policy")).unwrap_or(&Value::Null);
    let mut read = bindings(policy, required(object, "name")?, org.as_ref());
    let mut ids: Vec<ResourceId> = ancestors.skip(1).map(ResourceId::from).collect();
    ids.reverse();
    if !ids.is_empty() {
        read.facts.push(Fact::Ancestors { account: account.into(), ids });
    }
    Ok(read)
}

fn bindings(policy: &Value, resource: &str, org: Option<&OrgId>) -> Read {
    let mut read = Read::default();
    for (at, found) in items(policy, "bindings").iter().enumerate() {
        read.take(&format!("`bindings[{at}]`"), binding(found, resource, org));
    }
    read
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

/// The rows of one project's (or folder's, or organization's) bindings, deny rules and service accounts.
pub(super) fn rows(account: &AccountId, facts: &[Fact], others: &[&Fact], reader: &mut Reader<'_>) -> Vec<Draft> {
    let mut roles = BTreeMap::new();
    let mut groups = Groups::default();
    for fact in others {
        match fact {
            Fact::Role { name, title, hash } => drop(roles.insert(name.as_str(), (title, hash))),
            Fact::GcpGroup { email, members } => groups.insert(email, members),
            _ => {}
        }
    }
    let mut rows = Vec::new();
    for fact in facts {
        match fact {
            Fact::Binding(binding) => {
                // A role that no list defines is looked up in the catalogue; what is not there either, the score names as unknown.
                let (title, hash) = match roles.get(binding.role.as_str()) {
                    Some((title, hash)) => (Option::clone(title), PolicyHash::clone(hash)),
                    None => (None, reader.policies.role(Provider::Gcp, &binding.role, reader.at, reader.out)),
                };
                let made = bound(binding, title, hash);
                let members = binding.members.iter().flat_map(|member| groups.spread(member));
                members.for_each(|held| held.rows(account, reader.at, &made, &mut rows));
            }
            Fact::Denies(rule) => deny::rows(account, rule, &groups, reader.at, &mut rows),
            Fact::Life(life) => {
                let who = (life.identity_id.clone(), life.kind);
                let kind = EntitlementKind::Identity;
                let mut made = draft(Provider::Gcp, account, reader.at, who, kind, "identity".to_owned());
                made.row.identity_name.clone_from(&life.name);
                made.row.identity_generation.clone_from(&life.generation);
                rows.push(made);
            }
            _ => {}
        }
    }
    rows
}

/// What a binding grants, whoever holds it.
fn bound(binding: &Binding, title: Option<Text>, hash: PolicyHash) -> Grant {
    let condition = binding.condition.as_ref().map(|text| Id128::of_parts(&[text.as_bytes()]).to_string());
    let ends = binding.condition.as_deref().map(until::until).unwrap_or_default();
    Grant {
        kind: EntitlementKind::Binding,
        source: format!("binding:{}#{}#{}", binding.resource, binding.role, condition.unwrap_or_default()),
        name: Some(title.unwrap_or_else(|| binding.role.clone())),
        hash,
        resource: binding.resource.clone(),
        condition: binding.condition.clone().filter(|_| !ends.is_all),
        until: ends.at,
        org_id: binding.org_id.clone(),
    }
}
