//! A sink on Kafka: a group of its own, which commits after the store has acknowledged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::statistics::Statistics;
use rdkafka::{Message, Offset, TopicPartitionList};

use super::Shared;
use super::control::Says;
use super::inputs::{Item, is_passing, item};
use super::journal;
use super::lag::{self, Watched};
use super::topics::fault;
use crate::clock::Stopwatch;
use crate::manifest::{Manifest, StoreLock};
use crate::metrics::{TaskMeter, Timed};
use crate::topology::Drain;
use crate::{Batch, Fault, Position, Record, Sink, SinkState, failpoint};

/// How often a sink that sees nothing new asks whether the rooms have ended.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// How long records wait for company before they are written.
const LINGER: Duration = Duration::from_millis(50);

/// What the sinks of a process want remembered: the manifest of a store's folder, if there is one.
pub(super) struct Memory(Option<Remembered>);

struct Remembered {
    store: PathBuf,
    manifest: Mutex<Manifest>,
    _lock: StoreLock,
}

impl Memory {
    pub(super) fn open(store: Option<&Path>) -> Result<Self, Fault> {
        let Some(store) = store else { return Ok(Self(None)) };
        let _lock = StoreLock::take(store)?;
        let manifest =
            Manifest::read(store)?.unwrap_or_else(|| Manifest { shape: SHAPE.to_owned(), ..Manifest::default() });
        if manifest.shape != SHAPE {
            return Err(Fault::Shape { was: manifest.shape, is: SHAPE.to_owned() });
        }
        Ok(Self(Some(Remembered { store: store.to_owned(), manifest: Mutex::new(manifest), _lock })))
    }

    fn of(&self, sink: &str) -> (SinkState, u64) {
        let Some(memory) = &self.0 else { return (SinkState::Null, 0) };
        let manifest = memory.manifest.lock().unwrap_or_else(PoisonError::into_inner);
        (manifest.sinks.get(sink).cloned().unwrap_or_default(), manifest.epoch)
    }

    fn keep(&self, sink: &str, state: SinkState, epoch: u64, as_of: Option<i64>) -> Result<(), Fault> {
        let Some(memory) = &self.0 else { return Ok(()) };
        let mut manifest = memory.manifest.lock().unwrap_or_else(PoisonError::into_inner);
        manifest.epoch = manifest.epoch.max(epoch);
        manifest.as_of = as_of.or(manifest.as_of);
        manifest.sinks.insert(sink.to_owned(), state);
        manifest.write(&memory.store)
    }
}

/// The shape in the manifest of a store that is filled from topics.
const SHAPE: &str = "kafka";

/// Hears which partitions went to other members of the group.
#[derive(Debug, Default)]
struct Seats {
    lost: Mutex<Vec<(String, i32)>>,
    watched: Watched,
}

impl ClientContext for Seats {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.watched.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watched.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.watched.stats(statistics);
    }
}

impl ConsumerContext for Seats {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Revoke(lost) => {
                let lost = lost.elements().into_iter().map(|place| (place.topic().to_owned(), place.partition()));
                self.lost.lock().unwrap_or_else(PoisonError::into_inner).extend(lost);
            }
            Rebalance::Assign(_) => {}
            Rebalance::Error(error) => tracing::warn!(%error, "the group has trouble"),
        }
    }
}

