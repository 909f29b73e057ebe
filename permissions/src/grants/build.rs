//! From entitlements and policies to a granted set.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{Action, Effect, Entitlement, EntitlementKind, Id128, Policy, PolicyHash, Provider, Text};
use smol_str::SmolStr;

use super::cut::{Allowed, Key};
use super::holder::Holder;
use super::{Area, Atom, GrantSet, aws, azure, gcp};
use crate::aws::evaluate::{CompiledPolicy, PolicyKind, limited_by_rcps};
use crate::catalogue::{Catalogue, Plane, ProviderCatalogue};
use crate::resource;

/// Atoms per set; the rest is left out and named. A set of this size is some 10 MB.
const MAX_ATOMS: usize = 65_536;
/// Pairs of resource pattern and action per set; bounds the time of weighing one at about a second. AWS's own limits on
/// policies keep an identity under a hundredth of it.
const MAX_PAIRS: u64 = 20_000_000;
/// Unmatched names that are remembered per set.
const MAX_UNMATCHED: usize = 64;
/// Compiled policies that are remembered; past it they are compiled anew.
const MAX_KEPT: usize = 8192;

/// What a part is for. Everything in [`Self::Grants`] adds up; of each other layer something must allow as well.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Layer {
    Grants,
    Boundary,
    /// What the policies of resources grant to those whom they name themselves: no boundary limits it.
    Named,
    /// A level of SCPs.
    Scp(SmolStr),
    /// A level of RCPs.
    Rcp(SmolStr),
}

/// One statement for one identity.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) layer: Layer,
    pub(super) denies: bool,
    pub(super) areas: Vec<Area>,
    /// What it rests on and is not known.
    pub(super) doubts: Vec<Text>,
    pub(super) source: Text,
    pub(super) actions: Arc<RoaringBitmap>,
}

/// A policy, compiled, and the actions of each of its statements.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) compiled: CompiledPolicy,
    pub(super) actions: Vec<Arc<RoaringBitmap>>,
    pub(super) asks_who: bool,
}

/// Compiled AWS policies; identities share them.
#[derive(Debug, Default)]
pub(super) struct KeptPolicies(HashMap<(PolicyHash, PolicyKind), Arc<Kept>>);

impl KeptPolicies {
    pub(super) fn get(&mut self, kind: PolicyKind, policy: &Policy, catalogue: &ProviderCatalogue) -> Arc<Kept> {
        let key = (policy.policy_hash.clone(), kind);
        if let Some(kept) = self.0.get(&key) {
            return Arc::clone(kept);
        }
        let kept =
            Arc::new(aws::keep(&policy.policy_hash, kind, policy, |statement| aws_actions(catalogue, statement)));
        if self.0.len() >= MAX_KEPT {
            self.0.clear();
        }
        self.0.insert(key, Arc::clone(&kept));
        kept
    }
}

fn aws_actions(catalogue: &ProviderCatalogue, statement: &schemas::Statement) -> RoaringBitmap {
    let named = |patterns: &[Action]| {
        let mut found = RoaringBitmap::new();
        for pattern in patterns {
            found |= &*catalogue.expand(pattern);
        }
        found
    };
    if statement.actions.is_empty() && !statement.not_actions.is_empty() {
        all(catalogue) - named(&statement.not_actions)
    } else {
        named(&statement.actions)
    }
}

fn all(catalogue: &ProviderCatalogue) -> RoaringBitmap {
    (0..catalogue.len() as u32).collect()
}

/// The scopes of an Azure or GCP grant as areas.
pub(super) fn scopes(provider: Provider, entitlement: &Entitlement) -> Vec<Area> {
    let fold = |text: &str| match provider {
        _ if resource::is_whole_account(provider, text) => SmolStr::new_static("*"),
        Provider::Azure => SmolStr::from(text.trim_end_matches('/').to_ascii_lowercase()),
        Provider::Aws | Provider::Gcp => SmolStr::new(text),
    };
    let scopes: BTreeSet<SmolStr> = entitlement.scopes.iter().map(|scope| fold(scope)).collect();
    if scopes.is_empty() || scopes.contains("*") {
        return vec![Area::of("*")];
    }
    scopes.into_iter().map(Area::of).collect()
}

/// A set in the making.
pub(super) struct Builder<'c> {
    provider: Provider,
    catalogue: &'c ProviderCatalogue,
    parts: Vec<Part>,
    layers: BTreeSet<Layer>,
    /// Layers in which a statement allows anything to anybody.
    allowing: BTreeSet<Layer>,
    everything: Option<Arc<RoaringBitmap>>,
    ignored: BTreeSet<&'static str>,
    unmatched: BTreeSet<SmolStr>,
}

