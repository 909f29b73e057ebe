//! Tests: the documented flow once more, step by step on the documents themselves, and the fast evaluator against it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Rule;
use super::cases::rules;
use crate::azure::builtin_role;
use crate::coverage::assert_coverage;
use crate::draw::Draw;
use crate::patterns::slow as wildcard;
use crate::simulate::azure::Case;

/// True, false or not known, and what is not known.
type Truth = (Option<bool>, BTreeSet<String>);

fn known(value: bool) -> Truth {
    (Some(value), BTreeSet::new())
}

fn doubt(name: &str) -> Truth {
    (None, BTreeSet::from([name.to_owned()]))
}

fn and(parts: Vec<Truth>) -> Truth {
    if parts.iter().any(|part| part.0 == Some(false)) {
        return known(false);
    }
    if parts.iter().all(|part| part.0 == Some(true)) {
        return known(true);
    }
    (None, parts.into_iter().flat_map(|part| part.1).collect())
}

fn or(parts: Vec<Truth>) -> Truth {
    if parts.iter().any(|part| part.0 == Some(true)) {
        return known(true);
    }
    if parts.iter().all(|part| part.0 == Some(false)) {
        return known(false);
    }
    (None, parts.into_iter().flat_map(|part| part.1).collect())
}

/// What the oracle says of a case: rule, statements, doubts, what could be activated.
type Said = (String, Vec<(String, String)>, BTreeSet<String>, Vec<(String, String)>);

fn decide(case: &Value) -> Said {
    let request = &case["request"];
    let list = |key: &str| case[key].as_array().cloned().unwrap_or_default();
    // 1. Deny assignments.
    let mut doubts = BTreeSet::new();
    let mut denying = Vec::new();
    for deny in list("deny_assignments") {
        let (denied, blocks) = denies(&deny["properties"], request);
        doubts.extend(denied.1);
        if denied.0 == Some(true) {
            let name = deny["properties"]["denyAssignmentName"].as_str().unwrap().to_owned();
            denying.extend(blocks.into_iter().map(|block| (name.clone(), block.to_string())));
        }
    }
    if !denying.is_empty() {
        return ("denied by deny assignment".to_owned(), denying, BTreeSet::new(), Vec::new());
    }
    let mut could = Vec::new();
    for assignment in list("eligible_assignments") {
        if grants(&assignment, case).0 != Some(false) {
            could.push(name(&assignment, case));
        }
    }
    // A global administrator may elevate.
    let is_global =
        request["directory_roles"].as_array().is_some_and(|roles| roles.contains(&json!("Global Administrator")));
    let elevates = lower(&request["action"]) == "microsoft.authorization/elevateaccess/action";
    if is_global && elevates && request["resource"] == "/" {
        return ("global administrator may elevate".to_owned(), Vec::new(), doubts, could);
    }
    // 2. to 4. Role assignments.
    let assignments: Vec<Value> = list("role_assignments");
    for wanted in [Some(true), None] {
        let found: Vec<&Value> = assignments.iter().filter(|one| grants(one, case).0 == wanted).collect();
        if found.is_empty() {
            continue;
        }
        // Its own come before those of its groups, which come in the order of the groups.
        let first = ids(request)
            .iter()
            .find_map(|id| found.iter().find(|one| lower(&one["principalId"]) == *id))
            .unwrap()
            .to_owned();
        let rule = format!("allowed by role at {}", level(first["scope"].as_str().unwrap()));
        if wanted.is_none() {
            doubts.extend(found.iter().flat_map(|one| grants(one, case).1));
        }
        return (rule, found.iter().map(|one| name(one, case)).collect(), doubts, could);
    }
    let mine: Vec<&Value> =
        assignments.iter().filter(|one| ids(request).contains(&lower(&one["principalId"]))).collect();
    let here: Vec<&&Value> = mine.iter().filter(|one| reaches(&one["scope"], request).0 != Some(false)).collect();
    let rule = match here
        .iter()
        .any(|one| role(one, case).is_none_or(|blocks| blocks.iter().any(|block| holds(block, request))))
    {
        _ if here.is_empty() => "no role assigned",
        true => "condition not met",
        false => "in no assigned role",
    };
    (rule.to_owned(), Vec::new(), doubts, could)
}

