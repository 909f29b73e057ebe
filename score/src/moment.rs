//! One identity in one account at one time: what it holds, what it used, and what that weighs.

use std::collections::BTreeMap;
use std::sync::Arc;

use permissions::{Exposure, GrantSet};
use roaring::RoaringBitmap;
use schemas::{
    AccountId, Action, Entitlement, EntitlementKind, Id128, IdentityId, IdentityKind, Provider, Text, Time, identity,
};

use crate::ValidConfig;
use crate::days::ActionUse;
use crate::facts::{Facts, LOG, people_kind};
use crate::findings::{self, Truths};
use crate::law::{Holder, Law, Policies};
use crate::metrics::ScoreMetrics;
use crate::sources::Sources;

/// What a score rests on beside the identity's own state.
pub(crate) struct Scene<'a> {
    pub(crate) config: &'a ValidConfig,
    pub(crate) law: &'a mut Law,
    pub(crate) facts: &'a Facts,
    pub(crate) policies: &'a Policies,
    pub(crate) metrics: &'a mut ScoreMetrics,
}

/// Finds a set that was built for the same rows, and the same limits by their version, before.
pub(crate) type FindSet<'a> = dyn Fn(&[&Arc<Entitlement>], u64) -> Option<Arc<GrantSet>> + 'a;

/// Whose score it is, and what of its state a score rests on.
pub(crate) struct Subject<'h> {
    pub(crate) id: &'h IdentityId,
    pub(crate) account: &'h AccountId,
    pub(crate) provider: Provider,
    pub(crate) sources: &'h Sources,
    pub(crate) any: &'h ActionUse,
    pub(crate) overflowed: bool,
    numbered: Vec<(u32, &'h ActionUse)>,
    created_at: Option<Time>,
}

/// What is held and used at one time. Two equal ones have equal scores.
pub(crate) struct Moment<'h> {
    pub(crate) at: Time,
    pub(crate) last_day: i64,
    pub(crate) rows: Vec<&'h Arc<Entitlement>>,
    /// The version of the SCPs and RCPs above the account.
    pub(crate) limits: u64,
    pub(crate) set: Arc<GrantSet>,
    pub(crate) used: RoaringBitmap,
    pub(crate) circumstances: Circumstances,
}

/// What of a moment is neither held nor used, and yet weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    pub(crate) young: bool,
    pub(crate) logged: bool,
    pub(crate) inactive: bool,
    /// Exceptions to guardrails that are over.
    pub(crate) n_expired: usize,
    facts: u64,
}

/// What a moment weighs: a row of the series stands where this changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weighed {
    pub(crate) hi: u128,
    pub(crate) lo: u128,
    pub(crate) n_granted: i64,
    pub(crate) n_used: i64,
    pub(crate) n_unused: i64,
    pub(crate) n_unknowable: i64,
    pub(crate) escalation: Option<Text>,
    pub(crate) ignored: Vec<Text>,
    pub(crate) external: Vec<Text>,
    pub(crate) truths: Truths,
    young: bool,
    gone: bool,
    set: Id128,
}

impl<'h> Subject<'h> {
    pub(crate) fn new(
        (id, account): (&'h IdentityId, &'h AccountId),
        sources: &'h Sources,
        actions: &'h BTreeMap<Action, ActionUse>,
        (any, overflowed): (&'h ActionUse, bool),
    ) -> Option<Self> {
        let provider = sources.iter().next()?.provider;
        let numbered =
            actions.iter().filter_map(|(action, used)| Law::number(provider, action).map(|idx| (idx, used))).collect();
        Some(Self { id, account, provider, sources, any, overflowed, numbered, created_at: sources.created_at() })
    }

    /// Whether it has a score of its own: groups have those of their members, and a role of Identity Center that of the
    /// people who act through it.
    pub(crate) fn is_scored(&self, facts: &Facts) -> bool {
        let kind = self.sources.iter().next().map(|row| row.identity_kind);
        let people = || facts.as_of(self.account, &people_kind(self.id), Time(i64::MAX)).is_some();
        kind.is_some_and(|kind| kind != IdentityKind::Group && !(kind == IdentityKind::Role && people()))
    }

    /// The first day at whose beginning it can be scored: the day after the account's log begins, or where none is read
    /// the day after its first grant, and after it was created. The second is cut at `horizon`, since a grant may be as
    /// old as the account.
    pub(crate) fn first_day(&self, facts: &Facts, horizon: i64) -> i64 {
        let of_grants = || self.sources.first().map_or(horizon, |first| first.day()).max(horizon);
        let first = facts.first_event(self.account, LOG).map_or_else(of_grants, Time::day) + 1;
        self.created_at.map_or(first, |created| first.max(created.day() + 1))
    }

    /// What it holds and has used at a time; `None` before it was created. `before` is an earlier moment, whose set is
    /// taken over when the grants are the same; `known` finds a set built for the same grants earlier.
    pub(crate) fn moment(
        &self,
        at: Time,
        before: Option<&Moment<'h>>,
        known: &FindSet<'_>,
        scene: &mut Scene<'_>,
    ) -> Option<Moment<'h>> {
        if self.created_at.is_some_and(|created| created >= at) {
            return None;
        }
        let last_day = Time(at.0.saturating_sub(1)).day();
        let window = scene.config.window_days;
        let rows = self.sources.as_of(at);
        let limits = scene.facts.limits_as_of(self.account, at);
        let is_same = |before: &&Moment<'_>| before.limits == limits.version && same_rows(&before.rows, &rows);
        let same = before.filter(is_same).map(|before| Arc::clone(&before.set));
        let set = same.or_else(|| known(&rows, limits.version)).unwrap_or_else(|| {
            let limits = limits.on(self.id, &rows, scene.policies);
            scene.law.set(self.provider, rows.iter().map(|row| row.as_ref()).chain(limits), scene.policies)
        });
        let used =
            self.numbered.iter().filter(|(_, used)| used.is_used(last_day, window)).map(|(idx, _)| *idx).collect();
        let log = scene.facts.first_event(self.account, LOG).filter(|first| *first < at);
        let since = last_day - window + 1;
        let is_young = |start: Option<Time>| start.is_some_and(|start| start.day() > since);
        Some(Moment {
            at,
            last_day,
            rows,
            limits: limits.version,
            set,
            used,
            circumstances: Circumstances {
                young: log.is_none() || is_young(log) || is_young(self.created_at),
                logged: log.is_some(),
                inactive: !self.any.is_used(last_day, window),
                n_expired: scene.config.guardrails().n_expired(at),
                facts: scene.facts.version(self.account, at),
            },
        })
    }

