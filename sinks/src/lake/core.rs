//! The lake's work, synchronous: buffer, cut into days, write, commit, clean up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use schemas::Message;
use serde_json::Value;
use stream::SinkState;

use super::state::{FORMAT, LakeState, Replaced, StoredFile};
use super::table::{self, Table};
use super::{compact, copies, disk, encode, file};
use crate::{LakeError, Metrics, ValidConfig, rows};

/// The folder of tables that are not cut by day.
pub(crate) const ALL: &str = "all";
/// The folder of rows whose days got no folder of their own.
pub(crate) const MIXED: &str = "mixed";
/// Threads that encode files at the same time; more would only wait for the disk.
const MAX_WRITERS: usize = 4;

/// Rows of one table that wait.
#[derive(Debug, Default)]
struct Pending {
    messages: Vec<Message>,
}

/// Rows that become one file.
struct Job {
    table: &'static Table,
    day: String,
    messages: Vec<Message>,
    seq: u64,
}

/// What became of a job.
struct Done {
    table: &'static Table,
    /// `None` when every row was a copy of a stored one.
    file: Option<StoredFile>,
    n_copies: usize,
}

/// The lake.
#[derive(Debug)]
pub(crate) struct Core {
    root: PathBuf,
    config: ValidConfig,
    /// As of the last commit.
    state: LakeState,
    /// Files written since, which no manifest names yet.
    fresh: Vec<(&'static Table, StoredFile)>,
    pending: BTreeMap<&'static str, Pending>,
    pending_bytes: usize,
    pub(crate) metrics: Metrics,
}

impl Core {
    pub(crate) fn new(root: PathBuf, config: ValidConfig) -> Self {
        Self {
            root,
            config,
            state: LakeState::default(),
            fresh: Vec::new(),
            pending: BTreeMap::new(),
            pending_bytes: 0,
            metrics: Metrics::default(),
        }
    }

    /// Takes a state from a manifest and removes the files it does not know.
    pub(crate) fn restore(&mut self, state: SinkState) -> Result<(), LakeError> {
        self.state = parse(state)?;
        self.fresh.clear();
        self.pending.clear();
        self.pending_bytes = 0;
        let n_removed = disk::sweep(&self.root, &self.state.kept_paths())?;
        if n_removed > 0 {
            tracing::info!(n_removed, "removed files that no manifest names");
        }
        Ok(())
    }

