//! The state of one identity in one account: its grants, its use, and what was told of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use permissions::GrantSet;
use roaring::RoaringBitmap;
use schemas::{AccountId, Action, Entitlement, Finding, FindingKind, IdentityId, Message, Text, Time};
use serde::{Deserialize, Serialize};
use stream::Output;

use crate::days::ActionUse;
use crate::findings::{self, Which};
use crate::moment::{Circumstances, Moment, Scene, Subject, Weighed};
use crate::row;
use crate::sources::Sources;
use crate::told::{Teller, Told};

/// A day that lies before every other.
const EVER: i64 = i64::MIN;
/// The kinds of finding that this stage decides; `inactive_group` is the scope stage's.
const KINDS: [FindingKind; 8] = [
    FindingKind::InactiveIdentity,
    FindingKind::OverprovisionedIdentity,
    FindingKind::SuperIdentity,
    FindingKind::PrivilegeEscalation,
    FindingKind::UnusedSecretAccess,
    FindingKind::UnusedSecurityToolAdministration,
    FindingKind::ExternalAccess,
    FindingKind::UnreadablePolicy,
];

/// One identity in one account.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Holding {
    pub(crate) sources: Sources,
    actions: BTreeMap<Action, ActionUse>,
    any: ActionUse,
    overflowed: bool,
    told: Told,
    /// Up to which day's beginning it was scored.
    scored_to: Option<i64>,
    dirty_from: Option<i64>,
    #[serde(skip)]
    held: Held,
}

/// What was built and weighed last, so that a day without changes builds and weighs nothing.
#[derive(Debug, Default)]
struct Held {
    rows: Vec<Arc<Entitlement>>,
    /// The version of what limits them.
    limits: u64,
    /// The set that `rows` grant.
    set: Option<Arc<GrantSet>>,
    /// What these rows weigh beside a use and circumstances.
    weighed: Option<(RoaringBitmap, Circumstances, Weighed)>,
    /// The guardrails that these rows break, with so many exceptions over.
    broken: Option<(usize, Arc<[Text]>)>,
}

impl Held {
    /// Whether it was built of these very rows within these limits.
    fn is_of(&self, rows: &[&Arc<Entitlement>], limits: u64) -> bool {
        self.limits == limits
            && self.rows.len() == rows.len()
            && self.rows.iter().zip(rows).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

/// A moment and what it weighs.
type Known<'h> = (Moment<'h>, Weighed);

impl Holding {
    /// Notes a use; without an action, any other sign of life. Says whether the action's name had room.
    pub(crate) fn use_action(&mut self, action: Option<&Action>, at: Time, max_actions: usize) -> bool {
        let mut new = self.any.insert(at);
        let mut fits = true;
        if let Some(action) = action {
            fits = self.actions.contains_key(action) || self.actions.len() < max_actions;
            if fits {
                new |= self.actions.entry(action.clone()).or_default().insert(at);
            } else {
                if !self.overflowed {
                    self.overflowed = true;
                    self.touch(EVER);
                }
            }
        }
        if new {
            self.touch(at.day() + 1);
        }
        fits
    }

    /// Scores from a day on must be looked at again, if they were told.
    pub(crate) fn touch(&mut self, from_day: i64) {
        if from_day == EVER {
            self.held = Held::default();
        }
        self.dirty_from = Some(self.dirty_from.map_or(from_day, |dirty| dirty.min(from_day)));
    }

    /// Everything must be looked at again: statements behind its grants have come.
    pub(crate) fn touch_all(&mut self) {
        self.touch(EVER);
    }

    /// Whether a closed day must be looked at again, or was never looked at.
    pub(crate) fn is_dirty(&self) -> bool {
        let closed = |dirty: i64| self.scored_to.is_none_or(|to| dirty <= to);
        self.dirty_from.is_some_and(closed) && self.sources.iter().next().is_some()
    }

