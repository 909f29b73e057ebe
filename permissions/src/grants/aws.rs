//! AWS: identity policies, boundary, SCPs and RCPs as parts.

use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{Effect, Entitlement, EntitlementKind, Policy, Statement};
use smol_str::SmolStr;

use super::Area;
use super::build::{Builder, Kept, Layer, Part};
use super::holder::Holder;
use crate::aws::evaluate::{CompiledPolicy, PolicyKind, Spelled, SpelledResources};

/// The layer of an entitlement and the kind of its policies; `None` for what grants and limits nothing by itself.
pub(super) fn layer(entitlement: &Entitlement) -> Option<(Layer, PolicyKind)> {
    // `scp:<level>:<target>`: the policies of one level stand in for each other, and every level must allow.
    let level = || SmolStr::new(entitlement.source.split(':').nth(1).unwrap_or_default());
    match entitlement.kind {
        EntitlementKind::IdentityPolicy | EntitlementKind::GroupPolicy => Some((Layer::Grants, PolicyKind::Identity)),
        EntitlementKind::Boundary => Some((Layer::Boundary, PolicyKind::Boundary)),
        EntitlementKind::ResourcePolicy => Some((Layer::Grants, PolicyKind::Resource)),
        EntitlementKind::Scp => Some((Layer::Scp(level()), PolicyKind::Scp)),
        EntitlementKind::Rcp => Some((Layer::Rcp(level()), PolicyKind::Rcp)),
        _ => None,
    }
}

/// Compiles a policy and expands its actions, once for all identities.
pub(super) fn keep(
    name: &str,
    kind: PolicyKind,
    policy: &Policy,
    actions: impl FnMut(&Statement) -> RoaringBitmap,
) -> Kept {
    let compiled = CompiledPolicy::of_policy(name, kind, policy);
    let actions = policy.statements.iter().map(actions).map(Arc::new).collect();
    Kept { asks_who: compiled.asks_who(), compiled, actions }
}

/// The parts of one policy for one identity.
pub(super) fn parts(
    builder: &mut Builder<'_>,
    (layer, entitlement): (&Layer, &Entitlement),
    policy: &Policy,
    kept: &Kept,
    holder: &Holder,
) {
    if policy.statements.iter().any(|statement| statement.effect == Effect::Allow) {
        builder.can_allow(layer);
    }
    let is_lost = policy.statements.is_empty() && !policy.errors.is_empty();
    if is_lost && *layer != Layer::Grants {
        return builder.doubt_all(layer, entitlement);
    }
    for spelled in kept.compiled.spell(kept.actions.len(), holder.identity.as_ref(), &holder.context) {
        let actions = match spelled.at.and_then(|at| kept.actions.get(at)) {
            Some(actions) => Arc::clone(actions),
            None => builder.everything(),
        };
        let mut areas = areas(&spelled);
        let mut layer = layer.clone();
        if entitlement.kind == EntitlementKind::ResourcePolicy {
            areas = areas.iter().flat_map(|area| reach(area, entitlement)).collect();
            if spelled.is_direct && !spelled.denies {
                layer = builder.named();
            }
        }
        let source = entitlement.source_name.as_ref().unwrap_or(&entitlement.source).clone();
        let Spelled { denies, mut doubts, .. } = spelled;
        doubts.extend(entitlement.condition.clone());
        builder.part(Part { layer, denies, areas, doubts, source, actions });
    }
}

/// What of an area a policy can be about: where it is that of a resource, the resource and, in a bucket, its objects.
pub(super) fn reach(area: &Area, entitlement: &Entitlement) -> Vec<Area> {
    if entitlement.kind != EntitlementKind::ResourcePolicy {
        return vec![area.clone()];
    }
    let patterns = entitlement.scopes.iter().flat_map(|arn| {
        let objects = arn.starts_with("arn:aws:s3:::").then(|| SmolStr::from(format!("{arn}/*")));
        [Some(SmolStr::new(arn.as_str())), objects]
    });
    patterns.flatten().filter_map(|pattern| area.within(schemas::Provider::Aws, &pattern)).collect()
}

fn areas(spelled: &Spelled) -> Vec<Area> {
    match &spelled.resources {
        SpelledResources::These(patterns) => patterns.iter().map(|pattern| Area::of(folded(pattern))).collect(),
        SpelledResources::AllBut(patterns) if patterns.iter().any(|pattern| folded(pattern) == "*") => Vec::new(),
        SpelledResources::AllBut(patterns) => vec![Area::all_but(patterns.iter().cloned())],
    }
}

fn folded(pattern: &SmolStr) -> SmolStr {
    let whole = crate::resource::is_whole_account(schemas::Provider::Aws, pattern);
    if whole { SmolStr::new_static("*") } else { pattern.clone() }
}
