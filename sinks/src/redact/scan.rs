//! Walks JSON once, from left to right, and notes what the list names. It takes anything and never fails: what is no
//! JSON makes it say so.

use std::ops::Range;

use super::{Edit, REDACTED, Redaction, by_name};

/// Deeper levels are walked, but their names are not remembered: no log nests so deep.
const MAX_DEPTH: usize = 256;
/// How often JSON may lie in a string of JSON in a string.
const MAX_NESTING: usize = 3;
/// Longer strings are searched by name alone: looking inside needs nine bytes of memory per byte.
const MAX_NESTED_BYTES: usize = 1 << 20;

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What to replace.
    pub(crate) edits: Vec<Edit>,
    /// Whether the bytes are not quite JSON.
    pub(crate) is_broken: bool,
}

/// An object or array that is open.
struct Level {
    /// The name it stands under.
    name: Option<Range<usize>>,
    /// Whether everything in it is to be replaced.
    is_listed: bool,
    is_object: bool,
}

struct Walk<'a> {
    list: &'a Redaction,
    bytes: &'a [u8],
    levels: Vec<Level>,
    /// Open levels past `MAX_DEPTH`.
    n_deeper: usize,
    /// The name whose value comes next.
    name: Option<Range<usize>>,
    nesting: usize,
    found: Found,
}

/// Walks `bytes`, which lie in `nesting` strings.
pub(crate) fn scan(list: &Redaction, bytes: &[u8], nesting: usize) -> Found {
    let found = Found::default();
    let mut walk = Walk { list, bytes, levels: Vec::new(), n_deeper: 0, name: None, nesting, found };
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'{' | b'[' => walk.open(at, *byte == b'{'),
            b'}' | b']' => walk.close(at),
            b'"' => walk.string(at),
            b',' => {
                walk.name = None;
                at + 1
            }
            b':' | b' ' | b'\t' | b'\r' | b'\n' => at + 1,
            _ => walk.bare(at),
        };
    }
    walk.found.is_broken |= !walk.levels.is_empty() || walk.n_deeper > 0;
    walk.found
}

impl Walk<'_> {
    fn open(&mut self, at: usize, is_object: bool) -> usize {
        let is_listed = self.is_listed();
        let name = self.name.take();
        if self.levels.len() < MAX_DEPTH {
            self.levels.push(Level { name, is_listed, is_object });
        } else {
            self.n_deeper += 1;
        }
        at + 1
    }

    fn close(&mut self, at: usize) -> usize {
        self.name = None;
        if self.n_deeper > 0 {
            self.n_deeper -= 1;
        } else if self.levels.pop().is_none() {
            self.found.is_broken = true;
        }
        at + 1
    }

    fn string(&mut self, at: usize) -> usize {
        let start = at + 1;
        let end = end_of_string(self.bytes, start);
        let after = (end + 1).min(self.bytes.len());
        self.found.is_broken |= end == self.bytes.len();
        if self.may_name() && followed_by_colon(self.bytes, after) {
            self.name = Some(start..end);
            return after;
        }
        if self.is_listed() {
            self.found.edits.push(Edit { range: start..end, with: REDACTED });
        } else {
            self.look_inside(start..end);
        }
        self.name = None;
        after
    }

    /// A number or a word; anything else is no JSON.
    fn bare(&mut self, at: usize) -> usize {
        let is_end =
            |byte: &u8| matches!(byte, b',' | b']' | b'}' | b'[' | b'{' | b':' | b'"' | b' ' | b'\t' | b'\r' | b'\n');
        let end = self.bytes[at..].iter().position(is_end).map_or(self.bytes.len(), |length| at + length);
        let word = &self.bytes[at..end];
        match word {
            [b'-' | b'0'..=b'9', ..] => {
                if self.is_listed() {
                    self.found.edits.push(Edit { range: at..end, with: b"0" });
                }
            }
            b"true" | b"false" | b"null" => {}
            _ => self.found.is_broken = true,
        }
        self.name = None;
        end
    }

    /// Whether a string here can be a name: in an object, or where nothing is open.
    fn may_name(&self) -> bool {
        self.name.is_none() && self.levels.last().is_none_or(|level| level.is_object || self.n_deeper > 0)
    }

    /// Whether the value that comes next is to be replaced.
    fn is_listed(&self) -> bool {
        if self.levels.last().is_some_and(|level| level.is_listed) {
            return true;
        }
        let Some(name) = self.name.clone() else { return false };
        let parents = self.levels.iter().rev().filter_map(|level| level.name.clone());
        self.list.matches(&self.bytes[name], parents.map(|name| &self.bytes[name]))
    }

    /// JSON in a string: unescapes it, walks it, and carries what was found back to where it stands here.
    fn look_inside(&mut self, range: Range<usize>) {
        let text = &self.bytes[range.clone()];
        let starts_json =
            text.iter().find(|byte| !matches!(byte, b' ' | b'\t')).is_some_and(|byte| b"{[".contains(byte));
        if !starts_json || memchr::memchr(b'\\', text).is_none() {
            return;
        }
        if text.len() > MAX_NESTED_BYTES || self.nesting >= MAX_NESTING {
            by_name::search(self.list, self.bytes, range, &mut self.found.edits);
            return;
        }
        let (inner, places) = unescape(text);
        let mut found = scan(self.list, &inner, self.nesting + 1);
        if found.is_broken {
            by_name::search(self.list, &inner, 0..inner.len(), &mut found.edits);
        }
        for Edit { range: Range { start, end }, with } in found.edits {
            let there = |place: usize| range.start + places.get(place).map_or(text.len(), |place| *place as usize);
            self.found.edits.push(Edit { range: there(start)..there(end), with });
        }
    }
}

/// The place of the quote that ends a string whose content starts at `start`, or the end of the bytes.
pub(super) fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(skip) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += skip;
        if bytes[at] == b'"' {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

fn followed_by_colon(bytes: &[u8], at: usize) -> bool {
    let mut rest = bytes.get(at..).unwrap_or_default().iter();
    rest.find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) == Some(&b':')
}

/// Undoes the escapes of a string, with the place each byte came from. `\uXXXX` becomes one `?`: no name on a list
/// and no JSON syntax is written that way.
fn unescape(text: &[u8]) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        places.push(u32::try_from(at).unwrap_or(u32::MAX));
        let (plain, length) = match (byte, text.get(at + 1)) {
            (b'\\', Some(b'n' | b'r' | b't' | b'b' | b'f')) => (b' ', 2),
            (b'\\', Some(b'u')) => (b'?', 6),
            (b'\\', Some(other)) => (*other, 2),
            _ => (*byte, 1),
        };
        bytes.push(plain);
        at += length;
    }
    (bytes, places)
}
