//! From entitlements and policies to a granted set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{Action, Effect, Entitlement, EntitlementKind, Id128, Policy, PolicyHash, Provider, Statement, Text};
use smol_str::SmolStr;

use super::{Atom, GrantSet};
use crate::catalogue::{Catalogue, Plane, ProviderCatalogue};
use crate::{azure, gcp, resource};

/// Atoms per set; the rest is left out and named. A set of this size is some 10 MB.
const MAX_ATOMS: usize = 65_536;
/// Pairs of resource pattern and action per set; bounds the time of weighing one at about a second. AWS's own limits on
/// policies keep an identity under a hundredth of it.
const MAX_PAIRS: u64 = 20_000_000;
/// Denies with a pattern that are weighed against each atom; bounds the work at atoms × this.
const MAX_PATTERN_DENIES: usize = 256;
/// Unmatched names that are remembered per set.
const MAX_UNMATCHED: usize = 64;

/// What makes two atoms the same: resource, exceptions, condition, source.
type Key = (SmolStr, Vec<SmolStr>, bool, Text);

/// A set in the making.
pub(super) struct Builder<'c> {
    provider: Provider,
    catalogue: &'c ProviderCatalogue,
    allows: BTreeMap<Key, Arc<RoaringBitmap>>,
    n_pairs: u64,
    denies: BTreeMap<(SmolStr, Vec<SmolStr>), RoaringBitmap>,
    ignored: BTreeSet<&'static str>,
    unmatched: BTreeSet<SmolStr>,
}

impl<'c> Builder<'c> {
    pub(super) fn new(provider: Provider, catalogue: &'c Catalogue) -> Self {
        Self {
            provider,
            catalogue: catalogue.provider(provider),
            allows: BTreeMap::new(),
            n_pairs: 0,
            denies: BTreeMap::new(),
            ignored: BTreeSet::new(),
            unmatched: BTreeSet::new(),
        }
    }

    /// Takes one entitlement in; deleted ones grant nothing.
    pub(super) fn add(&mut self, entitlement: &Entitlement, policy: &dyn Fn(&PolicyHash) -> Option<Arc<Policy>>) {
        if entitlement.deleted_at.is_some() || entitlement.provider != self.provider {
            return;
        }
        let denies = match entitlement.kind {
            EntitlementKind::Identity | EntitlementKind::Trust => return,
            EntitlementKind::Boundary => return self.ignore("boundary"),
            EntitlementKind::Scp => return self.ignore("scp"),
            EntitlementKind::Rcp => return self.ignore("rcp"),
            EntitlementKind::ResourcePolicy => return self.ignore("resource policy"),
            EntitlementKind::Eligible => return self.ignore("eligible role"),
            EntitlementKind::DenyAssignment | EntitlementKind::DenyRule => true,
            EntitlementKind::IdentityPolicy
            | EntitlementKind::GroupPolicy
            | EntitlementKind::RoleAssignment
            | EntitlementKind::Binding => false,
        };
        for hash in &entitlement.policy_hashes {
            let Some(policy) = policy(hash) else {
                self.ignore("unknown policy");
                continue;
            };
            if !policy.errors.is_empty() {
                self.ignore("unreadable statement");
            }
            for statement in &policy.statements {
                self.statement(entitlement, statement, denies || statement.effect == Effect::Deny);
            }
        }
    }

    fn ignore(&mut self, what: &'static str) {
        self.ignored.insert(what);
    }

    fn statement(&mut self, entitlement: &Entitlement, statement: &Statement, denies: bool) {
        let conditional = statement.condition.is_some() || entitlement.condition.is_some();
        if conditional {
            self.ignore(if denies { "condition in deny" } else { "condition" });
        }
        if denies && conditional {
            return;
        }
        let actions = self.actions(statement);
        if actions.is_empty() {
            return;
        }
        let (resources, except) = self.resources(entitlement, statement);
        let actions = Arc::new(actions);
        let source = entitlement.source_name.as_ref().unwrap_or(&entitlement.source);
        let mut grantable = BTreeMap::new();
        for resource in resources {
            let actions = self.grantable(&actions, &resource, &mut grantable);
            if actions.is_empty() {
                continue;
            }
            if denies {
                *self.denies.entry((resource, except.clone())).or_default() |= &*actions;
            } else if self.allows.len() < MAX_ATOMS && self.n_pairs < MAX_PAIRS {
                self.n_pairs += actions.len();
                let key = (resource, except.clone(), conditional, source.clone());
                let held = self.allows.entry(key).or_insert_with(|| Arc::clone(&actions));
                if !Arc::ptr_eq(held, &actions) {
                    *Arc::make_mut(held) |= &*actions;
                }
            } else {
                self.ignore("too many resources");
            }
        }
    }

