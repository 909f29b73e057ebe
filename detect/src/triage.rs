//! `Triage`: from candidates to alerts, under a budget. One partition for each organization.
//!
//! Hours of candidates are judged when [`Watermarks::low`] has passed them, in the order of time and alert id, so alerts
//! do not depend on how the candidates were spread over partitions or in which order accounts ran. Once this room's
//! `low` has passed an hour, every partition of [`crate::Detector`] has closed it for every account that is read: their
//! frontiers are never behind the room's `low`, and progress travels behind records. What comes later, of an account
//! that was idle or is new and backfilled, is judged with the next hour.

mod alert;
mod budget;
mod knowledge;
mod session;

use std::collections::{BTreeMap, BTreeSet};

use schemas::{AccountId, Alert, Anomaly, Id128, IdentityId, Message, Noun, OrgId, Time};
use serde::{Deserialize, Serialize};
use stream::metrics::Reading;
use stream::{Batch, Output, StateError, Transform, Watermarks};

use crate::config::ValidConfig;
use crate::evidence;
use crate::metrics::TriageMetrics;
use crate::state;
use crate::triage::budget::{Budget, Verdict};
use crate::triage::knowledge::Knowledge;
use crate::triage::session::Session;

/// The third stage: reads `Anomaly` and `Pci`, emits `Alert`.
#[derive(Debug)]
pub struct Triage {
    config: ValidConfig,
    state: State,
    metrics: TriageMetrics,
}

type SessionKey = (IdentityId, AccountId);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    orgs: BTreeMap<OrgId, Org>,
    n_waiting: usize,
    knowledge: Knowledge,
    /// Alerts that were told at the end of an earlier run, before their hours had closed.
    told: BTreeMap<Id128, Alert>,
    /// Hours that end at or before this are judged.
    judged_to: Option<Time>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Org {
    /// Candidates by hour, then by id.
    waiting: BTreeMap<Time, BTreeMap<Id128, Anomaly>>,
    sessions: BTreeMap<SessionKey, Session>,
    budget: Budget,
}

impl Triage {
    /// Makes one that knows nothing yet.
    #[must_use]
    pub fn new(config: ValidConfig) -> Self {
        Self { config, state: State::default(), metrics: TriageMetrics::default() }
    }

    /// What it counted since it was made.
    #[must_use]
    pub fn metrics(&self) -> &TriageMetrics {
        &self.metrics
    }

    /// Puts a candidate where its hour waits; a newer revision replaces an older one. One that comes after its hour was
    /// judged waits for the next hour.
    fn take(&mut self, row: &Anomaly) {
        self.metrics.triage_anomalies_read += 1;
        let own = row.time.floor(Time::HOUR);
        let hour = self.state.judged_to.map_or(own, |judged| own.max(judged.floor(Time::HOUR)));
        let waiting = self.state.orgs.entry(row.org_id.clone()).or_default().waiting.entry(hour).or_default();
        if let Some(known) = waiting.get_mut(&row.anomaly_id) {
            if row.revision >= known.revision {
                *known = row.clone();
            }
            return;
        }
        if self.state.n_waiting >= self.config.given.triage.max_waiting {
            self.metrics.triage_anomalies_dropped += 1;
            return;
        }
        waiting.insert(row.anomaly_id, row.clone());
        self.state.n_waiting += 1;
    }

    /// Judges every hour that ends at or before a time.
    fn judge_to(&mut self, to: Time, provisional: bool, out: &mut Output<Message>) {
        let State { orgs, n_waiting, knowledge, judged_to, told } = &mut self.state;
        for org in orgs.values_mut() {
            while let Some(entry) = org.waiting.first_entry().filter(|entry| entry.key().0 + Time::HOUR <= to.0) {
                let (hour, rows) = entry.remove_entry();
                *n_waiting -= rows.len();
                let mut judge =
                    Judge { config: &self.config, knowledge, told, metrics: &mut self.metrics, provisional };
                judge.hour(org, hour, rows, out);
            }
            let config = &self.config;
            org.sessions.retain(|_, session| session.is_open_at(to, config));
        }
        orgs.retain(|_, org| !org.waiting.is_empty() || !org.sessions.is_empty() || org.budget.is_of_day(to.day()));
        let is_new_day = judged_to.is_none_or(|judged| judged.day() < to.day());
        *judged_to = (*judged_to).max(Some(to));
        if !provisional {
            if is_new_day {
                knowledge.forget(Time(to.0.saturating_sub(session::MAX_LENGTH_US + Time::DAY)));
            }
            take_back(told, to, out);
        }
    }
}

