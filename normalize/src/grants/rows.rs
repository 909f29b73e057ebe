//! The rows that went out, and what each list of an account says of them.
//!
//! A row that several snapshots of a list name has the newest one's content and is valid from the oldest of them. It is
//! deleted at the first complete snapshot behind the last that names it. Both hold in whatever order snapshots arrive.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use schemas::{Entitlement, EntitlementKind, Id128, Message, Noun, Provider, Text, Time};
use serde::{Deserialize, Serialize};
use stream::Output;

use super::ListKey;
use super::facts::Draft;
use super::lists::tells_of_lives;
use super::organizations::is_row;

/// The snapshots of one list whose order is remembered.
const MAX_STAMPS: usize = 1024;

/// The list of rows that were recalled, until a snapshot names them.
const RECALLED: &str = "recalled";

/// The list that a row belongs to whose list is not known: the one that names most of its cloud's grants.
fn main_list(row: &Entitlement) -> ListKey {
    if is_row(row) {
        return super::organizations_key();
    }
    let list = match row.provider {
        Provider::Aws => "aws.authorization_details",
        Provider::Azure => "azure.role_assignments",
        Provider::Gcp => "gcp.iam_policy",
    };
    (row.provider, row.account_id.clone(), list.into())
}

/// When a snapshot was taken; its id puts those of the same time in order.
pub(super) type Stamp = (Time, Id128);

/// The complete snapshots of one list, and the rows that they named.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct History {
    stamps: BTreeSet<Stamp>,
    keys: BTreeSet<String>,
}

impl History {
    /// A complete snapshot was seen.
    pub(super) fn complete(&mut self, stamp: Stamp) {
        self.stamps.insert(stamp);
        if self.stamps.len() > MAX_STAMPS {
            self.stamps.pop_first();
        }
    }

    /// A row is this list's.
    pub(super) fn name(&mut self, key: String) {
        self.keys.insert(key);
    }

    fn after(&self, stamp: Stamp) -> Option<Time> {
        self.stamps.range((Bound::Excluded(stamp), Bound::Unbounded)).next().map(|(time, _)| *time)
    }
}

/// What one list says of a row.
#[derive(Debug, Serialize, Deserialize)]
struct Version {
    draft: Draft,
    first: Time,
    last: Stamp,
    deleted_at: Option<Time>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Row {
    versions: BTreeMap<Text, Version>,
    revision: i64,
    emitted: Id128,
}

impl Row {
    /// The living version that is newest, else the one that lived longest. What only tells of an identity's life does not
    /// keep it alive when the list of all identities no longer has it.
    fn current(&self) -> Option<Entitlement> {
        let rank = |version: &Version| (version.deleted_at.is_none(), version.deleted_at, version.last);
        let firm = self.versions.iter().filter(|(list, _)| !tells_of_lives(list));
        let firm = firm.map(|(_, version)| version).max_by_key(|version| rank(version));
        let lives = self.versions.iter().filter(|(list, _)| tells_of_lives(list)).map(|(_, version)| version);
        let ended = firm.and_then(|firm| firm.deleted_at);
        let anew = |version: &&Version| firm.is_none() || ended.is_some_and(|at| version.last.0 > at);
        let version = lives.filter(anew).max_by_key(|version| rank(version)).or(firm)?;
        let mut row = version.draft.row.clone();
        if !version.draft.own_time {
            row.valid_from = self.versions.values().map(|version| version.first).min().unwrap_or(version.first);
        }
        row.deleted_at = version.deleted_at;
        if row.kind == EntitlementKind::Identity {
            let others = self.versions.values().filter(|other| other.deleted_at.is_none());
            others.for_each(|other| fill(&mut row, &other.draft.row));
        }
        Some(row)
    }

    fn is_gone(&self) -> bool {
        self.versions.values().all(|version| version.deleted_at.is_some())
    }

    fn emit_if_changed(&mut self, out: &mut Output<Message>) {
        let Some(mut row) = self.current() else { return };
        let content = content(&row);
        if content != self.emitted {
            self.emitted = content;
            self.revision += 1;
            row.revision = self.revision;
            out.emit(row.into_message());
        }
    }
}

/// What several lists say of an identity itself: the policies of a project name a service account by its address, and the
/// list of service accounts knows the rest.
fn fill(row: &mut Entitlement, other: &Entitlement) {
    let says_more = |name: &Option<Text>| name.as_ref().is_some_and(|name| !row.identity_id.ends_with(name.as_str()));
    if !says_more(&row.identity_name) && says_more(&other.identity_name) || row.identity_name.is_none() {
        row.identity_name.clone_from(&other.identity_name);
    }
    if row.identity_generation.is_none() {
        row.identity_generation.clone_from(&other.identity_generation);
    }
    row.identity_created_at = row.identity_created_at.or(other.identity_created_at);
    row.identity_last_used_at = row.identity_last_used_at.max(other.identity_last_used_at);
}

/// Tells one content from another.
fn content(row: &Entitlement) -> Id128 {
    Id128::of_parts(&[&serde_json::to_vec(row).unwrap_or_default()])
}

/// A snapshot of a main list.
pub(super) struct Seen<'a> {
    pub(super) list: &'a Text,
    pub(super) history: &'a mut History,
    pub(super) stamp: Stamp,
    /// Set when it is read again because roles, groups or the tenant became known: rows that it no longer leads to are
    /// deleted then.
    pub(super) dropped_at: Option<Time>,
}

/// A row, and when it ended.
#[derive(Clone, Debug)]
pub(super) struct Period {
    pub(super) row: Entitlement,
    pub(super) deleted_at: Option<Time>,
}

