//! The journal of a room: what each transaction took, so that it can be taken again in the same order.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use super::Options;
use super::client::Quiet;
use super::inputs::is_passing;
use super::scan::bounds;
use super::topics::fault;
use crate::clock::Stopwatch;
use crate::{Fault, Progress, StateError};

/// How long the brokers may take to answer before the task starts anew.
const PATIENCE: Duration = Duration::from_secs(60);

/// The format of an entry. The first one said of a source only whether it had ended, not as of when.
const FORMAT: u8 = 2;

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Entry {
    /// A room took stretches.
    Room {
        /// Which, in this order.
        stretches: Vec<Stretch>,
        /// How often all of its inputs had come to an end.
        n_ends: u64,
    },
    /// The source stands where this object says.
    Source {
        /// The object of its cursors.
        object: String,
        /// Counts its transactions.
        epoch: u64,
        /// How far each feed had read each account.
        progress: Vec<Progress>,
        /// How often it had come to its end.
        n_ends: u64,
        /// As of when it came to the last end, if nothing came behind that.
        ended_at: Option<i64>,
    },
}

/// Records of one input, taken in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stretch {
    /// The place of the input among the task's.
    pub(super) input: u16,
    /// Behind its last record. It begins where the input's last stretch ended.
    pub(super) to: i64,
}

