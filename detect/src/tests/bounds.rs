//! Everything that grows has a bound, and what happens at the bound is counted.

use schemas::{AccessLevel, Anomaly, Message, Noun, Time, example};
use stream::{Batch, Output, Transform, Watermarks};

use super::town::{self, call};
use crate::config::Suppression;
use crate::{Config, Detector, Triage};

fn detector(change: impl FnOnce(&mut Config)) -> Detector {
    let mut config = Config::default();
    change(&mut config);
    Detector::new(config.validate().expect("the test's config is valid"))
}

fn give(detector: &mut Detector, n: usize, event: impl Fn(usize) -> schemas::AccessEvent) -> Vec<Message> {
    let mut out = Output::default();
    detector.apply(Batch::of(0, 0, (0..n).map(|at| event(at).into_message())), &mut out);
    out.emitted
}

#[test]
fn what_waits_is_bounded_and_the_oldest_is_scored_early() {
    let mut full = detector(|c| c.max_pending = 100);
    let at = |n: usize| Time(town::START.0 + n as i64 * Time::HOUR / 4);
    let event = |n: usize| {
        call("a", "1", at(n), &format!("s3:Get{n}"), AccessLevel::Read, "arn:aws:s3:::b", "198.51.100.7", "x")
    };
    give(&mut full, 1000, event);
    let metrics = full.metrics().clone();
    assert!(metrics.detect_events_early >= 900, "{metrics:?}");
    let bytes = full.snapshot().expect("it can be written");
    let mut again = detector(|c| c.max_pending = 100);
    again.restore(&bytes).expect("it can be read");
    assert_eq!(again.snapshot().ok(), Some(bytes));
}

#[test]
fn identities_and_their_values_are_bounded() {
    let mut full = detector(|c| {
        c.max_identities = 16;
        c.max_actions = 8;
        c.max_resources = 8;
    });
    let at = |n: usize| Time(town::START.0 + n as i64 * 60_000_000);
    let event = |n: usize| {
        let (who, action, resource) = (format!("u{}", n % 64), format!("s3:Get{n}"), format!("arn:aws:s3:::b{n}"));
        call(&who, "1", at(n), &action, AccessLevel::Read, &resource, "198.51.100.7", "x")
    };
    give(&mut full, 4000, event);
    let mut out = Output::default();
    full.advance(&Watermarks::default().with("1", at(4000).0 + Time::DAY), &mut out);
    let early = full.snapshot().map_or(0, |bytes| bytes.len());
    assert!(full.metrics().detect_identities_evicted > 0, "{:?}", full.metrics());
    assert!(full.metrics().detect_values_evicted > 0 || early < 200_000, "{early}");
    full.advance(&Watermarks::default().with("1", at(4000).0 + 10 * Time::DAY), &mut out);
    let late = full.snapshot().map_or(0, |bytes| bytes.len());
    assert!(late < early, "what is too old for late events is forgotten: {late} of {early}");
}

#[test]
fn an_event_that_is_too_late_is_counted_and_left_out() {
    let mut room = detector(|_| {});
    let event = |n: usize| {
        call(
            "a",
            "1",
            Time(town::START.0 + n as i64 * Time::HOUR),
            "s3:GetObject",
            AccessLevel::Read,
            "",
            "198.51.100.7",
            "x",
        )
    };
    give(&mut room, 1, |_| event(100));
    room.advance(&Watermarks::default().with("1", event(101).time.0), &mut Output::default());
    give(&mut room, 1, |_| event(90));
    give(&mut room, 1, |_| event(90));
    give(&mut room, 1, |_| event(10));
    let metrics = room.metrics();
    let counts = [metrics.detect_events_late, metrics.detect_events_repeated, metrics.detect_events_too_late];
    assert_eq!(counts, [1, 1, 1]);
}

fn candidate(who: usize, nats: f64) -> Anomaly {
    let reason = schemas::Reason { channel: "action".into(), nats, text: "new".into() };
    Anomaly {
        anomaly_id: schemas::Id128(who as u128),
        identity_id: format!("aws:1:user/u{who}").into(),
        reasons: vec![reason],
        ..example::anomaly()
    }
}

