//! The header of a record that is sent once more after its dead letter, and what it changes about the reading.

use schemas::{DeadLetter, Message, Noun, Origin, RawRecord, Text, Time};
use serde::{Deserialize, Serialize};

/// The header's name.
pub(crate) const HEADER: &str = "overgrant_redrive";

/// What the header says: of which letter the record is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Redrive {
    /// The letter's id, for people who look at topics.
    pub(crate) dead_letter_id: String,
    /// The room that rejected it.
    pub(crate) room: Text,
    /// Where the record stood first: its events and letters name this place.
    pub(crate) origin: Origin,
    /// When it was read first.
    pub(crate) time: Time,
    /// When it was sent again.
    pub(crate) at: Time,
}

impl Redrive {
    /// Of a letter.
    pub(crate) fn of(letter: &DeadLetter, at: Time) -> Self {
        Self {
            dead_letter_id: letter.dead_letter_id.to_string(),
            room: letter.room.clone(),
            origin: letter.origin.clone(),
            time: letter.time,
            at,
        }
    }

    /// Of a raw record that `normalize` rejected, if it is one that comes again.
    pub(super) fn of_record(raw: &RawRecord) -> Option<Self> {
        let room = Text::from("normalize");
        Some(Self {
            dead_letter_id: DeadLetter::id_at(&room, &raw.origin).to_string(),
            room,
            origin: raw.origin.clone(),
            time: raw.ingested_at,
            at: raw.redriven_at?,
        })
    }

    /// Reads the header; one that is none of ours counts for nothing.
    pub(super) fn read(headers: &[(&str, &[u8])]) -> Option<Self> {
        let (_, value) = headers.iter().find(|(name, _)| *name == HEADER)?;
        serde_json::from_slice(value).ok()
    }

    /// The header's value.
    pub(crate) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What was read, with the mark of a redrive where its room has counted it before. What could not even be read off its
    /// topic was counted by no room.
    pub(super) fn mark(&self, message: Message) -> Message {
        match message {
            Message::RawRecord(raw) if self.room != DeadLetter::STREAM => {
                RawRecord { redriven_at: Some(self.at), ..RawRecord::clone(&raw) }.into_message()
            }
            other => other,
        }
    }
}
