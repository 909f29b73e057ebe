//! Everything that is known, as families of numbers for a scrape.

use std::collections::BTreeMap;

use super::{Level, Meter, Meters, Probe, Reading, Timed, Times, Value};
use crate::clock::Clock;

/// Microseconds.
const SECOND: f64 = 1e6;

/// What a family's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only grow.
    Counter,
    /// They go up and down.
    Gauge,
    /// Durations by class.
    Histogram,
}

/// Numbers of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name; a counter's ends in `_total`.
    pub name: String,
    /// What it says.
    pub help: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// The numbers, each with its labels.
    pub samples: Vec<Sample>,
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Names and values out of small closed sets.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub number: Number,
}

/// A number of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// Of a counter.
    Count(u64),
    /// Of a counter that counts seconds.
    Seconds(f64),
    /// Of a gauge.
    Level(f64),
    /// Of a histogram.
    Times(Times),
}

/// Families in the order of their names.
#[derive(Default)]
struct Families(BTreeMap<String, Family>);

impl Families {
    fn add(
        &mut self,
        name: &str,
        help: &'static str,
        kind: Kind,
        labels: impl IntoIterator<Item = (&'static str, String)>,
        number: Number,
    ) {
        let name = match kind {
            Kind::Counter if !name.ends_with("_total") => format!("{name}_total"),
            _ => name.to_owned(),
        };
        let empty = || Family { name: name.clone(), help: help.trim(), kind, samples: Vec::new() };
        let family = self.0.entry(name.clone()).or_insert_with(empty);
        family.samples.push(Sample { labels: labels.into_iter().collect(), number });
    }

    fn count(&mut self, name: &'static str, help: &'static str, room: &str, n: u64) {
        self.add(name, help, Kind::Counter, [("room", room.to_owned())], Number::Count(n));
    }

    fn own(&mut self, room: &str, Reading { name, help, value }: Reading) {
        let (kind, number) = match value {
            Value::Count(n) => (Kind::Counter, Number::Count(n)),
            Value::Times(times) => (Kind::Histogram, Number::Times(times)),
        };
        self.add(name, help, kind, [("room", room.to_owned())], number);
    }
}

impl Timed {
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Batch => {
                ("stream_batch_seconds", "How long a room's own code took for a batch, or a sink to take one.")
            }
            Self::Transaction => ("stream_transaction_seconds", "How long the brokers took to commit a transaction."),
            Self::Snapshot => ("stream_snapshot_seconds", "How long it took to store a partition's state."),
            Self::Commit => ("stream_commit_seconds", "How long a sink took to make durable what it was given."),
        }
    }
}

impl Meters {
    /// The numbers of every room that runs in this process, ages by the clock.
    #[must_use]
    pub fn families(&self, clock: &Clock) -> Vec<Family> {
        let mut families = Families::default();
        let now = clock.now();
        let help = "Commits: manifests put in place or, on Kafka, transactions and commits of sinks.";
        families.add("stream_commits", help, Kind::Counter, [], Number::Count(self.n_commits()));
        for meter in self.rooms.iter().filter(|meter| meter.told().life.has_started()) {
            counters(meter, &mut families);
            levels(meter, now, &mut families);
            // Asked last and without a lock of ours: an edge may have one of its own.
            let probe: Option<Probe> = meter.told().probe.clone();
            if let Some(probe) = probe {
                probe(&mut |reading| families.own(&meter.room, reading));
            }
        }
        families.0.into_values().collect()
    }
}

