//! What one call took.

use std::ffi::CStr;
use std::sync::Arc;

use rdkafka::bindings as rd;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use crate::queue::Slot;
use crate::record::Record;

/// Records in the order of each partition. Lends one at a time, and frees it when the next is asked for.
///
/// What is dropped with a batch has been taken all the same: the reader does not hand it out again.
#[must_use = "what is dropped with a batch is not handed out again"]
pub struct Batch<'r, C> {
    /// Each holds a message that is ours to free, from `n_freed` on.
    slots: &'r mut [Slot],
    n_freed: usize,
    is_lent: bool,
    context: &'r Arc<C>,
    topic: Topic,
}

/// The name of the topic that the record before had: most have the same.
struct Topic {
    handle: *mut rd::rd_kafka_topic_t,
    name: *const str,
}

impl<'r, C: ConsumerContext> Batch<'r, C> {
    /// # Safety
    /// Each slot holds a message that the batch call handed out and nobody has freed.
    pub(crate) unsafe fn new(slots: &'r mut [Slot], context: &'r Arc<C>) -> Self {
        Self { slots, n_freed: 0, is_lent: false, context, topic: Topic { handle: std::ptr::null_mut(), name: "" } }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots[self.n_freed..]
    }

    /// How many entries [`next_record`](Self::next_record) will still give.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.n_freed - usize::from(self.is_lent)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next record, or trouble with a partition as [`BaseConsumer::poll`](rdkafka::consumer::BaseConsumer::poll)
    /// tells it; the context hears of it too. `None` when all were given.
    pub fn next_record(&mut self) -> Option<KafkaResult<Record<'_>>> {
        if self.is_lent {
            self.is_lent = false;
            self.free_first();
        }
        let slot = *self.slots.get(self.n_freed)?;
        self.is_lent = true;
        // SAFETY: the slot's message is not freed yet.
        let code = unsafe { error_of(slot) };
        if code != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR as i32 {
            return Some(Err(self.trouble(slot, code)));
        }
        let topic = self.topic_of(slot);
        // SAFETY: the message is a record, not an error, and lives until it is freed by the next call or by the drop of
        // the batch; both need `&mut self`, which the record borrows. So does the topic's name, of which the message
        // keeps the topic.
        Some(Ok(unsafe { Record::new(slot.0, &*topic) }))
    }

    fn topic_of(&mut self, slot: Slot) -> *const str {
        // SAFETY: the slot's message is not freed yet; a field of it is read.
        let handle = unsafe { (*slot.0).rkt };
        // Two messages of one batch with the same handle have the same topic: each keeps its topic alive, and
        // all lived when the batch was taken. So a handle was not freed and given to another topic in between.
        if handle.is_null() || handle != self.topic.handle {
            // SAFETY: as above.
            let (name, _, _) = unsafe { place_of(slot) };
            self.topic = Topic { handle, name };
        }
        self.topic.name
    }

    fn trouble(&self, slot: Slot, code: i32) -> KafkaError {
        let code = code_of(code);
        // SAFETY: the message lives, and its error text lives with it (or for ever).
        let reason = unsafe { rd::rd_kafka_message_errstr(slot.0) };
        let reason = if reason.is_null() {
            String::new()
        } else {
            // SAFETY: librdkafka's texts end with a zero.
            unsafe { CStr::from_ptr(reason) }.to_string_lossy().into_owned()
        };
        self.context.error(KafkaError::Global(code), reason.trim());
        // SAFETY: the slot's message is not freed yet.
        let (_, partition, _) = unsafe { place_of(slot) };
        match code {
            RDKafkaErrorCode::PartitionEOF => KafkaError::PartitionEOF(partition),
            code => KafkaError::MessageConsumption(code),
        }
    }
}

impl<C> Batch<'_, C> {
    fn free_first(&mut self) {
        let Some(slot) = self.slots.get_mut(self.n_freed) else { return };
        self.n_freed += 1;
        let message = std::mem::replace(slot, Slot::EMPTY);
        // SAFETY: the message is ours, no record of it is lent any more (that would borrow `self`), and it is counted as
        // freed already, so it is not freed again.
        unsafe { rd::rd_kafka_message_destroy(message.0) };
    }
}

impl<C> Drop for Batch<'_, C> {
    fn drop(&mut self) {
        while self.n_freed < self.slots.len() {
            self.free_first();
        }
    }
}

/// The error code of a message, as a number. It may come from the wire, from a broker that knows more errors than the
/// bindings, and a Rust `enum` of an unknown number must not even be looked at; so the field is read as what it is.
///
/// # Safety
/// The slot holds a message.
pub(crate) unsafe fn error_of(slot: Slot) -> i32 {
    // SAFETY: the message lives, and the field is a C `enum` of the size of an `int`, as in the bindings (`repr(i32)`).
    // No reference to the struct is made.
    unsafe { (&raw const (*slot.0).err).cast::<i32>().read() }
}

/// The code, if the bindings know it.
fn code_of(code: i32) -> RDKafkaErrorCode {
    rd::rd_kafka_resp_err_t::try_from(code).map_or(RDKafkaErrorCode::Unknown, RDKafkaErrorCode::from)
}

/// Topic, partition and offset of a record or an error; the topic is empty if it has none.
///
/// # Safety
/// The slot holds a message, and it lives for `'m`.
pub(crate) unsafe fn place_of<'m>(slot: Slot) -> (&'m str, i32, i64) {
    // SAFETY: the message lives. Its fields are read without a reference to the struct.
    let (topic, partition, offset) = unsafe {
        let message = slot.0;
        ((*message).rkt, (*message).partition, (*message).offset)
    };
    if topic.is_null() {
        return ("", partition, offset);
    }
    // SAFETY: the message keeps its topic alive, the topic its name.
    let name = unsafe { rd::rd_kafka_topic_name(topic) };
    // SAFETY: the name ends with a zero and never changes.
    let name = unsafe { CStr::from_ptr(name) };
    // Topics are those that the caller named, in UTF-8.
    (name.to_str().unwrap_or_default(), partition, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_the_bindings_do_not_know_is_unknown() {
        assert_eq!(code_of(3), RDKafkaErrorCode::UnknownTopicOrPartition);
        assert_eq!(code_of(-191), RDKafkaErrorCode::PartitionEOF);
        assert_eq!(code_of(31_999), RDKafkaErrorCode::Unknown);
    }
}
