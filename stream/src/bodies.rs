//! Bodies too large for a topic, in an object store: a folder now, a bucket later.
//!
//! An object is named by the topic whose record points to it and by the hash of its bytes, so that a second writer writes the
//! same and a reader sees damage. It is whole and durable before anybody points to it. Objects go when their topic has
//! forgotten the records that point to them: who writes one again renews it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::Fault;
use crate::clock::Clock;

/// The largest body that is read back: what stands in a record may be anybody's claim.
const MAX_BODY_BYTES: u64 = 64 << 20;

/// Points to a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyRef {
    /// The object's name: a topic and a hash.
    pub object: String,
    /// How many bytes it has.
    pub n_bytes: u64,
}

/// Why a pointer leads to no body: bad data, unlike a store that cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The name is not of the form that we write.
    #[error("`{0}` is no name of a body's object")]
    Name(String),
    /// Nothing is there.
    #[error("the object `{0}` is not in the folder of bodies, or no longer")]
    Missing(String),
    /// It has more bytes than we read back.
    #[error("the object `{0}` has more than {MAX_BODY_BYTES} bytes")]
    TooLarge(String),
    /// Its bytes are not those that were written.
    #[error("the object `{0}` does not have the bytes that its name says")]
    Damaged(String),
}

/// Stores and loads bodies. Blocks, so it is for threads of their own.
#[derive(Clone)]
pub struct BodyStore {
    objects: Arc<dyn ObjectStore>,
    folder: PathBuf,
    handle: Handle,
}

impl fmt::Debug for BodyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl BodyStore {
    /// Keeps bodies in a folder, which is made if need be.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn in_folder(folder: PathBuf, handle: Handle) -> Result<Self, Fault> {
        let made = std::fs::create_dir_all(&folder);
        made.map_err(|source| Fault::File { verb: "make", path: folder.clone(), source })?;
        let objects = LocalFileSystem::new_with_prefix(&folder).map_err(|source| Fault::Object {
            verb: "open",
            name: folder.display().to_string(),
            source,
        })?;
        Ok(Self { objects: Arc::new(objects), folder, handle })
    }

    /// Writes a body; what it returns may be pointed to.
    ///
    /// # Errors
    /// When the store refuses or is full.
    pub fn put(&self, topic: &str, body: &[u8]) -> Result<BodyRef, Fault> {
        let name = format!("{topic}/{}", blake3::hash(body).to_hex());
        let payload = PutPayload::from(body.to_vec());
        let put = self.handle.block_on(self.objects.put(&Path::from(name.as_str()), payload));
        put.map_err(|source| Fault::Object { verb: "write", name: name.clone(), source })?;
        let path = self.folder.join(&name);
        let sync = |path: &std::path::Path| std::fs::File::open(path).and_then(|file| file.sync_all());
        let synced = sync(&path).and_then(|()| path.parent().map_or(Ok(()), sync));
        synced.map_err(|source| Fault::File { verb: "sync", path, source })?;
        Ok(BodyRef { object: name, n_bytes: body.len() as u64 })
    }

    /// Reads a body and checks it.
    ///
    /// # Errors
    /// The outer fault when the store cannot be read; the inner error when the pointer leads nowhere.
    pub fn get(&self, object: &str) -> Result<Result<Vec<u8>, BodyError>, Fault> {
        let Some(hash) = hash_of(object) else { return Ok(Err(BodyError::Name(object.to_owned()))) };
        let failed = |source| Fault::Object { verb: "read", name: object.to_owned(), source };
        let got = match self.handle.block_on(self.objects.get(&Path::from(object))) {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => return Ok(Err(BodyError::Missing(object.to_owned()))),
            Err(source) => return Err(failed(source)),
        };
        if got.meta.size > MAX_BODY_BYTES {
            return Ok(Err(BodyError::TooLarge(object.to_owned())));
        }
        let bytes = self.handle.block_on(got.bytes()).map_err(failed)?;
        if blake3::hash(&bytes).to_hex().as_str() != hash {
            return Ok(Err(BodyError::Damaged(object.to_owned())));
        }
        Ok(Ok(bytes.to_vec()))
    }

    /// Removes a topic's bodies that were last written longer ago than this; says how many.
    ///
    /// # Errors
    /// When the store cannot be listed; an object that cannot be removed is left for the next time.
    pub async fn remove_older(&self, topic: &str, age: Duration, clock: &Clock) -> Result<usize, Fault> {
        let oldest = clock.now().saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
        let failed = |source| Fault::Object { verb: "list", name: topic.to_owned(), source };
        let found: Vec<_> = self.objects.list(Some(&Path::from(topic))).try_collect().await.map_err(failed)?;
        let mut n = 0;
        for object in found.into_iter().filter(|object| object.last_modified.timestamp_micros() < oldest) {
            n += usize::from(self.objects.delete(&object.location).await.is_ok());
        }
        Ok(n)
    }
}

/// The hash in an object's name, when it is a name that [`BodyStore::put`] gives: anything else could lead out of the folder.
fn hash_of(object: &str) -> Option<&str> {
    let (topic, hash) = object.split_once('/')?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_topic = !topic.is_empty() && !topic.starts_with('.') && topic.chars().all(is_plain);
    let is_hash = hash.len() == 64 && hash.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    (is_topic && is_hash).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, tokio::runtime::Runtime, BodyStore) {
        let (folder, runtime) = (tempfile::tempdir().unwrap(), tokio::runtime::Runtime::new().unwrap());
        let store = BodyStore::in_folder(folder.path().join("bodies"), runtime.handle().clone()).unwrap();
        (folder, runtime, store)
    }

    #[test]
    fn a_body_reads_back_by_its_name_alone() {
        let (_folder, _runtime, store) = store();
        let first = store.put("raw.aws.cloudtrail", b"body").unwrap();
        assert_eq!(store.put("raw.aws.cloudtrail", b"body").unwrap(), first);
        assert_eq!(store.get(&first.object).unwrap(), Ok(b"body".to_vec()));
        assert_eq!(first.n_bytes, 4);
    }

    #[test]
    fn what_leads_nowhere_is_said_and_never_followed() {
        let (folder, _runtime, store) = store();
        let body = store.put("t", b"body").unwrap();
        std::fs::write(folder.path().join("bodies").join(&body.object), b"another").unwrap();
        assert_eq!(store.get(&body.object).unwrap(), Err(BodyError::Damaged(body.object.clone())));
        let hash = "0".repeat(64);
        assert!(matches!(store.get(&format!("t/{hash}")).unwrap(), Err(BodyError::Missing(_))));
        for name in ["", "t", "../secret", &format!("../{hash}"), &format!("t/../{hash}"), &format!("/etc/{hash}")] {
            assert!(matches!(store.get(name).unwrap(), Err(BodyError::Name(_))), "{name}");
        }
    }

    #[test]
    fn a_topics_old_bodies_go_and_others_stay() {
        let (_folder, runtime, store) = store();
        let (old, other) = (store.put("t", b"old").unwrap(), store.put("u", b"other").unwrap());
        let remove = |clock: &Clock| runtime.block_on(store.remove_older("t", Duration::from_secs(60), clock)).unwrap();
        assert_eq!(remove(&Clock::system()), 0);
        let later = Clock::fixed(Clock::system().now() + 120_000_000);
        assert_eq!(remove(&later), 1);
        assert!(store.get(&old.object).unwrap().is_err());
        assert!(store.get(&other.object).unwrap().is_ok());
    }
}