fn counters(meter: &Meter, to: &mut Families) {
    let room = meter.room.as_str();
    to.count("stream_read_records", "Records taken in.", room, meter.n_read());
    to.count("stream_emitted_records", "Records passed on.", room, meter.n_emitted());
    to.count("stream_rejected_records", "Records rejected, each a dead letter.", room, meter.n_rejected());
    let n_restarts = meter.n_restarts.load(std::sync::atomic::Ordering::Relaxed);
    to.count("stream_restarts", "Tasks started anew from their last commit, after trouble.", room, n_restarts);
    let busy = Number::Seconds(meter.busy_us() as f64 / SECOND);
    let help = "Time spent in the room's own code.";
    to.add("stream_busy_seconds", help, Kind::Counter, [("room", room.to_owned())], busy);
    let told = meter.told();
    for (timed, times) in &told.times {
        let (name, help) = timed.name();
        to.add(name, help, Kind::Histogram, [("room", room.to_owned())], Number::Times(*times));
    }
    for (name, (help, value)) in &told.own {
        to.own(room, Reading { name, help, value: *value });
    }
}

fn levels(meter: &Meter, now: i64, to: &mut Families) {
    let told = meter.told();
    let room = || ("room", meter.room.clone());
    let mut level = |name, help, labels: Vec<(&'static str, String)>, value: f64| {
        to.add(name, help, Kind::Gauge, labels, Number::Level(value));
    };
    let n_tasks = told.levels.len();
    level("stream_tasks", "Partitions of the room that run in this process.", vec![room()], n_tasks as f64);
    for (partition, of) in &told.levels {
        let labels = || vec![room(), ("partition", partition.to_string())];
        let (name, help) = of.waiting_name();
        level(name, help, labels(), of.waiting() as f64);
        if let Some(low) = of.low() {
            let help = "How far the room's low watermark is behind the wall clock.";
            let lag = now.saturating_sub(low) as f64 / SECOND;
            level("stream_watermark_lag_seconds", help, labels(), lag);
        }
        if let Some(age) = of.snapshot_age(now) {
            let help = "How old the newest snapshot is; 0 while nothing was committed behind it.";
            level("stream_snapshot_age_seconds", help, labels(), age as f64 / SECOND);
        }
    }
    for ((topic, partition), n_records) in lags(told.levels.values()) {
        let help = "Places between the last record taken from an input and its end, which the brokers last told.";
        let labels = vec![room(), ("topic", topic), ("partition", partition.to_string())];
        level("stream_lag_records", help, labels, n_records as f64);
    }
}

/// How far each input is behind; of one that every task reads, such as policies, the furthest.
fn lags<'l>(levels: impl Iterator<Item = &'l std::sync::Arc<Level>>) -> BTreeMap<(String, i32), i64> {
    let mut furthest = BTreeMap::new();
    for lag in levels.flat_map(|level| level.lags()) {
        let n_records = furthest.entry((lag.topic, lag.partition)).or_insert(lag.n_records);
        *n_records = lag.n_records.max(*n_records);
    }
    furthest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rooms_that_run_here_are_told_and_counters_end_alike() {
        let meters = Meters::of(["score", "elsewhere"]);
        meters.room("score").starts();
        let mut task = meters.room("score").task(2);
        task.low(Some(1_000_000));
        task.tell(|out| out(Reading { name: "score_uses_other", help: " Uses. ", value: Value::Count(4) }));
        let families = meters.families(&Clock::fixed(3_500_000));
        let find = |name: &str| families.iter().find(|family| family.name == name).expect(name);
        assert_eq!(
            (find("score_uses_other_total").help, find("score_uses_other_total").kind),
            ("Uses.", Kind::Counter)
        );
        let lag = &find("stream_watermark_lag_seconds").samples;
        assert_eq!(lag[0].labels, [("room", "score".to_owned()), ("partition", "2".to_owned())]);
        assert_eq!(lag[0].number, Number::Level(2.5));
        let rooms = families.iter().flat_map(|family| &family.samples).flat_map(|sample| &sample.labels);
        assert!(rooms.into_iter().all(|(_, value)| value != "elsewhere"));
        let counters = families.iter().filter(|family| family.kind == Kind::Counter);
        assert!(counters.into_iter().all(|family| family.name.ends_with("_total")));
    }
}
