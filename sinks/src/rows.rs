//! What every store does with a message before it becomes a row: finds its table, redacts its body, weighs it.

use std::sync::Arc;

use bytes::Bytes;
use schemas::{Body, DeadLetter, Message, RawRecord, topic};

use crate::lake::table::{self, Table};
use crate::redact::Redaction;

/// The table that a message is stored in; `None` for those that are not stored.
pub(crate) fn table_of(message: &Message) -> Option<&'static Table> {
    let is_stored = topic::find(message.topic()).is_some_and(|topic| topic.table.is_some());
    table::find(message.table()).filter(|_| is_stored)
}

/// The message with its body redacted, and how many values that replaced.
pub(crate) fn redact(redaction: &Redaction, message: Message) -> (Message, usize) {
    let body = match &message {
        Message::RawRecord(raw) => &raw.body,
        Message::DeadLetter(letter) => &letter.body,
        _ => return (message, 0),
    };
    let Some((bytes, n)) = redaction.apply(&body.0) else { return (message, 0) };
    let body = Body(Bytes::from(bytes));
    let message = match message {
        Message::RawRecord(raw) => {
            let n_redacted = raw.n_redacted.saturating_add(i32::try_from(n).unwrap_or(i32::MAX));
            Message::RawRecord(Arc::new(RawRecord { body, n_redacted, ..RawRecord::clone(&raw) }))
        }
        Message::DeadLetter(letter) => Message::DeadLetter(Arc::new(DeadLetter { body, ..DeadLetter::clone(&letter) })),
        other => other,
    };
    (message, n)
}

/// What a row costs while it waits: its struct, and about twice its data for small strings and rounding.
pub(crate) fn memory_bytes(message: &Message) -> usize {
    schemas::with_noun!(message, noun => {
        let noun = noun.as_ref();
        let data = postcard::experimental::serialized_size(noun).unwrap_or_default();
        std::mem::size_of_val(noun) + 2 * data
    })
}
