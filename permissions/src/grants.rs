//! Granted sets: what one identity may do in one account, as actions × areas of resources, interned.
//!
//! A set is what its sources allow, within what boundary, SCPs and RCPs leave, less what is denied. It says the same as the
//! evaluators do of each action and resource (a test compares them), but for resource policies, sessions and endpoints, which
//! belong to a request. What depends on something that is not known (a condition, a tag, a policy that nobody gave) is in it,
//! with its names. [`GrantSet::ignored`] names what a score should say beside its number.
//!
//! # Layout
//!
//! [`Grants`] finds or builds a set; `build` reads entitlements with `aws`, `azure` and `gcp` into parts, `cut` narrows what
//! is allowed by the layers above it and by denies; [`Area`] is where something holds.

mod area;
mod aws;
mod azure;
mod build;
mod cut;
mod gcp;
mod holder;
mod interner;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{Granted, Id128, IdentityId, Policy, Provider, Text};
use smol_str::SmolStr;

use crate::catalogue::ActionIdx;

pub use area::Area;
pub use interner::Grants;

/// Some actions on an area from one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    /// Where they are granted.
    pub area: Area,
    /// What it rests on and is not known, in order: context keys, conditions, policies. Empty when it is certain.
    pub conditional_on: Vec<Text>,
    /// The policy or role that grants it, by its name for people.
    pub source: Text,
    /// The actions, as numbers of the catalogue.
    pub actions: Arc<RoaringBitmap>,
}

impl Atom {
    /// Whether it reaches everything in the account.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.area.is_whole()
    }

    /// Whether it holds under conditions only.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        !self.conditional_on.is_empty()
    }
}

/// What one identity may do in one account.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantSet {
    provider: Provider,
    atoms: Vec<Atom>,
    whole: RoaringBitmap,
    actions: RoaringBitmap,
    ignored: Vec<&'static str>,
    unmatched: Vec<SmolStr>,
    hash: Id128,
}

/// The object ids and addresses in the ids of an identity and its groups, by which a deny spares them; see [`spares`].
pub fn names<'i>(ids: impl Iterator<Item = &'i IdentityId>) -> BTreeSet<String> {
    ids.map(|id| last_part(id).to_ascii_lowercase()).collect()
}

/// Whether a deny on everybody spares one of some names.
#[must_use]
pub fn spares(policy: &Policy, names: &BTreeSet<String>) -> bool {
    let mut spared = policy.statements.iter().flat_map(|statement| &statement.not_identities);
    spared.any(|name| names.contains(&last_part(name).to_ascii_lowercase()))
}

fn last_part(name: &str) -> &str {
    name.rsplit(['/', ':']).next().unwrap_or(name)
}

impl GrantSet {
    /// The cloud.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Its parts in order of area, condition and source.
    #[must_use]
    pub fn atoms(&self) -> &[Atom] {
        &self.atoms
    }

    /// Every granted action, on whatever resource.
    #[must_use]
    pub fn actions(&self) -> &RoaringBitmap {
        &self.actions
    }

    /// The actions granted on everything in the account.
    #[must_use]
    pub fn whole(&self) -> &RoaringBitmap {
        &self.whole
    }

    /// Whether nothing is granted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// What a score should say of it, in order: `condition` and `condition in deny` where something rests on what is not
    /// known, `eligible role`, `resource policy`, `unknown policy`, `unknown role`, `unreadable statement` and
    /// `too many resources` where something may be missing.
    #[must_use]
    pub fn ignored(&self) -> &[&'static str] {
        &self.ignored
    }

    /// Action names and patterns that name no action of the catalogue, in order: newer services, or mistakes.
    #[must_use]
    pub fn unmatched(&self) -> &[SmolStr] {
        &self.unmatched
    }

    /// The hash of all this; equal sets are one.
    #[must_use]
    pub fn hash(&self) -> Id128 {
        self.hash
    }

    /// The atoms that grant an action.
    pub fn granting(&self, action: ActionIdx) -> impl Iterator<Item = &Atom> {
        self.atoms.iter().filter(move |atom| atom.actions.contains(action.0))
    }

    /// Whether an action is granted, on a resource or (with `None`) on anything at all: yes, no, or unknown where that rests
    /// on what is not known.
    #[must_use]
    pub fn verdict(&self, action: ActionIdx, resource_id: Option<&str>) -> Granted {
        let on = |atom: &&Atom| resource_id.is_none_or(|id| atom.area.covers(self.provider, id));
        let mut granted = Granted::No;
        for atom in self.granting(action).filter(on) {
            if !atom.is_conditional() {
                return Granted::Yes;
            }
            granted = Granted::Unknown;
        }
        granted
    }
}
