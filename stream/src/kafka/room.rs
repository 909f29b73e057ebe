//! One partition of a room on Kafka: poll → apply → advance → write → dead letters → commit.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::control::{Control, Heard, Says};
use super::group::{self, Line, Task};
use super::inputs::{Inputs, Item};
use super::journal::{Entry, Stretch};
use super::outputs::Outputs;
use super::topics::{Plan, inputs};
use super::{Shared, journal};
use crate::clock::Stopwatch;
use crate::metrics::{TaskMeter, Timed};
use crate::snapshot::SnapshotRef;
use crate::topology::Room;
use crate::{Batch, Fault, Output, Position, Record, StateError, Transform, failpoint};

/// How long a task waits for records before it looks at the clock.
const TICK: Duration = Duration::from_millis(20);

/// Runs the partitions of a room that this process is given.
pub(super) fn run<P: Clone + Send + Sync + 'static>(shared: &Arc<Shared<P>>, room: Room<P>) -> Result<(), Fault> {
    let (name, n_tasks) = (room.name, room.n_partitions);
    let room = Arc::new(std::sync::Mutex::new(room));
    let task: Task<P> = Arc::new(move |shared, partition, line| {
        let (transform, reads, writes) = {
            let room = room.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            ((room.build)(partition), room.reads.clone(), room.writes.clone())
        };
        let place = Place { room: name, partition, n_tasks, reads, writes };
        RoomTask::open(shared, &place, transform, line)?.map_or(Ok(()), RoomTask::run)
    });
    group::run(shared, name, n_tasks, task)
}

/// Which task of which room, and its topics.
struct Place {
    room: &'static str,
    partition: u32,
    n_tasks: u32,
    reads: Vec<&'static str>,
    writes: Vec<&'static str>,
}

/// What the belt remembers of a task beside its room's own state.
#[derive(Serialize, Deserialize)]
pub(super) struct Seen {
    /// How many tasks the room has.
    pub(super) n_tasks: u32,
    /// Behind the last record taken from each input.
    pub(super) offsets: Vec<i64>,
    pub(super) heard: Heard,
    /// Behind the last entry of the journal that this state holds.
    pub(super) journal: i64,
    /// What is added to every revision, since this state was made anew.
    pub(super) raised_by: i64,
}

impl Seen {
    /// Of a task that has seen nothing.
    pub(super) fn new(n_tasks: u32, n_inputs: usize, n_slots: usize) -> Self {
        Self { n_tasks, offsets: vec![0; n_inputs], heard: Heard::new(n_slots), journal: 0, raised_by: 0 }
    }
}

/// How a state is stored.
type Stored = (Seen, Vec<u8>);

