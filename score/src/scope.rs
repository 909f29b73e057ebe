//! The stage behind scoring, in one partition: scores by account, group and organization.
//!
//! The index of a scope is that of one identity with the sums of its members:
//! PCI = 100 × (Σ exposure / Σ capacity)^γ over the members' newest rows at that time. So it is 0 if and only if no member
//! holds anything unused, a member who uses more never raises it, and an account of right-sized identities stays low
//! however many they are. Sums are made of whole rows that replace by revision, so a correction replaces, never adds.
//!
//! Members of an account are the identities scored in it, of an organization those of its accounts, of a group those whose
//! newest grants name it. Membership is that of today at every past time, too.

mod members;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use permissions::RiskModel;
use schemas::{AccountId, Finding, IdentityId, Message, Noun, OrgId, Pci, Provider, ScopeKind, Text, Time};
use serde::{Deserialize, Serialize};
use stream::metrics::Reading;
use stream::{Batch, Output, StateError, Transform, Watermarks};

use crate::ValidConfig;
use crate::metrics::ScoreMetrics;
use crate::state;

use members::{Members, Part};
use rows::Sum;

/// The state's format.
const FORMAT: u32 = 2;

/// A scope: an account, a group of an account, or an organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Scope {
    Account(AccountId),
    Group(AccountId, IdentityId),
    Organization(OrgId),
}

/// A row that was told.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Point {
    hash: u64,
    revision: i64,
    stands: bool,
    /// Whether it is a group whose members use nothing.
    is_inactive: bool,
}

/// What was told of a scope.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Told {
    /// The cloud of the row told last, which a row without members names, too.
    provider: Option<Provider>,
    series: BTreeMap<Time, Point>,
    inactive: Option<Arc<Finding>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    members: Members,
    told: BTreeMap<Scope, Told>,
    /// From which time on a scope must be summed again.
    dirty: BTreeMap<Scope, Time>,
    watermarks: BTreeMap<AccountId, i64>,
}

/// Sums scores by scope. Reads `pci.v1` (rows of identities) and `entitlement.v1` (who is in which group, which account in
/// which organization); writes `pci.v1` (rows of scopes) and `finding.v1` (`inactive_group`). It runs in one partition,
/// behind [`crate::Scorer`].
#[derive(Debug)]
pub struct ScopeScorer {
    config: ValidConfig,
    metrics: ScoreMetrics,
    state: State,
}

impl ScopeScorer {
    /// A fresh stage.
    #[must_use]
    pub fn new(config: &ValidConfig) -> Self {
        Self { config: config.clone(), metrics: ScoreMetrics::default(), state: State::default() }
    }

    /// What it counted.
    #[must_use]
    pub fn metrics(&self) -> &ScoreMetrics {
        &self.metrics
    }

    fn touch(&mut self, scopes: impl IntoIterator<Item = Scope>, from: Time) {
        for scope in scopes {
            let dirty = self.state.dirty.entry(scope).or_insert(from);
            *dirty = from.min(*dirty);
        }
    }

    fn pci(&mut self, row: &Pci) {
        if row.scope_kind != ScopeKind::Identity {
            return;
        }
        let key = (row.account_id.clone(), IdentityId::from(row.scope_id.as_str()));
        if !self.state.members.take(&key, row, self.config.set.max_identities) {
            self.metrics.score_identities_overflow_total += 1;
            return;
        }
        let scopes = self.state.members.scopes_of(&key);
        self.touch(scopes, row.time);
    }

    /// How far a scope's rows may be told: its account's watermark, or the least of its accounts'.
    fn limit(&self, scope: &Scope) -> Option<i64> {
        match scope {
            Scope::Account(account) | Scope::Group(account, _) => self.state.watermarks.get(account).copied(),
            Scope::Organization(org) => {
                let accounts = self.state.members.accounts_of(org);
                accounts.filter_map(|account| self.state.watermarks.get(account).copied()).min()
            }
        }
    }

