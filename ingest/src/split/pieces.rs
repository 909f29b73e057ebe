//! Cuts a stream of bytes into JSON records: lines, arrays, and the lists that envelopes hold.

mod envelope;
mod lost;
mod report;

use std::io::Read;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use super::dropped::{Dropped, Why};
use super::list::List;
use super::walker::{Step, Walker};

/// How much is read at once. Records are slices of such chunks; a record that is kept keeps its chunk.
const CHUNK_BYTES: usize = 256 << 10;
/// How far into an object a list is looked for behind members about paging.
const HEAD_BYTES: usize = 64 << 10;
/// A longer first key is not used to find the next record behind a broken one.
const PATTERN_BYTES: usize = 256;

/// One thing found.
#[derive(Debug)]
pub(crate) enum Piece {
    /// A list begins.
    Opened(List),
    /// A whole value: a record, an object of a list, or a document.
    Element { bytes: Bytes, list: Option<List>, at: u64 },
    /// The answer in the envelope goes on in another file.
    Truncated,
    /// Bytes that are no record.
    Broken { why: Why, dropped: Dropped, at: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Between two values.
    Top,
    /// At the start of an object that may be an envelope.
    Head,
    /// In a value outside of any list.
    Value,
    /// Between two elements of a list.
    List(List),
    /// In an element of a list.
    Element(List),
    /// In an envelope, outside of its lists.
    Rest,
    /// In another member's value there.
    Skipped,
    /// Behind a broken element, looking for the next.
    Lost(List),
    /// Behind a broken value, looking for the next line.
    LostLine,
    /// In a credential report, which goes to the end of its file.
    Report,
    /// At the end.
    End,
}

enum Turn {
    Found(Piece),
    Again,
    More,
}

/// Reads pieces. What it holds is bounded by the largest record allowed plus a chunk.
pub(crate) struct Pieces<R> {
    reader: R,
    max_record: usize,
    buffer: BytesMut,
    base: u64,
    ended: bool,
    wanted: usize,
    trouble: Option<String>,
    place: Place,
    walker: Walker,
    lines: Option<bool>,
    broke_line: bool,
    after_value: bool,
    dropped: Dropped,
    dropped_at: u64,
    why: Why,
    pattern: Vec<u8>,
    seen_truncated: bool,
    key_is_truncated: bool,
    safe: u64,
    rewalked: u64,
}

impl<R> std::fmt::Debug for Pieces<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at byte {}", self.place, self.base)
    }
}

impl<R: Read> Pieces<R> {
    pub(crate) fn new(reader: R, max_record: usize) -> Self {
        Self {
            reader,
            max_record,
            buffer: BytesMut::new(),
            base: 0,
            ended: false,
            wanted: CHUNK_BYTES / 16,
            trouble: None,
            place: Place::Top,
            walker: Walker::new(false),
            lines: None,
            broke_line: false,
            after_value: false,
            dropped: Dropped::new(),
            dropped_at: 0,
            why: Why::Stray,
            pattern: Vec::new(),
            seen_truncated: false,
            key_is_truncated: false,
            safe: 0,
            rewalked: 0,
        }
    }

    /// Whether the input has one value a line; `None` before that can be told.
    pub(crate) fn is_lines(&self) -> Option<bool> {
        self.lines
    }

    /// The byte behind the last whole value outside of any list: where reading may begin anew.
    pub(crate) fn safe_at(&self) -> u64 {
        self.safe
    }

