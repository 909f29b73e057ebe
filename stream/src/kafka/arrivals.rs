//! A source that reads topics which others fill, and says how far their event time has come. Rooms that read these topics
//! themselves need no more of it; to rooms in one process it hands the records out.
//!
//! Records of an account come in any order from any producer. What came before the highest time seen by more than the
//! allowed lateness is complete, unless a partition is still being read whose times are not there yet. An account that is
//! silent for long is idle. A time far ahead of the record's own counts for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use super::client::Quiet;
use super::inputs::is_passing;
use super::tool::incoming;
use super::topics::fault;
use super::{Codec, Decoded, Options};
use crate::clock::Clock;
use crate::{Fault, Polled, Progress, Source, StateError};

/// How long it waits for records.
const WAIT: Duration = Duration::from_millis(100);
/// The version of its cursors.
const FORMAT: u32 = 1;

/// Whose record it is and when it happened, in microseconds since the epoch; `None` for one that counts for nothing.
pub type Arrival<P> = Box<dyn Fn(&P) -> Option<(String, i64)> + Send + Sync>;

/// How it reads.
#[derive(Clone, Debug)]
pub struct ArrivalParams {
    /// The topics, without prefix.
    pub topics: Vec<&'static str>,
    /// How much later than the latest a record may come.
    pub allowed_lateness: Duration,
    /// After how long without records an account is idle.
    pub idle_after: Duration,
    /// How many accounts are told apart; the others do not hold event time back.
    pub max_accounts: usize,
    /// Whether it hands the records out.
    pub hands_out: bool,
    /// Whether it ends behind the records that stand there now.
    pub once: bool,
}

/// The source.
pub struct Arrivals<P> {
    params: ArrivalParams,
    options: Options,
    codec: Arc<dyn Codec<P>>,
    arrival: Arrival<P>,
    clock: Clock,
    cursor: Cursor,
    /// One for each topic; none before it is first asked.
    readers: Vec<TopicReader>,
    has_said_last: bool,
}

/// Reads one topic: an end that is told names the partition alone.
struct TopicReader {
    topic: &'static str,
    consumer: BaseConsumer<Quiet>,
    /// Partitions whose end has not come yet.
    open: BTreeSet<i32>,
    /// The highest time in each partition that has more records.
    behind: BTreeMap<i32, i64>,
}

impl TopicReader {
    /// The time before which no partition has more; `None` when all are read to their ends.
    fn floor(&self) -> Option<i64> {
        let unknown = self.open.iter().find(|partition| !self.behind.contains_key(partition));
        unknown.map(|_| i64::MIN).or_else(|| self.behind.values().min().copied())
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    next: BTreeMap<(String, i32), i64>,
    accounts: BTreeMap<String, Account>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    /// The highest time of a record.
    high: i64,
    /// When its last record was read.
    read_at: i64,
    is_idle: bool,
    /// The high that was said.
    said: Option<i64>,
}

impl<P> Arrivals<P> {
    /// Makes one; it connects when it is first asked.
    #[must_use]
    pub fn new(
        params: ArrivalParams,
        options: &Options,
        codec: Arc<dyn Codec<P>>,
        arrival: Arrival<P>,
        clock: Clock,
    ) -> Self {
        let cursor = Cursor::default();
        let options = options.clone();
        Self { params, options, codec, arrival, clock, cursor, readers: Vec::new(), has_said_last: false }
    }

    /// A topic's client, assigned from the cursors.
    fn connect(&self, topic: &'static str) -> Result<TopicReader, Fault> {
        let mut config = self.options.client.reader(&self.options.group("arrivals"));
        config.set("enable.partition.eof", "true");
        let consumer: BaseConsumer<Quiet> =
            config.create_with_context(Quiet).map_err(|error| fault("cannot make a reader", error))?;
        let mut list = TopicPartitionList::new();
        let partitions = 0..i32::try_from(self.options.n_partitions_of(topic)).unwrap_or(i32::MAX);
        for partition in partitions.clone() {
            let next = self.cursor.next.get(&(topic.to_owned(), partition)).copied();
            list.add_partition_offset(
                &self.options.topic(topic),
                partition,
                next.map_or(Offset::Beginning, Offset::Offset),
            )
            .map_err(|error| fault("cannot assign a topic", error))?;
        }
        consumer.assign(&list).map_err(|error| fault("cannot assign a topic", error))?;
        Ok(TopicReader { topic, consumer, open: partitions.collect(), behind: BTreeMap::new() })
    }

