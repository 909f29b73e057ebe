//! The wall clock, in the one place that may ask it. Rooms know event time only.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time: the machine's, or one that a test sets.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    set: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still until it is set, for tests.
    #[must_use]
    pub fn fixed(micros: i64) -> Self {
        Self { set: Some(Arc::new(AtomicI64::new(micros))) }
    }

    /// Sets a fixed clock; does nothing to the machine's.
    pub fn set(&self, micros: i64) {
        if let Some(set) = &self.set {
            set.store(micros, Ordering::Relaxed);
        }
    }

    /// Microseconds since the epoch.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the wall clock")]
    pub fn now(&self) -> i64 {
        if let Some(set) = &self.set {
            return set.load(Ordering::Relaxed);
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}

/// Measures how long something took, for metrics and progress bars.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine's timer")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since it was started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
