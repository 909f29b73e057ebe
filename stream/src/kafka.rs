//! Rooms as processes on Apache Kafka: one task for each partition of each room, shared out by consumer groups.
//!
//! # How nothing is lost and nothing counted twice
//!
//! A task reads its inputs from offsets of its own and writes its output in transactions. In each transaction it also
//! writes one record into the room's *journal*: which stretch of which input it took, in which order. So the journal is
//! the commit, of all inputs at once, and a transaction that never came to its end leaves no trace of it.
//!
//! State is a snapshot, named by the place in the journal that it stands at. Whoever takes a partition over opens its
//! transactional id, which ends the transactions of the owner before and locks him out; loads the newest snapshot; and
//! takes the stretches behind it again, in the journal's order and *muted*: what they emit was emitted before. Taking
//! them in the same order makes the same state to the last revision, so what is emitted afterwards fits.
//!
//! Event time travels in the topics themselves: a writer puts [`Progress`](crate::Progress) behind its records into every
//! partition of every topic that a room reads. These records have a header and no value, so that other readers take them
//! for tombstones.
//!
//! **Invariants:** a task's memory is bounded by its room and by `batch_records` for each input; one partition that stands
//! still stops no other; the offsets that a room's group holds are for tools that show lag, and nothing here reads them (`lag`).

mod arrivals;
mod brokers;
mod client;
mod control;
mod group;
mod inputs;
mod journal;
mod lag;
mod outputs;
mod rebuild;
mod repartition;
mod room;
mod scan;
mod sink;
mod source;
mod standstill;
mod tool;
mod topics;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::embedded::Stop;
use crate::metrics::Meters;
use crate::snapshot::SnapshotStore;
use crate::topology::Drain;
use crate::{Fault, Topology};

pub use arrivals::{Arrival, ArrivalParams, Arrivals};
pub use brokers::Brokers;
pub use client::Client;
pub use rebuild::{Archive, Portion, Rebuilt, rebuild};
pub use repartition::{Repartitioned, repartition};
pub use tool::{Tool, look};
pub use topics::{Cleanup, TopicSpec};

/// A record as it is written, lent by the codec.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, in order.
    pub headers: &'a [(&'static str, Vec<u8>)],
}

/// A record as it is read.
#[derive(Clone, Debug)]
pub struct Incoming<'a> {
    /// The topic, without the prefix.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its place.
    pub offset: i64,
    /// Milliseconds since the epoch, as the topic keeps them.
    pub timestamp_ms: Option<i64>,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, in order.
    pub headers: Vec<(&'a str, &'a [u8])>,
}

/// How payloads stand on Kafka.
pub trait Codec<P>: Send + Sync {
    /// Writes a payload and hands its parts on.
    ///
    /// # Errors
    /// When it does not fit its schema: a mistake of ours, and a fault. And what `to` answers.
    fn encode(&self, payload: &P, to: &mut dyn FnMut(Parts<'_>) -> Result<(), Fault>) -> Result<(), Fault>;

    /// Reads a payload; a tombstone is none. What cannot be read is a dead letter with its reason, as a payload.
    ///
    /// # Errors
    /// When the registry that knows the schema cannot be asked.
    fn decode(&self, record: &Incoming<'_>) -> Result<Decoded<P>, Fault>;
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<P> {
    /// A payload.
    Payload(P),
    /// A tombstone.
    None,
    /// A dead letter.
    Rejected(P),
}

/// How rooms run on Kafka.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the brokers are and how to sign in.
    pub client: Client,
    /// What stands before each topic's name.
    pub topic_prefix: String,
    /// What stands before the name of each group, journal and transactional id.
    pub group_prefix: String,
    /// Every topic.
    pub topics: Vec<TopicSpec>,
    /// Partitions of the topics that are not broadcast.
    pub n_partitions: u32,
    /// Copies of each partition.
    pub replication: i32,
    /// How many records a room takes in one go, and twice how many wait for it on one input.
    pub batch_records: usize,
    /// After how many records a transaction is committed at the latest.
    pub commit_records: u64,
    /// After what time a transaction is committed at the latest.
    pub commit_every: Duration,
    /// How often state is stored.
    pub snapshot_every: Duration,
    /// Where it is stored.
    pub snapshots: SnapshotStore,
    /// The folder whose manifest names what the sinks want remembered; `None` when their stores remember all.
    pub store: Option<PathBuf>,
    /// After how long a silent process is taken for dead, and its partitions are given to others.
    pub session_timeout: Duration,
    /// Whether a room ends when its inputs have.
    pub once: bool,
}

impl Options {
    fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.topic_prefix)
    }

    fn group(&self, room: &str) -> String {
        format!("{}.{room}", self.group_prefix)
    }

    fn journal(&self, room: &str) -> String {
        format!("{}.journal.{room}", self.group_prefix)
    }

    fn spec(&self, topic: &str) -> Option<&TopicSpec> {
        self.topics.iter().find(|spec| spec.name == topic)
    }

    fn n_partitions_of(&self, topic: &str) -> u32 {
        if self.spec(topic).is_some_and(|spec| spec.is_broadcast) { 1 } else { self.n_partitions }
    }
}

/// What every thread of a process shares.
struct Shared<P> {
    options: Options,
    codec: Arc<dyn Codec<P>>,
    plan: topics::Plan,
    memory: sink::Memory,
    wiring: crate::Wiring<P>,
    meters: Meters,
    stop: Stop,
    handle: Handle,
    /// The source's name.
    source: &'static str,
    /// Whether this process runs the source, and it has not come to its end yet. What an earlier run ended with counts
    /// for nothing until then.
    is_source_open: AtomicBool,
}

impl<P> Shared<P> {
    /// Of a tool that runs nothing.
    fn beside(
        topology: &Topology<P>,
        options: &Options,
        codec: Arc<dyn Codec<P>>,
        handle: &Handle,
    ) -> Result<Self, Fault> {
        Ok(Self {
            options: options.clone(),
            memory: sink::Memory::open(None)?,
            codec,
            plan: topics::Plan::of(topology),
            wiring: topology.wiring,
            meters: Meters::default(),
            stop: Stop::default(),
            handle: handle.clone(),
            source: topology.source_name,
            is_source_open: AtomicBool::new(false),
        })
    }

