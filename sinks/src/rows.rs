//! What every store does with a message before it becomes a row: finds its table, redacts its body, weighs it.

use std::sync::Arc;

use bytes::Bytes;
use schemas::{Body, DeadLetter, Message, RawRecord, topic};

use crate::lake::table::{self, Table};
use crate::redact::{REDACTED, Redaction};

/// The table that a message is stored in; `None` for those that are not stored.
pub(crate) fn table_of(message: &Message) -> Option<&'static Table> {
    let is_stored = topic::find(message.topic()).is_some_and(|topic| topic.table.is_some());
    table::find(message.table()).filter(|_| is_stored)
}

/// The message with its body redacted, and how many values that replaced.
pub(crate) fn redact(redaction: &Redaction, message: Message) -> (Message, usize) {
    match message {
        Message::RawRecord(raw) => {
            let Some((bytes, n)) = redaction.apply(&raw.body.0) else { return (Message::RawRecord(raw), 0) };
            let n_redacted = raw.n_redacted.saturating_add(i32::try_from(n).unwrap_or(i32::MAX));
            let body = Body(Bytes::from(bytes));
            (Message::RawRecord(Arc::new(RawRecord { body, n_redacted, ..RawRecord::clone(&raw) })), n)
        }
        Message::DeadLetter(letter) => {
            let (letter, n) = redact_letter(redaction, DeadLetter::clone(&letter));
            (Message::DeadLetter(Arc::new(letter)), n)
        }
        other => (other, 0),
    }
}

/// A dead letter with body, key and headers redacted, and then cut. Redaction comes first: what is cut is broken.
fn redact_letter(redaction: &Redaction, mut letter: DeadLetter) -> (DeadLetter, usize) {
    let mut n_redacted = 0;
    for body in letter.key.iter_mut().chain([&mut letter.body]) {
        if let Some((bytes, n)) = redaction.apply(&body.0) {
            body.0 = Bytes::from(bytes);
            n_redacted += n;
        }
    }
    for header in &mut letter.headers {
        let value = if redaction.is_secret_header(header.name.as_bytes()) {
            Some((REDACTED.to_vec(), 1))
        } else {
            redaction.apply(&header.value.0)
        };
        if let Some((bytes, n)) = value {
            header.value.0 = Bytes::from(bytes);
            n_redacted += n;
        }
    }
    (letter.cut(), n_redacted)
}

/// What a row costs while it waits: its struct, and about twice its data for small strings and rounding.
pub(crate) fn memory_bytes(message: &Message) -> usize {
    schemas::with_noun!(message, noun => {
        let noun = noun.as_ref();
        let data = postcard::experimental::serialized_size(noun).unwrap_or_default();
        std::mem::size_of_val(noun) + 2 * data
    })
}

#[cfg(test)]
mod tests {
    use schemas::{Noun, example};

    use super::*;

    #[test]
    fn a_dead_letters_key_and_headers_are_redacted_and_its_body_is_cut_behind_the_secret() {
        let filler = "x".repeat(DeadLetter::MAX_BODY_BYTES);
        let body = Body(Bytes::from(format!(r#"{{"password":"hunter2","filler":"{filler}"}}"#)));
        let of = example::dead_letter();
        let letter = DeadLetter::of("normalize", "why", None, of.origin, of.time, &body);
        let headers: [(&str, &[u8]); 3] =
            [("Authorization", b"Bearer abc"), ("note", br#"{"clientSecret":"hunter2"}"#), ("time", b"now")];
        let letter = letter.with_headers(Some(br#"{"apiKey":"hunter2"}"#), headers.into_iter());
        let hash = letter.body_hash;
        let redaction = Redaction::new(&crate::Config::default().redact).unwrap();
        let (message, n) = redact(&redaction, letter.into_message());
        let Message::DeadLetter(stored) = message else { panic!("it is a dead letter") };
        assert_eq!(n, 4);
        let text = format!("{:?}", serde_json::to_string(stored.as_ref()));
        assert!(!text.contains("hunter2") && !text.contains("abc"), "a secret was stored");
        let values: Vec<&[u8]> = stored.headers.iter().map(|header| header.value.0.as_ref()).collect();
        assert_eq!(values, [b"REDACTED".as_slice(), br#"{"clientSecret":"REDACTED"}"#, b"now"]);
        assert_eq!((stored.body.0.len(), stored.body_hash), (DeadLetter::MAX_BODY_BYTES, hash));
        assert!(!stored.is_whole());
    }
}