    /// What of a statement's actions an AWS resource pattern can grant at all; remembered by what of the pattern
    /// decides it.
    fn grantable(
        &self,
        actions: &Arc<RoaringBitmap>,
        resource: &SmolStr,
        by_service: &mut BTreeMap<(SmolStr, bool), Arc<RoaringBitmap>>,
    ) -> Arc<RoaringBitmap> {
        if self.provider != Provider::Aws || resource == "*" {
            return Arc::clone(actions);
        }
        let whole_service = resource.ends_with(":*");
        let service = resource.split(':').nth(2).unwrap_or("*");
        if let Some(found) = by_service.get(&(SmolStr::new(service), whole_service)) {
            return Arc::clone(found);
        }
        let found = Arc::new(&**actions & self.catalogue.grantable_on(resource));
        by_service.insert((SmolStr::new(service), whole_service), Arc::clone(&found));
        found
    }

    /// The actions a statement names, in this provider's language.
    fn actions(&mut self, statement: &Statement) -> RoaringBitmap {
        match self.provider {
            Provider::Aws if statement.actions.is_empty() && !statement.not_actions.is_empty() => {
                let all: RoaringBitmap = (0..self.catalogue.len() as u32).collect();
                all - self.expand(&statement.not_actions, None)
            }
            Provider::Aws => self.expand(&statement.actions, None),
            Provider::Azure => self.azure_actions(statement),
            Provider::Gcp => {
                let mut found = self.expand(&statement.actions, None);
                if let Some(name) = &statement.role {
                    match gcp::predefined_role(name) {
                        Some(permissions) => found |= permissions,
                        None => self.ignore("unknown role"),
                    }
                }
                found
            }
        }
    }

    fn azure_actions(&mut self, statement: &Statement) -> RoaringBitmap {
        let control = self.expand(&statement.actions, Some(Plane::Control));
        let not_control = self.expand(&statement.not_actions, Some(Plane::Control));
        let data = self.expand(&statement.data_actions, Some(Plane::Data));
        let not_data = self.expand(&statement.not_data_actions, Some(Plane::Data));
        let mut found = (control - not_control) | (data - not_data);
        if let Some(id) = &statement.role {
            match azure::builtin_role(id) {
                Some(role) => {
                    for block in &role.statements {
                        if block.condition.is_some() {
                            self.ignore("condition");
                        }
                        found |= self.azure_actions(block);
                    }
                }
                None => self.ignore("unknown role"),
            }
        }
        found
    }