/// Runs a sink.
pub(super) fn run<P: Clone + Send + Sync + 'static>(shared: &Arc<Shared<P>>, drain: Drain<P>) -> Result<(), Fault> {
    let options = &shared.options;
    let group = options.group(&format!("sinks.{}", drain.name));
    let consumer: BaseConsumer<Seats> = lag::watched(options.client.member(&group, options.session_timeout))
        .create_with_context(Seats::default())
        .map_err(|error| fault("cannot join the group", error))?;
    let topics: Vec<String> = drain.reads.iter().map(|topic| options.topic(topic)).collect();
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    consumer.subscribe(&names).map_err(|error| fault("cannot join the group", error))?;
    let mut places = BTreeMap::new();
    for topic in &drain.reads {
        for partition in 0..i32::try_from(options.n_partitions_of(topic)).unwrap_or(i32::MAX) {
            let place = u32::try_from(places.len()).unwrap_or(u32::MAX);
            places.insert((options.topic(topic), partition), place);
        }
    }
    let (state, epoch) = shared.memory.of(drain.name);
    let meter = shared.meters.room(drain.name);
    meter.probe(drain.sink.probe());
    let mut sink = SinkTask {
        shared,
        name: drain.name,
        sink: drain.sink,
        places,
        consumer,
        open: Vec::new(),
        offsets: BTreeMap::new(),
        n_open: 0,
        epoch,
        as_of: None,
        meter: meter.task(0),
    };
    shared.handle.block_on(sink.sink.restore(state))?;
    meter.ready();
    sink.meter.ready();
    sink.run()
}

struct SinkTask<'s, P> {
    shared: &'s Arc<Shared<P>>,
    name: &'static str,
    sink: Box<dyn Sink<P>>,
    /// A number for each topic partition, the same in every process.
    places: BTreeMap<(String, i32), u32>,
    consumer: BaseConsumer<Seats>,
    open: Vec<Record<P>>,
    /// Behind the last record taken from each topic partition since the last commit.
    offsets: BTreeMap<(String, i32), i64>,
    n_open: u64,
    epoch: u64,
    /// The time that the inputs' end was answered as of.
    as_of: Option<i64>,
    meter: TaskMeter,
}

impl<P: Clone + Send + 'static> SinkTask<'_, P> {
    fn run(&mut self) -> Result<(), Fault> {
        let options = &self.shared.options;
        let (mut since, mut waiting) = (Stopwatch::start(), Stopwatch::start());
        let mut asked = Stopwatch::start();
        loop {
            if self.pull(options.batch_records)? > 0 {
                asked = Stopwatch::start();
            }
            if self.meter.is_due() {
                self.meter.waiting(self.open.len());
                self.meter.inputs(self.consumer.context().watched.lags(options.topic_prefix.len()), None);
            }
            if self.open.len() >= options.batch_records || waiting.elapsed() >= LINGER {
                self.write()?;
                waiting = Stopwatch::start();
            }
            let is_due = self.n_open >= options.commit_records || since.elapsed() >= options.commit_every;
            if is_due && !self.offsets.is_empty() {
                self.commit()?;
                since = Stopwatch::start();
            }
            let mut is_done = false;
            if options.once && asked.elapsed() >= ASK_EVERY {
                is_done = self.has_ended()?;
                asked = Stopwatch::start();
            }
            if self.shared.stop.is_asked() || is_done {
                self.write()?;
                self.commit()?;
                self.consumer.unsubscribe();
                return Ok(());
            }
        }
    }

    /// Takes what is there; says how much it was.
    fn pull(&mut self, max: usize) -> Result<usize, Fault> {
        let (mut n, mut wait) = (0, LINGER);
        while n < max {
            let Some(message) = self.consumer.poll(wait) else { break };
            wait = Duration::ZERO;
            let mut message = match message {
                Ok(message) => message,
                Err(error) if is_passing(&error) => continue,
                Err(error) => return Err(fault("cannot read on", error)),
            };
            n += 1;
            let place = (message.topic().to_owned(), message.partition());
            let read = item(
                &batch::Record::of(&mut message),
                self.shared.options.topic_prefix.len(),
                self.shared.codec.as_ref(),
            )?;
            self.offsets.insert(place.clone(), message.offset() + 1);
            let partition = self.places.get(&place).copied().unwrap_or(u32::MAX);
            let at = Position { partition, offset: u64::try_from(message.offset()).unwrap_or(0) };
            match read {
                Item::Payload(payload) | Item::Rejected(payload) => self.open.push(Record { at, payload }),
                Item::Control(control) => {
                    if let Says::End(as_of) = control.says {
                        self.as_of = self.as_of.max(Some(as_of));
                    }
                }
                Item::None => {}
            }
        }
        self.forget_lost();
        Ok(n)
    }

