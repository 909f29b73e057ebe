//! One account in one partition: its open hours, its candidate rows and its identities.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use schemas::{AccountId, Anomaly, Id128, IdentityId, Time};
use serde::{Deserialize, Serialize};

use crate::config::ValidConfig;
use crate::detector::grants::Grants;
use crate::detector::history::{Bounds, History, Kind};
use crate::detector::models::Models;
use crate::detector::rows::{Candidate, RowBounds, Rows, Who};
use crate::detector::volume::{Counts, DENIED, FRESH, Volume, series_of};
use crate::detectors::{self, Scene};
use crate::event::Seen;
use crate::evidence;
use crate::metrics::DetectorMetrics;

/// At or below this p-value an event is learned only when it has aged: nine in a hundred thousand of usual events wait
/// a day for nothing, and what an intruder does does not become usual within the hour.
const STRANGE_P: f64 = 1e-4;

/// The grants of a partition.
pub(crate) type AllGrants = BTreeMap<(IdentityId, AccountId), Grants>;

/// What an account is judged with, and what is counted meanwhile.
pub(crate) struct Env<'a> {
    pub config: &'a ValidConfig,
    pub models: &'a Models,
    pub grants: &'a AllGrants,
    pub totals: &'a mut Totals,
    pub metrics: &'a mut DetectorMetrics,
}

/// Sizes over all accounts of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub open: usize,
    pub ids: usize,
    pub identities: usize,
}

/// The state of one account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// Hours that end at or before this are closed; see [`crate::frontier`].
    reached: Option<Time>,
    /// Events of hours that are not closed, by hour.
    open: BTreeMap<Time, BTreeMap<(Time, Id128), Seen>>,
    rows: BTreeMap<Time, Rows>,
    /// The ids of closed hours, until these are too old for late events.
    ids: BTreeMap<Time, BTreeSet<Id128>>,
    identities: BTreeMap<IdentityId, History>,
    /// Hours whose rows have something to tell; empty between batches.
    #[serde(skip)]
    dirty: BTreeSet<Time>,
}

type At = (Time, Id128);

