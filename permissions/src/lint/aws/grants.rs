//! What the whole document grants: paths to administrator.

use std::sync::Arc;

use schemas::Provider;

use super::Document;
use crate::escalation::{self, EscalationPath, Need};
use crate::grants::GrantSet;
use crate::guardrails::set_of_statements;
use crate::lint::{Found, Kind, RuleId, some};

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    if document.kind != Kind::AwsIdentity {
        return;
    }
    let bytes = document.node.to_value().to_string();
    let parsed = crate::aws::parse_policy(bytes.as_bytes());
    let set: Arc<GrantSet> = set_of_statements(Provider::Aws, parsed.statements, "document");
    if set.whole().len() == document.catalogue.len() as u64 {
        // A full administrator needs no path, and that was said.
        return;
    }
    let held: Vec<&EscalationPath> = escalation::paths(Provider::Aws)
        .iter()
        .filter(|path| path.need != Need::AdminGroup && holds(&set, path))
        .collect();
    let Some(first) = held.first() else { return };
    let ids = held.iter().map(|path| path.id.as_str());
    let permissions = some(first.permissions.iter().map(|p| p.as_str()));
    let message = format!("{permissions} lead to administrator (paths {})", some(ids));
    found.add(RuleId::AwsEscalation, place(document, first), message);
}

/// Whether every permission of a path is granted on many things, without a condition. What a pattern leaves open of an
/// IAM object's name is a way in; a role that is passed must be any. AWS's own policies cannot be changed.
fn holds(set: &GrantSet, path: &EscalationPath) -> bool {
    let all = |pattern: &str| pattern == "*" || pattern.ends_with("/*") || pattern.ends_with(":*");
    let wide = |name: &str, pattern: &str| match name {
        "iam:PassRole" => all(pattern),
        _ => pattern.ends_with('*') && !pattern.contains(":iam::aws:"),
    };
    path.permissions.iter().all(|name| {
        let idx = crate::Catalogue::bundled().provider(Provider::Aws).lookup(name);
        idx.is_some_and(|idx| set.granting(idx).any(|atom| !atom.is_conditional() && wide(name, &atom.area.resource)))
    })
}

/// The entry that allows the path's first permission.
fn place(document: &Document<'_>, path: &EscalationPath) -> u32 {
    let first = path.permissions.first().and_then(|name| document.catalogue.lookup(name));
    let Some(idx) = first else { return document.node.start };
    for statement in document.statements.iter().filter(|s| s.allow) {
        for spot in statement.actions.iter().flatten() {
            if document.catalogue.expand(spot.text).contains(idx.0) {
                return spot.at;
            }
        }
    }
    document.node.start
}
