//! AWS Organizations: which policies stand above each account, and since when.
//!
//! An organization comes in many small answers, each a list of its own. All snapshots of each are kept, so that what held
//! at a time can be told in whatever order they arrive: the states of the organization one after another, and from them
//! the rows with their times. A row that changed is told twice: as it was, under a source of its own, and as it is.
//!
//! Sources: SCP evaluation (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>),
//! RCP evaluation (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_evaluation.html>).

mod hierarchy;
mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use schemas::{Entitlement, EntitlementKind, Message, PolicyHash, Time};
use serde::{Deserialize, Serialize};
use stream::Output;

pub(super) use self::read::answer;

use self::hierarchy::Hierarchy;
use super::ListKey;
use super::aws::Reader;
use super::facts::Fact;
use super::policies::Policies;
use super::rows::{Period, Stamp, source_key};

/// Snapshots of one answer that are kept; the oldest go. A daily collection keeps two months.
const MAX_SNAPSHOTS: usize = 64;
/// States of an organization that are told apart; the oldest go.
const MAX_STATES: usize = 256;
/// What is read within this time is one collection: an organization's answers are asked for one after another, and between
/// the first and the last it is not known whole.
const COLLECTION_MICROS: i64 = 3_600_000_000;

/// One snapshot of one answer.
#[derive(Debug, Serialize, Deserialize)]
struct Snapshot {
    facts: Vec<Fact>,
    /// Something of it could not be read, so that what it does not say may still be so.
    partial: bool,
}

/// Everything that was read of organizations.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Organizations {
    answers: BTreeMap<ListKey, BTreeMap<Stamp, Snapshot>>,
    changed: bool,
    /// Since when rows held that were recalled, and with which policies: snapshots as old are not given again.
    since: BTreeMap<String, (Vec<PolicyHash>, Time)>,
    /// Up to when only the newest snapshots are known, and so one state, not how it came to be.
    rebuilt: Option<Time>,
}

/// What the answers amount to.
pub(super) struct Amount {
    /// The rows, those of the past too.
    pub(super) rows: Vec<Period>,
    /// What lies above each account as of the newest collection.
    pub(super) above: Vec<Fact>,
    pub(super) at: Time,
}

impl Organizations {
    /// Takes a snapshot of an answer. False when there is no room for another answer.
    pub(super) fn take(&mut self, key: &ListKey, stamp: Stamp, facts: Vec<Fact>, partial: bool, max: usize) -> bool {
        if self.answers.len() >= max && !self.answers.contains_key(key) {
            return false;
        }
        let snapshots = self.answers.entry(key.clone()).or_default();
        snapshots.insert(stamp, Snapshot { facts, partial });
        if snapshots.len() > MAX_SNAPSHOTS {
            snapshots.pop_first();
        }
        self.changed = true;
        true
    }

    /// A row went out before.
    pub(super) fn recall(&mut self, row: &Entitlement) {
        if is_row(row) && row.deleted_at.is_none() {
            self.since.insert(source_key(row), (row.policy_hashes.clone(), row.valid_from));
        }
    }

    /// The newest snapshots were given again.
    pub(super) fn recalled(&mut self) {
        if !self.since.is_empty() {
            self.rebuilt = self.answers.values().filter_map(BTreeMap::last_key_value).map(|(stamp, _)| stamp.0).max();
            self.changed = true;
        }
    }

    /// What all answers amount to, if anything changed since it was asked for last.
    pub(super) fn settle(&mut self, policies: &mut Policies, out: &mut Output<Message>) -> Option<Amount> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let mut timeline = Timeline::default();
        let mut above = (Vec::new(), Time(0));
        for (first, last) in self.collections() {
            let mut reader = Reader { policies, out, at: first };
            let state = Hierarchy::of(self.as_of(last));
            let is_oldest = timeline.open.is_empty();
            timeline.state(first, state.rows(&mut reader));
            if is_oldest {
                timeline.open.iter_mut().for_each(|(key, period)| self.hold_since(key, &mut period.row));
            }
            above = (state.ancestors(), last);
        }
        Some(Amount { rows: timeline.finish(), above: above.0, at: above.1 })
    }

    fn hold_since(&self, key: &str, row: &mut Entitlement) {
        if let Some((_, since)) = self.since.get(key).filter(|(hashes, _)| *hashes == row.policy_hashes) {
            row.valid_from = row.valid_from.min(*since);
        }
    }

    /// The first and the last time of every collection.
    fn collections(&self) -> Vec<(Time, Time)> {
        let times: BTreeSet<Time> = self.answers.values().flat_map(BTreeMap::keys).map(|stamp| stamp.0).collect();
        let mut found: Vec<(Time, Time)> = Vec::new();
        for time in times {
            match found.last_mut() {
                Some((first, last)) if time.0.saturating_sub(first.0) <= COLLECTION_MICROS => *last = time,
                _ => found.push((time, time)),
            }
        }
        let is_rebuilt = |(first, _): &&(Time, Time)| self.rebuilt.is_some_and(|until| *first <= until);
        let n_rebuilt = found.iter().take_while(is_rebuilt).count();
        let n_old = found.len().saturating_sub(MAX_STATES).max(n_rebuilt.saturating_sub(1));
        found.split_off(n_old)
    }

    /// What is known at a time, with the account of the list that says it.
    fn as_of(&self, time: Time) -> impl Iterator<Item = &Fact> {
        self.answers.values().flat_map(move |snapshots| {
            let mut whole = false;
            let known = snapshots.iter().rev().filter(move |(stamp, _)| stamp.0 <= time);
            known
                .take_while(move |(_, snapshot)| !std::mem::replace(&mut whole, !snapshot.partial))
                .flat_map(|(_, snapshot)| &snapshot.facts)
        })
    }
}

/// Rows from one state to the next.
#[derive(Debug, Default)]
struct Timeline {
    open: BTreeMap<String, Period>,
    closed: Vec<Period>,
}

impl Timeline {
    /// From a time on, these rows hold and no others.
    fn state(&mut self, from: Time, rows: Vec<Entitlement>) {
        let mut open = BTreeMap::new();
        for row in rows {
            let key = source_key(&row);
            let period = match self.open.remove(&key) {
                Some(mut old) if same(&old.row, &row) => {
                    old.row = Entitlement { valid_from: old.row.valid_from, ..row };
                    old
                }
                Some(old) => {
                    self.closed.push(Period { deleted_at: Some(from), ..old });
                    Period { row: Entitlement { valid_from: from, ..row }, deleted_at: None }
                }
                None => Period { row: Entitlement { valid_from: from, ..row }, deleted_at: None },
            };
            open.insert(key, period);
        }
        // What the new state does not name has ended. Should it come back, that was a time of its own.
        let ended = std::mem::replace(&mut self.open, open);
        self.closed.extend(ended.into_values().map(|old| Period { deleted_at: Some(from), ..old }));
    }

    fn finish(self) -> Vec<Period> {
        self.closed.into_iter().chain(self.open.into_values()).collect()
    }
}

/// Whether a row is one of an organization's.
pub(super) fn is_row(row: &Entitlement) -> bool {
    matches!(row.kind, EntitlementKind::Scp | EntitlementKind::Rcp)
}

/// Whether two rows say the same of the same time.
fn same(old: &Entitlement, new: &Entitlement) -> bool {
    old.policy_hashes == new.policy_hashes && old.source_name == new.source_name && old.org_id == new.org_id
}