fn denies(deny: &Value, request: &Value) -> (Truth, Vec<usize>) {
    let named = |key: &str, everyone: bool| {
        deny[key].as_array().unwrap().iter().any(|who| {
            ids(request).contains(&lower(&who["id"])) || everyone && who["id"] == "00000000-0000-0000-0000-000000000000"
        })
    };
    let is_here = deny["scope"].as_str().unwrap().trim_end_matches('/').to_lowercase()
        == request["resource"].as_str().unwrap().trim_end_matches('/').to_lowercase();
    let reached =
        if deny["doNotApplyToChildScopes"] == true { known(is_here) } else { reaches(&deny["scope"], request) };
    let applies = and(vec![known(named("principals", true)), known(!named("excludePrincipals", false)), reached]);
    let blocks = deny["permissions"].as_array().unwrap();
    let each: Vec<Truth> =
        blocks.iter().map(|block| and(vec![known(holds(block, request)), condition(block, request)])).collect();
    let certain = (0..each.len()).filter(|at| each[*at].0 == Some(true)).collect();
    (and(vec![applies, or(each)]), certain)
}

fn grants(assignment: &Value, case: &Value) -> Truth {
    let request = &case["request"];
    let mine = known(ids(request).contains(&lower(&assignment["principalId"])));
    let in_role = match role(assignment, case) {
        Some(blocks) => {
            or(blocks.iter().map(|block| and(vec![known(holds(block, request)), condition(block, request)])).collect())
        }
        None => doubt(&name(assignment, case).1),
    };
    and(vec![mine, reaches(&assignment["scope"], request), in_role, condition(assignment, request)])
}

fn holds(block: &Value, request: &Value) -> bool {
    let action = lower(&request["action"]);
    let any = |key: &str| {
        let list = block[key].as_array().cloned().unwrap_or_default();
        list.iter().any(|pattern| wildcard(lower(pattern).as_bytes(), action.as_bytes()))
    };
    match request["is_data_action"].as_bool().unwrap() {
        true => any("dataActions") && !any("notDataActions"),
        false => any("actions") && !any("notActions"),
    }
}

fn role(assignment: &Value, case: &Value) -> Option<Vec<Value>> {
    let id = assignment["roleDefinitionId"].as_str().unwrap();
    let custom = case["role_definitions"].as_array().and_then(|roles| roles.iter().find(|role| role["name"] == id));
    if let Some(role) = custom {
        return role["permissions"].as_array().cloned();
    }
    let texts = |list: &[schemas::Action]| list.iter().map(|action| action.to_string()).collect::<Vec<_>>();
    Some(
        builtin_role(id)?
            .statements
            .iter()
            .map(|block| {
                json!({"actions": texts(&block.actions), "notActions": texts(&block.not_actions),
            "dataActions": texts(&block.data_actions), "notDataActions": texts(&block.not_data_actions)})
            })
            .collect(),
    )
}

fn name(assignment: &Value, case: &Value) -> (String, String) {
    let (name, id) = (assignment["name"].as_str().unwrap(), assignment["roleDefinitionId"].as_str().unwrap());
    let custom = case["role_definitions"].as_array().and_then(|roles| roles.iter().find(|role| role["name"] == id));
    let role = match (custom, builtin_role(id)) {
        (Some(role), _) => role["roleName"].as_str().unwrap().to_owned(),
        (None, Some(role)) => role.name.to_string(),
        (None, None) => format!("role definition `{id}` of `{name}`"),
    };
    (name.to_owned(), role)
}

fn reaches(scope: &Value, request: &Value) -> Truth {
    let cut =
        |text: &str| text.to_lowercase().split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (scope, resource) = (cut(scope.as_str().unwrap()), cut(request["resource"].as_str().unwrap()));
    if resource.starts_with(&scope) {
        return known(true);
    }
    let is_group = |path: &[String]| path.len() == 4 && path[2] == "managementgroups";
    if !is_group(&scope) || !(resource.first().is_some_and(|first| first == "subscriptions") || is_group(&resource)) {
        return known(false);
    }
    match request["management_groups"].as_array() {
        Some(groups) => known(groups.iter().any(|group| lower(group) == scope[3])),
        None => doubt("management groups above the resource"),
    }
}

