//! What the belt itself puts into topics: event time, and the end of inputs.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::watermark::Gauge;
use crate::{Progress, StateError, Watermarks};

/// The header that marks a record of the belt.
pub(super) const HEADER: &str = "overgrant-control";

/// How many accounts one record of the belt speaks of: brokers refuse records above a megabyte.
const MAX_SAID: usize = 1_000;

/// Cuts what is said at once into records. The slowest come first: the least watermark of all never goes back, so it must not
/// be taken from the others before they are heard.
pub(super) fn in_pieces(mut said: Vec<Progress>) -> Vec<Vec<Progress>> {
    said.sort_by_key(|progress| (progress.idle, progress.through));
    said.chunks(MAX_SAID).map(<[Progress]>::to_vec).collect()
}

/// A record of the belt, as JSON: tools that show headers take them for text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Control {
    /// Who writes it: a room and a partition.
    pub(super) writer: String,
    pub(super) says: Says,
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Says {
    /// How far feeds have been read; everything before stands in front of this record.
    Progress(Vec<Progress>),
    /// There is no more input; answer as of this time.
    End(i64),
}

impl Control {
    pub(super) fn write(&self) -> Result<Vec<u8>, StateError> {
        serde_json::to_vec(self).map_err(|error| StateError::Damaged(error.to_string()))
    }

    /// `None` for bytes that are none of ours: anybody may write to a topic.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// What the writers of all inputs have said. An input is a topic partition, and each of its writers speaks for itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Heard {
    gauge: Gauge,
    ends: Vec<VecDeque<i64>>,
    /// How often all of them had come to an end.
    pub(super) n_ends: u64,
}

impl Heard {
    pub(super) fn new(n_slots: usize) -> Self {
        Self { gauge: Gauge::new(n_slots), ends: vec![VecDeque::new(); n_slots], n_ends: 0 }
    }

    pub(super) fn n_slots(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn watermarks(&self) -> &Watermarks {
        self.gauge.watermarks()
    }

    /// Takes progress in; returns what moved.
    pub(super) fn progress(&mut self, slot: usize, said: Vec<Progress>) -> Vec<Progress> {
        self.gauge.note(slot, said)
    }

    /// Notes an end that others have not said yet.
    pub(super) fn pend(&mut self, slot: usize, as_of: i64) {
        if let Some(ends) = self.ends.get_mut(slot) {
            ends.push_back(as_of);
        }
    }

    /// Takes an end in; returns the time to answer as of once every writer of every input has come to it.
    pub(super) fn end(&mut self, slot: usize, as_of: i64) -> Option<i64> {
        self.ends.get_mut(slot)?.push_back(as_of);
        if self.ends.iter().any(VecDeque::is_empty) {
            return None;
        }
        self.n_ends += 1;
        self.ends.iter_mut().filter_map(VecDeque::pop_front).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_in_pieces_leaves_time_where_it_would_be_at_once() {
        let said = |n: i64| Progress { feed: "f".into(), account: n.to_string(), through: 9_000 - n, idle: n % 7 == 0 };
        let said: Vec<Progress> = (0..2_500).map(said).collect();
        let (mut whole, mut pieces) = (Heard::new(1), Heard::new(1));
        whole.progress(0, said.clone());
        let records = in_pieces(said);
        assert_eq!(records.len(), 3);
        for record in records {
            pieces.progress(0, record);
        }
        assert_eq!(pieces.watermarks(), whole.watermarks());
        assert_eq!(whole.watermarks().low(), Some(9_000 - 2_498), "the slowest that is not idle");
    }

    #[test]
    fn a_room_ends_when_every_writer_of_every_input_has() {
        let mut heard = Heard::new(3);
        assert_eq!(heard.end(0, 5), None);
        assert_eq!(heard.end(0, 9), None, "a second end of one writer is no end of another");
        assert_eq!(heard.end(2, 5), None);
        assert_eq!(heard.end(1, 5), Some(5));
        assert_eq!((heard.end(1, 9), heard.end(2, 9)), (None, Some(9)));
        assert_eq!(heard.n_ends, 2);
    }
}
