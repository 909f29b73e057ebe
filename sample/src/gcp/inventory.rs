//! `gcloud asset search-all-resources`, one file for each project.

use serde_json::{Value, json};

use crate::{
    error::SampleError,
    gcp::resources::{REGION, asset, name},
    world::{Account, Cloud, GCP_ORG, Kind, World, accounts},
    writer::Writer,
};

const KINDS: [Kind; 12] = [
    Kind::Project,
    Kind::Gce,
    Kind::GcsBucket,
    Kind::Topic,
    Kind::Subscription,
    Kind::Dataset,
    Kind::BqTable,
    Kind::RunService,
    Kind::Cluster,
    Kind::GcpSecret,
    Kind::Sink,
    Kind::Artifact,
];

/// Writes the file of every project, its service accounts included.
pub(crate) fn write(world: &World, writer: &Writer) -> Result<(), SampleError> {
    for (at, account) in accounts(Cloud::Gcp).iter().enumerate() {
        let mut list: Vec<Value> = Vec::new();
        for kind in KINDS {
            for idx in 0..kind.pool() {
                let (asset_type, full) = asset(kind, account, idx);
                list.push(row(asset_type, &full, &name(kind, account, idx), account));
            }
        }
        for me in world.of_account(Cloud::Gcp, at).filter(|me| me.email.ends_with("gserviceaccount.com")) {
            let full = format!("//iam.googleapis.com/projects/{}/serviceAccounts/{}", account.id, me.unique);
            list.push(row("iam.googleapis.com/ServiceAccount", &full, &me.email, account));
        }
        writer.pretty(&format!("gcp/inventory/{}/resources.json", account.id), "resource inventory", &list)?;
    }
    Ok(())
}

fn row(asset_type: &str, full: &str, display: &str, account: &Account) -> Value {
    json!({
        "assetType": asset_type,
        "createTime": "2025-03-19T10:12:44Z",
        "displayName": display,
        "location": REGION,
        "name": full,
        "organization": format!("organizations/{GCP_ORG}"),
        "parentAssetType": "cloudresourcemanager.googleapis.com/Project",
        "parentFullResourceName": format!("//cloudresourcemanager.googleapis.com/projects/{}", account.id),
        "project": format!("projects/{}", account.number),
        "state": "ACTIVE",
    })
}

/// The full resource name under which the inventory lists a resource.
pub(crate) fn id(kind: Kind, account: &Account, idx: u16) -> Option<String> {
    let kind = kind.container();
    KINDS.contains(&kind).then(|| asset(kind, account, idx).1)
}
