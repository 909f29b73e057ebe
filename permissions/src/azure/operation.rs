//! Which action an Azure operation used. Activity names the action itself; data-plane and Entra logs name calls.

use schemas::{Action, ActionKnown, Provider};

use crate::catalogue::{ActionIdx, Catalogue};

/// The action of an operation and how sure it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationAction {
    /// The action in the catalogue's spelling; as logged where the catalogue does not know it.
    pub action: Option<Action>,
    /// Its number in the bundled catalogue.
    pub idx: Option<ActionIdx>,
    /// Logged where the record names an action, mapped where a table of ours does, else unknown.
    pub known: ActionKnown,
}

/// Says which action an `operationName` used. `category` is the log's category (`Administrative`, `StorageRead`,
/// `AuditEvent`, `SignInLogs` …), which tells data-plane calls of the same name apart; empty when absent.
#[must_use]
pub fn operation_action(operation_name: &str, category: &str) -> OperationAction {
    let own_password = operation_name.eq_ignore_ascii_case("Change password (self-service)");
    if category.ends_with("SignInLogs") || operation_name == "Sign-in activity" || own_password {
        return OperationAction { action: None, idx: None, known: ActionKnown::NoneNeeded };
    }
    if let Some(action) = mapped(operation_name, category) {
        return found(action, ActionKnown::Mapped);
    }
    let looks_like_action = operation_name.contains('/') && !operation_name.contains([' ', ':', '*']);
    if looks_like_action {
        return found(operation_name, ActionKnown::Logged);
    }
    OperationAction { action: None, idx: None, known: ActionKnown::Unknown }
}

fn found(name: &str, known: ActionKnown) -> OperationAction {
    let catalogue = Catalogue::bundled().provider(Provider::Azure);
    // Some records leave out the `/action` that the catalogue's name ends with.
    let idx = catalogue.lookup(name).or_else(|| catalogue.lookup(&format!("{name}/action")));
    let action = idx.map_or_else(|| Action::from(name), |idx| Action::from(catalogue.action(idx).name.clone()));
    OperationAction { action: Some(action), idx, known }
}

fn mapped(operation: &str, category: &str) -> Option<&'static str> {
    let exact = |table: &[(&str, &'static str)]| {
        table.iter().find(|(name, _)| name.eq_ignore_ascii_case(operation)).map(|(_, action)| *action)
    };
    match category {
        _ if category.starts_with("Storage") => storage(operation),
        "AuditEvent" => exact(&KEY_VAULT),
        _ => exact(&DIRECTORY).or_else(|| exact(&KEY_VAULT)).or_else(|| storage(operation)),
    }
}

/// Storage's REST calls (learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory, "Permissions
/// for calling data operations").
fn storage(operation: &str) -> Option<&'static str> {
    let named = |(names, _): &&Calls| names.iter().any(|name| name.eq_ignore_ascii_case(operation));
    STORAGE.iter().find(named).map(|(_, action)| *action)
}

type Calls = (&'static [&'static str], &'static str);

const STORAGE: [Calls; 18] = [
    (
        &[
            "GetBlob",
            "GetBlobProperties",
            "GetBlobMetadata",
            "GetBlockList",
            "GetPageRanges",
            "ListBlobs",
            "QueryBlobContents",
            "FilesystemListPaths",
            "ReadFile",
            "GetFileProperties",
            "GetPathStatus",
            "ListFilesystemDir",
            "GetPathAccessControl",
        ],
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    ),
    (
        &[
            "PutBlob",
            "PutBlock",
            "PutBlockList",
            "PutPage",
            "AppendBlock",
            "AppendFile",
            "CreatePathFile",
            "CreatePathDir",
            "FlushFile",
            "SetBlobMetadata",
            "SetBlobProperties",
            "CopyBlob",
            "CopyBlobDestination",
            "AbortCopyBlob",
            "LeaseBlob",
            "AcquireBlobLease",
            "BreakBlobLease",
            "ReleaseBlobLease",
            "RenewBlobLease",
            "SnapshotBlob",
            "SetBlobTier",
            "UndeleteBlob",
            "ClearPage",
            "IncrementalCopyBlob",
            "RenamePathFile",
            "RenamePathDir",
        ],
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    ),
    (&["CopyBlobSource"], "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"),
    (
        &["DeleteBlob", "DeleteFile", "DeletePath", "DeleteDirectory", "DeletePathFile"],
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
    ),
    (&["GetBlobTags", "FindBlobsByTags"], "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags/read"),
    (&["SetBlobTags"], "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags/write"),
    (
        &[
            "ListContainers",
            "GetContainerProperties",
            "GetContainerMetadata",
            "GetContainerServiceMetadata",
            "GetContainerACL",
            "GetContainerAcl",
        ],
        "Microsoft.Storage/storageAccounts/blobServices/containers/read",
    ),
    (
        &[
            "CreateContainer",
            "SetContainerMetadata",
            "SetContainerACL",
            "SetContainerAcl",
            "LeaseContainer",
            "AcquireContainerLease",
        ],
        "Microsoft.Storage/storageAccounts/blobServices/containers/write",
    ),
    (&["DeleteContainer"], "Microsoft.Storage/storageAccounts/blobServices/containers/delete"),
    (&["GetBlobServiceProperties", "GetBlobServiceStats"], "Microsoft.Storage/storageAccounts/blobServices/read"),
    (&["SetBlobServiceProperties"], "Microsoft.Storage/storageAccounts/blobServices/write"),
    (&["GetUserDelegationKey"], "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"),
    (
        &["GetMessages", "PeekMessages", "PeekMessage"],
        "Microsoft.Storage/storageAccounts/queueServices/queues/messages/read",
    ),
    (&["PutMessage"], "Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action"),
    (&["UpdateMessage"], "Microsoft.Storage/storageAccounts/queueServices/queues/messages/write"),
    (&["DeleteMessage", "ClearMessages"], "Microsoft.Storage/storageAccounts/queueServices/queues/messages/delete"),
    (
        &["QueryEntity", "QueryEntities", "GetEntity"],
        "Microsoft.Storage/storageAccounts/tableServices/tables/entities/read",
    ),
    (
        &["InsertEntity", "UpdateEntity", "MergeEntity", "InsertOrMergeEntity", "InsertOrReplaceEntity"],
        "Microsoft.Storage/storageAccounts/tableServices/tables/entities/write",
    ),
];

