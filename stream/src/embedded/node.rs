//! The three kinds of node, each a loop over its inbox.

use std::collections::BTreeMap;

use crossbeam_channel::{Receiver, Sender};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::channel::{Cut, Event, Inbox, Outbox};
use super::commit::{Ack, What};
use super::{Options, Start, Stop};
use crate::clock::Stopwatch;
use crate::metrics::{Meter, TaskMeter, Timed};
use crate::snapshot::SnapshotStore;
use crate::watermark::Gauge;
use crate::{Batch, Fault, Output, Polled, Progress, Sink, Source, StateError, Transform, failpoint};

/// Something that runs on a thread of its own until its input closes.
pub(super) trait Node: Send {
    fn room(&self) -> &'static str;
    fn name(&self) -> String;
    fn run(self: Box<Self>) -> Result<(), Fault>;
}

/// Where a node's snapshots go and who is told.
struct Keeper {
    room: &'static str,
    partition: u32,
    generation: u64,
    snapshots: SnapshotStore,
    handle: Handle,
    acks: Sender<Ack>,
}

impl Keeper {
    fn of(room: &'static str, partition: u32, start: &Start) -> Self {
        Self {
            room,
            partition,
            generation: start.generation,
            snapshots: start.snapshots.clone(),
            handle: start.handle.clone(),
            acks: start.acks.clone(),
        }
    }

    fn store(&self, epoch: u64, state: &[u8], meter: &Meter) -> Result<crate::snapshot::SnapshotRef, Fault> {
        let watch = Stopwatch::start();
        let put = self.snapshots.put(self.room, self.partition, epoch, self.generation, state);
        let stored = self.handle.block_on(put)?;
        meter.took(Timed::Snapshot, watch.elapsed());
        Ok(stored)
    }

    fn ack(&self, epoch: u64, what: What) -> Result<(), Fault> {
        self.acks.send(Ack { epoch, what }).map_err(|_| Fault::Ended("the committer".to_owned()))
    }

    fn bad_state(&self) -> impl Fn(StateError) -> Fault + '_ {
        |source| Fault::State { room: self.room.to_owned(), partition: self.partition, source }
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StateError> {
    postcard::to_stdvec(value).map_err(|error| StateError::Damaged(error.to_string()))
}

fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, StateError> {
    postcard::from_bytes(bytes).map_err(|error| StateError::Damaged(error.to_string()))
}

/// The source, cutting its output with barriers.
pub(super) struct SourceNode<P> {
    keeper: Keeper,
    source: Box<dyn Source<P>>,
    outbox: Outbox<P>,
    meter: std::sync::Arc<Meter>,
    stop: Stop,
    options: Options,
    progress: BTreeMap<(String, String), Progress>,
    epoch: u64,
}

impl<P: Clone + Send> SourceNode<P> {
    pub(super) fn start(
        name: &'static str,
        mut source: Box<dyn Source<P>>,
        outbox: Outbox<P>,
        start: &Start,
    ) -> Result<Self, Fault> {
        let keeper = Keeper::of(name, 0, start);
        if let Some(state) = start.state(name, 0)? {
            source.restore(&state).map_err(keeper.bad_state())?;
        }
        let said = start.before.progress.iter().cloned();
        let meter = start.meters.room(name);
        meter.probe(source.probe());
        Ok(Self {
            source,
            outbox,
            meter,
            stop: start.stop.clone(),
            options: start.options.clone(),
            progress: said.map(|said| ((said.account.clone(), said.feed.clone()), said)).collect(),
            epoch: start.before.epoch,
            keeper,
        })
    }

    fn barrier(&mut self, as_of: Option<i64>) -> Result<(), Fault> {
        self.epoch += 1;
        let state = self.source.snapshot().map_err(self.keeper.bad_state())?;
        let snapshot = self.keeper.store(self.epoch, &state, &self.meter)?;
        let progress = self.progress.values().cloned().collect();
        self.keeper.ack(self.epoch, What::Source { snapshot, progress, as_of })?;
        self.outbox.cut(Cut::Barrier(self.epoch))
    }

    fn pass_on(&mut self, records: Vec<P>, progress: Vec<Progress>) -> Result<(), Fault> {
        self.meter.wrote(records.len(), 0);
        self.outbox.ship(records)?;
        if progress.is_empty() {
            return Ok(());
        }
        self.outbox.progress(&progress)?;
        self.progress.extend(progress.into_iter().map(|said| ((said.account.clone(), said.feed.clone()), said)));
        Ok(())
    }
}

impl<P: Clone + Send> Node for SourceNode<P> {
    fn room(&self) -> &'static str {
        self.keeper.room
    }

