//! Files, folders, patterns and standard input, in the order of their event time.
//!
//! Pass 1 looks into every file for its accounts and times. Pass 2 reads entitlements, then logs by their earliest
//! record, and says after every part how far each account's log has come: up to the earliest record of what is still
//! to be read. With `once` that ends it; otherwise folders are looked at again and again, and plain files with one
//! value a line are followed as they grow.

mod again;
mod cursor;
mod find;
mod index;
mod plan;
mod say;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use schemas::{Body, DeadLetter, Message, Noun, Origin, Provider, Text, Time};
use stream::clock::{Clock, Stopwatch};
use stream::metrics::Probe;
use stream::{Fault, Polled, Source, StateError};

pub use self::again::n_values;
use self::cursor::{Accounts, Class, Cursor, Known, Planned, Stamp};
use self::find::Input;
use self::index::{Bytes, Reading};
use self::plan::Ahead;
use self::say::Batch;
use self::scan::Scan;
use crate::split::ROOM;
use crate::{IngestError, Item, Metrics, Split, ValidConfig};

/// The feed of what was there at the start.
const BACKFILL: &str = "file";
/// The feed of what came later.
const LIVE: &str = "file-live";
/// A batch ends when its records have so many bytes, however few they are.
const BATCH_BYTES: usize = 8 << 20;
/// How many files are looked into between two answers.
const FILES_A_POLL: usize = 64;

/// What is read and how.
#[derive(Clone, Debug)]
pub struct FileSourceParams {
    /// Files, folders, patterns, or `-` for standard input.
    pub inputs: Vec<String>,
    /// Whether it ends when everything was read, rather than to follow the inputs.
    pub once: bool,
    /// The event time that the answer is as of; the highest event time that is not in the future when `None`.
    pub as_of: Option<Time>,
    /// The cloud whose logs these are; recognised for each record when `None`.
    pub provider: Option<Provider>,
    /// The settings.
    pub config: ValidConfig,
}

/// What the source is about to do; forgotten at a restart, when it looks at the inputs anew.
#[derive(Debug)]
enum Phase {
    /// Read what the cursor has planned.
    Read,
    /// Look into files.
    Look(Box<Scan>),
    /// Nothing is left to read: tell the last progress.
    Last,
    /// Say that it ends.
    End,
}

/// Reads files. See the room's README for what it recognises.
pub struct FileSource {
    inputs: Vec<Input>,
    once: bool,
    as_of: Option<Time>,
    reading: Reading,
    clock: Clock,
    cursor: Cursor,
    phase: Phase,
    paths: BTreeMap<String, PathBuf>,
    open: Option<Split<Bytes>>,
    ahead: Ahead,
    accounts: Accounts,
    n_scans: u64,
    read_at: BTreeMap<u32, i64>,
    /// Since when it waits for new files.
    waits: Option<Stopwatch>,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for FileSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileSource").field("inputs", &self.inputs).field("phase", &self.phase).finish_non_exhaustive()
    }
}

impl FileSource {
    /// Checks that every input is there.
    ///
    /// # Errors
    /// When one is not, or is a pattern that matches nothing.
    pub fn new(params: FileSourceParams, clock: Clock) -> Result<Self, IngestError> {
        let inputs: Result<Vec<Input>, IngestError> = params.inputs.iter().map(|text| Input::parse(text)).collect();
        Ok(Self {
            inputs: inputs?,
            once: params.once,
            as_of: params.as_of,
            reading: Reading { provider: params.provider, config: params.config },
            clock,
            cursor: Cursor::default(),
            phase: Phase::Read,
            paths: BTreeMap::new(),
            open: None,
            ahead: Ahead::default(),
            accounts: Accounts::default(),
            n_scans: 0,
            read_at: BTreeMap::new(),
            waits: None,
            metrics: Arc::default(),
        })
    }

    /// What it counts, for progress bars.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// One answer; `None` when there is nothing to do just now.
    fn step(&mut self, max_records: usize) -> Result<Option<Polled<Message>>, Fault> {
        match self.phase {
            Phase::Read => self.read(max_records),
            Phase::Look(_) => Ok(Some(self.look())),
            Phase::Last => {
                self.phase = Phase::End;
                Ok(Some(Polled::Records(Vec::new(), self.last_progress())))
            }
            Phase::End => Ok(Some(Polled::End(self.answer_as_of()))),
        }
    }

    fn found(&self) -> Result<BTreeMap<String, find::Found>, Fault> {
        find::all(&self.inputs, self.reading.config.max_files).map_err(|error| Fault::edge(ROOM, error))
    }

