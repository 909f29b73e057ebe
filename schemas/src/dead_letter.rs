//! A record that a room could not use, with the reason and its bytes.

use serde::{Deserialize, Serialize};

use crate::topic::PartitionBy;
use crate::{AccountId, Body, Id128, Message, Noun, Origin, Provider, RawRecord, Text, Time};

/// The header of a rejected raw record that names the account ingest saw in it.
const ACCOUNT: &str = "account_id";
/// The header of a rejected raw record with the time ingest saw in it.
const TIME: &str = "time";

/// A header of a rejected record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct RecordHeader {
    /// Its name.
    pub name: Text,
    /// Its value.
    pub value: Body,
}

/// One rejected record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct DeadLetter {
    /// The hash of room and origin.
    pub dead_letter_id: Id128,
    /// The room that rejected it.
    pub room: Text,
    /// Why, for people, with what to do when it is ours to say.
    pub reason: Text,
    /// The cloud, when it is known.
    pub provider: Option<Provider>,
    /// Where the record stood.
    pub origin: Origin,
    /// When we read it.
    pub time: Time,
    /// How many bytes it had.
    pub n_bytes: i64,
    /// The bytes, after the redaction list; cut at the bound of the config, `n_bytes` tells.
    pub body: Body,
    /// The hash of all its bytes.
    pub body_hash: Id128,
    /// The record's key, where it came over a topic.
    #[avro(default = "null")]
    pub key: Option<Body>,
    /// The record's headers, and what ingest saw in it; cut at the bound of the config.
    #[avro(default = "[]")]
    pub headers: Vec<RecordHeader>,
    /// The object that holds all of its bytes, where the body is cut.
    #[avro(default = "null")]
    pub body_object: Option<Text>,
    /// When it was redriven and is a dead letter no more.
    #[avro(default = "null")]
    pub deleted_at: Option<Time>,
    /// Goes up with each redrive, by its time.
    #[avro(default = "0")]
    pub revision: i64,
}

impl DeadLetter {
    /// How many bytes of a record a stored dead letter carries at most: what fits a 900 KB topic record with room for
    /// the rest.
    pub const MAX_BODY_BYTES: usize = 800_000;
    /// How many bytes of key and headers it carries at most.
    pub const MAX_HEADER_BYTES: usize = 50_000;
    /// The room of what cannot be read off a topic.
    pub const STREAM: &'static str = "stream";

    /// Makes one from a record's bytes, all of them: whoever stores it cuts it.
    #[must_use]
    pub fn of(
        room: &str,
        reason: impl AsRef<str>,
        provider: Option<Provider>,
        origin: Origin,
        time: Time,
        body: &Body,
    ) -> Self {
        Self {
            dead_letter_id: Self::id_at(room, &origin),
            room: Text::from(room),
            reason: Text::new(reason),
            provider,
            origin,
            time,
            n_bytes: i64::try_from(body.0.len()).unwrap_or(i64::MAX),
            body: body.clone(),
            body_hash: Id128::of_parts(&[&body.0]),
            key: None,
            headers: Vec::new(),
            body_object: None,
            deleted_at: None,
            revision: 0,
        }
    }

    /// Makes one from a raw record, which [`Self::record`] gives back. A record that was redriven has its letter open again.
    #[must_use]
    pub fn of_record(room: &str, reason: impl AsRef<str>, raw: &RawRecord) -> Self {
        let mut letter = Self::of(room, reason, Some(raw.provider), raw.origin.clone(), raw.ingested_at, &raw.body);
        let account = raw.account_id.as_deref().map(|account| header(ACCOUNT, account));
        let time = raw.time.map(|time| header(TIME, time.to_string()));
        letter.headers = account.into_iter().chain(time).collect();
        letter.revision = raw.redriven_at.map_or(0, |at| at.0.saturating_add(1));
        letter
    }

    /// The id of a room's letter of the record at an origin.
    #[must_use]
    pub fn id_at(room: &str, origin: &Origin) -> Id128 {
        let file = origin.file.as_deref().unwrap_or_default();
        let place = format!("{}|{}|{}", origin.topic, origin.partition, origin.offset);
        Id128::of_parts(&[room.as_bytes(), place.as_bytes(), file.as_bytes()])
    }