    fn name(&self) -> String {
        self.keeper.room.to_owned()
    }

    fn run(mut self: Box<Self>) -> Result<(), Fault> {
        let handle = self.keeper.handle.clone();
        let (mut n_open, mut since) = (0u64, Stopwatch::start());
        let mut as_of = None;
        while !self.stop.is_asked() {
            match handle.block_on(self.source.poll(self.options.batch_records))? {
                Polled::Records(records, progress) => {
                    n_open += records.len() as u64 + u64::from(!progress.is_empty());
                    self.pass_on(records, progress)?;
                }
                Polled::Idle => {}
                Polled::End(time) => {
                    as_of = Some(time);
                    self.outbox.cut(Cut::End(time))?;
                    break;
                }
            }
            let is_due = n_open >= self.options.commit_records || since.elapsed() >= self.options.commit_every;
            if n_open > 0 && is_due {
                self.barrier(None)?;
                (n_open, since) = (0, Stopwatch::start());
            }
        }
        self.barrier(as_of)?;
        self.outbox.cut(Cut::Close)
    }
}

/// One partition of a room: poll → apply → advance → write → dead letters → commit.
pub(super) struct RoomNode<P> {
    keeper: Keeper,
    transform: Box<dyn Transform<P>>,
    inbox: Inbox<P>,
    outbox: Outbox<P>,
    meter: TaskMeter,
    seen: Seen,
    /// Whether records were taken in since the room settled.
    is_unsettled: bool,
}

/// What the belt itself remembers of a room: offsets of all inputs, and the watermarks.
#[derive(Serialize, Deserialize)]
struct Seen {
    offsets: Vec<u64>,
    gauge: Gauge,
}

impl<P: Clone + Send> RoomNode<P> {
    pub(super) fn start(
        name: &'static str,
        partition: u32,
        mut transform: Box<dyn Transform<P>>,
        inbox: Inbox<P>,
        outbox: Outbox<P>,
        start: &Start,
    ) -> Result<Self, Fault> {
        let keeper = Keeper::of(name, partition, start);
        let n_inputs = inbox.n_inputs();
        let mut seen = Seen { offsets: vec![0; n_inputs], gauge: Gauge::new(n_inputs) };
        if let Some(bytes) = start.state(name, partition)? {
            let state: (Seen, Vec<u8>) = decode(&bytes).map_err(keeper.bad_state())?;
            seen = state.0;
            transform.restore(&state.1).map_err(keeper.bad_state())?;
        }
        let mut meter = start.meters.room(name).task(partition).with_waiting(inbox.depth());
        meter.skip(|out| transform.metrics(out));
        meter.low(seen.gauge.watermarks().low());
        meter.ready();
        Ok(Self { keeper, transform, inbox, outbox, meter, seen, is_unsettled: false })
    }

    fn records(&mut self, input: usize, payloads: Vec<P>) -> Result<(), Fault> {
        let n = payloads.len();
        let partition = u32::try_from(input).unwrap_or(u32::MAX);
        let batch = Batch::of(partition, self.seen.offsets[input], payloads);
        self.seen.offsets[input] += n as u64;
        self.meter.read(n);
        self.is_unsettled = true;
        self.work(|transform, _, out| transform.apply(batch, out))
    }

    fn settle(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.is_unsettled) {
            self.work(|transform, _, out| transform.settle(out))?;
        }
        Ok(())
    }

    fn progress(&mut self, input: usize, progress: Vec<Progress>) -> Result<(), Fault> {
        let moved = self.seen.gauge.note(input, progress);
        if moved.is_empty() {
            return Ok(());
        }
        self.work(|transform, gauge, out| transform.advance(gauge.watermarks(), out))?;
        self.outbox.progress(&moved)
    }

    fn work(&mut self, step: impl FnOnce(&mut dyn Transform<P>, &Gauge, &mut Output<P>)) -> Result<(), Fault> {
        let mut out = Output::default();
        let (room, partition) = (self.keeper.room, self.keeper.partition);
        let span = tracing::debug_span!("batch", room, partition).entered();
        let watch = Stopwatch::start();
        step(self.transform.as_mut(), &self.seen.gauge, &mut out);
        self.meter.busy(watch.elapsed());
        span.exit();
        self.meter.wrote(out.emitted.len(), out.rejected.len());
        self.meter.tell(|told| self.transform.metrics(told));
        self.meter.low(self.seen.gauge.watermarks().low());
        self.outbox.ship(out.emitted)?;
        self.outbox.ship(out.rejected)
    }

    fn barrier(&mut self, epoch: u64) -> Result<(), Fault> {
        self.settle()?;
        let state = self.transform.snapshot().map_err(self.keeper.bad_state())?;
        let bytes = encode(&(&self.seen, &state)).map_err(self.keeper.bad_state())?;
        let snapshot = self.keeper.store(epoch, &bytes, self.meter.room())?;
        self.meter.stored();
        self.keeper.ack(epoch, What::Room { snapshot })?;
        self.outbox.cut(Cut::Barrier(epoch))
    }
}

