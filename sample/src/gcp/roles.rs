//! The GCP roles in use. Of Google's predefined roles this lists only what the sample's own methods need: an exported
//! policy names such a role and never its contents, so nothing of this list reaches a file.

use crate::world::Rule;

/// What every viewer may do among our methods.
const VIEWER: &[&str] = &[
    "compute.instances.list",
    "compute.instances.get",
    "compute.firewalls.list",
    "storage.buckets.list",
    "pubsub.topics.list",
    "bigquery.jobs.create",
    "run.services.list",
    "run.services.get",
    "container.clusters.list",
    "container.clusters.get",
    "secretmanager.secrets.list",
    "logging.logEntries.list",
    "logging.sinks.list",
    "monitoring.timeSeries.list",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
    "iam.serviceAccounts.list",
    "iam.roles.list",
    "artifactregistry.repositories.downloadArtifacts",
];
/// What an editor may do beyond that.
const EDITOR: &[&str] = &[
    "compute.instances.create",
    "compute.disks.create",
    "compute.subnetworks.use",
    "compute.instances.start",
    "compute.instances.stop",
    "compute.instances.setMetadata",
    "storage.buckets.create",
    "pubsub.topics.publish",
    "pubsub.topics.create",
    "pubsub.subscriptions.consume",
    "run.services.create",
    "run.services.update",
    "secretmanager.secrets.create",
    "iam.serviceAccounts.actAs",
    "iam.serviceAccountKeys.create",
    "cloudbuild.builds.create",
    "artifactregistry.repositories.uploadArtifacts",
];
/// What an owner may do beyond that.
const OWNER: &[&str] =
    &["resourcemanager.projects.setIamPolicy", "logging.sinks.delete", "secretmanager.versions.access"];

/// A custom role of the projects: id, title, permissions.
pub(super) const CUSTOM: &[(&str, &str, &[&str])] = &[
    (
        "orderPipelineWriter",
        "Order pipeline writer",
        &[
            "pubsub.subscriptions.consume",
            "storage.objects.get",
            "storage.objects.create",
            "bigquery.tables.updateData",
        ],
    ),
    (
        "legacyReporting",
        "Legacy reporting",
        &["bigquery.jobs.create", "bigquery.tables.getData", "storage.objects.get"],
    ),
];

/// The permissions of the predefined roles among those our methods need.
const PREDEFINED: &[(&str, &[&[&str]])] = &[
    ("roles/owner", &[VIEWER, EDITOR, OWNER]),
    ("roles/editor", &[VIEWER, EDITOR]),
    ("roles/viewer", &[VIEWER]),
    (
        "roles/bigquery.dataViewer",
        &[&[
            "bigquery.tables.getData",
            "bigquery.tables.list",
            "bigquery.datasets.get",
            "resourcemanager.projects.get",
        ]],
    ),
    ("roles/bigquery.jobUser", &[&["bigquery.jobs.create", "resourcemanager.projects.get"]]),
    ("roles/storage.objectViewer", &[&["storage.objects.get", "storage.objects.list", "resourcemanager.projects.get"]]),
    ("roles/secretmanager.secretAccessor", &[&["secretmanager.versions.access", "resourcemanager.projects.get"]]),
    (
        "roles/run.developer",
        &[&["run.services.get", "run.services.list", "run.services.create", "run.services.update"]],
    ),
    (
        "roles/artifactregistry.writer",
        &[&["artifactregistry.repositories.uploadArtifacts", "artifactregistry.repositories.downloadArtifacts"]],
    ),
    (
        "roles/iam.serviceAccountUser",
        &[&["iam.serviceAccounts.actAs", "iam.serviceAccounts.list", "resourcemanager.projects.get"]],
    ),
    (
        "roles/iam.serviceAccountTokenCreator",
        &[&["iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.list", "resourcemanager.projects.get"]],
    ),
];

/// Whether a role is one of the company's own.
pub(crate) fn is_custom(name: &str) -> bool {
    CUSTOM.iter().any(|(id, _, _)| *id == name)
}

/// The rule of a role; a name outside the tables grants nothing.
pub(crate) fn role_rule(name: &str) -> Rule {
    if let Some((_, _, permissions)) = CUSTOM.iter().find(|(id, _, _)| *id == name) {
        return Rule::allow(permissions);
    }
    let parts = PREDEFINED.iter().find(|(role, _)| *role == name).map_or(&[][..], |(_, parts)| parts);
    Rule { opaque: true, ..Rule::allow(&parts.concat()) }
}
