//! Takes records off Kafka many at a time, by librdkafka's `rd_kafka_consume_batch_queue`.
//!
//! `rdkafka` makes an event of each record, with a lock, a wake-up check and three small allocations. The batch call takes
//! the lock as often but hands out librdkafka's own structs, and nothing is allocated for them.
//!
//! # What must not go through the batch call
//!
//! It serves whatever else stands in its queue by librdkafka's *callbacks*, which `rdkafka` does not set, since it takes
//! events. Log lines would go to standard error, errors of the client into the log, a token that runs out would not be
//! renewed, and a rebalance would be answered by giving all partitions up. So the batch call is never made on
//! the consumer's own queue. [`Reader::open`] gives the partitions a queue of their own *before* they are assigned, when nothing
//! can have been fetched yet; all that is not of a partition stays where it was, and each [`Reader::pull`] serves it
//! first, by [`BaseConsumer::poll`](rdkafka::consumer::BaseConsumer::poll). A group's rebalance makes new partition queues,
//! so a reader has the partitions that it was opened with, and is no member of a group.
//!
//! # Trouble in the middle
//!
//! For each record handed out the batch call moves the partition's position behind it, as it must. It does so for an
//! *error* as well (librdkafka 2.12, `rd_kafka_q_serve_rkmessages`), whose offset is the place of the next record. A partition
//! paused then goes on one record too far. [`Reader::pause`] puts it back.
//!
//! # Layout
//!
//! [`Reader`] has the consumer and the queue, [`Batch`] what one call took, [`Record`] lends what one record holds. The
//! files of the same names have all the unsafe code there is; each block says why it may.

#![expect(unsafe_code, reason = "the batch call and what it hands out are librdkafka's, and C")]

mod batch;
mod queue;
mod reader;
mod record;

pub use batch::Batch;
pub use reader::Reader;
pub use record::{Header, Headers, Record};
