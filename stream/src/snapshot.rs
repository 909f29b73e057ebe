//! Room state in an object store: a folder now, a bucket later.
//!
//! An object's name holds room, partition, epoch and generation (one more with each start of the process), and it is
//! written only if absent, so that a process that should be dead cannot overwrite the state of its successor. Its
//! bytes are a header with a checksum and then the state.

use std::path::PathBuf;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};

use crate::{Fault, StateError, failpoint};

const MAGIC: &[u8; 8] = b"OVGSNAP1";
/// The object that says that the number of partitions is being changed.
const MARK: &str = "repartition-from";
const HEADER_BYTES: usize = MAGIC.len() + blake3::OUT_LEN;

/// Names one stored snapshot; what a manifest remembers of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRef {
    /// The room, or the source.
    pub room: String,
    /// Its partition.
    pub partition: u32,
    /// The object's name.
    pub object: String,
}

/// A snapshot that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which one.
    pub snapshot: SnapshotRef,
    /// The state.
    pub bytes: Vec<u8>,
    /// The highest generation among the newest ones, damaged ones included.
    pub generation: u64,
}

/// Stores and loads snapshots.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    objects: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
}

impl SnapshotStore {
    /// Keeps snapshots in a folder, which is made if need be.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn in_folder(folder: PathBuf) -> Result<Self, Fault> {
        std::fs::create_dir_all(&folder).map_err(|source| Fault::File {
            verb: "make",
            path: folder.clone(),
            source,
        })?;
        let objects = LocalFileSystem::new_with_prefix(&folder).map_err(|source| Fault::Object {
            verb: "open",
            name: folder.display().to_string(),
            source,
        })?;
        Ok(Self { objects: Arc::new(objects), folder: Some(folder) })
    }

    /// Keeps snapshots in any object store.
    #[must_use]
    pub fn in_store(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, folder: None }
    }

    /// Writes a state, once: a second write of the same name fails.
    ///
    /// # Errors
    /// When the store refuses, is full, or has an object of that name.
    pub async fn put(
        &self,
        room: &str,
        partition: u32,
        epoch: u64,
        generation: u64,
        state: &[u8],
    ) -> Result<SnapshotRef, Fault> {
        let name = format!("{room}/{partition}/{epoch:012}-{generation:06}.snapshot");
        let mut bytes = Vec::with_capacity(HEADER_BYTES + state.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(blake3::hash(state).as_bytes());
        bytes.extend_from_slice(state);
        failpoint::pass("mid_snapshot");
        let path = Path::from(name.as_str());
        let options = PutOptions::from(PutMode::Create);
        let put = self.objects.put_opts(&path, PutPayload::from(bytes), options).await;
        put.map_err(|source| Fault::Object { verb: "write", name: name.clone(), source })?;
        self.make_durable(&name)?;
        Ok(SnapshotRef { room: room.to_owned(), partition, object: name })
    }

    /// Reads a state and checks it.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub async fn get(&self, snapshot: &SnapshotRef) -> Result<Vec<u8>, Fault> {
        let failed = |source| Fault::Object { verb: "read", name: snapshot.object.clone(), source };
        let result = self.objects.get(&Path::from(snapshot.object.as_str())).await.map_err(failed)?;
        let bytes = result.bytes().await.map_err(failed)?;
        open(&bytes).map(<[u8]>::to_vec).map_err(|source| Fault::State {
            room: snapshot.room.clone(),
            partition: snapshot.partition,
            source,
        })
    }

    /// When a snapshot was written, in microseconds since the epoch; `None` when the store does not say.
    pub async fn stored_at(&self, snapshot: &SnapshotRef) -> Option<i64> {
        let found = self.objects.head(&Path::from(snapshot.object.as_str())).await.ok()?;
        Some(found.last_modified.timestamp_micros())
    }

    /// The newest whole snapshot of a room's partition. A damaged one is passed over for the one before it.
    ///
    /// # Errors
    /// When the store cannot be listed or read.
    pub async fn newest(&self, room: &str, partition: u32) -> Result<Option<Found>, Fault> {
        let mut generation = 0;
        for object in self.of(room, partition).await? {
            generation = generation.max(generation_of(&object));
            let snapshot = SnapshotRef { room: room.to_owned(), partition, object };
            match self.get(&snapshot).await {
                Ok(bytes) => return Ok(Some(Found { snapshot, bytes, generation })),
                Err(Fault::State { source: StateError::Damaged(what), .. }) => {
                    tracing::error!(object = snapshot.object, what, "the snapshot is damaged; the one before is used");
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(None)
    }

    /// The highest generation of a room's partition; 0 when nothing was ever stored.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn generation(&self, room: &str, partition: u32) -> Result<u64, Fault> {
        Ok(self.of(room, partition).await?.iter().map(|object| generation_of(object)).max().unwrap_or(0))
    }

    /// From which number of partitions somebody has begun to make another; `None` when nobody has.
    ///
    /// # Errors
    /// When the store cannot be read, or the mark is none of ours.
    pub async fn mark(&self) -> Result<Option<u32>, Fault> {
        let failed = |source| Fault::Object { verb: "read", name: MARK.to_owned(), source };
        let bytes = match self.objects.get(&Path::from(MARK)).await {
            Ok(found) => found.bytes().await.map_err(failed)?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
        let damaged = || StateError::Damaged(format!("`{MARK}` holds no number"));
        let bad = || Fault::State { room: MARK.to_owned(), partition: 0, source: damaged() };
        number.ok_or_else(bad).map(Some)
    }

    /// Notes from which number of partitions another is made.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn set_mark(&self, from: u32) -> Result<(), Fault> {
        let put = self.objects.put(&Path::from(MARK), PutPayload::from(from.to_string())).await;
        put.map(drop).map_err(|source| Fault::Object { verb: "write", name: MARK.to_owned(), source })
    }

    /// The other number is made.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn remove_mark(&self) -> Result<(), Fault> {
        let removed = self.objects.delete(&Path::from(MARK)).await;
        removed.map_err(|source| Fault::Object { verb: "remove", name: MARK.to_owned(), source })
    }

    /// Removes what is older than a snapshot and the two before it.
    ///
    /// # Errors
    /// When the store cannot be listed; an object that cannot be removed is left for the next time.
    pub async fn keep_newest(&self, snapshot: &SnapshotRef) -> Result<(), Fault> {
        for object in self.of(&snapshot.room, snapshot.partition).await?.iter().skip(3) {
            let _ = self.objects.delete(&Path::from(object.as_str())).await;
        }
        Ok(())
    }

    /// The snapshots of a room's partition, the newest first.
    async fn of(&self, room: &str, partition: u32) -> Result<Vec<String>, Fault> {
        let prefix = format!("{room}/{partition}");
        let failed = |source| Fault::Object { verb: "list", name: prefix.clone(), source };
        let folder = Path::from(prefix.as_str());
        let found: Vec<_> = self.objects.list(Some(&folder)).try_collect().await.map_err(failed)?;
        let mut names: Vec<String> = found.into_iter().map(|object| object.location.to_string()).collect();
        names.sort_unstable_by_key(|name| std::cmp::Reverse((epoch_of(name), generation_of(name))));
        Ok(names)
    }

    /// Removes every snapshot that is not named here.
    ///
    /// # Errors
    /// When the store cannot be listed; an object that cannot be removed is left for the next time.
    pub async fn keep_only(&self, named: &[SnapshotRef]) -> Result<(), Fault> {
        self.keep_only_until(named, u64::MAX).await
    }

    /// Removes every snapshot up to an epoch that is not named here; later ones may be about to be named.
    ///
    /// # Errors
    /// When the store cannot be listed; an object that cannot be removed is left for the next time.
    pub async fn keep_only_until(&self, named: &[SnapshotRef], epoch: u64) -> Result<(), Fault> {
        let failed = |source| Fault::Object { verb: "list", name: "snapshots".to_owned(), source };
        let found: Vec<_> = self.objects.list(None).try_collect().await.map_err(failed)?;
        for object in found {
            let is_named = named.iter().any(|snapshot| snapshot.object == object.location.as_ref());
            if !is_named && epoch_of(object.location.as_ref()) <= epoch {
                let _ = self.objects.delete(&object.location).await;
            }
        }
        Ok(())
    }

    /// `object_store` does not sync files of a folder; a power cut after the manifest must find them whole.
    fn make_durable(&self, name: &str) -> Result<(), Fault> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(name);
        let sync = |path: &std::path::Path| std::fs::File::open(path).and_then(|file| file.sync_all());
        sync(&path).and_then(|()| path.parent().map_or(Ok(()), sync)).map_err(|source| Fault::File {
            verb: "sync",
            path,
            source,
        })
    }
}

