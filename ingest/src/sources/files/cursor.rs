//! What must survive a restart: which files were read, which are next, and how far time has come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stream::StateError;

/// The format of the cursor; a newer one is a fault.
const FORMAT: u32 = 1;

/// How a file looked: enough to see that it is another, or has grown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) n_bytes: u64,
    pub(super) modified: i64,
    pub(super) prefix_bytes: u64,
    pub(super) prefix: u64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) stamp: Stamp,
    /// Counts up when a file of the same name has new content.
    pub(super) generation: u32,
    /// Whether it may grow by lines: plain, one value a line.
    pub(super) grows: bool,
    /// Up to where it was read.
    pub(super) end: u64,
    /// The offset of the next value.
    pub(super) next_offset: i64,
    /// Whether the half value at its end is still waited for.
    pub(super) waits: bool,
}

/// Where a part of a file ends, and the earliest time of each account in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chunk {
    /// How many items there are up to its end.
    pub(super) until: u64,
    /// Account by its place in [`Cursor::accounts`], with its least time.
    pub(super) mins: BTreeMap<u32, i64>,
}

/// What a planned file is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Class {
    /// Entitlements or an inventory; read first.
    Grants,
    /// Logs.
    Logs,
    /// Standard input or a pipe: read once, last.
    Stream,
    /// Cannot be read, with the reason.
    Trouble(String),
}

/// A file to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Planned {
    /// Relative to its input.
    pub(super) name: String,
    pub(super) class: Class,
    pub(super) stamp: Stamp,
    pub(super) generation: u32,
    pub(super) grows: bool,
    pub(super) waits: bool,
    pub(super) start: u64,
    /// Up to where a plain file is read; compressed ones are read whole.
    pub(super) end: Option<u64>,
    pub(super) first_offset: i64,
    /// The least time in it.
    pub(super) min: Option<i64>,
    pub(super) chunks: Vec<Chunk>,
    pub(super) collected_at: i64,
}

/// The cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub(super) known: BTreeMap<String, Known>,
    pub(super) plan: Vec<Planned>,
    /// The file of the plan that is being read.
    pub(super) at: usize,
    /// How many of its items were handed out.
    pub(super) n_items: u64,
    /// Whether the plan's first progress was said.
    pub(super) opened: bool,
    /// Whether the first plan, the backfill, is done and files are followed.
    pub(super) live: bool,
    pub(super) accounts: Vec<String>,
    /// Each account's highest time that was not in the future, by its place in `accounts`.
    pub(super) highs: BTreeMap<u32, i64>,
    /// When entitlements were collected last.
    pub(super) collected: Option<i64>,
}

impl Cursor {
    pub(super) fn write(&self) -> Result<Vec<u8>, StateError> {
        let start = FORMAT.to_le_bytes().to_vec();
        postcard::to_extend(self, start).map_err(|error| StateError::Damaged(error.to_string()))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, StateError> {
        let damaged = |what: &str| StateError::Damaged(format!("the cursor of files {what}"));
        let (format, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| damaged("has no format"))?;
        let found = u32::from_le_bytes(*format);
        if found > FORMAT {
            return Err(StateError::Newer { found, known: FORMAT });
        }
        let cursor: Self = postcard::from_bytes(rest).map_err(|error| damaged(&error.to_string()))?;
        if cursor.at > cursor.plan.len() {
            return Err(damaged("stands behind its plan"));
        }
        Ok(cursor)
    }
}

/// Accounts by name, each with its place in the cursor's list.
#[derive(Debug, Default)]
pub(super) struct Accounts(BTreeMap<String, u32>);

impl Accounts {
    pub(super) fn of(cursor: &Cursor) -> Self {
        Self(cursor.accounts.iter().cloned().zip(0..).collect())
    }

    /// The place of an account; `None` beyond the bound.
    pub(super) fn place(&mut self, name: &str, list: &mut Vec<String>, max: usize) -> Option<u32> {
        if let Some(place) = self.0.get(name) {
            return Some(*place);
        }
        if list.len() >= max {
            return None;
        }
        let place = u32::try_from(list.len()).ok()?;
        list.push(name.to_owned());
        self.0.insert(name.to_owned(), place);
        Some(place)
    }
}
