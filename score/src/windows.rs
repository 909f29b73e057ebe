//! Usage windows of one identity in one account: hours and days, each a row per action and container.

use std::collections::BTreeMap;

use schemas::{Action, ResourceId, Time};
use serde::{Deserialize, Serialize};

/// What one or many repeats of a use add to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) n_uses: i64,
    pub(crate) n_denied: i64,
    pub(crate) n_errors: i64,
    pub(crate) first_at: Time,
    pub(crate) last_at: Time,
}

impl Counts {
    pub(crate) fn none(at: Time) -> Self {
        Self { n_uses: 0, n_denied: 0, n_errors: 0, first_at: at, last_at: at }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.n_uses += other.n_uses;
        self.n_denied += other.n_denied;
        self.n_errors += other.n_errors;
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
    }
}

/// One row of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) counts: Counts,
    pub(crate) revision: i64,
    /// Whether it has changed since it was emitted, or was emitted as provisional.
    open: bool,
    /// Whether what was emitted last equals it, though provisional.
    told: bool,
}

type Cells = BTreeMap<(Action, ResourceId), Cell>;

/// The windows of one width.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Windows {
    by_start: BTreeMap<i64, Cells>,
}

/// How many rows a partition and a window may have, and how many there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room<'a> {
    pub(crate) max_containers: usize,
    pub(crate) max_windows: usize,
    pub(crate) n_windows: &'a std::cell::Cell<usize>,
}

/// The word for what had no room.
pub(crate) const OTHER: &str = "other";

impl Windows {
    /// Adds to the window that starts at `start`; says whether it was counted under its own name.
    pub(crate) fn add(&mut self, start: i64, key: (Action, ResourceId), counts: &Counts, room: Room<'_>) -> bool {
        let cells = self.by_start.entry(start).or_default();
        let n = room.n_windows.get();
        let fits = cells.contains_key(&key) || (cells.len() < room.max_containers && n < room.max_windows);
        let key = if fits { key } else { (Action::from(OTHER), ResourceId::from(OTHER)) };
        let before = cells.len();
        let cell = cells.entry(key).or_insert_with(|| Cell {
            counts: Counts::none(counts.first_at),
            revision: 0,
            open: true,
            told: false,
        });
        cell.counts.add(counts);
        (cell.open, cell.told) = (true, false);
        room.n_windows.set(n + cells.len() - before);
        fits
    }

    /// Calls back for each changed row of the windows that end by `watermark`, as final.
    pub(crate) fn close(&mut self, width: i64, watermark: i64, mut row: impl FnMut(i64, &(Action, ResourceId), &Cell)) {
        for (start, cells) in self.by_start.range_mut(..=watermark.saturating_sub(width)) {
            for (key, cell) in cells.iter_mut().filter(|(_, cell)| cell.open) {
                cell.revision += 1;
                cell.open = false;
                row(*start, key, cell);
            }
        }
    }

    /// Calls back for each row that is still open, as provisional; it stays open.
    pub(crate) fn tell(&mut self, mut row: impl FnMut(i64, &(Action, ResourceId), &Cell)) {
        for (start, cells) in &mut self.by_start {
            for (key, cell) in cells.iter_mut().filter(|(_, cell)| cell.open && !cell.told) {
                cell.revision += 1;
                cell.told = true;
                row(*start, key, cell);
            }
        }
    }

    /// Forgets windows that ended by `before`; returns how many rows went.
    pub(crate) fn forget(&mut self, width: i64, before: i64) -> usize {
        let mut gone = 0;
        while let Some(first) = self.by_start.first_entry() {
            if first.key().saturating_add(width) > before {
                break;
            }
            gone += first.remove().len();
        }
        gone
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.by_start.values().map(BTreeMap::len).sum()
    }

    /// The ends of the windows with open rows.
    pub(crate) fn open_ends(&self, width: i64) -> impl Iterator<Item = i64> {
        let open = move |(start, cells): (&i64, &Cells)| {
            cells.values().any(|cell| cell.open).then(|| start.saturating_add(width))
        };
        self.by_start.iter().filter_map(open)
    }
}
