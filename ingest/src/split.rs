//! Bytes become items: log records, raw grants, dead letters. Pure but for the reading.

mod dropped;
mod grant_list;
pub(crate) mod kind;
mod list;
pub(crate) mod peek;
mod pieces;
pub(crate) mod walker;

pub(crate) use dropped::unknown_topic;

use std::collections::VecDeque;
use std::io::Read;

use bytes::Bytes;
use schemas::message::{raw_grant_topic, raw_log_topic};
use schemas::{Body, DeadLetter, Message, Noun, Origin, Provider, RawGrant, RawRecord, Text, Time};

use crate::codec::Decoded;
use crate::grants::{About, GrantBuffer, Homeless, Value};
use dropped::{Dropped, Why};
use kind::{GrantList, Kind};
use list::List;
use pieces::{Piece, Pieces};

/// The room's name in its dead letters.
pub(crate) const ROOM: &str = "ingest";

/// The header of a dead letter of several neighbours that says how many they are.
pub(crate) const N_VALUES: &str = "n_values";

/// A record that is nested deeper is a dead letter: JSON readers stop at 128 levels too.
pub(crate) const MAX_DEPTH: u32 = 128;

/// What a value may be, for the dead letter of one that is something else.
const EXPECTED: &str = "expected CloudTrail, Azure or GCP audit records, or the output of `aws iam \
    get-account-authorization-details`, `az role assignment list --all`, `az role definition list`, `gcloud projects \
    get-iam-policy`, `gcloud asset search-all-iam-policies`, `gcloud iam roles list`, or an inventory";

/// What one input holds, in its order; grants come together at the end, when their file is known to be whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A log record, its bytes untouched.
    Log(RawRecord),
    /// An object of an entitlement snapshot, or a mark around it.
    Grant(RawGrant),
    /// What could not be used.
    Rejected(DeadLetter),
}

impl From<Item> for Message {
    fn from(item: Item) -> Self {
        match item {
            Item::Log(record) => record.into_message(),
            Item::Grant(grant) => grant.into_message(),
            Item::Rejected(letter) => letter.into_message(),
        }
    }
}

/// How an input is split.
#[derive(Clone, Debug)]
pub struct SplitOptions {
    /// The cloud whose records these are; `None` recognises each by its members.
    pub provider: Option<Provider>,
    /// The input's name, which origins carry.
    pub name: Text,
    /// The input's whole path, whose folders may name the account of entitlements; may be empty.
    pub path: String,
    /// When it was read.
    pub ingested_at: Time,
    /// When entitlements in it were collected.
    pub collected_at: Time,
    /// The largest record in bytes; larger ones are dead letters.
    pub max_record: usize,
    /// How many bytes of entitlements are held until their file ends; a larger snapshot breaks off.
    pub max_snapshot: usize,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            provider: None,
            name: Text::from("-"),
            path: String::new(),
            ingested_at: Time(0),
            collected_at: Time(0),
            max_record: 16 << 20,
            max_snapshot: 256 << 20,
        }
    }
}

/// Splits an input into items: plain, gzip or zstd, recognised by its first bytes.
pub fn split<R: Read>(reader: R, provider: Option<Provider>, name: &str) -> Split<R> {
    Split::new(
        reader,
        SplitOptions { provider, name: Text::from(name), path: name.to_owned(), ..SplitOptions::default() },
    )
}

/// The items of one input; see [`split`].
#[derive(Debug)]
pub struct Split<R: Read> {
    pieces: Pieces<Decoded<R>>,
    options: SplitOptions,
    next: i64,
    grants: GrantBuffer,
    unknown: Option<Unknown>,
    ready: VecDeque<Item>,
    ended: bool,
    seen_any: bool,
    /// Whether an answer in it goes on in another file.
    goes_on: bool,
}

/// Neighbours that are no known kind, gathered into one dead letter.
#[derive(Debug)]
struct Unknown {
    dropped: Dropped,
    offset: i64,
    n_values: u64,
    /// Values and stray pieces.
    n_pieces: u64,
    reason: Option<String>,
}

