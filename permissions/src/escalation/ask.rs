//! Asks what an identity may do on a thing: its granted set, or for AWS its policies where they are known.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{AccountId, Granted, Provider};
use smol_str::SmolStr;

use super::estate::Member;
use super::index::Index;
use super::spread::Spread;
use super::{On, Required};
use crate::aws::evaluate::{self, Action, Context, Identity, Request, Unnamed};
use crate::catalogue::ActionIdx;
use crate::decision::Verdict;
use crate::grants::{Atom, GrantSet};
use crate::truth::Truth;

/// Questions per estate; then what a set grants on a pattern is taken to be perhaps granted on all that the pattern could
/// match. A question takes some hundred nanoseconds, so this is some ten seconds.
const MAX_QUESTIONS: u64 = 20_000_000;
/// Patterns of a permission that are tried for a thing that is yet to be made; more say nothing new in practice.
const MAX_PROBES: usize = 64;

/// Who asks, with which of its sets.
#[derive(Clone, Copy)]
pub(super) struct Holder<'e> {
    pub(super) place: u32,
    pub(super) member: &'e Member,
    pub(super) account: &'e AccountId,
    pub(super) set: &'e Arc<GrantSet>,
}

impl Holder<'_> {
    /// What of it decides what it may do to others: its set, and itself where its policies are known.
    pub(super) fn key(&self) -> (usize, Option<u32>) {
        (Arc::as_ptr(self.set) as usize, self.member.policies.is_some().then_some(self.place))
    }
}

/// What things are asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Over {
    Members,
    Workloads,
}

type Key = ((usize, Option<u32>), ActionIdx, Over, SmolStr);

/// Remembers the answers.
pub(super) struct Asker<'e> {
    provider: Provider,
    names: [Vec<&'e str>; 2],
    indexes: [Index; 2],
    identities: Vec<Option<Identity>>,
    known: HashMap<Key, Arc<Spread>>,
    n_questions: u64,
    pub(super) is_cut: bool,
}

/// Something that a permission may be granted on without a name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Probe {
    /// Anything in the account.
    Any,
    This(String),
}

