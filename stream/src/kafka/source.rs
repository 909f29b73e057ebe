//! The source on Kafka: one task, wherever it runs.

use std::sync::{Arc, Mutex, PoisonError};

use super::control::Says;
use super::group::{self, Line, Task};
use super::journal::{self, Entry};
use super::outputs::Outputs;
use super::{Options, Shared};
use crate::clock::Stopwatch;
use crate::metrics::{TaskMeter, Timed};
use crate::snapshot::SnapshotRef;
use crate::{Fault, Polled, Progress, Source};

/// The source with what it has handed out since the last commit, so that a transaction that came to nothing is written
/// again.
struct Held<P> {
    source: Box<dyn Source<P>>,
    /// Its cursors before it read anything.
    initial: Vec<u8>,
    /// Its last commit; `None` before it has looked.
    epoch: Option<u64>,
    /// The object of its cursors in the commit that was tried last.
    tried: Option<String>,
    /// How often the source had come to its end.
    n_ends: u64,
    open: Vec<P>,
    progress: Vec<Progress>,
    /// Where the end lies that was read.
    as_of: Option<i64>,
    /// Where the end lies that is committed, with nothing behind it.
    ended_at: Option<i64>,
}

/// Runs the source wherever the group puts it.
pub(super) fn run<P: Clone + Send + Sync + 'static>(
    shared: &Arc<Shared<P>>,
    name: &'static str,
    source: Box<dyn Source<P>>,
) -> Result<(), Fault> {
    shared.meters.room(name).probe(source.probe());
    let bad = |source| Fault::State { room: name.to_owned(), partition: 0, source };
    let initial = source.snapshot().map_err(bad)?;
    let held = Mutex::new(Held {
        source,
        initial,
        epoch: None,
        tried: None,
        n_ends: 0,
        open: Vec::new(),
        progress: Vec::new(),
        as_of: None,
        ended_at: None,
    });
    let writes: Vec<&'static str> = shared.plan.written_by(name);
    let task: Task<P> = Arc::new(move |shared, _, line| {
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        SourceTask::open(shared, name, &writes, &mut held)?.run(line)
    });
    group::run(shared, name, 1, task)
}