    /// With the key and the headers of a topic's record, as far as the bound goes.
    #[must_use]
    pub fn with_headers<'h>(mut self, key: Option<&[u8]>, headers: impl Iterator<Item = (&'h str, &'h [u8])>) -> Self {
        let mut left = Self::MAX_HEADER_BYTES;
        let mut fits = |n: usize| {
            let fits = n <= left;
            left -= if fits { n } else { 0 };
            fits
        };
        self.key = key.filter(|key| fits(key.len())).map(|key| Body(key.to_vec().into()));
        let headers = headers.filter(|(name, value)| fits(name.len() + value.len() + 16));
        self.headers = headers.map(|(name, value)| header(name, value)).collect();
        self
    }

    /// As a store and a topic keep it.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.body.0.truncate(Self::MAX_BODY_BYTES);
        self
    }

    /// Whether the body is the record's own, neither cut nor redacted.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        i64::try_from(self.body.0.len()) == Ok(self.n_bytes) && self.body_hash == Id128::of_parts(&[&self.body.0])
    }

    /// The time of a redrive now: each of a letter has a later one.
    #[must_use]
    pub fn redriven_at(&self, now: Time) -> Time {
        Time(now.0.max(self.revision.saturating_add(1)))
    }

    /// The letter after it was redriven: gone, unless its room opens it again.
    #[must_use]
    pub fn closed(&self, at: Time) -> Self {
        Self {
            body: Body::default(),
            key: None,
            headers: Vec::new(),
            deleted_at: Some(at),
            revision: at.0,
            ..self.clone()
        }
    }

    /// The raw log record that `normalize` rejected, with the given bytes, to be read once more.
    #[must_use]
    pub fn record(&self, body: Body, at: Time) -> Option<RawRecord> {
        let text = |name: &str| {
            let found = self.headers.iter().find(|header| header.name == name)?;
            std::str::from_utf8(&found.value.0).ok()
        };
        Some(RawRecord {
            record_id: RawRecord::id_at(&self.origin),
            provider: self.provider?,
            origin: self.origin.clone(),
            account_id: text(ACCOUNT).map(AccountId::from),
            time: text(TIME).and_then(|time| Time::parse(time).ok()),
            ingested_at: self.time,
            body,
            n_redacted: 0,
            redriven_at: Some(at),
        })
    }
}

fn header(name: &str, value: impl AsRef<[u8]>) -> RecordHeader {
    RecordHeader { name: Text::from(name), value: Body(value.as_ref().to_vec().into()) }
}

impl Noun for DeadLetter {
    const NAME: &'static str = "dead_letter";

    fn row_key(&self) -> String {
        self.dead_letter_id.to_string()
    }

    fn time(&self) -> Time {
        self.time
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    fn deleted_at(&self) -> Option<Time> {
        self.deleted_at
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Text(&self.origin.topic)
    }

    fn into_message(self) -> Message {
        Message::DeadLetter(self.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn a_raw_record_comes_back_from_its_letter() {
        let raw = example::raw_record();
        let letter = DeadLetter::of_record("normalize", "why", &raw);
        assert!(letter.is_whole());
        let again = letter.record(letter.body.clone(), Time(7)).unwrap();
        assert_eq!(again, RawRecord { redriven_at: Some(Time(7)), ..raw });
        let second = DeadLetter::of_record("normalize", "still", &again);
        assert_eq!(second.dead_letter_id, letter.dead_letter_id);
        let closed = letter.closed(Time(7));
        assert!(letter.revision < closed.revision && closed.revision < second.revision);
        assert!(second.redriven_at(Time(0)).0 > second.revision, "a clock that goes back makes no older redrive");
    }

    #[test]
    fn a_cut_or_redacted_letter_is_seen_to_be_one() {
        let body = Body(vec![b'x'; DeadLetter::MAX_BODY_BYTES + 1].into());
        let letter = DeadLetter { body: body.clone(), ..example::dead_letter() };
        assert!(!letter.is_whole());
        let origin = letter.origin.clone();
        let letter = DeadLetter::of("normalize", "why", None, origin, Time(0), &body);
        assert!(letter.is_whole());
        let cut = letter.cut();
        assert_eq!((cut.body.0.len(), cut.n_bytes), (DeadLetter::MAX_BODY_BYTES, 800_001));
        assert!(!cut.is_whole());
    }

    #[test]
    fn keys_and_headers_have_a_bound() {
        let large = vec![b'h'; DeadLetter::MAX_HEADER_BYTES];
        let headers = [("small", b"1".as_slice()), ("large", &large), ("last", b"2")];
        let letter = example::dead_letter().with_headers(Some(b"k"), headers.into_iter());
        let names: Vec<&str> = letter.headers.iter().map(|header| header.name.as_str()).collect();
        assert_eq!(names, ["small", "last"]);
        assert_eq!(letter.key, Some(Body::from("k")));
    }
}
