//! What every partition must know alike of an account: its resources, its logs, and who in it is worth reaching.
//!
//! All of it travels on `inventory.v1`, which is broadcast. Beside resource types there are kinds of our own, which the
//! [`crate::Accounts`] stage writes:
//!
//! | kind | says |
//! |---|---|
//! | `log` | the account's log is read; `time` is the first day of an event |
//! | `log:<service>:read`, `log:<service>:write` | logs that are off by default are on for that service; `time` is the first day of one |
//! | `people:<role id>` | people of Identity Center act through that role; the ids are theirs |
//! | `target:<kind>` | identities worth escalating to; the ids are theirs, in AWS their ARNs, behind a role's the hash of its trust policy |
//! | `limit:<source>@<beginning>` | what limits everybody in the account: see [`crate::limits`] |

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use permissions::Area;
use schemas::{AccountId, Inventory, PolicyHash, Provider, ResourceId, Text, Time};
use serde::{Deserialize, Serialize};

use crate::limits::{LIMIT, Limits, MAX_LIMITS};

/// The kind that says that an account's log is read.
pub(crate) const LOG: &str = "log";
/// Versions that are kept of one kind's inventory; the oldest go. A daily inventory keeps two months of changes.
const MAX_VERSIONS: usize = 64;

/// The kind that says that a log which is off by default is on.
pub(crate) fn log_kind(service: &str, writes: bool) -> Text {
    Text::from(format!("{LOG}:{service}:{}", if writes { "write" } else { "read" }))
}

/// The kind that lists the people who act through a role.
pub(crate) fn people_kind(role: &str) -> Text {
    Text::from(format!("people:{role}"))
}

/// What the kinds begin with that list identities worth escalating to.
const TARGET: &str = "target:";

/// The kind that lists identities worth escalating to.
pub(crate) fn target_kind(what: &str) -> Text {
    Text::from(format!("{TARGET}{what}"))
}

/// An account's facts by kind and revision.
type Kinds = BTreeMap<Text, BTreeMap<i64, Arc<Inventory>>>;

/// Those that say what limits everybody.
fn limits(kinds: &Kinds) -> impl Iterator<Item = (&Text, &BTreeMap<i64, Arc<Inventory>>)> {
    beginning(kinds, LIMIT)
}

/// Those whose kinds begin so.
fn beginning<'k>(
    kinds: &'k Kinds,
    with: &'k str,
) -> impl Iterator<Item = (&'k Text, &'k BTreeMap<i64, Arc<Inventory>>)> {
    kinds.range(Text::from(with)..).take_while(move |(kind, _)| kind.starts_with(with))
}

/// Forgets the limits that began first, past the bound.
fn bound_limits(kinds: &mut Kinds) {
    while limits(kinds).count() > MAX_LIMITS {
        let began = |versions: &BTreeMap<i64, Arc<Inventory>>| versions.values().next_back().map(|row| row.time);
        let Some((oldest, _)) = limits(kinds).min_by_key(|(_, versions)| began(versions)) else { return };
        let oldest = oldest.clone();
        kinds.remove(&oldest);
    }
}

/// Whether a kind lists resources, and so has a reach.
fn is_resource(kind: &str) -> bool {
    kind != LOG && !["log:", "people:", TARGET, LIMIT].iter().any(|ours| kind.starts_with(ours))
}

/// The inventories of all accounts, by kind and revision.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    rows: BTreeMap<AccountId, Kinds>,
    /// The first event of each log kind that this partition itself has seen.
    seen: BTreeMap<AccountId, BTreeMap<Text, Time>>,
    #[serde(skip)]
    reaches: RefCell<BTreeMap<(AccountId, Text, i64, String), u64>>,
    #[serde(skip)]
    versions: RefCell<BTreeMap<(AccountId, Time), u64>>,
}

/// Reaches and versions remembered between weighings; at the bound all are forgotten. 65,536 of them are some 10 MB.
const MAX_REACHES: usize = 65_536;

