//! What one partition of a room counts between two commits, and how far it is.

use std::collections::BTreeMap;
#[cfg(feature = "kafka")]
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Meter, Reading, Timed, Times, Value};
use crate::clock::Clock;
#[cfg(feature = "kafka")]
use crate::clock::Stopwatch;

/// Nothing is known yet.
const UNKNOWN: i64 = i64::MIN;

/// How often a task says how far it is.
#[cfg(feature = "kafka")]
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How far a partition is, as whoever scrapes finds it.
#[derive(Debug)]
pub(crate) struct Level {
    low: AtomicI64,
    stored_at: AtomicI64,
    is_ahead: AtomicBool,
    is_ready: AtomicBool,
    /// What waits before it, in batches in one process and in records on Kafka.
    waiting: Arc<AtomicI64>,
    waits_in_batches: bool,
    inputs: Mutex<Inputs>,
}

#[derive(Debug, Default)]
struct Inputs {
    lags: Vec<Lag>,
    #[cfg(feature = "kafka")]
    places: Vec<Place>,
}

/// How many records stand behind the last one taken from an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) n_records: i64,
}

/// Behind the last record of an input whose answer is committed.
#[cfg(feature = "kafka")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) next: i64,
}

fn known(value: &AtomicI64) -> Option<i64> {
    Some(value.load(Ordering::Relaxed)).filter(|value| *value != UNKNOWN)
}

impl Level {
    fn new(waiting: Arc<AtomicI64>, waits_in_batches: bool) -> Self {
        Self {
            low: AtomicI64::new(UNKNOWN),
            stored_at: AtomicI64::new(UNKNOWN),
            is_ahead: AtomicBool::new(false),
            is_ready: AtomicBool::new(false),
            waiting,
            waits_in_batches,
            inputs: Mutex::default(),
        }
    }

    /// The low watermark.
    pub(super) fn low(&self) -> Option<i64> {
        known(&self.low)
    }

    /// How old the newest snapshot is, in microseconds; nothing while it holds all that was committed.
    pub(super) fn snapshot_age(&self, now: i64) -> Option<i64> {
        let stored_at = known(&self.stored_at)?;
        let is_ahead = self.is_ahead.load(Ordering::Relaxed);
        Some(if is_ahead { now.saturating_sub(stored_at).max(0) } else { 0 })
    }

    pub(super) fn waiting(&self) -> i64 {
        self.waiting.load(Ordering::Relaxed).max(0)
    }

    pub(super) fn waiting_name(&self) -> (&'static str, &'static str) {
        if self.waits_in_batches {
            ("stream_queue_batches", "Batches that wait in the channels before a room.")
        } else {
            ("stream_queue_records", "Records that were read and wait for a room.")
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    pub(super) fn lags(&self) -> Vec<Lag> {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner).lags.clone()
    }

    #[cfg(feature = "kafka")]
    fn places(&self) -> Vec<Place> {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner).places.clone()
    }
}

/// Counts for one partition. What it counted is part of the room's numbers when it is told.
#[derive(Debug)]
pub(crate) struct TaskMeter {
    meter: Arc<Meter>,
    partition: u32,
    level: Arc<Level>,
    n_read: usize,
    n_emitted: usize,
    n_rejected: usize,
    busy_us: u64,
    batches: Times,
    /// The room's own numbers as they were last told.
    own: BTreeMap<&'static str, Value>,
    #[cfg(feature = "kafka")]
    since: Option<Stopwatch>,
}

impl TaskMeter {
    pub(super) fn new(meter: &Arc<Meter>, partition: u32) -> Self {
        let level = Arc::new(Level::new(Arc::default(), false));
        {
            let mut told = meter.told();
            told.levels.insert(partition, Arc::clone(&level));
            #[cfg(feature = "kafka")]
            told.left.remove(&partition);
        }
        Self {
            meter: Arc::clone(meter),
            partition,
            level,
            n_read: 0,
            n_emitted: 0,
            n_rejected: 0,
            busy_us: 0,
            batches: Times::default(),
            own: BTreeMap::new(),
            #[cfg(feature = "kafka")]
            since: None,
        }
    }

    /// With a counter of the batches that wait, which their channels keep.
    pub(crate) fn with_waiting(mut self, waiting: Arc<AtomicI64>) -> Self {
        self.level = Arc::new(Level::new(waiting, true));
        self.meter.told().levels.insert(self.partition, Arc::clone(&self.level));
        self
    }

    pub(crate) fn read(&mut self, n: usize) {
        self.n_read += n;
    }

    pub(crate) fn wrote(&mut self, n_emitted: usize, n_rejected: usize) {
        self.n_emitted += n_emitted;
        self.n_rejected += n_rejected;
    }

