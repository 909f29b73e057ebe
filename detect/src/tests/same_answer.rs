//! However it is run, the final rows are the same.

use proptest::prelude::*;
use schemas::Time;

use super::house::{Dice, House, PLAIN, Way};
use super::town;
use crate::Config;

/// A small town that learns fast, so that a run takes a moment: 12 people, 9 days, an intruder on the eighth.
fn small() -> (Config, Vec<schemas::AccessEvent>, Time) {
    let day = std::time::Duration::from_secs(86_400);
    let mut config = Config { learn: 3 * day, candidate_p: 0.6, ..Config::default() };
    config.peers.min_days = 2;
    let mut events = town::people(12, 9, 1.5, 11);
    events.extend(town::intruder(8));
    // Somebody who works through every midnight, where days and models change.
    let mut dice = Dice(5);
    for hour in 0..9 * 24 {
        if hour % 24 < 3 || hour % 24 == 23 {
            for _ in 0..4 {
                let time = Time(town::START.0 + hour * Time::HOUR + dice.roll(3_600_000_000) as i64);
                let (action, bucket) = (format!("s3:Put{}", dice.roll(60)), format!("arn:aws:s3:::b{}", dice.roll(40)));
                let (ip, write) = (format!("198.{}.0.1", dice.roll(12)), schemas::AccessLevel::Write);
                events.push(town::call("night-1", "222222222222", time, &action, write, &bucket, &ip, "boto3"));
            }
        }
    }
    (config, events, Time(town::START.0 + 9 * Time::DAY))
}

fn ways() -> impl Strategy<Value = Way> {
    let partitions = prop_oneof![Just(1_u32), Just(2), Just(4)];
    (partitions, 1..200_usize, 1..u64::MAX, 0..40_usize, 0..3_i64).prop_map(
        |(n_partitions, batch, seed, restart_every, ahead_hours)| Way {
            n_partitions,
            batch,
            seed,
            restart_every,
            ahead_hours,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn batches_partitions_restarts_and_arrival_do_not_change_the_answer(way in ways()) {
        let (config, events, end) = small();
        let plain = House::run(&config, PLAIN, &events, end).answer;
        let sizes = (plain.anomalies.len(), plain.alerts.len(), plain.models.len());
        prop_assert!(sizes.0 > 20 && sizes.1 > 0 && sizes.2 > 3, "{:?}", sizes);
        prop_assert!(plain.anomalies.values().all(|row| !row.provisional));
        let other = House::run(&config, way, &events, end).answer;
        prop_assert_eq!(&plain.models, &other.models);
        for (key, row) in &plain.anomalies {
            prop_assert_eq!(Some(row), other.anomalies.get(key));
        }
        prop_assert_eq!(plain, other);
    }
}

#[test]
fn a_replayed_event_does_not_count_twice() {
    let (config, events, end) = small();
    let once = House::run(&config, PLAIN, &events, end);
    let twice: Vec<_> = events.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
    let usage = super::house::usage(&events);
    assert!(!usage.is_empty());
    let doubled = House::run(&config, PLAIN, &twice, end);
    assert_eq!(doubled.detectors[0].metrics().detect_events_repeated, events.len() as u64);
    assert_eq!(once.answer.anomalies, doubled.answer.anomalies);
    assert_eq!(once.answer.alerts, doubled.answer.alerts);
}
