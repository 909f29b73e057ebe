//! The names of resources, in one spelling each.
//!
//! Names stay as Cloud Audit Logs write them, `projects/p/…` without `//service/`, which is also what IAM conditions
//! compare; `permissions::resource` matches them with the full names of grants. Only where one resource goes by several
//! names, or several by one, they are made equal or told apart:
//!
//! | logged | stored |
//! |---|---|
//! | `//host/projects/…`, `https://…/compute/v1/projects/…` | `projects/…` |
//! | `projects/1/services/[a, b]` | one name for each |
//! | `instances/p:i` (Cloud SQL) | `projects/p/instances/i` |
//! | `managedZones/z` (Cloud DNS) | `projects/<account>/managedZones/z` |
//! | `core/v1/…` (Kubernetes) | `projects/<account>/locations/<location>/clusters/<cluster>/k8s/core/v1/…` |

use permissions::resource::container_kind;
use schemas::{AccountId, Provider, Resource, ResourceId, Text};

use super::record::{Audit, Entry};

/// The most resources of one name `[a, b, …]`; `BatchEnableServices` takes 20.
const MAX_LISTED: usize = 256;

/// The name of a monitored resource that only says that something was audited.
const AUDITED: &str = "audited_resource";

/// What names are read with.
pub(super) struct Names<'a> {
    pub(super) account: &'a AccountId,
    pub(super) entry: &'a Entry<'a>,
    pub(super) service: &'a str,
}

impl Names<'_> {
    /// The resources that the record is about: what `resourceName` names, else what the labels or the request do.
    pub(super) fn main(&self, audit: &Audit<'_>) -> Vec<Resource> {
        let logged = audit.resource_name.get().map(|name| self.canonical(name)).unwrap_or_default();
        let whole_project = logged.as_slice() == [format!("projects/{}", self.account)] || logged.is_empty();
        let names = if whole_project { self.more_exact(audit).map_or(logged, |name| vec![name]) } else { logged };
        let kind = self.kind(audit, names.first().map(String::as_str).unwrap_or_default());
        let resource =
            |name: String| Resource { account_id: owner(&name), id: ResourceId::from(name), kind: kind.clone() };
        names.into_iter().map(resource).collect()
    }

    /// One spelling of a name; several names where it lists them.
    pub(super) fn canonical(&self, name: &str) -> Vec<String> {
        let path = path(name);
        if let Some((prefix, listed)) = path.rsplit_once('[')
            && let Some(listed) = listed.strip_suffix(']')
            && prefix.ends_with('/')
        {
            let items = listed.split(',').map(str::trim).filter(|item| !item.is_empty()).take(MAX_LISTED);
            return items.map(|item| format!("{prefix}{item}")).collect();
        }
        vec![self.one(path)]
    }

    fn one(&self, path: &str) -> String {
        if let Some(rest) = path.strip_prefix("instances/")
            && let Some((project, instance)) = rest.rsplit_once(':')
        {
            return format!("projects/{project}/instances/{instance}");
        }
        if path.starts_with("managedZones/") {
            return format!("projects/{}/{path}", self.account);
        }
        let labels = &self.entry.resource.labels;
        if self.service == "k8s.io"
            && let (Some(cluster), Some(location)) = (labels.cluster_name.get(), labels.location.get())
            && !path.starts_with("projects/")
        {
            return format!("projects/{}/locations/{location}/clusters/{cluster}/k8s/{path}", self.account);
        }
        path.to_owned()
    }

    /// The name of what a project-wide record is about: Cloud SQL and Storage write only the project into some records.
    fn more_exact(&self, audit: &Audit<'_>) -> Option<String> {
        let labels = &self.entry.resource.labels;
        if let Some((project, instance)) = labels.database_id.get().and_then(|id| id.rsplit_once(':')) {
            return Some(format!("projects/{project}/instances/{instance}"));
        }
        if let Some(bucket) = labels.bucket_name.get() {
            return Some(format!("projects/_/buckets/{bucket}"));
        }
        let asked = |path: &[&str]| {
            let found = sonic_rs::get(audit.request.object()?, path).ok()?;
            sonic_rs::from_str::<String>(found.as_raw_str()).ok().filter(|name| is_plain(name))
        };
        match self.service {
            "cloudsql.googleapis.com" => {
                let name = asked(&["body", "name"]).or_else(|| asked(&["resource", "instanceName", "instanceId"]))?;
                Some(format!("projects/{}/instances/{name}", self.account))
            }
            "dataflow.googleapis.com" => {
                let (job, region) = (asked(&["job_id"])?, labels.region.get()?);
                Some(format!("projects/{}/locations/{region}/jobs/{job}", self.account))
            }
            _ => None,
        }
    }

    /// The kind: the monitored resource's, else the checked resource's, else what service and name tell.
    fn kind(&self, audit: &Audit<'_>, name: &str) -> Option<Text> {
        let monitored = self.entry.resource.kind.get().filter(|kind| *kind != AUDITED);
        let checked = || audit.authorization.0.first().and_then(|check| check.attributes.kind.get());
        let told = || {
            // Below the project, and a path of collections and names in turn.
            let is_path = name.split('/').count() > 2 && name.split('/').count().is_multiple_of(2);
            // What a project enables is Service Usage's, also through the older API that owned it
            // (cloud.google.com/service-infrastructure/docs/service-management/reference/rest/v1/services/enable).
            let service = if self.service == "servicemanagement.googleapis.com" {
                "serviceusage.googleapis.com"
            } else {
                self.service
            };
            let full = format!("//{service}/{name}");
            if is_path { container_kind(Provider::Gcp, &full) } else { None }
        };
        monitored.or_else(checked).map(Text::from).or_else(|| told().map(Text::from))
    }
}

