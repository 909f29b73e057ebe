//! `Detector`: events against what their identity, its peers and its account usually do. Partitioned by identity.

pub(crate) mod account;
pub(crate) mod grants;
pub(crate) mod history;
pub(crate) mod models;
pub(crate) mod rows;
pub(crate) mod volume;

use std::collections::BTreeMap;

use schemas::{AccountId, Entitlement, Message, Noun, Time};
use serde::{Deserialize, Serialize};
use stream::metrics::Reading;
use stream::{Batch, Output, StateError, Transform, Watermarks};

use crate::config::ValidConfig;
use crate::detector::account::{Account, AllGrants, Env, Totals};
use crate::detector::models::Models;
use crate::event::Seen;
use crate::metrics::DetectorMetrics;
use crate::{frontier, state};

/// Grants are kept for so many times the identities of which activity is kept, since most who may never do.
const GRANTS_PER_IDENTITY: usize = 4;

/// The first stage: reads `AccessEvent`, `Entitlement` and `Model`, emits `Anomaly`.
#[derive(Debug)]
pub struct Detector {
    config: ValidConfig,
    state: State,
    totals: Totals,
    metrics: DetectorMetrics,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    accounts: BTreeMap<AccountId, Account>,
    grants: AllGrants,
    models: Models,
}

impl Detector {
    /// Makes one that knows nothing yet.
    #[must_use]
    pub fn new(config: ValidConfig) -> Self {
        Self { config, state: State::default(), totals: Totals::default(), metrics: DetectorMetrics::default() }
    }

    /// What it counted since it was made.
    #[must_use]
    pub fn metrics(&self) -> &DetectorMetrics {
        &self.metrics
    }

    /// The event time until which an account is being learned, by the newest model; `None` while no model names it.
    #[must_use]
    pub fn learning_until(&self, account: &str) -> Option<Time> {
        let since = self.state.models.newest()?.body.since(account)?;
        Some(Time(since.0.saturating_add(self.config.learn_us)))
    }

    fn take(&mut self, message: &Message, out: &mut Output<Message>) {
        match message {
            Message::AccessEvent(event) => {
                self.metrics.detect_events_read += 1;
                let id = event.account_id.clone();
                let at = (event.time, event.event_id);
                self.with_account(&id, |account, env| account.take(&id, at, Seen::of(event), env));
                self.relieve();
            }
            Message::Entitlement(row) => self.take_grant(row),
            Message::Model(model) => match self.state.models.put(model) {
                Ok(taken) => {
                    self.metrics.detect_models_read += u64::from(taken);
                    self.note_learning();
                }
                Err(letter) => out.reject(letter.into_message()),
            },
            _ => {}
        }
    }

    fn take_grant(&mut self, row: &Entitlement) {
        let key = (row.identity_id.clone(), row.account_id.clone());
        let most = self.config.given.max_identities.saturating_mul(GRANTS_PER_IDENTITY);
        if self.state.grants.contains_key(&key) || self.state.grants.len() < most {
            self.state.grants.entry(key).or_default().put(row);
        }
    }

    fn note_learning(&mut self) {
        let Some(newest) = self.state.models.newest() else { return };
        let until = |since: i64| Time(since.saturating_mul(Time::DAY).saturating_add(self.config.learn_us));
        self.metrics.detect_learning_until =
            newest.body.accounts.iter().map(|(id, account)| (id.clone(), until(account.since))).collect();
    }

    fn with_account(&mut self, id: &AccountId, run: impl FnOnce(&mut Account, &mut Env<'_>)) {
        let State { accounts, grants, models } = &mut self.state;
        let (totals, metrics) = (&mut self.totals, &mut self.metrics);
        let mut env = Env { config: &self.config, models, grants, totals, metrics };
        run(accounts.entry(id.clone()).or_default(), &mut env);
    }

    /// Scores the oldest events early while too many are waiting.
    fn relieve(&mut self) {
        let most = self.config.given.max_pending;
        while self.totals.open > most {
            let oldest =
                self.state.accounts.iter().filter_map(|(id, account)| Some((account.oldest_open()?, id))).min();
            let Some(id) = oldest.map(|(_, id)| id.clone()) else { return };
            self.with_account(&id, |account, env| account.relieve(&id, most.div_ceil(16), env));
        }
    }

    fn tell(&mut self, out: &mut Output<Message>) {
        let mut rows = Vec::new();
        for account in self.state.accounts.values_mut().filter(|account| account.is_dirty()) {
            account.tell(self.config.late_us, &mut rows);
        }
        self.metrics.detect_anomalies_emitted += rows.len() as u64;
        for row in rows {
            out.emit(row.into_message());
        }
    }
}

impl Transform<Message> for Detector {
    fn apply(&mut self, batch: Batch<Message>, out: &mut Output<Message>) {
        for message in batch.into_payloads() {
            self.take(&message, out);
        }
        self.tell(out);
    }

    fn advance(&mut self, watermarks: &Watermarks, out: &mut Output<Message>) {
        let ids: Vec<AccountId> = self.state.accounts.keys().cloned().collect();
        for id in ids {
            if let Some(to) = frontier::of(watermarks, &id, self.config.lag_us) {
                self.with_account(&id, |account, env| account.advance(&id, to, env));
            }
        }
        if let Some(low) = watermarks.low() {
            self.state.models.forget(Time(low));
        }
        self.tell(out);
    }

    /// Tells what is still to be told. Rows of open hours were told as provisional when they changed, and the last
    /// hour's volume is judged when it closes, in a later run.
    fn finish(&mut self, _as_of: i64, out: &mut Output<Message>) {
        self.tell(out);
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        state::write(&self.state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state::read(bytes)?;
        self.totals = self.state.accounts.values().fold(Totals::default(), |sum, account| {
            let of = account.totals();
            Totals { open: sum.open + of.open, ids: sum.ids + of.ids, identities: sum.identities + of.identities }
        });
        self.note_learning();
        Ok(())
    }

    fn metrics(&self, out: &mut dyn FnMut(Reading)) {
        self.metrics.tell(out);
    }
}
