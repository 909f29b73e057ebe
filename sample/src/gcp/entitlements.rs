//! `gcloud projects get-iam-policy`, `gcloud asset search-all-iam-policies`, and the projects' own roles.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    error::SampleError,
    gcp::{
        resources::member,
        roles::{CUSTOM, is_custom},
    },
    ids::word,
    world::{Account, Cloud, GCP_ORG, Grant, World, accounts},
    writer::Writer,
};

/// Writes the three files of every project.
pub(crate) fn write(world: &World, writer: &Writer) -> Result<(), SampleError> {
    for (idx, account) in accounts(Cloud::Gcp).iter().enumerate() {
        let folder = format!("gcp/entitlements/{}", account.id);
        let policy = policy(world, idx, account);
        writer.pretty(&format!("{folder}/iam-policy.json"), "IAM policy", &policy)?;
        let found = json!([{
            "assetType": "cloudresourcemanager.googleapis.com/Project",
            "organization": format!("organizations/{GCP_ORG}"),
            "policy": { "bindings": policy["bindings"] },
            "project": format!("projects/{}", account.number),
            "resource": format!("//cloudresourcemanager.googleapis.com/projects/{}", account.id),
        }]);
        writer.pretty(&format!("{folder}/search-all-iam-policies.json"), "IAM policies", &found)?;
        let roles: Vec<Value> = CUSTOM.iter().map(|(id, title, list)| role(id, title, list, account)).collect();
        writer.pretty(&format!("{folder}/roles.json"), "roles", &roles)?;
    }
    Ok(())
}

fn role_name(name: &str, account: &Account) -> String {
    if is_custom(name) { format!("projects/{}/roles/{name}", account.id) } else { name.to_owned() }
}

fn policy(world: &World, idx: usize, account: &Account) -> Value {
    let mut bindings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for me in world.of_account(Cloud::Gcp, idx) {
        for grant in me.persona.grants {
            if let Grant::Role(name) = grant {
                bindings.entry(role_name(name, account)).or_default().push(member(me));
            }
        }
    }
    for members in bindings.values_mut() {
        members.sort();
    }
    let bindings: Vec<Value> =
        bindings.into_iter().map(|(role, members)| json!({ "members": members, "role": role })).collect();
    json!({ "bindings": bindings, "etag": format!("BwY{}=", word(idx as u64, 1, 8)), "version": 1 })
}

fn role(id: &str, title: &str, permissions: &[&str], account: &Account) -> Value {
    let mut sorted = permissions.to_vec();
    sorted.sort_unstable();
    json!({
        "description": title,
        "etag": format!("BwX{}=", word(id.len() as u64, 2, 8)),
        "includedPermissions": sorted,
        "name": role_name(id, account),
        "stage": "GA",
        "title": title,
    })
}
