//! Finds where one JSON value ends, a chunk at a time, without looking at what it says.

use memchr::memchr3;

/// How many levels keep their container's type; below them the grammar is no longer checked, only counted.
const TYPED_LEVELS: u32 = 1024;

/// What a walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The value ends right before [`Walker::at`].
    Done,
    /// The bytes end inside the value.
    More,
    /// No JSON value goes on like this.
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Open,
    Comma,
    Colon,
    Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Between,
    Text,
    Escape,
    Scalar,
}

/// Walks over one value. Give it the bytes from the value's start again with more of them behind; it goes on at `at`.
#[derive(Clone, Debug)]
pub(crate) struct Walker {
    /// How far it has walked from the value's start (or since the caller set it back).
    pub(crate) at: usize,
    /// The deepest nesting so far.
    pub(crate) deepest: u32,
    /// Behind the last line break inside the value.
    pub(crate) last_line: Option<usize>,
    /// The first line inside the value that begins with `{`.
    pub(crate) object_line: Option<usize>,
    lines: bool,
    depth: u32,
    objects: [u64; (TYPED_LEVELS / 64) as usize],
    last: Last,
    part: Part,
}

impl Walker {
    /// Starts at a value's first byte. With `lines`, a line break inside the value is an error, as in JSON lines.
    pub(crate) fn new(lines: bool) -> Self {
        Self {
            at: 0,
            deepest: 0,
            last_line: None,
            object_line: None,
            lines,
            depth: 0,
            objects: [0; (TYPED_LEVELS / 64) as usize],
            last: Last::Open,
            part: Part::Between,
        }
    }

    /// Whether the end of all input ends the value, which is so for a number or a word outside of any container.
    pub(crate) fn ends_with_input(&self) -> bool {
        self.depth == 0 && self.part == Part::Scalar
    }

    /// Walks on.
    pub(crate) fn walk(&mut self, bytes: &[u8]) -> Step {
        while self.at < bytes.len() {
            let step = match self.part {
                Part::Text => self.text(bytes),
                Part::Escape => {
                    self.at += 1;
                    self.part = Part::Text;
                    Step::More
                }
                Part::Scalar => self.scalar(bytes),
                Part::Between => self.between(bytes),
            };
            if step != Step::More {
                return step;
            }
        }
        Step::More
    }

    fn text(&mut self, bytes: &[u8]) -> Step {
        let Some(found) = memchr3(b'"', b'\\', b'\n', bytes.get(self.at..).unwrap_or_default()) else {
            self.at = bytes.len();
            return Step::More;
        };
        self.at += found;
        match bytes.get(self.at) {
            Some(b'"') => {
                self.at += 1;
                self.ended()
            }
            Some(b'\\') => {
                self.at += 1;
                self.part = Part::Escape;
                Step::More
            }
            _ => {
                self.last_line = Some(self.at + 1);
                Step::Bad
            }
        }
    }

    fn scalar(&mut self, bytes: &[u8]) -> Step {
        let rest = bytes.get(self.at..).unwrap_or_default();
        let Some(n) = rest.iter().position(|byte| is_structure(*byte)) else {
            self.at = bytes.len();
            return Step::More;
        };
        self.at += n;
        self.ended()
    }

    fn ended(&mut self) -> Step {
        self.part = Part::Between;
        self.last = Last::Value;
        if self.depth == 0 { Step::Done } else { Step::More }
    }

    fn between(&mut self, bytes: &[u8]) -> Step {
        let Some(byte) = bytes.get(self.at).copied() else { return Step::More };
        let fits = match byte {
            b' ' | b'\t' | b'\r' => true,
            b'\n' => return self.line_break(),
            b'"' => {
                self.part = Part::Text;
                self.takes_text()
            }
            b'{' => {
                if self.at > 0 && self.last_line == Some(self.at) && self.object_line.is_none() {
                    self.object_line = Some(self.at);
                }
                self.open(true)
            }
            b'[' => self.open(false),
            b'}' | b']' => self.close(byte == b'}'),
            b',' => self.turn(Last::Comma),
            b':' => self.in_object() != Some(false) && self.turn(Last::Colon),
            _ => {
                self.part = Part::Scalar;
                self.takes_value()
            }
        };
        if !fits {
            return Step::Bad;
        }
        self.at += 1;
        if self.depth == 0 && self.last == Last::Value { Step::Done } else { Step::More }
    }

    fn line_break(&mut self) -> Step {
        self.last_line = Some(self.at + 1);
        if self.lines {
            return Step::Bad;
        }
        self.at += 1;
        Step::More
    }

    fn turn(&mut self, to: Last) -> bool {
        let fits = self.depth > 0 && self.last == Last::Value;
        self.last = to;
        fits
    }

    fn takes_text(&self) -> bool {
        match self.in_object() {
            Some(true) => self.last != Last::Value,
            _ => self.takes_value(),
        }
    }