/// Key Vault's operations (learn.microsoft.com/azure/key-vault/general/logging, "Operation names").
const KEY_VAULT: [(&str, &str); 34] = [
    ("SecretGet", "Microsoft.KeyVault/vaults/secrets/getSecret/action"),
    ("SecretList", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"),
    ("SecretListVersions", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"),
    ("SecretSet", "Microsoft.KeyVault/vaults/secrets/setSecret/action"),
    ("SecretUpdate", "Microsoft.KeyVault/vaults/secrets/setSecret/action"),
    ("SecretDelete", "Microsoft.KeyVault/vaults/secrets/delete"),
    ("SecretBackup", "Microsoft.KeyVault/vaults/secrets/backup/action"),
    ("SecretRestore", "Microsoft.KeyVault/vaults/secrets/restore/action"),
    ("SecretRecover", "Microsoft.KeyVault/vaults/secrets/recover/action"),
    ("SecretPurge", "Microsoft.KeyVault/vaults/secrets/purge/action"),
    ("KeyGet", "Microsoft.KeyVault/vaults/keys/read"),
    ("KeyList", "Microsoft.KeyVault/vaults/keys/read"),
    ("KeyListVersions", "Microsoft.KeyVault/vaults/keys/read"),
    ("KeyCreate", "Microsoft.KeyVault/vaults/keys/create/action"),
    ("KeyImport", "Microsoft.KeyVault/vaults/keys/import/action"),
    ("KeyUpdate", "Microsoft.KeyVault/vaults/keys/update/action"),
    ("KeyDelete", "Microsoft.KeyVault/vaults/keys/delete"),
    ("KeyBackup", "Microsoft.KeyVault/vaults/keys/backup/action"),
    ("KeyRestore", "Microsoft.KeyVault/vaults/keys/restore/action"),
    ("KeyPurge", "Microsoft.KeyVault/vaults/keys/purge/action"),
    ("KeyRecover", "Microsoft.KeyVault/vaults/keys/recover/action"),
    ("KeySign", "Microsoft.KeyVault/vaults/keys/sign/action"),
    ("KeyVerify", "Microsoft.KeyVault/vaults/keys/verify/action"),
    ("KeyEncrypt", "Microsoft.KeyVault/vaults/keys/encrypt/action"),
    ("KeyDecrypt", "Microsoft.KeyVault/vaults/keys/decrypt/action"),
    ("KeyWrap", "Microsoft.KeyVault/vaults/keys/wrap/action"),
    ("KeyUnwrap", "Microsoft.KeyVault/vaults/keys/unwrap/action"),
    ("CertificateGet", "Microsoft.KeyVault/vaults/certificates/read"),
    ("CertificateList", "Microsoft.KeyVault/vaults/certificates/read"),
    ("CertificateCreate", "Microsoft.KeyVault/vaults/certificates/create/action"),
    ("CertificateDelete", "Microsoft.KeyVault/vaults/certificates/delete"),
    ("CertificateImport", "Microsoft.KeyVault/vaults/certificates/import/action"),
    ("VaultGet", "Microsoft.KeyVault/vaults/read"),
    ("VaultPut", "Microsoft.KeyVault/vaults/write"),
];

/// Entra's audited activities (learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities).
const DIRECTORY: [(&str, &str); 37] = [
    ("Add user", "microsoft.directory/users/create"),
    ("Delete user", "microsoft.directory/users/delete"),
    ("Restore user", "microsoft.directory/users/restore"),
    ("Update user", "microsoft.directory/users/basic/update"),
    ("Disable account", "microsoft.directory/users/disable"),
    ("Enable account", "microsoft.directory/users/enable"),
    ("Invite external user", "microsoft.directory/users/inviteGuest"),
    ("Reset user password", "microsoft.directory/users/password/update"),
    ("Reset password (by admin)", "microsoft.directory/users/password/update"),
    ("Add group", "microsoft.directory/groups/create"),
    ("Delete group", "microsoft.directory/groups/delete"),
    ("Update group", "microsoft.directory/groups/basic/update"),
    ("Add member to group", "microsoft.directory/groups/members/update"),
    ("Remove member from group", "microsoft.directory/groups/members/update"),
    ("Add owner to group", "microsoft.directory/groups/owners/update"),
    ("Add application", "microsoft.directory/applications/create"),
    ("Delete application", "microsoft.directory/applications/delete"),
    ("Update application", "microsoft.directory/applications/basic/update"),
    ("Add owner to application", "microsoft.directory/applications/owners/update"),
    ("Add service principal", "microsoft.directory/servicePrincipals/create"),
    ("Delete service principal", "microsoft.directory/servicePrincipals/delete"),
    ("Update service principal", "microsoft.directory/servicePrincipals/basic/update"),
    ("Add owner to service principal", "microsoft.directory/servicePrincipals/owners/update"),
    ("Add app role assignment to service principal", "microsoft.directory/servicePrincipals/appRoleAssignedTo/update"),
    ("Add app role assignment grant to user", "microsoft.directory/servicePrincipals/appRoleAssignedTo/update"),
    ("Add service principal credentials", "microsoft.directory/servicePrincipals/credentials/update"),
    ("Remove service principal credentials", "microsoft.directory/servicePrincipals/credentials/update"),
    ("Update PasswordProfile", "microsoft.directory/users/password/update"),
    ("Change user password", "microsoft.directory/users/password/update"),
    ("Update StsRefreshTokenValidFrom Timestamp", "microsoft.directory/users/invalidateAllRefreshTokens"),
    ("Add conditional access policy", "microsoft.directory/conditionalAccessPolicies/create"),
    ("Update conditional access policy", "microsoft.directory/conditionalAccessPolicies/basic/update"),
    ("Delete conditional access policy", "microsoft.directory/conditionalAccessPolicies/delete"),
    ("Add member to role", "microsoft.directory/roleAssignments/allProperties/allTasks"),
    ("Remove member from role", "microsoft.directory/roleAssignments/allProperties/allTasks"),
    (
        "Update application – Certificates and secrets management ",
        "microsoft.directory/applications/credentials/update",
    ),
    ("Update application – Certificates and secrets management", "microsoft.directory/applications/credentials/update"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_become_actions_in_the_catalogues_spelling() {
        for (operation, category, action, known) in [
            (
                "MICROSOFT.COMPUTE/VIRTUALMACHINES/START/ACTION",
                "Administrative",
                Some("Microsoft.Compute/virtualMachines/start/action"),
                ActionKnown::Logged,
            ),
            (
                "GetBlob",
                "StorageRead",
                Some("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"),
                ActionKnown::Mapped,
            ),
            (
                "SecretGet",
                "AuditEvent",
                Some("Microsoft.KeyVault/vaults/secrets/getSecret/action"),
                ActionKnown::Mapped,
            ),
            ("Sign-in activity", "SignInLogs", None, ActionKnown::NoneNeeded),
            ("Add user", "AuditLogs", Some("microsoft.directory/users/create"), ActionKnown::Mapped),
            ("Contoso.Own/things/write", "Administrative", Some("Contoso.Own/things/write"), ActionKnown::Logged),
            ("Something else", "", None, ActionKnown::Unknown),
        ] {
            let found = operation_action(operation, category);
            assert_eq!((found.action.as_deref(), found.known), (action, known), "{operation}");
        }
    }

    #[test]
    fn every_mapped_action_is_in_the_catalogue() {
        let catalogue = Catalogue::bundled().provider(Provider::Azure);
        let named = STORAGE.iter().map(|(_, action)| *action);
        let named = named.chain(KEY_VAULT.iter().chain(&DIRECTORY).map(|(_, action)| *action));
        let missing: Vec<&str> = named.filter(|action| catalogue.lookup(action).is_none()).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }
}
