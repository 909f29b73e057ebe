//! Allow policies (<https://cloud.google.com/iam/docs/reference/rest/v1/Policy>).

use std::collections::HashSet;

use schemas::Time;

use super::condition;
use super::member::{self, Form};
use crate::gcp::predefined_role;
use crate::lint::detect::Part;
use crate::lint::json::{Json, Node};
use crate::lint::{Found, RuleId, short};

const TOP: [&str; 12] = [
    "bindings",
    "etag",
    "version",
    "auditConfigs",
    "rules",
    "kind",
    "resourceId",
    "name",
    "assetType",
    "resource",
    "ancestors",
    "policy",
];
const BINDING: [&str; 3] = ["role", "members", "condition"];
const BASIC: [&str; 3] = ["roles/owner", "roles/editor", "roles/viewer"];
/// Roles with which one acts as a service account; on a project they reach all of them (CIS GCP 1.6).
const IMPERSONATE: [&str; 4] = [
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountUser",
    "roles/iam.workloadIdentityUser",
    "roles/iam.serviceAccountOpenIdTokenCreator",
];

pub(in crate::lint) fn check(part: &Part<'_>, as_of: Option<Time>, found: &mut Found) {
    let node: &Node = &part.node;
    super::elements(node.members(), &TOP, found);
    let Some(bindings) = node.get("bindings") else {
        return found.add(RuleId::GcpMissingElement, node.start, "`bindings` is missing");
    };
    let Some(list) = bindings.list() else {
        let message = format!("`bindings` is {}, not a list", bindings.kind());
        return found.add(RuleId::GcpElementType, bindings.start, message);
    };
    let conditional = list.iter().any(|b| b.get("condition").is_some_and(Node::is_object));
    let version = node.get("version");
    if conditional && version.and_then(Node::scalar) != Some("3") {
        let at = version.map_or(node.start, |v| v.start);
        found.add(RuleId::GcpConditionVersion, at, "a binding has a condition, and `version` is not 3");
    }
    let one_account = part.name.contains("/serviceAccounts/");
    let mut seen = HashSet::new();
    for node in list {
        if !node.is_object() {
            found.add(RuleId::GcpElementType, node.start, format!("a binding is {}, not an object", node.kind()));
            continue;
        }
        let key = (node.get("role").and_then(Node::text), node.get("condition").map(|c| c.to_value().to_string()));
        if !seen.insert(key) {
            found.add(RuleId::GcpDuplicateBinding, node.start, "another binding has the same role and condition");
        }
        binding(node, one_account, as_of, found);
    }
}

fn binding(node: &Node, one_account: bool, as_of: Option<Time>, found: &mut Found) {
    super::elements(node.members(), &BINDING, found);
    let role = node.get("role").and_then(Node::text).unwrap_or_default();
    let role_at = node.get("role").map_or(node.start, |role| role.start);
    match node.get("role") {
        None => found.add(RuleId::GcpMissingElement, node.start, "`role` is missing"),
        Some(r) if r.text().is_none() => {
            found.add(RuleId::GcpElementType, r.start, format!("`role` is {}, not a string", r.kind()));
        }
        Some(_) => {}
    }
    let members = super::texts(node, "members", found);
    if members.is_empty() {
        found.add(RuleId::GcpEmptyBinding, node.start, format!("`{}` is granted to nobody", short(role)));
    }
    if BASIC.contains(&role) {
        found.add(RuleId::GcpBasicRole, role_at, format!("`{role}` is a basic role"));
    } else if role.starts_with("roles/") && predefined_role(role).is_none() {
        found.add(RuleId::GcpUnknownRole, role_at, format!("no predefined role is called `{}`", short(role)));
    }
    if IMPERSONATE.contains(&role) && !one_account {
        let message = format!("`{role}` on a project is for all of its service accounts");
        found.add(RuleId::GcpImpersonation, role_at, message);
    }
    let anybody = people(role, &members, found);
    if let Some(c) = node.get("condition").filter(|c| !matches!(c.value, Json::Null)) {
        conditions(c, role, anybody, as_of, found);
    }
}

/// Whom a binding names; whether anybody.
fn people(role: &str, members: &[(&str, u32)], found: &mut Found) -> bool {
    let lower = role.to_ascii_lowercase();
    let administrates = matches!(role, "roles/owner" | "roles/editor") || lower.ends_with("admin");
    let mut anybody = false;
    for (text, at) in members {
        match member::form(text) {
            Form::Anybody => {
                anybody = true;
                let who = if *text == "allUsers" { "everybody" } else { "everybody with a Google account" };
                found.add(RuleId::GcpPublic, *at, format!("{who} has `{}`", short(role)));
            }
            // Google's own agents need what they have.
            Form::ServiceAccount if administrates && !text.contains("@gcp-sa-") => {
                let message = format!("`{}` has `{}`", short(text), short(role));
                found.add(RuleId::GcpServiceAccountAdmin, *at, message);
            }
            Form::ServiceAccount | Form::Other => {}
            Form::Deleted => found.add(RuleId::GcpDeletedMember, *at, format!("`{}` no longer exists", short(text))),
            Form::Unknown => found.add(RuleId::GcpMember, *at, format!("`{}` is no member", short(text))),
        }
    }
    anybody
}

fn conditions(node: &Node, role: &str, anybody: bool, as_of: Option<Time>, found: &mut Found) {
    let Some(expression) = node.get("expression") else {
        return found.add(RuleId::GcpMissingElement, node.start, "`expression` is missing");
    };
    let Some(text) = expression.text() else {
        let message = format!("`expression` is {}, not a string", expression.kind());
        return found.add(RuleId::GcpElementType, expression.start, message);
    };
    if let Some(why) = condition::broken(text) {
        found.add(RuleId::GcpConditionSyntax, expression.start, why);
    } else if let Some(why) = condition::never(text, as_of) {
        found.add(RuleId::GcpConditionNever, expression.start, why);
    }
    if BASIC.contains(&role) {
        found.add(RuleId::GcpConditionNotAllowed, node.start, format!("the basic role `{role}` takes no condition"));
    } else if anybody {
        let message = "`allUsers` and `allAuthenticatedUsers` take no condition";
        found.add(RuleId::GcpConditionNotAllowed, node.start, message);
    }
}
