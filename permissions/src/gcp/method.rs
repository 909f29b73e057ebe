//! Which permissions a method checks, for records that do not say it in `authorizationInfo`.

use std::collections::HashMap;
use std::sync::LazyLock;

use schemas::{Action, ActionKnown, Provider};
use smol_str::SmolStr;

use crate::bundled;
use crate::catalogue::{ActionIdx, Catalogue};

static METHODS: &[u8] = include_bytes!("../../data/gcp_methods.tsv.gz");

/// The permissions of a method, the most specific first, and how sure they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodPermissions {
    /// The permissions; the first is the method's own. A table cannot tell which of the others a call checked, so only
    /// the first counts as used.
    pub permissions: Vec<Action>,
    /// Mapped, assumed or unknown.
    pub known: ActionKnown,
}

static TABLE: LazyLock<HashMap<SmolStr, Vec<SmolStr>>> = LazyLock::new(|| {
    let text = bundled::unpack(METHODS);
    let rows = bundled::lines(&text).filter_map(|line| line.split_once('\t'));
    rows.map(|(method, used)| (SmolStr::new(method), used.split(',').map(SmolStr::new).collect())).collect()
});

/// Says which permissions a method checks, from an audit log's `serviceName` and `methodName`. The logs name methods in
/// three ways: as the permission itself (`storage.objects.get`), as a REST method with a version
/// (`v1.compute.instances.insert`, `beta.compute…`), and as a full RPC name
/// (`google.iam.admin.v1.CreateServiceAccountKey`, `google.cloud.functions.v1.CloudFunctionsService.CreateFunction`).
#[must_use]
pub fn method_permissions(service_name: &str, method_name: &str) -> MethodPermissions {
    let catalogue = Catalogue::bundled().provider(Provider::Gcp);
    let plain = without_version(method_name);
    if let Some((_, used)) = SPECIAL.iter().find(|(method, _)| *method == method_name || *method == plain) {
        return MethodPermissions { permissions: vec![Action::from(*used)], known: ActionKnown::Mapped };
    }
    let service = permission_service(service_name);
    if let Some(used) = TABLE.get(plain) {
        return MethodPermissions { permissions: own_first(plain, used), known: ActionKnown::Mapped };
    }
    if let Some(idx) = catalogue.lookup(plain) {
        let permission = Action::from(catalogue.action(idx).name.clone());
        return MethodPermissions { permissions: vec![permission], known: ActionKnown::Mapped };
    }
    match by_rule(service, plain) {
        Some(permission) => MethodPermissions { permissions: vec![permission], known: ActionKnown::Assumed },
        None => MethodPermissions { permissions: Vec::new(), known: ActionKnown::Unknown },
    }
}

/// Methods whose permission no table names and no rule finds.
const SPECIAL: [(&str, &str); 19] = [
    ("storage.setIamPermissions", "storage.buckets.setIamPolicy"),
    ("storage.getIamPermissions", "storage.buckets.getIamPolicy"),
    ("google.storage.buckets.get", "storage.buckets.get"),
    ("google.iam.admin.v1.CreateServiceAccount", "iam.serviceAccounts.create"),
    ("google.iam.admin.v1.DeleteServiceAccount", "iam.serviceAccounts.delete"),
    ("google.iam.admin.v1.CreateServiceAccountKey", "iam.serviceAccountKeys.create"),
    ("google.iam.admin.v1.DeleteServiceAccountKey", "iam.serviceAccountKeys.delete"),
    ("google.iam.admin.v1.DisableServiceAccount", "iam.serviceAccounts.disable"),
    ("google.iam.admin.v1.SetIAMPolicy", "iam.serviceAccounts.setIamPolicy"),
    ("Encrypt", "cloudkms.cryptoKeyVersions.useToEncrypt"),
    ("Decrypt", "cloudkms.cryptoKeyVersions.useToDecrypt"),
    ("AsymmetricSign", "cloudkms.cryptoKeyVersions.useToSign"),
    ("GenerateAccessToken", "iam.serviceAccounts.getAccessToken"),
    ("GenerateIdToken", "iam.serviceAccounts.getOpenIdToken"),
    ("SignJwt", "iam.serviceAccounts.signJwt"),
    ("SignBlob", "iam.serviceAccounts.signBlob"),
    ("google.logging.v2.ConfigServiceV2.DeleteSink", "logging.sinks.delete"),
    ("google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion", "secretmanager.versions.access"),
    ("jobservice.jobcompleted", "bigquery.jobs.create"),
];

/// The first word of a service's permissions, where it is not the first label of its host.
fn permission_service(service_name: &str) -> &str {
    match service_name.split('.').next().unwrap_or_default() {
        "bigtableadmin" | "bigtabledata" => "bigtable",
        "cloudresourcemanager" => "resourcemanager",
        "iamcredentials" => "iam",
        "sqladmin" => "cloudsql",
        "servicenetworking" => "servicenetworking",
        "servicecontrol" => "servicemanagement",
        "firestore" => "datastore",
        label => label,
    }
}