    /// The plan is done: looks at the inputs again, or ends.
    fn scan(&mut self) -> Result<(), Fault> {
        if self.once && self.n_scans > 0 {
            self.phase = Phase::Last;
            return Ok(());
        }
        let found = self.found()?;
        let with_streams = self.n_scans == 0;
        let scan = Scan::new(found, &self.cursor, self.clock.now(), self.once, with_streams);
        self.n_scans += 1;
        self.phase = Phase::Look(Box::new(scan));
        Ok(())
    }

    fn look(&mut self) -> Polled<Message> {
        let nothing = Polled::Records(Vec::new(), Vec::new());
        let Phase::Look(scan) = &mut self.phase else { return nothing };
        for _ in 0..FILES_A_POLL {
            if !scan.step(&mut self.cursor, &self.reading, &self.metrics) {
                let Phase::Look(scan) = std::mem::replace(&mut self.phase, Phase::Read) else { return nothing };
                self.paths.clone_from(&scan.paths);
                scan.finish(&mut self.cursor, self.as_of.map(|time| time.0));
                self.ahead = Ahead::of(&self.cursor.plan);
                self.accounts = Accounts::of(&self.cursor);
                return nothing;
            }
        }
        nothing
    }

    /// Reads on in the plan.
    fn read(&mut self, max_records: usize) -> Result<Option<Polled<Message>>, Fault> {
        let mut batch = Batch::default();
        if self.cursor.at >= self.cursor.plan.len() {
            return self.plan_done();
        }
        self.open_plan(&mut batch)?;
        while batch.records.len() < max_records.max(1) && batch.n_bytes < BATCH_BYTES {
            let Some(planned) = self.cursor.plan.get(self.cursor.at) else { break };
            if let Class::Trouble(reason) = &planned.class {
                let letter =
                    self.letter(planned, 0, &format!("cannot read the file: {reason}; the rest was read without it"));
                batch.records.push(letter);
                self.metrics.ingest_rejected_records.add(1);
                self.file_done(false, &mut batch);
                continue;
            }
            if self.open.is_none() && !self.open_next(&mut batch) {
                continue;
            }
            match self.open.as_mut().and_then(Iterator::next) {
                Some(item) => self.hand_out(item, &mut batch),
                None => self.file_done(true, &mut batch),
            }
        }
        Ok(Some(Polled::Records(batch.records, batch.progress.into_values().collect())))
    }

    /// Before the first record of a plan, every account in it says from where it is read.
    fn open_plan(&mut self, batch: &mut Batch) -> Result<(), Fault> {
        if self.paths.is_empty() {
            self.paths = self.found()?.into_iter().map(|(name, file)| (name, file.path)).collect();
            self.ahead = Ahead::of(&self.cursor.plan);
        }
        if !self.cursor.opened {
            self.cursor.opened = true;
            if !self.cursor.live {
                for (place, first) in self.ahead.firsts() {
                    batch.say(&self.cursor, BACKFILL, *place, *first, false);
                }
            }
        }
        Ok(())
    }

    /// Opens the file that is next, and passes over what was handed out of it before a restart. False when it cannot
    /// be read, which is reported.
    fn open_next(&mut self, batch: &mut Batch) -> bool {
        let Some(planned) = self.cursor.plan.get(self.cursor.at) else { return false };
        let path = self.paths.get(&planned.name).cloned().unwrap_or_else(|| PathBuf::from(&planned.name));
        let bytes = match self.bytes(planned, &path) {
            Ok(bytes) => bytes,
            Err(reason) => {
                let place = i64::try_from(self.cursor.n_items).unwrap_or(i64::MAX);
                batch.records.push(self.letter(planned, place, &reason));
                self.metrics.ingest_rejected_records.add(1);
                self.file_done(false, batch);
                return false;
            }
        };
        let name = generation_name(planned);
        let options = self.reading.options(&name, &path, self.clock.now(), planned.collected_at);
        let mut split = Split::new(bytes, options).starting_at(planned.first_offset);
        for _ in 0..self.cursor.n_items {
            if split.next().is_none() {
                break;
            }
        }
        self.open = Some(split);
        true
    }

    fn bytes(&self, planned: &Planned, path: &Path) -> Result<Bytes, String> {
        if planned.class == Class::Stream {
            if planned.name == "-" {
                return Ok(Box::new(std::io::stdin()));
            }
            return index::open(path, 0, None).map_err(|error| format!("cannot read the pipe: {error}"));
        }
        let now = find::stamp(path, Some(planned.stamp.prefix_bytes))
            .map_err(|error| format!("cannot read the file: {error}"))?;
        let grown = planned.end.is_some_and(|end| now.n_bytes >= end) && now.prefix == planned.stamp.prefix;
        if now != planned.stamp && !grown {
            return Err("the file was changed while it was read; run again to read it as it is now".to_owned());
        }
        index::open(path, planned.start, planned.end).map_err(|error| format!("cannot read the file: {error}"))
    }

