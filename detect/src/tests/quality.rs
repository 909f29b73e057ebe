//! What is found and what is not: plumbing only, since we made both the traffic and the intruder.

use std::collections::BTreeMap;

use schemas::{Severity, Time};

use super::house::{House, PLAIN};
use super::town;
use crate::Config;
use crate::peers::body::Body;

fn end(n_days: i64) -> Time {
    Time(town::START.0 + n_days * Time::DAY)
}

#[test]
fn thirty_days_of_stationary_traffic_stay_within_the_budget() {
    let config = Config::default();
    let house = House::run(&config, PLAIN, &town::people(50, 30, 4.0, 7), end(30));
    let mut by_day: BTreeMap<i64, usize> = BTreeMap::new();
    for alert in house.answer.alerts.values() {
        *by_day.entry(alert.time.day() - town::START.day()).or_default() += 1;
    }
    let n_alerts = house.answer.alerts.len();
    let n_days = 30.0 - 14.0;
    println!(
        "{} events, {} candidates, {} tests, {n_alerts} alerts: {:.2} a day after learning; by day {by_day:?}",
        house.detectors[0].metrics().detect_events_read,
        house.answer.anomalies.len(),
        house.triage.metrics().triage_tests_made,
        n_alerts as f64 / n_days,
    );
    for alert in house.answer.alerts.values() {
        println!("{} {:.1} {}: {:?}", alert.time, alert.nats, alert.title, alert.reasons);
    }
    assert!(by_day.keys().all(|day| *day >= 14), "nothing is told while the accounts are learned: {by_day:?}");
    assert!(by_day.values().all(|n| *n <= config.triage.budget_per_day as usize));
    assert!(n_alerts as f64 <= n_days * config.triage.false_per_day, "{n_alerts}");
}

#[test]
fn a_planted_intruder_is_the_top_alert_and_is_explained() {
    let mut events = town::people(24, 24, 4.0, 3);
    events.extend(town::intruder(22));
    let house = House::run(&Config::default(), PLAIN, &events, end(24));
    let mut alerts: Vec<_> = house.answer.alerts.values().collect();
    alerts.sort_by(|a, b| b.nats.total_cmp(&a.nats));
    let top = alerts.first().copied().expect("there is an alert");
    println!("{} alerts; {top:#?}", alerts.len());
    assert_eq!(top.identity_id, "aws:111111111111:user/dev-0");
    assert_eq!(top.first_at, Time(town::START.0 + 22 * Time::DAY + 3 * Time::HOUR));
    assert_eq!(top.technique.as_deref(), Some("T1098.001"));
    assert!(top.severity >= Severity::High && !top.provisional);
    assert_eq!(top.title, "`dev-0` made credentials that last (`iam:CreateAccessKey` and 4 more), from a new network");
    let channels: Vec<&str> = top.reasons.iter().map(|reason| reason.channel.as_str()).collect();
    for channel in ["action", "peers", "network", "tool", "risk"] {
        assert!(channels.contains(&channel), "{channel}: {channels:?}");
    }
    let texts: Vec<&str> = top.reasons.iter().map(|reason| reason.text.as_str()).collect();
    assert!(texts.contains(&"first network `203.0.0.0/16` of `dev-0` in 22 days"), "{texts:?}");
    assert!(texts.iter().any(|text| text.ends_with("identities of the account do")), "{texts:?}");
    let planted: Vec<_> = town::intruder(22).iter().map(|event| event.event_id).collect();
    assert!(planted.iter().all(|id| top.event_ids.contains(id)));
    assert!(top.time.0 - top.first_at.0 <= 2 * Time::HOUR, "found within the next hour");
}

/// `ops-4`'s first `cloudwatch:GetMetricData` is common among its peers; its first `dynamodb:Query` is not, though as
/// many identities of the town use that.
#[test]
fn what_ones_group_never_does_weighs_more() {
    let mut events = town::people(24, 24, 6.0, 5);
    let day = Time(town::START.0 + 22 * Time::DAY + 10 * Time::HOUR);
    let is_new = |event: &schemas::AccessEvent| {
        event.identity_id == "aws:222222222222:user/ops-4" && event.operation == "GetMetricData"
    };
    events.retain(|event| !is_new(event));
    for (action, level) in
        [("cloudwatch:GetMetricData", schemas::AccessLevel::Read), ("dynamodb:Query", schemas::AccessLevel::Read)]
    {
        events.push(town::call(
            "ops-4",
            "222222222222",
            day,
            action,
            level,
            "arn:aws:s3:::ops-1",
            "198.7.0.1",
            "aws-cli",
        ));
    }
    let config = Config { candidate_p: 0.999, ..Config::default() };
    let house = House::run(&config, PLAIN, &events, end(24));
    let last = house.answer.models.last().expect("there are models");
    let body = Body::read(&last.body).expect("a model that was published can be read");
    let group = |who: &str| body.members.get(who).copied();
    assert_eq!(group("aws:222222222222:user/ops-4"), group("aws:222222222222:user/ops-10"));
    assert_ne!(group("aws:222222222222:user/ops-4"), group("aws:222222222222:user/dev-3"));
    let peers = |action: &str| {
        let mut of =
            house.answer.anomalies.values().filter(|row| row.time == day && row.action.as_deref() == Some(action));
        let row = of.find(|row| &*row.detector == "first_action").expect("a first use is a candidate");
        row.reasons
            .iter()
            .find(|reason| &*reason.channel == "peers")
            .map(|reason| (reason.nats, reason.text.to_string()))
    };
    let (common, alien) = (peers("cloudwatch:GetMetricData"), peers("dynamodb:Query"));
    println!("{common:?}\n{alien:?}");
    assert!(alien > common.clone().map(|(nats, text)| (nats + 0.5, text)), "{common:?} {alien:?}");
}
