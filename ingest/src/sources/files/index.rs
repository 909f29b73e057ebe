//! The first pass over a file: what it is, and which accounts it holds from when to when.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use schemas::{Mark, Provider, RawRecord, Text, Time};

use super::cursor::{Accounts, Chunk, Class};
use crate::codec::{is_gzip, is_zstd};
use crate::{Item, Split, SplitOptions, ValidConfig};

/// A file has at most about twice so many chunks; a longer one gets longer chunks.
const MAX_CHUNKS: usize = 64;

/// A file's bytes as they stand on disk.
pub(super) type Bytes = Box<dyn Read + Send>;

/// Opens a part of a file.
pub(super) fn open(path: &Path, start: u64, end: Option<u64>) -> std::io::Result<Bytes> {
    let mut file = File::open(path)?;
    if start > 0 {
        file.seek(SeekFrom::Start(start))?;
    }
    Ok(match end {
        Some(end) => Box::new(file.take(end.saturating_sub(start))),
        None => Box::new(file),
    })
}

/// Whether a file is neither gzip nor zstd.
pub(super) fn is_plain(path: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut head)?;
    Ok(!is_gzip(&head) && !is_zstd(&head))
}

/// How files are read, whichever file it is.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) provider: Option<Provider>,
    pub(super) config: ValidConfig,
}

impl Reading {
    pub(super) fn options(&self, name: &str, path: &Path, ingested_at: i64, collected_at: i64) -> SplitOptions {
        SplitOptions {
            provider: self.provider,
            name: Text::from(name),
            path: path.to_string_lossy().into_owned(),
            ingested_at: Time(ingested_at),
            collected_at: Time(collected_at),
            max_record: self.config.max_record,
            max_snapshot: self.config.max_snapshot,
        }
    }
}

/// The time of a record that may move time on: it has one, and that is not ahead of the clock.
pub(super) fn counted_time(record: &RawRecord, config: &ValidConfig) -> Option<i64> {
    let latest = record.ingested_at + config.max_ahead;
    record.time.filter(|time| *time <= latest).map(|time| time.0)
}

/// What the first pass found.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) is_grants: bool,
    /// The lists and accounts of its snapshots.
    pub(super) snapshots: BTreeSet<String>,
    pub(super) min: Option<i64>,
    pub(super) highs: BTreeMap<u32, i64>,
    pub(super) chunks: Vec<Chunk>,
    /// Whether it has one value a line; `None` when that cannot be told.
    pub(super) lines: Option<bool>,
    /// The byte behind its last whole value, from where the reading began.
    pub(super) safe: u64,
}

impl Seen {
    pub(super) fn class(&self) -> Class {
        if self.is_grants { Class::Grants } else { Class::Logs }
    }

    /// Reads a part of a file to its end.
    pub(super) fn of(
        split: Split<Bytes>,
        config: &ValidConfig,
        accounts: &mut Accounts,
        names: &mut Vec<String>,
    ) -> Self {
        let mut split = split;
        let mut seen = Self::default();
        let (mut n_items, mut every, mut open) = (0, config.progress_every, Chunk::default());
        for item in split.by_ref() {
            n_items += 1;
            match item {
                Item::Log(record) => {
                    let Some(time) = counted_time(&record, config) else { continue };
                    seen.min = Some(seen.min.map_or(time, |min| min.min(time)));
                    let account = record.account_id.as_deref().unwrap_or_default();
                    let Some(place) =
                        (!account.is_empty()).then(|| accounts.place(account, names, config.max_accounts))
                    else {
                        continue;
                    };
                    let Some(place) = place else { continue };
                    open.mins.entry(place).and_modify(|min| *min = time.min(*min)).or_insert(time);
                    seen.highs.entry(place).and_modify(|max| *max = time.max(*max)).or_insert(time);
                }
                Item::Grant(grant) => {
                    seen.is_grants = true;
                    if grant.mark == Mark::Begin {
                        seen.snapshots.insert(format!("{}|{}", grant.list, grant.account_id));
                    }
                }
                Item::Rejected(_) => {}
            }
            if n_items >= every + seen.chunks.last().map_or(0, |chunk| chunk.until) {
                open.until = n_items;
                seen.chunks.push(std::mem::take(&mut open));
                if seen.chunks.len() >= 2 * MAX_CHUNKS {
                    halve(&mut seen.chunks);
                    every *= 2;
                }
            }
        }
        open.until = n_items;
        seen.chunks.push(open);
        seen.lines = split.is_lines();
        seen.safe = split.safe_at();
        seen
    }
}

/// Joins neighbours.
fn halve(chunks: &mut Vec<Chunk>) {
    let pairs = chunks.chunks(2).map(|pair| {
        let mut joined = Chunk::default();
        for chunk in pair {
            joined.until = chunk.until;
            for (place, min) in &chunk.mins {
                joined.mins.entry(*place).and_modify(|known| *known = (*min).min(*known)).or_insert(*min);
            }
        }
        joined
    });
    *chunks = pairs.collect();
}
