//! What each identity can do to others: every path of the cloud, asked of every granted set.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{AccountId, IdentityKind, Provider};

use super::ask::{Asker, Holder, Over};
use super::estate::World;
use super::graph::{Builder, Goal, Graph};
use super::spread::Spread;
use super::trust::{self, Trusts};
use super::{EscalationPath, Gain, Need, On, Required, paths};
use crate::truth::Truth;

/// Identities with one set in one account share what they can do to others.
type Shared = HashMap<((usize, Option<u32>), AccountId), Arc<[u32]>>;

struct Steps<'e> {
    world: &'e World<'e>,
    asker: Asker<'e>,
    trusts: Option<Trusts<'e>>,
    graph: Builder,
    shared: Shared,
    in_account: HashMap<AccountId, Arc<RoaringBitmap>>,
    /// Members whom no grant changes.
    kept: RoaringBitmap,
}

/// The graph of an estate, and whether something was left out of it.
pub(super) fn graph(world: &World<'_>) -> (Graph, bool) {
    let names: Vec<&str> = world.workloads.iter().flatten().map(|(one, _)| one.resource.as_str()).collect();
    let kept = world.members.iter().zip(0..).filter(|(member, _)| trust::is_kept_by_aws(&member.resource));
    let mut steps = Steps {
        world,
        asker: Asker::new(world.provider, world.members, &names),
        trusts: if world.provider == Provider::Aws { Trusts::new(world.members) } else { None },
        graph: Builder::new(world.provider, world.members.len()),
        shared: HashMap::new(),
        in_account: HashMap::new(),
        kept: kept.map(|(_, place)| place).collect(),
    };
    for (member, place) in world.members.iter().zip(0..) {
        for (account, set) in &member.grants {
            steps.holder(Holder { place, member, account, set });
        }
    }
    let is_cut = steps.asker.is_cut || steps.graph.is_cut;
    (steps.graph.finish(), is_cut)
}

/// Whether it depends on the holder beyond its set whether and where a path leads.
fn is_personal(provider: Provider, path: &EscalationPath) -> bool {
    let own = |what: &Required| matches!(what.on, On::Holder | On::OwnGroup | On::OwnPolicy);
    path.required.iter().any(|what| own(what) || takes_role(what))
        || raises_target(path)
        || provider == Provider::Aws && path.need == Need::AdminGroup
}

/// Whether the target is made an administrator, whom the holder then becomes. That the holder could be the target is another
/// path, which needs less.
fn raises_target(path: &EscalationPath) -> bool {
    path.gain == Gain::Administrator && !is_own(path)
}

fn takes_role(what: &Required) -> bool {
    what.name == "sts:AssumeRole"
}

