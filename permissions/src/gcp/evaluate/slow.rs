//! Tests: the documented flow once more, step by step on the documents themselves. Shares nothing but types and tables.

use std::collections::BTreeSet;

use schemas::Provider;
use serde_json::{Value, json};

use super::random::ATOMS;
use crate::catalogue::Catalogue;
use crate::gcp::predefined_role;
use crate::patterns::slow as wildcard;

/// True, false, not known (with what is not known), or an error.
type Truth = (char, BTreeSet<String>);

fn plain(value: bool) -> Truth {
    (if value { 'T' } else { 'F' }, BTreeSet::new())
}

fn doubt(name: &str) -> Truth {
    ('U', BTreeSet::from([name.to_owned()]))
}

fn not(value: Truth) -> Truth {
    match value.0 {
        'T' => plain(false),
        'F' => plain(true),
        _ => value,
    }
}

fn and(parts: Vec<Truth>) -> Truth {
    not(or(parts.into_iter().map(not).collect()))
}

fn or(parts: Vec<Truth>) -> Truth {
    if parts.iter().any(|part| part.0 == 'T') {
        return plain(true);
    }
    if parts.iter().any(|part| part.0 == 'U') {
        return ('U', parts.into_iter().flat_map(|part| part.1).collect());
    }
    if parts.iter().any(|part| part.0 == 'E') {
        return ('E', BTreeSet::new());
    }
    plain(false)
}

/// What the oracle says of a case: rule, statements, doubts.
pub(super) type Said = (String, Vec<(String, String)>, BTreeSet<String>);

pub(super) fn decide(case: &Value) -> Said {
    let request = &case["request"];
    let path: Vec<&str> = request["ancestors"]
        .as_array()
        .unwrap()
        .iter()
        .chain([&request["resource"]])
        .map(|v| v.as_str().unwrap())
        .collect();
    let attached = |list: &str, resource: &str| -> Vec<Value> {
        let all = case[list].as_array().unwrap().iter();
        all.filter(|one| one["resource"] == resource).map(|one| one["policy"].clone()).collect()
    };
    // 1. Deny policies, from the organization down.
    let (mut doubts, mut denying) = (BTreeSet::new(), Vec::new());
    for resource in &path {
        for policy in attached("deny_policies", resource) {
            for (at, rule) in policy["rules"].as_array().unwrap().iter().enumerate() {
                let denied = denies(&rule["denyRule"], case);
                doubts.extend(denied.1);
                if denied.0 == 'T' {
                    denying.push((policy["name"].as_str().unwrap().to_owned(), at.to_string()));
                }
            }
        }
    }
    if !denying.is_empty() {
        return ("denied by deny policy".to_owned(), denying, BTreeSet::new());
    }
    // 2. and 3. Bindings, likewise.
    let mut bindings = Vec::new();
    for resource in &path {
        for policy in attached("allow_policies", resource) {
            for (at, binding) in policy["bindings"].as_array().unwrap().iter().enumerate() {
                bindings.push((*resource, at, binding.clone()));
            }
        }
    }
    let results: Vec<Truth> = bindings.iter().map(|(_, _, binding)| grants(binding, case)).collect();
    for wanted in ['T', 'U'] {
        let found: Vec<usize> = (0..bindings.len()).filter(|at| results[*at].0 == wanted).collect();
        let Some(first) = found.first() else { continue };
        if wanted == 'U' {
            doubts.extend(found.iter().flat_map(|at| results[*at].1.clone()));
        }
        let rule = format!("allowed by binding at {}", level(bindings[*first].0));
        let name = |at: &usize| (bindings[*at].0.to_owned(), bindings[*at].1.to_string());
        return (rule, found.iter().map(name).collect(), doubts);
    }
    let mine: Vec<&Value> =
        bindings.iter().map(|(_, _, b)| b).filter(|b| any_member(&b["members"], case).0 != 'F').collect();
    let rule = match mine.iter().any(|binding| has(binding, case).0 != 'F') {
        _ if mine.is_empty() => "no binding names the identity",
        true => "condition not met",
        false => "in no bound role",
    };
    (rule.to_owned(), Vec::new(), doubts)
}

