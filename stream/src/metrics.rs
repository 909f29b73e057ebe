//! Numbers of the belt and of its rooms: cheap to add to, read by progress bars and exporters.
//!
//! # Layout
//!
//! A [`Meter`] has one room's numbers over all of its partitions. `task` is what one partition counts between two commits,
//! and how far it is. `reading` is what a room says of itself; `export` gathers everything for a scrape; `health` says
//! who has died and who is not ready.
//!
//! # What a counter means
//!
//! On Kafka a task's numbers are added when its transaction is committed, and a replay adds nothing: so each record that
//! counted in topics counts here once, however often the task starts anew. A counter begins at nothing with its process
//! and never goes back while it lives.

mod export;
mod health;
mod reading;
mod task;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use export::{Family, Kind, Number, Sample};
pub use reading::{BOUNDS_S, Reading, Times, Value};
#[cfg(feature = "kafka")]
pub(crate) use task::{Lag, Place};
pub(crate) use task::{Level, TaskMeter};

/// Asks an edge for its numbers, whenever somebody wants to know and whatever the edge is doing. It must not wait.
pub type Probe = Arc<dyn Fn(&mut dyn FnMut(Reading)) + Send + Sync>;

/// What is timed by the belt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timed {
    /// A room's own code for one batch, or an edge's for one write.
    Batch,
    /// A transaction, from its end being asked for to its being answered.
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only Kafka has transactions"))]
    Transaction,
    /// A snapshot, written.
    Snapshot,
    /// What a sink does to make durable what it was given.
    Commit,
}

/// The numbers of one room over all its partitions.
#[derive(Debug, Default)]
pub struct Meter {
    /// The room.
    pub room: String,
    n_read: AtomicU64,
    n_emitted: AtomicU64,
    n_rejected: AtomicU64,
    busy_us: AtomicU64,
    n_restarts: AtomicU64,
    told: Mutex<Told>,
}

/// What changes seldom or is more than a number.
#[derive(Default)]
struct Told {
    own: BTreeMap<&'static str, (&'static str, Value)>,
    probe: Option<Probe>,
    times: BTreeMap<Timed, Times>,
    levels: BTreeMap<u32, Arc<Level>>,
    /// Where tasks stood that have gone.
    #[cfg(feature = "kafka")]
    left: BTreeMap<u32, Vec<Place>>,
    life: health::Life,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("own", &self.own).field("life", &self.life).finish_non_exhaustive()
    }
}

impl Meter {
    /// Records taken in.
    #[must_use]
    pub fn n_read(&self) -> u64 {
        self.n_read.load(Ordering::Relaxed)
    }

    /// Records passed on.
    #[must_use]
    pub fn n_emitted(&self) -> u64 {
        self.n_emitted.load(Ordering::Relaxed)
    }

    /// Records rejected.
    #[must_use]
    pub fn n_rejected(&self) -> u64 {
        self.n_rejected.load(Ordering::Relaxed)
    }

    /// Microseconds spent in the room's own code.
    #[must_use]
    pub fn busy_us(&self) -> u64 {
        self.busy_us.load(Ordering::Relaxed)
    }

    pub(crate) fn read(&self, n: usize) {
        self.n_read.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub(crate) fn wrote(&self, n_emitted: usize, n_rejected: usize) {
        self.n_emitted.fetch_add(n_emitted as u64, Ordering::Relaxed);
        self.n_rejected.fetch_add(n_rejected as u64, Ordering::Relaxed);
    }

    /// One batch of an edge took so long.
    pub(crate) fn busy(&self, span: Duration) {
        self.busy_us.fetch_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.took(Timed::Batch, span);
    }

    pub(crate) fn took(&self, what: Timed, span: Duration) {
        self.told().times.entry(what).or_default().note(span);
    }

    /// A task was started anew after trouble.
    #[cfg(feature = "kafka")]
    pub(crate) fn restarted(&self) {
        self.n_restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Where the numbers of an edge are asked for.
    pub(crate) fn probe(&self, probe: Option<Probe>) {
        self.told().probe = probe;
    }

    /// Begins to count for one partition.
    pub(crate) fn task(self: &Arc<Self>, partition: u32) -> TaskMeter {
        TaskMeter::new(self, partition)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The numbers of a pipeline, in the order of its rooms, and how many commits it made.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    rooms: Arc<Vec<Arc<Meter>>>,
    n_commits: Arc<AtomicU64>,
}

impl Meters {
    /// One set of numbers for each name.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let meter = |name: &str| Arc::new(Meter { room: name.to_owned(), ..Meter::default() });
        Self { rooms: Arc::new(names.into_iter().map(meter).collect()), n_commits: Arc::default() }
    }

    /// Every room's numbers.
    pub fn rooms(&self) -> impl Iterator<Item = &Meter> {
        self.rooms.iter().map(AsRef::as_ref)
    }

    /// Commits made so far: manifests put in place or, on Kafka, transactions and sinks' commits.
    #[must_use]
    pub fn n_commits(&self) -> u64 {
        self.n_commits.load(Ordering::Relaxed)
    }

    pub(crate) fn committed(&self) {
        self.n_commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn room(&self, name: &str) -> Arc<Meter> {
        self.rooms.iter().find(|meter| meter.room == name).cloned().unwrap_or_default()
    }
}
