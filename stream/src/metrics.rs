//! Counters of the belt, one set a room: cheap to add to, read by progress bars and exporters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one room over all its partitions.
#[derive(Debug, Default)]
pub struct Meter {
    /// The room.
    pub room: String,
    n_read: AtomicU64,
    n_emitted: AtomicU64,
    n_rejected: AtomicU64,
    busy_us: AtomicU64,
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

    pub(crate) fn busy(&self, span: std::time::Duration) {
        self.busy_us.fetch_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// The counters of a pipeline, in the order of its rooms, and how many commits it made.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    rooms: Arc<Vec<Arc<Meter>>>,
    n_commits: Arc<AtomicU64>,
}

impl Meters {
    /// One set of counters for each name.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let meter = |name: &str| Arc::new(Meter { room: name.to_owned(), ..Meter::default() });
        Self { rooms: Arc::new(names.into_iter().map(meter).collect()), n_commits: Arc::default() }
    }

    /// Every room's counters.
    pub fn rooms(&self) -> impl Iterator<Item = &Meter> {
        self.rooms.iter().map(AsRef::as_ref)
    }

    /// Manifests put in place so far.
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
