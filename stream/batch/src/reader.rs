//! A consumer of some partitions, read by the batch.

use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use crate::Batch;
use crate::batch::{error_of, place_of};
use crate::queue::{Queue, Slot};

/// The most records of one batch: what is taken is out of librdkafka's own bounds on memory.
const MAX_BATCH: usize = 65_536;

/// How many events are served before each batch, so that a flood of log lines holds no record back.
const MAX_EVENTS: usize = 64;

/// How long the client's own thread may take to put a partition back: it is asked, not the brokers.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads a fixed set of partitions, many records at a time. Belongs to one thread at a time.
pub struct Reader<C: ConsumerContext> {
    // Fields are dropped in this order: no reference to a queue may outlive its client.
    records: Queue,
    events: Queue,
    consumer: BaseConsumer<C>,
    slots: Vec<Slot>,
    /// Partitions whose last entry was an error, and the place of their next record.
    troubled: Vec<(String, i32, i64)>,
}

impl<C: ConsumerContext> Reader<C> {
    /// Makes a consumer of partitions at offsets. The config has a `group.id`, which names it to the brokers; it does not join.
    ///
    /// # Errors
    /// When the config is wrong, or a partition is named that cannot be.
    pub fn open(config: &ClientConfig, context: C, places: &TopicPartitionList) -> KafkaResult<Self> {
        let consumer: BaseConsumer<C> = config.create_with_context(context)?;
        let client = consumer.client().native_ptr();
        // SAFETY: here and below, `client` is the consumer's own. It lives in `consumer`, which is declared before the
        // queue in this function and behind it in `Self`, so that it is dropped after it.
        let events = unsafe { Queue::of_consumer(client) }?;
        // SAFETY: as above.
        let records = unsafe { Queue::new(client) }?;
        for place in places.elements() {
            // SAFETY: as above; the queue was made for this client.
            unsafe { records.divert(client, place.topic(), place.partition()) }?;
        }
        consumer.assign(places)?;
        Ok(Self { records, events, consumer, slots: Vec::new(), troubled: Vec::new() })
    }

    /// Waits for a record, and takes what is there without waiting again, at most `max` (and 65,536). Serves the client's
    /// events first, so it is to be called regularly, whether records are expected or not.
    ///
    /// # Errors
    /// What befell the client as a whole, as [`BaseConsumer::poll`] tells it; the next call goes on. Trouble with one
    /// partition is in the batch.
    pub fn pull(&mut self, wait: Duration, max: usize) -> KafkaResult<Batch<'_, C>> {
        self.serve()?;
        let max = max.min(MAX_BATCH);
        if self.slots.len() < max {
            self.slots.resize(max, Slot::EMPTY);
        }
        let n = self.records.take(wait, &mut self.slots[..max]);
        // SAFETY: the queue has just filled the first `n` slots, and nobody else has seen them.
        let batch = unsafe { Batch::new(&mut self.slots[..n], self.consumer.client().context()) };
        note_trouble(batch.slots(), &mut self.troubled);
        Ok(batch)
    }

    /// Serves logs, errors, statistics and tokens. There is no record among them: the partitions' queues were diverted
    /// before they were assigned. If ever there were, going on would lose it.
    fn serve(&self) -> KafkaResult<()> {
        for _ in 0..MAX_EVENTS {
            if self.events.len() == 0 {
                break;
            }
            match self.consumer.poll(Duration::ZERO) {
                None => {}
                Some(Ok(_)) => return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::State)),
                Some(Err(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Stops reading partitions, behind the last record that a batch has had.
    ///
    /// # Errors
    /// When a partition is not one of the reader's.
    pub fn pause(&mut self, places: &TopicPartitionList) -> KafkaResult<()> {
        self.consumer.pause(places)?;
        let mut back = TopicPartitionList::new();
        for (topic, partition, offset) in &self.troubled {
            if places.find_partition(topic, *partition).is_some() {
                back.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
            }
        }
        if back.count() == 0 {
            return Ok(());
        }
        let answers = self.consumer.seek_partitions(back, PATIENCE)?;
        answers.elements().iter().try_for_each(|place| place.error())
    }

    /// Reads on.
    ///
    /// # Errors
    /// When a partition is not one of the reader's.
    pub fn resume(&mut self, places: &TopicPartitionList) -> KafkaResult<()> {
        self.consumer.resume(places)
    }
}

/// Notes partitions whose last entry is an error that carries the place of the next record; forgets those that have had
/// a record since.
fn note_trouble(slots: &[Slot], troubled: &mut Vec<(String, i32, i64)>) {
    for slot in slots {
        // SAFETY: the slots are those of a batch, each with a message that nobody has freed yet.
        let error = unsafe { error_of(*slot) };
        if error == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR as i32 && troubled.is_empty() {
            continue;
        }
        // SAFETY: as above.
        let (topic, partition, offset) = unsafe { place_of(*slot) };
        troubled.retain(|(its, number, _)| *number != partition || its != topic);
        if error != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR as i32 && offset >= 0 && !topic.is_empty() {
            troubled.push((topic.to_owned(), partition, offset));
        }
    }
}
