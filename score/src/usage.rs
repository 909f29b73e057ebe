//! The usage windows of one identity in one account, and their rows.

use schemas::{Action, IdentityId, IdentityKind, Message, Noun, Provider, ResourceId, Time, Usage};
use serde::{Deserialize, Serialize};
use stream::Output;

use crate::law::Law;
use crate::metrics::ScoreMetrics;
use crate::windows::{Cell, Counts, Room, Windows};

/// The hourly and daily windows of one identity in the account where it acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UsageOf {
    provider: Provider,
    kind: IdentityKind,
    hours: Windows,
    days: Windows,
}

impl UsageOf {
    pub(crate) fn new(provider: Provider, kind: IdentityKind) -> Self {
        Self { provider, kind, hours: Windows::default(), days: Windows::default() }
    }

    /// Adds repeats of one use to its hour and its day; says whether both had room for its name.
    pub(crate) fn add(&mut self, hour: i64, key: &(Action, ResourceId), counts: &Counts, room: Room<'_>) -> bool {
        let day = Time(hour).floor(Time::DAY).0;
        let in_hour = self.hours.add(hour, key.clone(), counts, room);
        let in_day = self.days.add(day, key.clone(), counts, room);
        in_hour && in_day
    }

    /// Emits the changed rows of closed windows.
    pub(crate) fn close(
        &mut self,
        id: (&IdentityId, &schemas::AccountId),
        watermark: i64,
        metrics: &mut ScoreMetrics,
        out: &mut Output<Message>,
    ) {
        let (provider, kind) = (self.provider, self.kind);
        for (width, windows) in [(Time::HOUR, &mut self.hours), (Time::DAY, &mut self.days)] {
            windows.close(width, watermark, |start, key, cell| {
                metrics.score_usage_rows_total += 1;
                out.emit(row(id, (provider, kind), (start, width), key, cell, false).into_message());
            });
        }
    }

    /// Emits the rows of windows that are open, as provisional.
    pub(crate) fn tell(
        &mut self,
        id: (&IdentityId, &schemas::AccountId),
        metrics: &mut ScoreMetrics,
        out: &mut Output<Message>,
    ) {
        let (provider, kind) = (self.provider, self.kind);
        for (width, windows) in [(Time::HOUR, &mut self.hours), (Time::DAY, &mut self.days)] {
            windows.tell(|start, key, cell| {
                metrics.score_usage_rows_total += 1;
                out.emit(row(id, (provider, kind), (start, width), key, cell, true).into_message());
            });
        }
    }

    /// Forgets windows that ended by a time; returns how many rows went.
    pub(crate) fn forget(&mut self, before: i64) -> usize {
        self.hours.forget(Time::HOUR, before) + self.days.forget(Time::DAY, before)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.hours.is_empty() && self.days.is_empty()
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.hours.n_rows() + self.days.n_rows()
    }

    /// The ends of the windows with open rows.
    pub(crate) fn open_ends(&self) -> impl Iterator<Item = i64> {
        self.hours.open_ends(Time::HOUR).chain(self.days.open_ends(Time::DAY))
    }
}

fn row(
    (identity_id, account_id): (&IdentityId, &schemas::AccountId),
    (provider, identity_kind): (Provider, IdentityKind),
    (start, window_us): (i64, i64),
    (action, resource_id): &(Action, ResourceId),
    cell: &Cell,
    provisional: bool,
) -> Usage {
    let info = Law::find(provider, action);
    Usage {
        identity_id: identity_id.clone(),
        identity_kind,
        provider,
        account_id: account_id.clone(),
        action: action.clone(),
        access_level: info.map(|info| info.level),
        risk_class: info.map(|info| info.risk),
        resource_id: resource_id.clone(),
        window_start: Time(start),
        window_us,
        n_uses: cell.counts.n_uses,
        n_denied: cell.counts.n_denied,
        n_errors: cell.counts.n_errors,
        first_at: cell.counts.first_at,
        last_at: cell.counts.last_at,
        provisional,
        revision: cell.revision,
    }
}
