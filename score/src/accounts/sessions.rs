//! Who assumed what: sessions, from the calls that assume a role and the calls made with what they returned.
//!
//! A record of `AssumeRole` as normalized names caller and role, not the key that was handed out; the calls made with that
//! key name key, role and session. Both are joined by role and time: the last `AssumeRole` of that role within 12 hours
//! (the longest session) before the key's first call. Where several callers assumed the role in that time, the join is
//! made only if the records tell them apart: a source identity the call proves, or a session named like the caller.
//! Otherwise the row says nobody (`assumed_by` is empty), rather than a guess. A key before which nobody is seen to assume
//! its role, and whose calls prove nobody, has no row.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    AccessEvent, AccountId, Id128, IdentityId, IdentityKind, Message, Noun, Outcome, Provider, Session, Text, Time,
    identity,
};
use serde::{Deserialize, Serialize};
use stream::Output;

/// The longest a role's session lasts.
const MAX_SESSION_US: i64 = 12 * Time::HOUR;
/// The longest chain that is followed; AWS itself ends a chained session after an hour.
const MAX_CHAIN: usize = 8;

/// A call that assumed a role.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Assume {
    caller: IdentityId,
    credential: Option<Text>,
}

/// A temporary key and what its calls show.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Key {
    role: IdentityId,
    account: AccountId,
    session_name: Option<Text>,
    first: (Time, Id128),
    last: Time,
    /// Whom its calls prove to stand behind it, the first one first.
    proven: Vec<IdentityId>,
    told: Option<Session>,
}

/// The keys and the calls that assume, as far back as sessions are kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Sessions {
    keys: BTreeMap<Text, Key>,
    assumes: BTreeMap<IdentityId, BTreeMap<(Time, Id128), Assume>>,
    dirty: BTreeSet<Text>,
    #[serde(skip)]
    by_role: BTreeMap<IdentityId, BTreeSet<Text>>,
    #[serde(skip)]
    children: BTreeMap<Text, BTreeSet<Text>>,
}

impl Sessions {
    /// Takes an event in.
    pub(super) fn event(&mut self, event: &AccessEvent) {
        if event.provider != Provider::Aws {
            return;
        }
        if event.operation.starts_with("AssumeRole") && event.outcome == Outcome::Success {
            self.assume(event);
        }
        if let Some(credential) = event.credential_id.as_ref().filter(|id| id.starts_with("ASIA")) {
            self.call(event, credential);
        }
    }

    fn assume(&mut self, event: &AccessEvent) {
        let ids =
            event.uses.iter().filter_map(|used| used.resource_id.as_ref()).chain(event.resources.iter().map(|r| &r.id));
        let Some(role) = ids.filter(|id| id.contains(":role/")).find_map(|id| identity::aws_of_arn(id)) else { return };
        let assume = Assume { caller: event.identity_id.clone(), credential: event.credential_id.clone() };
        self.assumes.entry(role.clone()).or_default().insert((event.time, event.event_id), assume);
        let after = |key: &&Text| {
            self.keys
                .get(*key)
                .is_some_and(|key| key.first.0 >= event.time && key.first.0.0 - event.time.0 <= MAX_SESSION_US)
        };
        self.dirty.extend(self.by_role.get(&role).into_iter().flatten().filter(after).cloned());
    }

    fn call(&mut self, event: &AccessEvent, credential: &Text) {
        let of_people = event.identity_kind == IdentityKind::Workforce;
        let role = match event.identity_kind {
            IdentityKind::Role => Some(&event.identity_id),
            IdentityKind::Workforce => event.on_behalf_of.iter().find(|id| id.contains(":role/")),
            _ => None,
        };
        let Some(role) = role else { return };
        let proven: Vec<IdentityId> = if of_people {
            vec![event.identity_id.clone()]
        } else {
            event.on_behalf_of.iter().filter(|id| *id != role).take(MAX_CHAIN).cloned().collect()
        };
        let at = (event.time, event.event_id);
        let key = self.keys.entry(credential.clone()).or_insert_with(|| Key {
            role: role.clone(),
            account: role
                .strip_prefix("aws:")
                .and_then(|id| id.split(':').next())
                .map(AccountId::from)
                .unwrap_or_default(),
            session_name: event.session_name.clone(),
            first: at,
            last: event.time,
            proven: Vec::new(),
            told: None,
        });
        let is_new = key.told.is_none() && key.first == at;
        let (earlier, proves) = (at < key.first, (proven.len(), &proven) > (key.proven.len(), &key.proven));
        key.last = key.last.max(event.time);
        if earlier {
            key.first = at;
        }
        if proves {
            key.proven = proven;
        }
        if is_new || earlier || proves {
            self.by_role.entry(role.clone()).or_default().insert(credential.clone());
            self.dirty.insert(credential.clone());
        }
    }