fn level(scope: &str) -> &'static str {
    let segments: Vec<&str> = scope.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments.len() {
        0 => "the root",
        2 => "the subscription",
        4 if segments[0].eq_ignore_ascii_case("subscriptions") => "the resource group",
        4 => "a management group",
        _ => "the resource",
    }
}

fn ids(request: &Value) -> Vec<String> {
    let groups = request["groups"].as_array().cloned().unwrap_or_default();
    std::iter::once(&request["principal"]).chain(&groups).map(lower).collect()
}

fn lower(value: &Value) -> String {
    value.as_str().unwrap().to_lowercase()
}

/// Puts values for the parts of a condition, and then one value for what stands between parentheses, until one is left.
fn condition(of: &Value, request: &Value) -> Truth {
    let Some(text) = of["condition"].as_str() else { return known(true) };
    let action = lower(&request["action"]);
    let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('!', " ! ");
    let mut tokens: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    for token in &mut tokens {
        if let Some(pattern) = token.strip_prefix("ActionMatches{'").and_then(|rest| rest.strip_suffix("'}")) {
            let matches = wildcard(pattern.to_lowercase().as_bytes(), action.as_bytes());
            *token = if matches { "T" } else { "F" }.to_owned();
        } else if token.starts_with('@') {
            *token = "U".to_owned();
        }
    }
    while tokens.len() > 1 {
        let at = |n: usize, k: usize| tokens.get(n + k).map_or("", String::as_str);
        let is_value = |text: &str| matches!(text, "T" | "F" | "U");
        let (n, taken, value) = (0..tokens.len())
            .find_map(|n| match (at(n, 0), at(n, 1), at(n, 2)) {
                ("!", "T", _) => Some((n, 2, "F")),
                ("!", "F", _) => Some((n, 2, "T")),
                ("!", "U", _) => Some((n, 2, "U")),
                ("(", value, ")") if is_value(value) => Some((
                    n,
                    3,
                    if value == "T" {
                        "T"
                    } else if value == "F" {
                        "F"
                    } else {
                        "U"
                    },
                )),
                (left, "AND", right) if is_value(left) && is_value(right) => Some((
                    n,
                    3,
                    if left == "F" || right == "F" {
                        "F"
                    } else if left == "T" && right == "T" {
                        "T"
                    } else {
                        "U"
                    },
                )),
                (left, "OR", right) if is_value(left) && is_value(right) => Some((
                    n,
                    3,
                    if left == "T" || right == "T" {
                        "T"
                    } else if left == "F" && right == "F" {
                        "F"
                    } else {
                        "U"
                    },
                )),
                _ => None,
            })
            .unwrap();
        tokens.splice(n..n + taken, [value.to_owned()]);
    }
    match tokens[0].as_str() {
        "T" => known(true),
        "F" => known(false),
        _ => doubt(text),
    }
}

const SUB: &str = "/subscriptions/s1";
const ACTIONS: [(&str, bool); 8] = [
    ("Microsoft.Compute/virtualMachines/read", false),
    ("Microsoft.Compute/virtualMachines/start/action", false),
    ("Microsoft.Compute/virtualMachines/write", false),
    ("Microsoft.Authorization/roleAssignments/write", false),
    ("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", true),
    ("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write", true),
    ("Contoso.Gears/gears/turn/action", false),
    ("Microsoft.Authorization/elevateAccess/action", false),
];
const PATTERNS: [&str; 12] = [
    "*",
    "*/read",
    "*/WRITE",
    "Microsoft.Compute/*",
    "microsoft.compute/virtualMachines/read",
    "*/action",
    "Contoso.*",
    "Microsoft.Authorization/*/write",
    "*/blobs/*",
    "Microsoft.Storage/*",
    "*a*b*s*",
    "Microsoft.Compute/virtualMachines/*/action",
];
const IDS: [&str; 5] = ["ann", "Bob", "g1", "G2", "g3"];
const ROLES: [&str; 10] = [
    "Owner",
    "Contributor",
    "Reader",
    "User Access Administrator",
    "Storage Blob Data Contributor",
    "c1",
    "c2",
    "c1",
    "c2",
    "gone",
];

