//! Granted sets: what one identity may do in one account, as actions × resource patterns, interned.
//!
//! A set is the union of what its sources allow, less what is denied without a condition. What this does not weigh yet
//! (conditions, boundaries, SCPs, RCPs, resource policies, denies on a part of what is allowed) is named in
//! [`GrantSet::ignored`], so that a score says what it left out; a full evaluator takes over at [`GrantSet::verdict`].

mod build;
mod interner;

use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{Granted, Id128, Provider, Text};
use smol_str::SmolStr;

use crate::catalogue::ActionIdx;
use crate::resource;

pub use interner::Grants;

/// Some actions on one resource pattern from one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    /// `*` for the whole account, an ARN pattern, an Azure scope, a GCP full resource name.
    pub resource: SmolStr,
    /// Patterns that `NotResource` takes out of `resource`.
    pub except: Vec<SmolStr>,
    /// Whether it holds only under a condition, which is not weighed.
    pub conditional: bool,
    /// The policy or role that grants it, by its name for people.
    pub source: Text,
    /// The actions, as numbers of the catalogue.
    pub actions: Arc<RoaringBitmap>,
}

impl Atom {
    /// Whether it reaches everything in the account.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.resource == "*" && self.except.is_empty()
    }

    /// Whether its pattern covers a resource.
    #[must_use]
    pub fn covers(&self, provider: Provider, resource_id: &str) -> bool {
        resource::pattern_matches(provider, &self.resource, resource_id)
            && !self.except.iter().any(|pattern| resource::pattern_matches(provider, pattern, resource_id))
    }
}

/// Whether an action on a resource is granted, and what was not weighed to say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Yes, no, or unknown where a condition decides.
    pub granted: Granted,
    /// What was not weighed.
    pub ignored: Vec<&'static str>,
}

/// What one identity may do in one account.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantSet {
    provider: Provider,
    atoms: Vec<Atom>,
    partial_denies: Vec<Atom>,
    whole: RoaringBitmap,
    actions: RoaringBitmap,
    ignored: Vec<&'static str>,
    unmatched: Vec<SmolStr>,
    hash: Id128,
}

impl GrantSet {
    /// The cloud.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Its parts in order of resource, source and condition.
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

    /// What was not weighed, in order: `boundary`, `condition`, `condition in deny`, `deny on some resources`,
    /// `eligible role`, `rcp`, `resource policy`, `scp`, `unknown policy`, `unknown role`, `unreadable statement` …
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

    /// Whether an action is granted, on a resource or (with `None`) on anything at all.
    #[must_use]
    pub fn verdict(&self, action: ActionIdx, resource_id: Option<&str>) -> Verdict {
        let on = |atom: &&Atom| resource_id.is_none_or(|id| atom.covers(self.provider, id));
        let denied = self.partial_denies.iter().any(|deny| {
            deny.actions.contains(action.0) && resource_id.is_some_and(|id| deny.covers(self.provider, id))
        });
        let mut granted = Granted::No;
        for atom in self.granting(action).filter(on).filter(|_| !denied) {
            if !atom.conditional {
                granted = Granted::Yes;
                break;
            }
            granted = Granted::Unknown;
        }
        Verdict { granted, ignored: self.ignored.clone() }
    }
}