    /// Tells the rows of a scope from a time up to a limit that changed.
    fn flush(&mut self, scope: &Scope, from: Time, limit: i64, out: &mut Output<Message>) {
        let State { members, told, dirty, .. } = &mut self.state;
        let keys = members.keys_of(scope);
        let floor = Time(limit.saturating_sub(self.config.corrections_days * Time::DAY));
        let times: BTreeSet<Time> = keys.iter().flat_map(|key| members.times(key, from.max(floor))).collect();
        let told = told.entry(scope.clone()).or_default();
        let teller = Teller { scope, model: &self.config.set.risk, config: &self.config };
        for time in times.iter().copied().filter(|time| time.0 <= limit) {
            let sum = Sum::of(keys.iter().filter_map(|key| Some((key, members.as_of(key, time)?))), time);
            teller.row(told, &sum, &mut self.metrics, out);
        }
        teller.withdraw(told, from.max(floor), &times, &mut self.metrics, out);
        if let Scope::Group(..) = scope {
            let newest = keys.iter().filter_map(|key| members.last_upto(key, Time(limit))).max();
            let at = newest.unwrap_or(Time(limit));
            let parts = keys.iter().filter(|_| newest.is_some()).filter_map(|key| Some((key, members.as_of(key, at)?)));
            teller.inactive(told, &Sum::of(parts, at), &mut self.metrics, out);
        }
        told.series.retain(|time, _| *time >= floor);
        if let Some(next) = times.iter().find(|time| time.0 > limit) {
            dirty.insert(scope.clone(), *next);
        }
    }

    fn flush_all(&mut self, limit: impl Fn(&Self, &Scope) -> Option<i64>, out: &mut Output<Message>) {
        for (scope, from) in std::mem::take(&mut self.state.dirty) {
            match limit(self, &scope) {
                Some(limit) => self.flush(&scope, from, limit, out),
                None => self.touch([scope], from),
            }
        }
    }
}

impl Transform<Message> for ScopeScorer {
    fn apply(&mut self, batch: Batch<Message>, _out: &mut Output<Message>) {
        for message in batch.into_payloads() {
            match message {
                Message::Pci(row) => self.pci(&row),
                Message::Entitlement(row) => {
                    let max = (self.config.set.max_identities, self.config.set.max_grants);
                    let scopes = self.state.members.entitlement(&row, max);
                    self.touch(scopes, Time(i64::MIN));
                }
                _ => {}
            }
        }
    }

    fn advance(&mut self, watermarks: &Watermarks, out: &mut Output<Message>) {
        let low = watermarks.low().unwrap_or(i64::MIN);
        for (account, watermark) in watermarks.iter() {
            self.state.watermarks.insert(AccountId::from(account), watermark);
        }
        self.flush_all(Self::limit, out);
        let kept_us = (self.config.corrections_days + 1) * Time::DAY;
        self.state.members.forget(Time(low.saturating_sub(kept_us)));
    }

    fn settle(&mut self, out: &mut Output<Message>) {
        self.flush_all(Self::limit, out);
    }

    fn finish(&mut self, as_of: i64, out: &mut Output<Message>) {
        self.flush_all(|stage, scope| Some(as_of).max(stage.limit(scope)), out);
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        state::write(FORMAT, &self.state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state::read(FORMAT, bytes)?;
        Ok(())
    }

    fn metrics(&self, out: &mut dyn FnMut(Reading)) {
        self.metrics.tell(out);
    }
}

/// Tells the rows of one scope.
struct Teller<'a> {
    scope: &'a Scope,
    model: &'a RiskModel,
    config: &'a ValidConfig,
}