impl Account {
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            open: self.open.values().map(BTreeMap::len).sum(),
            ids: self.ids.values().map(BTreeSet::len).sum(),
            identities: self.identities.len(),
        }
    }

    /// The oldest open hour.
    pub(crate) fn oldest_open(&self) -> Option<Time> {
        self.open.first_key_value().map(|(hour, _)| *hour)
    }

    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    fn is_closed(&self, hour: Time) -> bool {
        self.reached.is_some_and(|reached| hour.0.saturating_add(Time::HOUR) <= reached.0)
    }

    fn is_ready(&self, hour: Time, lag_us: i64) -> bool {
        self.reached.is_some_and(|reached| hour.0.saturating_sub(lag_us) <= reached.0)
    }

    /// Takes an event in: scores it if its model is closed, else lets it wait.
    pub(crate) fn take(&mut self, id: &AccountId, at: At, mut event: Seen, env: &mut Env<'_>) {
        let hour = at.0.floor(Time::HOUR);
        let known = self.open.get(&hour).is_some_and(|events| events.contains_key(&at))
            || self.ids.get(&hour).is_some_and(|ids| ids.contains(&at.1));
        if known {
            env.metrics.detect_events_repeated += 1;
            return;
        }
        if self.is_closed(hour) {
            self.take_late(id, at, event, env);
            return;
        }
        if self.is_ready(hour, env.config.lag_us) {
            self.score(id, at, &mut event, false, env);
        }
        self.open.entry(hour).or_default().insert(at, event);
        env.totals.open += 1;
    }

    /// An event of a closed hour: scored as of its own time like any other, and learned at once. The hour's volume is
    /// not judged again.
    fn take_late(&mut self, id: &AccountId, at: At, mut event: Seen, env: &mut Env<'_>) {
        let oldest = self.reached.map_or(i64::MIN, |reached| reached.0.saturating_sub(env.config.late_us));
        if at.0.0 < oldest {
            env.metrics.detect_events_too_late += 1;
            return;
        }
        env.metrics.detect_events_late += 1;
        self.score(id, at, &mut event, false, env);
        self.learn(at, &event, env);
    }

    /// Moves on: closes hours and scores waiting events, each in the order of its model's end.
    pub(crate) fn advance(&mut self, id: &AccountId, to: Time, env: &mut Env<'_>) {
        let mut ready_from = self
            .reached
            .map_or(Time(i64::MIN), |t| Time(t.0.saturating_add(env.config.lag_us)).floor(Time::HOUR) + HOUR);
        loop {
            let close = self.oldest_open().map(|hour| hour.0.saturating_add(Time::HOUR)).filter(|end| *end <= to.0);
            let waiting = self.open.range(ready_from..).next().map(|(hour, _)| *hour);
            let score = waiting.filter(|hour| hour.0.saturating_sub(env.config.lag_us) <= to.0);
            match (close, score) {
                (Some(end), Some(hour)) if end > hour.0.saturating_sub(env.config.lag_us) => {
                    self.score_hour(id, hour, env);
                    ready_from = hour + HOUR;
                }
                (Some(_), _) => self.close_oldest(id, env),
                (None, Some(hour)) => {
                    self.score_hour(id, hour, env);
                    ready_from = hour + HOUR;
                }
                (None, None) => break,
            }
        }
        self.reached = self.reached.max(Some(to));
        self.forget_old(env);
    }

    fn score_hour(&mut self, id: &AccountId, hour: Time, env: &mut Env<'_>) {
        let Some(mut events) = self.open.remove(&hour) else { return };
        for (at, event) in &mut events {
            self.score(id, *at, event, false, env);
        }
        self.open.insert(hour, events);
    }

    fn score(&mut self, id: &AccountId, at: At, event: &mut Seen, early: bool, env: &mut Env<'_>) {
        let hour = at.0.floor(Time::HOUR);
        let as_of = Time(hour.0.saturating_sub(env.config.lag_us));
        let model = env.models.at(at.0);
        let found = detectors::run(&Scene {
            config: env.config,
            account: id,
            time: at.0,
            as_of,
            event,
            history: self.identities.get(&event.identity).filter(|history| history.first < as_of),
            rhythm: OnceCell::new(),
            model,
            grants: env.grants.get(&(event.identity.clone(), id.clone())),
        });
        if early {
            env.metrics.detect_events_early += 1;
        }
        for candidate in found {
            let nats = evidence::together(candidate.evidence.iter());
            event.strange |= evidence::p_value(nats) <= STRANGE_P;
            self.add(at, event, id, candidate, model.map(|model| &model.id), early, env.config, env.metrics);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one private step of `score` and `judge`, taken apart for the borrows"
    )]
    fn add(
        &mut self,
        at: At,
        event: &Seen,
        id: &AccountId,
        candidate: Candidate,
        model: Option<&schemas::Text>,
        early: bool,
        config: &ValidConfig,
        metrics: &mut DetectorMetrics,
    ) {
        let hour = at.0.floor(Time::HOUR);
        let who = Who {
            provider: event.provider,
            account: id.clone(),
            org: event.org_or(id),
            identity: event.identity.clone(),
            kind: event.kind,
            name: event.name.clone(),
            ip: event.ip.clone(),
            tool: event.tool.clone(),
        };
        let bounds = RowBounds { candidates: config.given.max_candidates, event_ids: config.given.max_event_ids };
        let folded = self.rows.entry(hour).or_default().add(at, who, candidate, model, early, bounds);
        metrics.detect_candidates_folded += u64::from(folded);
        self.dirty.insert(hour);
    }

    /// Closes the oldest open hour: judges its volume, then learns it, in the order of time and event id.
    fn close_oldest(&mut self, id: &AccountId, env: &mut Env<'_>) {
        let Some((hour, events)) = self.open.pop_first() else { return };
        env.totals.open -= events.len();
        self.dirty.insert(hour);
        let mut by_identity: BTreeMap<&IdentityId, Vec<(At, &Seen)>> = BTreeMap::new();
        for (at, event) in &events {
            by_identity.entry(&event.identity).or_default().push((*at, event));
        }
        let mut volumes: Vec<(IdentityId, Counts)> = Vec::with_capacity(by_identity.len());
        for (identity, of_identity) in by_identity {
            let counts = self.count(identity, hour, &of_identity);
            self.judge(id, hour, &counts, &of_identity, env);
            volumes.push((identity.clone(), counts));
        }
        for (at, event) in &events {
            self.learn(*at, event, env);
        }
        for (identity, counts) in volumes {
            if let Some(history) = self.identities.get_mut(&identity) {
                history.volume.learn(hour, &counts);
            }
        }
    }

    fn count(&self, identity: &IdentityId, hour: Time, events: &[(At, &Seen)]) -> Counts {
        let history = self.identities.get(identity);
        let mut counts = Counts::default();
        for (_, event) in events {
            counts.by_series[series_of(event.class())] += 1;
            counts.by_series[DENIED] += u32::from(event.denied);
            let new = event.containers.iter().filter(|id| !history.is_some_and(|h| h.knows(Kind::Resource, id, hour)));
            counts.fresh.extend(new.cloned());
        }
        counts.by_series[FRESH] = u32::try_from(counts.fresh.len()).unwrap_or(u32::MAX);
        counts
    }

    fn judge(&mut self, id: &AccountId, hour: Time, counts: &Counts, events: &[(At, &Seen)], env: &mut Env<'_>) {
        let Some((_, first)) = events.first() else { return };
        let newcomer = Volume::default();
        let history = self.identities.get(&first.identity);
        let model = env.models.at(hour);
        let since = model.and_then(|model| model.body.since(id)).into_iter().chain(history.map(|h| h.first)).min();
        if since.is_none_or(|since| since.0.saturating_add(env.config.learn_us) > hour.0) {
            return;
        }
        let high = history.map_or(&newcomer, |history| &history.volume).excess(hour, counts);
        for excess in high {
            let name = first.name.as_deref().unwrap_or(&first.identity).to_owned();
            let Some(candidate) = detectors::volume::candidate(env.config, &name, &excess) else { continue };
            let of_series = events.iter().filter(|(_, event)| match excess.series {
                DENIED => event.denied,
                FRESH => event.containers.iter().any(|id| counts.fresh.contains(id)),
                series => series_of(event.class()) == series,
            });
            for (at, event) in of_series.take(env.config.given.max_event_ids) {
                let mut found = candidate.clone();
                let riskiest = event.actions.iter().max_by_key(|(_, class)| *class);
                found.action = riskiest.map(|(action, _)| action.clone());
                found.resource = event.containers.first().cloned();
                self.add(*at, event, id, found, model.map(|model| &model.id), false, env.config, env.metrics);
            }
        }
    }

    fn learn(&mut self, at: At, event: &Seen, env: &mut Env<'_>) {
        let given = &env.config.given;
        if self.ids.entry(at.0.floor(Time::HOUR)).or_default().insert(at.1) {
            env.totals.ids += 1;
        }
        while env.totals.ids > given.max_pending {
            let Some((_, ids)) = self.ids.pop_first() else { break };
            env.totals.ids -= ids.len();
        }
        if !self.identities.contains_key(&event.identity) {
            self.make_room(env);
            if env.totals.identities >= given.max_identities {
                env.metrics.detect_identities_evicted += 1;
                return;
            }
            env.totals.identities += 1;
            self.identities.insert(event.identity.clone(), History::new(at.0, event.kind));
        }
        let bounds: Bounds = [given.max_actions, given.max_resources, given.max_networks, given.max_networks];
        if let Some(history) = self.identities.get_mut(&event.identity) {
            env.metrics.detect_values_evicted += history.learn(at.0, event, env.config.age_us, &bounds);
        }
    }

    /// Forgets the sixteenth of this account's identities that is longest inactive, when the partition is full.
    fn make_room(&mut self, env: &mut Env<'_>) {
        if env.totals.identities < env.config.given.max_identities {
            return;
        }
        let mut by_age: Vec<(Time, IdentityId)> =
            self.identities.iter().map(|(id, history)| (history.last, id.clone())).collect();
        by_age.sort_unstable();
        by_age.truncate(self.identities.len().div_ceil(16));
        for (_, id) in &by_age {
            self.identities.remove(id);
        }
        env.totals.identities -= by_age.len();
        env.metrics.detect_identities_evicted += by_age.len() as u64;
    }

    /// Scores and learns up to `n` of the oldest events before their time, for want of room.
    pub(crate) fn relieve(&mut self, id: &AccountId, n: usize, env: &mut Env<'_>) {
        for _ in 0..n {
            let Some(mut entry) = self.open.first_entry() else { return };
            let hour = *entry.key();
            let Some((at, mut event)) = entry.get_mut().pop_first() else {
                entry.remove();
                continue;
            };
            if entry.get().is_empty() {
                entry.remove();
            }
            env.totals.open -= 1;
            if !self.is_ready(hour, env.config.lag_us) {
                self.score(id, at, &mut event, true, env);
            }
            self.learn(at, &event, env);
        }
    }

    fn forget_old(&mut self, env: &mut Env<'_>) {
        let Some(reached) = self.reached else { return };
        let oldest = Time(reached.0.saturating_sub(env.config.late_us)).floor(Time::HOUR);
        self.ids = {
            let kept = self.ids.split_off(&oldest);
            env.totals.ids -= self.ids.values().map(BTreeSet::len).sum::<usize>();
            kept
        };
        if self.dirty.first().is_none_or(|hour| *hour >= oldest) {
            self.rows = self.rows.split_off(&oldest);
        }
    }

    /// Tells the rows that changed.
    pub(crate) fn tell(&mut self, late_us: i64, out: &mut Vec<Anomaly>) {
        for hour in std::mem::take(&mut self.dirty) {
            let closed = self.is_closed(hour);
            if let Some(rows) = self.rows.get_mut(&hour) {
                rows.tell(hour, closed, out);
            }
        }
        if let Some(reached) = self.reached {
            let oldest = Time(reached.0.saturating_sub(late_us)).floor(Time::HOUR);
            self.rows = self.rows.split_off(&oldest);
        }
    }
}

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
