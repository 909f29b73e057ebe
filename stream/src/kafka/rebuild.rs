//! A room's state made anew from a store, when no snapshot leads to it any more.
//!
//! Nobody runs meanwhile, and the store holds everything that stands in the topics. A task stands where its journal ends:
//! what it took up to there it has told, and what comes behind it will take and tell when it runs again. So a fresh room is
//! given, muted and in the order of event time, what the store has of its inputs, but for the rows that stand behind
//! that place in the topics. Its revisions begin above those that are stored.
//!
//! A room whose inputs are kept nowhere as they were recalls its own rows instead.
//!
//! The same serves for another number of partitions: then everybody has come to the end of his topics, and stands there.

mod task;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rdkafka::Message;
use rdkafka::message::Headers;
use tokio::runtime::Handle;

use self::task::{Task, batch};
use super::control::{Control, HEADER};
use super::journal::Entry;
use super::outputs::Outputs;
use super::room::{Seen, slots};
use super::scan::Scanner;
use super::standstill::{self, Places, Stand};
use super::tool::incoming;
use super::topics::writer_name;
use super::{Codec, Decoded, Options, Shared};
use crate::topology::Room;
use crate::{Fault, Remade, StateError, Topology};

/// Rows of a store, in the order of event time.
#[derive(Debug)]
pub struct Portion<P> {
    /// Behind which event time nothing of these rows lies; `None` for those that come before all others.
    pub through: Option<i64>,
    /// The rows.
    pub rows: Vec<P>,
}

/// A store, as the belt asks it.
pub trait Archive<P> {
    /// The sink that fills it.
    fn sink(&self) -> &'static str;

    /// Whether it keeps the rows of a topic as they were.
    fn keeps(&self, topic: &str) -> bool;

    /// Begins to read topics; those it does not keep are passed over.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn open(&mut self, topics: &[&'static str]) -> Result<(), Fault>;

    /// The next rows of the topics that were opened, the newest revision of each; `None` behind the last.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn next(&mut self) -> Result<Option<Portion<P>>, Fault>;

    /// The highest revision of a row of some topics.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn highest_revision(&mut self, topics: &[&'static str]) -> Result<i64, Fault>;
}

/// A state that was made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The room.
    pub room: &'static str,
    /// Its partition.
    pub partition: u32,
    /// How many rows it was given.
    pub n_given: u64,
    /// How large the state is.
    pub n_bytes: usize,
}

/// Makes the states of rooms anew: of those partitions that are wanted.
///
/// # Errors
/// When a process of the house runs, the store is behind the topics, or brokers or store cannot be reached.
pub fn rebuild<P: Clone + Send + Sync + 'static>(
    topology: &Topology<P>,
    options: &Options,
    codec: Arc<dyn Codec<P>>,
    handle: &Handle,
    wanted: &dyn Fn(&str, u32) -> bool,
    archive: &mut dyn Archive<P>,
) -> Result<Vec<Rebuilt>, Fault> {
    let shared = Shared::beside(topology, options, codec, handle)?;
    let scanner = Scanner::open(options)?;
    standstill::check(&shared, &scanner, archive.sink(), |topic| archive.keeps(topic))?;
    from_archive(&shared, topology, wanted, Stand::AtJournals, archive)
}

/// Makes the states anew, wherever the rooms are to stand.
pub(super) fn from_archive<P: Clone + Send + Sync + 'static>(
    shared: &Shared<P>,
    topology: &Topology<P>,
    wanted: &dyn Fn(&str, u32) -> bool,
    stand: Stand,
    archive: &mut dyn Archive<P>,
) -> Result<Vec<Rebuilt>, Fault> {
    let scanner = Scanner::open(&shared.options)?;
    let ends = standstill::ends(shared, &scanner)?;
    let mut rebuilt = Vec::new();
    for room in &topology.rooms {
        let partitions: Vec<u32> = (0..room.n_partitions).filter(|partition| wanted(room.name, *partition)).collect();
        if !partitions.is_empty() {
            rebuilt.extend(Anew { shared, scanner: &scanner, ends: &ends, room, stand, archive }.make(&partitions)?);
        }
    }
    Ok(rebuilt)
}