impl Teller<'_> {
    /// The row with the cloud it was told with, where no member says.
    fn of_cloud(row: Pci, sum: &Sum<'_>, told: Option<Provider>) -> Pci {
        let provider = told.filter(|_| sum.n_members == 0).unwrap_or(row.provider);
        Pci { provider, ..row }
    }

    fn row(&self, told: &mut Told, sum: &Sum<'_>, metrics: &mut ScoreMetrics, out: &mut Output<Message>) {
        let before = told.series.range(..sum.time).rev().find(|(_, point)| point.stands);
        let row = Self::of_cloud(rows::pci(self.scope, sum, self.model, self.config), sum, told.provider);
        let is_first = before.is_none();
        let hash = rows::hash(&row);
        let point = told.series.entry(sum.time).or_default();
        if is_first && sum.n_members == 0 || point.stands && point.hash == hash {
            return;
        }
        *point = Point { hash, revision: point.revision + 1, stands: true, is_inactive: sum.is_inactive() };
        told.provider = Some(row.provider);
        metrics.score_pci_rows_total += 1;
        out.emit(Pci { revision: point.revision, ..row }.into_message());
    }

    fn withdraw(
        &self,
        told: &mut Told,
        from: Time,
        keep: &BTreeSet<Time>,
        metrics: &mut ScoreMetrics,
        out: &mut Output<Message>,
    ) {
        for (time, point) in told.series.range_mut(from..).filter(|(time, point)| point.stands && !keep.contains(time))
        {
            *point = Point { hash: 0, revision: point.revision + 1, stands: false, is_inactive: false };
            metrics.score_pci_rows_total += 1;
            let none = Sum::none(*time);
            let row = Self::of_cloud(rows::pci(self.scope, &none, self.model, self.config), &none, told.provider);
            out.emit(Pci { deleted_at: Some(*time), revision: point.revision, ..row }.into_message());
        }
    }

    /// Tells whether a group's members use nothing, as of the newest row.
    fn inactive(&self, told: &mut Told, sum: &Sum<'_>, metrics: &mut ScoreMetrics, out: &mut Output<Message>) {
        let standing = told.inactive.as_deref().filter(|row| row.deleted_at.is_none());
        let mut revision = told.inactive.as_ref().map_or(0, |row| row.revision);
        let first = || told.series.iter().find(|(_, point)| point.is_inactive).map_or(sum.time, |(time, _)| *time);
        let row = match (sum.is_inactive(), standing) {
            (false, None) => return,
            (false, Some(standing)) => Finding { deleted_at: Some(sum.time), ..standing.clone() },
            (true, _) => {
                Finding { first_seen_at: first(), revision, ..rows::inactive_group(self.scope, sum, self.config) }
            }
        };
        if standing == Some(&row) {
            return;
        }
        let mut tell = |row: &Arc<Finding>| {
            metrics.score_finding_rows_total += 1;
            out.emit(Message::Finding(Arc::clone(row)));
        };
        // A standing finding is stored by the day it was first seen: where that changes, the other day's row goes first.
        if let Some(was) = standing.filter(|was| was.first_seen_at.day() != row.first_seen_at.day()) {
            revision += 1;
            tell(&Arc::new(Finding { deleted_at: Some(was.first_seen_at), revision, ..was.clone() }));
        }
        let row = Arc::new(Finding { revision: revision + 1, ..row });
        tell(&row);
        told.inactive = Some(row);
    }
}

impl Scope {
    fn kind(&self) -> ScopeKind {
        match self {
            Self::Account(_) => ScopeKind::Account,
            Self::Group(..) => ScopeKind::Group,
            Self::Organization(_) => ScopeKind::Organization,
        }
    }

    fn id(&self) -> Text {
        match self {
            Self::Account(account) => Text::from(account.as_str()),
            Self::Group(_, group) => Text::from(group.as_str()),
            Self::Organization(org) => Text::from(org.as_str()),
        }
    }

    fn account(&self) -> AccountId {
        match self {
            Self::Account(account) | Self::Group(account, _) => account.clone(),
            Self::Organization(_) => AccountId::default(),
        }
    }
}

/// What a sum takes from a member.
type Member<'m> = ((&'m AccountId, &'m IdentityId), &'m Part);