struct SourceTask<'h, P> {
    shared: &'h Arc<Shared<P>>,
    name: &'static str,
    held: &'h mut Held<P>,
    outputs: Outputs<P>,
    generation: u64,
    /// Whether what this process read to its end is committed with that end.
    is_ended: bool,
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
        let last = match journal::last(options, name, 0)? {
            Some(Entry::Source { object, epoch, n_ends, ended_at, .. }) => Some((object, epoch, n_ends, ended_at)),
            _ => None,
        };
        let is_ended = held.take_up(shared, name, last)?;
        let meter = shared.meters.room(name).task(0);
        let mut task = Self { shared, name, held, outputs, generation, is_ended, meter };
        let open = std::mem::take(&mut task.held.open);
        open.iter().try_for_each(|payload| task.outputs.send(payload))?;
        task.held.open = open;
        task.meter.ready();
        Ok(task)
    }

    fn run(mut self, line: &Line) -> Result<(), Fault> {
        let Options { batch_records, commit_records, commit_every, .. } = self.shared.options;
        let meter = self.shared.meters.room(self.name);
        let mut since = Stopwatch::start();
        if self.is_ended {
            return self.rest(line);
        }
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
                    // Whoever was here before said so, and was stopped before it was gone. Rooms that have heard it may be
                    // gone, and none would hear it again.
                    Polled::End(as_of) if self.says_nothing_new() && self.held.ended_at == Some(as_of) => {
                        self.held.committed();
                        return self.rest(line);
                    }
                    Polled::End(as_of) => self.held.as_of = Some(as_of),
                }
            }
            let is_open = self.is_open();
            let is_full = self.held.open.len() as u64 >= commit_records || since.elapsed() >= commit_every;
            let is_end = self.held.as_of.is_some();
            if is_open && is_full || is_end || line.stop.is_asked() {
                self.commit()?;
                since = Stopwatch::start();
            }
            if is_end {
                return self.rest(line);
            }
            if line.stop.is_asked() {
                return Ok(());
            }
        }
    }

    /// Whether no record was read since the end that is committed. How far accounts were read is said again then, and is
    /// not told again.
    fn says_nothing_new(&self) -> bool {
        self.shared.options.once && self.held.ended_at.is_some() && self.held.open.is_empty()
    }

    /// Whether there is something to commit, but for the end.
    fn is_open(&self) -> bool {
        let has_something = !self.held.open.is_empty() || !self.held.progress.is_empty();
        has_something && !self.says_nothing_new()
    }

    /// There is nothing more to read.
    fn rest(self, line: &Line) -> Result<(), Fault> {
        line.has_ended(self.held.n_ends);
        while !line.stop.is_asked() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Fault> {
        if !self.is_open() && self.held.as_of.is_none() {
            return Ok(());
        }
        let bad = |source| Fault::State { room: self.name.to_owned(), partition: 0, source };
        let cursors = self.held.source.snapshot().map_err(bad)?;
        let snapshots = &self.shared.options.snapshots;
        let epoch = self.held.epoch.unwrap_or_default() + 1;
        let watch = Stopwatch::start();
        let put = snapshots.put(self.name, 0, epoch, self.generation, &cursors);
        let stored = self.shared.handle.block_on(put).map_err(taken_over)?;
        self.meter.took(Timed::Snapshot, watch.elapsed());
        self.held.tried = Some(stored.object.clone());
        self.outputs.progress(newest(&self.held.progress))?;
        if let Some(as_of) = self.held.as_of {
            self.outputs.say(Says::End(as_of))?;
        }
        let object = stored.object.clone();
        let (progress, ended_at) = (newest(&self.held.progress), self.held.as_of);
        let n_ends = self.held.n_ends + u64::from(ended_at.is_some());
        let watch = Stopwatch::start();
        self.outputs.commit(&Entry::Source { object, epoch, progress, n_ends, ended_at })?;
        self.meter.took(Timed::Transaction, watch.elapsed());
        self.meter.stored();
        (self.held.epoch, self.held.n_ends, self.held.ended_at) = (Some(epoch), n_ends, ended_at);
        self.held.committed();
        self.shared.meters.committed();
        self.shared.handle.block_on(snapshots.keep_newest(&stored))
    }
}

/// An object of that name is somebody else's: two processes think the source theirs, and the next look tells whose it is.
fn taken_over(fault: Fault) -> Fault {
    match fault {
        Fault::Object { source: object_store::Error::AlreadyExists { path, .. }, .. } => {
            let what = "another process stores the cursors".to_owned();
            Fault::Kafka { what, why: Some(path), is_passing: true }
        }
        fault => fault,
    }
}

/// The last commit: the object of its cursors, its number, how often the source had ended, and as of when if it had then.
type Last = (String, u64, u64, Option<i64>);

impl<P> Held<P> {
    /// Goes on behind the last commit: with what is held when that was ours, else with its cursors. Says whether our own
    /// end is committed.
    fn take_up(&mut self, shared: &Shared<P>, name: &str, last: Option<Last>) -> Result<bool, Fault> {
        let (object, epoch, n_ends, ended_at) = last.unwrap_or_default();
        let is_ours = self.epoch == Some(epoch);
        // A commit that nobody answered for had come through.
        let came_through = self.epoch.is_some() && self.tried.as_ref() == Some(&object);
        (self.n_ends, self.ended_at) = (n_ends, ended_at);
        if came_through && !is_ours {
            self.epoch = Some(epoch);
            self.committed();
            return Ok(ended_at.is_some());
        }
        if is_ours {
            return Ok(ended_at.is_some() && self.as_of.is_some());
        }
        let cursors = if epoch == 0 {
            self.initial.clone()
        } else {
            let snapshot = SnapshotRef { room: name.to_owned(), partition: 0, object };
            shared.handle.block_on(shared.options.snapshots.get(&snapshot))?
        };
        let bad = |source| Fault::State { room: name.to_owned(), partition: 0, source };
        self.source.restore(&cursors).map_err(bad)?;
        self.committed();
        (self.epoch, self.as_of) = (Some(epoch), None);
        Ok(false)
    }

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
