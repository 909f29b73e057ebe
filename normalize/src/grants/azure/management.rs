//! Management groups: what lies above each subscription.
//!
//! Sources: Management Groups - Get, which `az account management-group show --expand --recurse` prints
//! (<https://learn.microsoft.com/rest/api/managementgroups/management-groups/get>), and Entities - List
//! (<https://learn.microsoft.com/rest/api/managementgroups/entities/list>).

use schemas::{AccountId, ResourceId};
use serde_json::Value;

use super::super::facts::{Fact, items, required, text};
use super::super::read::Read;
use super::body;

/// Levels of groups that are followed downwards; Azure allows six below the root.
const MAX_DEPTH: usize = 16;

/// Reads a management group with its children, or an entity.
pub(in super::super) fn above(kind: &str, object: &Value) -> Result<Read, String> {
    let mut read = Read::default();
    match kind {
        "entity" => read.facts.extend(entity(object)?),
        "management_group" => {
            let of = body(object);
            let details = of.get("details");
            let path = details.map_or(&[][..], |details| items(details, "path"));
            let parent = details.and_then(|details| details.get("parent")).and_then(|parent| text(parent, "name"));
            // The path has the group itself at its end.
            let own = required(object, "name")?;
            let mut chain: Vec<ResourceId> =
                path.iter().filter_map(|step| text(step, "name")).filter(|name| *name != own).map(group).collect();
            if chain.is_empty() {
                chain.extend(parent.map(group));
            }
            chain.push(group(own));
            children(of, &mut chain, 0, &mut read);
        }
        other => return Err(format!("object kind `{other}` is unknown")),
    }
    Ok(read)
}

fn group(name: &str) -> ResourceId {
    ResourceId::from(format!("/providers/Microsoft.Management/managementGroups/{name}"))
}

fn children(of: &Value, chain: &mut Vec<ResourceId>, depth: usize, read: &mut Read) {
    for (at, child) in items(of, "children").iter().enumerate() {
        let Some(name) = text(child, "name").filter(|_| depth < MAX_DEPTH) else {
            read.wrong(format!("`children[{at}]` below `{}`: field `name` is missing, or too deep", chain.len()));
            continue;
        };
        if is_subscription(child) {
            read.facts.push(Fact::Ancestors { account: subscription(name), ids: chain.clone() });
            continue;
        }
        chain.push(group(name));
        children(child, chain, depth + 1, read);
        chain.pop();
    }
}

fn entity(object: &Value) -> Result<Option<Fact>, String> {
    if !is_subscription(object) {
        return Ok(None);
    }
    let chain = items(body(object), "parentNameChain").iter().filter_map(Value::as_str).map(group).collect();
    Ok(Some(Fact::Ancestors { account: subscription(required(object, "name")?), ids: chain }))
}

fn is_subscription(object: &Value) -> bool {
    text(object, "type").is_some_and(|kind| kind.to_ascii_lowercase().ends_with("/subscriptions"))
}

fn subscription(name: &str) -> AccountId {
    AccountId::from(name.to_ascii_lowercase())
}
