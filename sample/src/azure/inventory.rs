//! `az resource list`, one file for each subscription.

use serde_json::{Value, json};

use crate::{
    azure::resources::{LOCATION, arm_id, group_name},
    error::SampleError,
    world::{Account, Cloud, Kind, accounts},
    writer::Writer,
};

const KINDS: [(Kind, &str); 8] = [
    (Kind::Vm, "Microsoft.Compute/virtualMachines"),
    (Kind::Disk, "Microsoft.Compute/disks"),
    (Kind::Nsg, "Microsoft.Network/networkSecurityGroups"),
    (Kind::WebApp, "Microsoft.Web/sites"),
    (Kind::Storage, "Microsoft.Storage/storageAccounts"),
    (Kind::SqlDb, "Microsoft.Sql/servers/databases"),
    (Kind::Registry, "Microsoft.ContainerRegistry/registries"),
    (Kind::Vault, "Microsoft.KeyVault/vaults"),
];

/// Writes the file of every subscription.
pub(crate) fn write(writer: &Writer) -> Result<(), SampleError> {
    for account in accounts(Cloud::Azure) {
        let list: Vec<Value> = KINDS
            .iter()
            .flat_map(|(kind, arm)| (0..kind.pool()).map(move |idx| resource(*kind, arm, account, idx)))
            .collect();
        let path = format!("azure/inventory/{}/resources.json", account.id);
        writer.pretty(&path, "resource inventory", &list)?;
    }
    Ok(())
}

fn resource(kind: Kind, arm: &str, account: &Account, idx: u16) -> Value {
    let id = arm_id(kind, account, idx);
    json!({
        "changedTime": "2026-08-19T07:40:12.118337+00:00",
        "createdTime": "2024-05-06T12:02:51.664120+00:00",
        "extendedLocation": null,
        "id": id,
        "identity": null,
        "kind": null,
        "location": LOCATION,
        "managedBy": null,
        "name": id.rsplit_once('/').map_or("", |(_, name)| name),
        "plan": null,
        "properties": null,
        "provisioningState": "Succeeded",
        "resourceGroup": group_name(account, idx),
        "sku": null,
        "tags": { "env": account.prefix },
        "type": arm,
    })
}

/// The ARM id under which the inventory lists a resource.
pub(crate) fn id(kind: Kind, account: &Account, idx: u16) -> Option<String> {
    let kind = match kind {
        Kind::Blob | Kind::Diag => Kind::Storage,
        Kind::VaultSecret => Kind::Vault,
        other => other,
    };
    KINDS.iter().any(|(listed, _)| *listed == kind).then(|| arm_id(kind, account, idx))
}
