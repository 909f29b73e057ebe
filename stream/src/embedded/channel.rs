//! Bounded channels between nodes: routing on the left, alignment of barriers on the right.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crossbeam_channel::{Receiver, Select, Sender, bounded};

use crate::{Fault, Progress, Topology, Wiring};

/// What travels in a channel.
#[derive(Clone, Debug)]
pub(super) enum Frame<P> {
    Records(Vec<P>),
    Progress(Vec<Progress>),
    Cut(Cut),
}

/// What closes off everything before it, and passes a room only when it came on all inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Store your state as of here, for this epoch.
    Barrier(u64),
    /// There is no more input; answer as of this time.
    End(i64),
    /// Nothing follows.
    Close,
}

/// How many frames wait in all channels before one node.
pub(super) type Depth = Arc<AtomicI64>;

/// The end of a channel that is written to.
pub(super) struct Line<P> {
    sender: Sender<Frame<P>>,
    depth: Depth,
}

/// One reader of a node's output.
pub(super) struct Target<P> {
    reads: Vec<&'static str>,
    senders: Vec<Line<P>>,
    buffers: Vec<Vec<P>>,
}

/// A node's output side.
pub(super) struct Outbox<P> {
    wiring: Wiring<P>,
    batch_records: usize,
    targets: Vec<Target<P>>,
    key: Vec<u8>,
}

impl<P: Clone> Outbox<P> {
    pub(super) fn new(wiring: Wiring<P>, batch_records: usize, targets: Vec<Target<P>>) -> Self {
        Self { wiring, batch_records: batch_records.max(1), targets, key: Vec::new() }
    }

    /// Sends each payload to the partitions of everybody who reads its topic; waits where a channel is full.
    pub(super) fn ship(&mut self, payloads: impl IntoIterator<Item = P>) -> Result<(), Fault> {
        for payload in payloads {
            let topic = (self.wiring.topic)(&payload);
            for target in self.targets.iter_mut().filter(|target| target.reads.contains(&topic)) {
                let n_partitions = u32::try_from(target.senders.len()).unwrap_or(u32::MAX);
                match self.wiring.partition(&payload, n_partitions, &mut self.key) {
                    Some(partition) => target.push(partition as usize, payload.clone(), self.batch_records)?,
                    None => (0..target.senders.len())
                        .try_for_each(|partition| target.push(partition, payload.clone(), self.batch_records))?,
                }
            }
        }
        self.targets.iter_mut().try_for_each(Target::flush)
    }

    pub(super) fn progress(&mut self, progress: &[Progress]) -> Result<(), Fault> {
        self.send_all(&Frame::Progress(progress.to_vec()))
    }

    pub(super) fn cut(&mut self, cut: Cut) -> Result<(), Fault> {
        self.send_all(&Frame::Cut(cut))
    }

    fn send_all(&mut self, frame: &Frame<P>) -> Result<(), Fault> {
        let senders = self.targets.iter().flat_map(|target| &target.senders);
        senders.into_iter().try_for_each(|sender| send(sender, frame.clone()))
    }
}

impl<P> Target<P> {
    fn push(&mut self, partition: usize, payload: P, batch_records: usize) -> Result<(), Fault> {
        let buffer = &mut self.buffers[partition];
        buffer.push(payload);
        if buffer.len() < batch_records {
            return Ok(());
        }
        send(&self.senders[partition], Frame::Records(std::mem::take(buffer)))
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let full = self.senders.iter().zip(&mut self.buffers).filter(|(_, buffer)| !buffer.is_empty());
        full.into_iter().try_for_each(|(sender, buffer)| send(sender, Frame::Records(std::mem::take(buffer))))
    }
}