impl Facts {
    /// Takes an inventory in; returns the first day on which it changes anything, if it does.
    pub(crate) fn take(&mut self, row: &Arc<Inventory>) -> Option<i64> {
        let kinds = self.rows.entry(row.account_id.clone()).or_default();
        // Azure writes the kinds of its resources in any case; a fact is looked up as it was told.
        let is_any_case = row.provider == Provider::Azure && is_resource(&row.kind);
        let kind = if is_any_case { Text::from(row.kind.to_ascii_lowercase()) } else { row.kind.clone() };
        let versions = kinds.entry(kind).or_default();
        if versions.get(&row.revision).is_some_and(|held| held == row) {
            return None;
        }
        // The oldest version stands in for the time before it, and of a log only the newest counts.
        let is_oldest = versions.values().all(|held| held.time >= row.time);
        let from = if is_oldest || !is_resource(&row.kind) { i64::MIN } else { row.time.day() };
        versions.insert(row.revision, Arc::clone(row));
        if versions.len() > MAX_VERSIONS {
            versions.pop_first();
        }
        if row.kind.starts_with(LIMIT) {
            bound_limits(kinds);
        }
        self.reaches.borrow_mut().clear();
        self.versions.borrow_mut().clear();
        Some(from)
    }

    /// Notes a day with an event of a log kind; says whether it is earlier than the first known.
    pub(crate) fn saw(&mut self, account: &AccountId, kind: Text, at: Time) -> bool {
        let first = self.seen.entry(account.clone()).or_default().entry(kind).or_insert(Time(i64::MAX));
        let is_earlier = at < *first;
        if is_earlier {
            *first = at;
            self.versions.borrow_mut().clear();
        }
        is_earlier
    }

    /// The first event of a log kind.
    pub(crate) fn first_event(&self, account: &str, kind: &str) -> Option<Time> {
        let seen = self.seen.get(account).and_then(|kinds| kinds.get(kind)).copied();
        let told = self
            .rows
            .get(account)
            .and_then(|kinds| kinds.get(kind))
            .and_then(BTreeMap::last_key_value)
            .map(|(_, row)| row.time);
        seen.into_iter().chain(told).min()
    }

    /// The log kinds that are on in an account as of a time, in order.
    pub(crate) fn logs_as_of(&self, account: &str, time: Time) -> Vec<Text> {
        let seen = self.seen.get(account).into_iter().flat_map(BTreeMap::keys);
        let told = self.rows.get(account).into_iter().flat_map(BTreeMap::keys).filter(|kind| kind.starts_with("log:"));
        let mut kinds: Vec<Text> = seen.chain(told).filter(|kind| kind.as_str() != LOG).cloned().collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.retain(|kind| self.first_event(account, kind).is_some_and(|first| first < time));
        kinds
    }

    /// The version of a kind as of a time; the oldest stands in for the time before it.
    pub(crate) fn as_of(&self, account: &str, kind: &str, time: Time) -> Option<&Arc<Inventory>> {
        let versions = self.rows.get(account)?.get(kind)?;
        let row = versions.values().rev().find(|row| row.time <= time);
        let row = row.or_else(|| versions.values().min_by_key(|row| (row.time, row.revision)))?;
        row.deleted_at.is_none_or(|at| at > time).then_some(row)
    }

    /// What limits everybody in an account as of a time. The first that are known stand in for the time before them.
    pub(crate) fn limits_as_of(&self, account: &str, time: Time) -> Limits {
        let Some(kinds) = self.rows.get(account) else { return Limits::default() };
        // The newest revision of each, but for what was told and never held.
        let newest = limits(kinds).filter_map(|(_, versions)| versions.values().next_back());
        let newest: Vec<&Arc<Inventory>> = newest.filter(|row| row.deleted_at.is_none_or(|at| at > row.time)).collect();
        let Some(first) = newest.iter().map(|row| row.time).min() else { return Limits::default() };
        let time = time.max(first);
        let holds = |row: &&&Arc<Inventory>| row.time <= time && row.deleted_at.is_none_or(|at| at > time);
        Limits::of(newest.into_iter().filter(|row| holds(&row)))
    }

