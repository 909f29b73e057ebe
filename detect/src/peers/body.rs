//! The body of a `peers` model: what it says and how it is asked.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{AccountId, IdentityId, Provider, Time};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// The format that [`schemas::Model::format`] names.
pub(crate) const FORMAT: i32 = 1;

/// How many of some identities use each action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rates {
    /// How many identities there are.
    pub n: u32,
    /// Action number and how many of them use it, by number.
    pub users: Vec<(u32, u32)>,
}

/// One account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The first day of which usage is known, in days since the epoch.
    pub since: i64,
    /// Identity-days in the week before the model.
    pub identity_days: u32,
    /// Identities that were first seen in that week.
    pub newcomers: u32,
    pub rates: Rates,
}

/// The whole model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    /// The end of what it was learned from, in days since the epoch.
    pub day: i64,
    /// The actions by number, in order.
    pub actions: Vec<SmolStr>,
    pub groups: Vec<Rates>,
    /// The group of each identity.
    pub members: BTreeMap<IdentityId, u32>,
    pub accounts: BTreeMap<AccountId, Account>,
    pub clouds: BTreeMap<Provider, Rates>,
    /// Actions left out to keep the size, all used by at most `floor` identities; 0 when none were.
    pub n_cut: u64,
    pub floor: u32,
}

/// What a model says of an action for an identity.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opinion {
    /// Users and identities in the cloud, the account and the group (without the identity itself).
    pub cloud: (u32, u32),
    pub account: (u32, u32),
    pub group: Option<(u32, u32)>,
}

impl Rates {
    fn users(&self, action: Option<u32>, unlisted: u32) -> u32 {
        match action {
            Some(action) => self.users.binary_search_by_key(&action, |(a, _)| *a).map_or(0, |at| self.users[at].1),
            None => unlisted.min(self.n),
        }
    }
}

impl Body {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is not of this format, or its numbers do not fit together.
    pub(crate) fn read(json: &str) -> Result<Self, String> {
        let body: Self = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let n_actions = body.actions.len();
        let sets = body.groups.iter().chain(body.clouds.values()).chain(body.accounts.values().map(|a| &a.rates));
        for rates in sets {
            let in_order = rates.users.is_sorted_by(|a, b| a.0 < b.0);
            let known = rates.users.last().is_none_or(|(action, _)| (*action as usize) < n_actions);
            if !in_order || !known {
                return Err("its action numbers are out of order".to_owned());
            }
        }
        if !body.actions.is_sorted_by(|a, b| a < b) {
            return Err("its actions are out of order".to_owned());
        }
        if body.members.values().any(|group| *group as usize >= body.groups.len()) {
            return Err("it has a member of a group that it has not".to_owned());
        }
        Ok(body)
    }

    /// What it says of an action that an identity has not used so far.
    pub(crate) fn opinion(&self, identity: &str, account: &str, cloud: Provider, action: &str) -> Opinion {
        let number = self.actions.binary_search_by(|known| known.as_str().cmp(action)).ok();
        let number = number.and_then(|n| u32::try_from(n).ok());
        let of = |rates: &Rates| (rates.users(number, self.floor), rates.n);
        let group = self.members.get(identity).and_then(|group| self.groups.get(*group as usize));
        Opinion {
            cloud: self.clouds.get(&cloud).map(of).unwrap_or_default(),
            account: self.accounts.get(account).map(|account| of(&account.rates)).unwrap_or_default(),
            group: group.map(|group| {
                let (users, all) = of(group);
                let others = all.saturating_sub(1);
                (users.min(others), others)
            }),
        }
    }

    /// When an account's log begins.
    pub(crate) fn since(&self, account: &str) -> Option<Time> {
        self.accounts.get(account).map(|account| Time(account.since.saturating_mul(Time::DAY)))
    }

