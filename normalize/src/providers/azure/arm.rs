//! ARM ids and actions in one spelling each.
//!
//! Azure compares both without regard to case, and its logs write the same id in three: as the caller wrote it, as the
//! service knows it, and in capitals (Event Hubs). Equal things must be equal text here, so: `/subscriptions/`,
//! `/resourceGroups/`, `/tenants/` and `/providers/` as ARM documents them; subscription ids, groups and names in lower
//! case, since no log tells their true spelling; providers and types as the catalogue spells them, in lower case where
//! it does not know them. What a service treats as case-sensitive (blob names) is appended by `data` and kept.

use std::collections::HashMap;
use std::sync::LazyLock;

use permissions::Catalogue;
use permissions::azure::operation_action;
use schemas::{AccountId, Action, ActionKnown, Provider, Resource, ResourceId, Text};
use smol_str::SmolStr;

/// The catalogue's spelling of providers and types, by their lower case: `microsoft.compute/disks`.
static SPELLING: LazyLock<HashMap<SmolStr, SmolStr>> = LazyLock::new(|| {
    let mut spelling = HashMap::new();
    for (_, action) in Catalogue::bundled().provider(Provider::Azure).iter() {
        for (end, _) in action.name.match_indices('/') {
            let prefix = &action.name[..end];
            spelling.entry(SmolStr::from(prefix.to_ascii_lowercase())).or_insert_with(|| SmolStr::new(prefix));
        }
    }
    spelling
});

/// An ARM id in its one spelling, with what it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ArmId {
    /// The id.
    pub(super) id: String,
    /// The subscription, lower case.
    pub(super) subscription: Option<String>,
    /// The tenant, lower case, of an id `/tenants/…`.
    pub(super) tenant: Option<String>,
    /// `Microsoft.Compute/disks`; of an extension resource its own type.
    pub(super) kind: Option<String>,
}

impl ArmId {
    /// Reads an id. What is no path of ARM's is kept in lower case and tells nothing.
    pub(super) fn parse(text: &str) -> Self {
        let mut this = Self { id: String::with_capacity(text.len() + 1), ..Self::default() };
        if text.contains("://") {
            this.id = text.to_ascii_lowercase();
            return this;
        }
        let mut segments = text.split('/').filter(|segment| !segment.is_empty());
        while let Some(keyword) = segments.next() {
            let keyword = keyword.to_ascii_lowercase();
            match keyword.as_str() {
                "providers" => {
                    this.id += "/providers";
                    this.provider(&mut segments);
                    continue;
                }
                "resourcegroups" => this.id += "/resourceGroups",
                other => this.id = this.id + "/" + other,
            }
            let Some(name) = segments.next().map(str::to_ascii_lowercase) else { break };
            this.id = this.id + "/" + &name;
            match keyword.as_str() {
                "subscriptions" if this.subscription.is_none() => this.subscription = Some(name),
                "tenants" if this.tenant.is_none() => this.tenant = Some(name),
                _ => {}
            }
        }
        this
    }

    /// Takes `Namespace/type/name/type/name…` up to the next `providers`.
    fn provider<'s>(&mut self, segments: &mut impl Iterator<Item = &'s str>) {
        let Some(namespace) = segments.next() else { return };
        let mut kind = spelled(namespace);
        self.id = std::mem::take(&mut self.id) + "/" + &kind;
        while let Some(part) = segments.next() {
            if part.eq_ignore_ascii_case("providers") {
                self.id += "/providers";
                // The extension's own type counts.
                let Some(namespace) = segments.next() else { break };
                kind = spelled(namespace);
                self.id = std::mem::take(&mut self.id) + "/" + &kind;
                continue;
            }
            kind = spelled(&format!("{kind}/{part}"));
            self.id = std::mem::take(&mut self.id) + "/" + kind.rsplit('/').next().unwrap_or_default();
            if let Some(name) = segments.next() {
                self.id = std::mem::take(&mut self.id) + "/" + &name.to_ascii_lowercase();
            }
        }
        self.kind = Some(kind).filter(|kind| kind.contains('/'));
    }

    /// The resource, unless the id is only a tenant or nothing.
    pub(super) fn resource(&self) -> Option<Resource> {
        if self.id.is_empty() {
            return None;
        }
        let kind = self.kind.as_deref().map(Text::from);
        Some(Resource {
            id: ResourceId::from(self.id.as_str()),
            kind,
            account_id: self.subscription.as_deref().map(AccountId::from),
        })
    }

    /// The resource provider: `Microsoft.Compute`.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.kind.as_deref().and_then(|kind| kind.split('/').next())
    }
}

