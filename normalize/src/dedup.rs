//! Copies: the same provider id and the same canonical bytes, seen before.

use std::collections::{BTreeMap, HashSet};

use schemas::Time;
use serde::{Deserialize, Serialize};

/// What an event is beside those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The first of its id.
    New,
    /// The same provider id stood on another event.
    Collision,
    /// The same event.
    Copy,
}

/// The ids seen, by day of event time so that the oldest can be forgotten first. A copy has its original's bytes and so
/// its day, which is why only that day's set is asked.
#[derive(Debug, Default)]
pub(crate) struct Dedup {
    max_ids: usize,
    n_ids: usize,
    days: BTreeMap<i64, Day>,
    provider_ids: HashSet<u64>,
}

#[derive(Debug, Default)]
struct Day {
    event_ids: HashSet<u128>,
    provider_ids: Vec<u64>,
}

/// A day as a snapshot holds it: ids in order.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DayState {
    day: i64,
    event_ids: Vec<u128>,
    provider_ids: Vec<u64>,
}

impl Dedup {
    pub(crate) fn new(max_ids: usize) -> Self {
        Self { max_ids, ..Self::default() }
    }

    /// Notes an event by its id and the hash of its provider's id, when it has one. Returns what it is, and how many
    /// older ids were forgotten to make room.
    pub(crate) fn note(&mut self, time: Time, event_id: u128, provider_id: Option<u64>) -> (Seen, usize) {
        let day = self.days.entry(time.day()).or_default();
        if !day.event_ids.insert(event_id) {
            return (Seen::Copy, 0);
        }
        let mut seen = Seen::New;
        if let Some(id) = provider_id {
            if self.provider_ids.insert(id) {
                day.provider_ids.push(id);
            } else {
                seen = Seen::Collision;
            }
        }
        self.n_ids += 1;
        let n_forgotten = if self.n_ids > self.max_ids { self.forget_oldest() } else { 0 };
        (seen, n_forgotten)
    }

    fn forget_oldest(&mut self) -> usize {
        let Some((_, day)) = self.days.pop_first() else { return 0 };
        for id in &day.provider_ids {
            self.provider_ids.remove(id);
        }
        self.n_ids -= day.event_ids.len();
        day.event_ids.len()
    }

    pub(crate) fn state(&self) -> Vec<DayState> {
        let state_of = |(day, ids): (&i64, &Day)| {
            let mut event_ids: Vec<u128> = ids.event_ids.iter().copied().collect();
            let mut provider_ids = ids.provider_ids.clone();
            event_ids.sort_unstable();
            provider_ids.sort_unstable();
            DayState { day: *day, event_ids, provider_ids }
        };
        self.days.iter().map(state_of).collect()
    }

    pub(crate) fn restore(&mut self, state: Vec<DayState>) {
        *self = Self::new(self.max_ids);
        for DayState { day, event_ids, provider_ids } in state {
            self.n_ids += event_ids.len();
            self.provider_ids.extend(&provider_ids);
            self.days.insert(day, Day { event_ids: event_ids.into_iter().collect(), provider_ids });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_both_ids_in_common() {
        let mut dedup = Dedup::new(10);
        assert_eq!(dedup.note(Time(0), 1, Some(7)), (Seen::New, 0));
        assert_eq!(dedup.note(Time(0), 1, Some(7)), (Seen::Copy, 0));
        assert_eq!(dedup.note(Time(5 * Time::DAY), 2, Some(7)), (Seen::Collision, 0));
        assert_eq!(dedup.note(Time(0), 3, None), (Seen::New, 0));
        assert_eq!(dedup.note(Time(0), 4, None), (Seen::New, 0));
    }

    #[test]
    fn the_oldest_day_is_forgotten_first() {
        let mut dedup = Dedup::new(3);
        for (day, id) in [(9, 1), (1, 2), (9, 3)] {
            dedup.note(Time(day * Time::DAY), id, Some(id as u64));
        }
        assert_eq!(dedup.note(Time(5 * Time::DAY), 4, Some(4)), (Seen::New, 1));
        assert_eq!(dedup.note(Time(9 * Time::DAY), 1, Some(1)), (Seen::Copy, 0));
        assert_eq!(
            dedup.note(Time(Time::DAY), 2, Some(2)),
            (Seen::New, 1),
            "it was forgotten, and is again as the oldest"
        );
        assert_eq!(dedup.note(Time(9 * Time::DAY), 3, Some(3)), (Seen::Copy, 0));
    }

    #[test]
    fn a_restored_memory_answers_alike() {
        let mut dedup = Dedup::new(10);
        dedup.note(Time(0), 1, Some(7));
        dedup.note(Time(Time::DAY), 2, None);
        let mut restored = Dedup::new(10);
        restored.restore(dedup.state());
        assert_eq!(restored.note(Time(0), 1, Some(7)), (Seen::Copy, 0));
        assert_eq!(restored.note(Time(0), 3, Some(7)), (Seen::Collision, 0));
        assert_eq!(restored.n_ids, 3);
    }
}