/// The epoch in an object's name; 0, so that it goes, for what is no name of ours.
fn epoch_of(name: &str) -> u64 {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.split('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The generation in an object's name; 0 for what is no name of ours.
fn generation_of(name: &str) -> u64 {
    let file = name.rsplit('/').next().unwrap_or(name);
    let digits = file.split(['-', '.']).nth(1);
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn open(bytes: &[u8]) -> Result<&[u8], StateError> {
    let damaged = |what: &str| StateError::Damaged(what.to_owned());
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin as a snapshot does"))?;
    let (sum, state) = rest.split_at_checked(blake3::OUT_LEN).ok_or_else(|| damaged("it ends early"))?;
    if blake3::hash(state).as_bytes() != sum {
        return Err(damaged("its checksum differs"));
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_snapshot_reads_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let store = SnapshotStore::in_folder(folder.path().join("snapshots")).unwrap();
        let first = store.put("score", 3, 7, 1, b"state").await.unwrap();
        assert_eq!(store.get(&first).await.unwrap(), b"state");
        assert!(store.put("score", 3, 7, 1, b"zombie").await.is_err());
        assert_eq!(store.get(&first).await.unwrap(), b"state");
        let second = store.put("score", 3, 8, 1, b"later").await.unwrap();
        store.keep_only(std::slice::from_ref(&second)).await.unwrap();
        assert!(store.get(&first).await.is_err());
        assert_eq!(store.get(&second).await.unwrap(), b"later");
    }

    #[tokio::test]
    async fn damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let store = SnapshotStore::in_folder(folder.path().to_owned()).unwrap();
        let snapshot = store.put("detect", 0, 1, 1, b"state").await.unwrap();
        let path = folder.path().join(&snapshot.object);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let fault = store.get(&snapshot).await.unwrap_err();
        assert!(matches!(fault, Fault::State { source: StateError::Damaged(_), .. }), "{fault:?}");
    }
}
