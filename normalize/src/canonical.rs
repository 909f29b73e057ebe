//! The canonical hash of a JSON text: what a record says, whatever its spacing, member order and escapes.
//!
//! Two records are copies when the provider's id and this hash are equal. Strings are hashed unescaped, numbers by their
//! digits (`1.0` and `1` differ: the cloud wrote two texts), an object by the sum of its members' hashes, so that order
//! does not matter and a key that stands twice counts twice. One pass without a tree: the tree of `serde_json::Value`
//! costs several times as much as all the rest of this room.

use std::ops::Range;

use crate::error::Reject;

mod frame;

use frame::{Frame, Hash};

/// The deepest nesting that is read. Real records stay under 20; the readers behind this recurse, so it must be bounded.
pub(crate) const MAX_DEPTH: usize = 128;

/// A member of the record's own object: where its name and its value stand in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The name between its quotes.
    pub(crate) name: Range<usize>,
    /// The value, with its quotes.
    pub(crate) value: Range<usize>,
    /// Whether name and value stand for themselves: neither holds an escape.
    pub(crate) is_plain: bool,
}

/// Hashes texts; keeps its buffers from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Canonical {
    open: Vec<Frame>,
    unescaped: Vec<u8>,
    members: Vec<Member>,
}

impl Canonical {
    /// Checks that a text is JSON and hashes it by its structure. [`Self::members`] then has the members of its object.
    ///
    /// # Errors
    /// When it is not JSON or nested too deep.
    pub(crate) fn hash(&mut self, text: &str) -> Result<u128, Reject> {
        self.open.clear();
        self.members.clear();
        let mut scanner = Scanner { bytes: text.as_bytes(), at: 0, has_escape: false, unescaped: &mut self.unescaped };
        loop {
            let is_member = self.open.len() == 1 && self.open[0].is_object;
            if is_member {
                let (name, is_plain) = (self.open[0].name.clone(), self.open[0].is_plain);
                scanner.skip_space();
                self.members.push(Member { name, value: scanner.at..scanner.at, is_plain });
            }
            scanner.has_escape = false;
            let Some(mut value) = scanner.value(&mut self.open)? else { continue };
            if is_member && let Some(member) = self.members.last_mut() {
                member.value.end = scanner.at;
                member.is_plain &= !scanner.has_escape;
            }
            loop {
                let Some(frame) = self.open.last_mut() else { return scanner.end().map(|()| value.joined()) };
                frame.add(value);
                match (scanner.next()?, frame.is_object) {
                    (b',', true) => {
                        scanner.key(frame)?;
                        break;
                    }
                    (b',', false) => break,
                    (b'}', true) | (b']', false) => {
                        value = frame.close();
                        self.open.pop();
                        if self.open.len() == 1
                            && let Some(member) = self.members.last_mut()
                        {
                            member.value.end = scanner.at;
                        }
                    }
                    (_, true) => return Err(scanner.expected("`,` or `}`")),
                    (_, false) => return Err(scanner.expected("`,` or `]`")),
                }
            }
        }
    }

    /// The members of the object hashed last, in the order of the text; none when it was no object.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }
}

/// Hashes one text.
#[cfg(test)]
pub(crate) fn hash(text: &str) -> Result<u128, Reject> {
    Canonical::default().hash(text)
}

struct Scanner<'a, 'b> {
    bytes: &'a [u8],
    /// The place after the last byte taken.
    at: usize,
    /// Whether a string since this was cleared holds an escape.
    has_escape: bool,
    unescaped: &'b mut Vec<u8>,
}

impl Scanner<'_, '_> {
    /// Takes a value; `None` when it opened an object or array whose first value comes next.
    fn value(&mut self, open: &mut Vec<Frame>) -> Result<Option<Hash>, Reject> {
        match self.next()? {
            b'"' => self.string().map(Some),
            b'{' => self.open(true, b'}', open),
            b'[' => self.open(false, b']', open),
            b't' => self.literal("true").map(Some),
            b'f' => self.literal("false").map(Some),
            b'n' => self.literal("null").map(Some),
            b'-' | b'0'..=b'9' => self.number().map(Some),
            _ => Err(self.expected("a value")),
        }
    }

    fn open(&mut self, is_object: bool, closing: u8, open: &mut Vec<Frame>) -> Result<Option<Hash>, Reject> {
        let mut frame = Frame::new(is_object);
        self.skip_space();
        if self.bytes.get(self.at) == Some(&closing) {
            self.at += 1;
            return Ok(Some(frame.close()));
        }
        if open.len() == MAX_DEPTH {
            return Err(Reject::TooDeep { max: MAX_DEPTH });
        }
        if is_object {
            self.key(&mut frame)?;
        }
        open.push(frame);
        Ok(None)
    }

    /// Takes a member's name and the colon behind it.
    fn key(&mut self, frame: &mut Frame) -> Result<(), Reject> {
        if self.next()? != b'"' {
            return Err(self.expected("a member's name"));
        }
        let start = self.at;
        self.has_escape = false;
        frame.key = self.string()?;
        frame.name = start..self.at - 1;
        frame.is_plain = !self.has_escape;
        if self.next()? == b':' { Ok(()) } else { Err(self.expected("`:`")) }
    }

