//! The Azure roles in use: the facts of built-in definitions, and one of the company's own.

use crate::world::Rule;

/// A role definition.
#[derive(Debug)]
pub(super) struct RoleDefinition {
    pub(super) name: &'static str,
    pub(super) guid: &'static str,
    pub(super) about: &'static str,
    pub(super) custom: bool,
    pub(super) actions: &'static [&'static str],
    pub(super) not_actions: &'static [&'static str],
    pub(super) data_actions: &'static [&'static str],
}

const fn built_in(name: &'static str, guid: &'static str, about: &'static str) -> RoleDefinition {
    RoleDefinition { name, guid, about, custom: false, actions: &[], not_actions: &[], data_actions: &[] }
}

/// Every role that an assignment of this company can name.
pub(super) const ROLES: &[RoleDefinition] = &[
    RoleDefinition {
        actions: &["*"],
        ..built_in("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Full access, role assignments included.")
    },
    RoleDefinition {
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            "Microsoft.Subscription/cancel/action",
            "Microsoft.Subscription/enable/action",
        ],
        ..built_in("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c", "Everything but giving access to others.")
    },
    RoleDefinition {
        actions: &["*/read"],
        ..built_in("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", "Sees everything, changes nothing.")
    },
    RoleDefinition {
        actions: &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        ..built_in("User Access Administrator", "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "Decides who may access what.")
    },
    RoleDefinition {
        actions: &[
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.Insights/diagnosticSettings/*",
            "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
            "Microsoft.ResourceHealth/availabilityStatuses/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Storage/storageAccounts/*",
            "Microsoft.Support/*",
        ],
        ..built_in(
            "Storage Account Contributor",
            "17d1049b-9a84-46fb-8f53-869881c3d3ab",
            "Runs storage accounts, their keys included.",
        )
    },
    RoleDefinition {
        actions: &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/write",
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        ],
        data_actions: &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
        ],
        ..built_in(
            "Storage Blob Data Contributor",
            "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
            "Reads, writes and deletes blobs.",
        )
    },
    RoleDefinition {
        data_actions: &[
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ],
        ..built_in("Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6", "Reads the contents of secrets.")
    },
    RoleDefinition {
        actions: &[
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Support/*",
            "Microsoft.KeyVault/checkNameAvailability/read",
            "Microsoft.KeyVault/deletedVaults/read",
            "Microsoft.KeyVault/locations/*/read",
            "Microsoft.KeyVault/vaults/*/read",
            "Microsoft.KeyVault/operations/read",
        ],
        data_actions: &["Microsoft.KeyVault/vaults/secrets/*"],
        ..built_in("Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Manages secrets.")
    },
    RoleDefinition {
        custom: true,
        actions: &[
            "Microsoft.Compute/virtualMachines/start/action",
            "Microsoft.Compute/virtualMachines/restart/action",
            "Microsoft.Compute/virtualMachines/deallocate/action",
        ],
        ..built_in(
            "Harrowgate VM Restarter",
            "6f1b7d22-4e0a-4c57-9d3e-8a95b7c0e416",
            "Turns virtual machines on and off at night.",
        )
    },
];

pub(super) fn role(name: &str) -> Option<&'static RoleDefinition> {
    ROLES.iter().find(|role| role.name == name)
}

/// The rules of a role, one for each plane; a name outside the table grants nothing.
pub(crate) fn role_rules(name: &str) -> Vec<Rule> {
    let Some(role) = role(name) else {
        return Vec::new();
    };
    vec![
        Rule { data: Some(false), except: role.not_actions.to_vec(), ..Rule::allow(role.actions) },
        Rule { data: Some(true), ..Rule::allow(role.data_actions) },
    ]
}
