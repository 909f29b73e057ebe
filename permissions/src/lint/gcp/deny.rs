//! Deny policies (<https://cloud.google.com/iam/docs/deny-overview>).

use schemas::Provider;

use super::{condition, member};
use crate::catalogue::{Catalogue, pattern};
use crate::lint::detect::Part;
use crate::lint::json::Node;
use crate::lint::{Found, RuleId, short};

const TOP: [&str; 12] = [
    "name",
    "displayName",
    "rules",
    "annotations",
    "etag",
    "uid",
    "kind",
    "createTime",
    "updateTime",
    "deleteTime",
    "managingAuthority",
    "resource",
];
const RULE: [&str; 2] = ["description", "denyRule"];
const DENY: [&str; 5] =
    ["deniedPrincipals", "exceptionPrincipals", "deniedPermissions", "exceptionPermissions", "denialCondition"];
const EVERYBODY: &str = "principalSet://goog/public:all";

pub(in crate::lint) fn check(part: &Part<'_>, found: &mut Found) {
    let node: &Node = &part.node;
    super::elements(node.members(), &TOP, found);
    for rule in node.get("rules").and_then(Node::list).unwrap_or_default() {
        super::elements(rule.members(), &RULE, found);
        match rule.get("denyRule") {
            Some(deny) => deny_rule(deny, found),
            None => found.add(RuleId::GcpMissingElement, rule.start, "`denyRule` is missing"),
        }
    }
}

fn deny_rule(node: &Node, found: &mut Found) {
    super::elements(node.members(), &DENY, found);
    let [denied, excepted] = ["deniedPrincipals", "exceptionPrincipals"].map(|key| super::texts(node, key, found));
    let [permissions, except] = ["deniedPermissions", "exceptionPermissions"].map(|key| super::texts(node, key, found));
    for (key, list) in [("deniedPrincipals", &denied), ("deniedPermissions", &permissions)] {
        if list.is_empty() {
            found.add(RuleId::GcpMissingElement, node.start, format!("`{key}` is missing or empty"));
        }
    }
    for (text, at) in denied.iter().chain(&excepted) {
        if !member::is_of_deny(text) {
            found.add(RuleId::GcpDenyIdentity, *at, format!("`{}` is in the form of allow policies", short(text)));
        }
    }
    if let Some((_, at)) = excepted.iter().find(|(text, _)| *text == EVERYBODY) {
        found.add(RuleId::GcpDenyException, *at, "everybody is excepted: nobody is denied");
    }
    let catalogue = Catalogue::bundled().provider(Provider::Gcp);
    for (text, at) in permissions.iter().chain(&except) {
        match spelled(text) {
            None => {
                let message = format!("`{}` is not `service.googleapis.com/resource.verb`", short(text));
                found.add(RuleId::GcpDenyForm, *at, message);
            }
            Some(name) if catalogue.expand(&name).is_empty() => {
                found.add(RuleId::GcpDenyUnknown, *at, format!("no permission is called `{}`", short(text)));
            }
            Some(_) => {}
        }
    }
    let covered = |text: &str| except.iter().any(|(e, _)| pattern::covers(e.as_bytes(), text.as_bytes(), false, false));
    if !permissions.is_empty() && permissions.iter().all(|(text, _)| covered(text)) {
        found.add(RuleId::GcpDenyIdle, node.start, "every denied permission is excepted");
    }
    if let Some(condition) = node.get("denialCondition").filter(|c| !c.is_null()) {
        denial(condition, found);
    }
}

/// `cloudresourcemanager.googleapis.com/projects.delete` → `resourcemanager.projects.delete`; `None` in another form.
fn spelled(text: &str) -> Option<String> {
    let (host, rest) = text.split_once('/')?;
    let service = host.strip_suffix(".googleapis.com")?;
    let service = if service == "cloudresourcemanager" { "resourcemanager" } else { service };
    let fine = !service.is_empty() && rest.contains(['.', '*']) && !rest.contains('/');
    fine.then(|| format!("{service}.{rest}"))
}

/// Deny conditions may be about resource tags alone.
fn denial(node: &Node, found: &mut Found) {
    let Some(expression) = node.get("expression") else {
        return found.add(RuleId::GcpMissingElement, node.start, "`expression` is missing");
    };
    let text = expression.text().unwrap_or_default();
    if let Some(why) = condition::broken(text) {
        return found.add(RuleId::GcpConditionSyntax, expression.start, why);
    }
    let other = ["request.", "resource.name", "resource.type", "resource.service", "api."].iter();
    if let Some(attribute) = other.into_iter().find(|attribute| text.contains(**attribute)) {
        let message = format!("`{attribute}` has no place in a deny rule's condition");
        found.add(RuleId::GcpDenyCondition, expression.start, message);
    }
}