impl Entry {
    pub(super) fn write(&self) -> Result<Vec<u8>, StateError> {
        postcard::to_extend(self, vec![FORMAT]).map_err(|error| StateError::Damaged(error.to_string()))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, StateError> {
        let (format, rest) = bytes.split_first().ok_or_else(|| StateError::Damaged("an empty entry".to_owned()))?;
        if *format > FORMAT {
            return Err(StateError::Newer { found: u32::from(*format), known: u32::from(FORMAT) });
        }
        let bad = |error: postcard::Error| StateError::Damaged(error.to_string());
        if *format < FORMAT {
            return postcard::from_bytes(&[rest, &[0]].concat()).map_err(bad);
        }
        postcard::from_bytes(rest).map_err(bad)
    }
}

/// How often the source has come to its end; `None` while it has not, or has read on since.
pub(super) fn source_ends(options: &Options, source: &str) -> Result<Option<u64>, Fault> {
    Ok(match last(options, source, 0)? {
        Some(Entry::Source { n_ends, ended_at: Some(_), .. }) => Some(n_ends),
        _ => None,
    })
}

/// Whether every task of a room has come so often to its inputs' end, whoever ran it.
pub(super) fn have_all_ended(options: &Options, wanted: u64, room: &str, n_tasks: u32) -> Result<bool, Fault> {
    for partition in 0..n_tasks {
        match last(options, room, partition)? {
            Some(Entry::Room { n_ends, .. } | Entry::Source { n_ends, .. }) if n_ends >= wanted => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn reader(options: &Options, room: &str, with_eof: bool) -> Result<BaseConsumer<Quiet>, Fault> {
    let mut config = options.client.reader(&options.group(room));
    config.set("enable.partition.eof", if with_eof { "true" } else { "false" }).set("fetch.wait.max.ms", "10");
    config.create_with_context(Quiet).map_err(|error| fault("cannot make a reader", error))
}

/// The entries from a place on, each with its own.
pub(super) fn read_from(options: &Options, room: &str, partition: u32, from: i64) -> Result<Vec<(i64, Entry)>, Fault> {
    let consumer = reader(options, room, true)?;
    let topic = options.journal(room);
    let place = i32::try_from(partition).unwrap_or(i32::MAX);
    let (first, end) = bounds(&consumer, &topic, place)?;
    if first > from {
        let what = format!(
            "the journal of `{room}` begins at {first}, and the state of partition {partition} stands at {from}"
        );
        return Err(Fault::Kafka {
            what,
            why: Some("`overgrant rebuild-state` makes it anew".to_owned()),
            is_passing: false,
        });
    }
    if end <= from {
        return Ok(Vec::new());
    }
    entries(&consumer, &topic, place, from).map_err(|fault| match fault {
        Fault::State { source, .. } => Fault::State { room: room.to_owned(), partition, source },
        fault => fault,
    })
}

/// The last entry.
pub(super) fn last(options: &Options, room: &str, partition: u32) -> Result<Option<Entry>, Fault> {
    let consumer = reader(options, room, true)?;
    let topic = options.journal(room);
    let place = i32::try_from(partition).unwrap_or(i32::MAX);
    let (first, end) = bounds(&consumer, &topic, place)?;
    // An entry takes two places, with the end of its transaction; one that came to nothing takes them, too.
    let mut back = 64;
    loop {
        let from = (end - back).max(first);
        if from >= end {
            return Ok(None);
        }
        if let Some((_, entry)) = entries(&consumer, &topic, place, from)?.pop() {
            return Ok(Some(entry));
        }
        if from == first {
            return Ok(None);
        }
        back *= 16;
    }
}

/// Whether nothing committed stands behind any of these places. Each is asked alone: an end that is told does not say of
/// which topic, and aborted records have it told more than once.
pub(super) fn has_nothing_behind(options: &Options, room: &str, places: &TopicPartitionList) -> Result<bool, Fault> {
    let consumer = reader(options, room, true)?;
    for place in places.elements() {
        let from = if matches!(place.offset(), Offset::Offset(_)) { place.offset() } else { Offset::Beginning };
        // A topic whose end was asked for is known. The leader of an unknown one is looked for once a second only.
        let (_, end) = bounds(&consumer, place.topic(), place.partition())?;
        if matches!(from, Offset::Offset(from) if from >= end) {
            continue;
        }
        let mut only = TopicPartitionList::new();
        only.add_partition_offset(place.topic(), place.partition(), from)
            .and_then(|()| consumer.assign(&only))
            .map_err(|error| fault("cannot look ahead", error))?;
        let asked = Stopwatch::start();
        loop {
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(_)) => return Ok(false),
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(error)) if !is_passing(&error) => return Err(fault("cannot look ahead", error)),
                Some(Err(_)) | None if asked.elapsed() > PATIENCE => return Ok(false),
                Some(Err(_)) | None => {}
            }
        }
    }
    Ok(true)
}

fn entries(consumer: &BaseConsumer<Quiet>, topic: &str, partition: i32, from: i64) -> Result<Vec<(i64, Entry)>, Fault> {
    let mut assignment = TopicPartitionList::new();
    assignment
        .add_partition_offset(topic, partition, Offset::Offset(from))
        .and_then(|()| consumer.assign(&assignment))
        .map_err(|error| fault("cannot open the journal", error))?;
    let (mut found, asked) = (Vec::new(), Stopwatch::start());
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let bad = |source| Fault::State { room: topic.to_owned(), partition: 0, source };
                found.push((message.offset(), Entry::read(message.payload().unwrap_or_default()).map_err(bad)?));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(found),
            Some(Err(error)) if !is_passing(&error) => return Err(fault("cannot read the journal", error)),
            Some(Err(_)) | None if asked.elapsed() > PATIENCE => {
                let what = "the journal's end does not come".to_owned();
                return Err(Fault::Kafka { what, why: None, is_passing: true });
            }
            Some(Err(_)) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The source's entry as format 1 had it, behind the room's.
    #[derive(Serialize)]
    enum Old {
        #[expect(dead_code, reason = "it holds the first place")]
        Room,
        Source {
            object: String,
            epoch: u64,
            progress: Vec<Progress>,
            n_ends: u64,
            has_ended: bool,
        },
    }

    #[test]
    fn an_entry_of_the_first_format_says_whether_the_source_had_ended() {
        for (has_ended, ended_at) in [(true, Some(0)), (false, None)] {
            let old = Old::Source { object: "o".to_owned(), epoch: 7, progress: Vec::new(), n_ends: 2, has_ended };
            let bytes = postcard::to_extend(&old, vec![1]).unwrap();
            let new = Entry::Source { object: "o".to_owned(), epoch: 7, progress: Vec::new(), n_ends: 2, ended_at };
            assert_eq!(Entry::read(&bytes).unwrap(), new);
            assert_eq!(Entry::read(&new.write().unwrap()).unwrap(), new);
        }
        let room = Entry::Room { stretches: vec![Stretch { input: 1, to: 9 }], n_ends: 3 };
        let mut bytes = room.write().unwrap();
        bytes[0] = 1;
        assert_eq!(Entry::read(&bytes).unwrap(), room);
        assert!(Entry::read(&[FORMAT + 1]).is_err());
    }
}