impl Steps<'_> {
    fn holder(&mut self, holder: Holder<'_>) {
        let provider = self.world.provider;
        let is_administrator = holder.member.administers.contains(holder.account);
        for (at, path) in paths(provider).iter().enumerate() {
            // Within its account an administrator needs no path; in AWS it can still take roles of others.
            let outward = takes_role(&path.required[0]);
            if is_personal(provider, path) && (!is_administrator || outward) {
                let hub = self.hub(holder, at, path);
                self.hold(holder, hub);
            }
        }
        if is_administrator {
            return;
        }
        let key = (holder.key(), holder.account.clone());
        let known = self.shared.get(&key).cloned();
        let hubs = known.unwrap_or_else(|| {
            let impersonal = paths(provider).iter().enumerate().filter(|(_, path)| !is_personal(provider, path));
            let hubs: Arc<[u32]> = impersonal.filter_map(|(at, path)| self.hub(holder, at, path)).collect();
            self.shared.insert(key, Arc::clone(&hubs));
            hubs
        });
        for hub in hubs.iter() {
            self.graph.hold(holder.place, *hub);
        }
    }

    fn hold(&mut self, holder: Holder<'_>, hub: Option<u32>) {
        if let Some(hub) = hub {
            self.graph.hold(holder.place, hub);
        }
    }

    /// The hub of a path for a holder, if it leads anywhere.
    fn hub(&mut self, holder: Holder<'_>, at: usize, path: &EscalationPath) -> Option<u32> {
        let takes = path.required.iter().any(takes_role);
        let may_lack = |what: &Required| takes && takes_role(what);
        let held = |what: &Required| may_lack(what) || holder.set.actions().contains(what.action.0);
        if !path.required.iter().all(held) || !is_of_need(self.world.provider, holder, path.need) {
            return None;
        }
        let besides = self.asker.besides(holder, &path.required).min(self.own(holder, path));
        if besides == Truth::False {
            return None;
        }
        let targets = match path.need {
            _ if is_own(path) => None,
            Need::Workload => Some(self.of_workloads(holder, path)),
            _ => Some(self.targets(holder, path)),
        };
        let targets = targets.map(|found| found.given(besides));
        match path.gain {
            Gain::Target | Gain::Raise | Gain::Part => {
                self.graph.hub(at, Goal::Members, targets.unwrap_or_default(), None)
            }
            Gain::Delegation => self.graph.hub(at, Goal::Through, targets.unwrap_or_default(), None),
            Gain::Administrator | Gain::Perhaps => {
                let (by, truth) = match targets {
                    None => (None, besides),
                    Some(found) => {
                        let (place, is_certain) = found.first()?;
                        (Some(place), if is_certain { Truth::True } else { Truth::Unknown })
                    }
                };
                let truth = if path.gain == Gain::Perhaps { truth.min(Truth::Unknown) } else { truth };
                let account = self.world.accounts.binary_search(holder.account).ok()?;
                let mut to = Spread::default();
                to.add(account as u32, truth);
                self.graph.hub(at, Goal::Accounts, to, by)
            }
        }
    }

    /// Whether what must be granted on the holder's own is.
    fn own(&mut self, holder: Holder<'_>, path: &EscalationPath) -> Truth {
        let mut truth = Truth::True;
        for what in &path.required {
            let names: Vec<&str> = match what.on {
                On::Holder => vec![&holder.member.resource],
                On::OwnPolicy => holder.member.attached.iter().map(|name| name.as_str()).collect(),
                On::OwnGroup => holder.member.groups.iter().filter_map(|id| self.resource_of(id)).collect(),
                _ => continue,
            };
            let mut best = Truth::False;
            for name in names.into_iter().filter(|name| !name.is_empty()) {
                best = best.max(self.asker.truth(holder, what, Some(name), None));
            }
            truth = truth.min(best);
        }
        truth
    }

    /// How grants name a group; its id, when it is no member.
    fn resource_of<'i>(&self, id: &'i str) -> Option<&'i str>
    where
        Self: 'i,
    {
        let place = self.world.places.get(id);
        place.map_or(Some(id), |place| Some(self.world.members[*place as usize].resource.as_str()))
    }

    /// The other identities on which a path's permissions are granted and that can be its target.
    fn targets(&mut self, holder: Holder<'_>, path: &EscalationPath) -> Spread {
        let mut found: Option<Spread> = None;
        let passed = path.need == Need::PassableRole && self.world.provider == Provider::Aws;
        let all_taken = path.required.iter().all(takes_role);
        for what in path.required.iter().filter(|what| what.on == On::Target) {
            let one = match &self.trusts {
                Some(trusts) if takes_role(what) => trusts.takes(&mut self.asker, holder, what),
                _ if passed => self.passed(holder, what, path),
                _ => (*self.asker.reach(holder, what, Over::Members, None)).clone(),
            };
            found = Some(found.map_or_else(|| one.clone(), |found| found.and(&one)));
        }
        // What is granted on the account reaches all of its identities.
        let mut found = found.unwrap_or_else(|| Spread::certain(self.asker.everybody().clone()));
        if !passed {
            found = found.within(&self.of_kinds(&path.of));
        }
        if !all_taken {
            let mut near = (*self.in_account(holder.account)).clone();
            near -= &self.kept;
            found = found.within(&near);
        }
        for what in path.required.iter().filter(|what| what.on == On::TargetPolicy) {
            found = self.by_policy(holder, what, &found);
        }
        if raises_target(path) {
            found.remove(holder.place);
        }
        found
    }

    /// The roles that can be passed to one of a path's services and are trusted by it.
    fn passed(&mut self, holder: Holder<'_>, what: &Required, path: &EscalationPath) -> Spread {
        let mut any = Spread::default();
        for service in &path.of {
            let Some(trusts) = &mut self.trusts else { continue };
            let taken = trusts.service(service);
            any.or(&self.asker.reach(holder, what, Over::Members, Some(service)).and(&taken));
        }
        any
    }

    /// Those of whom a policy of their own can be changed.
    fn by_policy(&mut self, holder: Holder<'_>, what: &Required, among: &Spread) -> Spread {
        let mut found = Spread::default();
        for place in among.all() {
            let mut best = Truth::False;
            for policy in &self.world.members[place as usize].attached {
                best = best.max(self.asker.truth(holder, what, Some(policy), None));
            }
            found.add(place, if among.yes.contains(place) { best } else { best.min(Truth::Unknown) });
        }
        found
    }

    /// The identities as which workloads run that a path's permissions reach.
    fn of_workloads(&mut self, holder: Holder<'_>, path: &EscalationPath) -> Spread {
        let world = self.world;
        let mut found = match &world.workloads {
            Some(known) => {
                let is_one = |one: &super::Workload| {
                    one.account == *holder.account
                        && path.of.iter().any(|kind| kind == "*" || kind.eq_ignore_ascii_case(&one.kind))
                };
                let of_kind = known.iter().zip(0..).filter(|((one, _), _)| is_one(one)).map(|(_, place)| place);
                let mut reached = Spread::certain(of_kind.collect());
                for what in path.required.iter().filter(|what| what.on == On::Workload) {
                    reached = reached.and(&self.asker.reach(holder, what, Over::Workloads, None));
                }
                let mut found = Spread::default();
                for place in reached.all() {
                    let truth = if reached.yes.contains(place) { Truth::True } else { Truth::Unknown };
                    found.add(known[place as usize].1, truth);
                }
                found
            }
            None => self.of_unknown_workloads(holder, path),
        };
        for what in path.required.iter().filter(|what| what.on == On::Target) {
            found = found.and(&self.asker.reach(holder, what, Over::Members, None));
        }
        found
    }

    /// Whoever a workload could run as, when nobody knows which there are.
    fn of_unknown_workloads(&mut self, holder: Holder<'_>, path: &EscalationPath) -> Spread {
        let required = path.required.iter().filter(|what| what.on == On::Workload);
        let anything: Vec<Required> = required.map(|what| Required { on: On::Anything, ..what.clone() }).collect();
        if self.asker.besides(holder, &anything) == Truth::False {
            return Spread::default();
        }
        let mut found = Spread::default();
        match &mut self.trusts {
            Some(trusts) => {
                for service in &path.of {
                    found.or(&trusts.service(service));
                }
            }
            None => {
                let runs = |kind| matches!(kind, IdentityKind::ServiceAccount | IdentityKind::ManagedIdentity);
                let members = self.world.members.iter().zip(0..).filter(|(member, _)| runs(member.kind));
                found.yes = members.map(|(_, place)| place).collect();
            }
        }
        let near = self.in_account(holder.account);
        found.within(&near).given(Truth::Unknown)
    }

    fn of_kinds(&self, words: &[smol_str::SmolStr]) -> RoaringBitmap {
        let is_one = |kind: IdentityKind| words.iter().any(|word| word == kind.as_str());
        let members = self.world.members.iter().zip(0..);
        members.filter(|(member, _)| is_one(member.kind)).map(|(_, place)| place).collect()
    }

    fn in_account(&mut self, account: &AccountId) -> Arc<RoaringBitmap> {
        if let Some(known) = self.in_account.get(account) {
            return Arc::clone(known);
        }
        let found = Arc::new(trust::of_account(self.world.members, account));
        self.in_account.insert(account.clone(), Arc::clone(&found));
        found
    }
}

/// Whether a path is about the holder alone.
fn is_own(path: &EscalationPath) -> bool {
    let other = |what: &Required| matches!(what.on, On::Target | On::TargetPolicy | On::Workload);
    path.need != Need::Workload && path.gain != Gain::Part && !path.required.iter().any(other)
}

fn is_of_need(provider: Provider, holder: Holder<'_>, need: Need) -> bool {
    let kind = holder.member.kind;
    match need {
        Need::OwnRole => kind == IdentityKind::Role,
        Need::OwnUser | Need::OwnGroup => kind == IdentityKind::User,
        Need::AdminGroup if provider == Provider::Aws => kind == IdentityKind::User,
        _ => true,
    }
}
