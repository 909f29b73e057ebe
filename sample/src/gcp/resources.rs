//! Names of GCP resources: as audit logs write them, as assets are called.

use crate::{
    ids::{digits, hex, mix},
    world::{Account, Identity, Kind},
};

const TOPIC: [&str; 14] = [
    "orders", "clicks", "prices", "returns", "stock", "search", "mail", "labels", "quotes", "media", "routes",
    "events", "models", "archive",
];
/// The zone and region in use.
pub(super) const ZONE: &str = "europe-west4-a";
/// The region of regional resources.
pub(super) const REGION: &str = "europe-west4";

fn topic(idx: u16) -> &'static str {
    TOPIC[usize::from(idx) % TOPIC.len()]
}

/// A number that stands for one resource of one project.
pub(super) fn noise(kind: Kind, account: &Account, idx: u16) -> u64 {
    mix(mix(account.number.parse().unwrap_or(0), kind.container() as u64), u64::from(idx))
}

/// The numeric id of a resource.
pub(super) fn number(kind: Kind, account: &Account, idx: u16) -> String {
    digits(noise(kind, account, idx), 2, 19)
}

/// The short name.
pub(super) fn name(kind: Kind, account: &Account, idx: u16) -> String {
    let (p, t) = (account.prefix, topic(idx));
    match kind {
        Kind::GcsBucket | Kind::GcsObject => {
            format!("hg-{p}-{t}-{}", hex(noise(kind, account, idx), 1, 5))
        }
        Kind::Gce => format!("{p}-{t}-vm"),
        Kind::Subscription => format!("{t}-worker"),
        Kind::Dataset => format!("{p}_{t}"),
        Kind::BqTable => format!("{}/tables/t{:02}", name(Kind::Dataset, account, idx % Kind::Dataset.pool()), idx),
        Kind::Sink => format!("to-siem-{idx}"),
        Kind::Artifact => format!("{t}-images"),
        _ => format!("{p}-{t}"),
    }
}

/// The `resourceName` an audit entry carries.
pub(super) fn resource_name(kind: Kind, account: &Account, idx: u16, noise: u64) -> String {
    let (project, name) = (account.id, name(kind, account, idx));
    match kind {
        Kind::Gce => format!("projects/{project}/zones/{ZONE}/instances/{name}"),
        Kind::GcsBucket => format!("projects/_/buckets/{name}"),
        Kind::GcsObject => {
            format!(
                "projects/_/buckets/{name}/objects/{}/2026/{:02}/{}.avro",
                topic(idx),
                1 + noise % 10,
                hex(noise, 7, 8)
            )
        }
        Kind::Topic => format!("projects/{project}/topics/{name}"),
        Kind::Subscription => format!("projects/{project}/subscriptions/{name}"),
        Kind::Dataset | Kind::BqTable => format!("projects/{project}/datasets/{name}"),
        Kind::RunService => format!("namespaces/{project}/services/{name}"),
        Kind::Cluster => format!("projects/{project}/zones/{ZONE}/clusters/{name}"),
        Kind::GcpSecret => format!("projects/{}/secrets/{name}", account.number),
        Kind::Sink => format!("projects/{project}/sinks/{name}"),
        Kind::Artifact => format!("projects/{project}/locations/{REGION}/repositories/{name}"),
        _ => format!("projects/{project}"),
    }
}

/// The full resource name of an asset.
pub(super) fn asset(kind: Kind, account: &Account, idx: u16) -> (&'static str, String) {
    let (project, name) = (account.id, name(kind, account, idx));
    let path = resource_name(kind, account, idx, 0);
    match kind {
        Kind::Gce => ("compute.googleapis.com/Instance", format!("//compute.googleapis.com/{path}")),
        Kind::GcsBucket => ("storage.googleapis.com/Bucket", format!("//storage.googleapis.com/{name}")),
        Kind::Topic => ("pubsub.googleapis.com/Topic", format!("//pubsub.googleapis.com/{path}")),
        Kind::Subscription => ("pubsub.googleapis.com/Subscription", format!("//pubsub.googleapis.com/{path}")),
        Kind::Dataset => ("bigquery.googleapis.com/Dataset", format!("//bigquery.googleapis.com/{path}")),
        Kind::BqTable => ("bigquery.googleapis.com/Table", format!("//bigquery.googleapis.com/{path}")),
        Kind::RunService => (
            "run.googleapis.com/Service",
            format!("//run.googleapis.com/projects/{project}/locations/{REGION}/services/{name}"),
        ),
        Kind::Cluster => ("container.googleapis.com/Cluster", format!("//container.googleapis.com/{path}")),
        Kind::GcpSecret => ("secretmanager.googleapis.com/Secret", format!("//secretmanager.googleapis.com/{path}")),
        Kind::Sink => ("logging.googleapis.com/LogSink", format!("//logging.googleapis.com/{path}")),
        Kind::Artifact => {
            ("artifactregistry.googleapis.com/Repository", format!("//artifactregistry.googleapis.com/{path}"))
        }
        _ => (
            "cloudresourcemanager.googleapis.com/Project",
            format!("//cloudresourcemanager.googleapis.com/projects/{project}"),
        ),
    }
}

/// The member an identity is in a policy.
pub(super) fn member(me: &Identity) -> String {
    let kind = if me.persona.subject == crate::world::Subject::ServiceAccount { "serviceAccount" } else { "user" };
    format!("{kind}:{}", me.email)
}
