//! Where a custom role can be assigned.

use crate::lint::json::Node;
use crate::lint::{Found, RuleId, short};

pub(super) fn check(body: &Node, found: &mut Found) {
    let Some(scopes) = body.get("assignableScopes") else {
        return found.add(RuleId::AzureMissingElement, body.start, "`assignableScopes` is missing");
    };
    let Some(list) = scopes.list() else {
        let message = format!("`assignableScopes` is {}, not a list", scopes.kind());
        return found.add(RuleId::AzureElementType, scopes.start, message);
    };
    if list.is_empty() {
        found.add(RuleId::AzureMissingElement, scopes.start, "`assignableScopes` is empty");
    }
    let mut n_groups = 0;
    for item in list {
        let Some(text) = item.text() else {
            found.add(RuleId::AzureElementType, item.start, format!("a scope is {}, not a string", item.kind()));
            continue;
        };
        match text {
            "/" => found.add(RuleId::AzureRootScope, item.start, "only built-in roles are assignable at the root `/`"),
            _ => match form(text) {
                Some(group) => {
                    n_groups += usize::from(group);
                    if group && n_groups == 2 {
                        let message = format!("`{}` is a second management group", short(text));
                        found.add(RuleId::AzureScopeGroups, item.start, message);
                    }
                }
                None => {
                    let message = format!("`{}` is no management group, subscription or resource group", short(text));
                    found.add(RuleId::AzureScopeForm, item.start, message);
                }
            },
        }
    }
}

/// Whether a scope is one that Azure takes, and whether it is a management group. Tools fill in `{…}` and `${…}`.
fn form(scope: &str) -> Option<bool> {
    let segments: Vec<String> = scope.strip_prefix('/')?.split('/').map(str::to_ascii_lowercase).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if segments.iter().any(|s| s.is_empty() || s.contains('*')) {
        return None;
    }
    match segments.as_slice() {
        ["providers", "microsoft.management", "managementgroups", _] => Some(true),
        ["subscriptions", _] | ["subscriptions", _, "resourcegroups", _] => Some(false),
        // A resource is not refused, although its group is what one names.
        ["subscriptions", _, "resourcegroups", _, "providers", ..] => Some(false),
        _ => None,
    }
}