    fn letter(&self, planned: &Planned, place: i64, reason: &str) -> Message {
        let origin = Origin {
            topic: crate::split::unknown_topic(),
            partition: 0,
            offset: planned.first_offset + place,
            file: Some(Text::from(generation_name(planned))),
        };
        DeadLetter::of(ROOM, reason, self.reading.provider, origin, Time(self.clock.now()), &Body::default())
            .into_message()
    }

    fn hand_out(&mut self, item: Item, batch: &mut Batch) {
        self.cursor.n_items += 1;
        match &item {
            Item::Log(record) => {
                self.metrics.ingest_log_records.add(1);
                batch.n_bytes += record.body.0.len();
                self.note_time(record);
            }
            Item::Grant(grant) => {
                self.metrics.ingest_grant_records.add(1);
                batch.n_bytes += grant.body.0.len();
            }
            Item::Rejected(letter) => {
                self.metrics.ingest_rejected_records.add(1);
                batch.n_bytes += letter.body.0.len();
            }
        }
        batch.records.push(item.into());
        self.chunk_done(batch);
    }

    /// The file that is next is behind us. One that could not be read is forgotten, so that a later scan tries again.
    fn file_done(&mut self, was_read: bool, batch: &mut Batch) {
        let at = self.cursor.at;
        let next_offset = self.open.take().map_or(0, |split| split.next_offset());
        if let Some(planned) = self.cursor.plan.get(at) {
            let known = Known {
                stamp: if was_read { planned.stamp } else { Stamp::default() },
                generation: planned.generation,
                grows: was_read && planned.grows,
                end: planned.end.unwrap_or(planned.stamp.n_bytes),
                next_offset,
                waits: planned.waits,
            };
            self.metrics.ingest_read_files.add(1);
            self.metrics.ingest_read_bytes.add(known.end.saturating_sub(planned.start));
            let (name, n_chunks) = (planned.name.clone(), planned.chunks.len());
            self.cursor.known.insert(name, known);
            if !self.cursor.live && n_chunks > 0 {
                self.say_behind(n_chunks - 1, batch);
            }
        }
        self.cursor.at += 1;
        self.cursor.n_items = 0;
    }

    /// The plan is done: ends, or follows.
    fn plan_done(&mut self) -> Result<Option<Polled<Message>>, Fault> {
        let had_plan = !self.cursor.plan.is_empty();
        if had_plan || (!self.once && !self.cursor.live && self.n_scans > 0) {
            let mut batch = Batch::default();
            if !self.once {
                self.follow(&mut batch);
            }
            self.cursor.plan.clear();
            (self.cursor.at, self.cursor.n_items) = (0, 0);
            return Ok(Some(Polled::Records(Vec::new(), batch.progress.into_values().collect())));
        }
        if self.n_scans == 0 || self.once {
            self.scan()?;
            return Ok(Some(Polled::Records(Vec::new(), Vec::new())));
        }
        Ok(self.idle())
    }
}

/// The name of a file in origins: a file whose content was replaced is another.
fn generation_name(planned: &Planned) -> String {
    match planned.generation {
        0 => planned.name.clone(),
        n => format!("{}#{n}", planned.name),
    }
}

impl Source<Message> for FileSource {
    fn poll(&mut self, max_records: usize) -> BoxFuture<'_, Result<Polled<Message>, Fault>> {
        Box::pin(async move {
            if let Some(polled) = self.step(max_records)? {
                return Ok(polled);
            }
            // Whoever asks may lose patience and ask again: the time goes on.
            let waits = self.waits.get_or_insert_with(Stopwatch::start).elapsed();
            tokio::time::sleep(self.reading.config.poll_interval.saturating_sub(waits)).await;
            self.waits = None;
            self.scan()?;
            Ok(Polled::Idle)
        })
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        self.cursor.write()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.cursor = Cursor::read(bytes)?;
        self.phase = Phase::Read;
        (self.open, self.n_scans) = (None, 0);
        self.paths.clear();
        self.accounts = Accounts::of(&self.cursor);
        if !self.once {
            let now = self.clock.now();
            self.read_at = self.cursor.highs.keys().map(|place| (*place, now)).collect();
        }
        Ok(())
    }

    fn probe(&self) -> Option<Probe> {
        let metrics = self.metrics();
        Some(Arc::new(move |out| metrics.tell(out)))
    }
}
