//! Everything that bears on requests in a tenant, compiled once and found by whom it names.

use std::collections::HashMap;
use std::sync::Arc;

use schemas::Text;
use serde_json::Value;
use smol_str::SmolStr;

use super::assignment::{DenyAssignment, RoleAssignment};
use super::json::{Object, last_segment};
use super::request::{Identity, Request};
use super::role::CompiledRole;
use crate::azure::tiers::{Outside, OutsideKind};

/// Entries per list beyond which the rest is not read and said to be missing; a subscription takes 4,000 assignments, a
/// tenant with hundreds of subscriptions stays below.
const MAX_ENTRIES: usize = 1 << 20;

/// The documents that policies are made of, each as `az … list` prints it or as Azure Resource Manager returns it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Documents<'d> {
    /// Custom roles; built-in ones are known.
    pub role_definitions: &'d [Value],
    /// Active role assignments, those of Privileged Identity Management among them.
    pub role_assignments: &'d [Value],
    /// Assignments that their holders have yet to activate (Privileged Identity Management).
    pub eligible_assignments: &'d [Value],
    /// Deny assignments.
    pub deny_assignments: &'d [Value],
    /// Classic administrators of subscriptions.
    pub classic_administrators: &'d [Value],
}

/// Compiled documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policies {
    active: Assignments,
    eligible: Assignments,
    denies: Vec<DenyAssignment>,
    denies_by_identity: HashMap<SmolStr, Vec<u32>>,
    denies_for_anybody: Vec<u32>,
    classic: Vec<Outside>,
    errors: Vec<Text>,
}

/// Role assignments by whom they are assigned to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Assignments {
    all: Vec<RoleAssignment>,
    by_identity: HashMap<SmolStr, Vec<u32>>,
}

impl Policies {
    /// Compiles documents. Never fails: what cannot be read is in [`Self::errors`], grants nothing, and where it may deny
    /// makes verdicts conditional on it.
    #[must_use]
    pub fn compile(documents: Documents<'_>) -> Self {
        let mut this = Self::default();
        let roles = Roles::compile(documents.role_definitions, &mut this.errors);
        this.active = this.assignments("role_assignments", documents.role_assignments, &roles);
        this.eligible = this.assignments("eligible_assignments", documents.eligible_assignments, &roles);
        for (at, value) in this.entries("deny_assignments", documents.deny_assignments) {
            let deny = DenyAssignment::compile(value, &format!("`deny_assignments[{at}]`"), &mut this.errors);
            this.add_deny(deny);
        }
        let classic = this.entries("classic_administrators", documents.classic_administrators);
        this.classic = classic.map(|(_, value)| classic_administrator(value)).collect();
        this
    }

    /// What could not be read, each with its place.
    #[must_use]
    pub fn errors(&self) -> &[Text] {
        &self.errors
    }

    pub(super) fn active(&self) -> &Assignments {
        &self.active
    }

    pub(super) fn eligible(&self) -> &Assignments {
        &self.eligible
    }

    pub(super) fn classic(&self) -> &[Outside] {
        &self.classic
    }

    /// The deny assignments that may name an identity, those for everybody first.
    pub(super) fn denies<'p>(&'p self, identity: &'p Identity) -> impl Iterator<Item = &'p DenyAssignment> {
        let named = identity.ids().iter().filter_map(|id| self.denies_by_identity.get(id)).flatten();
        self.denies_for_anybody.iter().chain(named).map(|at| &self.denies[*at as usize])
    }

    /// All deny assignments, in the order of the documents.
    pub(super) fn all_denies(&self) -> &[DenyAssignment] {
        &self.denies
    }

    fn add_deny(&mut self, deny: DenyAssignment) {
        let at = self.denies.len() as u32;
        if deny.is_for_anybody() {
            self.denies_for_anybody.push(at);
        } else {
            for id in &deny.identities {
                let places = self.denies_by_identity.entry(id.clone()).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
            }
        }
        self.denies.push(deny);
    }

    fn assignments(&mut self, list: &str, documents: &[Value], roles: &Roles) -> Assignments {
        let mut assignments = Assignments::default();
        for (at, value) in self.entries(list, documents) {
            let place = format!("`{list}[{at}]`");
            match RoleAssignment::compile(value, &place, |id| roles.find(id), &mut self.errors) {
                Ok(assignment) => assignments.add(assignment),
                Err(why) => self.errors.push(format!("{place}: {why}").into()),
            }
        }
        assignments
    }

    fn entries<'d>(
        &mut self,
        list: &str,
        documents: &'d [Value],
    ) -> impl Iterator<Item = (usize, &'d Value)> + use<'d> {
        if documents.len() > MAX_ENTRIES {
            self.errors.push(format!("`{list}`: {} entries, more than {MAX_ENTRIES}", documents.len()).into());
        }
        documents.iter().take(MAX_ENTRIES).enumerate()
    }
}

impl Assignments {
    /// Those of an identity and its groups, in the order of the documents for each.
    pub(super) fn of<'p>(&'p self, identity: &'p Identity) -> impl Iterator<Item = &'p RoleAssignment> {
        let places = identity.ids().iter().filter_map(|id| self.by_identity.get(id)).flatten();
        places.map(|at| &self.all[*at as usize])
    }

    /// Those of an identity that do or may grant a request, in the order of the documents.
    pub(super) fn granting(&self, request: &Request, grants: impl Fn(&RoleAssignment) -> bool) -> Vec<&RoleAssignment> {
        let places = request.identity.ids().iter().filter_map(|id| self.by_identity.get(id)).flatten();
        let mut places: Vec<u32> = places.copied().filter(|at| grants(&self.all[*at as usize])).collect();
        places.sort_unstable();
        places.into_iter().map(|at| &self.all[at as usize]).collect()
    }

    fn add(&mut self, assignment: RoleAssignment) {
        let at = self.all.len() as u32;
        self.by_identity.entry(assignment.identity.clone()).or_default().push(at);
        self.all.push(assignment);
    }
}

/// Custom roles by GUID and by name in lower case.
struct Roles {
    by_key: HashMap<String, Arc<CompiledRole>>,
}

impl Roles {
    fn compile(definitions: &[Value], errors: &mut Vec<Text>) -> Self {
        let mut by_key = HashMap::new();
        for (at, definition) in definitions.iter().take(MAX_ENTRIES).enumerate() {
            let role = Arc::new(CompiledRole::compile(definition, &format!("`role_definitions[{at}]`"), errors));
            by_key.entry(role.name().to_lowercase()).or_insert_with(|| Arc::clone(&role));
            for key in ["name", "id"] {
                if let Some(id) = definition.get(key).and_then(Value::as_str) {
                    by_key.insert(last_segment(id).to_lowercase(), Arc::clone(&role));
                }
            }
        }
        Self { by_key }
    }

    fn find(&self, id: &str) -> Option<Arc<CompiledRole>> {
        let own = self.by_key.get(last_segment(id).to_lowercase().as_str()).map(Arc::clone);
        own.or_else(|| CompiledRole::builtin(id))
    }
}

fn classic_administrator(value: &Value) -> Outside {
    let object = Object::new(value).unwrap_or_else(|_| Object::empty());
    let text = |key: &str| object.text(key).ok().flatten().unwrap_or("?");
    let name = format!("{} ({})", text("emailAddress"), text("role"));
    Outside { kind: OutsideKind::ClassicAdministrator, name: name.into(), tier: None, may_elevate: false }
}
