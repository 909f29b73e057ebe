//! Resources: the container a grant can name, its kind, and whether a pattern matches it.

use std::borrow::Cow;

use schemas::Provider;
use smol_str::SmolStr;

use crate::aws::arn::{Arn, aws_container};
use crate::catalogue::pattern;

/// The grantable container of a resource: the bucket of an object, the table of an index, the function of a version, the
/// vault's secret, the Azure resource of a child, the GCP resource of a version. What is not recognised stays whole.
#[must_use]
pub fn container(provider: Provider, resource_id: &str) -> &str {
    match provider {
        Provider::Aws => aws_container(resource_id),
        Provider::Azure => azure_container(resource_id),
        Provider::Gcp => gcp_container(resource_id),
    }
}

/// The kind of a resource's container in the words of `schemas::Inventory::kind`: `s3:bucket`,
/// `microsoft.storage/storageaccounts`, `storage.googleapis.com/Bucket`. `None` when the id does not tell.
#[must_use]
pub fn container_kind(provider: Provider, resource_id: &str) -> Option<SmolStr> {
    match provider {
        Provider::Aws => aws_kind(resource_id),
        Provider::Azure => azure_kind(resource_id),
        Provider::Gcp => gcp_kind_of(resource_id),
    }
}

/// Whether a grant's resource pattern or scope covers a resource. AWS: `*` and `?` in an ARN, case-sensitive. Azure: the
/// scope or anything below it, in any case. GCP: the resource or anything below it; a project's grant names the project,
/// so anything whose id names that project counts as below.
#[must_use]
pub fn pattern_matches(provider: Provider, pattern_text: &str, resource_id: &str) -> bool {
    if pattern_text == "*" {
        return true;
    }
    match provider {
        Provider::Aws => pattern::matches(pattern_text.as_bytes(), resource_id.as_bytes(), true, false),
        Provider::Azure => is_whole_account(provider, pattern_text) || below_azure(pattern_text, resource_id),
        Provider::Gcp => is_whole_account(provider, pattern_text) || below_gcp(pattern_text, resource_id),
    }
}

/// Whether everything that `narrow` covers is covered by `wide`. Sound, not complete.
#[must_use]
pub fn pattern_covers(provider: Provider, wide: &str, narrow: &str) -> bool {
    if wide == "*" || wide == narrow {
        return true;
    }
    match provider {
        Provider::Aws => pattern::covers(wide.as_bytes(), narrow.as_bytes(), true, false),
        Provider::Azure | Provider::Gcp => narrow != "*" && pattern_matches(provider, wide, narrow),
    }
}

/// Whether something can match both. Complete, not sound where a pattern is longer than any the clouds take: those overlap.
#[must_use]
pub fn patterns_overlap(provider: Provider, one: &str, other: &str) -> bool {
    if one == "*" || other == "*" || one == other {
        return true;
    }
    match provider {
        Provider::Aws => pattern::overlap(one.as_bytes(), other.as_bytes()),
        Provider::Azure | Provider::Gcp => {
            pattern_matches(provider, one, other) || pattern_matches(provider, other, one)
        }
    }
}

/// Whether a pattern or scope is the whole account: `*`; an Azure root, management group or subscription; a GCP
/// organization, folder or project.
#[must_use]
pub fn is_whole_account(provider: Provider, pattern_text: &str) -> bool {
    match provider {
        Provider::Aws => !pattern_text.is_empty() && pattern_text.bytes().all(|b| b == b'*') || pattern_text == "arn:*",
        Provider::Azure => azure_whole(pattern_text),
        Provider::Gcp => gcp_whole(pattern_text),
    }
}

fn azure_whole(scope: &str) -> bool {
    let scope = scope.trim_end_matches('/');
    if scope.is_empty() || scope == "*" {
        return true;
    }
    let segments: Vec<&str> = scope.trim_start_matches('/').split('/').take(5).collect();
    match segments.as_slice() {
        [first, _] => first.eq_ignore_ascii_case("subscriptions"),
        [first, provider, kind, _] => {
            first.eq_ignore_ascii_case("providers")
                && provider.eq_ignore_ascii_case("Microsoft.Management")
                && kind.eq_ignore_ascii_case("managementGroups")
        }
        _ => false,
    }
}

fn gcp_whole(scope: &str) -> bool {
    let path = scope.strip_prefix("//cloudresourcemanager.googleapis.com/").unwrap_or(scope);
    if path == "*" {
        return true;
    }
    let mut segments = path.split('/');
    let first = segments.next().unwrap_or_default();
    matches!(first, "projects" | "folders" | "organizations") && segments.next().is_some() && segments.next().is_none()
}

fn below_azure(scope: &str, resource: &str) -> bool {
    let scope = scope.trim_end_matches('/');
    let Some(head) = resource.get(..scope.len()) else { return false };
    head.eq_ignore_ascii_case(scope) && matches!(resource.as_bytes().get(scope.len()), None | Some(b'/'))
}