/// One room that is made anew.
struct Anew<'a, P> {
    shared: &'a Shared<P>,
    scanner: &'a Scanner,
    /// How often each task has come to its inputs' end.
    ends: &'a BTreeMap<(&'static str, u32), u64>,
    room: &'a Room<P>,
    stand: Stand,
    archive: &'a mut dyn Archive<P>,
}

impl<P: Clone + Send + Sync + 'static> Anew<'_, P> {
    fn make(mut self, partitions: &[u32]) -> Result<Vec<Rebuilt>, Fault> {
        let stands = standstill::stands(self.shared, self.scanner, self.room, partitions, self.stand)?;
        let mut tasks = Vec::new();
        for (partition, places) in partitions.iter().zip(stands) {
            tasks.push(self.open(*partition, places)?);
        }
        let ahead = self.listen(&mut tasks)?;
        let remade = tasks.first().map_or(Remade::FromInputs, |task| task.transform.remade());
        if remade != Remade::FromInputs {
            self.recall(&mut tasks)?;
        }
        if remade != Remade::FromOutputs {
            self.give(&mut tasks, &ahead)?;
        }
        if remade == Remade::FromInputs {
            let highest = self.archive.highest_revision(&self.room.writes)?.max(0);
            tasks.iter_mut().for_each(|task| task.seen.raised_by = highest);
        }
        tasks.into_iter().map(|task| self.end(task)).collect()
    }

    /// Locks whoever ran the task out.
    fn open(&self, partition: u32, places: Places) -> Result<Task<P>, Fault> {
        let (shared, room) = (self.shared, self.room);
        let outputs = Outputs::open(shared, room.name, partition, &room.writes)?;
        let (places, offsets): (Vec<_>, Vec<_>) = places.into_iter().unzip();
        let (slots, n_slots) = slots(&shared.plan, room.name, &places);
        let seen = Seen { offsets, ..Seen::new(room.n_partitions, places.len(), n_slots) };
        let transform = (room.build)(partition);
        let n_ends_ahead = vec![0; n_slots];
        Ok(Task { partition, transform, outputs, places, slots, n_ends_ahead, seen, as_of: None, n_given: 0 })
    }

    /// Reads the inputs: what their writers have said up to the places where tasks stand, and the keys of the records
    /// behind them. Tasks will take those when they run, and the store has their rows already.
    fn listen(&self, tasks: &mut [Task<P>]) -> Result<HashSet<Vec<u8>>, Fault> {
        let (options, mut ahead) = (&self.shared.options, HashSet::new());
        for topic in &self.room.reads {
            let n = i32::try_from(options.n_partitions_of(topic)).unwrap_or(i32::MAX);
            let is_read = |partition: &i32| tasks.iter().any(|task| task.place(topic, *partition).is_some());
            let read: Vec<i32> = (0..n).filter(is_read).collect();
            self.scanner.all(&options.topic(topic), read.into_iter(), |message| {
                let header = message.headers().and_then(|headers| headers.iter().find(|header| header.key == HEADER));
                let control = header.and_then(|header| Control::read(header.value?));
                for task in tasks.iter_mut() {
                    let Some(place) = task.place(topic, message.partition()) else { continue };
                    let is_ahead = message.offset() >= task.seen.offsets[place];
                    match &control {
                        Some(control) => task.hear(place, control, is_ahead),
                        None if is_ahead => drop(ahead.insert(row_key(topic, message.key().unwrap_or_default()))),
                        None => {}
                    }
                }
                Ok(())
            })?;
        }
        let of_writer: BTreeMap<String, u64> =
            self.ends.iter().map(|((room, partition), n)| (writer_name(room, *partition), *n)).collect();
        for task in tasks {
            let own = match self.stand {
                Stand::AtJournals => of_writer.get(&writer_name(self.room.name, task.partition)),
                Stand::AtEnds => of_writer.values().max(),
            };
            task.hear_ends(own.copied().unwrap_or(0), &of_writer);
        }
        Ok(ahead)
    }

    /// Gives tasks their own rows back.
    fn recall(&mut self, tasks: &mut [Task<P>]) -> Result<(), Fault> {
        self.archive.open(&self.room.writes)?;
        while let Some(portion) = self.archive.next()? {
            for task in tasks.iter_mut() {
                task.n_given += portion.rows.len() as u64;
                task.transform.recall(batch(portion.rows.clone()));
            }
        }
        Ok(())
    }

