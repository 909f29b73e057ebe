//! Tests: the documented flow once more, step by step on the documents themselves, and the fast evaluator against it.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Provider;
use serde_json::{Value, json};

use super::Rule;
use super::cases::rules;
use crate::catalogue::Catalogue;
use crate::coverage::assert_coverage;
use crate::draw::Draw;
use crate::gcp::predefined_role;
use crate::patterns::slow as wildcard;
use crate::simulate::gcp::Case;

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
type Said = (String, Vec<(String, String)>, BTreeSet<String>);

fn decide(case: &Value) -> Said {
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

/// Parts of conditions, and what a doubt about each is called.
const ATOMS: [(&str, &str); 7] = [
    ("request.time < timestamp('2026-02-01T00:00:00Z')", "request.time"),
    ("resource.name.startsWith('projects/p/')", "resource.name"),
    ("resource.type == 'x.googleapis.com/Y'", "resource.type"),
    ("destination.port == 21", "destination.port"),
    ("resource.matchTag('1/env', 'prod')", "resource.matchTag('1/env', 'prod')"),
    ("api.getAttribute('a/b', []).hasOnly(['r1'])", "api.getAttribute('a/b')"),
    ("'l' in request.auth.access_levels", "request.auth.access_levels"),
];

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

const POOL: &str = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/w";
const PATH: [&str; 4] = ["organizations/1", "folders/2", "projects/p", "//storage.googleapis.com/b"];
const ACTIONS: [&str; 6] = [
    "storage.objects.get",
    "storage.objects.delete",
    "compute.instances.list",
    "compute.instances.delete",
    "resourcemanager.projects.setIamPolicy",
    "contoso.gears.turn",
];
const ROLES: [&str; 9] = [
    "roles/viewer",
    "roles/editor",
    "roles/owner",
    "roles/storage.objectViewer",
    "roles/compute.admin",
    "roles/browser",
    "projects/p/roles/one",
    "projects/p/roles/two",
    "projects/p/roles/gone",
];
const PERMISSIONS: [&str; 8] = [
    "storage.googleapis.com/objects.get",
    "storage.googleapis.com/objects.*",
    "storage.googleapis.com/*.*",
    "compute.googleapis.com/*.delete",
    "compute.googleapis.com/instances.list",
    "compute.googleapis.com/*.*",
    "cloudresourcemanager.googleapis.com/projects.setIamPolicy",
    "contoso.googleapis.com/gears.*",
];

fn members(is_deny: bool) -> Vec<String> {
    let mut members: Vec<String> = [
        "domain:example.com",
        "allAuthenticatedUsers",
        "allUsers",
        "projectViewer:p",
        "projectOwner:p",
        "projectEditor:q",
        "deleted:user:ann@example.com?uid=1",
        "user:Ann@example.com",
        "group:Devs@example.com",
        "group:ops@example.com",
        "serviceAccount:sa@p.iam.gserviceaccount.com",
        "user:bob@example.com",
    ]
    .map(str::to_owned)
    .into();
    if is_deny {
        members = [
            "principalSet://goog/public:all",
            "principal://goog/subject/ann@example.com",
            "principal://goog/subject/bob@example.com",
            "principalSet://goog/group/devs@example.com",
            "principalSet://goog/cloudIdentityCustomerId/C1",
            "principal://iam.googleapis.com/projects/-/serviceAccounts/sa@p.iam.gserviceaccount.com",
            "deleted:principal://goog/subject/ann@example.com?uid=1",
        ]
        .map(str::to_owned)
        .into();
    }
    for set in ["*", "group/g1", "attribute.repo/r", "attribute.repo/other"] {
        members.push(format!("principalSet:{POOL}/{set}"));
    }
    members.push(format!("principal:{POOL}/subject/s"));
    members.push(format!("principalSet:{POOL}2/*"));
    members
}

fn drawn_condition(draw: &mut Draw, depth: u32) -> String {
    match draw.below(if depth == 0 { 2 } else { 5 }) {
        0 => draw.one(&ATOMS).0.to_owned(),
        1 => format!("!({})", draw.one(&ATOMS).0),
        2 => format!("!({})", drawn_condition(draw, depth - 1)),
        n => {
            let operator = if n == 3 { "&&" } else { "||" };
            format!("({}) {operator} ({})", drawn_condition(draw, depth - 1), drawn_condition(draw, depth - 1))
        }
    }
}

fn drawn_binding(draw: &mut Draw) -> Value {
    let list = members(false);
    let some: Vec<&String> = (0..1 + draw.below(2)).map(|_| draw.one(&list)).collect();
    let mut binding = json!({"role": draw.one(&ROLES), "members": some});
    if draw.chance(45) {
        binding["condition"] = json!({"title": "t", "expression": drawn_condition(draw, 2)});
    }
    binding
}

fn drawn_rule(draw: &mut Draw) -> Value {
    let list = members(true);
    let some = |draw: &mut Draw, most: usize, least: usize| -> Vec<String> {
        (0..least + draw.below(most)).map(|_| draw.one(&list).clone()).collect()
    };
    let (denied, excepted) = (some(draw, 2, 1), some(draw, 2, 0));
    let permissions = |draw: &mut Draw, n: usize| (0..n).map(|_| *draw.one(&PERMISSIONS)).collect::<Vec<_>>();
    let n_excepted = draw.below(2);
    let mut rule = json!({"deniedPrincipals": denied, "exceptionPrincipals": excepted, "deniedPermissions": permissions(draw, 2),
        "exceptionPermissions": permissions(draw, n_excepted)});
    if draw.chance(35) {
        rule["denialCondition"] = json!({"title": "t", "expression": drawn_condition(draw, 1)});
    }
    json!({"denyRule": rule})
}

fn drawn_request(draw: &mut Draw) -> Value {
    let at = if draw.chance(70) { 3 } else { draw.below(4) };
    let pool = format!("principal:{POOL}/subject/s");
    let identities = [
        "user:ann@example.com",
        "user:ann@example.com",
        "serviceAccount:sa@p.iam.gserviceaccount.com",
        &pool,
        "allUsers",
    ];
    let mut request = json!({"principal": draw.one(&identities), "groups": ["devs@example.com"], "action": draw.one(&ACTIONS),
        "resource": PATH[at], "ancestors": PATH[..at], "api_attributes": {}, "context": {
            "resource.name": *draw.one(&[json!("projects/p/x"), json!("projects/q/x"), Value::Null]),
            "resource.service": "x.googleapis.com"}});
    if draw.chance(50) {
        request["attributes"] = json!({"repo": ["r"]});
        request["pool_groups"] = json!(["g1"]);
    }
    if draw.chance(60) {
        request["customer"] = json!(draw.one(&["C1", "C2"]));
    }
    if draw.chance(70) {
        request["tags"] = json!({"1/env": draw.one(&["prod", "test"])});
    }
    let maybe = |draw: &mut Draw, values: &[Value]| draw.chance(75).then(|| draw.one(values).clone());
    for (name, values) in [
        ("request.time", vec![json!("2026-01-01T00:00:00Z"), json!("2026-03-01T00:00:00Z")]),
        ("resource.type", vec![json!("x.googleapis.com/Y"), json!("z"), Value::Null]),
        ("destination.port", vec![json!(21), json!(22), Value::Null]),
        ("request.auth.access_levels", vec![json!(["l"]), json!([]), Value::Null]),
    ] {
        if let Some(value) = maybe(draw, &values) {
            request["context"][name] = value;
        }
    }
    if let Some(value) = maybe(draw, &[json!(["r1"]), json!(["r1", "r2"]), json!([]), Value::Null]) {
        request["api_attributes"]["a/b"] = value;
    }
    request
}

/// A case in which each rule has a chance.
fn drawn(seed: u64) -> Value {
    let draw = &mut Draw::new(seed);
    let request = drawn_request(draw);
    let policy = |draw: &mut Draw| {
        let bindings: Vec<Value> = (0..1 + draw.below(2)).map(|_| drawn_binding(draw)).collect();
        json!({"resource": draw.one(&PATH), "policy": {"bindings": bindings}})
    };
    let allow: Vec<Value> = (0..draw.below(5)).map(|_| policy(draw)).collect();
    let n_denies = if draw.chance(50) { 1 + draw.below(2) } else { 0 };
    let deny: Vec<Value> = (0..n_denies)
        .map(|at| {
            let rules: Vec<Value> = (0..1 + draw.below(2)).map(|_| drawn_rule(draw)).collect();
            json!({"resource": draw.one(&PATH), "policy": {"name": format!("d{at}"), "rules": rules}})
        })
        .collect();
    let roles = json!([{"name": "projects/p/roles/one", "includedPermissions": ["storage.objects.get", "contoso.gears.turn"]},
        {"name": "projects/p/roles/two", "includedPermissions": ["compute.instances.list", "compute.instances.delete"]}]);
    json!({"provider": "gcp", "id": seed, "request": request, "allow_policies": allow, "deny_policies": deny, "roles": roles})
}

fn fast(case: &Value) -> (Rule, Said) {
    let case: Case = serde_json::from_value(case.clone()).unwrap();
    let policies = case.policies();
    assert_eq!(policies.errors(), &[] as &[schemas::Text]);
    let explained = super::explain(&case.request.read().unwrap(), &policies);
    let statements =
        explained.statements.into_iter().map(|one| (one.policy.to_string(), one.statement.to_string())).collect();
    let decision = explained.decision;
    let doubts = decision.conditional_on.iter().map(ToString::to_string).collect();
    (decision.rule, (decision.rule.to_string(), statements, doubts))
}

fn agree(seeds: std::ops::Range<u64>) {
    let n = (seeds.end - seeds.start) as usize;
    let (mut decided, mut beside): (BTreeMap<Rule, usize>, BTreeMap<&str, usize>) = Default::default();
    for seed in seeds {
        let case = drawn(seed);
        let (rule, said) = fast(&case);
        assert_eq!(said, decide(&case), "fast and slow, seed {seed}: {case}");
        *decided.entry(rule).or_default() += 1;
        *beside.entry("conditional").or_default() += usize::from(!said.2.is_empty());
    }
    assert_coverage("drawn cases of GCP", n, &decided, rules(), 3.0);
    assert_coverage("drawn cases of GCP", n, &beside, ["conditional"], 3.0);
}

#[test]
fn fast_equals_slow_on_twenty_thousand_drawn_cases() {
    agree(0..20_000);
}

#[test]
#[ignore = "takes a minute; `cargo test -p permissions --lib -- --ignored fast_equals_slow`"]
fn fast_equals_slow_on_a_hundred_thousand_drawn_cases() {
    agree(1_000_000..1_100_000);
}

fn order(rule: &str) -> u8 {
    match rule {
        "denied by deny policy" => 0,
        rule if rule.starts_with("allowed") => 2,
        _ => 1,
    }
}

#[test]
fn more_bindings_never_deny_and_a_deny_wins() {
    let mut n_allowed = 0;
    for seed in 0..3000 {
        let case = drawn(seed);
        let before = fast(&case).1;
        let mut more = case.clone();
        let added = drawn_binding(&mut Draw::new(seed ^ 0xABCD));
        let resource = more["request"]["resource"].clone();
        let policies = more["allow_policies"].as_array_mut().unwrap();
        policies.push(json!({"resource": resource, "policy": {"bindings": [added]}}));
        let after = fast(&more).1;
        assert!(order(&after.0) >= order(&before.0), "{more}");
        if order(&before.0) == 2 && before.2.is_empty() {
            assert!(after.2.is_empty(), "what was certain is not any more: {more}");
            n_allowed += 1;
        }
        let all = ["storage", "compute", "cloudresourcemanager", "contoso"].map(|s| format!("{s}.googleapis.com/*.*"));
        more["deny_policies"].as_array_mut().unwrap().push(json!({"resource": PATH[0], "policy": {"name": "all",
            "rules": [{"denyRule": {"deniedPrincipals": ["principalSet://goog/public:all"], "deniedPermissions": all}}]}}));
        assert_eq!(fast(&more).1.0, "denied by deny policy", "{more}");
    }
    assert!(n_allowed > 200, "{n_allowed}");
}

#[test]
fn hostile_documents_neither_panic_nor_run_away() {
    for seed in 0..2000 {
        let mut case = drawn(seed);
        let draw = &mut Draw::new(seed ^ 0x5EED);
        for _ in 0..1 + draw.below(4) {
            draw.spoil(&mut case);
        }
        let Ok(case) = serde_json::from_value::<Case>(case) else { continue };
        let _ = case.answer();
    }
}

#[test]
fn hostile_conditions_neither_panic_nor_run_away() {
    let pieces = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "!",
        "-",
        "?",
        ":",
        ".",
        ",",
        "&&",
        "||",
        "==",
        "<",
        " in ",
        "'",
        "\"",
        "r'",
        "b\"",
        "\\",
        "`",
        "request.time",
        "resource",
        "api.getAttribute('a', ",
        "timestamp('x')",
        "1",
        "1.5",
        "0x",
        "u",
        "null",
        "true",
        "é",
        "\u{0}",
        "has(a.b)",
        "[1].all(x, x > 0)",
        "a.exists(x, ",
        "getHours('",
        "extract('{",
        "size(",
        "duration('1h')",
        "+",
        "/",
        "%",
        "\n",
        "//",
    ];
    for seed in 0..10_000 {
        let draw = &mut Draw::new(seed);
        let piece = |draw: &mut Draw| (*draw.one(&pieces)).repeat(if draw.chance(3) { 1 + draw.below(400) } else { 1 });
        let text: String = (0..1 + draw.below(30)).map(|_| piece(draw)).collect();
        let binding = json!({"role": "roles/viewer", "members": ["allUsers"], "condition": {"expression": text}});
        let case = json!({"provider": "gcp", "id": 1, "request": {"principal": "user:a@b.c", "action": "storage.objects.list",
            "resource": "projects/p", "context": {"request.time": "2026-01-01T00:00:00Z"}},
            "allow_policies": [{"resource": "projects/p", "policy": {"bindings": [binding]}}]});
        let case: Case = serde_json::from_value(case).unwrap();
        case.answer().unwrap();
    }
}