    /// Leaves out the rarest actions and then the identities of the last groups until the JSON is small enough.
    pub(crate) fn cut_to(&mut self, max_bytes: usize) -> String {
        loop {
            let text = serde_json::to_string(self).unwrap_or_default();
            if text.len() <= max_bytes || (self.actions.is_empty() && self.members.is_empty()) {
                return text;
            }
            let keep = (max_bytes as f64 / text.len() as f64 * 0.95).min(0.95);
            if self.actions.is_empty() {
                let n_kept = (self.members.len() as f64 * keep) as usize;
                self.members = std::mem::take(&mut self.members).into_iter().take(n_kept).collect();
                continue;
            }
            self.keep_actions((self.actions.len() as f64 * keep) as usize);
        }
    }

    fn keep_actions(&mut self, n_kept: usize) {
        let mut users = vec![0_u32; self.actions.len()];
        for (action, n) in self.clouds.values().flat_map(|rates| &rates.users) {
            users[*action as usize] += n;
        }
        let mut by_use: Vec<u32> = (0..users.len() as u32).collect();
        by_use.sort_by_key(|action| (std::cmp::Reverse(users[*action as usize]), *action));
        let out: BTreeSet<u32> = by_use.split_off(n_kept).into_iter().collect();
        self.n_cut += out.len() as u64;
        self.floor = out.iter().map(|action| users[*action as usize]).max().unwrap_or(0).max(self.floor);
        let mut number = vec![None; self.actions.len()];
        let mut kept = Vec::with_capacity(n_kept);
        for (action, name) in std::mem::take(&mut self.actions).into_iter().enumerate() {
            if !out.contains(&(action as u32)) {
                number[action] = Some(kept.len() as u32);
                kept.push(name);
            }
        }
        self.actions = kept;
        let accounts = self.accounts.values_mut().map(|account| &mut account.rates);
        for rates in self.groups.iter_mut().chain(self.clouds.values_mut()).chain(accounts) {
            rates.users = rates.users.iter().filter_map(|(a, n)| Some((number[*a as usize]?, *n))).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(n_actions: u32) -> Body {
        let users: Vec<(u32, u32)> = (0..n_actions).map(|a| (a, 1 + a % 7)).collect();
        let rates = Rates { n: 7, users };
        Body {
            day: 10,
            actions: (0..n_actions).map(|a| SmolStr::from(format!("s3:Action{a:05}"))).collect(),
            groups: vec![rates.clone()],
            members: BTreeMap::from([("aws:1:user/a".into(), 0)]),
            accounts: BTreeMap::from([("1".into(), Account { rates: rates.clone(), ..Account::default() })]),
            clouds: BTreeMap::from([(Provider::Aws, rates)]),
            n_cut: 0,
            floor: 0,
        }
    }

    #[test]
    fn a_body_is_cut_at_its_rarest_actions_and_says_so() {
        let mut large = body(5_000);
        let text = large.cut_to(100_000);
        assert!(text.len() <= 100_000 && large.n_cut > 0, "{}", text.len());
        let back = Body::read(&text).unwrap();
        assert_eq!(back, large);
        let kept = back.opinion("aws:1:user/a", "1", Provider::Aws, "s3:Action00006");
        assert_eq!((kept.account, kept.group), ((7, 7), Some((6, 6))));
        let gone = back.opinion("aws:1:user/b", "1", Provider::Aws, "s3:Action00000");
        assert_eq!((gone.account, gone.group), ((back.floor, 7), None));
    }

    #[test]
    fn a_body_whose_numbers_do_not_fit_is_refused() {
        let refused = |change: fn(&mut Body)| {
            let mut body = body(3);
            change(&mut body);
            Body::read(&serde_json::to_string(&body).unwrap()).unwrap_err()
        };
        assert_eq!(refused(|b| b.groups[0].users.push((9, 1))), "its action numbers are out of order");
        assert_eq!(refused(|b| b.actions.reverse()), "its actions are out of order");
        assert_eq!(refused(|b| b.groups.clear()), "it has a member of a group that it has not");
    }
}
