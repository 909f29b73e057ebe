//! The inputs of one task: one buffer for each topic partition, filled only as fast as it is emptied.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use batch::{Reader, Record};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::control::{Control, HEADER};
use super::lag::{self, Taken, Watched};
use super::topics::fault;
use super::{Codec, Decoded, Incoming, Options};
use crate::Fault;
use crate::metrics::{Lag, Place};

/// A record, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item<P> {
    Payload(P),
    Rejected(P),
    Control(Control),
    /// A tombstone.
    None,
}

struct Input<P> {
    topic: String,
    partition: i32,
    buffer: VecDeque<(i64, Item<P>)>,
    is_paused: bool,
}

/// Reads several topic partitions, each in its own order.
pub(super) struct Inputs<P> {
    reader: Reader<Watched>,
    watched: Watched,
    codec: Arc<dyn Codec<P>>,
    list: Vec<Input<P>>,
    prefix_len: usize,
    max_waiting: usize,
}

impl<P> Inputs<P> {
    /// Opens inputs at offsets: topics without prefix, partitions, and where to begin.
    pub(super) fn open(
        options: &Options,
        codec: Arc<dyn Codec<P>>,
        group: &str,
        places: &[(&'static str, i32)],
        offsets: &[i64],
    ) -> Result<Self, Fault> {
        let mut assignment = TopicPartitionList::new();
        let mut list = Vec::new();
        for ((topic, partition), offset) in places.iter().zip(offsets) {
            let topic = options.topic(topic);
            let from = if *offset == 0 { Offset::Beginning } else { Offset::Offset(*offset) };
            assignment
                .add_partition_offset(&topic, *partition, from)
                .map_err(|error| fault("cannot assign inputs", error))?;
            list.push(Input { topic, partition: *partition, buffer: VecDeque::new(), is_paused: false });
        }
        let watched = Watched::default();
        let reader = Reader::open(&lag::watched(options.client.reader(group)), watched.clone(), &assignment)
            .map_err(|error| fault("cannot make a reader", error))?;
        let (prefix_len, max_waiting) = (options.topic_prefix.len(), options.batch_records.saturating_mul(2));
        Ok(Self { reader, watched, codec, list, prefix_len, max_waiting })
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// How far each input is behind what was taken from it, and where that is.
    pub(super) fn behind(&self, offsets: &[i64]) -> (Vec<Lag>, Vec<Place>) {
        let taken = self.list.iter().zip(offsets).map(|(input, next)| Taken {
            topic: &input.topic,
            partition: input.partition,
            next: *next,
            has_all: input.buffer.is_empty(),
        });
        self.watched.behind(taken, self.prefix_len)
    }

    /// Records that were read and wait to be taken.
    pub(super) fn n_waiting(&self) -> usize {
        self.list.iter().map(|input| input.buffer.len()).sum()
    }

    /// Waits for records, and takes what is there without waiting again; says how many came.
    pub(super) fn pull(&mut self, wait: Duration, max: usize) -> Result<usize, Fault> {
        let mut n = 0;
        match self.reader.pull(wait, max) {
            Ok(mut batch) => {
                while let Some(record) = batch.next_record() {
                    match record {
                        Ok(record) => {
                            let is_its = |input: &Input<P>| {
                                input.partition == record.partition() && input.topic == record.topic()
                            };
                            let Some(place) = self.list.iter().position(is_its) else { continue };
                            let item = item(&record, self.prefix_len, self.codec.as_ref())?;
                            self.list[place].buffer.push_back((record.offset(), item));
                            n += 1;
                        }
                        Err(error) => go_on_or_fault(&error)?,
                    }
                }
            }
            Err(error) => go_on_or_fault(&error)?,
        }
        self.hold_back()?;
        Ok(n)
    }

    /// Stops reading what is full, reads on what is not.
    fn hold_back(&mut self) -> Result<(), Fault> {
        let (mut full, mut free) = (TopicPartitionList::new(), TopicPartitionList::new());
        for input in &mut self.list {
            let n = input.buffer.len();
            if !input.is_paused && n >= self.max_waiting {
                full.add_partition(&input.topic, input.partition);
                input.is_paused = true;
            } else if input.is_paused && n * 2 < self.max_waiting {
                free.add_partition(&input.topic, input.partition);
                input.is_paused = false;
            }
        }
        if full.count() > 0 {
            self.reader.pause(&full).map_err(|error| fault("cannot pause", error))?;
        }
        if free.count() > 0 {
            self.reader.resume(&free).map_err(|error| fault("cannot resume", error))?;
        }
        Ok(())
    }

    /// The place of the last record that waits on an input.
    pub(super) fn last(&self, place: usize) -> Option<i64> {
        self.list.get(place)?.buffer.back().map(|(offset, _)| *offset)
    }

    /// Takes up to so many records off an input.
    pub(super) fn take(&mut self, place: usize, max: usize) -> Vec<(i64, Item<P>)> {
        let Some(input) = self.list.get_mut(place) else { return Vec::new() };
        let n = input.buffer.len().min(max);
        input.buffer.drain(..n).collect()
    }

    /// Takes the records before an offset off an input.
    pub(super) fn take_until(&mut self, place: usize, to: i64) -> Vec<(i64, Item<P>)> {
        let Some(input) = self.list.get_mut(place) else { return Vec::new() };
        let n = input.buffer.partition_point(|(offset, _)| *offset < to);
        input.buffer.drain(..n).collect()
    }
}

/// Trouble that librdkafka mends by itself.
pub(super) fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code();
    code.is_some_and(|code| {
        matches!(
            code,
            Code::AllBrokersDown
                | Code::BrokerTransportFailure
                | Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::Resolve
                | Code::LeaderNotAvailable
                | Code::NotLeaderForPartition
                | Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition
                | Code::NotCoordinator
                | Code::CoordinatorNotAvailable
                | Code::CoordinatorLoadInProgress
                | Code::NetworkException
                | Code::PartitionEOF
        )
    })
}

/// The records at the wanted place are there no more.
fn is_gone(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    code.is_some_and(|code| matches!(code, RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange))
}

fn go_on_or_fault(error: &KafkaError) -> Result<(), Fault> {
    if is_passing(error) {
        tracing::debug!(%error, "reading goes on");
        return Ok(());
    }
    let why = Some(error.to_string());
    Err(Fault::Kafka { what: "cannot read on".to_owned(), why, is_passing: !is_gone(error) })
}

/// What a record holds. Headers whose names are not UTF-8 are nobody's here.
pub(super) fn item<P>(record: &Record<'_>, prefix_len: usize, codec: &dyn Codec<P>) -> Result<Item<P>, Fault> {
    let headers: Vec<(&str, &[u8])> =
        record.headers().filter_map(|header| Some((std::str::from_utf8(header.name).ok()?, header.value?))).collect();
    if let Some((_, bytes)) = headers.iter().find(|(name, _)| *name == HEADER) {
        return Ok(Control::read(bytes).map_or(Item::None, Item::Control));
    }
    let incoming = Incoming {
        topic: record.topic().get(prefix_len..).unwrap_or_default(),
        partition: record.partition(),
        offset: record.offset(),
        timestamp_ms: record.timestamp_ms(),
        key: record.key(),
        value: record.value(),
        headers,
    };
    Ok(match codec.decode(&incoming)? {
        Decoded::Payload(payload) => Item::Payload(payload),
        Decoded::Rejected(dead_letter) => Item::Rejected(dead_letter),
        Decoded::None => Item::None,
    })
}
