//! Reads topics from a place to their ends as of now, for tools.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Offset, TopicPartitionList};

use super::Options;
use super::client::Quiet;
use super::inputs::is_passing;
use super::topics::fault;
use crate::Fault;
use crate::clock::Stopwatch;

/// How long the brokers may take to come to an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one question may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How soon a question is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// The places of a partition's first record and behind its last. A partition that was just made has no leader yet, and one
/// whose leader left is between two.
pub(super) fn bounds(consumer: &BaseConsumer<Quiet>, topic: &str, partition: i32) -> Result<(i64, i64), Fault> {
    let asked = Stopwatch::start();
    loop {
        match consumer.fetch_watermarks(topic, partition, ANSWER_WITHIN) {
            Ok(bounds) => return Ok(bounds),
            Err(error) if asked.elapsed() < PATIENCE => {
                tracing::debug!(%error, topic, partition, "asks again for the end");
                std::thread::sleep(ASK_AGAIN);
            }
            Err(error) => return Err(fault("cannot ask for a topic's end", error)),
        }
    }
}

/// One client for many topics, one after the other.
pub(super) struct Scanner(BaseConsumer<Quiet>);

impl Scanner {
    pub(super) fn open(options: &Options) -> Result<Self, Fault> {
        let mut config = options.client.reader(&options.group("tools"));
        config.set("enable.partition.eof", "true").set("fetch.wait.max.ms", "10");
        config.create_with_context(Quiet).map(Self).map_err(|error| fault("cannot make a reader", error))
    }

    pub(super) fn client(&self) -> &BaseConsumer<Quiet> {
        &self.0
    }

    /// The places of a partition's first record and behind its last.
    pub(super) fn bounds(&self, topic: &str, partition: i32) -> Result<(i64, i64), Fault> {
        bounds(&self.0, topic, partition)
    }

    /// Reads partitions of a topic, by its whole name, each from a place on; `each` may break off.
    pub(super) fn read(
        &self,
        topic: &str,
        from: impl Iterator<Item = (i32, Offset)>,
        mut each: impl FnMut(&BorrowedMessage<'_>) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), Fault> {
        let (mut list, mut open) = (TopicPartitionList::new(), BTreeSet::new());
        for (partition, offset) in from {
            // A topic whose end was asked for is known. The leader of an unknown one is looked for once a second only.
            let (first, end) = self.bounds(topic, partition)?;
            if first >= end || matches!(offset, Offset::Offset(from) if from >= end) {
                continue;
            }
            list.add_partition_offset(topic, partition, offset)
                .map_err(|error| fault("cannot assign a topic", error))?;
            open.insert(partition);
        }
        self.0.assign(&list).map_err(|error| fault("cannot assign a topic", error))?;
        let mut quiet = Stopwatch::start();
        while !open.is_empty() {
            match self.0.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    quiet = Stopwatch::start();
                    if each(&message)?.is_break() {
                        return Ok(());
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    open.remove(&partition);
                }
                Some(Err(error)) if !is_passing(&error) => return Err(fault("cannot read on", error)),
                Some(Err(_)) | None if quiet.elapsed() > PATIENCE => {
                    let what = format!("the end of `{topic}` does not come");
                    return Err(Fault::Kafka { what, why: None, is_passing: true });
                }
                Some(Err(_)) | None => {}
            }
        }
        Ok(())
    }

    /// Reads whole partitions of a topic.
    pub(super) fn all(
        &self,
        topic: &str,
        partitions: impl Iterator<Item = i32>,
        mut each: impl FnMut(&BorrowedMessage<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let from = partitions.map(|partition| (partition, Offset::Beginning));
        self.read(topic, from, |message| each(message).map(ControlFlow::Continue))
    }
}
