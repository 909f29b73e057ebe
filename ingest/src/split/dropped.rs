//! Bytes that cannot become a record: their beginning is kept, the rest is counted and hashed.

use bytes::Bytes;
use schemas::{Body, DeadLetter, Id128, Origin, Provider, Text, Time};
use xxhash_rust::xxh3::Xxh3;

/// Why bytes were dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Text that is no JSON object or array.
    Stray,
    /// A line ends within its record.
    HalfLine,
    /// The input ends within a record.
    HalfEnd,
    /// Braces, commas or colons stand where none may.
    Unbalanced,
    /// The list is not closed when the input ends.
    Unclosed,
    /// More bytes than the bound.
    TooLarge(usize),
    /// Nested deeper than the bound.
    TooDeep,
    /// Not UTF-8, from this byte of the record on.
    NotUtf8(usize),
    /// The input broke off.
    Read(String),
}

impl Why {
    /// For people, with what to do about it.
    pub(crate) fn reason(&self, at: u64) -> String {
        match self {
            Self::Stray => format!(
                "no JSON at byte {at}; expected log records, entitlements or an inventory as the clouds write them"
            ),
            Self::HalfLine => format!("the line at byte {at} ends within its record; deliver the line again"),
            Self::HalfEnd => format!("the input ends within the record at byte {at}; deliver the file again"),
            Self::Unbalanced => format!("the record at byte {at} has unbalanced braces, commas or colons"),
            Self::Unclosed => {
                format!("the list is not closed at byte {at}; deliver the file again, its records so far are in")
            }
            Self::TooLarge(bound) => {
                format!(
                    "the record at byte {at} is larger than `ingest.max_record`, {bound} bytes; raise it to let the record in"
                )
            }
            Self::TooDeep => format!("the record at byte {at} is nested deeper than {} levels", super::MAX_DEPTH),
            Self::NotUtf8(within) => format!("the record at byte {at} is not UTF-8 from its byte {within} on"),
            Self::Read(error) => format!("cannot read on at byte {at}: {error}; what stood before it is in"),
        }
    }
}

/// Dropped bytes.
pub(crate) struct Dropped {
    head: Vec<u8>,
    n_bytes: u64,
    hash: Box<Xxh3>,
}

impl std::fmt::Debug for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} dropped bytes", self.n_bytes)
    }
}

impl Dropped {
    pub(crate) fn new() -> Self {
        Self { head: Vec::new(), n_bytes: 0, hash: Box::new(Xxh3::new()) }
    }

    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut dropped = Self::new();
        dropped.add(bytes);
        dropped
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let room = DeadLetter::MAX_BODY_BYTES - self.head.len();
        self.head.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        self.hash.update(bytes);
        self.n_bytes += bytes.len() as u64;
    }

    pub(crate) fn append(&mut self, other: &Self) {
        let whole = other.n_bytes == other.head.len() as u64;
        self.add(&other.head);
        if !whole {
            self.hash.update(&other.hash.digest128().to_le_bytes());
            self.n_bytes += other.n_bytes - other.head.len() as u64;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.n_bytes == 0
    }

    /// Makes the dead letter of them. The hash of more bytes than a dead letter carries is that of the plain stream.
    pub(crate) fn dead_letter(
        self,
        reason: &str,
        provider: Option<Provider>,
        origin: Origin,
        time: Time,
    ) -> DeadLetter {
        let n_bytes = i64::try_from(self.n_bytes).unwrap_or(i64::MAX);
        let body = Body(Bytes::from(self.head));
        let mut letter = DeadLetter::of(super::ROOM, reason, provider, origin, time, &body);
        if n_bytes > letter.n_bytes {
            letter.n_bytes = n_bytes;
            letter.body_hash = Id128(self.hash.digest128());
        }
        letter
    }
}

/// The topic of dead letters whose cloud is not known.
pub(crate) fn unknown_topic() -> Text {
    Text::from("file")
}
