//! JSON with the place of everything in it: `serde_json` checks the text, and a second pass over what it accepted takes
//! the spans down. Keys that stand twice are kept.

use std::cell::Cell;

/// Deepest nesting; `serde_json` stops at the same.
const MAX_DEPTH: usize = 128;

/// A value and its bytes in the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) value: Json,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) start: u32,
    pub(super) key: String,
    pub(super) value: Node,
}

/// Why a text is not JSON, and where: byte offset.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Broken {
    pub(super) at: u32,
    pub(super) why: String,
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn members(&self) -> &[Member] {
        match &self.value {
            Json::Object(members) => members,
            _ => &[],
        }
    }

    pub(super) fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Json::List(list) => Some(list),
            _ => None,
        }
    }

    /// A list, or the value alone where the language lets one stand for a list of one.
    pub(super) fn many(&self) -> &[Node] {
        self.list().unwrap_or(std::slice::from_ref(self))
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self.value, Json::Object(_))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Json::Null)
    }

    /// The value of a key, in any case; an exact match first.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let members = self.members();
        let exact = members.iter().find(|member| member.key == key);
        exact.or_else(|| members.iter().find(|m| m.key.eq_ignore_ascii_case(key))).map(|member| &member.value)
    }

    /// A string, number or boolean as text.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Json::Text(text) | Json::Number(text) => Some(text),
            Json::Bool(true) => Some("true"),
            Json::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::Text(_) => "a string",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }

    /// The value in `serde_json`'s words; of keys that stand twice the last.
    pub(super) fn to_value(&self) -> serde_json::Value {
        match &self.value {
            Json::Null => serde_json::Value::Null,
            Json::Bool(flag) => (*flag).into(),
            Json::Number(text) => serde_json::from_str(text).unwrap_or_default(),
            Json::Text(text) => text.as_str().into(),
            Json::List(list) => list.iter().map(Self::to_value).collect(),
            Json::Object(members) => serde_json::Value::Object(
                members.iter().map(|member| (member.key.clone(), member.value.to_value())).collect(),
            ),
        }
    }

    /// The JSON pointer (RFC 6901) of what stands at an offset.
    pub(super) fn pointer(&self, at: u32) -> String {
        let mut pointer = String::new();
        let mut node = self;
        loop {
            match &node.value {
                Json::Object(members) => {
                    let after = members.partition_point(|member| member.start <= at);
                    let Some(member) = after.checked_sub(1).and_then(|i| members.get(i)) else { break };
                    if at >= member.value.end {
                        break;
                    }
                    pointer.push('/');
                    pointer.push_str(&member.key.replace('~', "~0").replace('/', "~1"));
                    if at < member.value.start {
                        break;
                    }
                    node = &member.value;
                }
                Json::List(list) => {
                    let after = list.partition_point(|item| item.start <= at);
                    let Some(i) = after.checked_sub(1).filter(|i| at < list[*i].end) else { break };
                    pointer.push_str(&format!("/{i}"));
                    node = &list[i];
                }
                _ => break,
            }
        }
        pointer
    }

    /// Sets every place to one: of a document that is written inside a string.
    pub(super) fn put_at(&mut self, start: u32, end: u32) {
        (self.start, self.end) = (start, end);
        match &mut self.value {
            Json::List(list) => list.iter_mut().for_each(|item| item.put_at(start, end)),
            Json::Object(members) => members.iter_mut().for_each(|member| {
                member.start = start;
                member.value.put_at(start, end);
            }),
            _ => {}
        }
    }
}

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Node, Broken> {
    if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
        let why = error.to_string();
        let why = why.split(" at line ").next().unwrap_or_default().to_owned();
        return Err(Broken { at: offset(text, error.line(), error.column()), why });
    }
    let mut pass = Pass { bytes: text.as_bytes(), text, at: 0 };
    pass.node(0).ok_or(Broken { at: pass.at as u32, why: "unexpected text".to_owned() })
}

/// The byte offset of a line and a column, both from 1, the column in bytes as `serde_json` counts.
fn offset(text: &str, line: usize, column: usize) -> u32 {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column.saturating_sub(1)).min(text.len()) as u32
}

struct Pass<'t> {
    bytes: &'t [u8],
    text: &'t str,
    at: usize,
}

impl Pass<'_> {
    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// Whether the next byte is this one, and over it.
    fn over(&mut self, byte: u8) -> bool {
        self.space();
        let is = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is);
        is
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        self.space();
        let start = self.at as u32;
        let value = match self.bytes.get(self.at)? {
            _ if depth > MAX_DEPTH => return None,
            b'{' => self.object(depth)?,
            b'[' => self.items(depth)?,
            b'"' => Json::Text(self.string()?),
            b't' | b'f' | b'n' => match self.word() {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                _ => Json::Null,
            },
            _ => Json::Number(self.word().to_owned()),
        };
        Some(Node { start, end: self.at as u32, value })
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut members = Vec::new();
        while !self.over(b'}') {
            self.over(b',');
            self.space();
            let start = self.at as u32;
            let key = self.string()?;
            self.over(b':');
            members.push(Member { start, key, value: self.node(depth + 1)? });
        }
        Some(Json::Object(members))
    }

    fn items(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut list = Vec::new();
        while !self.over(b']') {
            self.over(b',');
            list.push(self.node(depth + 1)?);
        }
        Some(Json::List(list))
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let written = self.text.get(start..self.at)?;
        if written.contains('\\') {
            return serde_json::from_str(written).ok();
        }
        written.get(1..written.len() - 1).map(str::to_owned)
    }

    fn word(&mut self) -> &str {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        // Never an endless loop, whatever stands here.
        self.at = self.at.max(start + 1).min(self.bytes.len());
        self.text.get(start..self.at).unwrap_or_default()
    }
}

/// Line and column of an offset, both from 1, the column in characters.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<u32>,
    /// The place that was asked last: offset, line, column. Places are asked in order, and a file may be one long line.
    last: Cell<(u32, u32, u32)>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at as u32 + 1);
        Self { text, starts: std::iter::once(0).chain(after).collect(), last: Cell::new((0, 1, 1)) }
    }

    pub(super) fn place(&self, at: u32) -> (u32, u32) {
        let at = at.min(self.text.len() as u32);
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let (last_at, last_line, last_column) = self.last.get();
        let (from, column) = match last_line == line as u32 && last_at <= at {
            true => (last_at, last_column),
            false => (self.starts[line - 1], 1),
        };
        let between = self.text.get(from as usize..at as usize).unwrap_or_default();
        let column = column + between.chars().count() as u32;
        self.last.set((at, line as u32, column));
        (line as u32, column)
    }
}