/// Takes back what was told as provisional and did not come true when its hours closed.
fn take_back(told: &mut BTreeMap<Id128, Alert>, to: Time, out: &mut Output<Message>) {
    let closed = |alert: &Alert| alert.last_at.floor(Time::HOUR).0 + Time::HOUR <= to.0;
    let ids: Vec<Id128> = told.iter().filter(|(_, alert)| closed(alert)).map(|(id, _)| *id).collect();
    for mut alert in ids.iter().filter_map(|id| told.remove(id)) {
        alert.suppressed = Some("it was not confirmed when its hour closed".into());
        alert.provisional = false;
        alert.revision += 1;
        out.emit(alert.into_message());
    }
}

/// What an hour is judged with.
struct Judge<'a> {
    config: &'a ValidConfig,
    knowledge: &'a Knowledge,
    told: &'a mut BTreeMap<Id128, Alert>,
    metrics: &'a mut TriageMetrics,
    provisional: bool,
}

impl Judge<'_> {
    fn hour(&mut self, org: &mut Org, hour: Time, rows: BTreeMap<Id128, Anomaly>, out: &mut Output<Message>) {
        let mut by_time: Vec<Anomaly> = rows.into_values().collect();
        by_time.sort_unstable_by_key(|row| (row.time, row.anomaly_id));
        let mut touched: BTreeSet<(Time, Id128, SessionKey)> = BTreeSet::new();
        for row in by_time {
            let key = (row.identity_id.clone(), row.account_id.clone());
            let open = org.sessions.get(&key).is_some_and(|session| session.is_open_at(row.time, self.config));
            if !open {
                org.sessions.insert(key.clone(), Session::new(&row));
            }
            if let Some(session) = org.sessions.get_mut(&key) {
                session.add(&row, &self.config.given.triage);
                touched.insert((session.start(), session.alert_id(), key));
            }
        }
        org.budget.begin_day(hour.day());
        for (_, _, key) in touched {
            if let Some(session) = org.sessions.get_mut(&key) {
                self.session(session, &mut org.budget, hour, out);
            }
        }
    }

    /// Looks at a session: it was an alert before and is told again, or it is tested.
    fn session(&mut self, session: &mut Session, budget: &mut Budget, hour: Time, out: &mut Output<Message>) {
        if session.is_raised() {
            self.tell(session, out);
            return;
        }
        let nats = session.nats();
        let floor = evidence::nats_of(self.config.given.candidate_p);
        self.metrics.triage_tests_made += 1;
        let verdict = budget.test(nats - floor, &self.config.given.triage);
        if verdict == Verdict::Pass {
            return;
        }
        let listed = alert::suppression(session, self.config, hour);
        let held = match (verdict, listed) {
            (_, Some(reason)) => {
                self.metrics.triage_alerts_suppressed += 1;
                Some(reason)
            }
            (Verdict::OverBudget, None) => {
                self.metrics.triage_alerts_over_budget += 1;
                let most = self.config.given.triage.budget_per_day;
                Some(format!("over the budget of {most} alerts a day").into())
            }
            _ => {
                budget.spend();
                self.metrics.triage_alerts_raised += 1;
                None
            }
        };
        session.raise(hour, held);
        self.tell(session, out);
    }

    fn tell(&mut self, session: &mut Session, out: &mut Output<Message>) {
        let before = self.told.remove(&session.alert_id()).map_or(0, |alert| alert.revision);
        session.count_up(before);
        let mut alert = alert::of(session, self.knowledge);
        alert.provisional = self.provisional;
        out.emit(alert.into_message());
    }
}

impl Transform<Message> for Triage {
    fn apply(&mut self, batch: Batch<Message>, _out: &mut Output<Message>) {
        for message in batch.into_payloads() {
            match message {
                Message::Anomaly(row) => self.take(&row),
                Message::Pci(row) => self.state.knowledge.put(&row, self.config.given.triage.max_identities),
                _ => {}
            }
        }
    }

    fn advance(&mut self, watermarks: &Watermarks, out: &mut Output<Message>) {
        if let Some(low) = watermarks.low() {
            self.judge_to(Time(low), false, out);
        }
    }

    /// Judges the open hours for now. The answer is told as provisional; the hours stay open, and when they close the
    /// alerts are told again with a higher revision.
    fn finish(&mut self, as_of: i64, out: &mut Output<Message>) {
        let (open, before) = (self.state.clone(), self.metrics.clone());
        let mut told = Output::default();
        self.judge_to(Time(as_of.saturating_add(Time::HOUR)), true, &mut told);
        self.state = open;
        self.metrics = before;
        let most = self.config.given.triage.max_waiting;
        for message in told.emitted {
            if let Message::Alert(alert) = &message
                && self.state.told.len() < most
            {
                self.state.told.insert(alert.alert_id, alert.as_ref().clone());
            }
            out.emit(message);
        }
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        state::write(&self.state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state::read(bytes)?;
        Ok(())
    }

    fn metrics(&self, out: &mut dyn FnMut(Reading)) {
        self.metrics.tell(out);
    }
}