fn judged(config: Config, rows: impl Iterator<Item = Anomaly>) -> (Triage, Vec<schemas::Alert>) {
    let mut triage = Triage::new(config.validate().expect("the test's config is valid"));
    let mut out = Output::default();
    triage.apply(Batch::of(0, 0, rows.map(Noun::into_message)), &mut out);
    triage.advance(&Watermarks::default().with("1", example::anomaly().time.0 + Time::HOUR), &mut out);
    let alert = |message: Message| match message {
        Message::Alert(alert) => Some(alert.as_ref().clone()),
        _ => None,
    };
    let alerts = out.emitted.into_iter().filter_map(alert).collect();
    (triage, alerts)
}

#[test]
fn the_days_budget_of_alerts_holds_and_the_rest_says_so() {
    let (triage, alerts) = judged(Config::default(), (0..60).map(|who| candidate(who, 300.0)));
    let told = alerts.iter().filter(|alert| alert.suppressed.is_none()).count();
    assert_eq!((told, alerts.len()), (20, 60));
    assert_eq!(triage.metrics().triage_alerts_over_budget, 40);
    let held = alerts.iter().find_map(|alert| alert.suppressed.clone());
    assert_eq!(held.as_deref(), Some("over the budget of 20 alerts a day"));
}

#[test]
fn the_suppression_list_holds_until_it_ends_and_costs_no_budget() {
    let list = |until: &str| {
        let entry = Suppression {
            identity: Some("aws:1:user/u*".into()),
            account: None,
            action: Some("iam:Create*".into()),
            reason: "the migration".into(),
            until: until.into(),
        };
        let mut config = Config::default();
        config.triage.suppress = vec![entry];
        config
    };
    let (_, alerts) = judged(list("2030-01-01T00:00:00Z"), (0..30).map(|who| candidate(who, 300.0)));
    let reasons: Vec<_> = alerts.iter().map(|alert| alert.suppressed.as_deref()).collect();
    assert_eq!(reasons, vec![Some("the migration, until 2030-01-01T00:00:00Z"); 30]);
    let (_, alerts) = judged(list("2020-01-01T00:00:00Z"), std::iter::once(candidate(1, 300.0)));
    assert_eq!(alerts[0].suppressed, None);
}

#[test]
fn what_waits_for_triage_is_bounded() {
    let mut config = Config::default();
    config.triage.max_waiting = 10;
    let (triage, alerts) = judged(config, (0..60).map(|who| candidate(who, 300.0)));
    assert_eq!((triage.metrics().triage_anomalies_dropped, alerts.len()), (50, 10));
}

/// A run that ends tells what it has for now; the next run tells the same alert again, final, or takes it back.
#[test]
fn the_end_of_a_run_tells_provisional_alerts_and_the_next_run_settles_them() {
    let mut triage = Triage::new(Config::default().validate().expect("the defaults are valid"));
    let row = candidate(1, 300.0);
    let mut out = Output::default();
    triage.apply(Batch::of(0, 0, [row.clone().into_message()]), &mut out);
    triage.finish(row.time.0, &mut out);
    let told = |out: &Output<Message>| match out.emitted.last() {
        Some(Message::Alert(alert)) => {
            Some((alert.alert_id, alert.revision, alert.provisional, alert.suppressed.is_some()))
        }
        _ => None,
    };
    let first = told(&out).expect("it is told");
    assert_eq!((first.1, first.2, first.3), (1, true, false));
    let bytes = triage.snapshot().expect("it can be written");
    triage.restore(&bytes).expect("it can be read");
    let mut weak = Triage::new(Config::default().validate().expect("the defaults are valid"));
    weak.restore(&bytes).expect("it can be read");
    let later = Watermarks::default().with("1", row.time.0 + 2 * Time::HOUR);
    triage.advance(&later, &mut out);
    assert_eq!(told(&out), Some((first.0, 2, false, false)));
    let mut out = Output::default();
    weak.apply(Batch::of(0, 0, [Anomaly { revision: 9, ..candidate(1, 0.1) }.into_message()]), &mut out);
    weak.advance(&later, &mut out);
    assert_eq!(told(&out), Some((first.0, 2, false, true)));
}
