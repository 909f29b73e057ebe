//! Custom roles (<https://cloud.google.com/iam/docs/creating-custom-roles>).

use std::collections::HashSet;

use schemas::Provider;

use crate::catalogue::{Catalogue, ProviderCatalogue};
use crate::escalation;
use crate::lint::detect::Part;
use crate::lint::json::Node;
use crate::lint::nearest::nearest;
use crate::lint::{Found, RuleId, short, some};

const ELEMENTS: [&str; 8] =
    ["name", "title", "description", "includedPermissions", "stage", "etag", "deleted", "parent"];
/// Quotas of Cloud IAM: permissions of a custom role; and bytes of title, description and names together.
const MAX_PERMISSIONS: usize = 3000;
const MAX_BYTES: usize = 64 << 10;
/// Bytes of a title.
const MAX_TITLE: usize = 100;
/// Names for which a nearest one is searched.
const MAX_HINTS: usize = 64;

pub(in crate::lint) fn check(part: &Part<'_>, found: &mut Found) {
    let node: &Node = &part.node;
    super::elements(node.members(), &ELEMENTS, found);
    if node.get("includedPermissions").is_none() {
        found.add(RuleId::GcpMissingElement, node.start, "`includedPermissions` is missing");
    }
    let permissions = super::texts(node, "includedPermissions", found);
    let catalogue = Catalogue::bundled().provider(Provider::Gcp);
    let name = node.get("name").and_then(Node::text).unwrap_or_default();
    size(node, &permissions, found);
    let mut seen = HashSet::new();
    let mut n_hints = 0;
    for (text, at) in &permissions {
        if !seen.insert(*text) {
            found.add(RuleId::GcpDuplicatePermission, *at, format!("`{}` stands twice", short(text)));
        } else if text.contains('*') {
            found.add(RuleId::GcpWildcardPermission, *at, format!("`{}` has a wildcard", short(text)));
        } else if catalogue.lookup(text).is_none() {
            n_hints += 1;
            unknown(text, *at, n_hints <= MAX_HINTS, catalogue, found);
        } else if name.starts_with("projects/") && above_projects(text) {
            let message = format!("`{}` acts above projects, and the role is one of a project", short(text));
            found.add(RuleId::GcpRoleLevel, *at, message);
        }
    }
    escalates(node, &seen, found);
}

/// Permissions that only organizations and folders have.
fn above_projects(permission: &str) -> bool {
    ["resourcemanager.organizations.", "resourcemanager.folders."].iter().any(|head| permission.starts_with(head))
}

fn unknown(text: &str, at: u32, searched: bool, catalogue: &ProviderCatalogue, found: &mut Found) {
    let service = text.split('.').next().unwrap_or_default();
    let of_service = catalogue.expand(&format!("{service}.*"));
    let infos = of_service.iter().filter_map(|idx| catalogue.get(crate::ActionIdx(idx)));
    let hint = nearest(text, infos.map(|info| info.name.as_str()).filter(|_| searched));
    let hint = hint.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    found.add(RuleId::GcpUnknownPermission, at, format!("no permission is called `{}`{hint}", short(text)));
}

fn size(node: &Node, permissions: &[(&str, u32)], found: &mut Found) {
    if permissions.len() > MAX_PERMISSIONS {
        let message = format!("{} permissions, more than {MAX_PERMISSIONS}", permissions.len());
        found.add(RuleId::GcpRoleSize, node.start, message);
    }
    let title = node.get("title").and_then(Node::text).unwrap_or_default();
    if title.len() > MAX_TITLE {
        found.add(RuleId::GcpRoleSize, node.start, format!("a title of {} bytes, more than {MAX_TITLE}", title.len()));
    }
    let written = ["title", "description"].iter().filter_map(|key| node.get(key)?.text()).map(str::len).sum::<usize>();
    let bytes = written + permissions.iter().map(|(text, _)| text.len()).sum::<usize>();
    if bytes > MAX_BYTES {
        found.add(RuleId::GcpRoleSize, node.start, format!("{bytes} bytes of names, more than {MAX_BYTES}"));
    }
}

fn escalates(node: &Node, permissions: &HashSet<&str>, found: &mut Found) {
    let paths = escalation::paths(Provider::Gcp).iter();
    let held: Vec<_> = paths.filter(|p| p.permissions.iter().all(|name| permissions.contains(name.as_str()))).collect();
    if let Some(first) = held.first() {
        let names = some(first.permissions.iter().map(|p| p.as_str()));
        let message = format!("{names} lead to owner (paths {})", some(held.iter().map(|path| path.id.as_str())));
        found.add(RuleId::GcpEscalation, node.start, message);
    }
}
