//! What happens when, from a seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::members::{KINDS, N_MEMBERS, STORES};

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Files come.
    Wave(usize),
    /// A member is killed, and comes again.
    Kill(usize, usize),
    /// A member is asked to leave.
    Leave(usize, usize),
    /// A member joins.
    Join(usize),
    /// The broker is asked to leave, and started.
    RestartBroker,
    /// The broker is killed, and started.
    KillBroker,
    /// ClickHouse is killed.
    StopStore,
    /// ClickHouse is started.
    StartStore,
}

/// Everything that happens, in order, with its time.
pub(super) fn schedule(seed: u64, length: Duration, n_waves: usize) -> Vec<(Duration, Act)> {
    let mut random = StdRng::seed_from_u64(seed);
    let at = |part: f64| length.mul_f64(part);
    let mut acts: Vec<(Duration, Act)> =
        (0..n_waves).map(|wave| (at(0.9 * wave as f64 / n_waves as f64), Act::Wave(wave))).collect();
    let n_kills = length.as_secs().div_ceil(5);
    for _ in 0..n_kills {
        let member = Act::Kill(random.gen_range(0..KINDS.len()), random.gen_range(0..N_MEMBERS));
        acts.push((at(random.gen_range(0.05..0.95)), member));
    }
    for _ in 0..length.as_secs().div_ceil(30) {
        let kind = random.gen_range(0..KINDS.len() - 1);
        let left = random.gen_range(0.1..0.7);
        acts.push((at(left), Act::Leave(kind, random.gen_range(0..N_MEMBERS))));
        acts.push((at(left + random.gen_range(0.05..0.2)), Act::Join(kind)));
    }
    for n in 0..length.as_secs().div_ceil(300) {
        let part = |from: f64, to: f64, random: &mut StdRng| {
            let whole = length.as_secs().div_ceil(300) as f64;
            at((n as f64 + random.gen_range(from..to)) / whole)
        };
        acts.push((part(0.2, 0.35, &mut random), Act::RestartBroker));
        acts.push((part(0.55, 0.7, &mut random), Act::KillBroker));
        let stopped = part(0.4, 0.5, &mut random);
        let started = stopped + Duration::from_secs(random.gen_range(4..8));
        acts.push((stopped, Act::StopStore));
        // Whoever waits for the store dies with what he has taken.
        acts.extend((0..N_MEMBERS).map(|member| (started - Duration::from_millis(300), Act::Kill(STORES, member))));
        acts.push((started, Act::StartStore));
    }
    acts.push((length, Act::Wave(n_waves)));
    acts.sort_by_key(|(at, _)| *at);
    acts
}

#[test]
fn a_seed_is_a_schedule() {
    let of = |seed| schedule(seed, Duration::from_secs(60), 16);
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    let n = |is: fn(&Act) -> bool| of(1).iter().filter(|(_, act)| is(act)).count();
    assert_eq!((n(|act| matches!(act, Act::StopStore)), n(|act| matches!(act, Act::StartStore))), (1, 1));
    assert_eq!(n(|act| matches!(act, Act::Wave(_))), 17);
}
