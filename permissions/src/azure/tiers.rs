//! What is held outside of Azure's role assignments: Entra directory roles and app roles of Microsoft Graph, each with its
//! tier, and classic administrators. None of them grants an action of Azure Resource Manager, but whoever administers the
//! tenant may elevate (Elevate access to manage all Azure subscriptions and management groups,
//! <https://learn.microsoft.com/azure/role-based-access-control/elevate-access-global-admin>).

use std::collections::HashMap;
use std::sync::LazyLock;

use schemas::Text;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::bundled;

static TIERS: &[u8] = include_bytes!("../../data/azure_tiers.tsv.gz");
/// The one directory role whose holders may elevate.
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// How much of the tenant a role reaches, by the enterprise access model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Can take over the tenant or its identities.
    ControlPlane,
    /// Administers a service or reads all of it.
    ManagementPlane,
    /// Acts as its users do.
    UserAccess,
    /// Not classified by the source.
    Unclassified,
}

/// A kind of what is held outside of role assignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutsideKind {
    /// Entra directory role.
    DirectoryRole,
    /// App role of Microsoft Graph.
    AppRole,
    /// Account administrator, service administrator or co-administrator of a subscription. Retired on 2024-08-31, so it
    /// grants nothing (Azure classic subscription administrators,
    /// <https://learn.microsoft.com/azure/role-based-access-control/classic-administrators>).
    ClassicAdministrator,
}

/// Something held outside of role assignments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// What it is.
    pub kind: OutsideKind,
    /// Its name for people; as given when it is not known.
    pub name: Text,
    /// Its tier, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Whether its holder may become User Access Administrator of the whole tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_elevate: bool,
}

/// A directory role, by name or id.
#[must_use]
pub fn directory_role(name_or_id: &str) -> Outside {
    let mut outside = find(OutsideKind::DirectoryRole, name_or_id);
    let id = find_id(OutsideKind::DirectoryRole, name_or_id);
    outside.may_elevate = id.is_some_and(|id| id == GLOBAL_ADMINISTRATOR);
    outside
}

/// An app role of Microsoft Graph, by name or id.
#[must_use]
pub fn app_role(name_or_id: &str) -> Outside {
    find(OutsideKind::AppRole, name_or_id)
}

struct Row {
    id: SmolStr,
    name: Text,
    tier: Tier,
}

type Key = (OutsideKind, SmolStr);

/// By id and by name in lower case.
static BY_KEY: LazyLock<HashMap<Key, Row>> = LazyLock::new(|| {
    let text = bundled::unpack(TIERS);
    let mut by_key = HashMap::new();
    for line in bundled::lines(&text) {
        let mut fields = line.split('\t');
        let (Some(kind), Some(id), Some(name), Some(tier)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let kind = if kind == "D" { OutsideKind::DirectoryRole } else { OutsideKind::AppRole };
        let tier = match tier {
            "control_plane" => Tier::ControlPlane,
            "management_plane" => Tier::ManagementPlane,
            "user_access" => Tier::UserAccess,
            _ => Tier::Unclassified,
        };
        for key in [SmolStr::new(id), SmolStr::from(name.to_lowercase())] {
            by_key.insert((kind, key), Row { id: SmolStr::new(id), name: Text::from(name), tier });
        }
    }
    by_key
});

fn row(kind: OutsideKind, name_or_id: &str) -> Option<&'static Row> {
    BY_KEY.get(&(kind, SmolStr::from(name_or_id.to_lowercase())))
}

fn find_id(kind: OutsideKind, name_or_id: &str) -> Option<&'static str> {
    row(kind, name_or_id).map(|row| row.id.as_str())
}

fn find(kind: OutsideKind, name_or_id: &str) -> Outside {
    let row = row(kind, name_or_id);
    let name = row.map_or_else(|| Text::from(name_or_id), |row| row.name.clone());
    Outside { kind, name, tier: row.map(|row| row.tier), may_elevate: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_outside_have_their_tier() {
        let mut report = String::new();
        for outside in [
            directory_role("global administrator"),
            directory_role("62E90394-69f5-4237-9190-012177145e10"),
            directory_role("Directory Readers"),
            directory_role("Chief Wizard"),
            app_role("RoleManagement.ReadWrite.Directory"),
            app_role("d07a8cc0-3d51-4b77-b3b0-32704d1f69fa"),
        ] {
            report += &format!("{:?} {} {:?} {}\n", outside.kind, outside.name, outside.tier, outside.may_elevate);
        }
        expect_test::expect![[r#"
            DirectoryRole Global Administrator Some(ControlPlane) true
            DirectoryRole Global Administrator Some(ControlPlane) true
            DirectoryRole Directory Readers Some(ManagementPlane) false
            DirectoryRole Chief Wizard None false
            AppRole RoleManagement.ReadWrite.Directory Some(ControlPlane) false
            AppRole AccessReview.Read.All Some(ManagementPlane) false
        "#]]
        .assert_eq(&report);
        assert_eq!(BY_KEY.len(), 2 * (145 + 709));
    }
}