fn denies(rule: &Value, case: &Value) -> Truth {
    let action = case["request"]["action"].as_str().unwrap();
    let about = |key: &str| {
        let list = rule[key].as_array().cloned().unwrap_or_default();
        list.iter().any(|pattern| {
            let (service, rest) = pattern.as_str().unwrap().split_once(".googleapis.com/").unwrap();
            let service = if service == "cloudresourcemanager" { "resourcemanager" } else { service };
            wildcard(format!("{service}.{rest}").as_bytes(), action.as_bytes())
        })
    };
    let condition = match condition(&rule["denialCondition"], case) {
        ('E', _) => plain(true),
        known => known,
    };
    and(vec![
        plain(about("deniedPermissions")),
        plain(!about("exceptionPermissions")),
        any_member(&rule["deniedPrincipals"], case),
        not(any_member(&rule["exceptionPrincipals"], case)),
        condition,
    ])
}

fn grants(binding: &Value, case: &Value) -> Truth {
    let condition = match condition(&binding["condition"], case) {
        ('E', _) => plain(false),
        known => known,
    };
    and(vec![has(binding, case), any_member(&binding["members"], case), condition])
}

fn has(binding: &Value, case: &Value) -> Truth {
    let (role, action) = (binding["role"].as_str().unwrap(), &case["request"]["action"]);
    if let Some(custom) = case["roles"].as_array().unwrap().iter().find(|one| one["name"] == role) {
        return plain(custom["includedPermissions"].as_array().unwrap().contains(action));
    }
    match predefined_role(role) {
        Some(permissions) => {
            let idx = Catalogue::bundled().provider(Provider::Gcp).lookup(action.as_str().unwrap());
            plain(idx.is_some_and(|idx| permissions.contains(idx.0)))
        }
        None => doubt(&format!("role `{role}`")),
    }
}

fn any_member(list: &Value, case: &Value) -> Truth {
    let list = list.as_array().cloned().unwrap_or_default();
    or(list.iter().map(|text| is_member(text.as_str().unwrap(), case)).collect())
}

/// Whether a member means who asks, by the tables of principal identifiers.
fn is_member(member: &str, case: &Value) -> Truth {
    let request = &case["request"];
    let who = request["principal"].as_str().unwrap().to_lowercase();
    let (is_user, is_service, is_pool) =
        (who.starts_with("user:"), who.starts_with("serviceaccount:"), who.starts_with("principal:"));
    let groups = request["groups"].as_array().cloned().unwrap_or_default();
    let in_group = |address: &str| groups.iter().any(|group| group.as_str().unwrap().eq_ignore_ascii_case(address));
    let known_pool = request.get("attributes").is_some() && request.get("pool_groups").is_some();
    let lower = member.to_lowercase();
    if lower.starts_with("deleted:") {
        return plain(false);
    }
    if let Some((kind, project)) = member.split_once(':').filter(|(kind, _)| kind.starts_with("project")) {
        return convenience(kind, project, member, case);
    }
    if member == "allUsers" || member == "principalSet://goog/public:all" {
        return plain(true);
    }
    if member == "allAuthenticatedUsers" {
        return plain(is_user || is_service);
    }
    if let Some(address) = lower.strip_prefix("group:").or_else(|| lower.strip_prefix("principalset://goog/group/")) {
        return plain(who != "allusers" && in_group(address));
    }
    if let Some(domain) = lower.strip_prefix("domain:") {
        return plain(is_user && who.split('@').nth(1) == Some(domain));
    }
    if let Some(address) = lower.strip_prefix("principal://goog/subject/") {
        return plain(who == format!("user:{address}"));
    }
    if let Some(address) = lower.strip_prefix("principal://iam.googleapis.com/projects/-/serviceaccounts/") {
        return plain(who == format!("serviceaccount:{address}"));
    }
    if let Some(customer) = member.strip_prefix("principalSet://goog/cloudIdentityCustomerId/") {
        return match request["customer"].as_str() {
            Some(own) => plain(own == customer && who != "allusers"),
            None if is_user || is_service => doubt(member),
            None => plain(false),
        };
    }
    if let Some(set) = lower.strip_prefix("principalset://iam.googleapis.com/") {
        let pool = who.strip_prefix("principal://iam.googleapis.com/").and_then(|rest| rest.split_once("/subject/"));
        let Some(kind) = pool.and_then(|(pool, _)| set.strip_prefix(pool)).and_then(|rest| rest.strip_prefix('/'))
        else {
            return plain(false);
        };
        let held = match kind.split_once('/') {
            None => kind == "*",
            Some(("group", group)) => {
                request["pool_groups"].as_array().is_some_and(|groups| groups.contains(&json!(group)))
            }
            Some((attribute, value)) => {
                let values = &request["attributes"][attribute.trim_start_matches("attribute.")];
                values.as_array().is_some_and(|values| values.contains(&json!(value)))
            }
        };
        return if held || known_pool || !is_pool { plain(held) } else { doubt(member) };
    }
    plain(who == lower)
}

