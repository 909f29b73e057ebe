//! The committer: when every node has acknowledged an epoch, it puts the manifest in place.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crossbeam_channel::{Receiver, Sender};
use tokio::runtime::Handle;

use crate::manifest::Manifest;
use crate::metrics::Meters;
use crate::snapshot::{SnapshotRef, SnapshotStore};
use crate::{Fault, Progress, SinkState, failpoint};

/// A node has stored its part of an epoch.
pub(super) struct Ack {
    pub(super) epoch: u64,
    pub(super) what: What,
}

/// What a node has stored.
pub(super) enum What {
    Source { snapshot: SnapshotRef, progress: Vec<Progress>, as_of: Option<i64> },
    Room { snapshot: SnapshotRef },
    Sink { name: &'static str, state: SinkState },
}

/// Gathers acknowledgements and writes manifests, one epoch after another.
pub(super) struct Committer {
    last: Manifest,
    previous: Vec<SnapshotRef>,
    shape: String,
    snapshots: SnapshotStore,
    store: PathBuf,
    n_nodes: usize,
    tell: Vec<Sender<u64>>,
    open: BTreeMap<u64, Vec<What>>,
}

impl Committer {
    pub(super) fn new(
        last: Manifest,
        shape: String,
        snapshots: SnapshotStore,
        store: PathBuf,
        n_nodes: usize,
        tell: Vec<Sender<u64>>,
    ) -> Self {
        let last = Manifest { generation: last.generation + 1, ..last };
        Self { last, previous: Vec::new(), shape, snapshots, store, n_nodes, tell, open: BTreeMap::new() }
    }

    /// Runs until every node has gone.
    pub(super) fn run(mut self, acks: &Receiver<Ack>, handle: &Handle, meters: &Meters) -> Result<Manifest, Fault> {
        for ack in acks {
            let parts = self.open.entry(ack.epoch).or_default();
            parts.push(ack.what);
            let is_whole = parts.len() == self.n_nodes || self.is_mutated(ack.epoch);
            if is_whole && let Some(parts) = self.open.remove(&ack.epoch) {
                self.commit(ack.epoch, parts, handle)?;
                meters.committed();
            }
        }
        if self.open.is_empty() { Ok(self.last) } else { Err(Fault::Ended("the last commit".to_owned())) }
    }

    /// With the guarantee switched off, an epoch counts before the sinks have stored it.
    fn is_mutated(&self, epoch: u64) -> bool {
        let stored = |what: &&What| !matches!(what, What::Sink { .. });
        let n_stored = self.open.get(&epoch).map_or(0, |parts| parts.iter().filter(stored).count());
        failpoint::is_mutated("manifest_before_store") && n_stored + self.tell.len() == self.n_nodes
    }

    fn commit(&mut self, epoch: u64, parts: Vec<What>, handle: &Handle) -> Result<(), Fault> {
        let mut next = Manifest { epoch, shape: self.shape.clone(), snapshots: Vec::new(), ..self.last.clone() };
        for part in parts {
            match part {
                What::Source { snapshot, progress, as_of } => {
                    next.snapshots.push(snapshot);
                    next.progress = progress;
                    next.as_of = as_of.or(next.as_of);
                }
                What::Room { snapshot } => next.snapshots.push(snapshot),
                What::Sink { name, state } => {
                    next.sinks.insert(name.to_owned(), state);
                }
            }
        }
        next.snapshots.sort_by(|a, b| (&a.room, a.partition).cmp(&(&b.room, b.partition)));
        next.write(&self.store)?;
        self.previous = std::mem::replace(&mut self.last, next).snapshots;
        self.prune(handle)?;
        for sink in &self.tell {
            // A sink that has gone has said why by itself.
            let _ = sink.send(epoch);
        }
        Ok(())
    }

    /// Removes snapshots that neither this manifest nor the one before names. Those of epochs still open are newer.
    fn prune(&mut self, handle: &Handle) -> Result<(), Fault> {
        let open = self.open.values().flatten().filter_map(|what| match what {
            What::Source { snapshot, .. } | What::Room { snapshot } => Some(snapshot.clone()),
            What::Sink { .. } => None,
        });
        let named: Vec<_> =
            open.chain(self.last.snapshots.iter().cloned()).chain(self.previous.iter().cloned()).collect();
        handle.block_on(self.snapshots.keep_only_until(&named, self.last.epoch))
    }
}