impl<R: Read> Split<R> {
    /// Splits with all options.
    pub fn new(reader: R, options: SplitOptions) -> Self {
        Self {
            pieces: Pieces::new(Decoded::new(reader), options.max_record),
            options,
            next: 0,
            grants: GrantBuffer::default(),
            unknown: None,
            ready: VecDeque::new(),
            ended: false,
            seen_any: false,
            goes_on: false,
        }
    }

    /// Starts counting offsets later, for input that goes on where another reading stopped.
    #[must_use]
    pub(crate) fn starting_at(mut self, next: i64) -> Self {
        self.next = next;
        self.seen_any = next > 0;
        self
    }

    /// The offset of the next value.
    pub(crate) fn next_offset(&self) -> i64 {
        self.next
    }

    /// Whether the input has one value a line; `None` when that cannot be told.
    pub(crate) fn is_lines(&self) -> Option<bool> {
        self.pieces.is_lines()
    }

    /// The byte (after decoding) where reading may begin anew.
    pub(crate) fn safe_at(&self) -> u64 {
        self.pieces.safe_at()
    }

    fn origin(&self, topic: Text, offset: i64) -> Origin {
        Origin { topic, partition: 0, offset, file: Some(self.options.name.clone()) }
    }

    fn offset(&mut self) -> i64 {
        self.seen_any = true;
        self.next += 1;
        self.next - 1
    }

    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Opened(list) => {
                self.seen_any = true;
                if let Some(list) = grant_list(list) {
                    self.grants.opened(list);
                }
            }
            Piece::Truncated => {
                self.grants.broke();
                self.goes_on = true;
            }
            Piece::Element { bytes, list, at } => self.element(bytes, list, at),
            Piece::Broken { why: Why::Stray, dropped, at } => {
                let reason = Why::Stray.reason(at);
                self.unknown(&dropped, Some(reason));
            }
            Piece::Broken { why, dropped, at } => {
                self.flush();
                self.grants.broke();
                let offset = self.offset();
                self.reject(dropped, &why.reason(at), self.options.provider, offset);
            }
        }
    }

    fn element(&mut self, bytes: Bytes, list: Option<List>, at: u64) {
        let kind = kind::of(&bytes, list);
        match (kind, self.options.provider) {
            (Kind::Log(_), Some(provider)) => self.log(provider, bytes),
            (Kind::Log(provider), None) => self.log(provider, bytes),
            (Kind::Lookup, _) => match unwrapped(&bytes) {
                Some(event) => self.log(Provider::Aws, event),
                None => {
                    let offset = self.offset();
                    let reason = format!("`CloudTrailEvent` of the entry at byte {at} is no string");
                    self.reject(Dropped::of(&bytes), &reason, Some(Provider::Aws), offset);
                }
            },
            (Kind::Unknown, Some(provider)) if bytes.first() == Some(&b'{') => self.log(provider, bytes),
            (Kind::Unknown, _) => self.unknown(&Dropped::of(&bytes), None),
            (kind, _) => {
                self.flush();
                let offset = self.offset();
                let value = Value { kind, bytes: &bytes, offset, alone: list.is_none() };
                self.grants.push(&value, &self.options.path, self.options.max_snapshot);
            }
        }
    }

    fn log(&mut self, provider: Provider, bytes: Bytes) {
        self.flush();
        let peek = peek::peek(provider, &bytes);
        let offset = self.offset();
        let origin = self.origin(Text::from(raw_log_topic(provider)), offset);
        self.ready.push_back(Item::Log(RawRecord {
            record_id: RawRecord::id_at(&origin),
            provider,
            origin,
            account_id: peek.account_id,
            time: peek.time,
            ingested_at: self.options.ingested_at,
            body: Body(bytes),
            n_redacted: 0,
            redriven_at: None,
        }));
    }

    fn unknown(&mut self, dropped: &Dropped, reason: Option<String>) {
        let offset = self.offset();
        let unknown = self.unknown.get_or_insert_with(|| Unknown {
            dropped: Dropped::new(),
            offset,
            n_values: 0,
            n_pieces: 0,
            reason: None,
        });
        unknown.dropped.append(dropped);
        unknown.n_pieces += 1;
        unknown.n_values += u64::from(reason.is_none());
        unknown.reason = unknown.reason.take().or(reason);
    }

    fn flush(&mut self) {
        let Some(unknown) = self.unknown.take() else { return };
        self.grants.broke();
        let reason = match (unknown.n_values, unknown.reason) {
            (0, Some(reason)) => reason,
            (1, _) => format!("kind not recognised; {EXPECTED}"),
            (n, _) => format!("kind of {n} values not recognised; {EXPECTED}"),
        };
        let n_pieces = unknown.n_pieces.to_string();
        self.reject(unknown.dropped, &reason, self.options.provider, unknown.offset);
        if let (Some(Item::Rejected(letter)), true) = (self.ready.back_mut(), unknown.n_pieces > 1) {
            *letter = letter.clone().with_headers(None, [(N_VALUES, n_pieces.as_bytes())].into_iter());
        }
    }

    fn reject(&mut self, dropped: Dropped, reason: &str, provider: Option<Provider>, offset: i64) {
        let topic = provider.map_or_else(unknown_topic, |provider| Text::from(raw_log_topic(provider)));
        let origin = self.origin(topic, offset);
        self.ready.push_back(Item::Rejected(dropped.dead_letter(reason, provider, origin, self.options.ingested_at)));
    }

    fn end(&mut self) {
        self.ended = true;
        self.flush();
        if !self.seen_any {
            let offset = self.offset();
            self.reject(Dropped::new(), "the file is empty", self.options.provider, offset);
        }
        if self.grants.is_empty() {
            return;
        }
        let grants = std::mem::take(&mut self.grants);
        if grants.overflowed() {
            let reason = format!(
                "the entitlements of this file are larger than `ingest.max_snapshot`, {} bytes; raise it to let all in",
                self.options.max_snapshot
            );
            let offset = self.offset();
            self.reject(Dropped::new(), &reason, None, offset);
        }
        if self.goes_on {
            let reason = "the answer goes on in another page, so nothing of it is used; put all pages into one answer";
            let offset = self.offset();
            self.reject(Dropped::new(), reason, None, offset);
        }
        let options = self.options.clone();
        let about = About {
            name: &options.name,
            hint: &options.path,
            collected_at: options.collected_at,
            ingested_at: options.ingested_at,
        };
        for grant in grants.finish(&about) {
            match grant {
                Ok(grant) => self.ready.push_back(Item::Grant(grant)),
                Err(list) => self.homeless(&list),
            }
        }
    }

    fn homeless(&mut self, lost: &Homeless) {
        let provider = lost.list.provider();
        let reason = format!(
            "`{}` does not say which account it is of; put the file into a folder named by the account",
            lost.list.name()
        );
        let mut dropped = Dropped::new();
        lost.bodies.iter().for_each(|body| dropped.add(body));
        let origin = self.origin(Text::from(raw_grant_topic(provider)), lost.offset);
        let letter = dropped.dead_letter(&reason, Some(provider), origin, self.options.ingested_at);
        self.ready.push_back(Item::Rejected(letter));
    }
}

impl<R: Read> Iterator for Split<R> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if self.ended {
                return None;
            }
            match self.pieces.next() {
                Some(piece) => self.take(piece),
                None => self.end(),
            }
        }
    }
}

/// The list of entitlements that a member's name alone tells, so that an empty one is a snapshot too.
fn grant_list(list: List) -> Option<GrantList> {
    match list {
        // `Policies` alone may be an answer of Organizations.
        List::Users | List::Groups | List::Roles => Some(GrantList::AwsAuthorizationDetails),
        List::Resources => Some(GrantList::AwsResources),
        _ => None,
    }
}

/// The record inside an entry of `aws cloudtrail lookup-events`.
fn unwrapped(entry: &[u8]) -> Option<Bytes> {
    let text = kind::member_of(entry, b"CloudTrailEvent")?;
    serde_json::from_slice::<String>(text).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests;
