//! Exposure: the weighed sum of what is granted and not used.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{Contribution, Provider, RiskClass, Text};
use smol_str::SmolStr;

use crate::catalogue::{ActionIdx, ActionInfo, Catalogue, Plane, ProviderCatalogue};
use crate::escalation::{self, EscalationPath, Targets};
use crate::grants::{Area, Atom, GrantSet};
use crate::risk::RiskModel;

/// How many of an account's known resources of a kind a pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Those that match.
    pub matching: u64,
    /// All.
    pub known: u64,
}

impl Reach {
    /// Nothing known: a pattern then reaches everything, since (0 + 1) / (0 + 1) = 1.
    pub const UNKNOWN: Self = Self { matching: 0, known: 0 };

    /// A weight's part: × (matching + 1) / (known + 1), at least one millionth, so that no grant counts nothing.
    fn part(self, weight: u64) -> u64 {
        let matching = u128::from(self.matching.min(self.known)) + 1;
        let part = u128::from(weight) * matching / (u128::from(self.known) + 1);
        u64::try_from(part).unwrap_or(weight).max(1)
    }
}

/// Says an area's reach over the resources of one kind (see `ActionInfo::containers`; empty for actions on no particular
/// resource). Never asked for everything.
pub type ReachFn<'a> = dyn Fn(&Area, &str) -> Reach + 'a;

/// What is needed to weigh sets of one account.
#[derive(Clone, Copy)]
pub struct Scale<'a> {
    /// The actions.
    pub catalogue: &'a Catalogue,
    /// The weights.
    pub model: &'a RiskModel,
    /// The account's resources.
    pub reach: &'a ReachFn<'a>,
}

impl std::fmt::Debug for Scale<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scale").field("model", self.model).finish_non_exhaustive()
    }
}

/// What is granted and not used, weighed, in millionths.
#[derive(Clone, Debug)]
pub struct Exposure {
    /// With unknowable use counted as used.
    pub lo: u128,
    /// With unknowable use counted as unused; the headline.
    pub hi: u128,
    /// The path to administrator behind `hi`, if there is one.
    pub escalation: Option<&'static EscalationPath>,
    /// Granted actions.
    pub n_granted: u64,
    /// Granted actions that were used.
    pub n_used: u64,
    /// Granted actions known to be unused.
    pub n_unused: u64,
    /// Granted actions whose use cannot be known.
    pub n_unknowable: u64,
}

