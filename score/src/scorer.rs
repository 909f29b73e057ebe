//! The room's first stage: usage windows, scores and findings of identities. Partitioned by identity.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemas::{
    AccessEvent, AccountId, Action, Entitlement, EntitlementKind, IdentityId, Inventory, Message, Policy, PolicyHash,
    ResourceId, Time,
};
use serde::{Deserialize, Serialize};
use stream::metrics::Reading;
use stream::{Batch, Output, StateError, Transform, Watermarks};

use crate::ValidConfig;
use crate::collapse::{Repeat, collapse, granting_account};
use crate::facts::{Facts, LOG};
use crate::holding::Holding;
use crate::law::{Law, Policies};
use crate::limits::is_limit;
use crate::metrics::ScoreMetrics;
use crate::moment::Scene;
use crate::sources::Taken;
use crate::state;
use crate::usage::UsageOf;
use crate::windows::{Counts, Room};

/// The state's format.
const FORMAT: u32 = 2;

/// An account and one of its identities: scores are looked up by account.
type Key = (AccountId, IdentityId);

/// Everything that a snapshot holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    policies: Policies,
    facts: Facts,
    holdings: BTreeMap<Key, Holding>,
    usage: BTreeMap<Key, UsageOf>,
    /// Each account's first watermark: where its log begins, said before anything of it is read. Whether it is read at all
    /// is known behind that, so no day is closed before.
    opened: BTreeMap<AccountId, i64>,
    /// How far each account's days were closed.
    closed: BTreeMap<AccountId, i64>,
}

/// Counts usage and scores identities. Reads `access_event.v1`, `entitlement.v1`, `policy.v1` and `inventory.v1`; writes
/// `usage.v1`, `pci.v1` and `finding.v1`.
#[derive(Debug)]
pub struct Scorer {
    config: ValidConfig,
    law: Law,
    metrics: ScoreMetrics,
    state: State,
    /// Who holds a policy. Derived from the state.
    holders: BTreeMap<PolicyHash, BTreeSet<Key>>,
    /// The ends of windows with open rows: account, end, identity. Derived from the state.
    due: BTreeSet<(AccountId, i64, IdentityId)>,
    /// Whose closed days must be looked at again. Derived from the state.
    dirty: BTreeSet<Key>,
    n_windows: std::cell::Cell<usize>,
}

impl Scorer {
    /// A fresh stage.
    #[must_use]
    pub fn new(config: &ValidConfig) -> Self {
        Self {
            config: config.clone(),
            law: Law::new(&config.set.risk),
            metrics: ScoreMetrics::default(),
            state: State::default(),
            holders: BTreeMap::new(),
            due: BTreeSet::new(),
            dirty: BTreeSet::new(),
            n_windows: std::cell::Cell::new(0),
        }
    }

    /// What it counted.
    #[must_use]
    pub fn metrics(&self) -> &ScoreMetrics {
        &self.metrics
    }

    fn policy(&mut self, policy: &Arc<Policy>) {
        if self.state.policies.contains_key(&policy.policy_hash) {
            return;
        }
        if self.state.policies.len() >= self.config.set.max_policies {
            self.metrics.score_policies_overflow_total += 1;
            return;
        }
        self.state.policies.insert(policy.policy_hash.clone(), Arc::clone(policy));
        for account in self.state.facts.resting_on(&policy.policy_hash) {
            self.touch_account(&account, i64::MIN);
        }
        let holders = self.holders.get(&policy.policy_hash).into_iter().flatten();
        for key in holders {
            if let Some(holding) = self.state.holdings.get_mut(key) {
                holding.touch_all();
                self.dirty.insert(key.clone());
            }
        }
    }

    fn inventory(&mut self, row: &Arc<Inventory>) {
        let Some(from) = self.state.facts.take(row) else { return };
        if row.kind.as_str() == LOG {
            self.touch_log(&row.account_id);
        } else {
            self.touch_account(&row.account_id, from);
        }
    }

    fn touch_account(&mut self, account: &AccountId, from_day: i64) {
        let first = (account.clone(), IdentityId::default());
        for (key, holding) in self.state.holdings.range_mut(first..).take_while(|((of, _), _)| of == account) {
            holding.touch(from_day);
            self.dirty.insert(key.clone());
        }
    }

    /// An account's log turns out to be read: that tells on its identities, and on everybody whose trust may name it.
    fn touch_log(&mut self, account: &AccountId) {
        self.touch_account(account, i64::MIN);
        let trusts = |holding: &Holding| holding.sources.iter().any(|row| row.kind == EntitlementKind::Trust);
        for (key, holding) in self.state.holdings.iter_mut().filter(|(_, holding)| trusts(holding)) {
            holding.touch(i64::MIN);
            self.dirty.insert(key.clone());
        }
    }

