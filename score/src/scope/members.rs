//! The members of scopes, with the parts that their newest rows contribute.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{AccountId, Contribution, Entitlement, EntitlementKind, IdentityId, OrgId, Pci, Provider, Text, Time};
use serde::{Deserialize, Serialize};

use super::Scope;

/// Contributions kept of each row: enough for the largest of a scope, which are mostly of different members.
const MAX_CONTRIBUTIONS: usize = 3;

/// An identity in an account.
pub(super) type Key = (AccountId, IdentityId);

/// What one row of an identity contributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    revision: i64,
    stands: bool,
    pub(super) provider: Provider,
    pub(super) name: Option<Text>,
    pub(super) exposure: i64,
    pub(super) exposure_lo: i64,
    pub(super) capacity: i64,
    pub(super) n_granted: i64,
    pub(super) n_used: i64,
    pub(super) n_unused: i64,
    pub(super) n_unknowable: i64,
    pub(super) young: bool,
    pub(super) escalates: bool,
    pub(super) last_used_at: Option<Time>,
    pub(super) ignored: Vec<Text>,
    pub(super) versions: (Text, Text),
    pub(super) provisional: bool,
    pub(super) contributions: Vec<Contribution>,
}

/// What the newest version of one grant says of membership.
#[derive(Debug, Serialize, Deserialize)]
struct Says {
    revision: i64,
    groups: Vec<IdentityId>,
}

/// Rows and membership.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Members {
    parts: BTreeMap<Key, BTreeMap<Time, Part>>,
    grants: BTreeMap<Key, BTreeMap<Text, Says>>,
    groups: BTreeMap<Key, BTreeSet<IdentityId>>,
    /// The organizations that an account's grants name; the first in order counts.
    orgs: BTreeMap<AccountId, BTreeSet<OrgId>>,
}

impl Members {
    /// Takes a row of an identity in; says whether there was room.
    pub(super) fn take(&mut self, key: &Key, row: &Pci, max: usize) -> bool {
        if self.parts.len() >= max && !self.parts.contains_key(key) {
            return false;
        }
        let rows = self.parts.entry(key.clone()).or_default();
        if rows.get(&row.time).is_none_or(|held| held.revision < row.revision) {
            rows.insert(row.time, part(row));
        }
        true
    }

    /// Takes a grant in; returns the scopes whose members it changes. `max` bounds identities and grants of each.
    pub(super) fn entitlement(&mut self, row: &Entitlement, max: (usize, usize)) -> Vec<Scope> {
        let key = (row.account_id.clone(), row.identity_id.clone());
        let mut scopes = Vec::new();
        if let Some(org) = row.org_id.as_ref().filter(|org| !org.is_empty()) {
            let orgs = self.orgs.entry(key.0.clone()).or_default();
            let before = orgs.first().cloned();
            orgs.insert(org.clone());
            let now = orgs.first().cloned();
            if before != now {
                scopes.extend(before.into_iter().chain(now).map(Scope::Organization));
            }
        }
        let known = self.grants.get(&key);
        let has_room = known
            .map_or(self.grants.len() < max.0, |sources| sources.len() < max.1 || sources.contains_key(&row.source));
        if row.kind == EntitlementKind::Identity || !has_room {
            return scopes;
        }
        let sources = self.grants.entry(key.clone()).or_default();
        if sources.get(&row.source).is_none_or(|held| held.revision < row.revision) {
            let groups = if row.deleted_at.is_none() { row.groups.clone() } else { Vec::new() };
            sources.insert(row.source.clone(), Says { revision: row.revision, groups });
            let now: BTreeSet<IdentityId> = sources.values().flat_map(|says| &says.groups).cloned().collect();
            let before = self.groups.insert(key.clone(), now.clone()).unwrap_or_default();
            scopes.extend(now.symmetric_difference(&before).map(|group| Scope::Group(key.0.clone(), group.clone())));
        }
        scopes
    }

    fn org_of(&self, account: &AccountId) -> Option<&OrgId> {
        self.orgs.get(account).and_then(BTreeSet::first)
    }

    /// The scopes that an identity is a member of.
    pub(super) fn scopes_of(&self, key: &Key) -> Vec<Scope> {
        let groups = self.groups.get(key).into_iter().flatten().map(|group| Scope::Group(key.0.clone(), group.clone()));
        let org = self.org_of(&key.0).cloned().map(Scope::Organization);
        [Scope::Account(key.0.clone())].into_iter().chain(groups).chain(org).collect()
    }

    /// The accounts of an organization.
    pub(super) fn accounts_of(&self, org: &OrgId) -> impl Iterator<Item = &AccountId> {
        self.orgs.iter().filter(move |(_, orgs)| orgs.first() == Some(org)).map(|(account, _)| account)
    }

    /// The members of a scope.
    pub(super) fn keys_of(&self, scope: &Scope) -> Vec<Key> {
        let of_account = |account: &AccountId| {
            let from = (account.clone(), IdentityId::default());
            let account = account.clone();
            self.parts.range(from..).map(|(key, _)| key.clone()).take_while(move |key| key.0 == account)
        };
        match scope {
            Scope::Account(account) => of_account(account).collect(),
            Scope::Organization(org) => self.accounts_of(org).flat_map(of_account).collect(),
            Scope::Group(account, group) => of_account(account)
                .filter(|key| self.groups.get(key).is_some_and(|groups| groups.contains(group)))
                .collect(),
        }
    }

    /// The times from one on at which a member's rows stand.
    pub(super) fn times(&self, key: &Key, from: Time) -> impl Iterator<Item = Time> {
        let rows = self.parts.get(key).into_iter().flat_map(move |rows| rows.range(from..));
        rows.filter(|(_, part)| part.stands).map(|(time, _)| *time)
    }

    /// The time of a member's newest row up to a time.
    pub(super) fn last_upto(&self, key: &Key, time: Time) -> Option<Time> {
        self.parts.get(key)?.range(..=time).rev().find(|(_, part)| part.stands).map(|(time, _)| *time)
    }

    /// A member's newest part at a time.
    pub(super) fn as_of(&self, key: &Key, time: Time) -> Option<&Part> {
        self.parts.get(key)?.range(..=time).rev().map(|(_, part)| part).find(|part| part.stands)
    }

    /// Forgets the rows before a time, but for the last of each member that stands.
    pub(super) fn forget(&mut self, before: Time) {
        for rows in
            self.parts.values_mut().filter(|rows| rows.first_key_value().is_some_and(|(time, _)| *time < before))
        {
            let last = rows.range(..before).rev().find(|(_, part)| part.stands).map(|(time, _)| *time);
            rows.retain(|time, _| *time >= before || Some(*time) == last);
        }
    }
}

fn part(row: &Pci) -> Part {
    Part {
        revision: row.revision,
        stands: row.deleted_at.is_none(),
        provider: row.provider,
        name: row.scope_name.clone(),
        exposure: row.exposure,
        exposure_lo: row.exposure_lo,
        capacity: row.capacity,
        n_granted: row.n_granted,
        n_used: row.n_used,
        n_unused: row.n_unused,
        n_unknowable: row.n_unknowable,
        young: row.young,
        escalates: row.escalation.is_some(),
        last_used_at: row.last_used_at,
        ignored: row.ignored.clone(),
        versions: (row.model_version.clone(), row.catalogue_version.clone()),
        provisional: row.provisional,
        contributions: row.contributions.iter().take(MAX_CONTRIBUTIONS).cloned().collect(),
    }
}
