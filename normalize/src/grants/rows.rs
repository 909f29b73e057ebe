//! The rows that went out, and what each list of an account says of them.
//!
//! A source of grants has a row for each content that it had, see [`spans`]. It is valid from the first snapshot that names it
//! so, until the one that has another content or is complete and does not name it. All of it holds in whatever order snapshots
//! arrive. A row that was told and turns out never to have held is told once more as withdrawn: deleted when it began.

mod spans;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use schemas::{Entitlement, EntitlementKind, Id128, Message, Noun, Provider, Text, Time};
use serde::{Deserialize, Serialize};
use stream::Output;

use super::ListKey;
use super::facts::Draft;
use super::lists::{RESOURCE_POLICY, tells_of_lives};

use self::spans::Spans;
use super::organizations::is_row;

/// The snapshots of one list whose order is remembered.
const MAX_STAMPS: usize = 1024;

/// Contents of a row of which it is remembered that they went out; past it the oldest go.
const MAX_EMITTED: usize = 256;

/// The list of rows that were recalled, until a snapshot names them.
const RECALLED: &str = "recalled";

/// The list that a row belongs to whose list is not known: the one that names most of its cloud's grants.
fn main_list(row: &Entitlement) -> ListKey {
    if is_row(row) {
        return super::organizations_key();
    }
    let list = match row.provider {
        Provider::Aws if row.kind == EntitlementKind::ResourcePolicy => {
            let resource = row.scopes.first().map_or("", |arn| arn.as_str());
            return (row.provider, row.account_id.clone(), format!("{RESOURCE_POLICY}/{resource}").into());
        }
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

    /// A row, or a resource, is this list's. Says whether that is new.
    pub(super) fn name(&mut self, key: String) -> bool {
        self.keys.insert(key)
    }

    /// The complete snapshots, and what the list ever named.
    pub(super) fn told(&self) -> (BTreeSet<Stamp>, BTreeSet<String>) {
        (self.stamps.clone(), self.keys.clone())
    }

    fn after(&self, stamp: Stamp) -> Option<Stamp> {
        self.stamps.range((Bound::Excluded(stamp), Bound::Unbounded)).next().copied()
    }

    fn before(&self, stamp: Stamp) -> Option<Stamp> {
        self.stamps.range(..stamp).next_back().copied()
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Row {
    lists: BTreeMap<Text, Spans>,
    revision: i64,
    /// The contents that went out, by the time from which they hold; zero for what was withdrawn.
    emitted: BTreeMap<Time, Id128>,
}

/// What stands for the content of a row that was withdrawn.
const WITHDRAWN: Id128 = Id128(0);

impl Row {
    /// The list that counts: that which still names the row, of those the newest, else the one that named it longest. What
    /// only tells of an identity's life does not keep it alive when the list of all identities no longer has it.
    fn list(&self) -> Option<&Spans> {
        let ends = |spans: &Spans| spans.iter().next_back().and_then(|span| span.until);
        let rank = |spans: &Spans| (!spans.is_over(), ends(spans), spans.last());
        let firm = self.lists.iter().filter(|(list, _)| !tells_of_lives(list));
        let firm = firm.map(|(_, spans)| spans).max_by_key(|spans| rank(spans));
        let ended = firm.and_then(ends);
        let lives = self.lists.iter().filter(|(list, _)| tells_of_lives(list)).map(|(_, spans)| spans);
        let is_anew =
            |spans: &&Spans| firm.is_none() || spans.last().zip(ended).is_some_and(|((last, _), ended)| last > ended);
        lives.filter(is_anew).max_by_key(|spans| rank(spans)).or(firm)
    }

    /// A row for each content.
    fn contents(&self) -> Vec<Entitlement> {
        let Some(spans) = self.list() else { return Vec::new() };
        let first = self.lists.values().filter_map(|spans| spans.iter().next()).map(|span| span.since).min();
        let mut rows: Vec<Entitlement> = Vec::new();
        for span in spans.iter() {
            let since = match first {
                // The lists that name a row name one grant.
                Some(first) if rows.is_empty() && !span.draft.own_time => first,
                _ => span.since,
            };
            rows.push(Entitlement { valid_from: since, deleted_at: span.until, ..span.draft.row.clone() });
        }
        if let Some(row) = rows.last_mut().filter(|row| row.kind == EntitlementKind::Identity) {
            let others = self.lists.values().filter(|other| !other.is_over());
            others.flat_map(|other| other.iter().next_back()).for_each(|span| fill(row, &span.draft.row));
        }
        rows
    }

    fn is_gone(&self) -> bool {
        self.lists.values().all(Spans::is_over)
    }

    fn emit_if_changed(&mut self, out: &mut Output<Message>) {
        let rows = self.contents();
        let Some(last) = rows.last().cloned() else { return };
        let stands = |at: &Time| rows.iter().any(|row| row.valid_from == *at);
        let gone: Vec<Time> =
            self.emitted.iter().filter(|(at, id)| !stands(at) && **id != WITHDRAWN).map(|(at, _)| *at).collect();
        for at in gone {
            self.emitted.insert(at, WITHDRAWN);
            self.emit(Entitlement { valid_from: at, deleted_at: Some(at), ..last.clone() }, out);
        }
        for row in rows {
            let content = content(&row);
            if self.emitted.insert(row.valid_from, content) != Some(content) {
                self.emit(row, out);
            }
        }
        while self.emitted.len() > MAX_EMITTED {
            self.emitted.pop_first();
        }
    }

    /// Takes back what went out: a list that knows all of the past says that it never was so.
    fn withdraw(&mut self, said: &Spans, out: &mut Output<Message>) {
        let Some(last) = said.iter().next_back().filter(|_| self.lists.is_empty()) else {
            return self.emit_if_changed(out);
        };
        let row = last.draft.row.clone();
        for (at, id) in std::mem::take(&mut self.emitted) {
            if id != WITHDRAWN {
                self.emit(Entitlement { valid_from: at, deleted_at: Some(at), ..row.clone() }, out);
            }
            self.emitted.insert(at, WITHDRAWN);
        }
    }

    fn emit(&mut self, row: Entitlement, out: &mut Output<Message>) {
        self.revision += 1;
        out.emit(Entitlement { revision: self.revision, ..row }.into_message());
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
            let again = dropped_at.is_some();
            let row = self.0.entry(key.clone()).or_default();
            row.lists.entry(list.clone()).or_default().name(draft, stamp, again, history);
            history.keys.insert(key.clone());
        }
        let Self(rows) = self;
        history.keys.retain(|key| rows.contains_key(key));
        let is_complete = history.stamps.contains(&stamp);
        for key in &history.keys {
            let Some(row) = rows.get_mut(key) else { continue };
            if let Some(spans) = row.lists.get_mut(list) {
                if is_complete && !named.contains_key(key) {
                    spans.miss(stamp, history);
                }
                if let Some(at) = dropped_at.filter(|_| spans.last() == Some(stamp) && !named.contains_key(key)) {
                    spans.drop_at(at);
                }
                spans.settle(history);
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
        let mut by_source: BTreeMap<String, Spans> = BTreeMap::new();
        for Period { row, deleted_at } in periods {
            let first = row.valid_from;
            by_source.entry(source_key(&row)).or_default().recall(Draft { row, own_time: true }, first, deleted_at);
        }
        let mut named = BTreeSet::new();
        for (key, mut spans) in by_source {
            if self.0.len() >= max && !self.0.contains_key(&key) {
                n_left_out += 1;
                continue;
            }
            let held = self.0.entry(key.clone()).or_default();
            if let Some(recalled) = held.lists.remove(RECALLED) {
                spans.precede(recalled, &History::default());
            }
            held.lists.insert(list.clone(), spans);
            held.emit_if_changed(out);
            named.insert(key);
        }
        for key in history.keys.difference(&named) {
            let Some(row) = self.0.get_mut(key) else { continue };
            // It never was so: what is known now knows better.
            if let Some(spans) = row.lists.remove(list) {
                row.withdraw(&spans, out);
            }
        }
        history.keys.append(&mut named);
        n_left_out
    }

    /// Takes a row back that went out before. Its list is not known: that of the snapshot which names it again.
    pub(super) fn recall(&mut self, row: &Entitlement) {
        let plain = Entitlement { revision: 0, ..row.clone() };
        let held = self.0.entry(source_key(row)).or_default();
        held.revision = held.revision.max(row.revision);
        let went_out = if row.is_withdrawn() { WITHDRAWN } else { content(&plain) };
        held.emitted.insert(row.valid_from, went_out);
        if !row.is_withdrawn() {
            let draft = Draft { row: Entitlement { deleted_at: None, ..plain }, own_time: false };
            held.lists.entry(Text::from(RECALLED)).or_default().recall(draft, row.valid_from, row.deleted_at);
        }
    }

    /// Joins what was recalled with the lists that name it again. Returns the rows that none names, each with the list that
    /// it belongs to.
    pub(super) fn recalled<'h>(
        &mut self,
        history: impl Fn(&ListKey) -> Option<&'h History>,
        out: &mut Output<Message>,
    ) -> Vec<(String, ListKey)> {
        let mut unnamed = Vec::new();
        let nothing = History::default();
        for (key, row) in &mut self.0 {
            let Some(recalled) = row.lists.remove(RECALLED) else { continue };
            let Some(last) = recalled.iter().next_back().map(|last| last.draft.row.clone()) else { continue };
            if let Some((list, spans)) = row.lists.iter_mut().next() {
                let of = (last.provider, last.account_id, list.clone());
                spans.precede(recalled, history(&of).unwrap_or(&nothing));
            } else {
                let list = main_list(&last);
                row.lists.insert(list.2.clone(), recalled);
                unnamed.push((key.clone(), list));
            }
            row.emit_if_changed(out);
        }
        unnamed
    }
}

/// The key of all contents of one source.
pub(super) fn source_key(row: &Entitlement) -> String {
    format!("{}|{}|{}", row.identity_id, row.account_id, row.source)
}

/// Rows by key; of equal keys the first whose identity's kind is known.
fn by_key(drafts: Vec<Draft>) -> BTreeMap<String, Draft> {
    let mut named: BTreeMap<String, Draft> = BTreeMap::new();
    for draft in drafts {
        let key = source_key(&draft.row);
        let known = named.get(&key).is_some_and(|old| old.row.identity_kind != schemas::IdentityKind::Unknown);
        if !known {
            named.insert(key, draft);
        }
    }
    named
}