    /// Weighs a moment; `rules` are the guardrails that it breaks.
    pub(crate) fn weigh(&self, moment: &Moment<'_>, rules: Arc<[Text]>, scene: &mut Scene<'_>) -> Weighed {
        scene.metrics.score_weighings_total += 1;
        let unknowable = scene.law.unknowable(self.provider, self.account, scene.facts, moment.at);
        let (holder, facts) = (self.holder(moment), scene.facts);
        let exposure = scene.law.weigh(&moment.set, &moment.used, &unknowable, &holder, facts, scene.policies);
        let mut ignored: Vec<Text> = moment.set.ignored().iter().map(|what| Text::from(*what)).collect();
        if !moment.circumstances.logged {
            ignored.push("no log".into());
        }
        if self.overflowed {
            ignored.push("actions above the bound".into());
        }
        let external = findings::external(self.account, moment, scene);
        let mut weighed = weighed(&exposure, moment, ignored, external);
        weighed.truths = findings::truths(moment, &weighed, &unknowable, rules, scene);
        weighed
    }

    /// Who holds the moment's set.
    pub(crate) fn holder<'m>(&'m self, moment: &Moment<'m>) -> Holder<'m> {
        let mut itself = moment.rows.iter().filter(|row| row.kind == EntitlementKind::Identity);
        Holder {
            id: self.id,
            kind: moment.kind(),
            account: self.account,
            arn: itself.find_map(|row| row.scopes.first()).map(|arn| arn.as_str()),
            own: if self.provider == Provider::Aws { self.own(moment) } else { Vec::new() },
            at: moment.at,
        }
    }

    /// The ARNs of what is the identity's own: itself, its groups, its account's policies that are attached to it.
    fn own(&self, moment: &Moment<'_>) -> Vec<String> {
        let groups = moment.rows.iter().flat_map(|row| &row.groups).filter_map(|group| identity::aws_arn(group));
        let policies = moment.rows.iter().filter_map(|row| row.source.split_once("attached:")).map(|(_, arn)| arn);
        let ours = policies.filter(|arn| arn.split(':').nth(4) == Some(self.account.as_str())).map(str::to_owned);
        let mut own: Vec<String> = identity::aws_arn(self.id).into_iter().chain(groups).chain(ours).collect();
        own.sort_unstable();
        own.dedup();
        own
    }
}

impl Moment<'_> {
    /// Whether the identity is no more.
    pub(crate) fn is_gone(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether it must weigh the same.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.circumstances == other.circumstances && same_rows(&self.rows, &other.rows) && self.used == other.used
    }

    pub(crate) fn kind(&self) -> IdentityKind {
        self.rows.first().map_or(IdentityKind::Unknown, |row| row.identity_kind)
    }

    pub(crate) fn name(&self) -> Option<Text> {
        self.rows.iter().find_map(|row| row.identity_name.clone())
    }

    /// The rows that grant something.
    pub(crate) fn grants(&self) -> impl Iterator<Item = &Arc<Entitlement>> {
        self.rows.iter().copied().filter(|row| !matches!(row.kind, EntitlementKind::Identity | EntitlementKind::Trust))
    }
}

fn same_rows(one: &[&Arc<Entitlement>], other: &[&Arc<Entitlement>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| Arc::ptr_eq(a, b))
}

fn weighed(exposure: &Exposure, moment: &Moment<'_>, ignored: Vec<Text>, external: Vec<Text>) -> Weighed {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let path = exposure.escalation.map(|path| {
        let permissions: Vec<&str> = path.permissions.iter().map(|p| p.as_str()).collect();
        Text::from(format!("{} ({})", permissions.join(" + "), path.id))
    });
    Weighed {
        hi: exposure.hi,
        lo: exposure.lo,
        n_granted: count(exposure.n_granted),
        n_used: count(exposure.n_used),
        n_unused: count(exposure.n_unused),
        n_unknowable: count(exposure.n_unknowable),
        escalation: path,
        ignored,
        external,
        truths: Truths::default(),
        young: moment.circumstances.young,
        gone: moment.is_gone(),
        set: moment.set.hash(),
    }
}
