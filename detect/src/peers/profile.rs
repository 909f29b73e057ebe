//! What is remembered of each identity's use: actions with their last day, and a fading vector over services and levels.

use std::collections::BTreeMap;

use schemas::{AccessLevel, AccountId, Action, IdentityId, Provider};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::config::PeersConfig;

/// Accounts remembered per identity.
const MAX_ACCOUNTS: usize = 64;
/// Days of activity remembered per identity and account: a bit each.
const ACTIVE_BITS: i64 = 64;

/// One action on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DayUse {
    pub provider: Provider,
    pub service: SmolStr,
    pub level: Option<AccessLevel>,
    /// Whether any of it was use: denials alone are not.
    pub used: bool,
}

/// An identity in an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stay {
    pub first: i64,
    pub last: i64,
    /// Bit n: active n days before `last`.
    active: u64,
}

impl Stay {
    /// How many of the days from `from` to before `to` it was active on.
    pub(crate) fn n_active(&self, from: i64, to: i64) -> u32 {
        let bits = (0..ACTIVE_BITS).filter(|n| (self.active >> n) & 1 == 1);
        u32::try_from(bits.filter(|n| (from..to).contains(&(self.last - n))).count()).unwrap_or(u32::MAX)
    }

    fn note(&mut self, day: i64) {
        if day > self.last {
            let by = day - self.last;
            self.active = if by >= ACTIVE_BITS { 0 } else { self.active << by };
            self.last = day;
        }
        if (0..ACTIVE_BITS).contains(&(self.last - day)) {
            self.active |= 1 << (self.last - day);
        }
        self.first = self.first.min(day);
    }
}

/// One action of an identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Used {
    pub last: i64,
    pub accounts: Vec<AccountId>,
}

/// One identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub provider: Provider,
    pub last: i64,
    /// Days × actions by service and level, halved every `half_life_days`, as of the day beside it.
    pub vector: BTreeMap<(SmolStr, Option<AccessLevel>), (f64, i64)>,
    pub actions: BTreeMap<Action, Used>,
    pub stays: BTreeMap<AccountId, Stay>,
}

/// All identities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Profiles {
    pub by_identity: BTreeMap<IdentityId, Profile>,
    /// The first day of each account's usage.
    pub since: BTreeMap<AccountId, i64>,
}

impl Profiles {
    /// Adds what an identity did with one action on one day. Adding it again changes nothing.
    pub(crate) fn add(
        &mut self,
        identity: IdentityId,
        account: AccountId,
        action: Action,
        day: i64,
        used: &DayUse,
        settings: &PeersConfig,
    ) {
        let since = self.since.entry(account.clone()).or_insert(day);
        *since = day.min(*since);
        let profile = self.by_identity.entry(identity).or_insert_with(|| Profile {
            provider: used.provider,
            last: day,
            vector: BTreeMap::new(),
            actions: BTreeMap::new(),
            stays: BTreeMap::new(),
        });
        profile.last = profile.last.max(day);
        if profile.stays.contains_key(&account) || profile.stays.len() < MAX_ACCOUNTS {
            profile.stays.entry(account.clone()).or_insert(Stay { first: day, last: day, active: 0 }).note(day);
        }
        if used.used {
            profile.use_action(account, action, day, used, settings);
        }
    }

    /// Forgets what is older than the window, and the longest inactive identities past the bound. Returns how many.
    pub(crate) fn trim(&mut self, day: i64, settings: &PeersConfig) -> u64 {
        let oldest = day - i64::from(settings.window_days);
        self.by_identity.retain(|_, profile| profile.last > oldest);
        for profile in self.by_identity.values_mut() {
            profile.actions.retain(|_, used| used.last > oldest);
        }
        let too_many = self.by_identity.len().saturating_sub(settings.max_identities);
        if too_many == 0 {
            return 0;
        }
        let mut by_age: Vec<(i64, IdentityId)> = self.by_identity.iter().map(|(id, p)| (p.last, id.clone())).collect();
        by_age.sort_unstable();
        by_age.truncate(too_many);
        for (_, id) in &by_age {
            self.by_identity.remove(id);
        }
        too_many as u64
    }
}

impl Profile {
    fn use_action(&mut self, account: AccountId, action: Action, day: i64, used: &DayUse, settings: &PeersConfig) {
        if !self.actions.contains_key(&action) && self.actions.len() >= settings.max_actions {
            let oldest = self.actions.iter().min_by_key(|(action, used)| (used.last, *action));
            if let Some(oldest) = oldest.map(|(action, _)| action.clone()) {
                self.actions.remove(&oldest);
            }
        }
        let known = self.actions.entry(action).or_insert(Used { last: i64::MIN, accounts: Vec::new() });
        if !known.accounts.contains(&account) && known.accounts.len() < MAX_ACCOUNTS {
            known.accounts.push(account);
            known.accounts.sort_unstable();
        }
        if day <= known.last {
            return;
        }
        known.last = day;
        let half_life = f64::from(settings.half_life_days);
        let (sum, of) = self.vector.entry((used.service.clone(), used.level)).or_insert((0.0, day));
        if day >= *of {
            *sum = *sum * fade(day - *of, half_life) + 1.0;
            *of = day;
        } else {
            *sum += fade(*of - day, half_life);
        }
    }
}

/// What is left of a use after so many days.
pub(crate) fn fade(n_days: i64, half_life: f64) -> f64 {
    f64::exp2(-(n_days as f64) / half_life)
}

/// The service of an action by its spelling: before the colon (AWS), before the slash (Azure), before the dot (GCP).
pub(crate) fn service_of(action: &str) -> SmolStr {
    let end = action.find([':', '/']).or_else(|| action.find('.')).unwrap_or(action.len());
    SmolStr::new(&action[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_told_by_the_spelling() {
        let said =
            ["s3:GetObject", "Microsoft.Storage/storageAccounts/read", "storage.objects.get", "odd"].map(service_of);
        assert_eq!(said, ["s3", "Microsoft.Storage", "storage", "odd"]);
    }

    #[test]
    fn activity_counts_days_once_and_in_any_order() {
        let mut stay = Stay { first: 10, last: 10, active: 0 };
        for day in [10, 12, 11, 12, 300, 299] {
            stay.note(day);
        }
        assert_eq!((stay.first, stay.last, stay.n_active(290, 301), stay.n_active(0, 20)), (10, 300, 2, 0));
    }
}