fn below_gcp(scope: &str, resource: &str) -> bool {
    let (scope, resource) = (gcp_path(scope), gcp_path(resource));
    resource.strip_prefix(&*scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Drops `//host/`, which audit logs leave out, and writes a bucket as they do: Cloud Asset Inventory calls it
/// `//storage.googleapis.com/b`, the logs `projects/_/buckets/b`.
fn gcp_path(name: &str) -> Cow<'_, str> {
    match name.strip_prefix("//").and_then(|rest| rest.split_once('/')) {
        Some(("storage.googleapis.com", path)) if !path.starts_with("projects/") => {
            Cow::Owned(format!("projects/_/buckets/{path}"))
        }
        Some((_, path)) => Cow::Borrowed(path),
        None => Cow::Borrowed(name),
    }
}

/// Cuts an ARM id after the top-level resource, or one level deeper where roles are assigned there.
fn azure_container(id: &str) -> &str {
    let lower = id.to_ascii_lowercase();
    let Some(at) = lower.find("/providers/") else { return id };
    let tail = &lower[at + "/providers/".len()..];
    let deep = ["microsoft.keyvault/vaults/", "microsoft.storage/storageaccounts/"].iter().any(|p| tail.starts_with(p));
    let n_segments = match tail.split('/').nth(3) {
        Some("secrets" | "keys" | "certificates") if deep => 5,
        Some("blobservices" | "queueservices" | "fileservices" | "tableservices") if deep => 7,
        _ => 3,
    };
    let end = tail.match_indices('/').nth(n_segments - 1).map_or(tail.len(), |(i, _)| i);
    &id[..at + "/providers/".len() + end]
}

fn azure_kind(id: &str) -> Option<SmolStr> {
    let lower = id.to_ascii_lowercase();
    let at = lower.find("/providers/")?;
    let mut segments = lower[at + "/providers/".len()..].split('/');
    let (provider, kind) = (segments.next()?, segments.next()?);
    (!provider.is_empty() && !kind.is_empty()).then(|| SmolStr::from(format!("{provider}/{kind}")))
}

/// Cuts what is inside a resource that can be granted: objects, versions, keys of service accounts.
fn gcp_container(name: &str) -> &str {
    const INSIDE: [&str; 5] =
        ["/objects/", "/versions/", "/cryptoKeyVersions/", "/managedFolders/", "/snapshots/latest/"];
    let cut = INSIDE.iter().filter_map(|part| name.find(part)).min();
    let keys = name.find("/serviceAccounts/").and_then(|at| name[at..].find("/keys/").map(|k| at + k));
    &name[..cut.into_iter().chain(keys).min().unwrap_or(name.len())]
}

/// The kind of an AWS ARN's container, and of an ARN form such as `arn:${Partition}:s3:::${BucketName}`.
pub(crate) fn aws_kind(arn: &str) -> Option<SmolStr> {
    let arn = Arn::parse(arn)?;
    let kind = match arn.service {
        "s3" if arn.resource.contains(':') || arn.account.is_some() => arn.resource_type(),
        "s3" => Some("bucket"),
        "sqs" => Some("queue"),
        "sns" => Some("topic"),
        "apigateway" => arn.resource.trim_start_matches('/').split('/').next(),
        _ => arn.resource_type(),
    };
    let kind = kind.filter(|kind| !kind.is_empty() && !kind.contains(['$', '*', '?']));
    Some(match kind {
        Some(kind) => SmolStr::from(format!("{}:{}", arn.service, kind.to_ascii_lowercase())),
        None => SmolStr::from(format!("{}:{}", arn.service, arn.service)),
    })
}

/// The kind of the container that a permission's second segment acts on, in Cloud Asset Inventory's form.
pub(crate) fn gcp_kind(service: &str, collection: &str) -> SmolStr {
    let (service, collection) = match (service, collection) {
        ("storage", "objects" | "multipartUploads" | "managedFolders") => ("storage", "buckets"),
        ("secretmanager", "versions") => ("secretmanager", "secrets"),
        ("cloudkms", "cryptoKeyVersions") => ("cloudkms", "cryptoKeys"),
        ("iam", "serviceAccountKeys") => ("iam", "serviceAccounts"),
        ("resourcemanager", other) => ("cloudresourcemanager", other),
        ("cloudsql", other) => ("sqladmin", other),
        other => other,
    };
    SmolStr::from(format!("{service}.googleapis.com/{}", singular(collection)))
}

fn gcp_kind_of(name: &str) -> Option<SmolStr> {
    let host = name.strip_prefix("//").and_then(|rest| rest.split_once('/')).map(|(host, _)| host)?;
    let service = host.split('.').next()?;
    let path = gcp_path(name);
    let collection = gcp_container(&path).rsplit('/').nth(1)?;
    Some(gcp_kind(if service == "cloudresourcemanager" { "resourcemanager" } else { service }, collection))
}

/// `cryptoKeys` → `CryptoKey`, `policies` → `Policy`, `addresses` → `Address`.
fn singular(collection: &str) -> String {
    let stem = if let Some(stem) = collection.strip_suffix("ies") {
        format!("{stem}y")
    } else if let Some(stem) = collection.strip_suffix("sses") {
        format!("{stem}ss")
    } else {
        collection.strip_suffix('s').unwrap_or(collection).to_owned()
    };
    let mut chars = stem.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use schemas::Provider::{Aws, Azure, Gcp};

    use super::*;

    #[test]
    fn a_resource_is_cut_at_what_a_grant_can_name() {
        let cases = [
            (Aws, "arn:aws:s3:::logs/2026/x", "arn:aws:s3:::logs", Some("s3:bucket")),
            (Aws, "arn:aws:s3:::logs", "arn:aws:s3:::logs", Some("s3:bucket")),
            (
                Aws,
                "arn:aws:dynamodb:eu-west-1:1:table/t/index/i",
                "arn:aws:dynamodb:eu-west-1:1:table/t",
                Some("dynamodb:table"),
            ),
            (
                Aws,
                "arn:aws:lambda:eu-west-1:1:function:f:PROD",
                "arn:aws:lambda:eu-west-1:1:function:f",
                Some("lambda:function"),
            ),
            (Aws, "arn:aws:iam::1:role/path/r", "arn:aws:iam::1:role/path/r", Some("iam:role")),
            (Aws, "arn:aws:sqs:eu-west-1:1:q", "arn:aws:sqs:eu-west-1:1:q", Some("sqs:queue")),
            (
                Aws,
                "arn:aws:logs:eu-west-1:1:log-group:g:log-stream:s",
                "arn:aws:logs:eu-west-1:1:log-group:g",
                Some("logs:log-group"),
            ),
            (Aws, "i-0123", "i-0123", None),
            (
                Azure,
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm/extensions/x",
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm",
                Some("microsoft.compute/virtualmachines"),
            ),
            (
                Azure,
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/secrets/a/1234",
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/secrets/a",
                Some("microsoft.keyvault/vaults"),
            ),
            (Azure, "/subscriptions/s/resourceGroups/g", "/subscriptions/s/resourceGroups/g", None),
            (Gcp, "projects/_/buckets/b/objects/o/p", "projects/_/buckets/b", None),
            (Gcp, "//storage.googleapis.com/b", "//storage.googleapis.com/b", Some("storage.googleapis.com/Bucket")),
            (
                Gcp,
                "//secretmanager.googleapis.com/projects/p/secrets/s/versions/1",
                "//secretmanager.googleapis.com/projects/p/secrets/s",
                Some("secretmanager.googleapis.com/Secret"),
            ),
            (
                Gcp,
                "//iam.googleapis.com/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com/keys/k",
                "//iam.googleapis.com/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com",
                Some("iam.googleapis.com/ServiceAccount"),
            ),
        ];
        for (provider, id, cut, kind) in cases {
            assert_eq!(container(provider, id), cut);
            assert_eq!(container_kind(provider, id).as_deref(), kind, "{id}");
        }
    }

    #[test]
    fn a_scope_covers_what_lies_below_it() {
        let vm = "/subscriptions/S/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm";
        assert!(pattern_matches(Azure, "/subscriptions/s/resourcegroups/G", vm));
        assert!(!pattern_matches(Azure, "/subscriptions/s/resourcegroups/G2", vm));
        assert!(!pattern_matches(Azure, "/subscriptions/s/resourceGroups", "/subscriptions/s/resourceGroupsX"));
        assert!(pattern_matches(
            Gcp,
            "//storage.googleapis.com/projects/_/buckets/b",
            "projects/_/buckets/b/objects/o"
        ));
        assert!(pattern_matches(Gcp, "//storage.googleapis.com/b", "projects/_/buckets/b/objects/o"));
        assert!(!pattern_matches(Gcp, "//storage.googleapis.com/projects/_/buckets/b", "projects/_/buckets/bb"));
        assert!(pattern_matches(Aws, "arn:aws:s3:::logs-?/*", "arn:aws:s3:::logs-1/a/b"));
        assert!(!pattern_matches(Aws, "arn:aws:s3:::logs-?/*", "arn:aws:s3:::logs-12/a"));
        assert!(pattern_covers(Aws, "arn:aws:s3:::logs*", "arn:aws:s3:::logs-1/*"));
        assert!(!pattern_covers(Aws, "arn:aws:s3:::logs-1/*", "*"));
    }

    #[test]
    fn a_whole_account_is_recognised() {
        for (provider, scope, whole) in [
            (Azure, "/", true),
            (Azure, "/subscriptions/x", true),
            (Azure, "/providers/Microsoft.Management/managementGroups/m", true),
            (Azure, "/subscriptions/x/resourceGroups/g", false),
            (Gcp, "//cloudresourcemanager.googleapis.com/projects/p", true),
            (Gcp, "//storage.googleapis.com/projects/_/buckets/b", false),
            (Aws, "*", true),
            (Aws, "arn:aws:s3:::*", false),
            (Aws, "", false),
        ] {
            assert_eq!(is_whole_account(provider, scope), whole, "{scope}");
        }
    }
}
