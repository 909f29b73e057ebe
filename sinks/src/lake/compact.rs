//! Merges small files, so that a folder has few however often it is committed to.
//!
//! Files of a folder fall into tiers by size, each four times the one before. When a tier has `max_files` of them they
//! become one file, which lies in a higher tier; so a row is rewritten about as often as there are tiers, not as often
//! as there are commits. One commit merges at most `compact` bytes; what is left waits for the next.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::state::{LakeState, Replaced, StoredFile};
use super::table::{self, Table};
use super::{encode, file};
use crate::{LakeError, ValidConfig};

/// Files below this size in memory count as equally small: most of such a file is its footer.
const SMALLEST_TIER_BYTES: u64 = 256 << 10;

/// A merge that was done.
#[derive(Debug)]
pub(crate) struct Merge {
    /// How many files it replaced.
    pub(crate) n_files: usize,
    /// The file that stands for them.
    pub(crate) into: StoredFile,
}

/// Merges what is worth it, within the bound, and changes the state to name the new files.
pub(crate) fn run(root: &Path, config: &ValidConfig, state: &mut LakeState) -> Result<Vec<Merge>, LakeError> {
    let mut left = config.compact_bytes;
    let mut merges = Vec::new();
    for (table, paths) in plan(config, state) {
        let files: Vec<StoredFile> =
            state.files(table.name).iter().filter(|file| paths.contains(&file.path)).cloned().collect();
        let cost: u64 = files.iter().map(|file| file.n_memory_bytes).sum();
        if cost > left {
            continue;
        }
        left -= cost;
        let seq = state.next_seq;
        state.next_seq += 1;
        let into = merge(root, table, (state.epoch, seq), &files.iter().collect::<Vec<_>>())?;
        let named = state.tables.entry(table.name.to_owned()).or_default();
        named.retain(|file| !paths.contains(&file.path));
        named.push(into.clone());
        state.replaced.extend(paths.into_iter().map(|path| Replaced { path, epoch: state.epoch }));
        merges.push(Merge { n_files: files.len(), into });
    }
    Ok(merges)
}

/// The merges worth doing, those of the most files first, each as the paths of its files.
fn plan(config: &ValidConfig, state: &LakeState) -> Vec<(&'static Table, BTreeSet<String>)> {
    let mut plans = Vec::new();
    for (name, files) in &state.tables {
        let Some(table) = table::find(name) else { continue };
        let mut tiers: BTreeMap<(&str, u32), Vec<&StoredFile>> = BTreeMap::new();
        for file in files.iter().filter(|file| file.n_memory_bytes < config.compact_bytes / 2) {
            tiers.entry((&file.day, tier(file))).or_default().push(file);
        }
        for files in tiers.into_values().filter(|files| files.len() >= config.max_files) {
            let mut room = config.compact_bytes;
            let fits = |file: &&&StoredFile| {
                let left = room.checked_sub(file.n_memory_bytes);
                room = left.unwrap_or(0);
                left.is_some()
            };
            let paths: BTreeSet<String> = files.iter().take_while(fits).map(|file| file.path.clone()).collect();
            if paths.len() >= 2 {
                plans.push((table, paths));
            }
        }
    }
    plans.sort_by(|(_, a), (_, b)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    plans
}

fn tier(file: &StoredFile) -> u32 {
    (file.n_memory_bytes / SMALLEST_TIER_BYTES).checked_ilog(4).map_or(0, |tier| tier + 1)
}

fn merge(root: &Path, table: &'static Table, name: (u64, u64), files: &[&StoredFile]) -> Result<StoredFile, LakeError> {
    let rows = encode::tidy(table, &file::read(root, table, files)?, |_| false)?;
    let day = files.first().map(|file| file.day.clone()).unwrap_or_default();
    let min_time = files.iter().map(|file| file.min_time).min().unwrap_or_default();
    let max_time = files.iter().map(|file| file.max_time).max().unwrap_or_default();
    file::write(root, table, &day, name, &rows, (min_time, max_time))
}
