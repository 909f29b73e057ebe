//! GCP: rows as allow and deny policies.

use std::collections::BTreeMap;

use schemas::{Entitlement, EntitlementKind, IdentityKind, Policy, Statement, Text};
use serde_json::{Value, json};

use super::{Answer, FindPolicy, Holdings, Question};
use crate::decision::Deciding;
use crate::gcp::evaluate::{Action, Attached, Context, Facts, Identity, Path, Policies, Request, explain};

/// What bears on a request and is in no snapshot.
const NOT_READ: &[&str] = &["principal access boundaries", "access lists of objects", "VPC Service Controls"];

pub(super) fn ask(find: &FindPolicy<'_>, holdings: &Holdings<'_>, question: &Question) -> Result<Answer, String> {
    let first = holdings.own.first().or(holdings.everybody.first()).ok_or("nothing is known of the identity")?;
    let member = member(first);
    let rows = || holdings.own.iter().map(|row| (*row, member.clone())).chain(everybody(holdings));
    let ancestors = match &question.ancestors {
        Some(ancestors) => ancestors.clone(),
        None => assumed(holdings, question),
    };
    let groups = holdings.own.iter().flat_map(|row| &row.groups);
    let groups = groups.filter_map(|id| id.strip_prefix("gcp:")).filter(|name| name.contains('@')).map(str::to_owned);
    let request = Request {
        identity: Identity::parse(&member, &Facts { groups: groups.collect(), ..Facts::default() })?,
        action: Action::parse(&question.action)?,
        path: Path::new(&ancestors, &question.resource)?,
        context: context(question)?,
    };
    let mut roles = Vec::new();
    let mut allow: BTreeMap<String, Bound> = BTreeMap::new();
    let mut deny = Vec::new();
    for (row, member) in rows() {
        for hash in &row.policy_hashes {
            let policy = find(hash);
            for scope in &row.scopes {
                match row.kind {
                    EntitlementKind::Binding => {
                        let role = role(row, policy.as_deref(), hash, &mut roles);
                        let bound = allow.entry(scope.to_string()).or_default();
                        bound.bindings.push(binding(row, &role, &member));
                        bound.names.push(row.source_name.clone().unwrap_or_else(|| row.source.clone()));
                    }
                    EntitlementKind::DenyRule => {
                        deny.push((scope.to_string(), denial(row, policy.as_deref(), &member)));
                    }
                    _ => {}
                }
            }
        }
    }
    let documents: Vec<(String, Value)> =
        allow.iter().map(|(scope, bound)| (scope.clone(), json!({ "bindings": bound.bindings }))).collect();
    let policies = Policies::compile(&roles, &borrowed(&documents), &borrowed(&deny));
    let explained = explain(&request, &policies);
    Ok(Answer {
        verdict: explained.decision.verdict,
        rule: explained.decision.rule.to_string(),
        statements: explained.statements.into_iter().map(|statement| named(statement, &allow)).collect(),
        conditional_on: explained.decision.conditional_on,
        could_activate: Vec::new(),
        outside: Vec::new(),
        errors: policies.errors().to_vec(),
        not_read: NOT_READ,
    })
}

/// The bindings at one place, and what each is called.
#[derive(Default)]
struct Bound {
    bindings: Vec<Value>,
    names: Vec<Text>,
}

/// A statement by its role rather than by its place in a policy that was made for the question.
fn named(statement: Deciding, allow: &BTreeMap<String, Bound>) -> Deciding {
    let host = "//cloudresourcemanager.googleapis.com/";
    let is_it = |(scope, _): &(&String, &Bound)| scope.strip_prefix(host).unwrap_or(scope) == statement.policy.as_str();
    let place = statement.statement.parse::<usize>().ok();
    match allow.iter().find(is_it).zip(place).and_then(|((_, bound), at)| bound.names.get(at)) {
        Some(name) => Deciding { statement: name.clone(), ..statement },
        None => statement,
    }
}

fn borrowed(policies: &[(String, Value)]) -> Vec<Attached<'_>> {
    policies.iter().map(|(resource, policy)| Attached { resource, policy }).collect()
}

fn everybody<'h>(holdings: &'h Holdings<'h>) -> impl Iterator<Item = (&'h Entitlement, String)> {
    holdings.everybody.iter().map(|row| (*row, member(row)))
}

