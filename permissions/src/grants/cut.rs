//! What is allowed, narrowed by what must allow as well and by what denies.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{Provider, Text};
use smol_str::SmolStr;

use super::Area;
use super::area::Rest;
use super::build::Part;
use crate::catalogue::ProviderCatalogue;

/// What makes two atoms the same: area, conditions, source.
pub(super) type Key = (Area, Vec<Text>, Text);

/// Something that denies.
type Deny = (Area, Vec<Text>);

/// The atoms of a set in the making.
pub(super) struct Allowed<'c> {
    provider: Provider,
    catalogue: &'c ProviderCatalogue,
    atoms: BTreeMap<Key, Arc<RoaringBitmap>>,
    max_atoms: usize,
    full: bool,
}

impl<'c> Allowed<'c> {
    pub(super) fn new(provider: Provider, catalogue: &'c ProviderCatalogue, max_atoms: usize) -> Self {
        Self { provider, catalogue, atoms: BTreeMap::new(), max_atoms, full: false }
    }

    /// Whether something rests on what is not known.
    pub(super) fn is_conditional(&self) -> bool {
        self.atoms.keys().any(|(_, doubts, _)| !doubts.is_empty())
    }

    /// Whether something was left out at the bound.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn into_atoms(self) -> BTreeMap<Key, Arc<RoaringBitmap>> {
        self.atoms
    }

    /// Adds what a part allows.
    pub(super) fn grant(&mut self, part: &Part) {
        let mut remembered = BTreeMap::new();
        for area in &part.areas {
            let actions = self.grantable(&part.actions, &area.resource, &mut remembered);
            self.put((area.clone(), part.doubts.clone(), part.source.clone()), actions);
        }
    }

    /// Keeps what one of the parts allows too; `only` names the actions that the layer is about.
    pub(super) fn limit(&mut self, parts: &[&Part], only: Option<&RoaringBitmap>) {
        let is_open = |part: &Part| part.doubts.is_empty() && part.areas.iter().any(Area::is_whole);
        let mut open = RoaringBitmap::new();
        for part in parts.iter().filter(|part| is_open(part)) {
            open |= &*part.actions;
        }
        for (key, actions) in std::mem::take(&mut self.atoms) {
            let mut kept = &*actions & &open;
            if let Some(only) = only {
                kept |= &*actions - only;
            }
            if kept == *actions {
                self.put(key, actions);
                continue;
            }
            let rest = &*actions - &kept;
            self.put(key.clone(), Arc::new(kept));
            for part in parts.iter().filter(|part| !is_open(part)) {
                self.share(&key, &rest & &*part.actions, part);
            }
        }
    }

    fn share(&mut self, (area, doubts, source): &Key, actions: RoaringBitmap, part: &Part) {
        if actions.is_empty() {
            return;
        }
        let actions = Arc::new(actions);
        let doubts = union(doubts, &part.doubts);
        for other in &part.areas {
            let Some(both) = area.and(self.provider, other) else { continue };
            let possible = self.possible(&actions, &both, |pattern| self.catalogue.grantable_on(pattern));
            self.put((both, doubts.clone(), source.clone()), possible);
        }
    }

    /// Takes away what parts deny; says whether one may deny something that is allowed.
    pub(super) fn deny<'p>(&mut self, parts: impl Iterator<Item = (&'p Part, Option<&'p RoaringBitmap>)>) -> bool {
        let mut denies: BTreeMap<Deny, RoaringBitmap> = BTreeMap::new();
        for (part, only) in parts {
            for area in &part.areas {
                let mut actions = (*part.actions).clone();
                if let Some(only) = only {
                    actions &= only;
                }
                if self.provider == Provider::Aws && area.resource != "*" {
                    actions &= self.catalogue.deniable_on(&area.resource);
                }
                *denies.entry((area.clone(), part.doubts.clone())).or_default() |= actions;
            }
        }
        let (certain, doubted): (Vec<_>, Vec<_>) = denies.into_iter().partition(|((_, doubts), _)| doubts.is_empty());
        for ((area, _), actions) in &certain {
            self.cut(area, actions, None);
        }
        let mut may_deny = false;
        for ((area, doubts), actions) in &doubted {
            may_deny |= self.cut(area, actions, Some(doubts));
        }
        may_deny
    }

    /// Takes an area away from some actions, or makes it conditional there; says whether it met anything.
    fn cut(&mut self, area: &Area, denied: &RoaringBitmap, doubts: Option<&Vec<Text>>) -> bool {
        let met: Vec<Key> =
            self.atoms.iter().filter(|(_, actions)| !actions.is_disjoint(denied)).map(|(key, _)| key.clone()).collect();
        let mut found = false;
        for key in met {
            let Some(common) = key.0.and(self.provider, area) else { continue };
            let Some(actions) = self.atoms.remove(&key) else { continue };
            found = true;
            let hit = Arc::new(&*actions & denied);
            self.put(key.clone(), Arc::new(&*actions - denied));
            for left in self.left(&key.0, area) {
                let possible = self.possible(&hit, &left, |pattern| self.catalogue.deniable_on(pattern));
                self.put((left, key.1.clone(), key.2.clone()), possible);
            }
            if let Some(doubts) = doubts {
                let possible = self.possible(&hit, &common, |pattern| self.catalogue.grantable_on(pattern));
                self.put((common, union(&key.1, doubts), key.2.clone()), possible);
            }
        }
        found
    }

    /// The parts of an area that lie outside another, which is one pattern or everything but some.
    fn left(&self, of: &Area, without: &Area) -> Vec<Area> {
        if without.except.is_empty() {
            return match of.without(self.provider, &without.resource) {
                Rest::All => vec![of.clone()],
                Rest::Some(left) => vec![left],
                Rest::Nothing => Vec::new(),
            };
        }
        without.except.iter().filter_map(|pattern| of.within(self.provider, pattern)).collect()
    }

    fn put(&mut self, key: Key, actions: Arc<RoaringBitmap>) {
        if actions.is_empty() {
            return;
        }
        if self.atoms.len() >= self.max_atoms && !self.atoms.contains_key(&key) {
            self.full = true;
            return;
        }
        let held = self.atoms.entry(key).or_insert_with(|| Arc::clone(&actions));
        if !Arc::ptr_eq(held, &actions) {
            *Arc::make_mut(held) |= &*actions;
        }
    }

    /// What of some actions can be asked of what lies in an area at all.
    fn possible(
        &self,
        actions: &Arc<RoaringBitmap>,
        area: &Area,
        on: impl Fn(&str) -> RoaringBitmap,
    ) -> Arc<RoaringBitmap> {
        if self.provider != Provider::Aws {
            return Arc::clone(actions);
        }
        let mut patterns =
            std::iter::once(&area.resource).chain(&area.within).filter(|pattern| *pattern != "*").peekable();
        if patterns.peek().is_none() {
            return Arc::clone(actions);
        }
        let mut possible = (**actions).clone();
        for pattern in patterns {
            possible &= on(pattern);
        }
        Arc::new(possible)
    }

    /// What of a part's actions an AWS resource pattern can grant at all; remembered by what of the pattern decides it.
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
}

fn union(one: &[Text], other: &[Text]) -> Vec<Text> {
    let mut both = [one, other].concat();
    both.sort_unstable();
    both.dedup();
    both
}
