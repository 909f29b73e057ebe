//! All rooms in one process: a thread for each partition of each room, joined by bounded channels.
//!
//! See the crate's page for how barriers make the commit one cut through all of them.

mod channel;
mod commit;
mod node;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::manifest::{Manifest, StoreLock};
use crate::metrics::Meters;
use crate::snapshot::{SnapshotRef, SnapshotStore};
use crate::{Fault, Topology};
use channel::{Inbox, Outbox, Plan};
use commit::Committer;
use node::{Node, RoomNode, SinkNode, SourceNode};

/// How a pipeline runs in one process.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store's folder.
    pub store: PathBuf,
    /// How many batches a channel holds before its sender waits.
    pub channel_batches: usize,
    /// How many records a batch holds at most.
    pub batch_records: usize,
    /// After how many records the source cuts at the latest.
    pub commit_records: u64,
    /// After what time the source cuts at the latest, when there is anything new.
    pub commit_every: Duration,
}

impl Options {
    /// Options for a store, with bounds that keep some tens of megabytes in flight.
    #[must_use]
    pub fn new(store: impl Into<PathBuf>) -> Self {
        Self {
            store: store.into(),
            channel_batches: 8,
            batch_records: 1_000,
            commit_records: 200_000,
            commit_every: Duration::from_secs(10),
        }
    }
}

/// Asks a running pipeline to drain, commit and end.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs a pipeline until its source ends or somebody asks it to stop. Blocks; edges run on `handle`'s runtime.
/// Returns the last manifest.
///
/// # Errors
/// The first fault of any room or edge; what was committed before it stands.
pub fn run<P: Clone + Send + 'static>(
    topology: Topology<P>,
    options: &Options,
    handle: &Handle,
    stop: &Stop,
    meters: &Meters,
) -> Result<Manifest, Fault> {
    let _lock = StoreLock::take(&options.store)?;
    let before = Manifest::read(&options.store)?.unwrap_or_default();
    let shape = topology.shape();
    if before.epoch > 0 && before.shape != shape {
        return Err(Fault::Shape { was: before.shape, is: shape });
    }
    let snapshots = SnapshotStore::in_folder(options.store.join("snapshots"))?;
    handle.block_on(snapshots.keep_only(&before.snapshots))?;
    let (acks, acked) = crossbeam_channel::unbounded();
    let start = Start {
        generation: before.generation + 1,
        before: Arc::new(before.clone()),
        snapshots: snapshots.clone(),
        handle: handle.clone(),
        stop: stop.clone(),
        acks,
        meters: meters.clone(),
        options: options.clone(),
    };
    let (threads, n_nodes, committed) = spawn(topology, &start)?;
    drop(start);
    let committer = Committer::new(before, shape, snapshots, options.store.clone(), n_nodes, committed);
    let result = committer.run(&acked, handle, meters);
    join(threads, result)
}

/// What every node is given at the start.
struct Start {
    generation: u64,
    before: Arc<Manifest>,
    snapshots: SnapshotStore,
    handle: Handle,
    stop: Stop,
    acks: crossbeam_channel::Sender<commit::Ack>,
    meters: Meters,
    options: Options,
}

impl Start {
    /// The state a room or the source left in the last manifest.
    fn state(&self, room: &str, partition: u32) -> Result<Option<Vec<u8>>, Fault> {
        let is_mine = |snapshot: &&SnapshotRef| snapshot.room == room && snapshot.partition == partition;
        match self.before.snapshots.iter().find(is_mine) {
            Some(snapshot) => self.handle.block_on(self.snapshots.get(snapshot)).map(Some),
            None => Ok(None),
        }
    }
}

type Threads = Vec<(String, JoinHandle<Result<(), Fault>>)>;
type Committed = Vec<crossbeam_channel::Sender<u64>>;

/// Builds every node, restores it and starts its thread; right to left, so that nobody sends before its reader is up.
fn spawn<P: Clone + Send + 'static>(
    topology: Topology<P>,
    start: &Start,
) -> Result<(Threads, usize, Committed), Fault> {
    let mut plan = Plan::of(&topology, start.options.channel_batches);
    let (mut nodes, mut committed): (Vec<Box<dyn Node>>, Committed) = (Vec::new(), Vec::new());
    let batch = start.options.batch_records;
    let source_outbox = Outbox::new(topology.wiring, batch, plan.senders(topology.source_name, 0));
    nodes.push(Box::new(SourceNode::start(topology.source_name, topology.source, source_outbox, start)?));
    for room in topology.rooms {
        for partition in 0..room.n_partitions {
            let inbox = Inbox::new(plan.receivers(room.name, partition));
            let outbox = Outbox::new(topology.wiring, batch, plan.senders(room.name, partition));
            let transform = (room.build)(partition);
            nodes.push(Box::new(RoomNode::start(room.name, partition, transform, inbox, outbox, start)?));
        }
    }
    for drain in topology.sinks {
        let inbox = Inbox::new(plan.receivers(drain.name, 0));
        let (tell, told) = crossbeam_channel::unbounded();
        committed.push(tell);
        nodes.push(Box::new(SinkNode::start(drain.name, drain.sink, inbox, told, start)?));
    }
    let n_nodes = nodes.len();
    let threads = nodes.into_iter().rev().map(|node| {
        let (name, meter) = (node.name(), start.meters.room(node.room()));
        meter.starts();
        meter.ready();
        let run = move || meter.watch(|| node.run());
        let spawned = std::thread::Builder::new().name(name.clone()).spawn(run);
        let failed = |source| Fault::File { verb: "start a thread for", path: name.clone().into(), source };
        spawned.map(|thread| (name.clone(), thread)).map_err(failed)
    });
    let threads = threads.collect::<Result<Threads, Fault>>()?;
    Ok((threads, n_nodes, committed))
}

/// Waits for everybody. A neighbour's end is only told when nothing worse explains it.
fn join(threads: Threads, result: Result<Manifest, Fault>) -> Result<Manifest, Fault> {
    let mut early = None;
    let mut first = None;
    for (name, thread) in threads {
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(fault @ Fault::Ended(_))) => early = early.or(Some(fault)),
            Ok(Err(fault)) => first = first.or(Some(fault)),
            Err(_) => first = first.or(Some(Fault::Panicked(name))),
        }
    }
    match (result, first.or(early)) {
        (Err(fault @ Fault::Ended(_)), None) | (Err(fault), None) => Err(fault),
        (Err(Fault::Ended(_)), Some(fault)) | (Ok(_), Some(fault)) => Err(fault),
        (Err(fault), Some(_)) => Err(fault),
        (Ok(manifest), None) => Ok(manifest),
    }
}