    /// The next piece; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Piece> {
        loop {
            let turn = match self.place {
                Place::Top => self.top(),
                Place::Head => self.head(),
                Place::Value => self.value(None),
                Place::List(list) => self.list(list),
                Place::Element(list) => self.value(Some(list)),
                Place::Rest => self.rest(),
                Place::Skipped => self.skipped(),
                Place::Lost(list) => self.lost(list),
                Place::LostLine => self.lost_line(),
                Place::Report => self.report(),
                Place::End => return None,
            };
            match turn {
                Turn::Found(piece) => return Some(piece),
                Turn::Again => {}
                Turn::More if self.ended => return self.at_end(),
                Turn::More => self.fill(),
            }
        }
    }

    /// Reads a chunk; at the end of the input, says so once and for all.
    fn fill(&mut self) {
        while !self.ended {
            let filled = self.buffer.len();
            self.buffer.resize(filled + self.wanted, 0);
            let result = self.reader.read(self.buffer.get_mut(filled..).unwrap_or_default());
            let n = result.as_ref().copied().unwrap_or(0);
            self.buffer.truncate(filled + n);
            // Asks for what the reader gives, so that one that gives little at a time costs no clearing of much.
            self.wanted = if n == self.wanted { 2 * n } else { self.wanted.min(2 * n) }.clamp(64, CHUNK_BYTES);
            match result {
                Ok(0) => self.ended = true,
                Ok(_) => return,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.trouble = Some(error.to_string());
                }
            }
        }
    }

    fn take(&mut self, n: usize) -> Bytes {
        let n = n.min(self.buffer.len());
        self.base += n as u64;
        self.buffer.split_to(n).freeze()
    }

    fn pass(&mut self, n: usize) {
        let n = n.min(self.buffer.len());
        self.base += n as u64;
        self.buffer.advance(n);
    }

    fn drop_bytes(&mut self, n: usize) {
        let n = n.min(self.buffer.len());
        if self.dropped.is_empty() {
            self.dropped_at = self.base;
        }
        self.dropped.add(self.buffer.get(..n).unwrap_or_default());
        self.pass(n);
    }

    fn broken(&mut self, why: Why) -> Piece {
        let dropped = std::mem::replace(&mut self.dropped, Dropped::new());
        let at = if dropped.is_empty() { self.base } else { self.dropped_at };
        Piece::Broken { why, dropped, at }
    }

    fn go(&mut self, place: Place) -> Turn {
        self.place = place;
        self.walker = Walker::new(self.lines == Some(true));
        Turn::Again
    }

    /// Skips white space and commas; tells the byte that follows.
    fn skip(&mut self, over_lines: bool) -> Option<u8> {
        let mut n = 0;
        let next = loop {
            match self.buffer.get(n).copied() {
                Some(b'\n') if !over_lines && self.lines == Some(true) => break Some(b'\n'),
                Some(byte @ (b' ' | b'\t' | b'\r' | b'\n' | b',')) => {
                    self.broke_line |= byte == b'\n';
                    n += 1;
                }
                other => break other,
            }
        };
        self.pass(n);
        next
    }

    fn top(&mut self) -> Turn {
        if self.base == 0 && self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.pass(3);
        }
        if let Some(turn) = self.begins_report() {
            return turn;
        }
        let within = std::mem::replace(&mut self.broke_line, false);
        let next = self.skip(true);
        let follows = std::mem::replace(&mut self.broke_line, within);
        if follows && self.after_value && self.lines.is_none() {
            self.lines = Some(!within);
        }
        if self.dropped.is_empty() {
            self.safe = self.base;
        }
        match next {
            None => return Turn::More,
            Some(b'\x1e') => {
                self.pass(1);
                return Turn::Again;
            }
            Some(b'{' | b'[') => {}
            Some(_) => return self.stray(),
        }
        let first = super::walker::skip_space(&self.buffer, 1);
        let Some(first) = self.buffer.get(first).copied() else {
            return if self.ended { self.stray() } else { Turn::More };
        };
        let is_list = next == Some(b'[');
        if !matches!((is_list, first), (true, b'{' | b']') | (false, b'"' | b'}')) {
            return self.stray();
        }
        if !self.dropped.is_empty() {
            return Turn::Found(self.broken(Why::Stray));
        }
        self.broke_line = false;
        self.after_value = false;
        self.seen_truncated = false;
        if is_list {
            self.pass(1);
            self.go(Place::List(List::Bare));
            return Turn::Found(Piece::Opened(List::Bare));
        }
        self.go(Place::Head)
    }

    /// Drops what is left of the line.
    fn stray(&mut self) -> Turn {
        self.why = Why::Stray;
        match memchr(b'\n', &self.buffer) {
            Some(n) => {
                self.drop_bytes(n + 1);
                self.safe = self.base;
                Turn::Again
            }
            None => {
                self.drop_bytes(self.buffer.len());
                self.go(Place::LostLine)
            }
        }
    }

    /// Walks over a value; `list` is where it stands.
    fn value(&mut self, list: Option<List>) -> Turn {
        let step = match self.walker.walk(&self.buffer) {
            Step::More if self.ended && self.walker.ends_with_input() => Step::Done,
            step => step,
        };
        match step {
            Step::Done => {
                if !self.dropped.is_empty() || self.walker.at > self.max_record {
                    self.drop_bytes(self.walker.at);
                    self.behind(list);
                    return Turn::Found(self.broken(Why::TooLarge(self.max_record)));
                }
                self.element(list)
            }
            Step::More => {
                if self.walker.at > self.max_record {
                    self.drop_bytes(self.walker.at);
                    self.walker.at = 0;
                    self.walker.last_line = None;
                    self.walker.object_line = None;
                }
                Turn::More
            }
            Step::Bad => self.bad(list),
        }
    }

    /// Goes to where a value of that list is followed by another.
    fn behind(&mut self, list: Option<List>) {
        self.broke_line |= self.walker.last_line.is_some();
        match list {
            Some(list) => {
                self.go(Place::List(list));
            }
            None => self.finished(),
        }
    }

    /// A value outside of any list is whole.
    fn finished(&mut self) {
        self.safe = self.base;
        self.after_value = true;
        self.go(Place::Top);
    }

    fn element(&mut self, list: Option<List>) -> Turn {
        let (at, n, deepest) = (self.base, self.walker.at, self.walker.deepest);
        let bytes = self.take(n);
        self.behind(list);
        let why = match std::str::from_utf8(&bytes) {
            Err(error) => Why::NotUtf8(error.valid_up_to()),
            Ok(_) if deepest > super::MAX_DEPTH => Why::TooDeep,
            Ok(_) => {
                if list.is_some() && self.pattern.is_empty() {
                    self.pattern = first_key(&bytes);
                }
                return Turn::Found(Piece::Element { bytes, list, at });
            }
        };
        Turn::Found(Piece::Broken { why, dropped: Dropped::of(&bytes), at })
    }

    /// The input has ended; tells what that breaks.
    fn at_end(&mut self) -> Option<Piece> {
        let place = std::mem::replace(&mut self.place, Place::End);
        let trouble = self.trouble.take().map(Why::Read);
        let why = match place {
            Place::Report => Some(trouble.unwrap_or(Why::TooLarge(self.max_record))),
            Place::Value | Place::Element(_) if !self.dropped.is_empty() => Some(Why::TooLarge(self.max_record)),
            Place::Head | Place::Value | Place::Element(_) => Some(trouble.unwrap_or(Why::HalfEnd)),
            Place::List(_) | Place::Rest | Place::Skipped => Some(trouble.unwrap_or(Why::Unclosed)),
            Place::Lost(_) | Place::LostLine => Some(self.why.clone()),
            Place::Top => trouble.or_else(|| (!self.dropped.is_empty()).then_some(Why::Stray)),
            Place::End => None,
        }?;
        self.drop_bytes(self.buffer.len());
        Some(self.broken(why))
    }
}

/// The bytes of an object from its brace through its first key.
fn first_key(object: &[u8]) -> Vec<u8> {
    let from = super::walker::skip_space(object, 1);
    let mut walker = Walker::new(false);
    let rest = object.get(from..).unwrap_or_default();
    if !rest.starts_with(b"\"") || walker.walk(rest) != Step::Done || from + walker.at > PATTERN_BYTES {
        return Vec::new();
    }
    object.get(..from + walker.at).unwrap_or_default().to_vec()
}
