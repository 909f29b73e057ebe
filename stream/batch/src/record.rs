//! What one record holds.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr;

use rdkafka::Message;
use rdkafka::bindings as rd;
use rdkafka::message::BorrowedMessage;

/// A view of a record of librdkafka's. It belongs to one thread: the first look at its headers writes them into the
/// message.
pub struct Record<'m> {
    message: *mut rd::rd_kafka_message_t,
    topic: &'m str,
    owner: PhantomData<&'m mut ()>,
}

impl<'m> Record<'m> {
    /// # Safety
    /// `message` is a consumed record without an error. It lives for `'m`, and nobody else looks at it meanwhile.
    pub(crate) unsafe fn new(message: *mut rd::rd_kafka_message_t, topic: &'m str) -> Self {
        Self { message, topic, owner: PhantomData }
    }

    /// A view of a record that was polled. Such a record may be shared between threads, which would write its headers at
    /// the same time; hence `mut`.
    #[must_use]
    pub fn of(message: &'m mut BorrowedMessage<'_>) -> Self {
        let native = message.ptr();
        // SAFETY: `BorrowedMessage` is a record that was consumed: `rdkafka` hands errors out as errors. It lives for
        // `'m` and is borrowed for us alone.
        unsafe { Self::new(native, (*message).topic()) }
    }

    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &'m str {
        self.topic
    }

    /// Its partition.
    #[must_use]
    pub fn partition(&self) -> i32 {
        // SAFETY: the message lives for `'m`. A field is read without a reference to the struct.
        unsafe { (*self.message).partition }
    }

    /// Its place.
    #[must_use]
    pub fn offset(&self) -> i64 {
        // SAFETY: as for the partition.
        unsafe { (*self.message).offset }
    }

    /// Milliseconds since the epoch, as the topic keeps them.
    #[must_use]
    pub fn timestamp_ms(&self) -> Option<i64> {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message lives, and librdkafka writes one of its own three constants.
        let time = unsafe { rd::rd_kafka_message_timestamp(self.message, &raw mut kind) };
        let is_told = kind != rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        (is_told && time != -1).then_some(time)
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Option<&'m [u8]> {
        // SAFETY: as for the partition.
        let (start, len) = unsafe { ((*self.message).key, (*self.message).key_len) };
        // SAFETY: librdkafka's pointer and length of the key, which lives with the message and is not written to.
        unsafe { bytes(start, len) }
    }

    /// The value; `None` is a tombstone.
    #[must_use]
    pub fn value(&self) -> Option<&'m [u8]> {
        // SAFETY: as for the partition.
        let (start, len) = unsafe { ((*self.message).payload, (*self.message).len) };
        // SAFETY: librdkafka's pointer and length of the value, which lives with the message and is not written to.
        unsafe { bytes(start, len) }
    }

    /// The headers, in order. Headers that cannot be read are none, as for [`BorrowedMessage`].
    #[must_use]
    pub fn headers(&self) -> Headers<'m> {
        let mut list = ptr::null_mut();
        // SAFETY: the message lives. The first call reads the headers off the wire and keeps them in the message, which is
        // a write: nobody else looks at it, as `new` demands, and this view stays on its thread. Later calls find them.
        let error = unsafe { rd::rd_kafka_message_headers(self.message, &raw mut list) };
        if error != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            list = ptr::null_mut();
        }
        Headers { list, idx: 0, owner: PhantomData }
    }
}

/// # Safety
/// `start` is null or the start of `len` bytes that nobody writes to for `'m`.
unsafe fn bytes<'m>(start: *const std::ffi::c_void, len: usize) -> Option<&'m [u8]> {
    // SAFETY: not null, bytes need no alignment, and the rest is the caller's word. A record is smaller than half the
    // address space.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast(), len) })
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'m> {
    /// Its name. Kafka wants UTF-8 and does not check it. The C interface ends it at a zero byte.
    pub name: &'m [u8],
    /// Its value, which may be absent and is then not empty.
    pub value: Option<&'m [u8]>,
}

/// The headers of a record, in order.
pub struct Headers<'m> {
    /// Null if there are none.
    list: *mut rd::rd_kafka_headers_t,
    idx: usize,
    owner: PhantomData<&'m ()>,
}

impl<'m> Iterator for Headers<'m> {
    type Item = Header<'m>;

    fn next(&mut self) -> Option<Header<'m>> {
        if self.list.is_null() {
            return None;
        }
        let (mut name, mut value, mut len) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the list lives with its message for `'m` and does not change once it was made. Behind the last
        // header the answer is an error, and nothing is written.
        let error =
            unsafe { rd::rd_kafka_header_get_all(self.list, self.idx, &raw mut name, &raw mut value, &raw mut len) };
        if error != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        self.idx += 1;
        // SAFETY: librdkafka copied the name and put a zero behind it; the copy lives as long as the list.
        let name = unsafe { CStr::from_ptr::<'m>(name) }.to_bytes();
        // SAFETY: librdkafka's pointer and length of its copy of the value, which lives as long as the list.
        let value = unsafe { bytes(value, len) };
        Some(Header { name, value })
    }
}
