//! The state made anew from what went out.

use schemas::{Entitlement, IdentityKind, Message};
use stream::Output;

use super::{Grants, ListKey};

impl Grants {
    /// Takes a row back that it wrote before. Other rooms write entitlements and inventories too; theirs are left.
    pub(crate) fn recall(&mut self, written: Message) {
        match written {
            Message::Policy(policy) => self.state.policies.recall(&policy),
            Message::Entitlement(row) if !is_derived(&row) => {
                self.more.organizations.recall(&row);
                self.state.rows.recall(&row);
            }
            Message::Inventory(row) if lists_resources(&row.kind) => {
                self.more.told.recall(&mut self.state.inventories, &row);
            }
            _ => {}
        }
    }

    /// Everything was recalled, and the newest snapshots were given again: the rows that none of them names belong to the
    /// list of their cloud, so that its next snapshot ends them.
    pub(crate) fn recalled(&mut self, out: &mut Output<Message>) {
        self.more.organizations.recalled();
        self.settle(out);
        self.more.told.recalled(&mut self.state.inventories);
        let lists = &self.state.lists;
        let history = |list: &ListKey| lists.get(list).map(|list| &list.history);
        for (key, list) in self.state.rows.recalled(history, out) {
            self.state.lists.entry(list).or_default().history.name(key);
        }
    }
}

/// Whether a person holds a row through a role of Identity Center, as the room of accounts tells it.
fn is_derived(row: &Entitlement) -> bool {
    row.identity_kind == IdentityKind::Workforce && row.source.starts_with("role:")
}

/// Whether an inventory's kind is one of resources, not one of the facts that the room of accounts tells.
fn lists_resources(kind: &str) -> bool {
    kind != "log" && !["log:", "people:", "target:"].iter().any(|fact| kind.starts_with(fact))
}
