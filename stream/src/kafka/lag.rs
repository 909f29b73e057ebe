//! How far readers are behind the ends of their inputs, and telling their groups.
//!
//! Rooms read at offsets of their own. What their groups hold is for tools that show lag: nothing here reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::statistics::{Partition, Statistics};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::client::Quiet;
use crate::metrics::{Lag, Meter, Place};

/// How often a group is told its places.
pub(super) const TELL_EVERY: Duration = Duration::from_secs(3);

/// How often librdkafka says what it knows of the ends of its partitions. It learns them from what it fetches, so nobody
/// asks the brokers for them.
const STATISTICS_MS: &str = "2000";

/// A reader whose context is [`Watched`].
pub(super) fn watched(mut config: ClientConfig) -> ClientConfig {
    config.set("statistics.interval.ms", STATISTICS_MS);
    config
}

/// Remembers what librdkafka said of each partition it reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    ends: Arc<Mutex<BTreeMap<(String, i32), End>>>,
}

/// What is known of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    /// Its first record.
    low: i64,
    /// Behind its last committed record and the mark of its transaction.
    end: i64,
    /// What librdkafka fetches next, marks of transactions passed over.
    next: i64,
    /// Behind the last record or mark that it has handed out; below 0 before the first.
    handed_out: i64,
    /// Behind the last record whose offset the group holds; below 0 for none.
    committed: i64,
    /// What it holds and has not handed out, of every partition that is read with this one.
    n_held: i64,
    /// Whether it reads the partition.
    is_read: bool,
}

impl End {
    fn of(partition: &Partition) -> Self {
        Self {
            low: partition.lo_offset.max(0),
            end: partition.ls_offset,
            next: partition.next_offset,
            handed_out: partition.app_offset,
            committed: partition.committed_offset,
            n_held: partition.fetchq_cnt,
            is_read: partition.fetch_state == "active",
        }
    }

    /// How many places stand behind `next`, and where whoever has taken everything up to it stands. When everything up to
    /// the end was handed out and all of that was taken, what is left are marks of transactions, and nobody is behind those.
    /// `has_all` says that it was: places cannot, since what is handed out ends with a mark that nobody takes.
    fn behind(&self, next: i64, has_all: bool) -> Option<(i64, i64)> {
        if self.end < 0 {
            return None;
        }
        let next = next.max(self.low);
        let is_handed_out = self.handed_out >= self.end || self.n_held == 0 && self.next >= self.end;
        let is_drained = has_all && is_handed_out;
        Some(if is_drained { (0, next.max(self.end)) } else { ((self.end - next).max(0), next) })
    }
}

/// How far somebody has taken a partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<'t> {
    pub(super) topic: &'t str,
    pub(super) partition: i32,
    /// Behind the last record taken.
    pub(super) next: i64,
    /// Whether nothing that was handed out waits.
    pub(super) has_all: bool,
}

impl Watched {
    fn ends(&self) -> MutexGuard<'_, BTreeMap<(String, i32), End>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lags and places of partitions. Topics have a prefix of that length.
    pub(super) fn behind<'t>(
        &self,
        taken: impl Iterator<Item = Taken<'t>>,
        prefix_len: usize,
    ) -> (Vec<Lag>, Vec<Place>) {
        let ends = self.ends();
        let (mut lags, mut places) = (Vec::new(), Vec::new());
        for Taken { topic, partition, next, has_all } in taken {
            let key = (topic.to_owned(), partition);
            let Some((n_records, next)) = ends.get(&key).and_then(|end| end.behind(next, has_all)) else { continue };
            let name = topic.get(prefix_len..).unwrap_or(topic).to_owned();
            lags.push(Lag { topic: name, partition, n_records });
            places.push(Place { topic: key.0, partition, next });
        }
        (lags, places)
    }

    /// The lags of everything that is read, behind what was handed out.
    pub(super) fn lags(&self, prefix_len: usize) -> Vec<Lag> {
        let taken: Vec<((String, i32), i64)> = self
            .ends()
            .iter()
            .filter(|(_, end)| end.is_read)
            .map(|(key, end)| (key.clone(), end.handed_out.max(end.committed)))
            .collect();
        let all = taken.iter().map(|((topic, partition), next)| Taken {
            topic,
            partition: *partition,
            next: *next,
            has_all: true,
        });
        self.behind(all, prefix_len).0
    }
}

impl ClientContext for Watched {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        Quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        Quiet.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let mut ends = BTreeMap::new();
        let topics: BTreeMap<_, _> = statistics.topics.into_iter().collect();
        for (name, topic) in topics {
            // -1 is librdkafka's own place for what has no partition yet.
            let partitions = topic.partitions.values().filter(|partition| partition.partition >= 0);
            ends.extend(partitions.map(|partition| ((name.clone(), partition.partition), End::of(partition))));
        }
        *self.ends() = ends;
    }
}

impl ConsumerContext for Watched {}

/// Commits the places of a room's tasks into its group, of inputs that no group assigns too. A member may, and a group
/// that is just shared out anew refuses; it is told again soon.
pub(super) fn tell<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    room: &str,
    meter: &Meter,
    partitions: &BTreeSet<u32>,
) {
    let mut list = TopicPartitionList::new();
    for Place { topic, partition, next } in meter.places(partitions) {
        if let Err(error) = list.add_partition_offset(&topic, partition, Offset::Offset(next)) {
            tracing::debug!(room, topic, partition, next, %error, "not a place");
        }
    }
    if list.count() == 0 {
        return;
    }
    if let Err(error) = consumer.commit(&list, CommitMode::Async) {
        tracing::debug!(room, %error, "the group was not told its places");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: End = End { low: 10, end: 100, next: 100, handed_out: 100, committed: -1001, n_held: 0, is_read: true };

    #[test]
    fn nobody_is_behind_the_mark_of_a_transaction() {
        assert_eq!(END.behind(99, true), Some((0, 100)));
        assert_eq!(END.behind(150, true), Some((0, 150)), "it has read on since");
    }

    #[test]
    fn what_was_fetched_or_waits_still_counts() {
        assert_eq!(END.behind(40, false), Some((60, 40)), "what was handed out waits to be taken");
        assert_eq!(End { handed_out: 98, n_held: 1, ..END }.behind(98, true), Some((2, 98)));
        assert_eq!(End { handed_out: 98, next: 99, ..END }.behind(98, true), Some((2, 98)));
    }

    #[test]
    fn what_is_gone_from_the_front_is_not_waited_for_and_an_unknown_end_says_nothing() {
        assert_eq!(End { handed_out: -1001, next: 10, ..END }.behind(0, true), Some((90, 10)));
        assert_eq!(End { end: -1001, ..END }.behind(0, true), None);
    }
}