/// Cuts a leading `v1.`, `beta.`, `alpha.` as Compute's log does.
fn without_version(method: &str) -> &str {
    let Some((first, rest)) = method.split_once('.') else { return method };
    let version = matches!(first, "beta" | "alpha")
        || first.strip_prefix('v').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
    if version && rest.contains('.') { rest } else { method }
}

/// Puts the permission of the method's own collection and verb first: of `compute.subnetworks.patch` that is
/// `compute.subnetworks.update`.
fn own_first(method: &str, used: &[SmolStr]) -> Vec<Action> {
    let mut words = method.rsplit('.');
    let verb = match words.next().unwrap_or_default() {
        "insert" => "create",
        "patch" => "update",
        verb => verb,
    };
    let collection = words.next().unwrap_or_default();
    let foreign = |name: &SmolStr| {
        let mut parts = name.split('.').skip(1);
        (parts.next() != Some(collection), parts.next() != Some(verb))
    };
    let mut ordered: Vec<&SmolStr> = used.iter().collect();
    ordered.sort_by_key(|name| foreign(name));
    ordered.into_iter().map(|name| Action::from(name.clone())).collect()
}

/// `…Service.CreateFunction` of `cloudfunctions` → `cloudfunctions.functions.create`, if there is such a permission.
fn by_rule(service: &str, method: &str) -> Option<Action> {
    const VERBS: [(&str, &str); 12] = [
        ("Create", "create"),
        ("Insert", "create"),
        ("Delete", "delete"),
        ("Update", "update"),
        ("Patch", "update"),
        ("Get", "get"),
        ("List", "list"),
        ("Cancel", "cancel"),
        ("Run", "run"),
        ("Enable", "enable"),
        ("Disable", "disable"),
        ("Deploy", "deploy"),
    ];
    let catalogue = Catalogue::bundled().provider(Provider::Gcp);
    let last = method.rsplit('.').next()?;
    if matches!(last, "SetIamPolicy" | "GetIamPolicy") {
        return iam_policy(service, last);
    }
    let node_pools = last.ends_with("NodePool") && !last.starts_with(['G', 'L']);
    if service == "container" && (last.starts_with("Set") || last.starts_with("Update") || node_pools) {
        return Some(Action::from("container.clusters.update"));
    }
    let last = last.strip_prefix("Batch").unwrap_or(last);
    let (word, verb) = VERBS.iter().find(|(word, _)| last.len() > word.len() && last.starts_with(word))?;
    let thing = &last[word.len()..];
    let mut chars = thing.chars();
    let camel: String = chars.next()?.to_lowercase().chain(chars).collect();
    let plurals =
        [format!("{camel}s"), camel.clone(), camel.strip_suffix('y').map(|s| format!("{s}ies")).unwrap_or_default()];
    // Service Management's older API switches services on and off with Service Usage's permissions.
    let services = if service == "servicemanagement" { ["serviceusage", service] } else { [service, service] };
    let names =
        services.iter().flat_map(|service| plurals.iter().map(move |plural| format!("{service}.{plural}.{verb}")));
    let found = names.filter_map(|name| catalogue.lookup(&name)).next()?;
    Some(Action::from(catalogue.action(found).name.clone()))
}

/// `SetIamPolicy` does not say on what; it is known where the service has one kind only that takes policies, and for
/// projects, whose policies are what is set most.
fn iam_policy(service: &str, method: &str) -> Option<Action> {
    let catalogue = Catalogue::bundled().provider(Provider::Gcp);
    let verb = if method == "SetIamPolicy" { "setIamPolicy" } else { "getIamPolicy" };
    if service == "resourcemanager" {
        return Some(Action::from(format!("resourcemanager.projects.{verb}")));
    }
    let all = catalogue.expand(&format!("{service}.*.{verb}"));
    let only = (all.len() == 1).then(|| all.min()).flatten()?;
    Some(Action::from(catalogue.action(ActionIdx(only)).name.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_become_permissions() {
        for (service, method, permission, known) in [
            (
                "compute.googleapis.com",
                "v1.compute.instances.insert",
                Some("compute.instances.create"),
                ActionKnown::Mapped,
            ),
            ("storage.googleapis.com", "storage.objects.get", Some("storage.objects.get"), ActionKnown::Mapped),
            (
                "storage.googleapis.com",
                "storage.setIamPermissions",
                Some("storage.buckets.setIamPolicy"),
                ActionKnown::Mapped,
            ),
            (
                "iam.googleapis.com",
                "google.iam.admin.v1.CreateServiceAccountKey",
                Some("iam.serviceAccountKeys.create"),
                ActionKnown::Mapped,
            ),
            (
                "cloudfunctions.googleapis.com",
                "google.cloud.functions.v1.CloudFunctionsService.CreateFunction",
                Some("cloudfunctions.functions.create"),
                ActionKnown::Assumed,
            ),
            ("k8s.io", "io.k8s.core.v1.pods.exec.create", None, ActionKnown::Unknown),
            ("x", "", None, ActionKnown::Unknown),
        ] {
            let found = method_permissions(service, method);
            assert_eq!((found.permissions.first().map(|p| p.as_str()), found.known), (permission, known), "{method}");
        }
    }
}