    /// Reads what is there; the records, if they are handed out.
    fn read(&mut self, max_records: usize) -> Result<Vec<P>, Fault> {
        let mut records = Vec::new();
        if self.readers.is_empty() {
            self.readers = self.params.topics.iter().map(|topic| self.connect(topic)).collect::<Result<_, Fault>>()?;
        }
        for place in 0..self.readers.len() {
            let mut next = BTreeMap::new();
            // A topic that has much leaves the others their turn.
            for _ in 0..max_records.max(1) {
                let Some(reader) = self.readers.get_mut(place) else { break };
                let message = match reader.consumer.poll(Duration::ZERO) {
                    None => break,
                    Some(Ok(message)) => message,
                    Some(Err(KafkaError::PartitionEOF(partition))) => {
                        reader.open.remove(&partition);
                        reader.behind.remove(&partition);
                        continue;
                    }
                    Some(Err(error)) if is_passing(&error) => continue,
                    Some(Err(error)) => return Err(fault("cannot read on", error)),
                };
                let partition = message.partition();
                next.insert(partition, message.offset() + 1);
                let record = incoming(&message, self.options.topic_prefix.len());
                let decoded = record.map_or(Ok(Decoded::None), |record| self.codec.decode(&record))?;
                drop(message);
                if let Decoded::Payload(payload) = &decoded
                    && let Some((account, time)) = (self.arrival)(payload)
                {
                    let behind = reader.behind.entry(partition).or_insert(time);
                    *behind = time.max(*behind);
                    self.note(account, time);
                }
                if let (true, Decoded::Payload(row) | Decoded::Rejected(row)) = (self.params.hands_out, decoded) {
                    records.push(row);
                }
            }
            let Some(topic) = self.readers.get(place).map(|reader| reader.topic) else { break };
            let next = next.into_iter().map(|(partition, next)| ((topic.to_owned(), partition), next));
            self.cursor.next.extend(next);
        }
        Ok(records)
    }

    fn note(&mut self, account: String, time: i64) {
        let accounts = &mut self.cursor.accounts;
        if accounts.len() >= self.params.max_accounts && !accounts.contains_key(&account) {
            return;
        }
        let read_at = self.clock.now();
        let known = accounts.entry(account).or_insert(Account { high: time, read_at, is_idle: false, said: None });
        known.high = known.high.max(time);
        known.read_at = read_at;
        if std::mem::take(&mut known.is_idle) {
            known.said = None;
        }
    }

    /// What has not been said yet.
    fn progress(&mut self) -> Vec<Progress> {
        let us = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let (lateness, idle_after) = (us(self.params.allowed_lateness), us(self.params.idle_after));
        let now = self.clock.now();
        let floor = self.readers.iter().filter_map(TopicReader::floor).min().unwrap_or(i64::MAX);
        let mut said = Vec::new();
        for (account, known) in &mut self.cursor.accounts {
            let high = known.high.min(floor);
            let falls_silent = !known.is_idle && now.saturating_sub(known.read_at) >= idle_after;
            if high == i64::MIN || known.said >= Some(high) && !falls_silent {
                continue;
            }
            known.is_idle = falls_silent;
            known.said = Some(high);
            let through = high.saturating_sub(lateness);
            said.push(Progress { feed: FEED.to_owned(), account: account.clone(), through, idle: falls_silent });
        }
        said
    }

    /// Everything is read: every account through the latest of all.
    fn last(&self, as_of: i64) -> Vec<Progress> {
        let said = |account: &String| Progress {
            feed: FEED.to_owned(),
            account: account.clone(),
            through: as_of.saturating_add(1),
            idle: false,
        };
        self.cursor.accounts.keys().map(said).collect()
    }
}

/// Its feed.
const FEED: &str = "topic";

impl<P: Send + 'static> Source<P> for Arrivals<P> {
    fn poll(&mut self, max_records: usize) -> BoxFuture<'_, Result<Polled<P>, Fault>> {
        Box::pin(async move {
            let records = self.read(max_records)?;
            let is_empty = records.is_empty();
            if self.params.once && self.readers.iter().all(|reader| reader.open.is_empty()) {
                let as_of = self.cursor.accounts.values().map(|known| known.high).max().unwrap_or_default();
                if is_empty && std::mem::replace(&mut self.has_said_last, true) {
                    return Ok(Polled::End(as_of));
                }
                return Ok(Polled::Records(records, self.last(as_of)));
            }
            let progress = self.progress();
            if is_empty && progress.is_empty() {
                tokio::time::sleep(WAIT).await;
                return Ok(Polled::Idle);
            }
            Ok(Polled::Records(records, progress))
        })
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        let bytes = FORMAT.to_le_bytes().to_vec();
        postcard::to_extend(&self.cursor, bytes).map_err(|error| StateError::Damaged(error.to_string()))
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let Some((version, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(StateError::Damaged(format!("{} bytes of cursors are too few", bytes.len())));
        };
        let found = u32::from_le_bytes(*version);
        if found > FORMAT {
            return Err(StateError::Newer { found, known: FORMAT });
        }
        self.cursor = postcard::from_bytes(rest).map_err(|error| StateError::Damaged(error.to_string()))?;
        (self.readers, self.has_said_last) = (Vec::new(), false);
        Ok(())
    }
}
