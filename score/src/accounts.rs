//! The stage before scoring, in one partition: what every partition of [`crate::Scorer`] must know alike of an account,
//! and what joins records of several identities.
//!
//! An identity's partition sees neither the logs of others, nor who else can be reached in its account, nor the calls with
//! which somebody assumed it. This stage does, and hands it on as records: log and people and target facts on
//! `inventory.v1` (see [`crate::facts`]), the grants of `AWSReservedSSO_*` roles as those of the people who act through
//! them on `entitlement.v1`, and sessions on `session.v1`.

mod logs;
mod people;
mod sessions;
mod targets;

use std::sync::Arc;

use schemas::{AccessEvent, AccountId, Inventory, Message, Noun, Provider, ResourceId, Text, Time};
use serde::{Deserialize, Serialize};
use stream::metrics::Reading;
use stream::{Batch, Output, StateError, Transform, Watermarks};

use crate::ValidConfig;
use crate::law::Law;
use crate::limits::{self, is_limit};
use crate::metrics::ScoreMetrics;
use crate::state;

use logs::Logs;
use people::People;
use sessions::Sessions;
use targets::Targets;

/// The state's format.
const FORMAT: u32 = 2;
/// Ids listed in a row of people or targets; the count is of all. One id would do to know that there is one.
const MAX_LISTED: usize = 1_000;

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    logs: Logs,
    people: People,
    targets: Targets,
    sessions: Sessions,
}

/// Learns what every partition must know of an account. Reads `access_event.v1`, `entitlement.v1` and `policy.v1`; writes
/// `inventory.v1`, `entitlement.v1` and `session.v1`. It runs in one partition, before [`crate::Scorer`].
#[derive(Debug)]
pub struct Accounts {
    config: ValidConfig,
    law: Law,
    metrics: ScoreMetrics,
    state: State,
}

impl Accounts {
    /// A fresh stage.
    #[must_use]
    pub fn new(config: &ValidConfig) -> Self {
        Self {
            config: config.clone(),
            law: Law::new(&config.set.risk),
            metrics: ScoreMetrics::default(),
            state: State::default(),
        }
    }

    /// What it counted.
    #[must_use]
    pub fn metrics(&self) -> &ScoreMetrics {
        &self.metrics
    }

    fn event(&mut self, event: &Arc<AccessEvent>, out: &mut Output<Message>) {
        self.metrics.score_events_total += 1;
        self.state.logs.event(event, out);
        self.state.people.event(event, self.config.set.max_identities, out);
        self.state.sessions.event(event);
    }
}

impl Transform<Message> for Accounts {
    fn apply(&mut self, batch: Batch<Message>, out: &mut Output<Message>) {
        let bound = self.config.set.max_identities;
        for message in batch.into_payloads() {
            match message {
                Message::AccessEvent(event) => self.event(&event, out),
                Message::Policy(policy) => self.state.targets.policy(&policy, self.config.set.max_policies),
                Message::Entitlement(row) if is_limit(&row) => {
                    out.emit(limits::fact(&row).into_message());
                    if !self.state.targets.entitlement(&row, bound, self.config.set.max_grants) {
                        self.metrics.score_identities_overflow_total += 1;
                    }
                }
                Message::Entitlement(row) if row.is_of_resource() => {}
                Message::Entitlement(row) if !people::is_derived(&row) => {
                    self.state.people.entitlement(&row, self.config.set.max_grants, out);
                    if !self.state.targets.entitlement(&row, bound, self.config.set.max_grants) {
                        self.metrics.score_identities_overflow_total += 1;
                    }
                }
                _ => {}
            }
        }
        self.state.targets.tell(&mut self.law, out);
        self.state.sessions.tell(out);
        self.metrics.score_sessions_overflow_total += self.state.sessions.bound(self.config.set.max_sessions);
    }

    fn advance(&mut self, watermarks: &Watermarks, _out: &mut Output<Message>) {
        if let Some(low) = watermarks.low() {
            self.state.sessions.forget(Time(low.saturating_sub(self.config.session_kept_us)));
        }
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        state::write(FORMAT, &self.state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state::read(FORMAT, bytes)?;
        self.state.targets.index();
        self.state.sessions.index();
        Ok(())
    }

    fn metrics(&self, out: &mut dyn FnMut(Reading)) {
        self.metrics.tell(out);
    }
}

/// A row of `inventory.v1` that is no inventory but a fact.
fn fact(provider: Provider, account: &AccountId, kind: Text, time: Time, revision: i64) -> Inventory {
    Inventory {
        provider,
        account_id: account.clone(),
        kind,
        time,
        n_resources: 0,
        resource_ids: Vec::new(),
        deleted_at: None,
        revision,
    }
}

/// A fact that lists identities.
fn listing(row: Inventory, ids: impl ExactSizeIterator<Item = ResourceId>) -> Message {
    let n_resources = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let resource_ids = ids.take(MAX_LISTED).collect();
    Inventory { n_resources, resource_ids, ..row }.into_message()
}
