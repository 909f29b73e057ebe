//! What somebody has who takes over an identity.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use schemas::{AccountId, IdentityId, Provider, RiskClass};

use super::estate::Estate;
use super::search::{Forward, Node, Which};
use super::trust;
use crate::catalogue::{Catalogue, Plane};

/// An identity that another one reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reached {
    /// Whom.
    pub identity: IdentityId,
    /// In how many steps; of a certain chain if there is one.
    pub n_steps: u32,
    /// Whether for certain.
    pub is_certain: bool,
}

/// What somebody has who takes over an identity.
#[derive(Clone, Debug, Default)]
pub struct BlastRadius {
    /// The identities that it can become, in order.
    pub identities: Vec<Reached>,
    /// The accounts of which it is or can become an administrator, and whether for certain.
    pub administers: BTreeMap<AccountId, bool>,
    /// All actions of these identities and its own, those that are certain.
    pub actions: RoaringBitmap,
    /// Those that it may have besides.
    pub perhaps: RoaringBitmap,
    /// Whether something was not followed because there is too much of it.
    pub is_cut: bool,
}

/// The members that one can be, with the number of steps, and the accounts that one rules.
#[derive(Debug, Default)]
struct Side {
    is: BTreeMap<u32, u32>,
    rules: BTreeSet<u32>,
}

impl BlastRadius {
    /// How many actions of each risk class are certain.
    #[must_use]
    pub fn by_risk(&self, provider: Provider) -> BTreeMap<RiskClass, u64> {
        let catalogue = Catalogue::bundled().provider(provider);
        let count = |class: &RiskClass| (*class, self.actions.intersection_len(catalogue.of_risk(*class)));
        RiskClass::ALL.iter().map(count).filter(|(_, n)| *n > 0).collect()
    }
}

impl Side {
    fn of(found: &Forward) -> Self {
        let mut side = Self::default();
        for (node, (_, _, n_steps)) in &found.reached {
            match node {
                Node::Is(place) => _ = side.is.insert(*place, *n_steps),
                Node::Rules(account) => _ = side.rules.insert(*account),
                Node::Asks(_) => {}
            }
        }
        side
    }
}

impl Estate {
    /// What somebody has who takes over an identity.
    #[must_use]
    pub fn blast_radius(&self, identity: &str) -> Option<BlastRadius> {
        let start = self.place(identity)?;
        let found = [Which::Certain, Which::All].map(|which| self.forward(start, which));
        let is_cut = self.is_cut || found.iter().any(|one| one.is_cut);
        let [mut certain, mut all] = found.map(|one| Side::of(&one));
        if let Some(joint) = self.ways.joint.get(&start) {
            let n_steps = self.jointly(start, joint).steps.len() as u32 + 1;
            if joint.which == Which::Certain {
                self.rule(&mut certain, joint.raised, n_steps);
            }
            self.rule(&mut all, joint.raised, n_steps);
        }
        let of = |(place, n_steps): (&u32, &u32)| {
            let sure = certain.is.get(place);
            Reached { identity: self.id(*place), n_steps: *sure.unwrap_or(n_steps), is_certain: sure.is_some() }
        };
        let account = |at: &u32| (self.accounts[*at as usize].clone(), certain.rules.contains(at));
        let actions = self.actions(&certain);
        Some(BlastRadius {
            identities: all.is.iter().filter(|(place, _)| **place != start).map(of).collect(),
            administers: all.rules.iter().map(account).collect(),
            perhaps: self.actions(&all) - &actions,
            actions,
            is_cut,
        })
    }

    /// Adds the account of a member that was made administrator, and all who are in it.
    fn rule(&self, side: &mut Side, raised: u32, n_steps: u32) {
        let account = &self.members[raised as usize].account;
        side.rules.extend(self.accounts.binary_search(account).ok().map(|at| at as u32));
        for place in trust::of_account(&self.members, account) {
            side.is.entry(place).or_insert(n_steps);
        }
    }

    fn actions(&self, side: &Side) -> RoaringBitmap {
        let mut actions = RoaringBitmap::new();
        if !side.rules.is_empty() {
            let catalogue = Catalogue::bundled().provider(self.provider);
            actions = catalogue.iter().map(|(action, _)| action.0).collect();
            actions -= catalogue.of_plane(Plane::Directory);
        }
        let mut seen = BTreeSet::new();
        for place in side.is.keys() {
            for (_, set) in &self.members[*place as usize].grants {
                if seen.insert(set.hash()) {
                    actions |= set.actions();
                }
            }
        }
        actions
    }
}
