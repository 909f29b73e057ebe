//! Tests: the documented flow once more, step by step on the documents themselves. Shares nothing but types and tables.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::azure::builtin_role;
use crate::patterns::slow as wildcard;

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
pub(super) type Said = (String, Vec<(String, String)>, BTreeSet<String>, Vec<(String, String)>);

pub(super) fn decide(case: &Value) -> Said {
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