impl<'e> Asker<'e> {
    pub(super) fn new(provider: Provider, members: &'e [Member], workloads: &[&'e str]) -> Self {
        let resources: Vec<&str> = members.iter().map(|member| member.resource.as_str()).collect();
        let identities =
            resources.iter().map(|arn| if provider == Provider::Aws { Identity::parse(arn).ok() } else { None });
        let indexes = [&resources, workloads].map(|names| Index::of(provider, names.iter().copied().zip(0..)));
        Self {
            provider,
            identities: identities.collect(),
            names: [resources, workloads.to_vec()],
            indexes,
            known: HashMap::new(),
            n_questions: 0,
            is_cut: false,
        }
    }

    /// All members that a grant can name.
    pub(super) fn everybody(&self) -> &RoaringBitmap {
        self.indexes[Over::Members as usize].all()
    }

    pub(super) fn identity(&self, place: u32) -> Option<&Identity> {
        self.identities[place as usize].as_ref()
    }

    /// Whether an action is granted on a resource, or `None` for any in the account.
    pub(super) fn truth(&mut self, holder: Holder<'_>, what: &Required, on: Option<&str>, to: Option<&str>) -> Truth {
        self.n_questions += 1;
        if !holder.set.actions().contains(what.action.0) {
            return Truth::False;
        }
        let (Some(policies), Some(identity), Ok(action)) =
            (&holder.member.policies, self.identity(holder.place), Action::parse(&what.name))
        else {
            return of(holder.set.verdict(what.action, on));
        };
        let mut context = context(identity);
        if let Some(service) = to {
            context.set("iam:PassedToService", [service]);
        }
        let resource = on.unwrap_or("*");
        let request = Request { identity, action: &action, resource, resource_account: None, context: &context };
        let decision = evaluate::decide(request, policies);
        match decision.verdict {
            Verdict::Allowed if decision.conditional_on.is_empty() => Truth::True,
            Verdict::Allowed => Truth::Unknown,
            _ => Truth::False,
        }
    }

    /// On which members or workloads an action is granted; `to` is the service a role is passed to.
    pub(super) fn reach(&mut self, holder: Holder<'_>, what: &Required, over: Over, to: Option<&str>) -> Arc<Spread> {
        let to = to.filter(|_| holder.member.policies.is_some());
        let key = (holder.key(), what.action, over, SmolStr::new(to.unwrap_or_default()));
        if let Some(known) = self.known.get(&key) {
            return Arc::clone(known);
        }
        let found = Arc::new(self.reach_anew(holder, what, over, to));
        self.known.insert(key, Arc::clone(&found));
        found
    }

    fn reach_anew(&mut self, holder: Holder<'_>, what: &Required, over: Over, to: Option<&str>) -> Spread {
        if holder.member.policies.is_none() && is_everywhere(holder.set, what.action) {
            return Spread::certain(self.indexes[over as usize].all().clone());
        }
        let like = self.like(holder, what, over);
        if self.n_questions.saturating_add(like.len()) > MAX_QUESTIONS {
            self.is_cut = true;
            return Spread { yes: RoaringBitmap::new(), may: like };
        }
        let mut spread = Spread::default();
        for place in like {
            let name = self.names[over as usize][place as usize];
            spread.add(place, self.truth(holder, what, Some(name), to));
        }
        spread
    }

    /// What the patterns on which an action is granted could match.
    pub(super) fn like(&self, holder: Holder<'_>, what: &Required, over: Over) -> RoaringBitmap {
        let mut like = RoaringBitmap::new();
        for atom in holder.set.granting(what.action) {
            like |= self.indexes[over as usize].like(self.provider, &atom.area.resource);
        }
        like
    }

    /// Whether the permissions that are about no particular target are all granted.
    pub(super) fn besides(&mut self, holder: Holder<'_>, required: &[Required]) -> Truth {
        let mut truth = Truth::True;
        for what in required {
            truth = truth.min(match what.on {
                On::Account => self.on_account(holder, what),
                On::Anything => self.on_anything(holder, what),
                _ => Truth::True,
            });
        }
        let same: Vec<&Required> = required.iter().filter(|what| what.on == On::Same).collect();
        if same.is_empty() || truth == Truth::False { truth } else { truth.min(self.on_same(holder, &same)) }
    }

    /// Whether an action is granted on all of an Azure or GCP account.
    fn on_account(&mut self, holder: Holder<'_>, what: &Required) -> Truth {
        if !holder.set.granting(what.action).any(Atom::is_whole) {
            return Truth::False;
        }
        let account = holder.account.as_str();
        let name = match self.provider {
            Provider::Aws => return self.truth(holder, what, None, None),
            _ if account.starts_with('/') => account.to_owned(),
            Provider::Azure => format!("/subscriptions/{account}"),
            Provider::Gcp if account.contains('/') => format!("//cloudresourcemanager.googleapis.com/{account}"),
            Provider::Gcp => format!("//cloudresourcemanager.googleapis.com/projects/{account}"),
        };
        self.truth(holder, what, Some(&name), None)
    }

    fn on_anything(&mut self, holder: Holder<'_>, what: &Required) -> Truth {
        let mut best = Truth::False;
        for probe in self.probes(holder, what) {
            best = best.max(self.try_on(holder, what, &probe));
        }
        best
    }

    fn on_same(&mut self, holder: Holder<'_>, required: &[&Required]) -> Truth {
        let mut best = Truth::False;
        let probes: Vec<Probe> = required.iter().flat_map(|what| self.probes(holder, what)).collect();
        for probe in probes {
            let mut all = Truth::True;
            for what in required {
                all = all.min(self.try_on(holder, what, &probe));
            }
            best = best.max(all);
        }
        best
    }

    fn try_on(&mut self, holder: Holder<'_>, what: &Required, probe: &Probe) -> Truth {
        match probe {
            Probe::Any if !holder.set.granting(what.action).any(|atom| atom.area.resource == "*") => Truth::False,
            Probe::Any => self.truth(holder, what, None, None),
            Probe::This(name) => self.truth(holder, what, Some(name), None),
        }
    }

    fn probes(&self, holder: Holder<'_>, what: &Required) -> Vec<Probe> {
        let granting = holder.set.granting(what.action);
        let patterns = granting.flat_map(|atom| std::iter::once(&atom.area.resource).chain(&atom.area.within));
        patterns.filter_map(|pattern| probe(self.provider, holder.account, pattern)).take(MAX_PROBES).collect()
    }
}

/// What is known of any request of an identity.
pub(super) fn context(identity: &Identity) -> Context {
    let mut context = Context::new(Unnamed::Unknown);
    context.fill_in(identity);
    context
}

/// Whether a set grants an action on everything, with nothing in it that could take a part away.
fn is_everywhere(set: &GrantSet, action: ActionIdx) -> bool {
    set.granting(action).any(|atom| atom.is_whole() && !atom.is_conditional())
}

fn of(granted: Granted) -> Truth {
    match granted {
        Granted::Yes => Truth::True,
        Granted::Unknown => Truth::Unknown,
        Granted::No => Truth::False,
    }
}

/// A thing that a pattern matches; `None` when it is in another account.
fn probe(provider: Provider, account: &str, pattern: &str) -> Option<Probe> {
    if pattern == "*" {
        return Some(Probe::Any);
    }
    if provider != Provider::Aws {
        return Some(Probe::This(pattern.to_owned()));
    }
    let mut parts: Vec<String> = pattern.splitn(6, ':').map(str::to_owned).collect();
    if parts.len() == 6 {
        if evaluate::is_account(&parts[4]) && parts[4] != account {
            return None;
        }
        for (at, usual) in [(3, "us-east-1"), (4, account)] {
            if parts[at] == "*" {
                usual.clone_into(&mut parts[at]);
            }
        }
    }
    Some(Probe::This(parts.join(":").replace('*', "any").replace('?', "x")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_becomes_a_thing_in_the_account() {
        let of = |pattern| probe(Provider::Aws, "111122223333", pattern);
        assert_eq!(of("*"), Some(Probe::Any));
        assert_eq!(
            of("arn:aws:lambda:*:*:function:dev-*"),
            Some(Probe::This("arn:aws:lambda:us-east-1:111122223333:function:dev-any".to_owned()))
        );
        assert_eq!(of("arn:aws:lambda:*:999988887777:function:*"), None);
    }
}