    /// Gives tasks their inputs: first what the topics alone keep, then the store's rows.
    fn give(&mut self, tasks: &mut [Task<P>], ahead: &HashSet<Vec<u8>>) -> Result<(), Fault> {
        let (kept, only): (Vec<&'static str>, Vec<_>) =
            self.room.reads.iter().copied().partition(|topic| self.archive.keeps(topic));
        for topic in only {
            self.give_topic(tasks, topic)?;
        }
        self.archive.open(&kept)?;
        while let Some(portion) = self.archive.next()? {
            let shared_out = self.shared_out(tasks, portion.rows, ahead)?;
            for (task, rows) in tasks.iter_mut().zip(shared_out) {
                task.take(rows, portion.through);
            }
        }
        tasks.iter_mut().for_each(Task::finish);
        Ok(())
    }

    /// Gives tasks what stands in a topic before the places where they stand.
    fn give_topic(&self, tasks: &mut [Task<P>], topic: &'static str) -> Result<(), Fault> {
        let options = &self.shared.options;
        let n = i32::try_from(options.n_partitions_of(topic)).unwrap_or(i32::MAX);
        self.scanner.all(&options.topic(topic), 0..n, |message| {
            let Some(incoming) = incoming(message, options.topic_prefix.len()) else { return Ok(()) };
            let Decoded::Payload(payload) = self.shared.codec.decode(&incoming)? else { return Ok(()) };
            for task in tasks.iter_mut() {
                if task.stands_behind(topic, incoming.partition, incoming.offset) {
                    task.take(vec![payload.clone()], None);
                }
            }
            Ok(())
        })
    }

    /// The rows of each task, by their partitions.
    fn shared_out(&self, tasks: &[Task<P>], rows: Vec<P>, ahead: &HashSet<Vec<u8>>) -> Result<Vec<Vec<P>>, Fault> {
        let (options, wiring) = (&self.shared.options, self.shared.wiring);
        let mut of_task: Vec<Vec<P>> = tasks.iter().map(|_| Vec::new()).collect();
        let mut key = Vec::new();
        for row in rows {
            let topic = (wiring.topic)(&row);
            if !ahead.is_empty() {
                let mut is_ahead = false;
                self.shared.codec.encode(&row, &mut |parts| {
                    is_ahead = ahead.contains(&row_key(topic, parts.key));
                    Ok(())
                })?;
                if is_ahead {
                    continue;
                }
            }
            let partition = wiring.partition(&row, options.n_partitions_of(topic), &mut key).unwrap_or(0);
            let partition = i32::try_from(partition).unwrap_or(i32::MAX);
            for (task, rows) in tasks.iter().zip(&mut of_task) {
                if task.place(topic, partition).is_some() {
                    rows.push(row.clone());
                }
            }
        }
        Ok(of_task)
    }

    /// Stores the state, as of an entry of the journal that takes nothing.
    fn end(&self, mut task: Task<P>) -> Result<Rebuilt, Fault> {
        let (shared, room, partition) = (self.shared, self.room.name, task.partition);
        let n_ends = task.seen.heard.n_ends;
        task.seen.journal = task.outputs.commit(&Entry::Room { stretches: Vec::new(), n_ends })?;
        let bad = |source| Fault::State { room: room.to_owned(), partition, source };
        let state = task.transform.snapshot().map_err(bad)?;
        let bytes =
            postcard::to_stdvec(&(&task.seen, &state)).map_err(|error| bad(StateError::Damaged(error.to_string())))?;
        let snapshots = &shared.options.snapshots;
        let epoch = u64::try_from(task.seen.journal).unwrap_or(0);
        shared.handle.block_on(async {
            let generation = snapshots.generation(room, partition).await? + 1;
            let stored = snapshots.put(room, partition, epoch, generation, &bytes).await?;
            snapshots.keep_newest(&stored).await
        })?;
        tracing::info!(room, partition, n_given = task.n_given, "made anew");
        Ok(Rebuilt { room, partition, n_given: task.n_given, n_bytes: bytes.len() })
    }
}

fn row_key(topic: &str, key: &[u8]) -> Vec<u8> {
    [topic.as_bytes(), b" ", key].concat()
}