impl<'c> Builder<'c> {
    pub(super) fn new(provider: Provider, catalogue: &'c Catalogue) -> Self {
        Self {
            provider,
            catalogue: catalogue.provider(provider),
            parts: Vec::new(),
            layers: BTreeSet::new(),
            allowing: BTreeSet::new(),
            everything: None,
            ignored: BTreeSet::new(),
            unmatched: BTreeSet::new(),
        }
    }

    pub(super) fn catalogue(&self) -> &'c ProviderCatalogue {
        self.catalogue
    }

    pub(super) fn ignore(&mut self, what: &'static str) {
        self.ignored.insert(what);
    }

    pub(super) fn part(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// The layer of what no boundary limits.
    pub(super) fn named(&mut self) -> Layer {
        self.layers.insert(Layer::Named);
        Layer::Named
    }

    /// Notes that a statement in a layer allows something to somebody.
    pub(super) fn can_allow(&mut self, layer: &Layer) {
        if !self.allowing.contains(layer) {
            self.allowing.insert(layer.clone());
        }
    }

    /// Every action.
    pub(super) fn everything(&mut self) -> Arc<RoaringBitmap> {
        let catalogue = self.catalogue;
        Arc::clone(self.everything.get_or_insert_with(|| Arc::new(all(catalogue))))
    }

    /// Takes one entitlement in; deleted ones grant nothing.
    pub(super) fn add(
        &mut self,
        entitlement: &Entitlement,
        policy: &dyn Fn(&PolicyHash) -> Option<Arc<Policy>>,
        kept: &mut KeptPolicies,
        holder: &Holder,
    ) {
        match entitlement.kind {
            EntitlementKind::Identity | EntitlementKind::Trust => return,
            EntitlementKind::ResourcePolicy if entitlement.is_of_resource() => return self.ignore("resource policy"),
            EntitlementKind::Eligible => return self.ignore("eligible role"),
            EntitlementKind::Scp | EntitlementKind::Rcp if !holder.is_limited() => return,
            _ => {}
        }
        let aws = (self.provider == Provider::Aws).then(|| aws::layer(entitlement)).flatten();
        if let Some((layer, _)) = &aws {
            self.layers.insert(layer.clone());
        }
        for hash in &entitlement.policy_hashes {
            let Some(policy) = policy(hash) else {
                self.ignore("unknown policy");
                if let Some((layer, _)) = &aws {
                    self.doubt_all(layer, entitlement);
                }
                continue;
            };
            if !policy.errors.is_empty() {
                self.ignore("unreadable statement");
            }
            match &aws {
                Some((layer, kind)) => {
                    self.note_unmatched(&policy);
                    let kept = kept.get(*kind, &policy, self.catalogue);
                    aws::parts(self, (layer, entitlement), &policy, &kept, holder);
                }
                None => self.statements(entitlement, &policy),
            }
        }
    }

    fn statements(&mut self, entitlement: &Entitlement, policy: &Policy) {
        let denies = matches!(entitlement.kind, EntitlementKind::DenyAssignment | EntitlementKind::DenyRule);
        for statement in &policy.statements {
            let denies = denies || statement.effect == Effect::Deny;
            match self.provider {
                Provider::Azure => azure::part(self, entitlement, statement, denies),
                Provider::Gcp => gcp::part(self, entitlement, statement, denies),
                Provider::Aws => {}
            }
        }
        if denies && !policy.errors.is_empty() {
            let (areas, actions) = (scopes(self.provider, entitlement), self.everything());
            let doubts = policy.errors.iter().take(1).cloned().collect();
            let source = entitlement.source.clone();
            self.part(Part { layer: Layer::Grants, denies, areas, doubts, source, actions });
        }
    }

    /// A policy that is known to be there but not what it says may allow and may deny anything; of identity policies, what
    /// it allows is not guessed.
    pub(super) fn doubt_all(&mut self, layer: &Layer, entitlement: &Entitlement) {
        let source = entitlement.source_name.as_ref().unwrap_or(&entitlement.source).clone();
        for denies in [true, false] {
            if denies || *layer != Layer::Grants {
                let (areas, doubts) = (aws::reach(&Area::of("*"), entitlement), vec![source.clone()]);
                let actions = self.everything();
                self.part(Part { layer: layer.clone(), denies, areas, doubts, source: source.clone(), actions });
            }
        }
    }

    fn note_unmatched(&mut self, policy: &Policy) {
        for pattern in
            policy.statements.iter().flat_map(|statement| statement.actions.iter().chain(&statement.not_actions))
        {
            self.note(pattern, self.catalogue.expand(pattern).is_empty());
        }
    }

    fn note(&mut self, pattern: &str, names_nothing: bool) {
        if names_nothing && self.unmatched.len() < MAX_UNMATCHED {
            self.unmatched.insert(SmolStr::new(pattern));
        }
    }

    /// All actions that patterns name. In Azure a name stays in the plane of its list, and a pattern that starts
    /// with `*` does not reach into the directory.
    pub(super) fn expand(&mut self, patterns: &[Action], plane: Option<Plane>) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        for pattern in patterns {
            let pattern = self.spelled(pattern);
            let named = self.catalogue.expand(&pattern);
            self.note(&pattern, named.is_empty());
            match plane {
                Some(plane) => {
                    found |= &*named & self.catalogue.of_plane(plane);
                    if plane == Plane::Control && !pattern.starts_with('*') {
                        found |= &*named & self.catalogue.of_plane(Plane::Directory);
                    }
                }
                None => found |= &*named,
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

    /// Narrows what is granted by every layer, takes the denies off and closes the set.
    pub(super) fn finish(mut self) -> GrantSet {
        let limited = self.limited_by_rcps();
        let mut allowed = Allowed::new(self.provider, self.catalogue, MAX_ATOMS);
        let mut n_pairs = 0;
        let parts = std::mem::take(&mut self.parts);
        for part in parts.iter().filter(|part| !part.denies && part.layer == Layer::Grants) {
            if n_pairs < MAX_PAIRS {
                n_pairs += part.actions.len() * part.areas.len() as u64;
                allowed.grant(part);
            } else {
                self.ignore("too many resources");
            }
        }
        for layer in self.layers.iter().filter(|layer| **layer != Layer::Grants) {
            let of_layer = |part: &&Part| !part.denies && part.layer == *layer;
            let parts: Vec<&Part> = parts.iter().filter(of_layer).collect();
            if *layer == Layer::Named {
                parts.iter().for_each(|part| allowed.grant(part));
                continue;
            }
            let is_rcp = matches!(layer, Layer::Rcp(_));
            // RCPs can only deny: a level in which nothing allows has `RCPFullAWSAccess`, which cannot be detached.
            if !is_rcp || self.allowing.contains(layer) || !parts.is_empty() {
                allowed.limit(&parts, is_rcp.then_some(&limited));
            }
        }
        if allowed.is_conditional() {
            self.ignore("condition");
        }
        let denies = parts.iter().filter(|part| part.denies).map(|part| (part, matches!(part.layer, Layer::Rcp(_))));
        if allowed.deny(denies.map(|(part, is_rcp)| (part, is_rcp.then_some(&limited)))) {
            self.ignore("condition in deny");
        }
        if allowed.is_full() {
            self.ignore("too many resources");
        }
        self.close(allowed.into_atoms())
    }

    fn limited_by_rcps(&self) -> RoaringBitmap {
        if !self.layers.iter().any(|layer| matches!(layer, Layer::Rcp(_))) {
            return RoaringBitmap::new();
        }
        self.catalogue.iter().filter(|(_, info)| limited_by_rcps(&info.name)).map(|(idx, _)| idx.0).collect()
    }

    fn close(self, atoms: BTreeMap<Key, Arc<RoaringBitmap>>) -> GrantSet {
        let (mut whole, mut actions) = (RoaringBitmap::new(), RoaringBitmap::new());
        let mut found = Vec::with_capacity(atoms.len());
        for ((area, conditional_on, source), of_atom) in atoms {
            actions |= &*of_atom;
            if area.is_whole() {
                whole |= &*of_atom;
            }
            found.push(Atom { area, conditional_on, source, actions: of_atom });
        }
        let mut set = GrantSet {
            provider: self.provider,
            atoms: found,
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

fn hash(set: &GrantSet) -> Id128 {
    let mut parts: Vec<Vec<u8>> =
        vec![set.provider.as_str().into(), set.ignored.join("\n").into(), set.unmatched.join("\n").into()];
    for atom in &set.atoms {
        let doubts: Vec<&str> = atom.conditional_on.iter().map(|name| name.as_str()).collect();
        parts.push(format!("{}\n{}\n{}", atom.area, doubts.join("\n"), atom.source).into());
        let mut bytes = Vec::with_capacity(atom.actions.serialized_size());
        // Writing to memory does not fail; were it to, the part is empty and the set is merely not shared.
        let _ = atom.actions.serialize_into(&mut bytes);
        parts.push(bytes);
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Id128::of_parts(&parts)
}