fn send<P>(line: &Line<P>, frame: Frame<P>) -> Result<(), Fault> {
    line.sender.send(frame).map_err(|_| Fault::Ended("a reader".to_owned()))?;
    line.depth.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// What a node sees next.
pub(super) enum Event<P> {
    Records(usize, Vec<P>),
    Progress(usize, Vec<Progress>),
    Cut(Cut),
}

/// A node's input side.
pub(super) struct Inbox<P> {
    receivers: Vec<Receiver<Frame<P>>>,
    depth: Depth,
    cuts: Vec<Option<Cut>>,
}

impl<P> Inbox<P> {
    pub(super) fn new((receivers, depth): (Vec<Receiver<Frame<P>>>, Depth)) -> Self {
        let cuts = vec![None; receivers.len()];
        Self { receivers, depth, cuts }
    }

    pub(super) fn depth(&self) -> Depth {
        Arc::clone(&self.depth)
    }

    pub(super) fn n_inputs(&self) -> usize {
        self.receivers.len()
    }

    /// Waits for the next event. An input that has sent a cut is not read until all the others have sent it too.
    pub(super) fn next(&mut self) -> Result<Event<P>, Fault> {
        loop {
            let (input, frame) = self.receive()?;
            self.depth.fetch_sub(1, Ordering::Relaxed);
            match frame {
                Frame::Records(payloads) => return Ok(Event::Records(input, payloads)),
                Frame::Progress(progress) => return Ok(Event::Progress(input, progress)),
                Frame::Cut(cut) => self.cuts[input] = Some(cut),
            }
            let waiting = self.cuts.iter().any(Option::is_none);
            if let (false, Some(cut)) = (waiting, self.cuts[input]) {
                self.cuts.fill(None);
                return Ok(Event::Cut(cut));
            }
        }
    }

    fn receive(&self) -> Result<(usize, Frame<P>), Fault> {
        let ended = |_| Fault::Ended("a writer".to_owned());
        if let [only] = self.receivers.as_slice() {
            return only.recv().map(|frame| (0, frame)).map_err(ended);
        }
        let open: Vec<usize> = (0..self.receivers.len()).filter(|input| self.cuts[*input].is_none()).collect();
        let mut select = Select::new();
        for input in &open {
            select.recv(&self.receivers[*input]);
        }
        let operation = select.select();
        let input = open[operation.index()];
        operation.recv(&self.receivers[input]).map(|frame| (input, frame)).map_err(ended)
    }
}

type Instance = (&'static str, u32);

/// The channels into an instance, and how much waits in them.
type Receivers<P> = (Vec<Receiver<Frame<P>>>, Depth);

/// Every channel of a topology, before its nodes take their ends.
pub(super) struct Plan<P> {
    targets: HashMap<Instance, Vec<Target<P>>>,
    receivers: HashMap<Instance, Receivers<P>>,
}

impl<P> Plan<P> {
    pub(super) fn of(topology: &Topology<P>, channel_batches: usize) -> Self {
        let mut plan = Self { targets: HashMap::new(), receivers: HashMap::new() };
        let rooms = topology.rooms.iter().map(|room| (room.name, &room.reads, room.n_partitions));
        let sinks = topology.sinks.iter().map(|sink| (sink.name, &sink.reads, 1));
        let readers: Vec<_> = rooms.chain(sinks).collect();
        let rooms = topology.rooms.iter().map(|room| (room.name, &room.writes, room.n_partitions));
        let writers = std::iter::once((topology.source_name, &topology.source_writes, 1)).chain(rooms);
        // The writer at place n stands left of the readers from place n on: a room never reads itself.
        for (place, (writer, writes, n_writers)) in writers.enumerate() {
            let right = readers.iter().skip(place);
            for (reader, reads, n_readers) in
                right.filter(|(_, reads, _)| reads.iter().any(|topic| writes.contains(topic)))
            {
                (0..n_writers).for_each(|from| plan.join((writer, from), reader, reads, *n_readers, channel_batches));
            }
        }
        plan
    }

    fn join(&mut self, writer: Instance, reader: &'static str, reads: &[&'static str], n_readers: u32, bound: usize) {
        let mut target = Target { reads: reads.to_vec(), senders: Vec::new(), buffers: Vec::new() };
        for partition in 0..n_readers {
            let (sender, receiver) = bounded(bound.max(1));
            let (receivers, depth) = self.receivers.entry((reader, partition)).or_default();
            receivers.push(receiver);
            target.senders.push(Line { sender, depth: Arc::clone(depth) });
            target.buffers.push(Vec::new());
        }
        self.targets.entry(writer).or_default().push(target);
    }

    pub(super) fn senders(&mut self, name: &'static str, partition: u32) -> Vec<Target<P>> {
        self.targets.remove(&(name, partition)).unwrap_or_default()
    }

    pub(super) fn receivers(&mut self, name: &'static str, partition: u32) -> (Vec<Receiver<Frame<P>>>, Depth) {
        self.receivers.remove(&(name, partition)).unwrap_or_default()
    }
}
