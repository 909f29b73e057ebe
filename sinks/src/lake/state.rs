//! What the manifest remembers of the lake: its files.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The format of the state; a newer one is a fault, never a silent fresh start.
pub(crate) const FORMAT: u32 = 1;

/// One Parquet file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its path below the lake's folder: `access_event/day=2026-10-31/12-3.parquet`.
    pub path: String,
    /// Its folder's day: a date, `mixed` for rows of many thinly filled days, `all` for tables that are not cut by day.
    pub day: String,
    /// How many rows it has.
    pub n_rows: u64,
    /// Its size on disk.
    pub n_bytes: u64,
    /// Its size as Arrow columns, by which compaction keeps its bound.
    pub n_memory_bytes: u64,
    /// The lowest revision in it.
    pub min_revision: i64,
    /// The highest revision in it.
    pub max_revision: i64,
    /// The earliest row's time in microseconds since the epoch.
    pub min_time: i64,
    /// The latest row's time.
    pub max_time: i64,
}

/// A file that a later one stands for, kept until no reader can still be on a manifest that names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Its path below the lake's folder.
    pub path: String,
    /// The first epoch whose manifest no longer names it.
    pub epoch: u64,
}

/// The whole lake as of one manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LakeState {
    /// The format of this value.
    pub format: u32,
    /// The commit that wrote it.
    pub epoch: u64,
    /// The number that the next file's name gets; a name is never used twice.
    pub next_seq: u64,
    /// The files of each table that has any.
    pub tables: BTreeMap<String, Vec<StoredFile>>,
    /// Files that are no longer named but not yet removed.
    pub replaced: Vec<Replaced>,
}

impl Default for LakeState {
    fn default() -> Self {
        Self { format: FORMAT, epoch: 0, next_seq: 0, tables: BTreeMap::new(), replaced: Vec::new() }
    }
}

impl LakeState {
    /// The files of a table.
    #[must_use]
    pub fn files(&self, table: &str) -> &[StoredFile] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    /// Every path that must stay on disk.
    pub(crate) fn kept_paths(&self) -> BTreeSet<&str> {
        let named = self.tables.values().flatten().map(|file| file.path.as_str());
        named.chain(self.replaced.iter().map(|file| file.path.as_str())).collect()
    }
}
