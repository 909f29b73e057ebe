//! The Parquet lake: one table per noun, one folder per day, whole rows by revision.
//!
//! `write` keeps rows in memory up to a bound, and past it writes files that nobody names yet. `commit` writes the
//! rest, merges small files, and returns the list of files: the only way into the lake is the manifest that holds it.
//! A file is never changed; a merge writes a new one, and the old ones stay for `keep_epochs` more commits.

mod compact;
mod copies;
mod core;
pub(crate) mod disk;
pub(crate) mod encode;
mod file;
pub mod state;
pub(crate) mod table;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use schemas::Message;
use stream::metrics::Probe;
use stream::{Batch, Fault, Sink, SinkState};

use self::core::Core;
pub(crate) use self::core::parse as parse_state;
use crate::metrics::{self, Shown};
use crate::{LakeError, Metrics, ValidConfig};

/// The name under which a manifest should keep the lake's state: [`crate::Store`] looks for it there.
pub const LAKE: &str = "lake";

/// The folder of the lake in a store.
#[must_use]
pub fn folder(store: &Path) -> PathBuf {
    store.join(LAKE)
}

/// The sink that stores every noun that has a table.
#[derive(Clone, Debug)]
pub struct Lake {
    core: Arc<Mutex<Core>>,
    shown: Shown,
}

impl Lake {
    /// A lake in a store's folder, which is made when something is written.
    #[must_use]
    pub fn new(store: impl AsRef<Path>, config: ValidConfig) -> Self {
        let core = Core::new(folder(store.as_ref()), config);
        Self { core: Arc::new(Mutex::new(core)), shown: Shown::default() }
    }

    /// What it has counted; a clone of the lake counts into the same numbers.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        lock(&self.core).metrics
    }

    /// Does blocking work on a thread that may block.
    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Core) -> Result<T, LakeError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Fault>> {
        let (core, shown) = (Arc::clone(&self.core), Arc::clone(&self.shown));
        let work = move || {
            let mut core = lock(&core);
            let done = work(&mut core);
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = core.metrics;
            done
        };
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(work).await;
            done.unwrap_or(Err(LakeError::Panicked)).map_err(|error| error.into_fault(LAKE))
        })
    }
}

/// A panic while the lock was held has stopped the pipeline already; the numbers are still good to read.
fn lock(core: &Mutex<Core>) -> MutexGuard<'_, Core> {
    core.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sink<Message> for Lake {
    fn restore(&mut self, state: SinkState) -> BoxFuture<'_, Result<(), Fault>> {
        self.blocking(move |core| core.restore(state))
    }

    fn write(&mut self, batch: Batch<Message>) -> BoxFuture<'_, Result<(), Fault>> {
        self.blocking(move |core| core.write(batch.into_payloads()))
    }

    fn commit(&mut self, epoch: u64) -> BoxFuture<'_, Result<SinkState, Fault>> {
        self.blocking(move |core| core.commit(epoch))
    }

    fn committed(&mut self, epoch: u64) -> BoxFuture<'_, Result<(), Fault>> {
        self.blocking(move |core| core.committed(epoch))
    }

    fn probe(&self) -> Option<Probe> {
        Some(metrics::probe(&self.shown))
    }
}

#[cfg(test)]
mod tests;