    /// Buffers rows, and writes them to unnamed files when the bound is reached.
    pub(crate) fn write(&mut self, messages: impl Iterator<Item = Message>) -> Result<(), LakeError> {
        for message in messages {
            let Some(table) = rows::table_of(&message) else { continue };
            let (message, n_redacted) = rows::redact(&self.config.redaction, message);
            self.metrics.sinks_redactions_total += n_redacted as u64;
            self.metrics.sinks_rows_total += 1;
            self.pending_bytes += rows::memory_bytes(&message);
            self.pending.entry(table.name).or_default().messages.push(message);
            if self.pending_bytes >= self.config.buffer_bytes {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Writes everything that waits into files that nobody names yet.
    fn flush(&mut self) -> Result<(), LakeError> {
        let mut jobs = Vec::new();
        for (name, pending) in std::mem::take(&mut self.pending) {
            let Some(table) = table::find(name) else { continue };
            for (day, messages) in by_day(table, pending.messages, self.config.max_days) {
                jobs.push(Job { table, day, messages, seq: self.state.next_seq });
                self.state.next_seq += 1;
            }
        }
        self.pending_bytes = 0;
        for done in self.write_all(&jobs)? {
            self.metrics.sinks_rows_copies_total += done.n_copies as u64;
            if let Some(file) = done.file {
                self.metrics.sinks_rows_written_total += file.n_rows;
                self.metrics.sinks_files_total += 1;
                self.metrics.sinks_files_bytes += file.n_bytes;
                self.fresh.push((done.table, file));
            }
        }
        Ok(())
    }

    /// Writes files on several threads; the answers come in the order of the jobs.
    fn write_all(&self, jobs: &[Job]) -> Result<Vec<Done>, LakeError> {
        let n_writers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WRITERS).min(jobs.len());
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Result<Done, LakeError>)>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..n_writers {
                scope.spawn(|| {
                    while let Some((place, job)) = take(&next, jobs) {
                        let answer = self.write_one(job);
                        done.lock().unwrap_or_else(PoisonError::into_inner).push((place, answer));
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, answer)| answer).collect()
    }

    fn write_one(&self, job: &Job) -> Result<Done, LakeError> {
        let table = job.table;
        let columns = encode::to_columns(table, &job.messages)?;
        let times = job.messages.iter().map(|message| message.time().0);
        let times = (times.clone().min().unwrap_or_default(), times.max().unwrap_or_default());
        let copies = if table.changes { BTreeSet::new() } else { self.copies(job, &columns, times)? };
        let rows = encode::tidy(table, &columns, |key| copies.contains(key))?;
        let n_copies = copies.len();
        if rows.num_rows() == 0 {
            return Ok(Done { table, file: None, n_copies });
        }
        let file = file::write(&self.root, table, &job.day, (self.state.epoch + 1, job.seq), &rows, times)?;
        Ok(Done { table, file: Some(file), n_copies })
    }

    /// The keys among `columns` that a file of the table has already, where such a row can lie.
    fn copies(&self, job: &Job, columns: &RecordBatch, times: (i64, i64)) -> Result<BTreeSet<String>, LakeError> {
        let Job { table, day, .. } = job;
        let fresh = self.fresh.iter().filter(|(of, _)| of.name == table.name).map(|(_, file)| file);
        let can_hold = |file: &&StoredFile| {
            let is_day = day == MIXED || file.day == MIXED || file.day == *day;
            let is_time = table.time.is_none() || (file.min_time <= times.1 && file.max_time >= times.0);
            is_day && is_time
        };
        let files = self.state.files(table.name).iter().chain(fresh).filter(can_hold);
        copies::find(&self.root, files, columns)
    }

    /// Makes everything durable and says which files there are.
    pub(crate) fn commit(&mut self, epoch: u64) -> Result<SinkState, LakeError> {
        self.flush()?;
        self.state.epoch = epoch;
        let mut touched = BTreeSet::new();
        for (table, file) in std::mem::take(&mut self.fresh) {
            touched.insert(file::folder(&file));
            self.state.tables.entry(table.name.to_owned()).or_default().push(file);
        }
        let merged = compact::run(&self.root, &self.config, &mut self.state)?;
        for merge in &merged {
            touched.insert(file::folder(&merge.into));
            self.metrics.sinks_compactions_total += 1;
            self.metrics.sinks_compacted_files_total += merge.n_files as u64;
        }
        self.sync(&touched)?;
        serde_json::to_value(&self.state).map_err(|error| LakeError::State(error.to_string()))
    }

    /// Waits until the disk knows the new files' names, up to the store's own folder.
    fn sync(&self, folders: &BTreeSet<String>) -> Result<(), LakeError> {
        if folders.is_empty() {
            return Ok(());
        }
        let tables: BTreeSet<&str> = folders.iter().filter_map(|folder| folder.split('/').next()).collect();
        for folder in folders.iter().map(String::as_str).chain(tables) {
            disk::sync_folder(&self.root.join(folder))?;
        }
        disk::sync_folder(&self.root)?;
        self.root.parent().map_or(Ok(()), disk::sync_folder)
    }

    /// Removes files that only manifests from before the kept ones name.
    pub(crate) fn committed(&mut self, epoch: u64) -> Result<(), LakeError> {
        let keep_epochs = self.config.keep_epochs;
        let is_needed = |file: &Replaced| file.epoch.saturating_add(keep_epochs) > epoch;
        let (kept, gone) = std::mem::take(&mut self.state.replaced).into_iter().partition(is_needed);
        self.state.replaced = kept;
        let gone: Vec<Replaced> = gone;
        gone.iter().try_for_each(|file| disk::remove(&self.root.join(&file.path)))
    }
}

fn take<'j>(next: &AtomicUsize, jobs: &'j [Job]) -> Option<(usize, &'j Job)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(place).map(|job| (place, job))
}

/// Reads a state; a newer one is refused before its fields are looked at.
pub(crate) fn parse(state: SinkState) -> Result<LakeState, LakeError> {
    if state.is_null() {
        return Ok(LakeState::default());
    }
    let found = state.get("format").and_then(Value::as_u64).unwrap_or_default();
    if found > u64::from(FORMAT) {
        return Err(LakeError::Newer { found, known: FORMAT });
    }
    serde_json::from_value(state).map_err(|error| LakeError::State(error.to_string()))
}

/// Cuts rows into folders: the fullest days get one each, the rest share one.
fn by_day(table: &Table, messages: Vec<Message>, max_days: usize) -> BTreeMap<String, Vec<Message>> {
    if !table.by_day {
        return BTreeMap::from([(ALL.to_owned(), messages)]);
    }
    let mut days: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    for message in messages {
        days.entry(day_of(&message)).or_default().push(message);
    }
    if days.len() > max_days {
        let mut sizes: Vec<_> = days.iter().map(|(day, rows)| (rows.len(), day.clone())).collect();
        sizes.sort_unstable();
        let n_shared = sizes.len() + 1 - max_days;
        for (_, day) in sizes.into_iter().take(n_shared).filter(|(_, day)| day != MIXED) {
            let rows = days.remove(&day).unwrap_or_default();
            days.entry(MIXED.to_owned()).or_default().extend(rows);
        }
    }
    days
}

/// The row's date; a time outside of years 0 to 9999 has none that a folder could be called by.
fn day_of(message: &Message) -> String {
    let date = message.time().date();
    let is_plain = date.len() == 10 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_plain { date } else { MIXED.to_owned() }
}