    /// Tells the sessions that changed, and those that were assumed from them.
    pub(super) fn tell(&mut self, out: &mut Output<Message>) {
        let mut wave = std::mem::take(&mut self.dirty);
        for _ in 0..MAX_CHAIN {
            let mut next = BTreeSet::new();
            for credential in wave {
                let Some(mut row) = self.resolve(&credential) else { continue };
                let Some(key) = self.keys.get_mut(&credential) else { continue };
                row.revision = key.told.as_ref().map_or(0, |told| told.revision);
                if key.told.as_ref() == Some(&row) {
                    continue;
                }
                row.revision += 1;
                if let Some(parent) = &row.parent_credential_id {
                    self.children.entry(parent.clone()).or_default().insert(credential.clone());
                }
                key.told = Some(row.clone());
                out.emit(row.into_message());
                next.extend(self.children.get(&credential).into_iter().flatten().cloned());
            }
            if next.is_empty() {
                return;
            }
            wave = next;
        }
    }

    /// Says who stands behind a key, if the records tell.
    fn resolve(&self, credential: &Text) -> Option<Session> {
        let key = self.keys.get(credential)?;
        let issued = self.issued(key);
        let caller = issued.map(|(_, assume)| assume.caller.clone());
        let told_apart = caller.or_else(|| key.proven.last().cloned());
        let assumed_by = told_apart.or_else(|| self.calls_before(key).next().map(|_| IdentityId::default()))?;
        let parent = issued.and_then(|(_, assume)| assume.credential.clone()).filter(|parent| parent != credential);
        let of_parent =
            parent.as_ref().and_then(|parent| self.keys.get(parent)).and_then(|parent| parent.told.as_ref());
        let mut chain = of_parent.map_or_else(|| key.proven.clone(), |parent| parent.chain.clone());
        if !assumed_by.is_empty() && !chain.contains(&assumed_by) {
            chain.push(assumed_by.clone());
        }
        chain.truncate(MAX_CHAIN);
        let (issued_at, event_id) = issued.map_or(key.first, |(at, _)| *at);
        Some(Session {
            credential_id: credential.clone(),
            provider: Provider::Aws,
            account_id: key.account.clone(),
            identity_id: key.role.clone(),
            session_name: key.session_name.clone(),
            assumed_by,
            chain,
            parent_credential_id: parent,
            issued_at,
            expires_at: None,
            event_id,
            revision: 0,
        })
    }

    /// The call that issued a key, if there is one and only one caller it can be of.
    fn issued(&self, key: &Key) -> Option<(&(Time, Id128), &Assume)> {
        let before = || self.calls_before(key);
        let named = |assume: &Assume| {
            let name = assume.caller.rsplit(['/', ':']).next();
            key.session_name.as_deref().is_some_and(|session| name == Some(session))
        };
        let proven = before().find(|(_, assume)| key.proven.contains(&assume.caller));
        let last = before().next()?;
        let alone = before().all(|(_, assume)| assume.caller == last.1.caller);
        proven.or_else(|| before().find(|(_, assume)| named(assume))).or(alone.then_some(last))
    }

    /// The calls that may have issued a key, the last one first.
    fn calls_before(&self, key: &Key) -> impl Iterator<Item = (&(Time, Id128), &Assume)> {
        let from = (Time(key.first.0.0.saturating_sub(MAX_SESSION_US)), Id128(0));
        let upto = (key.first.0, Id128(u128::MAX));
        self.assumes.get(&key.role).into_iter().flat_map(move |calls| calls.range(from..=upto).rev())
    }

    /// Forgets what was last used before a time.
    pub(super) fn forget(&mut self, before: Time) {
        self.keys.retain(|_, key| key.last >= before);
        for calls in self.assumes.values_mut() {
            *calls = calls.split_off(&(before, Id128(0)));
        }
        self.assumes.retain(|_, calls| !calls.is_empty());
        self.index();
    }

    /// Holds keys and calls to a bound, the oldest going first; returns how many went.
    pub(super) fn bound(&mut self, max: usize) -> u64 {
        let n_calls: usize = self.assumes.values().map(BTreeMap::len).sum();
        if self.keys.len() <= max && n_calls <= max {
            return 0;
        }
        let keys = self.keys.values().map(|key| key.last);
        let calls = self.assumes.values().flat_map(BTreeMap::keys).map(|(at, _)| *at);
        let before = nth_last(keys.collect(), max / 2).max(nth_last(calls.collect(), max / 2));
        let n_before = self.keys.len() + n_calls;
        self.forget(before);
        (n_before - self.keys.len() - self.assumes.values().map(BTreeMap::len).sum::<usize>()) as u64
    }

    /// Rebuilds what is derived from the state.
    pub(super) fn index(&mut self) {
        self.by_role.clear();
        self.children.clear();
        for (credential, key) in &self.keys {
            self.by_role.entry(key.role.clone()).or_default().insert(credential.clone());
            if let Some(parent) = key.told.as_ref().and_then(|told| told.parent_credential_id.clone()) {
                self.children.entry(parent).or_default().insert(credential.clone());
            }
        }
    }
}

/// The time after which only `n` others come.
fn nth_last(mut times: Vec<Time>, n: usize) -> Time {
    times.sort_unstable_by(|a, b| b.cmp(a));
    times.get(n).map_or(Time(i64::MIN), |at| Time(at.0.saturating_add(1)))
}