    fn literal(&mut self, word: &'static str) -> Result<Hash, Reject> {
        let start = self.at - 1;
        if !self.bytes[start..].starts_with(word.as_bytes()) {
            return Err(self.expected("`true`, `false` or `null`"));
        }
        self.at = start + word.len();
        Ok(Hash::of_plain(word.as_bytes()))
    }

    /// Takes a number whose first byte was taken.
    fn number(&mut self) -> Result<Hash, Reject> {
        let start = self.at - 1;
        let whole = if self.bytes[start] == b'-' { start + 1 } else { start };
        self.at = whole;
        self.digits()?;
        if self.bytes[whole] == b'0' && self.at > whole + 1 {
            self.at = whole + 2;
            return Err(self.expected("no digit after a leading zero"));
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Hash::of_plain(&self.bytes[start..self.at]))
    }

    /// Takes one digit or more.
    fn digits(&mut self) -> Result<(), Reject> {
        let n = self.bytes[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += n.max(1);
        if n == 0 { Err(self.expected("a digit")) } else { Ok(()) }
    }

    /// Takes a string whose opening quote was taken.
    fn string(&mut self) -> Result<Hash, Reject> {
        let start = self.at;
        self.skip_plain()?;
        if self.bytes[self.at] == b'"' {
            self.at += 1;
            return Ok(Hash::of_string(&self.bytes[start..self.at - 1]));
        }
        self.has_escape = true;
        self.unescaped.clear();
        let mut from = start;
        loop {
            self.unescaped.extend_from_slice(&self.bytes[from..self.at]);
            let escaped = self.bytes[self.at] == b'\\';
            self.at += 1;
            if !escaped {
                return Ok(Hash::of_string(self.unescaped));
            }
            self.escape()?;
            from = self.at;
            self.skip_plain()?;
        }
    }

    /// Moves to the next quote or backslash, eight bytes at a time.
    fn skip_plain(&mut self) -> Result<(), Reject> {
        while let Some(chunk) = self.bytes.get(self.at..self.at + 8) {
            let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
            let found = bytes_equal(word, b'"') | bytes_equal(word, b'\\') | bytes_below(word, b' ');
            if found != 0 {
                self.at += (found.trailing_zeros() / 8) as usize;
                return self.no_control();
            }
            self.at += 8;
        }
        let rest = &self.bytes[self.at..];
        let n = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..b' ')).unwrap_or(rest.len());
        self.at += n;
        if n == rest.len() { Err(self.expected("a closing quote")) } else { self.no_control() }
    }

    fn no_control(&mut self) -> Result<(), Reject> {
        if self.bytes[self.at] >= b' ' {
            return Ok(());
        }
        self.at += 1;
        Err(self.expected("a control character to be escaped"))
    }

    /// Takes what follows a backslash. A lone surrogate is written as its three bytes.
    fn escape(&mut self) -> Result<(), Reject> {
        let plain = match self.bytes.get(self.at) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'u') => return self.unicode_escape(),
            Some(b'"' | b'\\' | b'/') => self.bytes[self.at],
            _ => {
                self.at += 1;
                return Err(self.expected("an escape"));
            }
        };
        self.at += 1;
        self.unescaped.push(plain);
        Ok(())
    }

    fn unicode_escape(&mut self) -> Result<(), Reject> {
        let first = self.four_digits()?;
        let mut code = first;
        if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 1;
            let second = self.four_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            } else {
                self.at = back;
            }
        }
        match char::from_u32(code) {
            Some(char) => self.unescaped.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            None => self.unescaped.extend([
                0xe0 | (code >> 12) as u8,
                0x80 | (code >> 6) as u8 & 0x3f,
                0x80 | code as u8 & 0x3f,
            ]),
        }
        Ok(())
    }

    /// Takes `uXXXX`.
    fn four_digits(&mut self) -> Result<u32, Reject> {
        let digits = self.bytes.get(self.at + 1..self.at + 5).and_then(|hex| std::str::from_utf8(hex).ok());
        let digits = digits.filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = digits.and_then(|hex| u32::from_str_radix(hex, 16).ok()) else {
            return Err(self.expected("four hexadecimal digits"));
        };
        self.at += 5;
        Ok(code)
    }

    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Takes the next byte that is no space.
    fn next(&mut self) -> Result<u8, Reject> {
        self.skip_space();
        let Some(byte) = self.bytes.get(self.at) else {
            self.at = self.bytes.len() + 1;
            return Err(self.expected("more, but the record ends"));
        };
        self.at += 1;
        Ok(*byte)
    }

    fn end(&mut self) -> Result<(), Reject> {
        self.skip_space();
        if self.at == self.bytes.len() {
            return Ok(());
        }
        self.at += 1;
        Err(self.expected("the end of the record"))
    }

    fn expected(&self, expected: &'static str) -> Reject {
        Reject::NotJson { at: self.at.saturating_sub(1), expected }
    }
}

/// Sets the high bit of each byte that equals `byte`, exactly up to the first one.
fn bytes_equal(word: u64, byte: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let zeroed = word ^ (ONES * u64::from(byte));
    zeroed.wrapping_sub(ONES) & !zeroed & (ONES << 7)
}

/// Sets the high bit of each byte that is less than `limit`, exactly up to the first one.
fn bytes_below(word: u64, limit: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    word.wrapping_sub(ONES * u64::from(limit)) & !word & (ONES << 7)
}

#[cfg(test)]
#[path = "canonical/tests.rs"]
mod tests;