/// The member that a row's identity is, in the spelling of allow policies.
fn member(row: &Entitlement) -> String {
    let name = row.identity_id.strip_prefix("gcp:").unwrap_or(&row.identity_id);
    match row.identity_kind {
        IdentityKind::User => format!("user:{name}"),
        IdentityKind::ServiceAccount => format!("serviceAccount:{name}"),
        IdentityKind::Group if name.contains(':') => name.to_owned(),
        IdentityKind::Group if name.contains('@') => format!("group:{name}"),
        IdentityKind::Group => format!("domain:{name}"),
        _ if name.eq_ignore_ascii_case("allUsers") => "allUsers".to_owned(),
        _ if name.eq_ignore_ascii_case("allAuthenticatedUsers") => "allAuthenticatedUsers".to_owned(),
        _ => row.identity_name.as_ref().map_or_else(|| name.to_owned(), ToString::to_string),
    }
}

/// Where nobody knows what lies above a resource, every folder and organization may.
fn assumed(holdings: &Holdings<'_>, question: &Question) -> Vec<String> {
    let scopes = holdings.own.iter().chain(&holdings.everybody).flat_map(|row| &row.scopes);
    let above = scopes.filter_map(|scope| scope.strip_prefix("//cloudresourcemanager.googleapis.com/"));
    let mut above: Vec<String> = above.filter(|name| !name.starts_with("projects/")).map(str::to_owned).collect();
    above.sort_unstable_by_key(|name| (name.starts_with("folders/"), name.clone()));
    above.dedup();
    above.extend(project(&question.resource));
    above
}

/// The project in a resource's name.
fn project(resource: &str) -> Option<String> {
    let at = resource.find("projects/")? + "projects/".len();
    let id = resource[at..].split('/').next().filter(|id| !id.is_empty() && *id != "_")?;
    Some(format!("projects/{id}"))
}

fn context(question: &Question) -> Result<Context, String> {
    let mut context = Context::default();
    for (key, values) in &question.context {
        let value = match values.as_slice() {
            [] => Value::Null,
            [one] => one.as_str().into(),
            several => several.iter().map(String::as_str).collect(),
        };
        context.set(key, &value).map_err(|why| format!("`{key}` {why}"))?;
    }
    if let Some(at) = question.at.filter(|_| !question.context.iter().any(|(key, _)| key == "request.time")) {
        context.set("request.time", &at.to_string().into())?;
    }
    context.fill_in(&question.resource);
    Ok(context)
}

/// The name of a row's role; adds its definition, unless it is one of the cloud's own.
fn role(row: &Entitlement, policy: Option<&Policy>, hash: &str, roles: &mut Vec<Value>) -> String {
    if let Some(name) = policy.and_then(|policy| policy.statements.iter().find_map(|statement| statement.role.as_ref()))
    {
        return name.to_string();
    }
    let Some(policy) = policy.filter(|policy| !policy.statements.is_empty() || policy.errors.is_empty()) else {
        return row.source_name.as_ref().unwrap_or(&row.source).to_string();
    };
    let name = format!("projects/-/roles/{hash}");
    let permissions: Vec<&str> =
        policy.statements.iter().flat_map(|statement| &statement.actions).map(|action| action.as_str()).collect();
    roles.push(json!({ "name": name, "includedPermissions": permissions }));
    name
}

fn binding(row: &Entitlement, role: &str, member: &str) -> Value {
    let mut binding = json!({ "role": role, "members": [member] });
    if let Some(condition) = &row.condition {
        binding["condition"] = json!({ "expression": condition });
    }
    binding
}

fn denial(row: &Entitlement, policy: Option<&Policy>, member: &str) -> Value {
    let name = row.source_name.as_ref().unwrap_or(&row.source);
    let Some(policy) = policy.filter(|policy| policy.errors.is_empty()) else {
        // Rules that nobody knows may deny anything.
        return json!({ "name": name, "rules": "not known" });
    };
    let rules: Vec<Value> = policy.statements.iter().map(|statement| rule(row, statement, member)).collect();
    json!({ "name": name, "rules": rules })
}

fn rule(row: &Entitlement, statement: &Statement, member: &str) -> Value {
    let mut rule = json!({
        "deniedPrincipals": [member],
        "deniedPermissions": statement.actions,
        "exceptionPermissions": statement.not_actions,
        "exceptionPrincipals": statement.not_identities,
    });
    if let Some(condition) = statement.condition.as_ref().or(row.condition.as_ref()) {
        rule["denialCondition"] = json!({ "expression": condition });
    }
    json!({ "denyRule": rule })
}
