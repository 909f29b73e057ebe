//! Fits a model: groups by k-means over usage vectors, per cloud, then counts who uses what.

use std::collections::{BTreeMap, BTreeSet};

use linfa::DatasetBase;
use linfa::traits::{Fit, Predict};
use linfa_clustering::KMeans;
use ndarray::{Array2, Axis};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use schemas::{AccessLevel, Action, Id128, IdentityId, Provider};
use smol_str::SmolStr;

use crate::config::PeersConfig;
use crate::peers::body::{Account, Body, Rates};
use crate::peers::profile::{Profile, Profiles, fade};

/// Fewer identities than this are one group: with less, a group says nothing of anybody.
const MIN_TO_SPLIT: usize = 6;
/// The most groups by the rule of √(n/2): past it, groups of some hundred identities do not get better.
const MAX_GROUPS: usize = 32;
/// Iterations of one start.
const MAX_ITERATIONS: u64 = 60;
/// Days over which newcomers are counted.
const NEWCOMER_DAYS: i64 = 7;

/// A fitted model.
pub(crate) struct Fitted {
    pub body: Body,
    /// Clouds for which the clustering failed, so that they are one group.
    pub n_failed: u64,
}

/// The model of everything folded before the start of `day`.
pub(crate) fn model(profiles: &mut Profiles, day: i64, settings: &PeersConfig) -> Fitted {
    let all: BTreeSet<&Action> = profiles.by_identity.values().flat_map(|profile| profile.actions.keys()).collect();
    let number: BTreeMap<&Action, u32> = all.iter().zip(0..).map(|(action, n)| (*action, n)).collect();
    let mut body = Body { day, actions: all.iter().map(SmolStr::new).collect(), ..Body::default() };
    let mut n_failed = 0;
    for provider in Provider::ALL {
        let of_cloud: Vec<(&IdentityId, &Profile)> =
            profiles.by_identity.iter().filter(|(_, profile)| profile.provider == *provider).collect();
        if of_cloud.is_empty() {
            continue;
        }
        let groups = cluster(&of_cloud, day, settings).unwrap_or_else(|| {
            n_failed += 1;
            vec![0; of_cloud.len()]
        });
        let first = body.groups.len() as u32;
        let n_groups = groups.iter().max().map_or(0, |most| most + 1);
        let mut counts = vec![Counts::default(); n_groups];
        let mut whole = Counts::default();
        for ((identity, profile), group) in of_cloud.iter().zip(&groups) {
            let actions: Vec<u32> = profile.actions.keys().filter_map(|action| number.get(action).copied()).collect();
            counts[*group].add(&actions);
            whole.add(&actions);
            body.members.insert((*identity).clone(), first + *group as u32);
        }
        body.groups.extend(counts.into_iter().map(Counts::rates));
        body.clouds.insert(*provider, whole.rates());
    }
    body.accounts = accounts(profiles, &number, day);
    Fitted { body, n_failed }
}

#[derive(Clone, Default)]
struct Counts {
    n: u32,
    users: BTreeMap<u32, u32>,
}

impl Counts {
    fn add(&mut self, actions: &[u32]) {
        self.n += 1;
        for action in actions {
            *self.users.entry(*action).or_default() += 1;
        }
    }

    fn rates(self) -> Rates {
        Rates { n: self.n, users: self.users.into_iter().collect() }
    }
}

fn accounts(profiles: &Profiles, number: &BTreeMap<&Action, u32>, day: i64) -> BTreeMap<schemas::AccountId, Account> {
    let mut counts: BTreeMap<&schemas::AccountId, (Counts, Account)> = BTreeMap::new();
    for (account, since) in &profiles.since {
        counts.insert(account, (Counts::default(), Account { since: *since, ..Account::default() }));
    }
    for profile in profiles.by_identity.values() {
        for (account, stay) in &profile.stays {
            let Some((users, row)) = counts.get_mut(account) else { continue };
            let here = profile.actions.iter().filter(|(_, used)| used.accounts.contains(account));
            users.add(&here.filter_map(|(action, _)| number.get(action).copied()).collect::<Vec<u32>>());
            row.identity_days += stay.n_active(day - NEWCOMER_DAYS, day);
            row.newcomers += u32::from(stay.first >= day - NEWCOMER_DAYS);
        }
    }
    let finish = |(account, (users, row)): (&schemas::AccountId, (Counts, Account))| {
        (account.clone(), Account { rates: users.rates(), ..row })
    };
    counts.into_iter().map(finish).collect()
}

/// The group of each identity; `None` when the clustering fails.
fn cluster(profiles: &[(&IdentityId, &Profile)], day: i64, settings: &PeersConfig) -> Option<Vec<usize>> {
    let n = profiles.len();
    let by_rule = ((n as f64 / 2.0).sqrt().round() as usize).clamp(2, MAX_GROUPS);
    let n_groups = if settings.n_groups == 0 { by_rule } else { settings.n_groups }.min(n);
    if n < MIN_TO_SPLIT || n_groups < 2 {
        return Some(vec![0; n]);
    }
    let mut by_recency: Vec<usize> = (0..n).collect();
    by_recency.sort_by_key(|at| (std::cmp::Reverse(profiles[*at].1.last), *at));
    by_recency.truncate(settings.max_fit.max(n_groups));
    by_recency.sort_unstable();
    let columns = columns(profiles, settings.max_dims);
    let vectors = matrix(profiles, &columns, day, settings);
    let learned = DatasetBase::from(vectors.select(Axis(0), &by_recency));
    let rng = Xoshiro256PlusPlus::seed_from_u64(settings.seed);
    let fitted = KMeans::params_with_rng(n_groups, rng)
        .n_runs(settings.n_runs)
        .max_n_iterations(MAX_ITERATIONS)
        .tolerance(1e-4)
        .fit(&learned)
        .ok()?;
    let groups: Vec<usize> = fitted.predict(&vectors).to_vec();
    Some(in_order(&groups))
}

