//! GCP: bindings and deny rules as parts.

use std::sync::Arc;

use schemas::{Entitlement, Provider, Statement};

use super::build::{Builder, Layer, Part, scopes};
use crate::gcp;
use crate::gcp::evaluate::spell_condition;
use crate::truth::Truth;

/// Takes one statement of a role or a deny rule in.
pub(super) fn part(builder: &mut Builder<'_>, entitlement: &Entitlement, statement: &Statement, denies: bool) {
    let mut actions = builder.expand(&statement.actions, None) - builder.expand(&statement.not_actions, None);
    if let Some(name) = &statement.role {
        match gcp::predefined_role(name) {
            Some(permissions) => actions |= permissions,
            None => builder.ignore("unknown role"),
        }
    }
    let mut doubts = Vec::new();
    for text in statement.condition.iter().chain(&entitlement.condition) {
        let (truth, names) = spell_condition(text, denies);
        if truth == Truth::False {
            return;
        }
        doubts.extend(names);
    }
    doubts.sort_unstable();
    doubts.dedup();
    let areas = scopes(Provider::Gcp, entitlement);
    let source = entitlement.source_name.as_ref().unwrap_or(&entitlement.source).clone();
    builder.part(Part { layer: Layer::Grants, denies, areas, doubts, source, actions: Arc::new(actions) });
}
