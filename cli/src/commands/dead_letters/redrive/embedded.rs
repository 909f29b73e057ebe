//! In one process: a run over the same store whose source hands out the records once more, and no others.
//!
//! The letters are read when the run has the store's lock, and closed in the epoch in which their records come again. So
//! whatever happens, a record is either a dead letter or in.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use ingest::FileSource;
use schemas::{Body, DeadLetter, Id128, Message, Noun, Time};
use sinks::Store;
use sinks::query::{col, lit};
use stream::clock::Clock;
use stream::embedded::{self, Stop};
use stream::metrics::Meters;
use stream::{Fault, Polled, Source, StateError};

use super::plan::{FileWork, Report, Way, way};
use super::{Wanted, files, tell};
use crate::args::RedriveArgs;
use crate::config::ValidConfig;
use crate::{Exit, pipeline};

/// How many letters are held with their bytes at a time.
const CHUNK: usize = 64;
/// How many letters one redrive takes; the rest is for the next.
const MAX_LETTERS: usize = 1_000_000;

pub(super) fn run(args: &RedriveArgs, config: &ValidConfig, wanted: Wanted) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let report = Arc::new(Mutex::new(Report::default()));
    let source = Redriven {
        files: files(args, config)?,
        store: args.store.clone(),
        wanted,
        report: Arc::clone(&report),
        now: Time(Clock::system().now()),
        phase: Phase::List,
    };
    // A store that is not there would be made by the run.
    runtime.block_on(Store::open(&args.store))?;
    if args.dry_run {
        runtime.block_on(dry(source))?;
        return tell(&lock(&report), true, None);
    }
    let topology = pipeline::build(config.stream.n_partitions, Box::new(source), config, &args.store);
    let options = super::super::super::run::options(&args.store, &config.stream);
    let meters = Meters::of(topology.names());
    embedded::run(topology, &options, runtime.handle(), &Stop::default(), &meters)?;
    let report = lock(&report);
    let n_again = runtime.block_on(still_open(&args.store, &report.sent))?;
    tell(&report, false, Some(n_again))
}

/// Asks the source for everything and lets it go.
async fn dry(mut source: Redriven) -> anyhow::Result<()> {
    while !matches!(source.poll(CHUNK).await?, Polled::End(_)) {}
    Ok(())
}

fn lock(report: &Mutex<Report>) -> std::sync::MutexGuard<'_, Report> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many of the letters that were sent are open again.
async fn still_open(store: &std::path::Path, sent: &[Id128]) -> anyhow::Result<usize> {
    let store = Store::open(store).await?;
    let sent: std::collections::BTreeSet<String> = sent.iter().map(ToString::to_string).collect();
    let sql = format!("SELECT dead_letter_id FROM dead_letter_current LIMIT {MAX_LETTERS}");
    let rows = super::super::rows(&store.sql(&sql).await?)?;
    let is_sent = |row: &serde_json::Value| row["dead_letter_id"].as_str().is_some_and(|id| sent.contains(id));
    Ok(rows.iter().filter(|row| is_sent(row)).count())
}

/// What the source is about to do.
enum Phase {
    /// Find the letters.
    List,
    /// Send those whose bytes are in the store, and gather the others by file.
    Letters { store: Box<Store>, ids: VecDeque<String>, files: BTreeMap<String, Vec<DeadLetter>> },
    /// Read files.
    Files { open: Option<Box<FileWork>>, files: BTreeMap<String, Vec<DeadLetter>> },
    /// It ends.
    End,
}

/// A source of records that were dead letters.
struct Redriven {
    files: FileSource,
    store: PathBuf,
    wanted: Wanted,
    report: Arc<Mutex<Report>>,
    now: Time,
    phase: Phase,
}