impl<P: Clone + Send> Node for RoomNode<P> {
    fn room(&self) -> &'static str {
        self.keeper.room
    }

    fn name(&self) -> String {
        format!("{}-{}", self.keeper.room, self.keeper.partition)
    }

    fn run(mut self: Box<Self>) -> Result<(), Fault> {
        loop {
            match self.inbox.next()? {
                Event::Records(input, payloads) => self.records(input, payloads)?,
                Event::Progress(input, progress) => self.progress(input, progress)?,
                Event::Cut(Cut::Barrier(epoch)) => self.barrier(epoch)?,
                Event::Cut(Cut::End(as_of)) => {
                    self.settle()?;
                    self.work(|transform, _, out| transform.finish(as_of, out))?;
                    self.outbox.cut(Cut::End(as_of))?;
                }
                Event::Cut(Cut::Close) => return self.outbox.cut(Cut::Close),
            }
        }
    }
}

/// A sink.
pub(super) struct SinkNode<P> {
    keeper: Keeper,
    sink: Box<dyn Sink<P>>,
    inbox: Inbox<P>,
    committed: Receiver<u64>,
    meter: std::sync::Arc<Meter>,
    /// Keeps the depth of its channels told.
    _level: TaskMeter,
    offsets: Vec<u64>,
}

impl<P: Clone + Send> SinkNode<P> {
    pub(super) fn start(
        name: &'static str,
        mut sink: Box<dyn Sink<P>>,
        inbox: Inbox<P>,
        committed: Receiver<u64>,
        start: &Start,
    ) -> Result<Self, Fault> {
        let state = start.before.sinks.get(name).cloned().unwrap_or_default();
        start.handle.block_on(sink.restore(state))?;
        let offsets = vec![0; inbox.n_inputs()];
        let meter = start.meters.room(name);
        meter.probe(sink.probe());
        let level = meter.task(0).with_waiting(inbox.depth());
        level.ready();
        let keeper = Keeper::of(name, 0, start);
        Ok(Self { keeper, sink, inbox, committed, meter, _level: level, offsets })
    }

    fn records(&mut self, input: usize, payloads: Vec<P>) -> Result<(), Fault> {
        let n = payloads.len();
        let partition = u32::try_from(input).unwrap_or(u32::MAX);
        let batch = Batch::of(partition, self.offsets[input], payloads);
        self.offsets[input] += n as u64;
        self.meter.read(n);
        let _span = tracing::debug_span!("write", sink = self.keeper.room, n_records = n).entered();
        let watch = Stopwatch::start();
        self.keeper.handle.block_on(self.sink.write(batch))?;
        self.meter.busy(watch.elapsed());
        failpoint::pass("after_write");
        Ok(())
    }

    fn barrier(&mut self, epoch: u64) -> Result<(), Fault> {
        let _span = tracing::debug_span!("commit", sink = self.keeper.room, epoch).entered();
        let watch = Stopwatch::start();
        let state = self.keeper.handle.block_on(self.sink.commit(epoch))?;
        self.meter.took(Timed::Commit, watch.elapsed());
        failpoint::pass("before_commit");
        self.keeper.ack(epoch, What::Sink { name: self.keeper.room, state })?;
        self.show()
    }

    fn show(&mut self) -> Result<(), Fault> {
        while let Ok(epoch) = self.committed.try_recv() {
            self.keeper.handle.block_on(self.sink.committed(epoch))?;
        }
        Ok(())
    }
}

impl<P: Clone + Send> Node for SinkNode<P> {
    fn room(&self) -> &'static str {
        self.keeper.room
    }

    fn name(&self) -> String {
        self.keeper.room.to_owned()
    }

    fn run(mut self: Box<Self>) -> Result<(), Fault> {
        loop {
            match self.inbox.next()? {
                Event::Records(input, payloads) => self.records(input, payloads)?,
                Event::Progress(..) | Event::Cut(Cut::End(_)) => {}
                Event::Cut(Cut::Barrier(epoch)) => self.barrier(epoch)?,
                Event::Cut(Cut::Close) => break,
            }
        }
        // The committer drops its end after the last manifest; what it said until then is still shown.
        let Self { keeper, mut sink, committed, .. } = *self;
        drop(keeper.acks);
        committed.iter().try_for_each(|epoch| keeper.handle.block_on(sink.committed(epoch)))
    }
}
