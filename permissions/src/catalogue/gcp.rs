//! GCP permissions: the bundled table, and what gcloud prints.

use std::sync::Arc;

use schemas::{AccessLevel, Provider, RiskClass};
use serde::Deserialize;
use smol_str::SmolStr;

use super::action::{ActionInfo, Logged, Plane, RiskSource};
use super::{ExtendError, ProviderCatalogue, risky};
use crate::bundled;
use crate::resource;

static PERMISSIONS: &[u8] = include_bytes!("../../data/gcp_permissions.tsv.gz");

/// Reads the bundled table, one name a line. The line's number is what the table of roles names.
pub(super) fn bundled() -> ProviderCatalogue {
    let text = bundled::unpack(PERMISSIONS);
    ProviderCatalogue::new(Provider::Gcp, bundled::lines(&text).map(action).collect())
}

/// A permission of `gcloud iam list-testable-permissions`, or a role of `gcloud iam roles list` or `describe`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryJson {
    #[serde(default)]
    name: String,
    #[serde(default)]
    included_permissions: Vec<String>,
}

/// Reads a list of permissions or roles, or one role alone.
pub(super) fn from_json(json: &[u8]) -> Result<Vec<ActionInfo>, ExtendError> {
    let shape = |error| ExtendError::Shape(Provider::Gcp, "gcloud iam list-testable-permissions --format json", error);
    let entries: Vec<EntryJson> = match json.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => vec![serde_json::from_slice(json).map_err(shape)?],
        _ => serde_json::from_slice(json).map_err(shape)?,
    };
    let names = entries.into_iter().flat_map(|entry| {
        let own = (!entry.name.contains('/')).then_some(entry.name);
        own.into_iter().chain(entry.included_permissions)
    });
    Ok(names.filter(|name| name.matches('.').count() >= 2).map(|name| action(&name)).collect())
}

fn action(name: &str) -> ActionInfo {
    let mut parts = name.split('.');
    let service = parts.next().unwrap_or_default();
    let kind = parts.next().unwrap_or_default();
    let verb = name.rsplit('.').next().unwrap_or_default();
    let level = level(kind, verb);
    let (risk, risk_source) = risk(name, kind, verb, level);
    let (logged, plane) = logged(name, service, level);
    ActionInfo {
        name: SmolStr::new(name),
        service: SmolStr::new(service),
        level,
        risk,
        risk_source,
        logged,
        plane,
        containers: Arc::from([resource::gcp_kind(service, kind)]),
    }
}

fn level(kind: &str, verb: &str) -> AccessLevel {
    if manages_permissions(kind, verb) {
        return AccessLevel::Permissions;
    }
    if matches!(verb, "createTagBinding" | "deleteTagBinding" | "setLabels" | "setTags") {
        return AccessLevel::Tag;
    }
    risky::looks(verb).unwrap_or(AccessLevel::Write)
}

fn manages_permissions(kind: &str, verb: &str) -> bool {
    let writes = |words: &[&str]| words.contains(&verb);
    verb == "setIamPolicy"
        || verb.ends_with("PolicyBinding") && !verb.starts_with("search")
        || matches!(kind, "roles" | "denypolicies" | "accessPolicies" | "principalaccessboundarypolicies")
            && writes(&["create", "update", "delete", "undelete"])
        || matches!(kind, "rowAccessPolicies")
            && writes(&["create", "update", "delete", "overrideTimeTravelRestrictions"])
        || kind == "policy" && verb == "set"
}

fn risk(name: &str, kind: &str, verb: &str, level: AccessLevel) -> (RiskClass, RiskSource) {
    let mut worst = (risky::of_level(level, risky::destroys(verb)), RiskSource::Name);
    let mut raise = |class: RiskClass, source: RiskSource| {
        if class > worst.0 {
            worst = (class, source);
        }
    };
    if DATA.contains(&name) || (level == AccessLevel::Read && matches!(verb, "getData" | "readRows" | "export")) {
        raise(RiskClass::DataExfiltration, RiskSource::Name);
    }
    if CREDENTIALS.contains(&name)
        || matches!(kind, "secrets") && name.starts_with("container.") && level <= AccessLevel::Read
    {
        raise(RiskClass::CredentialAccess, RiskSource::Name);
    }
    if ESCALATES.contains(&name) {
        raise(RiskClass::Escalation, RiskSource::EscalationPath);
    }
    worst
}

/// Reads of customers' data.
const DATA: [&str; 14] = [
    "bigtable.tables.readRows",
    "cloudkms.cryptoKeyVersions.useToDecrypt",
    "cloudsql.instances.export",
    "compute.disks.useReadOnly",
    "compute.images.useReadOnly",
    "compute.snapshots.useReadOnly",
    "datastore.entities.get",
    "datastore.entities.list",
    "logging.privateLogEntries.list",
    "pubsub.subscriptions.consume",
    "spanner.databases.read",
    "spanner.databases.select",
    "storage.objects.get",
    "storage.objects.list",
];

/// Permissions that hand out a credential or a secret.
const CREDENTIALS: [&str; 11] = [
    "apikeys.keys.create",
    "apikeys.keys.getKeyString",
    "cloudsql.users.update",
    "container.clusters.getCredentials",
    "iam.serviceAccounts.getOpenIdToken",
    "iam.workloadIdentityPoolProviders.create",
    "secretmanager.versions.access",
    "storage.hmacKeys.create",
    "cloudsql.instances.login",
    "compute.instances.osAdminLogin",
    "compute.instances.osLogin",
];

/// Permissions that lead to owner alone, and the one that every path through an attached service account needs.
const ESCALATES: [&str; 13] = [
    "iam.roles.update",
    "iam.serviceAccountKeys.create",
    "iam.serviceAccounts.actAs",
    "iam.serviceAccounts.getAccessToken",
    "iam.serviceAccounts.implicitDelegation",
    "iam.serviceAccounts.setIamPolicy",
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccounts.signJwt",
    "resourcemanager.folders.setIamPolicy",
    "resourcemanager.organizations.setIamPolicy",
    "resourcemanager.projects.setIamPolicy",
    "compute.projects.setCommonInstanceMetadata",
    "deploymentmanager.deployments.create",
];

/// Services whose permissions act on what customers store, so that their use is in Data Access logs.
const DATA_KINDS: [&str; 12] = [
    "storage.objects.",
    "storage.multipartUploads.",
    "bigtable.tables.mutateRows",
    "datastore.entities.",
    "pubsub.topics.publish",
    "pubsub.subscriptions.consume",
    "spanner.sessions.",
    "spanner.databases.write",
    "spanner.databases.read",
    "spanner.databases.select",
    "secretmanager.versions.access",
    "cloudkms.cryptoKeyVersions.useTo",
];

/// Admin Activity logs are on; Data Access logs (reads of settings and all use of data) are off except BigQuery's
/// (cloud.google.com/logging/docs/audit). Signing and token calls of service accounts are Data Access too.
fn logged(name: &str, service: &str, level: AccessLevel) -> (Logged, Plane) {
    let data = DATA_KINDS.iter().any(|kind| name.starts_with(kind));
    let token = name.starts_with("iam.serviceAccounts.")
        && ["getAccessToken", "getOpenIdToken", "signBlob", "signJwt", "implicitDelegation"]
            .iter()
            .any(|v| name.ends_with(v));
    let plane = if data { Plane::Data } else { Plane::Control };
    if service == "bigquery" {
        return (Logged::Management, plane);
    }
    if data || token || level <= AccessLevel::Read {
        return (Logged::DataOffByDefault, plane);
    }
    (Logged::Management, plane)
}
