//! Roles: a user's own, and the predefined and basic ones by name.

use std::collections::HashMap;
use std::sync::LazyLock;

use roaring::RoaringBitmap;
use schemas::{Action, Statement};
use serde::Deserialize;
use smol_str::SmolStr;

use crate::bundled;

static ROLES: &[u8] = include_bytes!("../../data/gcp_roles.tsv.gz");

/// A role of a user's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// `projects/p/roles/r`, `organizations/1/roles/r`, `roles/viewer`.
    pub name: SmolStr,
    /// Its one statement.
    pub statement: Statement,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleJson {
    name: String,
    #[serde(default)]
    included_permissions: Vec<String>,
    #[serde(default)]
    deleted: bool,
}

/// Reads one role as `gcloud iam roles describe` prints it; `None` when it has no name. A deleted role grants nothing.
#[must_use]
pub fn role(json: &[u8]) -> Option<Role> {
    let role: RoleJson = serde_json::from_slice(json).ok()?;
    let permissions = if role.deleted { Vec::new() } else { role.included_permissions };
    let statement = Statement::allow(permissions.into_iter().map(Action::from).collect());
    Some(Role { name: SmolStr::from(role.name), statement })
}

/// The permissions of a predefined or basic role such as `roles/editor`, as numbers of the bundled catalogue.
#[must_use]
pub fn predefined_role(name: &str) -> Option<&'static RoaringBitmap> {
    PREDEFINED.get(name)
}

/// Reads runs: `skip+length`, each skip from the end of the run before.
static PREDEFINED: LazyLock<HashMap<SmolStr, RoaringBitmap>> = LazyLock::new(|| {
    let text = bundled::unpack(ROLES);
    let mut roles = HashMap::new();
    for line in bundled::lines(&text) {
        let mut fields = line.split('\t');
        let (Some(name), Some(_stage), Some(runs)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let mut permissions = RoaringBitmap::new();
        let mut last = 0_u32;
        for run in runs.split(',').filter(|run| !run.is_empty()) {
            let (skip, length) = run.split_once('+').unwrap_or((run, "0"));
            let (Ok(skip), Ok(length)) = (skip.parse::<u32>(), length.parse::<u32>()) else { continue };
            permissions.insert_range(last + skip..=last + skip + length);
            last += skip + length;
        }
        roles.insert(SmolStr::new(name), permissions);
    }
    roles
});

#[cfg(test)]
mod tests {
    use schemas::Provider;

    use super::*;
    use crate::catalogue::{ActionIdx, Catalogue};

    #[test]
    fn a_predefined_role_has_its_permissions() {
        let catalogue = Catalogue::bundled().provider(Provider::Gcp);
        let names: Vec<&str> = predefined_role("roles/browser")
            .unwrap()
            .iter()
            .map(|idx| catalogue.action(ActionIdx(idx)).name.as_str())
            .collect();
        expect_test::expect![[r"
            resourcemanager.folders.get
            resourcemanager.folders.list
            resourcemanager.organizations.get
            resourcemanager.projects.get
            resourcemanager.projects.getIamPolicy
            resourcemanager.projects.list"]]
        .assert_eq(&names.join("\n"));
        assert_eq!(predefined_role("roles/none"), None);
    }

    #[test]
    fn a_deleted_role_grants_nothing() {
        let json = br#"{"name":"projects/p/roles/r","includedPermissions":["a.b.get"],"deleted":true}"#;
        assert_eq!(role(json).unwrap().statement.actions.len(), 0);
        assert_eq!(role(b"{}"), None);
    }
}