    fn entitlement(&mut self, row: &Arc<Entitlement>) {
        // What limits a whole account comes to every partition as a fact.
        if is_limit(row) || row.is_of_resource() {
            return;
        }
        let key = (row.account_id.clone(), row.identity_id.clone());
        let Some(holding) = holding(&mut self.state.holdings, &key, self.config.set.max_identities) else {
            self.metrics.score_identities_overflow_total += 1;
            return;
        };
        match holding.sources.take(row, self.config.set.max_grants) {
            Taken::Known => return,
            Taken::Full => self.metrics.score_grants_overflow_total += 1,
            Taken::New => holding.touch_all(),
        }
        for hash in &row.policy_hashes {
            self.holders.entry(hash.clone()).or_default().insert(key.clone());
        }
        self.dirty.insert(key);
    }

    fn events(&mut self, events: &[Arc<AccessEvent>]) {
        self.metrics.score_events_total += events.len() as u64;
        for event in events {
            self.logs(event);
        }
        for (repeat, counts, event) in collapse(events) {
            if repeat.is_use {
                self.use_by(event, &repeat, &counts);
            }
            if let Some(action) = repeat.action {
                self.count(event, &repeat, action, &counts);
            }
        }
    }

    /// Notes what an event proves of its account's logs.
    fn logs(&mut self, event: &AccessEvent) {
        let kinds = event.uses.iter().filter_map(|used| Law::proves_log(event.provider, &used.action));
        for kind in kinds.chain([LOG.into()]) {
            let is_log = kind.as_str() == LOG;
            if self.state.facts.saw(&event.account_id, kind, event.time.floor(Time::DAY)) {
                if is_log {
                    self.touch_log(&event.account_id);
                } else {
                    self.touch_account(&event.account_id, i64::MIN);
                }
            }
        }
    }

    /// Notes a use for the score: the first of its repeats stands for all, since they share the hour.
    fn use_by(&mut self, event: &AccessEvent, repeat: &Repeat<'_>, counts: &Counts) {
        let key = (granting_account(event), event.identity_id.clone());
        let Some(holding) = holding(&mut self.state.holdings, &key, self.config.set.max_identities) else {
            self.metrics.score_identities_overflow_total += 1;
            return;
        };
        let action = repeat.action.map(Action::from);
        if !holding.use_action(action.as_ref(), counts.last_at, self.config.set.max_actions) {
            self.metrics.score_uses_other_total += counts.n_uses.unsigned_abs();
        }
        if holding.is_dirty() {
            self.dirty.insert(key);
        }
    }

    /// Counts a use or a denial in its windows.
    fn count(&mut self, event: &AccessEvent, repeat: &Repeat<'_>, action: &str, counts: &Counts) {
        let key = (event.account_id.clone(), event.identity_id.clone());
        let closed = self.state.closed.get(&key.0).copied().unwrap_or(i64::MIN);
        if repeat.hour.saturating_add(Time::HOUR) <= closed.saturating_sub(self.config.late_us) {
            self.metrics.score_late_events_total += counts.n_uses.max(counts.n_denied).unsigned_abs();
            return;
        }
        if !self.state.usage.contains_key(&key) && self.state.usage.len() >= self.config.set.max_identities {
            self.metrics.score_identities_overflow_total += 1;
            return;
        }
        let usage =
            self.state.usage.entry(key.clone()).or_insert_with(|| UsageOf::new(event.provider, event.identity_kind));
        let (max_containers, max_windows) = (self.config.set.max_containers, self.config.set.max_windows);
        let room = Room { max_containers, max_windows, n_windows: &self.n_windows };
        if !usage.add(repeat.hour, &(Action::from(action), ResourceId::from(repeat.container)), counts, room) {
            self.metrics.score_uses_other_total += counts.n_uses.unsigned_abs();
        }
        self.due.insert((key.0.clone(), repeat.hour.saturating_add(Time::HOUR), key.1.clone()));
        let day_end = Time(repeat.hour).floor(Time::DAY).0.saturating_add(Time::DAY);
        self.due.insert((key.0, day_end, key.1));
    }

    /// Closes the windows of an account that have ended by its watermark and have changed.
    fn close_windows(&mut self, account: &AccountId, watermark: i64, out: &mut Output<Message>) {
        let from = (account.clone(), i64::MIN, IdentityId::default());
        let upto = (account.clone(), watermark.saturating_add(1), IdentityId::default());
        let due: Vec<(AccountId, i64, IdentityId)> = self.due.range(from..upto).cloned().collect();
        let identities: BTreeSet<IdentityId> = due.iter().map(|(_, _, identity)| identity.clone()).collect();
        for entry in &due {
            self.due.remove(entry);
        }
        for identity in identities {
            let key = (account.clone(), identity);
            if let Some(usage) = self.state.usage.get_mut(&key) {
                usage.close((&key.1, &key.0), watermark, &mut self.metrics, out);
            }
        }
    }

    /// Scores an account's identities at the ends of the days that its watermark has passed.
    fn close_days(&mut self, account: &AccountId, before: Option<i64>, watermark: i64, out: &mut Output<Message>) {
        let day = Time(watermark).day();
        if before.is_none_or(|before| Time(before).day() < day) {
            self.forget(account, watermark.saturating_sub(self.config.late_us));
            let first = (account.clone(), IdentityId::default());
            let keys =
                self.state.holdings.range(first..).take_while(|((of, _), _)| of == account).map(|(key, _)| key.clone());
            for key in keys.collect::<Vec<_>>() {
                self.flush(&key, day, out);
            }
        }
    }