fn convenience(kind: &str, project: &str, member: &str, case: &Value) -> Truth {
    let role = match kind {
        "projectOwner" => "roles/owner",
        "projectEditor" => "roles/editor",
        _ => "roles/viewer",
    };
    let request = &case["request"];
    let mut path: Vec<String> =
        request["ancestors"].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect();
    path.push(request["resource"].as_str().unwrap().to_owned());
    let own = format!("projects/{project}");
    if !path.contains(&own) {
        return doubt(member);
    }
    let mut above = true;
    let mut result = plain(false);
    for resource in path {
        for one in case["allow_policies"].as_array().unwrap().iter().filter(|one| one["resource"] == resource.as_str())
        {
            for binding in
                one["policy"]["bindings"].as_array().unwrap().iter().filter(|binding| binding["role"] == role)
            {
                let named = binding["members"].as_array().unwrap().iter().map(|m| m.as_str().unwrap());
                let is_named = named.filter(|m| !m.starts_with("project")).any(|m| is_member(m, case).0 == 'T');
                let is_certain = resource == own && binding.get("condition").is_none();
                match (above && is_named, is_certain) {
                    (true, true) => return plain(true),
                    (true, false) => result = doubt(member),
                    _ => {}
                }
            }
        }
        above = above && resource != own;
    }
    result
}

/// Puts values for the parts of a condition, and then one value for what stands between parentheses, until one is left.
fn condition(of: &Value, case: &Value) -> Truth {
    let Some(text) = of["expression"].as_str() else { return plain(true) };
    let mut text = text.to_owned();
    let mut values = Vec::new();
    for (at, (atom, _)) in ATOMS.iter().enumerate() {
        text = text.replace(atom, &format!(" #{at} "));
        values.push(atom_value(at, &case["request"]));
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('!', " ! ");
    let mut tokens: Vec<Result<Truth, String>> = spaced
        .split_whitespace()
        .map(|token| match token.strip_prefix('#') {
            Some(at) => Ok(values[at.parse::<usize>().unwrap()].clone()),
            None => Err(token.to_owned()),
        })
        .collect();
    while tokens.len() > 1 {
        let n = (0..tokens.len()).find_map(|n| reduce(&tokens[n..]).map(|(taken, value)| (n, taken, value)));
        let (n, taken, value) = n.unwrap();
        tokens.splice(n..n + taken, [Ok(value)]);
    }
    tokens.remove(0).unwrap()
}

fn reduce(tokens: &[Result<Truth, String>]) -> Option<(usize, Truth)> {
    match tokens {
        [Err(sign), Ok(value), ..] if sign == "!" => Some((2, not(value.clone()))),
        [Err(open), Ok(value), Err(close), ..] if open == "(" && close == ")" => Some((3, value.clone())),
        [Ok(left), Err(operator), Ok(right), ..] if operator == "&&" => {
            Some((3, and(vec![left.clone(), right.clone()])))
        }
        [Ok(left), Err(operator), Ok(right), ..] if operator == "||" => {
            Some((3, or(vec![left.clone(), right.clone()])))
        }
        _ => None,
    }
}

fn atom_value(at: usize, request: &Value) -> Truth {
    let (context, name) = (&request["context"], ATOMS[at].1);
    if at == 4 {
        return match request.get("tags") {
            Some(tags) => plain(tags["1/env"] == "prod"),
            None => doubt(name),
        };
    }
    if at == 5 {
        return match request["api_attributes"].get("a/b") {
            Some(Value::Null) => plain(true),
            Some(list) => plain(list.as_array().unwrap().iter().all(|role| role == "r1")),
            None => doubt(name),
        };
    }
    match context.get(name) {
        None => doubt(name),
        Some(Value::Null) => ('E', BTreeSet::new()),
        Some(value) => plain(match at {
            0 => value.as_str().unwrap() < "2026-02-01T00:00:00Z",
            1 => value.as_str().unwrap().starts_with("projects/p/"),
            2 => value == "x.googleapis.com/Y",
            3 => value == 21,
            _ => value.as_array().unwrap().contains(&json!("l")),
        }),
    }
}

fn level(resource: &str) -> &'static str {
    match resource.split('/').next() {
        Some("organizations") => "the organization",
        Some("folders") => "a folder",
        Some("projects") => "the project",
        _ => "the resource",
    }
}