type Feature = (SmolStr, Option<AccessLevel>);

/// The column of each service and level: one of their own while there are few, else by hash.
fn columns<'a>(profiles: &[(&IdentityId, &'a Profile)], max_dims: usize) -> BTreeMap<&'a Feature, usize> {
    let features: BTreeSet<&Feature> = profiles.iter().flat_map(|(_, profile)| profile.vector.keys()).collect();
    let hashed = features.len() > max_dims;
    let place = |(at, feature): (usize, &'a Feature)| {
        let level = feature.1.map_or("", AccessLevel::as_str);
        let hash = Id128::of_parts(&[feature.0.as_bytes(), level.as_bytes()]).0;
        (feature, if hashed { (hash % max_dims as u128) as usize } else { at })
    };
    features.into_iter().enumerate().map(place).collect()
}

/// A row for each identity: the square root of its fading counts, so that much use does not drown the rest, at length 1.
fn matrix(
    profiles: &[(&IdentityId, &Profile)],
    columns: &BTreeMap<&Feature, usize>,
    day: i64,
    settings: &PeersConfig,
) -> Array2<f64> {
    let width = columns.values().max().map_or(1, |most| most + 1);
    let mut rows = Array2::zeros((profiles.len(), width));
    for ((_, profile), mut row) in profiles.iter().zip(rows.rows_mut()) {
        for (feature, (sum, of)) in &profile.vector {
            if let Some(column) = columns.get(feature) {
                row[*column] += sum * fade(day - of, f64::from(settings.half_life_days));
            }
        }
        row.mapv_inplace(f64::sqrt);
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length > 0.0 {
            row.mapv_inplace(|x| x / length);
        }
    }
    rows
}

/// Numbers groups by their first member, and leaves out empty ones.
fn in_order(groups: &[usize]) -> Vec<usize> {
    let mut number: BTreeMap<usize, usize> = BTreeMap::new();
    let mut renamed = Vec::with_capacity(groups.len());
    for group in groups {
        let next = number.len();
        renamed.push(*number.entry(*group).or_insert(next));
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::profile::DayUse;

    /// Developers and auditors with ten actions each, of which each identity uses seven by chance.
    fn two_personas(n_each: usize) -> Profiles {
        let settings = PeersConfig::default();
        let mut profiles = Profiles::default();
        for who in 0..2 * n_each {
            let (services, level) = if who < n_each {
                (["s3", "lambda", "dynamodb"], AccessLevel::Write)
            } else {
                (["iam", "config", "cloudtrail"], AccessLevel::List)
            };
            for (place, service) in services.iter().enumerate() {
                for n in 0..10 {
                    if (who * 7 + n * 3 + place) % 10 < 7 {
                        let used = DayUse {
                            provider: Provider::Aws,
                            service: SmolStr::new(service),
                            level: Some(level),
                            used: true,
                        };
                        let action = Action::from(format!("{service}:Action{n}"));
                        let identity = IdentityId::from(format!("aws:1:user/u{who:03}"));
                        profiles.add(identity, "1".into(), action, 10, &used, &settings);
                    }
                }
            }
        }
        profiles
    }

    #[test]
    fn personas_that_use_other_services_are_other_groups() {
        for n_each in [5, 20, 60] {
            let mut profiles = two_personas(n_each);
            let settings = PeersConfig { n_groups: 2, ..PeersConfig::default() };
            let fitted = model(&mut profiles, 11, &settings);
            let groups: Vec<u32> = fitted.body.members.values().copied().collect();
            let expected: Vec<u32> = (0..2 * n_each).map(|who| u32::from(who >= n_each)).collect();
            assert_eq!(groups, expected);
            assert_eq!(fitted.body.groups[0].n, n_each as u32);
        }
    }

    #[test]
    fn one_seed_gives_one_model() {
        let settings = PeersConfig::default();
        let body = |settings: &PeersConfig| model(&mut two_personas(40), 11, settings).body;
        assert_eq!(body(&settings), body(&settings));
        let by_rule = body(&settings).groups.len();
        assert!((2..=6).contains(&by_rule), "{by_rule}");
    }

    #[test]
    fn hashing_keeps_the_width_and_the_personas_apart() {
        let settings = PeersConfig { n_groups: 2, max_dims: 4, ..PeersConfig::default() };
        let body = model(&mut two_personas(10), 11, &settings).body;
        assert_eq!(body.members.len(), 20);
        let identities: Vec<_> = body.members.values().collect();
        assert!(identities[..10].iter().all(|g| *g == identities[0]));
    }
}
