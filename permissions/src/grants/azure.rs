//! Azure: role assignments and deny assignments as parts.

use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{Entitlement, Statement, Text};

use super::build::{Builder, Layer, Part, scopes};
use crate::azure;
use crate::azure::evaluate::SpelledCondition;
use crate::catalogue::{ActionIdx, Plane};
use crate::truth::Truth;

/// Takes one statement of a role or a deny assignment in.
pub(super) fn part(builder: &mut Builder<'_>, entitlement: &Entitlement, statement: &Statement, denies: bool) {
    for (actions, conditions) in blocks(builder, statement) {
        let conditions: Vec<&Text> = conditions.iter().chain(&entitlement.condition).collect();
        for (actions, doubts) in by_condition(builder, actions, &conditions) {
            let areas = scopes(schemas::Provider::Azure, entitlement);
            let source = entitlement.source_name.as_ref().unwrap_or(&entitlement.source).clone();
            builder.part(Part { layer: Layer::Grants, denies, areas, doubts, source, actions: Arc::new(actions) });
        }
    }
}

/// The actions of a statement, each with the condition that its role has on them.
fn blocks(builder: &mut Builder<'_>, statement: &Statement) -> Vec<(RoaringBitmap, Option<Text>)> {
    let control = builder.expand(&statement.actions, Some(Plane::Control));
    let not_control = builder.expand(&statement.not_actions, Some(Plane::Control));
    let data = builder.expand(&statement.data_actions, Some(Plane::Data));
    let not_data = builder.expand(&statement.not_data_actions, Some(Plane::Data));
    let mut found = vec![((control - not_control) | (data - not_data), statement.condition.clone())];
    if let Some(id) = &statement.role {
        match azure::builtin_role(id) {
            Some(role) => found.extend(role.statements.iter().flat_map(|block| blocks(builder, block))),
            None => builder.ignore("unknown role"),
        }
    }
    found
}

/// Splits actions by what conditions say of them: a condition is often about a few of a role's actions only.
fn by_condition(
    builder: &Builder<'_>,
    actions: RoaringBitmap,
    conditions: &[&Text],
) -> Vec<(RoaringBitmap, Vec<Text>)> {
    let mut groups = vec![(actions, Vec::new())];
    for text in conditions {
        let condition = SpelledCondition::read(text);
        let mut split: Vec<(RoaringBitmap, Vec<Text>)> = Vec::new();
        for (actions, doubts) in groups {
            let (mut certain, mut doubted) = (RoaringBitmap::new(), RoaringBitmap::new());
            for idx in &actions {
                let Some(info) = builder.catalogue().get(ActionIdx(idx)) else { continue };
                match condition.is_met(&info.name) {
                    Truth::True => certain.insert(idx),
                    Truth::Unknown => doubted.insert(idx),
                    Truth::False => false,
                };
            }
            let mut more = doubts.clone();
            more.push(condition.name().clone());
            split.push((certain, doubts));
            split.push((doubted, more));
        }
        groups = split;
    }
    groups.retain(|(actions, _)| !actions.is_empty());
    groups
}