    /// Tells what changed in the series up to the day that begins by the watermark, and in the findings.
    pub(crate) fn flush(
        &mut self,
        key: (&IdentityId, &AccountId),
        to_day: i64,
        scene: &mut Scene<'_>,
        out: &mut Output<Message>,
    ) {
        let Some(subject) = Subject::new(key, &self.sources, &self.actions, (&self.any, self.overflowed)) else {
            return;
        };
        let horizon = to_day.saturating_sub(scene.config.corrections_days);
        let scored = subject.is_scored(scene.facts);
        let first = if scored { subject.first_day(scene.facts, horizon) } else { i64::MAX };
        let dirty = self.dirty_from.unwrap_or(i64::MAX);
        let from = self.scored_to.map_or(first, |to| dirty.min(to + 1).max(first).max(horizon));
        let mut walk = Walk { subject: &subject, held: &mut self.held, told: &mut self.told, keep: BTreeSet::new() };
        let last = walk.days(first, from, to_day, scene, out);
        let Walk { keep, .. } = walk;
        let mut to = Teller { out, metrics: scene.metrics };
        let bare = |at| row::bare(&subject, at, (scene.config, &*scene.law));
        self.told.withdraw(dirty.max(horizon)..=to_day, &keep, bare, &mut to);
        if from <= to_day || !scored {
            tell_findings(&mut self.told, &subject, last.as_ref(), Time(to_day * Time::DAY), horizon, scene, out);
        }
        self.scored_to = Some(to_day);
        self.dirty_from = None;
        self.forget(horizon, scene.config.window_days);
    }

    /// Tells the score as of a time, once all inputs have ended. `watermark` is the account's.
    pub(crate) fn finish(
        &mut self,
        key: (&IdentityId, &AccountId),
        as_of: Time,
        watermark: Option<i64>,
        scene: &mut Scene<'_>,
        out: &mut Output<Message>,
    ) {
        let Some(subject) = Subject::new(key, &self.sources, &self.actions, (&self.any, self.overflowed)) else {
            return;
        };
        let scored = subject.is_scored(scene.facts);
        let mut walk = Walk { subject: &subject, held: &mut self.held, told: &mut self.told, keep: BTreeSet::new() };
        let before = self.scored_to.map(|day| Time(day * Time::DAY)).filter(|at| *at < as_of);
        let before = before
            .filter(|_| scored)
            .and_then(|at| walk.known(at, None, scene))
            .filter(|(moment, _)| !moment.is_gone());
        let now = Some(as_of).filter(|_| scored && !walk.told.stands_at(as_of));
        let now = now.and_then(|at| walk.known(at, before.as_ref().map(|(moment, _)| moment), scene));
        let now = now.filter(|(moment, _)| before.is_some() || !moment.is_gone());
        let row = now.as_ref().map(|(moment, weighed)| {
            let changed = before.as_ref().filter(|(_, then)| then != weighed);
            let mut row =
                row::pci(&subject, moment, weighed, changed.map(|(moment, weighed)| (moment, weighed)), scene);
            row.provisional = watermark.is_none_or(|watermark| watermark < as_of.0);
            row.last_used_at = Some(self.any.last()).filter(|last| last.0 > 0 && *last <= as_of).or(row.last_used_at);
            (row, weighed.truths.clone())
        });
        let mut to = Teller { out, metrics: scene.metrics };
        self.told.extra(row, |at| row::bare(&subject, at, (scene.config, &*scene.law)), &mut to);
        if now.is_some() {
            let horizon = self.scored_to.unwrap_or(as_of.day()).saturating_sub(scene.config.corrections_days);
            tell_findings(&mut self.told, &subject, now.as_ref(), as_of, horizon, scene, out);
        }
    }