/// The slot of each input's first writer, with the writers of each input, and how many slots there are.
pub(super) fn slots(plan: &Plan, room: &str, places: &[(&'static str, i32)]) -> (Vec<(usize, Vec<String>)>, usize) {
    let (mut slots, mut n_slots) = (Vec::new(), 0);
    for (topic, _) in places {
        let writers = plan.writers(topic, room);
        let n = writers.len();
        slots.push((n_slots, writers));
        n_slots += n;
    }
    (slots, n_slots)
}

/// A task.
struct RoomTask<P> {
    shared: Arc<Shared<P>>,
    room: &'static str,
    partition: u32,
    transform: Box<dyn Transform<P>>,
    inputs: Inputs<P>,
    outputs: Outputs<P>,
    /// The slot of each input's first writer, and the writers of each input.
    slots: Vec<(usize, Vec<String>)>,
    seen: Seen,
    is_muted: bool,
    /// Whether something was committed that no snapshot holds yet.
    is_ahead: bool,
    stretches: Vec<Stretch>,
    n_open: u64,
    /// Whether records were taken in since the room settled.
    is_unsettled: bool,
    moved: Vec<crate::Progress>,
    meter: TaskMeter,
    line: Line,
    generation: u64,
}

impl<P: Clone + Send + 'static> RoomTask<P> {
    /// Locks the owner before out, loads the newest state, and takes again what came behind it. `None` when it was asked to
    /// stop meanwhile: half a replay is no state to go on from.
    fn open(
        shared: &Arc<Shared<P>>,
        place: &Place,
        mut transform: Box<dyn Transform<P>>,
        line: &Line,
    ) -> Result<Option<Self>, Fault> {
        let Place { room, partition, n_tasks, .. } = *place;
        let outputs = Outputs::open(shared, room, partition, &place.writes)?;
        let places = inputs(&shared.options, &place.reads, partition, n_tasks);
        let (slots, n_slots) = slots(&shared.plan, room, &places);
        let mut seen = Seen::new(n_tasks, places.len(), n_slots);
        let found = shared.handle.block_on(shared.options.snapshots.newest(room, partition))?;
        let generation = found.as_ref().map_or(1, |found| found.generation + 1);
        let meter = shared.meters.room(room).task(partition);
        if let Some(found) = found {
            if let Some(at) = shared.handle.block_on(shared.options.snapshots.stored_at(&found.snapshot)) {
                meter.stored_at(at);
            }
            let bad = |source| Fault::State { room: room.to_owned(), partition, source };
            let state: Stored =
                postcard::from_bytes(&found.bytes).map_err(|error| bad(StateError::Damaged(error.to_string())))?;
            let shape = |n_tasks: u32, n_inputs: usize, n_slots: usize| {
                format!("{n_tasks} tasks of `{room}`, each with {n_inputs} inputs of {n_slots} writers")
            };
            let was = shape(state.0.n_tasks, state.0.offsets.len(), state.0.heard.n_slots());
            let is = shape(n_tasks, places.len(), n_slots);
            if was != is {
                return Err(Fault::Shape { was, is });
            }
            seen = state.0;
            transform.restore(&state.1).map_err(bad)?;
        }
        let group = shared.options.group(room);
        let inputs = Inputs::open(&shared.options, Arc::clone(&shared.codec), &group, &places, &seen.offsets)?;
        let mut task = Self {
            shared: Arc::clone(shared),
            room,
            partition,
            transform,
            inputs,
            outputs,
            slots,
            seen,
            is_muted: false,
            is_ahead: false,
            stretches: Vec::new(),
            n_open: 0,
            is_unsettled: false,
            moved: Vec::new(),
            meter,
            line: line.clone(),
            generation,
        };
        Ok(task.catch_up()?.then_some(task))
    }

    /// Takes again what was committed behind the snapshot, muted. Says whether it came to the end.
    fn catch_up(&mut self) -> Result<bool, Fault> {
        let options = &self.shared.options;
        let entries = journal::read_from(options, self.room, self.partition, self.seen.journal)?;
        let n_entries = entries.len();
        self.is_muted = !failpoint::is_mutated("unmuted_replay");
        for (offset, entry) in entries {
            let Entry::Room { stretches, .. } = entry else { continue };
            for Stretch { input, to } in stretches {
                let input = usize::from(input);
                let waited = Stopwatch::start();
                while self.inputs.last(input).is_none_or(|last| last < to - 1) {
                    if self.inputs.pull(TICK, options_batch(&self.shared.options))? > 0 {
                        continue;
                    }
                    if self.line.stop.is_asked() {
                        return Ok(false);
                    }
                    if waited.elapsed() > Duration::from_secs(120) {
                        let what = format!("input {input} of `{}` has no record {}", self.room, to - 1);
                        return Err(Fault::Kafka { what, why: None, is_passing: false });
                    }
                }
                let items = self.inputs.take_until(input, to);
                self.take(input, items)?;
            }
            self.settle()?;
            self.moved.clear();
            self.seen.journal = offset + 1;
            self.is_ahead = true;
        }
        self.is_muted = false;
        self.meter.skip(|out| self.transform.metrics(out));
        if self.is_ahead {
            self.meter.ahead();
        }
        self.meter.ready();
        self.stretches.clear();
        self.n_open = 0;
        if n_entries > 0 {
            tracing::info!(room = self.room, partition = self.partition, n_entries, "caught up");
        }
        Ok(true)
    }

    fn run(mut self) -> Result<(), Fault> {
        let batch = options_batch(&self.shared.options);
        let (mut since, mut stored) = (Stopwatch::start(), Stopwatch::start());
        let mut turn = 0;
        self.line.has_ended(self.seen.heard.n_ends);
        loop {
            self.inputs.pull(TICK, batch)?;
            if self.meter.is_due() {
                self.say_how_far();
            }
            let n_inputs = self.inputs.len();
            for place in (0..n_inputs).map(|place| (place + turn) % n_inputs.max(1)) {
                let items = self.inputs.take(place, batch);
                if !items.is_empty() {
                    self.take(place, items)?;
                }
                if self.n_open >= self.shared.options.commit_records {
                    self.commit()?;
                    since = Stopwatch::start();
                }
            }
            turn += 1;
            if self.n_open > 0 && since.elapsed() >= self.shared.options.commit_every {
                self.commit()?;
                since = Stopwatch::start();
            }
            if stored.elapsed() >= self.shared.options.snapshot_every {
                self.commit()?;
                self.store()?;
                stored = Stopwatch::start();
            }
            if self.line.stop.is_asked() {
                self.commit()?;
                return self.store();
            }
        }
    }

    /// Takes a stretch: records in batches, and what the belt says between them.
    fn take(&mut self, place: usize, items: Vec<(i64, Item<P>)>) -> Result<(), Fault> {
        let Some((last, _)) = items.last() else { return Ok(()) };
        let to = last + 1;
        self.n_open += items.len() as u64;
        let partition = u32::try_from(place).unwrap_or(u32::MAX);
        let mut records = Vec::new();
        for (offset, item) in items {
            match item {
                Item::Payload(payload) => {
                    let offset = u64::try_from(offset).unwrap_or(0);
                    records.push(Record { at: Position { partition, offset }, payload });
                }
                Item::Control(control) => {
                    self.apply(std::mem::take(&mut records))?;
                    self.hear(place, control)?;
                }
                Item::Rejected(dead_letter) => {
                    self.meter.wrote(0, 1);
                    self.send(&[dead_letter])?;
                }
                Item::None => {}
            }
        }
        self.apply(records)?;
        self.seen.offsets[place] = to;
        self.stretches.push(Stretch { input: u16::try_from(place).unwrap_or(u16::MAX), to });
        Ok(())
    }

    fn apply(&mut self, records: Vec<Record<P>>) -> Result<(), Fault> {
        if records.is_empty() {
            return Ok(());
        }
        self.meter.read(records.len());
        self.is_unsettled = true;
        self.work(|transform, _, out| transform.apply(Batch { records }, out))
    }

    fn settle(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.is_unsettled) {
            self.work(|transform, _, out| transform.settle(out))?;
        }
        Ok(())
    }

    fn hear(&mut self, place: usize, control: Control) -> Result<(), Fault> {
        let (first, writers) = &self.slots[place];
        // A writer that no topology of today has, or one to the right: nobody waits for it.
        let Some(slot) = writers.iter().position(|writer| *writer == control.writer).map(|n| first + n) else {
            return Ok(());
        };
        match control.says {
            Says::Progress(said) => {
                let moved = self.seen.heard.progress(slot, said);
                if moved.is_empty() {
                    return Ok(());
                }
                self.work(|transform, heard, out| transform.advance(heard.watermarks(), out))?;
                self.moved.extend(moved);
            }
            Says::End(as_of) => {
                if let Some(as_of) = self.seen.heard.end(slot, as_of) {
                    self.settle()?;
                    self.work(|transform, _, out| transform.finish(as_of, out))?;
                    self.say_moved()?;
                    if !self.is_muted {
                        self.outputs.say(Says::End(as_of))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn work(&mut self, step: impl FnOnce(&mut dyn Transform<P>, &Heard, &mut Output<P>)) -> Result<(), Fault> {
        let mut out = Output::default();
        let span = tracing::debug_span!("batch", room = self.room, partition = self.partition).entered();
        let watch = Stopwatch::start();
        step(self.transform.as_mut(), &self.seen.heard, &mut out);
        self.meter.busy(watch.elapsed());
        span.exit();
        self.meter.wrote(out.emitted.len(), out.rejected.len());
        self.send(&out.emitted)?;
        self.send(&out.rejected)
    }

    fn send(&mut self, payloads: &[P]) -> Result<(), Fault> {
        if self.is_muted {
            return Ok(());
        }
        payloads.iter().try_for_each(|payload| self.outputs.send_raised(payload, self.seen.raised_by))
    }

    /// Event time goes behind the records of its transaction; of each feed and account only the newest.
    fn say_moved(&mut self) -> Result<(), Fault> {
        let mut newest = std::collections::BTreeMap::new();
        for said in self.moved.drain(..) {
            newest.insert((said.account.clone(), said.feed.clone()), said);
        }
        if self.is_muted {
            return Ok(());
        }
        self.outputs.progress(newest.into_values().collect())
    }

    fn commit(&mut self) -> Result<(), Fault> {
        if self.stretches.is_empty() {
            return Ok(());
        }
        self.settle()?;
        self.say_moved()?;
        failpoint::pass("after_write");
        let stretches = std::mem::take(&mut self.stretches);
        let span = tracing::debug_span!("transaction", room = self.room, partition = self.partition).entered();
        let watch = Stopwatch::start();
        self.seen.journal = self.outputs.commit(&Entry::Room { stretches, n_ends: self.seen.heard.n_ends })?;
        self.meter.took(Timed::Transaction, watch.elapsed());
        span.exit();
        failpoint::pass("before_commit");
        self.n_open = 0;
        self.is_ahead = true;
        self.line.has_ended(self.seen.heard.n_ends);
        self.shared.meters.committed();
        self.meter.tell(|out| self.transform.metrics(out));
        self.say_how_far();
        Ok(())
    }

    /// For whoever watches. What is open is not behind the group yet.
    fn say_how_far(&self) {
        let (lags, places) = self.inputs.behind(&self.seen.offsets);
        self.meter.waiting(self.inputs.n_waiting());
        self.meter.low(self.seen.heard.watermarks().low());
        self.meter.inputs(lags, (self.n_open == 0).then_some(places));
    }

    /// Stores the state as of the last commit.
    fn store(&mut self) -> Result<(), Fault> {
        if !self.is_ahead {
            return Ok(());
        }
        let options = &self.shared.options;
        let bad = |source| Fault::State { room: self.room.to_owned(), partition: self.partition, source };
        let state = self.transform.snapshot().map_err(bad)?;
        let bytes =
            postcard::to_stdvec(&(&self.seen, &state)).map_err(|error| bad(StateError::Damaged(error.to_string())))?;
        let epoch = u64::try_from(self.seen.journal).unwrap_or(0);
        let watch = Stopwatch::start();
        let put = options.snapshots.put(self.room, self.partition, epoch, self.generation, &bytes);
        let stored: SnapshotRef = match self.shared.handle.block_on(put) {
            // The owner before, not yet told that he is no more, stored the same place of the journal: the same state.
            Err(Fault::Object { source: object_store::Error::AlreadyExists { .. }, .. }) => {
                self.is_ahead = false;
                return Ok(());
            }
            stored => stored?,
        };
        self.is_ahead = false;
        self.meter.took(Timed::Snapshot, watch.elapsed());
        self.meter.stored();
        self.shared.handle.block_on(options.snapshots.keep_newest(&stored))
    }
}

fn options_batch(options: &super::Options) -> usize {
    options.batch_records.max(1)
}
