//! A small house for tests: daily usage, peer models, detectors over partitions, triage, joined by hand.

use std::collections::BTreeMap;

use schemas::{AccessEvent, Alert, Anomaly, Message, Model, Noun, Time, Usage};
use stream::{Batch, Output, Transform, Watermarks, partition};

use crate::{Config, Detector, PeerModels, Triage, ValidConfig};

/// How a run is done; the answer must not depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub n_partitions: u32,
    pub batch: usize,
    pub seed: u64,
    /// Every so many steps everything is snapshotted and restored; 0 for never.
    pub restart_every: usize,
    /// How far ahead of the watermark events may come, in hours.
    pub ahead_hours: i64,
}

pub(super) const PLAIN: Way = Way { n_partitions: 1, batch: 100, seed: 0, restart_every: 0, ahead_hours: 0 };

/// The final rows, without their revisions.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub anomalies: BTreeMap<String, Anomaly>,
    pub alerts: BTreeMap<String, Alert>,
    pub models: Vec<Model>,
}

pub(super) struct House {
    config: ValidConfig,
    peers: PeerModels,
    pub detectors: Vec<Detector>,
    pub triage: Triage,
    pub answer: Answer,
    dice: Dice,
}

/// A seeded generator, enough for shuffles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice(pub u64);

impl Dice {
    pub(super) fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below.max(1)
    }

    pub(super) fn unit(&mut self) -> f64 {
        (self.roll(1 << 30) as f64 + 0.5) / f64::from(1 << 30)
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.roll(at + 1));
        }
    }
}

/// The daily usage rows of some events, as `score` would write them.
pub(super) fn usage(events: &[AccessEvent]) -> Vec<Usage> {
    let mut rows: BTreeMap<String, Usage> = BTreeMap::new();
    for event in events {
        for used in &event.uses {
            let mut row = Usage {
                identity_id: event.identity_id.clone(),
                identity_kind: event.identity_kind,
                account_id: event.account_id.clone(),
                action: used.action.clone(),
                access_level: event.access_level,
                resource_id: used.resource_id.clone().unwrap_or_default(),
                window_start: event.time.floor(Time::DAY),
                window_us: Time::DAY,
                n_uses: 0,
                ..schemas::example::usage()
            };
            row = rows.remove(&row.row_key()).unwrap_or(row);
            row.n_uses += i64::from(event.counts_as_use);
            rows.insert(row.row_key(), row);
        }
    }
    rows.into_values().collect()
}

impl House {
    pub(super) fn new(config: &Config, way: Way) -> Self {
        let config = config.clone().validate().expect("the test's config is valid");
        Self {
            peers: PeerModels::new(config.clone()),
            detectors: (0..way.n_partitions).map(|_| Detector::new(config.clone())).collect(),
            triage: Triage::new(config.clone()),
            answer: Answer::default(),
            dice: Dice(way.seed),
            config,
        }
    }