fn scopes() -> [String; 11] {
    [
        "/".to_owned(),
        "/providers/Microsoft.Management/managementGroups/Top".to_owned(),
        "/providers/Microsoft.Management/managementGroups/prod".to_owned(),
        "/providers/Microsoft.Management/managementGroups/test".to_owned(),
        SUB.to_owned(),
        "/Subscriptions/S1".to_owned(),
        "/subscriptions/s2".to_owned(),
        format!("{SUB}/resourceGroups/web"),
        format!("{SUB}/resourcegroups/WEBS"),
        format!("{SUB}/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/a"),
        format!("{SUB}/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/a/extensions/e"),
    ]
}

fn drawn_condition(draw: &mut Draw, depth: u32) -> String {
    match draw.below(if depth == 0 { 2 } else { 5 }) {
        0 => format!("ActionMatches{{'{}'}}", draw.one(&PATTERNS)),
        1 if draw.chance(40) => format!("@Resource[a/{}:name]='x'", draw.below(3)),
        1 => format!("!(ActionMatches{{'{}'}})", draw.one(&PATTERNS)),
        2 => format!("!({})", drawn_condition(draw, depth - 1)),
        n => {
            let operator = if n == 3 { "AND" } else { "OR" };
            format!("({}) {operator} ({})", drawn_condition(draw, depth - 1), drawn_condition(draw, depth - 1))
        }
    }
}

fn drawn_patterns(draw: &mut Draw, most: usize) -> Value {
    (0..draw.below(most + 1)).map(|_| *draw.one(&PATTERNS)).collect()
}

fn drawn_block(draw: &mut Draw) -> Value {
    json!({"actions": drawn_patterns(draw, 2), "notActions": drawn_patterns(draw, 1), "dataActions": drawn_patterns(draw, 2),
        "notDataActions": drawn_patterns(draw, 1)})
}

fn drawn_assignment(draw: &mut Draw, name: String) -> Value {
    // Mostly one that concerns the usual request, so that rules behind the first get their turn.
    let identity = if draw.chance(70) { draw.one(&IDS[..1]) } else { draw.one(&IDS) };
    let scope =
        if draw.chance(70) { scopes()[*draw.one(&[0, 2, 4, 7, 9, 9])].clone() } else { draw.one(&scopes()).clone() };
    let mut assignment =
        json!({"name": name, "principalId": identity, "roleDefinitionId": draw.one(&ROLES), "scope": scope});
    if draw.chance(45) {
        assignment["condition"] = json!(drawn_condition(draw, 2));
    }
    assignment
}

fn drawn_deny(draw: &mut Draw, at: usize) -> Value {
    let everyone = "00000000-0000-0000-0000-000000000000";
    let who =
        |draw: &mut Draw, n: usize| (0..n).map(|_| json!({"id": draw.one(&IDS), "type": "User"})).collect::<Vec<_>>();
    let mut principals = who(draw, 1);
    if draw.chance(40) {
        principals = vec![json!({"id": everyone, "type": "SystemDefined"})];
    }
    let n_excluded = draw.below(2);
    let mut blocks: Vec<Value> = (0..1 + draw.below(2)).map(|_| drawn_block(draw)).collect();
    if draw.chance(30) {
        blocks[0]["condition"] = json!(drawn_condition(draw, 1));
    }
    json!({"properties": {"denyAssignmentName": format!("d{at}"), "scope": draw.one(&scopes()), "permissions": blocks,
        "principals": principals, "excludePrincipals": who(draw, n_excluded), "doNotApplyToChildScopes": draw.chance(25)}})
}

