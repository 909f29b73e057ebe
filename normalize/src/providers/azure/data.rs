//! Resource logs: which of them tell of an access, and on what inside a resource.

use schemas::{Resource, ResourceId, Text};

use super::arm::ArmId;
use super::identity::{authorizations, claims};
use super::record::Record;
use crate::providers::loose::Object;

/// The categories of resource logs that tell of traffic, of the state of a service or of another system of permissions,
/// by kind. API Management's gateway answers the customers of a published API, whose calls use no permission of Azure; a
/// cluster's audit log is about the roles of Kubernetes.
const NO_ACCESS: [(&str, &str); 16] = [
    ("gatewaylogs", "gateway_log"),
    ("applicationgatewayaccesslog", "gateway_log"),
    ("frontdooraccesslog", "gateway_log"),
    ("applicationgatewayfirewalllog", "firewall_log"),
    ("azurefirewallapplicationrule", "firewall_log"),
    ("azurefirewallnetworkrule", "firewall_log"),
    ("networksecuritygroupevent", "flow_log"),
    ("networksecuritygroupflowevent", "flow_log"),
    ("networksecuritygrouprulecounter", "flow_log"),
    ("flowlogflowevent", "flow_log"),
    ("kube-audit", "kubernetes_audit"),
    ("kube-audit-admin", "kubernetes_audit"),
    ("kube-apiserver", "kubernetes_log"),
    ("allmetrics", "metric"),
    ("functionapplogs", "application_log"),
    ("appservicehttplogs", "application_log"),
];

/// The kind of a resource log that is no access; `None` for one that is. A category that we do not know is an access when
/// its operation is one of Azure's actions or somebody with an identity of Azure's made it.
pub(super) fn no_access(record: &Record<'_>) -> Option<&'static str> {
    let category = record.category.get().unwrap_or_default().to_ascii_lowercase();
    if let Some((_, kind)) = NO_ACCESS.iter().find(|(name, _)| *name == category) {
        return Some(kind);
    }
    let operation = canonical_call(record.operation_name.get()?);
    let found = permissions::azure::operation_action(operation, record.category.get().unwrap_or_default());
    let claims = claims(record);
    let somebody =
        claims.object_id.get().is_some() || claims.app_id.get().is_some() || record.identity.requester.is_object();
    let is_access =
        somebody || found.idx.is_some() || authorizations(record).iter().any(|check| check.action.get().is_some());
    if is_access { None } else { Some("resource_log") }
}

/// Calls of Storage whose names came in lower case, in the service's spelling; any other operation as it is.
pub(super) fn canonical_call(operation: &str) -> &str {
    /// Exporters that lower-case (Panther) write these; the rest keep Storage's spelling.
    const CALLS: [&str; 26] = [
        "AppendBlock",
        "CopyBlob",
        "CreateContainer",
        "DeleteBlob",
        "DeleteContainer",
        "DeleteFile",
        "GetBlob",
        "GetBlobMetadata",
        "GetBlobProperties",
        "GetBlobServiceProperties",
        "GetBlobTags",
        "GetContainerACL",
        "GetContainerProperties",
        "GetUserDelegationKey",
        "ListBlobs",
        "ListContainers",
        "PutBlob",
        "PutBlock",
        "PutBlockList",
        "QueryEntities",
        "SetBlobMetadata",
        "SetBlobProperties",
        "SetBlobServiceProperties",
        "SetBlobTags",
        "SetContainerACL",
        "UndeleteBlob",
    ];
    CALLS.iter().find(|call| call.eq_ignore_ascii_case(operation)).copied().unwrap_or(operation)
}

/// What the record is about inside of its resource: a blob, a queue, a table, a secret, a key.
pub(super) fn inner(record: &Record<'_>, resource: &ArmId) -> Option<Resource> {
    let lower = resource.id.to_ascii_lowercase();
    if let Some(at) = lower.find("/providers/microsoft.storage/storageaccounts/") {
        return stored(record, resource, at);
    }
    if lower.contains("/providers/microsoft.keyvault/vaults/") {
        return kept(record, resource);
    }
    None
}

/// `objectKey` is `/account/container/path`; names of blobs and files are case-sensitive and stay as they are.
fn stored(record: &Record<'_>, resource: &ArmId, at: usize) -> Option<Resource> {
    let key = record.properties.object_key.get()?;
    let key = percent_encoding::percent_decode_str(key).decode_utf8().ok()?;
    let mut parts = key.trim_start_matches('/').splitn(3, '/');
    let (_account, container, path) = (parts.next()?, parts.next().filter(|name| !name.is_empty())?, parts.next());
    let segments = &resource.id[at + 1..];
    // providers/Microsoft.Storage/storageAccounts/<account>/blobServices/default
    let account_end = segments.match_indices('/').nth(3).map_or(segments.len(), |(end, _)| end);
    let (base, rest) = (&resource.id[..at + 1 + account_end], &segments[account_end..]);
    let (service, collection, leaf) = match rest.trim_start_matches('/').split('/').next().unwrap_or_default() {
        "queueServices" => ("queueServices", "queues", "messages"),
        "tableServices" => ("tableServices", "tables", "entities"),
        "fileServices" => ("fileServices", "shares", "files"),
        _ => ("blobServices", "containers", "blobs"),
    };
    let mut id = format!("{base}/{service}/default/{collection}/{}", container.to_ascii_lowercase());
    let mut kind = format!("Microsoft.Storage/storageAccounts/{service}/{collection}");
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        id = id + "/" + leaf + "/" + path;
        kind = kind + "/" + leaf;
    }
    let account_id = resource.subscription.as_deref().map(schemas::AccountId::from);
    Some(Resource { id: ResourceId::from(id), kind: Some(Text::from(kind)), account_id })
}

/// `id` is `https://<vault>.vault.azure.net/secrets/<name>/<version>`; names are not case-sensitive.
fn kept(record: &Record<'_>, resource: &ArmId) -> Option<Resource> {
    let url = record.properties.id.get()?;
    let (_, path) = url.split_once("://")?.1.split_once('/')?;
    let mut parts = path.split(['/', '?']);
    let (collection, name) = (parts.next()?.to_ascii_lowercase(), parts.next().filter(|name| !name.is_empty())?);
    if !matches!(collection.as_str(), "secrets" | "keys" | "certificates") || resource.id.matches('/').count() != 8 {
        return None;
    }
    let id = format!("{}/{collection}/{}", resource.id, name.to_ascii_lowercase());
    let account_id = resource.subscription.as_deref().map(schemas::AccountId::from);
    Some(Resource {
        id: ResourceId::from(id),
        kind: Some(Text::from(format!("Microsoft.KeyVault/vaults/{collection}"))),
        account_id,
    })
}
