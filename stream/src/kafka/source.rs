//! The source on Kafka: one task, wherever it runs.

use std::sync::{Arc, Mutex, PoisonError};

use super::control::Says;
use super::group::{self, Ended, Task};
use super::journal::{self, Entry};
use super::outputs::Outputs;
use super::{Options, Shared};
use crate::clock::Stopwatch;
use crate::embedded::Stop;
use crate::metrics::{TaskMeter, Timed};
use crate::snapshot::SnapshotRef;
use crate::{Fault, Polled, Progress, Source};

/// The source with what it has handed out since the last commit, so that a transaction that came to nothing is written
/// again.
struct Held<P> {
    source: Box<dyn Source<P>>,
    is_restored: bool,
    /// Its last commit.
    epoch: u64,
    open: Vec<P>,
    progress: Vec<Progress>,
    as_of: Option<i64>,
}

/// Runs the source wherever the group puts it.
pub(super) fn run<P: Clone + Send + Sync + 'static>(
    shared: &Arc<Shared<P>>,
    name: &'static str,
    source: Box<dyn Source<P>>,
) -> Result<(), Fault> {
    shared.meters.room(name).probe(source.probe());
    let held = Held { source, is_restored: false, epoch: 0, open: Vec::new(), progress: Vec::new(), as_of: None };
    let held = Mutex::new(held);
    let writes: Vec<&'static str> = shared.plan.written_by(name);
    let task: Task<P> = Arc::new(move |shared, _, stop| {
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        SourceTask::open(shared, name, &writes, &mut held)?.run(stop)
    });
    group::run(shared, name, 1, task)
}

struct SourceTask<'h, P> {
    shared: &'h Arc<Shared<P>>,
    name: &'static str,
    held: &'h mut Held<P>,
    outputs: Outputs<P>,
    generation: u64,
    meter: TaskMeter,
}

impl<'h, P: Clone + Send + 'static> SourceTask<'h, P> {
    fn open(
        shared: &'h Arc<Shared<P>>,
        name: &'static str,
        writes: &[&'static str],
        held: &'h mut Held<P>,
    ) -> Result<Self, Fault> {
        let outputs = Outputs::open(shared, name, 0, writes)?;
        let options = &shared.options;
        let newest = shared.handle.block_on(options.snapshots.newest(name, 0))?;
        let generation = newest.map_or(1, |found| found.generation + 1);
        let last = journal::last(options, name, 0)?;
        if let Some(Entry::Source { object, epoch, .. }) = last {
            if !held.is_restored {
                let snapshot = SnapshotRef { room: name.to_owned(), partition: 0, object };
                let cursors = shared.handle.block_on(options.snapshots.get(&snapshot))?;
                let bad = |source| Fault::State { room: name.to_owned(), partition: 0, source };
                held.source.restore(&cursors).map_err(bad)?;
                held.epoch = epoch;
            } else if epoch > held.epoch {
                // The commit that nobody answered for had come through.
                held.epoch = epoch;
                held.committed();
            }
        }
        held.is_restored = true;
        let meter = shared.meters.room(name).task(0);
        let mut task = Self { shared, name, held, outputs, generation, meter };
        let open = std::mem::take(&mut task.held.open);
        open.iter().try_for_each(|payload| task.outputs.send(payload))?;
        task.held.open = open;
        task.meter.ready();
        Ok(task)
    }

    fn run(mut self, stop: &Stop) -> Result<Ended, Fault> {
        let Options { batch_records, commit_records, commit_every, once, .. } = self.shared.options;
        let meter = self.shared.meters.room(self.name);
        let mut since = Stopwatch::start();
        loop {
            if self.held.as_of.is_none() {
                match self.shared.handle.block_on(self.held.source.poll(batch_records))? {
                    Polled::Records(records, progress) => {
                        meter.wrote(records.len(), 0);
                        records.iter().try_for_each(|payload| self.outputs.send(payload))?;
                        self.held.open.extend(records);
                        self.held.progress.extend(progress);
                    }
                    Polled::Idle => {}
                    Polled::End(as_of) => self.held.as_of = Some(as_of),
                }
            }
            let is_open = !self.held.open.is_empty() || !self.held.progress.is_empty();
            let is_full = self.held.open.len() as u64 >= commit_records || since.elapsed() >= commit_every;
            let is_end = self.held.as_of.is_some();
            if is_open && is_full || is_end || stop.is_asked() {
                self.commit()?;
                since = Stopwatch::start();
            }
            if is_end {
                return self.rest(once, stop);
            }
            if stop.is_asked() {
                return Ok(Ended::Stopped);
            }
        }
    }

    /// There is nothing more to read.
    fn rest(self, once: bool, stop: &Stop) -> Result<Ended, Fault> {
        while !once && !stop.is_asked() {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Ok(if stop.is_asked() { Ended::Stopped } else { Ended::Done })
    }

    fn commit(&mut self) -> Result<(), Fault> {
        if self.held.open.is_empty() && self.held.progress.is_empty() && self.held.as_of.is_none() {
            return Ok(());
        }
        let bad = |source| Fault::State { room: self.name.to_owned(), partition: 0, source };
        let cursors = self.held.source.snapshot().map_err(bad)?;
        let snapshots = &self.shared.options.snapshots;
        let epoch = self.held.epoch + 1;
        let watch = Stopwatch::start();
        let put = snapshots.put(self.name, 0, epoch, self.generation, &cursors);
        let stored = self.shared.handle.block_on(put)?;
        self.meter.took(Timed::Snapshot, watch.elapsed());
        if !self.held.progress.is_empty() {
            self.outputs.say(Says::Progress(newest(&self.held.progress)))?;
        }
        if let Some(as_of) = self.held.as_of {
            self.outputs.say(Says::End(as_of))?;
        }
        let object = stored.object.clone();
        let (progress, has_ended) = (newest(&self.held.progress), self.held.as_of.is_some());
        let watch = Stopwatch::start();
        self.outputs.commit(&Entry::Source { object, epoch, progress, has_ended })?;
        self.meter.took(Timed::Transaction, watch.elapsed());
        self.meter.stored();
        self.held.epoch = epoch;
        self.held.committed();
        self.shared.meters.committed();
        self.shared.handle.block_on(snapshots.keep_newest(&stored))
    }
}

impl<P> Held<P> {
    fn committed(&mut self) {
        self.open.clear();
        self.progress.clear();
    }
}

/// Of each feed and account the newest.
fn newest(said: &[Progress]) -> Vec<Progress> {
    let of = |said: &Progress| ((said.account.clone(), said.feed.clone()), said.clone());
    let newest: std::collections::BTreeMap<_, _> = said.iter().map(of).collect();
    newest.into_values().collect()
}