    /// Forgets what no score from `horizon` on rests on.
    fn forget(&mut self, horizon: i64, window: i64) {
        self.told.forget(horizon);
        self.sources.forget(Time(horizon.saturating_sub(2).saturating_mul(Time::DAY)));
        let before = horizon.saturating_sub(window + 2);
        self.any.trim(before);
        for used in self.actions.values_mut() {
            used.trim(before);
        }
    }
}

/// A walk over the days of one subject.
struct Walk<'w, 'h> {
    subject: &'w Subject<'h>,
    held: &'w mut Held,
    told: &'w mut Told,
    keep: BTreeSet<i64>,
}

impl<'h> Walk<'_, 'h> {
    /// Tells the rows of the days `from..=to`, where the score changed; returns what is known at the last of them.
    fn days(
        &mut self,
        first: i64,
        from: i64,
        to: i64,
        scene: &mut Scene<'_>,
        out: &mut Output<Message>,
    ) -> Option<Known<'h>> {
        let mut before = if from > first { self.known(Time((from - 1) * Time::DAY), None, scene) } else { None };
        before = before.filter(|(moment, _)| !moment.is_gone());
        for day in from..=to {
            let then = before.as_ref().map(|(moment, _)| moment);
            let Some(moment) = self.moment(Time(day * Time::DAY), then, scene) else { continue };
            if then.is_some_and(|then| then.equals(&moment)) || (then.is_none() && moment.is_gone()) {
                continue;
            }
            let weighed = self.weigh(&moment, scene);
            if before.as_ref().is_none_or(|(_, before)| *before != weighed) {
                let row = row::pci(self.subject, &moment, &weighed, before.as_ref().map(|(m, w)| (m, w)), scene);
                self.keep.insert(day);
                self.told.row(day, row, weighed.truths.clone(), &mut Teller { out, metrics: scene.metrics });
            }
            // Whoever comes back after he was gone begins anew.
            before = Some((moment, weighed)).filter(|(moment, _)| !moment.is_gone());
        }
        before
    }

    fn known(&mut self, at: Time, before: Option<&Moment<'h>>, scene: &mut Scene<'_>) -> Option<Known<'h>> {
        let moment = self.moment(at, before, scene)?;
        let weighed = self.weigh(&moment, scene);
        Some((moment, weighed))
    }

    fn moment(&mut self, at: Time, before: Option<&Moment<'h>>, scene: &mut Scene<'_>) -> Option<Moment<'h>> {
        let held = &*self.held;
        let known = |rows: &[&Arc<Entitlement>], limits| held.set.clone().filter(|_| held.is_of(rows, limits));
        let moment = self.subject.moment(at, before, &known, scene)?;
        if self.held.set.is_none() || !self.held.is_of(&moment.rows, moment.limits) {
            let rows = moment.rows.iter().map(|row| Arc::clone(row)).collect();
            let (limits, set) = (moment.limits, Some(Arc::clone(&moment.set)));
            *self.held = Held { rows, limits, set, weighed: None, broken: None };
        }
        Some(moment)
    }

    /// Weighs a moment, if the last one weighed was not its equal. Called for the moment that was made last.
    fn weigh(&mut self, moment: &Moment<'h>, scene: &mut Scene<'_>) -> Weighed {
        if let Some((used, circumstances, weighed)) = &self.held.weighed
            && *used == moment.used
            && *circumstances == moment.circumstances
        {
            return weighed.clone();
        }
        let rules = self.broken(moment, scene);
        let weighed = self.subject.weigh(moment, rules, scene);
        self.held.weighed = Some((moment.used.clone(), moment.circumstances, weighed.clone()));
        weighed
    }
}

impl<'h> Walk<'_, 'h> {
    /// The guardrails that the moment made last breaks; they ask nothing of its use.
    fn broken(&mut self, moment: &Moment<'h>, scene: &Scene<'_>) -> Arc<[Text]> {
        let n_expired = moment.circumstances.n_expired;
        if let Some((_, rules)) = self.held.broken.as_ref().filter(|(then, _)| *then == n_expired) {
            return Arc::clone(rules);
        }
        let breaches = findings::breaches(self.subject, moment, scene);
        let rules: Arc<[Text]> = breaches.iter().map(|breach| Text::from(breach.rule.as_str())).collect();
        self.held.broken = Some((n_expired, Arc::clone(&rules)));
        rules
    }
}

/// Tells which findings are true of what is known, and which no longer are.
fn tell_findings(
    told: &mut Told,
    subject: &Subject<'_>,
    known: Option<&Known<'_>>,
    at: Time,
    horizon: i64,
    scene: &mut Scene<'_>,
    out: &mut Output<Message>,
) {
    for kind in KINDS {
        let which = Which::of(kind);
        let is_true = known.filter(|(_, weighed)| weighed.truths.has(&which));
        let row = is_true.map(|(moment, weighed)| findings::row(kind, subject, moment, weighed, scene));
        told.finding(&which, row, at, horizon, &mut Teller { out, metrics: scene.metrics });
    }
    let mut rows: BTreeMap<Which, Option<Finding>> =
        told.guardrails().iter().map(|rule| (Which::guardrail(rule), None)).collect();
    if let Some((moment, _)) = known.filter(|(_, weighed)| !weighed.truths.rules.is_empty()) {
        for breach in findings::breaches(subject, moment, scene) {
            let which = Which::guardrail(&Text::from(breach.rule.as_str()));
            rows.insert(which, Some(findings::guardrail(&breach, subject, moment)));
        }
    }
    for (which, row) in rows {
        told.finding(&which, row, at, horizon, &mut Teller { out, metrics: scene.metrics });
    }
}