    /// Runs everything: hour by hour, the events of an hour and some of those ahead of it, then the watermark.
    pub(super) fn run(config: &Config, way: Way, events: &[AccessEvent], end: Time) -> Self {
        let mut house = Self::new(config, way);
        let mut rows: BTreeMap<Time, Vec<Message>> = BTreeMap::new();
        for row in usage(events) {
            rows.entry(row.window_start).or_default().push(row.into_message());
        }
        let mut waiting: Vec<AccessEvent> = events.to_vec();
        waiting.sort_by_key(|event| (event.time, event.event_id));
        let Some(first) = waiting.first().map(|event| event.time.floor(Time::HOUR)) else { return house };
        let mut accounts: Vec<String> = waiting.iter().map(|event| event.account_id.to_string()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let (mut hour, mut step) = (first, 0);
        while hour < end {
            let until = Time(hour.0 + Time::HOUR);
            let ahead = Time(until.0 + way.ahead_hours * Time::HOUR);
            let n_near = waiting.partition_point(|event| event.time < ahead);
            let mut near: Vec<AccessEvent> = waiting.drain(..n_near).collect();
            let mut now = Vec::new();
            for event in near.drain(..) {
                if event.time < until || house.dice.roll(3) == 0 { now.push(event) } else { waiting.push(event) }
            }
            waiting.sort_by_key(|event| (event.time, event.event_id));
            if way.seed != 0 {
                house.dice.shuffle(&mut now);
            }
            house.events(now, way);
            let closed: Vec<Message> =
                rows.extract_if(..until, |day, _| day.0 + Time::DAY <= until.0).flat_map(|(_, rows)| rows).collect();
            let marks = accounts.iter().fold(Watermarks::default(), |marks, account| marks.with(account, until.0));
            house.mark(closed, &marks, way);
            step += 1;
            if way.restart_every > 0 && step % way.restart_every == 0 {
                house.restart();
            }
            hour = until;
        }
        house
    }

    fn events(&mut self, events: Vec<AccessEvent>, way: Way) {
        for chunk in events.chunks(way.batch) {
            let mut by_partition: BTreeMap<u32, Vec<Message>> = BTreeMap::new();
            for event in chunk {
                let at = partition::of_key(event.identity_id.as_bytes(), way.n_partitions);
                by_partition.entry(at).or_default().push(event.clone().into_message());
            }
            for (at, messages) in by_partition {
                let mut out = Output::default();
                self.detectors[at as usize].apply(Batch::of(0, 0, messages), &mut out);
                self.anomalies(out);
            }
        }
    }

    /// The belt's order: usage, peer models with their progress, detectors with theirs, triage.
    fn mark(&mut self, usage: Vec<Message>, marks: &Watermarks, way: Way) {
        let mut out = Output::default();
        self.peers.apply(Batch::of(0, 0, usage), &mut out);
        self.peers.advance(marks, &mut out);
        let models = out.emitted;
        for message in &models {
            if let Message::Model(model) = message {
                self.answer.models.push(model.as_ref().clone());
            }
        }
        let mut order: Vec<usize> = (0..self.detectors.len()).collect();
        if way.seed != 0 {
            self.dice.shuffle(&mut order);
        }
        for at in order {
            let mut out = Output::default();
            self.detectors[at].apply(Batch::of(1, 0, models.clone()), &mut out);
            self.detectors[at].advance(marks, &mut out);
            assert_eq!(out.rejected, []);
            self.anomalies(out);
        }
        let mut out = Output::default();
        self.triage.advance(marks, &mut out);
        self.alerts(out);
    }

    fn anomalies(&mut self, out: Output<Message>) {
        for message in &out.emitted {
            let Message::Anomaly(row) = message else { panic!("{message:?}") };
            self.answer.anomalies.insert(row.row_key(), Anomaly { revision: 0, ..row.as_ref().clone() });
        }
        let mut told = Output::default();
        self.triage.apply(Batch::of(0, 0, out.emitted), &mut told);
        self.alerts(told);
    }

    fn alerts(&mut self, out: Output<Message>) {
        for message in out.emitted {
            let Message::Alert(alert) = message else { panic!("{message:?}") };
            self.answer.alerts.insert(alert.row_key(), Alert { revision: 0, ..alert.as_ref().clone() });
        }
    }

    fn restart(&mut self) {
        let fresh = |room: &dyn Transform<Message>| room.snapshot().expect("the state can be written");
        let (peers, triage) = (fresh(&self.peers), fresh(&self.triage));
        self.peers = PeerModels::new(self.config.clone());
        self.peers.restore(&peers).expect("it reads what it wrote");
        self.triage = Triage::new(self.config.clone());
        self.triage.restore(&triage).expect("it reads what it wrote");
        for detector in &mut self.detectors {
            let bytes = fresh(detector);
            *detector = Detector::new(self.config.clone());
            detector.restore(&bytes).expect("it reads what it wrote");
            assert_eq!(fresh(detector), bytes);
        }
    }
}
