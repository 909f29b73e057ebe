//! A service control policy over the holder's account, as an entitlement.

use schemas::{Effect, EntitlementKind, Provider, ResourceId};

use super::super::Estate;
use super::build::{HOLDER, Scene, account, entitlement, policy, scenes, set_of_rows, statement};

/// The scene's grants under an SCP that allows all but one action.
fn under(scene: &Scene, denied: &str) -> Estate {
    let mut rows = Vec::new();
    for (at, grant) in scene.grants.iter().enumerate() {
        let mut one = statement(Effect::Allow, &[&grant.action]);
        one.resources = vec![ResourceId::from(grant.on.as_str())];
        let one = policy(Provider::Aws, vec![one]);
        rows.push((entitlement(Provider::Aws, EntitlementKind::IdentityPolicy, at, &one), one));
    }
    let mut all = statement(Effect::Allow, &["*"]);
    all.resources = vec![ResourceId::from("*")];
    let mut but = statement(Effect::Deny, &[denied]);
    but.resources = vec![ResourceId::from("*")];
    let guardrail = policy(Provider::Aws, vec![all, but]);
    rows.push((entitlement(Provider::Aws, EntitlementKind::Scp, rows.len(), &guardrail), guardrail));
    let mut holder = scene.holder.clone();
    holder.grants = vec![(account(Provider::Aws).into(), set_of_rows(Provider::Aws, &rows))];
    let workloads = scene.workload.clone().into_iter().collect();
    Estate::new(Provider::Aws, vec![holder, scene.target.clone(), scene.group.clone()], Some(workloads))
}

#[test]
fn an_scp_ends_a_path() {
    for scene in scenes().into_iter().filter(|scene| scene.provider == Provider::Aws) {
        for what in &scene.path.required {
            let estate = under(&scene, &what.name);
            let found = estate.edges(HOLDER, 1000).iter().any(|edge| edge.path.id == scene.path.id);
            assert!(!found, "{} under an SCP that denies {}", scene.path.id, what.name);
        }
        let estate = under(&scene, "s3:DeleteBucket");
        assert!(estate.edges(HOLDER, 1000).iter().any(|edge| edge.path.id == scene.path.id), "{}", scene.path.id);
    }
}