    /// Forgets an account's windows that no late event may correct any more.
    fn forget(&mut self, account: &AccountId, before: i64) {
        let first = (account.clone(), IdentityId::default());
        let mut empty = Vec::new();
        for (key, usage) in self.state.usage.range_mut(first..).take_while(|((of, _), _)| of == account) {
            self.n_windows.set(self.n_windows.get().saturating_sub(usage.forget(before)));
            if usage.is_empty() {
                empty.push(key.clone());
            }
        }
        for key in empty {
            self.state.usage.remove(&key);
        }
    }

    fn flush(&mut self, key: &Key, day: i64, out: &mut Output<Message>) {
        self.dirty.remove(key);
        let Some(holding) = self.state.holdings.get_mut(key) else { return };
        let (facts, policies) = (&self.state.facts, &self.state.policies);
        let mut scene = Scene { config: &self.config, law: &mut self.law, facts, policies, metrics: &mut self.metrics };
        holding.flush((&key.1, &key.0), day, &mut scene, out);
    }

    /// Looks again at closed days that something late has changed.
    fn correct(&mut self, out: &mut Output<Message>) {
        for key in std::mem::take(&mut self.dirty) {
            if let Some(watermark) = self.state.closed.get(&key.0).copied() {
                self.flush(&key, Time(watermark).day(), out);
            }
        }
    }

    /// Rebuilds what is derived from the state.
    fn index(&mut self) {
        self.holders.clear();
        self.due.clear();
        self.dirty.clear();
        for (key, holding) in &self.state.holdings {
            for hash in holding.sources.iter().flat_map(|row| &row.policy_hashes) {
                self.holders.entry(hash.clone()).or_default().insert(key.clone());
            }
            if holding.is_dirty() {
                self.dirty.insert(key.clone());
            }
        }
        let mut n_windows = 0;
        for ((account, identity), usage) in &self.state.usage {
            n_windows += usage.n_rows();
            self.due.extend(usage.open_ends().map(|end| (account.clone(), end, identity.clone())));
        }
        self.n_windows.set(n_windows);
    }
}

fn holding<'s>(holdings: &'s mut BTreeMap<Key, Holding>, key: &Key, max: usize) -> Option<&'s mut Holding> {
    if holdings.len() >= max && !holdings.contains_key(key) {
        return None;
    }
    Some(holdings.entry(key.clone()).or_default())
}

impl Transform<Message> for Scorer {
    fn apply(&mut self, batch: Batch<Message>, _out: &mut Output<Message>) {
        let mut events = Vec::new();
        for message in batch.into_payloads() {
            match message {
                Message::AccessEvent(event) => events.push(event),
                Message::Policy(policy) => self.policy(&policy),
                Message::Inventory(row) => self.inventory(&row),
                Message::Entitlement(row) => self.entitlement(&row),
                _ => {}
            }
        }
        self.events(&events);
    }

    fn advance(&mut self, watermarks: &Watermarks, out: &mut Output<Message>) {
        for (account, watermark) in watermarks.iter() {
            let account = AccountId::from(account);
            let before = self.state.closed.get(&account).copied();
            let watermark = before.map_or(watermark, |before| before.max(watermark));
            self.close_windows(&account, watermark, out);
            let opened = *self.state.opened.entry(account.clone()).or_insert(watermark);
            if opened < watermark && before != Some(watermark) {
                self.state.closed.insert(account.clone(), watermark);
                self.close_days(&account, before, watermark, out);
            }
        }
        self.correct(out);
    }

    fn settle(&mut self, out: &mut Output<Message>) {
        self.correct(out);
    }

    fn finish(&mut self, as_of: i64, out: &mut Output<Message>) {
        for (account, opened) in self.state.opened.clone() {
            let closed = self.state.closed.get(&account).copied();
            self.close_windows(&account, closed.unwrap_or(opened), out);
            if closed.is_none() {
                self.state.closed.insert(account.clone(), opened);
                self.close_days(&account, None, opened, out);
            }
        }
        self.correct(out);
        for ((account, identity), usage) in &mut self.state.usage {
            usage.tell((identity, account), &mut self.metrics, out);
        }
        let State { facts, policies, holdings, closed, .. } = &mut self.state;
        let mut scene = Scene { config: &self.config, law: &mut self.law, facts, policies, metrics: &mut self.metrics };
        for ((account, identity), holding) in holdings {
            let watermark = closed.get(account).copied();
            holding.finish((identity, account), Time(as_of), watermark, &mut scene, out);
        }
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        state::write(FORMAT, &self.state)
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.state = state::read(FORMAT, bytes)?;
        self.index();
        Ok(())
    }

    fn metrics(&self, out: &mut dyn FnMut(Reading)) {
        self.metrics.tell(out);
    }
}
