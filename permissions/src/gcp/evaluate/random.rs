//! Tests: cases drawn from a seed, so that each rule of GCP has a chance.

use serde_json::{Value, json};

use crate::draw::Draw;

/// Parts of conditions, and what a doubt about each is called.
pub(super) const ATOMS: [(&str, &str); 7] = [
    ("request.time < timestamp('2026-02-01T00:00:00Z')", "request.time"),
    ("resource.name.startsWith('projects/p/')", "resource.name"),
    ("resource.type == 'x.googleapis.com/Y'", "resource.type"),
    ("destination.port == 21", "destination.port"),
    ("resource.matchTag('1/env', 'prod')", "resource.matchTag('1/env', 'prod')"),
    ("api.getAttribute('a/b', []).hasOnly(['r1'])", "api.getAttribute('a/b')"),
    ("'l' in request.auth.access_levels", "request.auth.access_levels"),
];

const POOL: &str = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/w";
pub(super) const PATH: [&str; 4] = ["organizations/1", "folders/2", "projects/p", "//storage.googleapis.com/b"];
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

pub(super) fn drawn_binding(draw: &mut Draw) -> Value {
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
pub(super) fn drawn(seed: u64) -> Value {
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
