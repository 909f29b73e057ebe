//! Azure role definitions: as the portal, the CLI and PowerShell print them
//! (<https://learn.microsoft.com/azure/role-based-access-control/custom-roles>).

mod actions;
mod scopes;

use roaring::RoaringBitmap;
use schemas::{Provider, RiskClass};

use self::actions::List;
use super::detect::Part;
use super::json::{Json, Node};
use super::nearest::hint;
use super::{Found, RuleId, short, some};
use crate::ActionIdx;
use crate::catalogue::{Catalogue, ProviderCatalogue};
use crate::escalation;

const ELEMENTS: [&str; 25] = [
    "name",
    "id",
    "type",
    "roleName",
    "roleType",
    "description",
    "assignableScopes",
    "permissions",
    "properties",
    "actions",
    "notActions",
    "dataActions",
    "notDataActions",
    "isCustom",
    "createdOn",
    "updatedOn",
    "createdBy",
    "updatedBy",
    "condition",
    "conditionVersion",
    "isBuiltIn",
    "tenantId",
    "etag",
    "isServiceRole",
    "roleDefinitionId",
];
const LISTS: [&str; 4] = ["actions", "notActions", "dataActions", "notDataActions"];

/// Looks at one role definition.
pub(super) fn check(part: &Part<'_>, found: &mut Found) {
    let node: &Node = &part.node;
    let body = node.get("properties").filter(|p| p.is_object()).unwrap_or(node);
    elements(node, found);
    if !std::ptr::eq(node, body) {
        elements(body, found);
    }
    let builtin =
        ["roleType", "type"].iter().filter_map(|k| body.get(k)?.text()).any(|t| t.eq_ignore_ascii_case("BuiltInRole"));
    if ["roleName", "name"].iter().all(|key| body.get(key).or(node.get(key)).is_none()) {
        found.add(RuleId::AzureMissingElement, node.start, "the role's name is missing");
    }
    if !builtin {
        scopes::check(body, found);
    }
    let blocks = match body.get("permissions") {
        Some(blocks) => match blocks.list() {
            Some(list) => list,
            None => {
                let message = format!("`permissions` is {}, not a list", blocks.kind());
                return found.add(RuleId::AzureElementType, blocks.start, message);
            }
        },
        // PowerShell's form has the lists at the top.
        None if LISTS.iter().any(|key| body.get(key).is_some()) => std::slice::from_ref(body),
        None => return found.add(RuleId::AzureMissingElement, body.start, "`permissions` is missing"),
    };
    let catalogue = Catalogue::bundled().provider(Provider::Azure);
    let mut granted = RoaringBitmap::new();
    let mut conditional = true;
    for block in blocks {
        if block.is_object() {
            elements(block, found);
            conditional &= block.get("condition").is_some_and(|c| c.text().is_some_and(|t| !t.is_empty()));
            granted |= permissions(block, catalogue, found);
        } else {
            found.add(
                RuleId::AzureElementType,
                block.start,
                format!("a permission is {}, not an object", block.kind()),
            );
        }
    }
    whole(body, &granted, conditional && !blocks.is_empty(), catalogue, found);
}

fn elements(node: &Node, found: &mut Found) {
    for member in node.members() {
        if !ELEMENTS.iter().any(|known| known.eq_ignore_ascii_case(&member.key)) {
            let hint = hint(&member.key, ELEMENTS);
            let message = format!("unknown element `{}`{hint}", short(&member.key));
            found.add(RuleId::AzureUnknownElement, member.start, message);
        }
    }
}

/// One block of permissions: what it grants.
fn permissions(block: &Node, catalogue: &ProviderCatalogue, found: &mut Found) -> RoaringBitmap {
    for key in LISTS {
        if let Some(node) = block.get(key).filter(|n| n.list().is_none() && !n.is_null()) {
            found.add(RuleId::AzureElementType, node.start, format!("`{key}` is {}, not a list", node.kind()));
        }
        for item in block.get(key).and_then(Node::list).unwrap_or_default() {
            if !matches!(item.value, Json::Text(_)) {
                found.add(RuleId::AzureElementType, item.start, format!("`{key}` has {}, not a string", item.kind()));
            }
        }
    }
    let control = List::read(block, "actions", "notActions", false);
    let data = List::read(block, "dataActions", "notDataActions", true);
    control.check(catalogue, found);
    data.check(catalogue, found);
    control.granted(catalogue) | data.granted(catalogue)
}

/// What is to be said of all blocks together.
fn whole(body: &Node, granted: &RoaringBitmap, conditional: bool, catalogue: &ProviderCatalogue, found: &mut Found) {
    if granted.is_empty() {
        return found.add(RuleId::AzureGrantsNothing, body.start, "no action is left that it grants");
    }
    let names = |set: &RoaringBitmap| -> Vec<&str> {
        set.iter().filter_map(|idx| catalogue.get(ActionIdx(idx))).map(|info| info.name.as_str()).collect()
    };
    let credentials = catalogue.of_risk(RiskClass::CredentialAccess) & granted;
    if !credentials.is_empty() {
        let message = format!("hands out keys and secrets: {}", some(names(&credentials)));
        found.add(RuleId::AzureCredentials, body.start, message);
    }
    let holds = |name: &str| catalogue.lookup(name).is_some_and(|idx| granted.contains(idx.0));
    let paths = escalation::paths(Provider::Azure).iter();
    let held: Vec<_> = paths.filter(|path| path.permissions.iter().all(|p| holds(p))).collect();
    if let Some(first) = held.first().filter(|_| !conditional) {
        let permissions = some(first.permissions.iter().map(|p| p.as_str()));
        let message = format!("{permissions} lead to owner (paths {})", some(held.iter().map(|path| path.id.as_str())));
        found.add(RuleId::AzureEscalation, body.start, message);
    }
}
