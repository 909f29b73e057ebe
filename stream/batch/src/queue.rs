//! Queues of librdkafka's, and the call.

use std::ffi::CString;
use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::error::{KafkaError, KafkaResult};

/// A counted reference to a queue of a client. Whoever has one drops it before the client.
pub(crate) struct Queue(NonNull<rd::rd_kafka_queue_t>);

// SAFETY: librdkafka guards a queue by its lock, and any thread may use or drop a reference to it (INTRODUCTION.md,
// "Threads and callbacks": the API is thread-safe). Nothing here is bound to the thread that made it.
unsafe impl Send for Queue {}

impl Queue {
    /// A new queue, into which nothing goes yet.
    ///
    /// # Safety
    /// `client` is a client that lives as long as the queue.
    pub(crate) unsafe fn new(client: *mut rd::rd_kafka_t) -> KafkaResult<Self> {
        // SAFETY: the client lives, as the caller says.
        let queue = unsafe { rd::rd_kafka_queue_new(client) };
        NonNull::new(queue).map(Self).ok_or_else(|| KafkaError::ClientCreation("no new queue".to_owned()))
    }

    /// The queue of a consumer with a group, which its `poll` takes from.
    ///
    /// # Safety
    /// `client` is a client that lives as long as the queue.
    pub(crate) unsafe fn of_consumer(client: *mut rd::rd_kafka_t) -> KafkaResult<Self> {
        // SAFETY: the client lives; for one that is no consumer of a group the answer is null.
        let queue = unsafe { rd::rd_kafka_queue_get_consumer(client) };
        NonNull::new(queue).map(Self).ok_or_else(|| KafkaError::ClientCreation("`group.id` is missing".to_owned()))
    }

    /// Lets what is fetched of a partition into this queue, and no longer into the consumer's.
    ///
    /// # Safety
    /// `client` is the consumer that this queue was made for.
    pub(crate) unsafe fn divert(&self, client: *mut rd::rd_kafka_t, topic: &str, partition: i32) -> KafkaResult<()> {
        let name = CString::new(topic)?;
        // SAFETY: the client lives and `name` ends with a zero. librdkafka copies the name, notes the partition as wanted,
        // and so has it, with this very queue, when it is assigned.
        let source = unsafe { rd::rd_kafka_queue_get_partition(client, name.as_ptr(), partition) };
        let source = NonNull::new(source)
            .map(Self)
            .ok_or_else(|| KafkaError::Subscription(format!("no queue of `{topic}`, partition {partition}")))?;
        // SAFETY: both queues live. The source keeps a count of its own on this one, so that dropping either is safe.
        unsafe { rd::rd_kafka_queue_forward(source.0.as_ptr(), self.0.as_ptr()) };
        Ok(())
    }

    /// How many entries wait.
    pub(crate) fn len(&self) -> usize {
        // SAFETY: the queue lives as long as `self`.
        unsafe { rd::rd_kafka_queue_length(self.0.as_ptr()) }
    }

    /// Fills slots from the left and says how many. Waits until all are filled or the time is over, whichever is first.
    fn fill(&self, wait: Duration, slots: &mut [Slot]) -> usize {
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue lives, and the slots are as many valid places for pointers as is said. What they held before
        // is overwritten, not read. `&mut self` of the reader keeps other calls away from the slots.
        let n = unsafe {
            rd::rd_kafka_consume_batch_queue(self.0.as_ptr(), wait_ms, slots.as_mut_ptr().cast(), slots.len())
        };
        usize::try_from(n).unwrap_or(0)
    }

    /// Takes what is there, at most a slot each; waits for the first alone. The filled slots own their messages.
    pub(crate) fn take(&self, wait: Duration, slots: &mut [Slot]) -> usize {
        let n = self.fill(Duration::ZERO, slots);
        if n > 0 || wait.is_zero() {
            return n;
        }
        let Some((first, rest)) = slots.split_first_mut() else { return 0 };
        let n = self.fill(wait, std::slice::from_mut(first));
        if n == 0 { 0 } else { n + self.fill(Duration::ZERO, rest) }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: this is our only reference, and the client still lives. What is left in a queue of ours is freed with it.
        unsafe { rd::rd_kafka_queue_destroy(self.0.as_ptr()) };
    }
}

/// A place for a message that librdkafka hands out.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Slot(pub(crate) *mut rd::rd_kafka_message_t);

impl Slot {
    pub(crate) const EMPTY: Self = Self(ptr::null_mut());
}

// SAFETY: a slot is read only while a `Batch` owns what is in it, and a batch stays on its thread. Between batches
// it holds nothing that anybody reads.
unsafe impl Send for Slot {}