/// Whether a name can be a segment of a path.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 256 && !name.contains(['/', ' '])
}

/// A name without scheme, host and API version.
fn path(name: &str) -> &str {
    if let Some(rest) = name.strip_prefix("//") {
        return rest.split_once('/').map_or(name, |(_, path)| path);
    }
    if name.starts_with("https://") {
        return name.find("/projects/").map_or(name, |at| &name[at + 1..]);
    }
    name
}

/// The project that owns a resource, when its name tells the project's id; a project number is no id.
pub(super) fn owner(name: &str) -> Option<AccountId> {
    let project = name.strip_prefix("projects/")?.split('/').next()?;
    let is_id =
        !project.is_empty() && !matches!(project, "_" | "-") && !project.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| AccountId::from(project))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(service: &str, entry: &str, name: &str) -> Vec<String> {
        let entry: Entry<'_> = sonic_rs::from_str(entry).unwrap();
        Names { account: &AccountId::from("p"), entry: &entry, service }.canonical(name)
    }

    #[test]
    fn one_resource_has_one_name() {
        for (service, logged, stored) in [
            ("compute.googleapis.com", "projects/q/zones/z/instances/i", &["projects/q/zones/z/instances/i"][..]),
            (
                "compute.googleapis.com",
                "//compute.googleapis.com/projects/q/zones/z/instances/i",
                &["projects/q/zones/z/instances/i"],
            ),
            (
                "compute.googleapis.com",
                "https://www.googleapis.com/compute/v1/projects/q/zones/z/disks/d",
                &["projects/q/zones/z/disks/d"],
            ),
            ("storage.googleapis.com", "projects/_/buckets/b/objects/o [1]", &["projects/_/buckets/b/objects/o [1]"]),
            ("cloudsql.googleapis.com", "instances/q:i", &["projects/q/instances/i"]),
            ("dns.googleapis.com", "managedZones/z", &["projects/p/managedZones/z"]),
            (
                "servicemanagement.googleapis.com",
                "projects/1/services/[a.x, b.x]",
                &["projects/1/services/a.x", "projects/1/services/b.x"],
            ),
            ("x", "projects/1/services/[]", &[]),
            ("x", "//nothing", &["//nothing"]),
            ("x", "https://x", &["https://x"]),
        ] {
            assert_eq!(canonical(service, "{}", logged), stored, "{logged}");
        }
        let cluster = r#"{"resource":{"type":"k8s_cluster","labels":{"cluster_name":"c","location":"l"}}}"#;
        let pod = canonical("k8s.io", cluster, "core/v1/namespaces/n/pods/x");
        assert_eq!(pod, ["projects/p/locations/l/clusters/c/k8s/core/v1/namespaces/n/pods/x"]);
    }

    #[test]
    fn a_projects_id_is_its_owner_and_its_number_is_not() {
        assert_eq!(owner("projects/p/zones/z"), Some(AccountId::from("p")));
        for name in [
            "projects/123/zones/z",
            "projects/_/buckets/b",
            "projects/-/serviceAccounts/s",
            "projects/",
            "folders/1",
            "",
        ] {
            assert_eq!(owner(name), None, "{name}");
        }
    }
}
