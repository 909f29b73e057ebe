//! Values that are too large for a topic: the body is an object, and what travels is a pointer to it.

use schemas::{DeadLetter, Message, Noun, Text};
use stream::Fault;
use stream::bodies::{BodyError, BodyRef, BodyStore};

/// The header that marks a pointer; its value is the value too, so that whoever reads the topic sees what it is.
pub(super) const HEADER: &str = "overgrant_object";

/// Values above this many bytes are objects (DESIGN.md §2): brokers and their other users expect records below 1 MB.
pub(super) const MAX_VALUE_BYTES: usize = 900_000;

/// A dead letter whose body fits, and all of its bytes as an object where they do not.
pub(super) fn letter(letter: &DeadLetter, bodies: Option<&BodyStore>) -> Result<Option<Message>, Fault> {
    if letter.body.0.len() <= DeadLetter::MAX_BODY_BYTES {
        return Ok(None);
    }
    let mut letter = letter.clone();
    if let Some(bodies) = bodies {
        letter.body_object = Some(Text::from(bodies.put("dead_letter.v1", &letter.body.0)?.object.as_str()));
    }
    Ok(Some(letter.cut().into_message()))
}

/// Stores a value and gives the pointer to it.
pub(super) fn store(topic: &str, value: &[u8], bodies: &BodyStore) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(&bodies.put(topic, value)?).map_err(|error| Fault::edge("wire", error))
}

/// The value behind a pointer; `None` where the record is no pointer.
pub(super) fn load(
    headers: &[(&str, &[u8])],
    bodies: Option<&BodyStore>,
) -> Result<Option<Result<Vec<u8>, BodyError>>, Fault> {
    let (Some((_, value)), Some(bodies)) = (headers.iter().find(|(name, _)| *name == HEADER), bodies) else {
        return Ok(None);
    };
    let Ok(pointer) = serde_json::from_slice::<BodyRef>(value) else {
        return Ok(Some(Err(BodyError::Name(String::from_utf8_lossy(value).into_owned()))));
    };
    bodies.get(&pointer.object).map(Some)
}
