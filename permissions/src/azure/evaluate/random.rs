//! Tests: cases drawn from a seed, so that each rule of Azure has a chance.

use serde_json::{Value, json};

use crate::draw::Draw;

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

pub(super) fn drawn_assignment(draw: &mut Draw, name: String) -> Value {
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