    /// The room's own code took so long for a batch.
    pub(crate) fn busy(&mut self, span: Duration) {
        self.busy_us = self.busy_us.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX));
        self.batches.note(span);
    }

    /// The numbers of all partitions.
    pub(crate) fn room(&self) -> &Meter {
        &self.meter
    }

    #[cfg(feature = "kafka")]
    pub(crate) fn took(&self, what: Timed, span: Duration) {
        self.meter.took(what, span);
    }

    /// Makes what was counted part of the room's numbers, with what the room itself has counted since it was last asked.
    pub(crate) fn tell(&mut self, own: impl FnOnce(&mut dyn FnMut(Reading))) {
        self.meter.read(std::mem::take(&mut self.n_read));
        self.meter.wrote(std::mem::take(&mut self.n_emitted), std::mem::take(&mut self.n_rejected));
        self.meter.busy_us.fetch_add(std::mem::take(&mut self.busy_us), Ordering::Relaxed);
        self.level.is_ahead.store(true, Ordering::Relaxed);
        let mut told = self.meter.told();
        told.times.entry(Timed::Batch).or_default().add(&std::mem::take(&mut self.batches));
        own(&mut |Reading { name, help, value }| {
            let more = value.since(self.own.insert(name, value));
            match told.own.get_mut(name) {
                Some((_, sum)) => sum.add(more),
                None => {
                    told.own.insert(name, (help, more));
                }
            }
        });
    }

    /// Leaves out what was counted: it was told by whoever did it first. The numbers are there from now on, at nothing.
    pub(crate) fn skip(&mut self, own: impl FnOnce(&mut dyn FnMut(Reading))) {
        (self.n_read, self.n_emitted, self.n_rejected, self.busy_us) = (0, 0, 0, 0);
        self.batches = Times::default();
        let mut told = self.meter.told();
        own(&mut |Reading { name, help, value }| {
            self.own.insert(name, value);
            told.own.entry(name).or_insert((help, value.since(Some(value))));
        });
    }

    /// The partition works on new records.
    pub(crate) fn ready(&self) {
        self.level.is_ready.store(true, Ordering::Relaxed);
    }

    pub(crate) fn low(&self, low: Option<i64>) {
        self.level.low.store(low.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    /// The state was stored, by the wall clock.
    pub(crate) fn stored(&self) {
        self.stored_at(Clock::system().now());
    }

    /// The state was stored at a time, and holds all that was committed.
    pub(crate) fn stored_at(&self, at: i64) {
        self.level.stored_at.store(at, Ordering::Relaxed);
        self.level.is_ahead.store(false, Ordering::Relaxed);
    }
}

#[cfg(feature = "kafka")]
impl TaskMeter {
    /// Something was committed that the newest snapshot does not hold.
    pub(crate) fn ahead(&self) {
        self.level.is_ahead.store(true, Ordering::Relaxed);
    }

    /// Whether it is time to say how far it is.
    pub(crate) fn is_due(&mut self) -> bool {
        let is_due = self.since.is_none_or(|since| since.elapsed() >= TELL_EVERY);
        if is_due {
            self.since = Some(Stopwatch::start());
        }
        is_due
    }

    pub(crate) fn waiting(&self, n_records: usize) {
        self.level.waiting.store(i64::try_from(n_records).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Says how far each input is; places only when nothing is open.
    pub(crate) fn inputs(&self, lags: Vec<Lag>, places: Option<Vec<Place>>) {
        let mut inputs = self.level.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        inputs.lags = lags;
        if let Some(places) = places {
            inputs.places = places;
        }
    }
}

#[cfg(feature = "kafka")]
impl Meter {
    /// The places of tasks, those that came to their end among them; of an input that several tasks read, the least.
    pub(crate) fn places(&self, partitions: &BTreeSet<u32>) -> Vec<Place> {
        let told = self.told();
        let of = |partition: &u32| match told.levels.get(partition) {
            Some(level) => level.places(),
            None => told.left.get(partition).cloned().unwrap_or_default(),
        };
        let mut least: BTreeMap<(String, i32), i64> = BTreeMap::new();
        for Place { topic, partition, next } in partitions.iter().flat_map(of) {
            let place = least.entry((topic, partition)).or_insert(next);
            *place = (*place).min(next);
        }
        least.into_iter().map(|((topic, partition), next)| Place { topic, partition, next }).collect()
    }
}

/// A partition that went away, or starts anew, has no level.
impl Drop for TaskMeter {
    fn drop(&mut self) {
        let mut told = self.meter.told();
        if told.levels.get(&self.partition).is_some_and(|level| Arc::ptr_eq(level, &self.level)) {
            told.levels.remove(&self.partition);
            #[cfg(feature = "kafka")]
            told.left.insert(self.partition, self.level.places());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(n: u64) -> impl FnOnce(&mut dyn FnMut(Reading)) {
        move |out| out(Reading { name: "room_events_total", help: "Events.", value: Value::Count(n) })
    }

    fn own(meter: &Meter) -> Option<Value> {
        meter.told().own.get("room_events_total").map(|(_, value)| *value)
    }

    #[test]
    fn what_was_not_committed_is_not_counted_and_a_replay_counts_nothing() {
        let meter = Arc::new(Meter::default());
        let mut first = meter.task(0);
        first.read(10);
        first.tell(count(10));
        first.read(5);
        // It dies with five records open. The next one replays ten, and takes the five again.
        drop(first);
        let mut second = meter.task(0);
        second.read(10);
        second.skip(count(10));
        assert_eq!((meter.n_read(), own(&meter)), (10, Some(Value::Count(10))));
        second.read(5);
        second.tell(count(15));
        assert_eq!((meter.n_read(), own(&meter)), (15, Some(Value::Count(15))));
    }

    #[test]
    fn a_partition_that_goes_leaves_its_successor_alone() {
        let meter = Arc::new(Meter::default());
        let before = meter.task(3);
        let after = meter.task(3);
        drop(before);
        assert_eq!(meter.told().levels.len(), 1);
        drop(after);
        assert!(meter.told().levels.is_empty());
    }

    #[test]
    fn a_snapshot_ages_only_while_something_was_committed_behind_it() {
        let meter = Arc::new(Meter::default());
        let mut task = meter.task(0);
        assert_eq!(task.level.snapshot_age(7), None);
        task.stored_at(5);
        assert_eq!(task.level.snapshot_age(9), Some(0));
        task.tell(count(1));
        assert_eq!(task.level.snapshot_age(9), Some(4));
    }
}
