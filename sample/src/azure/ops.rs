//! The Azure operations of the sample. Data-plane rows name the operation of the resource log and, as the last word, its
//! category; control-plane rows are Activity records, start and end.

/// See [`crate::ops::Ops::parse`] for the columns.
pub(crate) const OPS: &str = "
vm.start Microsoft.Compute Microsoft.Compute/virtualMachines/start/action Microsoft.Compute/virtualMachines/start/action vm p
vm.restart Microsoft.Compute Microsoft.Compute/virtualMachines/restart/action Microsoft.Compute/virtualMachines/restart/action vm p
vm.deallocate Microsoft.Compute Microsoft.Compute/virtualMachines/deallocate/action Microsoft.Compute/virtualMachines/deallocate/action vm p
vm.write Microsoft.Compute Microsoft.Compute/virtualMachines/write Microsoft.Compute/virtualMachines/write vm p
disk.write Microsoft.Compute Microsoft.Compute/disks/write Microsoft.Compute/disks/write disk p
nsg.write Microsoft.Network Microsoft.Network/networkSecurityGroups/securityRules/write Microsoft.Network/networkSecurityGroups/securityRules/write nsg p
web.restart Microsoft.Web Microsoft.Web/sites/restart/action Microsoft.Web/sites/restart/action webapp p
web.config Microsoft.Web Microsoft.Web/sites/config/write Microsoft.Web/sites/config/write webapp p
web.publish Microsoft.Web Microsoft.Web/sites/publishxml/action Microsoft.Web/sites/publishxml/action webapp p
deploy.write Microsoft.Resources Microsoft.Resources/deployments/write Microsoft.Resources/deployments/write group p
deploy.validate Microsoft.Resources Microsoft.Resources/deployments/validate/action Microsoft.Resources/deployments/validate/action group p
group.write Microsoft.Resources Microsoft.Resources/subscriptions/resourceGroups/write Microsoft.Resources/subscriptions/resourceGroups/write group p
storage.write Microsoft.Storage Microsoft.Storage/storageAccounts/write Microsoft.Storage/storageAccounts/write storage p
storage.listKeys Microsoft.Storage Microsoft.Storage/storageAccounts/listKeys/action Microsoft.Storage/storageAccounts/listKeys/action storage p
storage.listSas Microsoft.Storage Microsoft.Storage/storageAccounts/listAccountSas/action Microsoft.Storage/storageAccounts/listAccountSas/action storage p
storage.container Microsoft.Storage Microsoft.Storage/storageAccounts/blobServices/containers/write Microsoft.Storage/storageAccounts/blobServices/containers/write storage p
sql.write Microsoft.Sql Microsoft.Sql/servers/databases/write Microsoft.Sql/servers/databases/write sqldb p
acr.push Microsoft.ContainerRegistry Microsoft.ContainerRegistry/registries/scheduleRun/action Microsoft.ContainerRegistry/registries/scheduleRun/action registry p
diag.write Microsoft.Insights Microsoft.Insights/diagnosticSettings/write Microsoft.Insights/diagnosticSettings/write diag p
diag.delete Microsoft.Insights Microsoft.Insights/diagnosticSettings/delete Microsoft.Insights/diagnosticSettings/delete diag p
role.write Microsoft.Authorization Microsoft.Authorization/roleAssignments/write Microsoft.Authorization/roleAssignments/write assignment p
blob.get Microsoft.Storage GetBlob Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read blob rd StorageRead
blob.list Microsoft.Storage ListBlobs Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read blob rd StorageRead
blob.put Microsoft.Storage PutBlob Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write blob d StorageWrite
blob.delete Microsoft.Storage DeleteBlob Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete blob d StorageDelete
kv.get Microsoft.KeyVault SecretGet Microsoft.KeyVault/vaults/secrets/getSecret/action vaultsecret rd AuditEvent
kv.list Microsoft.KeyVault SecretList Microsoft.KeyVault/vaults/secrets/readMetadata/action vaultsecret rd AuditEvent
kv.set Microsoft.KeyVault SecretSet Microsoft.KeyVault/vaults/secrets/setSecret/action vaultsecret d AuditEvent
signin Entra Sign-in - none r SignInLogs
";