/// A case in which each rule has a chance.
pub(super) fn drawn(seed: u64) -> Value {
    let draw = &mut Draw::new(seed);
    let (mut action, mut is_data) = *draw.one(&ACTIONS);
    let mut resource = scopes()[1 + draw.below(10)].clone();
    let elevates = draw.chance(7);
    if elevates {
        (action, is_data, resource) = (ACTIONS[7].0, false, "/".to_owned());
    } else if draw.chance(60) {
        resource = scopes()[9].clone();
    }
    let groups: Vec<&str> = ["g1", "g2"].into_iter().filter(|_| draw.chance(50)).collect();
    let mut request = json!({"principal": "Ann", "groups": groups, "action": action, "is_data_action": is_data,
        "resource": resource, "directory_roles": if elevates || draw.chance(10) { vec!["Global Administrator"] } else { vec![] }});
    if draw.chance(80) {
        request["management_groups"] = json!(["top", "PROD"]);
    }
    let roles: Vec<Value> = ["c1", "c2"]
        .iter()
        .map(|name| {
            let blocks: Vec<Value> = (0..1 + draw.below(2)).map(|_| drawn_block(draw)).collect();
            json!({"name": name, "roleName": format!("Custom {name}"), "permissions": blocks})
        })
        .collect();
    let n_assignments = draw.below(5);
    let assignments: Vec<Value> = (0..n_assignments).map(|at| drawn_assignment(draw, format!("r{at}"))).collect();
    let eligible: Vec<Value> = (0..draw.below(3)).map(|at| drawn_assignment(draw, format!("e{at}"))).collect();
    let n_denies = if draw.chance(50) { 1 + draw.below(2) } else { 0 };
    let denies: Vec<Value> = (0..n_denies).map(|at| drawn_deny(draw, at)).collect();
    json!({"provider": "azure", "id": seed, "request": request, "role_definitions": roles, "role_assignments": assignments,
        "eligible_assignments": eligible, "deny_assignments": denies})
}

fn fast(case: &Value) -> (Rule, Said) {
    let case: Case = serde_json::from_value(case.clone()).unwrap();
    let explained = super::explain(&case.request.read().unwrap(), &case.policies());
    let pairs = |list: Vec<super::Deciding>| {
        list.into_iter().map(|one| (one.policy.to_string(), one.statement.to_string())).collect()
    };
    let decision = explained.decided.decision;
    let doubts = decision.conditional_on.iter().map(ToString::to_string).collect();
    (
        decision.rule,
        (decision.rule.to_string(), pairs(explained.decided.statements), doubts, pairs(explained.could_activate)),
    )
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
        *beside.entry("could activate").or_default() += usize::from(!said.3.is_empty());
    }
    assert_coverage("drawn cases of Azure", n, &decided, rules(), 3.0);
    assert_coverage("drawn cases of Azure", n, &beside, ["conditional", "could activate"], 3.0);
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
        "denied by deny assignment" => 0,
        rule if rule.starts_with("allowed") || rule.starts_with("global") => 2,
        _ => 1,
    }
}

#[test]
fn more_assignments_never_deny_and_a_deny_wins() {
    let (mut n_allowed, mut n_denied) = (0, 0);
    for seed in 0..3000 {
        let case = drawn(seed);
        let before = fast(&case).1;
        let mut more = case.clone();
        let added = drawn_assignment(&mut Draw::new(seed ^ 0xABCD), "more".to_owned());
        more["role_assignments"].as_array_mut().unwrap().push(added);
        let after = fast(&more).1;
        assert!(order(&after.0) >= order(&before.0), "{more}");
        if order(&before.0) == 2 && before.2.is_empty() {
            assert!(after.2.is_empty(), "what was certain is not any more: {more}");
            n_allowed += 1;
        }
        more["deny_assignments"].as_array_mut().unwrap().push(json!({"properties": {"denyAssignmentName": "all",
            "scope": "/", "permissions": [{"actions": ["*"], "dataActions": ["*"]}], "principals": [{"id": "ann"}],
            "excludePrincipals": []}}));
        assert_eq!(fast(&more).1.0, "denied by deny assignment", "{more}");
        n_denied += 1;
    }
    assert!(n_allowed > 300 && n_denied == 3000, "{n_allowed}");
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
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(crate::simulate::simulate(&format!(r#"{{"provider":"azure","id":{deep}}}"#)).is_err());
}