impl Redriven {
    async fn step(&mut self, max: usize) -> anyhow::Result<Option<Vec<Message>>> {
        match std::mem::replace(&mut self.phase, Phase::End) {
            Phase::List => {
                let store = Box::new(Store::open(&self.store).await?);
                let wanted = self.wanted.clone();
                let ids = list(&wanted, &store).await?;
                self.phase = Phase::Letters { store, ids, files: BTreeMap::new() };
                Ok(Some(Vec::new()))
            }
            Phase::Letters { store, mut ids, mut files } => {
                let chunk: Vec<_> = ids.drain(..ids.len().min(CHUNK)).map(lit).collect();
                if chunk.is_empty() {
                    self.phase = Phase::Files { open: None, files };
                    return Ok(Some(Vec::new()));
                }
                let filter = col("dead_letter_id").in_list(chunk, false);
                let mut letters: Vec<DeadLetter> = store.rows_where(DeadLetter::NAME, Some(filter)).await?;
                letters.sort_by(|a, b| (a.time, &a.origin).cmp(&(b.time, &b.origin)));
                let messages = self.letters(letters, &mut files);
                self.phase = Phase::Letters { store, ids, files };
                Ok(Some(messages))
            }
            Phase::Files { open, files } => Ok(self.file(open, files, max)),
            Phase::End => Ok(None),
        }
    }

    fn letters(&self, letters: Vec<DeadLetter>, files: &mut BTreeMap<String, Vec<DeadLetter>>) -> Vec<Message> {
        let (mut messages, mut report) = (Vec::new(), lock(&self.report));
        for mut letter in letters.into_iter().filter(|letter| self.wanted.takes(letter)) {
            let at = letter.redriven_at(self.now);
            let whole = letter.is_whole().then(|| letter.body.clone());
            match way(&letter, whole, at) {
                Way::Record(record) => {
                    report.sent.push(letter.dead_letter_id);
                    messages.extend([letter.closed(at).into_message(), record.into_message()]);
                }
                Way::File => {
                    letter.body = Body::default();
                    let file = letter.origin.file.as_deref().unwrap_or_default().to_owned();
                    files.entry(file).or_default().push(letter);
                }
                Way::Bytes => report.refuse("it came over a topic, and there is none".to_owned()),
                Way::Never(why) => report.refuse(why),
            }
        }
        messages
    }

    fn file(
        &mut self,
        open: Option<Box<FileWork>>,
        mut files: BTreeMap<String, Vec<DeadLetter>>,
        max: usize,
    ) -> Option<Vec<Message>> {
        let mut report = lock(&self.report);
        let Some(mut work) = open else {
            let (_, letters) = files.pop_first()?;
            let open = match FileWork::open(&self.files, letters, self.now) {
                Ok(work) => Some(Box::new(work)),
                Err((n, why)) => {
                    (0..n).for_each(|_| report.refuse(why.clone()));
                    None
                }
            };
            self.phase = Phase::Files { open, files };
            return Some(Vec::new());
        };
        match work.next(max, &mut report) {
            Some(messages) => {
                self.phase = Phase::Files { open: Some(work), files };
                Some(messages)
            }
            None => {
                self.phase = Phase::Files { open: None, files };
                Some(work.finish(&mut report))
            }
        }
    }
}

/// The ids of the open letters, in the order in which they were read.
async fn list(wanted: &Wanted, store: &Store) -> anyhow::Result<VecDeque<String>> {
    let sql = format!(
        "SELECT dead_letter_id, room, reason FROM dead_letter_current \
         ORDER BY time, origin.file, origin.offset, dead_letter_id LIMIT {MAX_LETTERS}"
    );
    let mut ids = VecDeque::new();
    for row in super::super::rows(&store.sql(&sql).await?)? {
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let Some(id) = Id128::parse(text("dead_letter_id")) else { continue };
        let is_wanted = (wanted.ids.is_empty() || wanted.ids.contains(&id))
            && wanted.room.as_ref().is_none_or(|room| text("room") == room)
            && wanted.reason.as_ref().is_none_or(|reason| text("reason").contains(reason.as_str()));
        if is_wanted {
            ids.push_back(id.to_string());
        }
    }
    Ok(ids)
}

impl Source<Message> for Redriven {
    fn poll(
        &mut self,
        max_records: usize,
    ) -> Pin<Box<dyn Future<Output = Result<Polled<Message>, Fault>> + Send + '_>> {
        Box::pin(async move {
            match self.step(max_records).await.map_err(|error| Fault::edge("ingest", error))? {
                Some(messages) => Ok(Polled::Records(messages, Vec::new())),
                None => Ok(Polled::End(self.files.as_of().0)),
            }
        })
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        self.files.snapshot()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.files.restore(bytes)
    }
}