    fn takes_value(&self) -> bool {
        match self.in_object() {
            Some(true) => self.last == Last::Colon,
            Some(false) => matches!(self.last, Last::Open | Last::Comma),
            None => self.last != Last::Value,
        }
    }

    fn open(&mut self, object: bool) -> bool {
        if !self.takes_value() {
            return false;
        }
        if let Some(word) = self.objects.get_mut((self.depth / 64) as usize) {
            let bit = 1 << (self.depth % 64);
            *word = if object { *word | bit } else { *word & !bit };
        }
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        self.last = Last::Open;
        true
    }

    fn close(&mut self, object: bool) -> bool {
        let same = self.in_object().is_none_or(|is_object| is_object == object);
        if self.depth == 0 || !same || !matches!(self.last, Last::Value | Last::Open) {
            return false;
        }
        self.depth -= 1;
        self.last = Last::Value;
        true
    }

    /// Whether the innermost container is an object; `None` outside of all and too deep inside to know.
    fn in_object(&self) -> Option<bool> {
        let level = self.depth.checked_sub(1)?;
        let word = self.objects.get((level / 64) as usize)?;
        Some(word & (1 << (level % 64)) != 0)
    }
}

fn is_structure(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']')
}

/// Skips white space.
pub(crate) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The members of one whole JSON object, its keys raw (without the quotes, escapes as they stand) and values raw.
/// Ends early where the object is malformed.
pub(crate) fn members(object: &[u8]) -> Members<'_> {
    let at = skip_space(object, 0);
    Members { object, at: if object.get(at) == Some(&b'{') { at + 1 } else { object.len() } }
}

/// See [`members`].
#[derive(Debug)]
pub(crate) struct Members<'b> {
    object: &'b [u8],
    at: usize,
}

impl<'b> Members<'b> {
    fn value(&mut self) -> Option<&'b [u8]> {
        let start = skip_space(self.object, self.at);
        let rest = self.object.get(start..)?;
        let mut walker = Walker::new(false);
        let step = walker.walk(rest);
        if step != Step::Done && !walker.ends_with_input() {
            return None;
        }
        self.at = start + walker.at;
        rest.get(..walker.at)
    }
}

impl<'b> Iterator for Members<'b> {
    type Item = (&'b [u8], &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.at = skip_space(self.object, self.at);
        if self.object.get(self.at) == Some(&b',') {
            self.at = skip_space(self.object, self.at + 1);
        }
        if self.object.get(self.at) != Some(&b'"') {
            return None;
        }
        let key = unquoted(self.value()?)?;
        self.at = skip_space(self.object, self.at);
        if self.object.get(self.at) != Some(&b':') {
            return None;
        }
        self.at += 1;
        Some((key, self.value()?))
    }
}

/// The elements of one whole JSON array, raw. Ends early where the array is malformed.
pub(crate) fn elements(array: &[u8]) -> impl Iterator<Item = &[u8]> {
    let at = skip_space(array, 0);
    let mut inner = Members { object: array, at: if array.get(at) == Some(&b'[') { at + 1 } else { array.len() } };
    std::iter::from_fn(move || {
        inner.at = skip_space(array, inner.at);
        if array.get(inner.at) == Some(&b',') {
            inner.at = skip_space(array, inner.at + 1);
        }
        if matches!(array.get(inner.at), None | Some(b']')) { None } else { inner.value() }
    })
}

/// The bytes between the quotes of a JSON string; `None` for any other value.
pub(crate) fn unquoted(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(text: &str) -> (Step, usize) {
        let mut walker = Walker::new(false);
        (walker.walk(text.as_bytes()), walker.at)
    }

    #[test]
    fn a_value_ends_where_it_ends() {
        assert_eq!(walk(r#"{"a":[1,{"b":"]}\"{"}]} {"#), (Step::Done, 23));
        assert_eq!(walk(r#""a\\" x"#), (Step::Done, 5));
        assert_eq!(walk("12,"), (Step::Done, 2));
        assert_eq!(walk(r#"{"a":1"#), (Step::More, 6));
    }

    #[test]
    fn what_cannot_go_on_is_bad() {
        for text in [r#"{"a":{"b":2},{"c":3}]"#, "{]", r#"{"a" "b"}"#, "[1,]", r#"{"a":1{"#, "{{", "[:1]", "\"a\nb\""] {
            assert_eq!(walk(text).0, Step::Bad, "{text}");
        }
    }

    #[test]
    fn levels_beyond_the_typed_ones_are_still_counted() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(walk(&deep), (Step::Done, 10_000));
    }

    #[test]
    fn members_come_raw() {
        let object = br#" { "a" : 1 , "b\"" : {"c":[]},"d":"x" } "#;
        let found: Vec<_> =
            members(object).map(|(k, v)| format!("{}={}", k.escape_ascii(), v.escape_ascii())).collect();
        assert_eq!(found, [r"a=1", r#"b\\\"={\"c\":[]}"#, r#"d=\"x\""#]);
        assert_eq!(elements(b"[1, [2],\"3\"]").count(), 3);
    }
}