    /// Whether this process knows that no more is coming: while it runs the source itself, only the source may end.
    fn may_end(&self, room: &str) -> bool {
        room == self.source || !self.is_source_open.load(Ordering::Acquire)
    }
}

/// Makes the topics that are missing and checks those that are there.
///
/// # Errors
/// When the brokers cannot be reached or do not let us in, or a topic has another number of partitions.
pub fn prepare<P>(topology: &Topology<P>, options: &Options, handle: &Handle) -> Result<(), Fault> {
    if let Some(from) = handle.block_on(options.snapshots.mark())? {
        let what = format!("a change from {from} partitions broke off: run `overgrant repartition` again");
        return Err(Fault::Kafka { what, why: None, is_passing: false });
    }
    brokers::sign_in(options)?;
    handle.block_on(topics::prepare(topology, options))
}

/// Runs the named rooms of a topology, or all of them, until somebody asks to stop or, with `once`, until their inputs
/// have ended. Blocks.
///
/// # Errors
/// The first fault that no new start of the task can mend.
pub fn run<P: Clone + Send + Sync + 'static>(
    topology: Topology<P>,
    options: &Options,
    codec: Arc<dyn Codec<P>>,
    rooms: &[String],
    handle: &Handle,
    stop: &Stop,
    meters: &Meters,
) -> Result<(), Fault> {
    let is_mine = |name: &str| rooms.is_empty() || rooms.iter().any(|room| room == name);
    let needs_memory = |drain: &Drain<P>| drain.sink.keeps_state() && (is_mine("sinks") || is_mine(drain.name));
    let needs_memory = topology.sinks.iter().any(needs_memory);
    let memory = sink::Memory::open(options.store.as_deref().filter(|_| needs_memory))?;
    let shared = Arc::new(Shared {
        options: options.clone(),
        memory,
        codec,
        plan: topics::Plan::of(&topology),
        wiring: topology.wiring,
        meters: meters.clone(),
        stop: stop.clone(),
        handle: handle.clone(),
        source: topology.source_name,
        is_source_open: AtomicBool::new(is_mine(topology.source_name)),
    });
    let mut threads = Vec::new();
    if is_mine(topology.source_name) {
        let (shared, name, source) = (Arc::clone(&shared), topology.source_name, topology.source);
        let work = move || {
            let result = source::run(&shared, name, source);
            shared.is_source_open.store(false, Ordering::Release);
            result
        };
        threads.push((name, spawn(name, meters, work)?));
    }
    for room in topology.rooms.into_iter().filter(|room| is_mine(room.name)) {
        let (shared, name) = (Arc::clone(&shared), room.name);
        threads.push((name, spawn(name, meters, move || room::run(&shared, room))?));
    }
    for drain in topology.sinks.into_iter().filter(|drain| is_mine("sinks") || is_mine(drain.name)) {
        let (shared, name) = (Arc::clone(&shared), drain.name);
        threads.push((name, spawn(name, meters, move || sink::run(&shared, drain))?));
    }
    join(threads, stop)
}

type Thread = std::thread::JoinHandle<Result<(), Fault>>;

fn spawn(
    name: &'static str,
    meters: &Meters,
    work: impl FnOnce() -> Result<(), Fault> + Send + 'static,
) -> Result<Thread, Fault> {
    let meter = meters.room(name);
    meter.starts();
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(move || meter.watch(work));
    spawned.map_err(|source| Fault::File { verb: "start a thread for", path: name.into(), source })
}

/// Waits for all; the first fault stops the others.
fn join(threads: Vec<(&'static str, Thread)>, stop: &Stop) -> Result<(), Fault> {
    let (mut open, mut first) = (threads, None);
    while !open.is_empty() {
        let (done, still): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, thread)| thread.is_finished());
        open = still;
        for (name, thread) in done {
            let result = thread.join().unwrap_or_else(|_| Err(Fault::Panicked(name.to_owned())));
            if let Err(fault) = result {
                stop.now();
                first = first.or(Some(fault));
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    first.map_or(Ok(()), Err)
}