/// Every row by its key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Rows(BTreeMap<String, Row>);

impl Rows {
    /// Takes the rows that a snapshot names and emits what changed. Returns how many were left out, with `max` known.
    pub(super) fn observe(
        &mut self,
        seen: Seen<'_>,
        drafts: Vec<Draft>,
        max: usize,
        out: &mut Output<Message>,
    ) -> usize {
        let Seen { list, history, stamp, dropped_at } = seen;
        let mut n_left_out = 0;
        let named = by_key(drafts);
        for (key, draft) in &named {
            if self.0.len() >= max && !self.0.contains_key(key) {
                self.0.retain(|_, row| !row.is_gone());
                if self.0.len() >= max {
                    n_left_out += 1;
                    continue;
                }
            }
            self.name(key, list, draft, stamp);
            history.keys.insert(key.clone());
        }
        let Self(rows) = self;
        history.keys.retain(|key| rows.contains_key(key));
        for key in &history.keys {
            let Some(row) = rows.get_mut(key) else { continue };
            if let Some(version) = row.versions.get_mut(list) {
                let dropped = dropped_at.filter(|_| version.last == stamp && !named.contains_key(key));
                let ends = [version.deleted_at, dropped, history.after(version.last)];
                version.deleted_at = ends.into_iter().flatten().min();
            }
            row.emit_if_changed(out);
        }
        n_left_out
    }

    /// Takes the rows of a list of which all is known, the past too. Returns how many were left out, with `max` known.
    pub(super) fn place(
        &mut self,
        list: &Text,
        history: &mut History,
        periods: Vec<Period>,
        max: usize,
        out: &mut Output<Message>,
    ) -> usize {
        let mut n_left_out = 0;
        let mut named = BTreeSet::new();
        let newest = periods.iter().map(|period| period.row.valid_from).max();
        for Period { row, deleted_at } in periods {
            let key = row.row_key();
            if self.0.len() >= max && !self.0.contains_key(&key) {
                n_left_out += 1;
                continue;
            }
            let first = row.valid_from;
            let draft = Draft { row, own_time: true };
            let held = self.0.entry(key.clone()).or_default();
            held.versions.insert(list.clone(), Version { draft, first, last: (first, Id128(0)), deleted_at });
            held.emit_if_changed(out);
            named.insert(key);
        }
        for key in history.keys.difference(&named) {
            let Some(row) = self.0.get_mut(key) else { continue };
            if let Some(version) = row.versions.get_mut(list) {
                // It never was so: what is known now knows better. Of what was recalled nothing older is known.
                let never = Some(version.draft.row.valid_from);
                let is_recalled = version.last.0 == Time(i64::MIN);
                version.deleted_at = if is_recalled { version.deleted_at.or(newest).max(never) } else { never };
            }
            row.emit_if_changed(out);
        }
        history.keys.append(&mut named);
        n_left_out
    }

    /// Takes a row back that went out before. Its list is not known: that of the snapshot which names it again.
    pub(super) fn recall(&mut self, row: &Entitlement) {
        let (first, deleted_at, revision) = (row.valid_from, row.deleted_at, row.revision);
        let draft = Draft { row: Entitlement { deleted_at: None, revision: 0, ..row.clone() }, own_time: false };
        let version = Version { draft, first, last: (Time(i64::MIN), Id128(0)), deleted_at };
        let versions = BTreeMap::from([(Text::from(RECALLED), version)]);
        let emitted = content(&Entitlement { revision: 0, ..row.clone() });
        self.0.insert(row.row_key(), Row { versions, revision, emitted });
    }

    /// Joins what was recalled with the lists that name it again. Returns the rows that none names, each with the list that
    /// it belongs to.
    pub(super) fn recalled(&mut self, out: &mut Output<Message>) -> Vec<(String, ListKey)> {
        let mut unnamed = Vec::new();
        for (key, row) in &mut self.0 {
            let Some(recalled) = row.versions.remove(RECALLED) else { continue };
            if let Some(version) = row.versions.values_mut().next() {
                version.first = version.first.min(recalled.first);
            } else {
                let list = main_list(&recalled.draft.row);
                // What an organization's rows were in the past, its newest answers do not say any more.
                let is_past = is_row(&recalled.draft.row) && recalled.deleted_at.is_some();
                row.versions.insert(list.2.clone(), recalled);
                unnamed.extend((!is_past).then(|| (key.clone(), list)));
            }
            row.emit_if_changed(out);
        }
        unnamed
    }

    fn name(&mut self, key: &str, list: &Text, draft: &Draft, stamp: Stamp) {
        let row = self.0.entry(key.to_owned()).or_default();
        let made = || Version { draft: draft.clone(), first: stamp.0, last: stamp, deleted_at: None };
        let version = row.versions.entry(list.clone()).or_insert_with(made);
        version.first = version.first.min(stamp.0);
        if stamp >= version.last {
            version.draft = draft.clone();
            version.last = stamp;
            version.deleted_at = None;
        }
    }
}

/// Rows by key; of equal keys the first whose identity's kind is known.
fn by_key(drafts: Vec<Draft>) -> BTreeMap<String, Draft> {
    let mut named: BTreeMap<String, Draft> = BTreeMap::new();
    for draft in drafts {
        let key = draft.row.row_key();
        let known = named.get(&key).is_some_and(|old| old.row.identity_kind != schemas::IdentityKind::Unknown);
        if !known {
            named.insert(key, draft);
        }
    }
    named
}