/// A provider with types in the catalogue's spelling; the unknown tail in lower case.
fn spelled(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    let mut end = lower.len();
    loop {
        if let Some(known) = SPELLING.get(&lower[..end]) {
            return format!("{known}{}", &lower[end..]);
        }
        match lower[..end].rfind('/') {
            Some(before) => end = before,
            None => return lower,
        }
    }
}

/// The action of an operation in its one spelling, and how sure it is.
pub(super) fn action(operation: &str, category: &str) -> (Option<Action>, ActionKnown) {
    let found = operation_action(operation, category);
    match (found.action, found.idx) {
        (Some(action), Some(_)) => (Some(action), found.known),
        (Some(action), None) => (Some(Action::from(spelled(&action))), found.known),
        (None, _) => (None, found.known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_resource_has_one_spelling() {
        let disk = "/subscriptions/s-1/resourceGroups/team/providers/Microsoft.Compute/disks/d1";
        for text in [
            "/SUBSCRIPTIONS/S-1/RESOURCEGROUPS/TEAM/PROVIDERS/MICROSOFT.COMPUTE/DISKS/D1",
            "/subscriptions/S-1/resourcegroups/Team/providers/microsoft.compute/disks/D1/",
            "subscriptions/s-1/resourceGroups/team//providers/Microsoft.Compute/disks/d1",
        ] {
            let found = ArmId::parse(text);
            assert_eq!(found.id, disk);
            assert_eq!(
                (found.subscription.as_deref(), found.kind.as_deref()),
                (Some("s-1"), Some("Microsoft.Compute/disks"))
            );
        }
    }

    #[test]
    fn ids_of_every_kind_are_read() {
        for (text, id, kind) in [
            ("/subscriptions/S", "/subscriptions/s", None),
            ("/subscriptions/S/resourceGroups/G", "/subscriptions/s/resourceGroups/g", None),
            ("/TENANTS/T/PROVIDERS/MICROSOFT.AADIAM", "/tenants/t/providers/microsoft.aadiam", None),
            (
                "/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/A/blobservices/default",
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a/blobServices/default",
                Some("Microsoft.Storage/storageAccounts/blobServices"),
            ),
            (
                "/subscriptions/s/providers/Microsoft.Authorization/ROLEASSIGNMENTS/X",
                "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/x",
                Some("Microsoft.Authorization/roleAssignments"),
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d/providers/microsoft.authorization/locks/l",
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d/providers/Microsoft.Authorization/locks/l",
                Some("Microsoft.Authorization/locks"),
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/Contoso.X/Things/T",
                "/subscriptions/s/resourceGroups/g/providers/contoso.x/things/t",
                Some("contoso.x/things"),
            ),
            ("/subscriptions", "/subscriptions", None),
            ("/subscriptions/s/providers", "/subscriptions/s/providers", None),
            ("https://V.vault.azure.net/secrets/x", "https://v.vault.azure.net/secrets/x", None),
            ("", "", None),
            ("///", "", None),
        ] {
            let found = ArmId::parse(text);
            assert_eq!((found.id.as_str(), found.kind.as_deref()), (id, kind), "{text}");
        }
    }

    #[test]
    fn one_action_has_one_spelling() {
        for (operation, expected) in [
            ("MICROSOFT.COMPUTE/DISKS/DELETE", "Microsoft.Compute/disks/delete"),
            ("microsoft.compute/disks/begingetaccess/action", "Microsoft.Compute/disks/beginGetAccess/action"),
            ("MICROSOFT.COMPUTE/DISKS/FROBNICATE/ACTION", "Microsoft.Compute/disks/frobnicate/action"),
        ] {
            assert_eq!(action(operation, "Administrative").0.as_deref(), Some(expected));
        }
    }
}
