//! Alerts as lines of JSON in one growing file, for `tail -f` and for whatever ships log files.
//!
//! Every change of an alert is a line of its own with the whole alert; the highest `revision` of an `alert_id` counts.
//! Lines are appended at a commit, just before the manifest takes note of the file's length. After a crash the file is
//! cut back to that length, and the same lines come again: a reader that follows the file may see them twice, never not.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use futures::future::BoxFuture;
use schemas::Message;
use serde::{Deserialize, Serialize};
use stream::metrics::Probe;
use stream::{Batch, Fault, Sink, SinkState};

use crate::lake::disk;
use crate::metrics::{self, Shown};
use crate::{LakeError, Metrics};

/// The name under which a manifest should keep the alert file's state.
pub const ALERTS: &str = "alerts";
/// The file's name in a store.
const FILE: &str = "alerts.ndjson";
/// Lines past this size are appended before the commit, so that they do not pile up in memory.
const MAX_PENDING_BYTES: usize = 4 << 20;
/// The format of the state.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct State {
    format: u32,
    n_bytes: u64,
}

/// The sink that appends alerts to `alerts.ndjson`. It ignores all other nouns.
#[derive(Debug)]
pub struct AlertFile {
    path: PathBuf,
    pending: Vec<u8>,
    n_bytes: u64,
    metrics: Shown,
}

impl AlertFile {
    /// The alert file of a store.
    #[must_use]
    pub fn new(store: impl AsRef<Path>) -> Self {
        Self { path: store.as_ref().join(FILE), pending: Vec::new(), n_bytes: 0, metrics: Shown::default() }
    }

    /// Where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it has counted.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        *self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts the file back to what the manifest knows. A shorter file was rotated away by somebody: it goes on from
    /// where it is.
    fn cut(&mut self, state: SinkState) -> Result<(), LakeError> {
        let known = if state.is_null() { 0 } else { parse(state)?.n_bytes };
        let length = match std::fs::metadata(&self.path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(LakeError::file("read", &self.path)(error)),
        };
        if length > known {
            let cut = OpenOptions::new().write(true).open(&self.path).and_then(|file| {
                file.set_len(known)?;
                file.sync_all()
            });
            cut.map_err(LakeError::file("write", &self.path))?;
        } else if length < known {
            tracing::warn!(known, length, "the alert file is shorter than it was; going on from its end");
        }
        self.n_bytes = known.min(length);
        self.pending.clear();
        Ok(())
    }

    fn append(&mut self) -> Result<(), LakeError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let failed = || LakeError::file("write", self.path.clone());
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(failed())?;
        }
        let mut file: File = OpenOptions::new().append(true).create(true).open(&self.path).map_err(failed())?;
        file.write_all(&self.pending).and_then(|()| file.sync_all()).map_err(failed())?;
        self.n_bytes += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    fn take(&mut self, batch: Batch<Message>) -> Result<(), LakeError> {
        for message in batch.into_payloads() {
            let Message::Alert(alert) = message else { continue };
            self.pending.extend_from_slice(schemas::json::to_line(alert.as_ref()).as_bytes());
            self.pending.push(b'\n');
            self.metrics.lock().unwrap_or_else(PoisonError::into_inner).sinks_alerts_total += 1;
            if self.pending.len() >= MAX_PENDING_BYTES {
                self.append()?;
            }
        }
        Ok(())
    }

    fn close_epoch(&mut self) -> Result<SinkState, LakeError> {
        self.append()?;
        if let Some(folder) = self.path.parent().filter(|folder| folder.exists()) {
            disk::sync_folder(folder)?;
        }
        let state = State { format: FORMAT, n_bytes: self.n_bytes };
        serde_json::to_value(state).map_err(|error| LakeError::State(error.to_string()))
    }
}

fn parse(state: SinkState) -> Result<State, LakeError> {
    let found = state.get("format").and_then(serde_json::Value::as_u64).unwrap_or_default();
    if found > u64::from(FORMAT) {
        return Err(LakeError::Newer { found, known: FORMAT });
    }
    serde_json::from_value(state).map_err(|error| LakeError::State(error.to_string()))
}

/// Alerts are few by their budget, so their short writes are done where they are asked for.
impl Sink<Message> for AlertFile {
    fn restore(&mut self, state: SinkState) -> BoxFuture<'_, Result<(), Fault>> {
        let done = self.cut(state).map_err(|error| error.into_fault(ALERTS));
        Box::pin(std::future::ready(done))
    }

    fn write(&mut self, batch: Batch<Message>) -> BoxFuture<'_, Result<(), Fault>> {
        let done = self.take(batch).map_err(|error| error.into_fault(ALERTS));
        Box::pin(std::future::ready(done))
    }

    fn commit(&mut self, _epoch: u64) -> BoxFuture<'_, Result<SinkState, Fault>> {
        let done = self.close_epoch().map_err(|error| error.into_fault(ALERTS));
        Box::pin(std::future::ready(done))
    }

    fn probe(&self) -> Option<Probe> {
        Some(metrics::probe(&self.metrics))
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Alert, Noun, example};

    use super::*;

    fn alert(revision: i64) -> Message {
        Alert { revision, ..example::alert() }.into_message()
    }

    async fn write(file: &mut AlertFile, revision: i64) {
        let batch = Batch::of(0, 0, [alert(revision), example::finding().into_message()]);
        file.write(batch).await.unwrap();
    }

    fn revisions(file: &AlertFile) -> Vec<i64> {
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.map(|alert| alert["revision"].as_i64().unwrap()).collect()
    }

    #[tokio::test]
    async fn every_revision_is_a_whole_line_and_a_crash_leaves_none_twice() {
        let store = tempfile::tempdir().unwrap();
        let mut file = AlertFile::new(store.path());
        file.restore(SinkState::Null).await.unwrap();
        write(&mut file, 1).await;
        let state = file.commit(1).await.unwrap();
        write(&mut file, 2).await;
        file.commit(2).await.unwrap();
        assert_eq!(revisions(&file), [1, 2]);

        let mut file = AlertFile::new(store.path());
        file.restore(state).await.unwrap();
        assert_eq!(revisions(&file), [1]);
        write(&mut file, 2).await;
        file.commit(2).await.unwrap();
        assert_eq!(revisions(&file), [1, 2]);
    }

    #[tokio::test]
    async fn without_alerts_there_is_no_file_and_a_rotated_one_goes_on() {
        let store = tempfile::tempdir().unwrap();
        let mut file = AlertFile::new(store.path());
        file.restore(SinkState::Null).await.unwrap();
        file.commit(1).await.unwrap();
        assert!(!file.path().exists());
        write(&mut file, 1).await;
        let state = file.commit(2).await.unwrap();
        std::fs::remove_file(file.path()).unwrap();
        file.restore(state).await.unwrap();
        write(&mut file, 2).await;
        assert_eq!(file.commit(3).await.unwrap()["n_bytes"], std::fs::metadata(file.path()).unwrap().len());
        assert_eq!(revisions(&file), [2]);
    }

    #[tokio::test]
    async fn a_newer_state_is_a_fault() {
        let mut file = AlertFile::new("unused");
        let fault = file.restore(serde_json::json!({"format": 7, "n_bytes": 0})).await.unwrap_err();
        assert!(matches!(fault, Fault::Edge { room: ALERTS, .. }));
    }
}
