//! `PeerModels`: who resembles whom by use, and how many use what. One partition, since it needs every identity.

pub(crate) mod body;
mod fit;
mod profile;

use std::collections::BTreeMap;

use schemas::{AccountId, Action, IdentityId, Message, Model, Noun, ResourceId, Time, Usage};
use serde::{Deserialize, Serialize};
use stream::metrics::Reading;
use stream::{Batch, Output, StateError, Transform, Watermarks};

use crate::config::ValidConfig;
use crate::metrics::PeersMetrics;
use crate::peers::profile::{DayUse, Profiles};
use crate::state;

/// The second stage: reads daily `Usage`, emits `Model`.
///
/// When [`Watermarks::low`] passes the end of a day, the usage of all days before is folded into profiles, in the order
/// of its keys, and every `every_days` days a model is fitted, effective one day later. So a model is a function of the
/// usage alone, and every partition of [`crate::Detector`] takes it up at the same event time.
#[derive(Debug)]
pub struct PeerModels {
    config: ValidConfig,
    state: State,
    metrics: PeersMetrics,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// Rows of days that are not folded yet.
    days: BTreeMap<i64, BTreeMap<RowKey, DayRow>>,
    n_rows: usize,
    profiles: Profiles,
    /// The first day of any usage, and the day after the last.
    first_day: Option<i64>,
    folded_to: Option<i64>,
    /// Whether something was folded since the last model, and the day of that.
    is_stale: bool,
    modelled: Option<i64>,
    /// The day whose start the watermark has passed.
    closed_to: Option<i64>,
}

type RowKey = (IdentityId, AccountId, Action, ResourceId);

#[derive(Debug, Serialize, Deserialize)]
struct DayRow {
    revision: i64,
    used: DayUse,
}

impl PeerModels {
    /// Makes one that knows nothing yet.
    #[must_use]
    pub fn new(config: ValidConfig) -> Self {
        Self { config, state: State::default(), metrics: PeersMetrics::default() }
    }

    /// What it counted since it was made.
    #[must_use]
    pub fn metrics(&self) -> &PeersMetrics {
        &self.metrics
    }

    fn take(&mut self, row: &Usage) {
        if row.window_us != Time::DAY {
            return;
        }
        self.metrics.peers_rows_read += 1;
        let day = row.window_start.day();
        let key = (row.identity_id.clone(), row.account_id.clone(), row.action.clone(), row.resource_id.clone());
        let used = DayUse {
            provider: row.provider,
            service: profile::service_of(&row.action),
            level: row.access_level,
            used: row.n_uses > 0,
        };
        let rows = self.state.days.entry(day).or_default();
        if let Some(known) = rows.get_mut(&key) {
            if row.revision >= known.revision {
                *known = DayRow { revision: row.revision, used };
            }
            return;
        }
        if self.state.n_rows >= self.config.given.peers.max_rows {
            self.metrics.peers_rows_dropped += 1;
            return;
        }
        self.state.n_rows += 1;
        rows.insert(key, DayRow { revision: row.revision, used });
    }

    /// Folds every day that has ended, and fits the models that fall due. Which days have models depends on the days
    /// with usage alone, not on how far the watermark moves at once.
    fn close_days(&mut self, low: i64, out: &mut Output<Message>) {
        let end = Time(low).day();
        let closed_to = self.state.closed_to.unwrap_or(i64::MIN);
        if end <= closed_to {
            return;
        }
        loop {
            let next = self.state.days.first_key_value().map(|(day, _)| *day).filter(|day| *day < end);
            self.model_if_due(closed_to.saturating_add(1), next.unwrap_or(end), out);
            match next {
                Some(day) => self.fold(day),
                None => break,
            }
        }
        self.state.closed_to = Some(end);
    }

    fn fold(&mut self, day: i64) {
        let Some(rows) = self.state.days.remove(&day) else { return };
        self.state.n_rows -= rows.len();
        let settings = &self.config.given.peers;
        for ((identity, account, action, _), row) in rows {
            self.state.profiles.add(identity, account, action, day, &row.used, settings);
        }
        self.metrics.peers_identities_evicted += self.state.profiles.trim(day, settings);
        self.state.first_day = Some(self.state.first_day.map_or(day, |first| first.min(day)));
        self.state.folded_to = self.state.folded_to.max(Some(day + 1));
        self.state.is_stale = true;
    }

    /// Publishes the model that falls due at the start of a day from `from` to `until`, if something was folded since
    /// the last one. A day whose end the watermark passed before has no model any more: it would come too late.
    fn model_if_due(&mut self, from: i64, until: i64, out: &mut Output<Message>) {
        let settings = &self.config.given.peers;
        let (Some(first), Some(folded_to), true) = (self.state.first_day, self.state.folded_to, self.state.is_stale)
        else {
            return;
        };
        let by_age = first + i64::from(settings.min_days);
        let by_pace = self.state.modelled.map_or(i64::MIN, |last| last + i64::from(settings.every_days));
        let day = from.max(folded_to).max(by_age).max(by_pace);
        if day > until {
            return;
        }
        self.state.is_stale = false;
        self.state.modelled = Some(day);
        let fitted = fit::model(&mut self.state.profiles, day, settings);
        self.metrics.peers_fits_failed += fitted.n_failed;
        let mut body = fitted.body;
        let text = body.cut_to(settings.max_body_bytes);
        self.metrics.peers_actions_cut += body.n_cut;
        self.metrics.peers_models_published += 1;
        let time = Time(day * Time::DAY);
        let model = Model {
            model_id: format!("peers@{}", time.date()).into(),
            kind: "peers".into(),
            time,
            effective_from: Time(time.0 + Time::DAY),
            format: body::FORMAT,
            body: text.into(),
        };
        out.emit(model.into_message());
    }
}

impl Transform<Message> for PeerModels {
    fn apply(&mut self, batch: Batch<Message>, _out: &mut Output<Message>) {
        for message in batch.into_payloads() {
            if let Message::Usage(row) = message {
                self.take(&row);
            }
        }
    }

    fn advance(&mut self, watermarks: &Watermarks, out: &mut Output<Message>) {
        if let Some(low) = watermarks.low() {
            self.close_days(low, out);
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