impl Scale<'_> {
    /// Weighs a set. `used` are the actions used in the window; `unknowable` those whose use is not recorded in what is
    /// ingested (see [`unknowable`]). An identity that holds an unused path to administrator has an administrator's
    /// exposure.
    #[must_use]
    pub fn exposure(
        &self,
        set: &GrantSet,
        used: &RoaringBitmap,
        unknowable: &RoaringBitmap,
        targets: &Targets<'_>,
    ) -> Exposure {
        let used_or_unknowable = used | unknowable;
        let unused = set.actions() - used;
        let n_unknowable = unused.intersection_len(unknowable);
        let escalation = escalation::unused_path(set, used, targets);
        let hi = self.raised(self.sum(set, used), escalation, set.provider());
        let lo_path = escalation::unused_path(set, &used_or_unknowable, targets);
        let lo = if n_unknowable == 0 {
            hi
        } else {
            self.raised(self.sum(set, &used_or_unknowable), lo_path, set.provider())
        };
        Exposure {
            lo,
            hi,
            escalation,
            n_granted: set.actions().len(),
            n_used: set.actions().len() - unused.len(),
            n_unused: unused.len() - n_unknowable,
            n_unknowable,
        }
    }

    fn raised(&self, sum: u128, path: Option<&EscalationPath>, provider: Provider) -> u128 {
        if path.is_some() { sum.max(self.capacity(provider)) } else { sum }
    }

    /// A full administrator's sum: every action of the cloud on everything, none used. The Entra directory is no part of
    /// a subscription.
    #[must_use]
    pub fn capacity(&self, provider: Provider) -> u128 {
        let catalogue = self.catalogue.provider(provider);
        let directory = catalogue.of_plane(Plane::Directory);
        let of = |class: &RiskClass| {
            let n = catalogue.of_risk(*class).difference_len(directory);
            u128::from(n) * u128::from(self.model.weight(*class))
        };
        RiskClass::ALL.iter().map(of).sum()
    }

    /// Whether what a set grants on everything weighs at least four fifths of all there is: AWS `*`, Azure Owner (which
    /// lacks the data plane), GCP owner; not whoever can merely make himself one.
    #[must_use]
    pub fn is_super(&self, set: &GrantSet) -> bool {
        let catalogue = self.catalogue.provider(set.provider());
        let of = |class: &RiskClass| {
            u128::from(set.whole().intersection_len(catalogue.of_risk(*class))) * u128::from(self.model.weight(*class))
        };
        let whole: u128 = RiskClass::ALL.iter().map(of).sum();
        !set.is_empty() && whole * 5 >= self.capacity(set.provider()) * 4
    }

    /// The sum over granted actions that are not in `excluded`. An action granted on everything counts once in full; one
    /// granted on several patterns counts the sum of their reaches, in full at most.
    fn sum(&self, set: &GrantSet, excluded: &RoaringBitmap) -> u128 {
        let catalogue = self.catalogue.provider(set.provider());
        let whole = set.whole() - excluded;
        let of = |class: &RiskClass| {
            u128::from(whole.intersection_len(catalogue.of_risk(*class))) * u128::from(self.model.weight(*class))
        };
        let mut total: u128 = RiskClass::ALL.iter().map(of).sum();
        self.narrow(set, excluded, |_, _, part| total += u128::from(part));
        total
    }

    /// Calls back for each (atom's place, action, part) of the atoms that do not reach everything.
    fn narrow(&self, set: &GrantSet, excluded: &RoaringBitmap, mut each: impl FnMut(usize, ActionIdx, u64)) {
        let catalogue = self.catalogue.provider(set.provider());
        let skip = excluded | set.whole();
        let mut counted: HashMap<u32, u64> = HashMap::new();
        for (at, atom) in set.atoms().iter().enumerate().filter(|(_, atom)| !atom.is_whole()) {
            let mut reaches: HashMap<Arc<[SmolStr]>, Reach> = HashMap::new();
            for idx in (&*atom.actions - &skip).iter() {
                let Some(action) = catalogue.get(ActionIdx(idx)) else { continue };
                let reach = *reaches
                    .entry(Arc::clone(&action.containers))
                    .or_insert_with_key(|kinds| self.reach_of(atom, kinds));
                let weight = self.model.weight(action.risk);
                let so_far = counted.entry(idx).or_default();
                let part = reach.part(weight).min(weight - *so_far);
                *so_far += part;
                each(at, ActionIdx(idx), part);
            }
        }
    }

    /// The reach of an atom over all the kinds an action acts on. The kinds are counted together, so that a kind of which
    /// the account has nothing does not turn one bucket of many into everything.
    fn reach_of(&self, atom: &Atom, kinds: &[SmolStr]) -> Reach {
        let none = [SmolStr::default()];
        let mut sum = Reach::UNKNOWN;
        for kind in if kinds.is_empty() { &none } else { kinds } {
            let one = (self.reach)(&atom.area, kind);
            sum.matching = sum.matching.saturating_add(one.matching.min(one.known));
            sum.known = sum.known.saturating_add(one.known);
        }
        sum
    }

    /// The largest parts of a set's exposure, the largest first, grouped by service, risk class, resource and source.
    #[must_use]
    pub fn contributions(&self, set: &GrantSet, used: &RoaringBitmap, n_largest: usize) -> Vec<Contribution> {
        let catalogue = self.catalogue.provider(set.provider());
        let mut groups: HashMap<(usize, u16, RiskClass), Group> = HashMap::new();
        let mut add = |at: usize, idx: ActionIdx, action: &ActionInfo, part: u64| {
            let group = groups.entry((at, catalogue.service_of(idx), action.risk));
            let group = group.or_insert_with(|| Group { n_actions: 0, sum: 0, first: idx });
            group.n_actions += 1;
            group.sum = group.sum.saturating_add(part);
        };
        let mut left = set.whole() - used;
        for (at, atom) in set.atoms().iter().enumerate().filter(|(_, atom)| atom.is_whole()) {
            for idx in (&left & &*atom.actions).iter().map(ActionIdx) {
                if let Some(action) = catalogue.get(idx) {
                    add(at, idx, action, self.model.weight(action.risk));
                }
            }
            left -= &*atom.actions;
        }
        self.narrow(set, used, |at, idx, part| {
            if let Some(action) = catalogue.get(idx) {
                add(at, idx, action, part);
            }
        });
        let mut ordered: Vec<_> = groups.into_iter().collect();
        ordered.sort_unstable_by_key(|(key, group)| (std::cmp::Reverse(group.sum), *key));
        ordered.truncate(n_largest);
        ordered.iter().map(|((at, _, _), group)| contribution(&set.atoms()[*at], group, catalogue)).collect()
    }
}

/// The unused actions of one service and risk class that one atom grants.
struct Group {
    n_actions: i64,
    sum: u64,
    first: ActionIdx,
}

fn contribution(atom: &Atom, group: &Group, catalogue: &ProviderCatalogue) -> Contribution {
    let first = catalogue.action(group.first);
    let class = first.risk.as_str().replace('_', " ");
    let label = if group.n_actions == 1 {
        format!("{} ({class}) on {}", first.name, atom.area)
    } else {
        format!("{}: {} actions of {class} on {}", first.service, group.n_actions, atom.area)
    };
    Contribution {
        label: Text::from(label),
        service: Text::from(first.service.clone()),
        risk_class: first.risk,
        resource: Text::from(atom.area.resource.clone()),
        source: atom.source.clone(),
        n_actions: group.n_actions,
        exposure: i64::try_from(group.sum).unwrap_or(i64::MAX),
    }
}

/// The actions whose use is not recorded in what is ingested; `data_logged` says of an action's service whether the logs
/// that are off by default are ingested for it.
#[must_use]
pub fn unknowable(catalogue: &ProviderCatalogue, data_logged: &dyn Fn(&str) -> bool) -> RoaringBitmap {
    let unseen = |(_, action): &(ActionIdx, &ActionInfo)| !action.knowable(data_logged(&action.service));
    catalogue.iter().filter(unseen).map(|(idx, _)| idx.0).collect()
}

#[cfg(test)]
mod tests {
    use super::Reach;

    #[test]
    fn a_part_is_never_nothing_and_never_more_than_the_weight() {
        let part = |matching, known, weight| Reach { matching, known }.part(weight);
        assert_eq!(part(0, u64::MAX, 500_000), 1);
        assert_eq!(part(1, 199, 1_000_000), 10_000);
        assert_eq!(part(0, 0, 7), 7);
        assert_eq!(part(9, 3, 7), 7);
    }
}