    /// What went to another member is written by him from the last commit on, and is his to commit.
    fn forget_lost(&mut self) {
        let lost = std::mem::take(&mut *self.consumer.context().lost.lock().unwrap_or_else(PoisonError::into_inner));
        for place in lost {
            self.offsets.remove(&place);
        }
    }

    fn write(&mut self) -> Result<(), Fault> {
        if self.open.is_empty() {
            return Ok(());
        }
        let mut records = std::mem::take(&mut self.open);
        records.sort_by_key(|record| record.at);
        let n = records.len();
        self.n_open += n as u64;
        let meter = self.shared.meters.room(self.name);
        meter.read(n);
        let _span = tracing::debug_span!("write", sink = self.name, n_records = n).entered();
        let watch = Stopwatch::start();
        self.shared.handle.block_on(self.sink.write(Batch { records }))?;
        meter.busy(watch.elapsed());
        failpoint::pass("after_write");
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.write()?;
        let is_early = failpoint::is_mutated("commit_before_store");
        if is_early {
            self.commit_offsets()?;
        }
        self.epoch += 1;
        let _span = tracing::debug_span!("commit", sink = self.name, epoch = self.epoch).entered();
        let watch = Stopwatch::start();
        let state = self.shared.handle.block_on(self.sink.commit(self.epoch))?;
        self.meter.took(Timed::Commit, watch.elapsed());
        self.shared.memory.keep(self.name, state, self.epoch, self.as_of)?;
        failpoint::pass("before_commit");
        if !is_early {
            self.commit_offsets()?;
        }
        self.n_open = 0;
        self.shared.meters.committed();
        self.shared.handle.block_on(self.sink.committed(self.epoch))
    }

    /// A group that is just being shared out anew takes no offsets; those that stay ours are committed the next time.
    fn commit_offsets(&mut self) -> Result<(), Fault> {
        let offsets = std::mem::take(&mut self.offsets);
        let mut list = TopicPartitionList::new();
        for ((topic, partition), next) in &offsets {
            list.add_partition_offset(topic, *partition, Offset::Offset(*next))
                .map_err(|error| fault("cannot commit", error))?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        match self.consumer.commit(&list, CommitMode::Sync) {
            Ok(()) => {}
            Err(KafkaError::ConsumerCommit(error)) => {
                tracing::info!(sink = self.name, %error, "offsets were not committed; tries again");
                self.offsets = offsets;
            }
            Err(error) if is_passing(&error) => self.offsets = offsets,
            Err(error) => return Err(fault("cannot commit", error)),
        }
        Ok(())
    }

    /// Whether every room has come to its end, and this sink has read what they wrote.
    fn has_ended(&self) -> Result<bool, Fault> {
        if !self.shared.may_end(self.name) {
            return Ok(false);
        }
        let options = &self.shared.options;
        let Some(wanted) = journal::source_ends(options, self.shared.source)? else { return Ok(false) };
        for (room, n_tasks) in &self.shared.plan.rooms {
            if !journal::have_all_ended(options, wanted, room, *n_tasks)? {
                return Ok(false);
            }
        }
        let list = self
            .consumer
            .committed(Duration::from_secs(10))
            .map_err(|error| fault("cannot ask for committed offsets", error))?;
        for ((topic, partition), next) in &self.offsets {
            if let Some(mut place) = list.find_partition(topic, *partition) {
                place.set_offset(Offset::Offset(*next)).map_err(|error| fault("cannot note an offset", error))?;
            }
        }
        if list.count() == 0 {
            return Ok(false);
        }
        journal::has_nothing_behind(options, self.name, &list)
    }
}