    /// All actions that patterns name. In Azure a wildcard stays in its plane, and one that starts with `*` does not
    /// reach into the directory.
    fn expand(&mut self, patterns: &[Action], plane: Option<Plane>) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        for pattern in patterns {
            let pattern = self.spelled(pattern);
            let named = self.catalogue.expand(&pattern);
            if named.is_empty() && self.unmatched.len() < MAX_UNMATCHED {
                self.unmatched.insert(pattern.clone());
            }
            match plane {
                Some(plane) if pattern.contains('*') => {
                    found |= &*named & self.catalogue.of_plane(plane);
                    if plane == Plane::Control && !pattern.starts_with('*') {
                        found |= &*named & self.catalogue.of_plane(Plane::Directory);
                    }
                }
                _ => found |= &*named,
            }
        }
        found
    }

    /// GCP's deny policies write `cloudresourcemanager.googleapis.com/projects.delete`.
    fn spelled(&self, pattern: &Action) -> SmolStr {
        match (self.provider, pattern.split_once(".googleapis.com/")) {
            (Provider::Gcp, Some(("cloudresourcemanager", rest))) => SmolStr::from(format!("resourcemanager.{rest}")),
            (Provider::Gcp, Some((service, rest))) => SmolStr::from(format!("{service}.{rest}")),
            _ => SmolStr::new(pattern),
        }
    }

    /// The patterns a statement reaches, and what `NotResource` takes out of them.
    fn resources(&mut self, entitlement: &Entitlement, statement: &Statement) -> (Vec<SmolStr>, Vec<SmolStr>) {
        let provider = self.provider;
        let fold = |text: &str| match provider {
            _ if resource::is_whole_account(provider, text) => SmolStr::new_static("*"),
            Provider::Azure => SmolStr::from(text.trim_end_matches('/').to_ascii_lowercase()),
            Provider::Aws | Provider::Gcp => SmolStr::new(text),
        };
        if provider != Provider::Aws {
            let scopes: BTreeSet<SmolStr> = entitlement.scopes.iter().map(|scope| fold(scope)).collect();
            let all = scopes.is_empty() || scopes.contains("*");
            return (if all { vec![SmolStr::new_static("*")] } else { scopes.into_iter().collect() }, Vec::new());
        }
        if statement.resources.is_empty() {
            if statement.not_resources.is_empty() {
                self.ignore("statement without resource");
                return (Vec::new(), Vec::new());
            }
            let except: BTreeSet<SmolStr> = statement.not_resources.iter().map(|r| fold(r)).collect();
            return if except.contains("*") {
                (Vec::new(), Vec::new())
            } else {
                (vec![SmolStr::new_static("*")], except.into_iter().collect())
            };
        }
        let resources: BTreeSet<SmolStr> = statement.resources.iter().map(|r| fold(r)).collect();
        if resources.iter().any(|r| r.contains("${")) {
            self.ignore("policy variable");
        }
        if resources.contains("*") {
            return (vec![SmolStr::new_static("*")], Vec::new());
        }
        (resources.into_iter().collect(), Vec::new())
    }

    /// Takes the denies off and closes the set.
    pub(super) fn finish(mut self) -> GrantSet {
        let everywhere = self.denies.remove(&(SmolStr::new_static("*"), Vec::new())).unwrap_or_default();
        let denies: Vec<Atom> = std::mem::take(&mut self.denies).into_iter().map(deny).collect();
        let patterns: Vec<&Atom> = denies.iter().filter(|d| d.except.is_empty()).take(MAX_PATTERN_DENIES).collect();
        let mut atoms = Vec::with_capacity(self.allows.len());
        for ((resource, except, conditional, source), mut actions) in std::mem::take(&mut self.allows) {
            if !actions.is_disjoint(&everywhere) {
                *Arc::make_mut(&mut actions) -= &everywhere;
            }
            for deny in &patterns {
                let covers = resource::pattern_covers(self.provider, &deny.resource, &resource);
                if covers && !actions.is_disjoint(&deny.actions) {
                    *Arc::make_mut(&mut actions) -= &*deny.actions;
                }
            }
            if !actions.is_empty() {
                atoms.push(Atom { resource, except, conditional, source, actions });
            }
        }
        let partial_denies = self.partial(denies, &atoms);
        self.close(atoms, partial_denies)
    }

    /// The denies that still meet something allowed.
    fn partial(&mut self, denies: Vec<Atom>, atoms: &[Atom]) -> Vec<Atom> {
        let mut granted = RoaringBitmap::new();
        for atom in atoms {
            granted |= &*atom.actions;
        }
        let partial: Vec<Atom> = denies.into_iter().filter(|deny| !deny.actions.is_disjoint(&granted)).collect();
        if !partial.is_empty() {
            self.ignore("deny on some resources");
        }
        partial
    }

    fn close(self, atoms: Vec<Atom>, partial_denies: Vec<Atom>) -> GrantSet {
        let (mut whole, mut actions) = (RoaringBitmap::new(), RoaringBitmap::new());
        for atom in &atoms {
            actions |= &*atom.actions;
            if atom.is_whole() {
                whole |= &*atom.actions;
            }
        }
        let mut set = GrantSet {
            provider: self.provider,
            atoms,
            partial_denies,
            whole,
            actions,
            ignored: self.ignored.into_iter().collect(),
            unmatched: self.unmatched.into_iter().collect(),
            hash: Id128(0),
        };
        set.hash = hash(&set);
        set
    }
}

fn deny(((resource, except), actions): ((SmolStr, Vec<SmolStr>), RoaringBitmap)) -> Atom {
    Atom { resource, except, conditional: false, source: Text::default(), actions: Arc::new(actions) }
}

fn hash(set: &GrantSet) -> Id128 {
    let mut parts: Vec<Vec<u8>> =
        vec![set.provider.as_str().into(), set.ignored.join("\n").into(), set.unmatched.join("\n").into()];
    for atom in set.atoms.iter().chain(&set.partial_denies) {
        parts.push(
            format!("{}\n{}\n{}\n{}", atom.resource, atom.except.join(" "), atom.conditional, atom.source).into(),
        );
        let mut bytes = Vec::with_capacity(atom.actions.serialized_size());
        // Writing to memory does not fail; were it to, the part is empty and the set is merely not shared.
        let _ = atom.actions.serialize_into(&mut bytes);
        parts.push(bytes);
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Id128::of_parts(&parts)
}
