//! Names and ids of Azure resources.

use crate::{
    ids::{hex, mix, uuid},
    world::{Account, Identity, Kind},
};

const TOPIC: [&str; 12] =
    ["web", "orders", "identity", "search", "reports", "mail", "images", "batch", "claims", "bi", "portal", "cache"];

/// The Azure regions in use.
pub(super) const LOCATION: &str = "westeurope";

fn topic(idx: u16) -> &'static str {
    TOPIC[usize::from(idx) % TOPIC.len()]
}

fn noise(kind: Kind, account: &Account, idx: u16) -> u64 {
    mix(mix(u64::from(account.id.as_bytes()[0]), kind as u64), u64::from(idx))
}

/// The group a resource lives in: a few resources to each.
pub(super) fn group_name(account: &Account, idx: u16) -> String {
    format!("rg-{}-{}", account.prefix, topic(idx % Kind::Group.pool()))
}

/// The short name.
pub(super) fn name(kind: Kind, account: &Account, idx: u16) -> String {
    let (p, t) = (account.prefix, topic(idx));
    match kind {
        Kind::Vm => format!("vm-{p}-{t}"),
        Kind::Disk => format!("vm-{p}-{t}_OsDisk_1_{}", hex(noise(Kind::Vm, account, idx), 1, 12)),
        Kind::Nsg => format!("nsg-{p}-{t}"),
        Kind::WebApp => format!("app-hg-{p}-{t}"),
        Kind::Group => group_name(account, idx),
        Kind::Storage | Kind::Blob | Kind::Diag => {
            format!("sthg{p}{t}{}", hex(noise(Kind::Storage, account, idx), 1, 4))
        }
        Kind::SqlDb => format!("sql-hg-{p}/{t}"),
        Kind::Registry => format!("crhg{p}{t}"),
        Kind::Vault => format!("kv-hg-{p}-{t}"),
        Kind::VaultSecret => name(Kind::Vault, account, idx % Kind::Vault.pool()),
        _ => t.to_owned(),
    }
}

/// The secret of a vault behind an index: every vault holds eight.
pub(super) fn secret_name(idx: u16) -> String {
    format!("{}-connection", topic(idx / Kind::Vault.pool()))
}

/// The ARM id, in the case in which ARM prints it.
pub(super) fn arm_id(kind: Kind, account: &Account, idx: u16) -> String {
    let group = format!("/subscriptions/{}/resourceGroups/{}", account.id, group_name(account, idx));
    let name = name(kind, account, idx);
    match kind {
        Kind::Group => group,
        Kind::Vm => format!("{group}/providers/Microsoft.Compute/virtualMachines/{name}"),
        Kind::Disk => format!("{group}/providers/Microsoft.Compute/disks/{name}"),
        Kind::Nsg => format!("{group}/providers/Microsoft.Network/networkSecurityGroups/{name}"),
        Kind::WebApp => format!("{group}/providers/Microsoft.Web/sites/{name}"),
        Kind::Storage | Kind::Blob | Kind::Diag => {
            format!("{group}/providers/Microsoft.Storage/storageAccounts/{name}")
        }
        Kind::SqlDb => {
            let (server, db) = name.split_once('/').unwrap_or((&name, "main"));
            format!("{group}/providers/Microsoft.Sql/servers/{server}/databases/{db}")
        }
        Kind::Registry => {
            format!("{group}/providers/Microsoft.ContainerRegistry/registries/{name}")
        }
        Kind::Vault | Kind::VaultSecret => {
            let vault = idx % Kind::Vault.pool();
            let group = format!("/subscriptions/{}/resourceGroups/{}", account.id, group_name(account, vault));
            format!("{group}/providers/Microsoft.KeyVault/vaults/{name}")
        }
        _ => format!("/subscriptions/{}", account.id),
    }
}

/// The id that an Activity record of this kind carries: below the resource for settings, rules and assignments.
pub(super) fn activity_id(kind: Kind, operation: &str, account: &Account, idx: u16, noise: u64) -> String {
    let base = arm_id(kind, account, idx);
    match kind {
        Kind::Nsg => format!("{base}/securityRules/allow-https"),
        Kind::Diag => format!("{base}/providers/Microsoft.Insights/diagnosticSettings/to-siem"),
        Kind::Assignment => format!("{base}/providers/Microsoft.Authorization/roleAssignments/{}", uuid(noise, 0x72)),
        Kind::Group if operation.contains("/deployments/") => {
            format!("{base}/providers/Microsoft.Resources/deployments/release-{}", hex(noise, 0x73, 7))
        }
        Kind::WebApp if operation.contains("/config/") => format!("{base}/config/appsettings"),
        Kind::Storage if operation.contains("/containers/") => {
            format!("{base}/blobServices/default/containers/inbox")
        }
        _ => base,
    }
}

/// The scope of an assignment below the subscription.
pub(super) fn own_scope(kind: Kind, me: &Identity) -> String {
    // The vault of the secret that is the identity's own; the storage account of its own blobs.
    let pinned = if kind == Kind::Vault { me.pin(Kind::VaultSecret) % Kind::Vault.pool() } else { me.pin(Kind::Blob) };
    arm_id(kind, me.account(), pinned)
}
