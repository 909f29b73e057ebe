//! The house at a standstill: whether nobody runs and a store holds what the topics do, and where everybody stands.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};

use super::client::Quiet;
use super::journal::Entry;
use super::scan::Scanner;
use super::topics::{fault, inputs};
use super::{Options, Shared};
use crate::topology::Room;
use crate::{Fault, StateError};

/// How long the brokers may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How far back a journal is read at first. An input that it does not name stands where its group was told, and groups
/// are told every few seconds.
const TAIL: i64 = 16_384;

/// Where tasks stand in their inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// Where their journals end.
    AtJournals,
    /// At the ends of the topics.
    AtEnds,
}

/// A task's inputs and its place behind the last record it took of each.
pub(super) type Places = Vec<((&'static str, i32), i64)>;

/// Checks that nobody runs, and that a sink has stored the topics that it keeps.
pub(super) fn check<P>(
    shared: &Shared<P>,
    scanner: &Scanner,
    sink: &str,
    keeps: impl Fn(&str) -> bool,
) -> Result<(), Fault> {
    let options = &shared.options;
    let group = format!("sinks.{sink}");
    for name in shared.plan.rooms.iter().map(|(room, _)| *room).chain([group.as_str()]) {
        check_group(options, scanner, name)?;
    }
    let kept = options.topics.iter().filter(|spec| keeps(spec.name));
    let places: Vec<(&'static str, i32)> = kept.flat_map(|spec| all(options, spec.name)).collect();
    let places: Places = places.iter().copied().zip(committed(options, &group, &places)?).collect();
    let Some(topic) = first_with_more(options, scanner, &places)? else { return Ok(()) };
    let what = format!("`{sink}` has not stored all of `{topic}`: let `overgrant run --room {sink}` come to its end");
    Err(Fault::Kafka { what, why: None, is_passing: false })
}

fn all(options: &Options, topic: &'static str) -> impl Iterator<Item = (&'static str, i32)> {
    (0..i32::try_from(options.n_partitions_of(topic)).unwrap_or(i32::MAX)).map(move |partition| (topic, partition))
}

fn check_group(options: &Options, scanner: &Scanner, name: &str) -> Result<(), Fault> {
    let group = options.group(name);
    let list = scanner
        .client()
        .fetch_group_list(Some(&group), PATIENCE)
        .map_err(|error| fault("cannot ask who runs", error))?;
    let n_members: usize =
        list.groups().iter().filter(|found| found.name() == group).map(|found| found.members().len()).sum();
    if n_members == 0 {
        return Ok(());
    }
    let what = format!("{n_members} processes run `{name}`; stop every process of the house first");
    let why = Some(format!("one that was killed is forgotten after {:?}", options.session_timeout));
    Err(Fault::Kafka { what, why, is_passing: false })
}

/// Checks that the tasks of a room have taken all that stands in their inputs.
pub(super) fn check_taken<P>(shared: &Shared<P>, scanner: &Scanner, room: &Room<P>) -> Result<(), Fault> {
    let partitions: Vec<u32> = (0..room.n_partitions).collect();
    let stands = stands(shared, scanner, room, &partitions, Stand::AtJournals)?;
    let places: Places = stands.into_iter().flatten().collect();
    if first_with_more(&shared.options, scanner, &places)?.is_none() {
        return Ok(());
    }
    let what = format!("`{}` has not read all of its topics: let `overgrant run` come to its end", room.name);
    Err(Fault::Kafka { what, why: None, is_passing: false })
}

/// The first topic that has committed records behind one of these places.
fn first_with_more(options: &Options, scanner: &Scanner, places: &Places) -> Result<Option<&'static str>, Fault> {
    let mut topics: Vec<&'static str> = places.iter().map(|((topic, _), _)| *topic).collect();
    topics.dedup();
    for topic in topics {
        // Where two tasks read one partition, the one that is behind counts.
        let mut from: BTreeMap<i32, i64> = BTreeMap::new();
        for ((_, partition), next) in places.iter().filter(|((of, _), _)| *of == topic) {
            let least = from.entry(*partition).or_insert(*next);
            *least = (*least).min(*next);
        }
        let from = from.into_iter().map(|(partition, next)| (partition, offset(next)));
        let mut has_more = false;
        scanner.read(&options.topic(topic), from, |_| {
            has_more = true;
            Ok(ControlFlow::Break(()))
        })?;
        if has_more {
            return Ok(Some(topic));
        }
    }
    Ok(None)
}

fn offset(next: i64) -> Offset {
    if next == 0 { Offset::Beginning } else { Offset::Offset(next) }
}

/// Where tasks of a room stand in each of their inputs.
pub(super) fn stands<P>(
    shared: &Shared<P>,
    scanner: &Scanner,
    room: &Room<P>,
    partitions: &[u32],
    stand: Stand,
) -> Result<Vec<Places>, Fault> {
    let options = &shared.options;
    let mut all = Vec::new();
    for partition in partitions {
        let places = inputs(options, &room.reads, *partition, room.n_partitions);
        let next = match stand {
            Stand::AtEnds => places
                .iter()
                .map(|(topic, partition)| Ok(scanner.bounds(&options.topic(topic), *partition)?.1))
                .collect::<Result<Vec<_>, Fault>>()?,
            Stand::AtJournals => {
                let mut next = committed(options, room.name, &places)?;
                journal(options, scanner, room.name, *partition, |entry| {
                    let Entry::Room { stretches, .. } = entry else { return };
                    for stretch in stretches {
                        if let Some(next) = next.get_mut(usize::from(stretch.input)) {
                            *next = stretch.to;
                        }
                    }
                })?;
                next
            }
        };
        all.push(places.into_iter().zip(next).collect());
    }
    Ok(all)
}

/// How often tasks have come to their inputs' end; a task that never committed has no number.
pub(super) fn ends<P>(shared: &Shared<P>, scanner: &Scanner) -> Result<BTreeMap<(&'static str, u32), u64>, Fault> {
    let mut ends = BTreeMap::new();
    for (room, n_tasks) in &shared.plan.rooms {
        for partition in 0..*n_tasks {
            journal(&shared.options, scanner, room, partition, |entry| {
                let (Entry::Room { n_ends, .. } | Entry::Source { n_ends, .. }) = entry;
                ends.insert((*room, partition), n_ends);
            })?;
        }
    }
    Ok(ends)
}

/// Reads the tail of a task's journal.
fn journal(
    options: &Options,
    scanner: &Scanner,
    room: &str,
    partition: u32,
    mut each: impl FnMut(Entry),
) -> Result<(), Fault> {
    let (topic, place) = (options.journal(room), i32::try_from(partition).unwrap_or(i32::MAX));
    let (first, end) = scanner.bounds(&topic, place)?;
    if end <= first {
        return Ok(());
    }
    let from = Offset::Offset((end - TAIL).max(first));
    scanner.read(&topic, std::iter::once((place, from)), |message| {
        let bad = |source: StateError| Fault::State { room: room.to_owned(), partition, source };
        each(Entry::read(message.payload().unwrap_or_default()).map_err(bad)?);
        Ok(ControlFlow::Continue(()))
    })
}

/// Behind what a group has committed of each place; 0 where it has nothing.
fn committed(options: &Options, name: &str, places: &[(&'static str, i32)]) -> Result<Vec<i64>, Fault> {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in places {
        list.add_partition(&options.topic(topic), *partition);
    }
    let config = options.client.reader(&options.group(name));
    let client: BaseConsumer<Quiet> =
        config.create_with_context(Quiet).map_err(|error| fault("cannot make a reader", error))?;
    let committed =
        client.committed_offsets(list, PATIENCE).map_err(|error| fault("cannot ask for a group's places", error))?;
    let of = |(topic, partition): &(&'static str, i32)| {
        let place = committed.find_partition(&options.topic(topic), *partition);
        if let Some(Offset::Offset(offset)) = place.map(|place| place.offset()) { offset } else { 0 }
    };
    Ok(places.iter().map(of).collect())
}