    /// The accounts in which everybody's score may rest on a policy: one that limits them, or the trust policy of a target.
    pub(crate) fn resting_on(&self, hash: &PolicyHash) -> Vec<AccountId> {
        let is_it =
            |id: &ResourceId| id.strip_suffix(hash.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with(' '));
        // Of both kinds the newest revision alone counts.
        let newest = |(_, versions): (&Text, &BTreeMap<i64, Arc<Inventory>>)| {
            versions.values().next_back().is_some_and(|row| row.resource_ids.iter().any(is_it))
        };
        let told = |kinds: &Kinds| [LIMIT, TARGET].iter().any(|ours| beginning(kinds, ours).any(newest));
        self.rows.iter().filter(|(_, kinds)| told(kinds)).map(|(account, _)| account.clone()).collect()
    }

    /// A number for everything in an account that a score rests on as of a time: equal numbers, equal scores.
    pub(crate) fn version(&self, account: &AccountId, time: Time) -> u64 {
        let key = (account.clone(), time);
        if let Some(version) = self.versions.borrow().get(&key) {
            return *version;
        }
        let version = self.version_anew(account, time);
        let mut versions = self.versions.borrow_mut();
        if versions.len() >= MAX_REACHES {
            versions.clear();
        }
        versions.insert(key, version);
        version
    }

    fn version_anew(&self, account: &str, time: Time) -> u64 {
        let kinds = self.rows.get(account).into_iter().flat_map(BTreeMap::keys);
        let parts = kinds.filter_map(|kind| self.as_of(account, kind, time).map(|row| (kind, row.revision)));
        let mut bytes = Vec::new();
        for (kind, revision) in parts {
            bytes.extend_from_slice(kind.as_bytes());
            bytes.extend_from_slice(&revision.to_le_bytes());
        }
        for kind in self.logs_as_of(account, time) {
            bytes.extend_from_slice(kind.as_bytes());
        }
        schemas::Id128::of_parts(&[&bytes]).0 as u64
    }

    /// How many resources of a kind an account has as of a time, and how many of them an area reaches. Where the list of ids was cut, their share stands for the whole.
    pub(crate) fn reach(&self, account: &AccountId, kind: &str, time: Time, area: &Area) -> (u64, u64) {
        let Some(row) = self.as_of(account, kind, time).filter(|_| is_resource(kind)) else { return (0, 0) };
        let known = u64::try_from(row.n_resources).unwrap_or(0).max(row.resource_ids.len() as u64);
        let key = (account.clone(), row.kind.clone(), row.revision, area.key().into_owned());
        if let Some(matching) = self.reaches.borrow().get(&key) {
            return (*matching, known);
        }
        let listed = row.resource_ids.len() as u64;
        let matching = row.resource_ids.iter().filter(|id| area.reaches(row.provider, id)).count() as u64;
        let matching = if listed == 0 {
            0
        } else {
            (u128::from(matching) * u128::from(known)).div_ceil(u128::from(listed)) as u64
        };
        let mut reaches = self.reaches.borrow_mut();
        if reaches.len() >= MAX_REACHES {
            reaches.clear();
        }
        reaches.insert(key, matching);
        (matching, known)
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Provider, example};

    use super::*;

    /// Another partition saw the event that proves it, and its service is not written in small letters.
    #[test]
    fn a_log_that_was_told_counts_like_one_that_was_seen() {
        let kind = log_kind("Microsoft.KeyVault", false);
        let account = AccountId::from("c3a9e5f0-1d74-4c8b-9a25-7e60b1f4d812");
        let row = Inventory {
            provider: Provider::Azure,
            account_id: account.clone(),
            kind: kind.clone(),
            time: Time(Time::DAY),
            ..example::inventory()
        };
        let (mut seen, mut told) = (Facts::default(), Facts::default());
        seen.saw(&account, kind.clone(), row.time);
        told.take(&Arc::new(row));
        let at = Time(2 * Time::DAY);
        assert_eq!(told.first_event(&account, &kind), seen.first_event(&account, &kind));
        assert_eq!((told.logs_as_of(&account, at), seen.logs_as_of(&account, at)), (vec![kind.clone()], vec![kind]));
    }
}
