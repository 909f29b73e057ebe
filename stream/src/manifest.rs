//! The one commit point of a store: a small file, replaced by rename, that names everything else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::snapshot::SnapshotRef;
use crate::{Fault, Progress, SinkState, failpoint};

const FILE: &str = "manifest.json";
const FORMAT: u32 = 1;

/// What a store consists of after one commit. What no manifest names is garbage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format of this file.
    pub format: u32,
    /// Counts commits from 1.
    pub epoch: u64,
    /// Counts starts of the process.
    pub generation: u64,
    /// The rooms and their numbers of partitions; state is not read into another shape.
    pub shape: String,
    /// The source's cursors and each room's state.
    pub snapshots: Vec<SnapshotRef>,
    /// What each sink wants remembered, such as its files.
    pub sinks: BTreeMap<String, SinkState>,
    /// How far each feed had read each account.
    pub progress: Vec<Progress>,
    /// The event time, in microseconds, as of which the last run that came to its inputs' end answered.
    pub as_of: Option<i64>,
}

impl Manifest {
    /// Reads the manifest of a store; `None` for a store that has none yet.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or is of a newer format.
    pub fn read(store: &Path) -> Result<Option<Self>, Fault> {
        let path = store.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Fault::File { verb: "read", path, source }),
        };
        let says = |what: String| Fault::Manifest { path: path.clone(), what };
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(&bytes).map_err(|error| says(format!("is damaged: {error}")))?;
        if format > FORMAT {
            return Err(says(format!("has format {format}, and this release reads up to {FORMAT}")));
        }
        serde_json::from_slice(&bytes).map(Some).map_err(|error| says(format!("is damaged: {error}")))
    }

    /// Puts the manifest in place, whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, store: &Path) -> Result<(), Fault> {
        let path = store.join(FILE);
        let new = store.join("manifest.json.new");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Fault::File { verb: "write", path, source }
        };
        let bytes = serde_json::to_vec_pretty(&Self { format: FORMAT, ..self.clone() })
            .map_err(|error| Fault::Manifest { path: path.clone(), what: format!("cannot be written: {error}") })?;
        write_durably(&new, &bytes).map_err(failed(&new))?;
        failpoint::pass("mid_manifest");
        std::fs::rename(&new, &path).map_err(failed(&path))?;
        File::open(store).and_then(|folder| folder.sync_all()).map_err(failed(store))?;
        failpoint::pass("after_manifest");
        Ok(())
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Holds a store for one writing process.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Takes the store, which is made if need be. The lock goes with the process, however it ends.
    ///
    /// # Errors
    /// When another process holds it, or the folder cannot be written.
    pub fn take(store: &Path) -> Result<Self, Fault> {
        let failed = |verb, path: PathBuf| move |source| Fault::File { verb, path, source };
        std::fs::create_dir_all(store).map_err(failed("make", store.to_owned()))?;
        let path = store.join("lock");
        let file = File::create(&path).map_err(failed("write", path.clone()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(Fault::Locked(store.to_owned())),
            Err(std::fs::TryLockError::Error(source)) => Err(failed("lock", path)(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_back_and_replaces_the_one_before() {
        let store = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(store.path()).unwrap(), None);
        for epoch in 1..=2 {
            let manifest = Manifest { format: 1, epoch, ..Manifest::default() };
            manifest.write(store.path()).unwrap();
            assert_eq!(Manifest::read(store.path()).unwrap(), Some(manifest));
        }
    }

    #[test]
    fn a_newer_or_damaged_manifest_is_a_fault() {
        let store = tempfile::tempdir().unwrap();
        std::fs::write(store.path().join(FILE), r#"{"format": 9, "new_field": 1}"#).unwrap();
        let text = Manifest::read(store.path()).unwrap_err().to_string();
        assert!(text.contains("has format 9, and this release reads up to 1"), "{text}");
        std::fs::write(store.path().join(FILE), r#"{"format": 1, "#).unwrap();
        assert!(Manifest::read(store.path()).unwrap_err().to_string().contains("is damaged"));
    }

    #[test]
    fn a_store_has_one_writer() {
        let store = tempfile::tempdir().unwrap();
        let held = StoreLock::take(store.path()).unwrap();
        assert!(matches!(StoreLock::take(store.path()), Err(Fault::Locked(_))));
        drop(held);
        StoreLock::take(store.path()).unwrap();
    }
}
