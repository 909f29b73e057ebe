//! What is known of one identity in one account, such that it can be asked as of an earlier time.

use std::collections::{BTreeMap, VecDeque};

use schemas::{IdentityKind, Text, Time};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::detector::volume::Volume;
use crate::event::Seen;

/// Days of an identity's rhythm that count; four weeks, so that every weekday is there four times.
pub(crate) const WINDOW_DAYS: i64 = 28;
/// Days that are kept: the window and what as-of questions of late events need.
const KEPT_DAYS: i64 = WINDOW_DAYS + 4;
/// Days after which a day of the window counts half.
const HALF_LIFE_DAYS: f64 = 14.0;

/// What an identity may do for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    Action,
    Resource,
    Network,
    Tool,
}

/// How many kinds there are.
pub(crate) const N_KINDS: usize = 4;

/// One known value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    /// It is known as of any time after this.
    from: Time,
    /// The last days with it, the newest first; four, so that the last one before a day is still there when the next
    /// hours have been learned.
    days: [i32; 4],
}

/// One day of an identity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Day {
    day: i64,
    /// A bit for each active hour.
    hours: u32,
    /// A bit for each hour in which something of a kind was new.
    new: [u32; N_KINDS],
}

/// Sums over the window, older days counting less.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rhythm {
    /// Active hours.
    pub n_hours: f64,
    /// Those with something new, by kind.
    pub n_new: [f64; N_KINDS],
    /// Active hours by hour of the day, on weekdays and on weekends; each day counts full.
    pub cells: [[f64; 24]; 2],
}

/// The history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    /// The first event.
    pub first: Time,
    /// The last learned event.
    pub last: Time,
    /// The last active days, the newest first.
    active: [i32; 4],
    known: [BTreeMap<SmolStr, Known>; N_KINDS],
    days: VecDeque<Day>,
    pub volume: Volume,
    pub kind: IdentityKind,
    pub name: Option<Text>,
}

/// How many values of each kind are kept.
pub(crate) type Bounds = [usize; N_KINDS];

impl History {
    pub(crate) fn new(first: Time, kind: IdentityKind) -> Self {
        Self {
            first,
            last: first,
            active: [i32::MIN; 4],
            known: Default::default(),
            days: VecDeque::new(),
            volume: Volume::default(),
            kind,
            name: None,
        }
    }

    /// Whether a value was known as of a time.
    pub(crate) fn knows(&self, kind: Kind, value: &str, as_of: Time) -> bool {
        self.known[kind as usize].get(value).is_some_and(|known| known.from < as_of)
    }

    /// The last day before a time's day on which a value was seen.
    pub(crate) fn last_day(&self, kind: Kind, value: &str, as_of: Time) -> Option<i64> {
        self.known[kind as usize].get(value).and_then(|known| before(&known.days, as_of))
    }

    /// The last active day before a time's day.
    pub(crate) fn last_active_day(&self, as_of: Time) -> Option<i64> {
        before(&self.active, as_of)
    }

    /// The rhythm over the whole days before a time's day.
    pub(crate) fn rhythm(&self, as_of: Time) -> Rhythm {
        let mut rhythm = Rhythm::default();
        let today = as_of.day();
        for day in self.days.iter().filter(|day| (1..=WINDOW_DAYS).contains(&(today - day.day))) {
            let weight = f64::exp2(-((today - day.day) as f64) / HALF_LIFE_DAYS);
            rhythm.n_hours += weight * f64::from(day.hours.count_ones());
            for (sum, hours) in rhythm.n_new.iter_mut().zip(day.new) {
                *sum += weight * f64::from(hours.count_ones());
            }
            let cells = &mut rhythm.cells[usize::from(is_weekend(day.day))];
            for (hour, cell) in cells.iter_mut().enumerate() {
                *cell += f64::from((day.hours >> hour) & 1);
            }
        }
        rhythm
    }

    /// Learns an event. What is `strange` is known only after `age_us`. Returns how many values were forgotten for it.
    pub(crate) fn learn(&mut self, time: Time, event: &Seen, age_us: i64, bounds: &Bounds) -> u64 {
        let from = if event.strange { Time(time.0.saturating_add(age_us)) } else { time };
        self.first = self.first.min(time);
        if time >= self.last {
            self.last = time;
            self.kind = event.kind;
            self.name = event.name.clone().or_else(|| self.name.take());
        }
        let day = i32::try_from(time.day()).unwrap_or(i32::MAX);
        put_day(&mut self.active, day);
        let mut new = [false; N_KINDS];
        let mut n_evicted = 0;
        let mut note = |kind: Kind, value: SmolStr| {
            let known = &mut self.known[kind as usize];
            new[kind as usize] |= note(known, value, from, day);
            n_evicted += trim(known, bounds[kind as usize]);
        };
        for (action, _) in &event.actions {
            note(Kind::Action, action_value(action, event.denied));
        }
        for container in &event.containers {
            note(Kind::Resource, SmolStr::new(container));
        }
        if let Some(network) = &event.network {
            note(Kind::Network, SmolStr::new(network));
        }
        if let Some(tool) = &event.tool {
            note(Kind::Tool, SmolStr::new(tool));
        }
        self.note_day(time, new);
        n_evicted
    }

    fn note_day(&mut self, time: Time, new: [bool; N_KINDS]) {
        let day = time.day();
        let bit = 1 << (time.0.rem_euclid(Time::DAY) / Time::HOUR);
        let newest = self.days.back().map_or(day, |last| last.day);
        if day <= newest - KEPT_DAYS {
            return;
        }
        let at = self.days.partition_point(|known| known.day < day);
        if self.days.get(at).is_none_or(|known| known.day != day) {
            self.days.insert(at, Day { day, ..Day::default() });
        }
        if let Some(entry) = self.days.get_mut(at) {
            entry.hours |= bit;
            for (hours, is_new) in entry.new.iter_mut().zip(new) {
                *hours |= if is_new { bit } else { 0 };
            }
        }
        while self.days.front().is_some_and(|first| first.day <= day - KEPT_DAYS) {
            self.days.pop_front();
        }
    }
}

/// The value under which an action is known: what was refused is not what was done.
pub(crate) fn action_value(action: &str, denied: bool) -> SmolStr {
    if denied { SmolStr::from(format!("!{action}")) } else { SmolStr::new(action) }
}

pub(crate) fn is_weekend(day: i64) -> bool {
    // The epoch was a Thursday.
    matches!((day + 3).rem_euclid(7), 5 | 6)
}

/// Notes a value; whether it was new.
fn note(known: &mut BTreeMap<SmolStr, Known>, value: SmolStr, from: Time, day: i32) -> bool {
    if let Some(entry) = known.get_mut(&value) {
        entry.from = entry.from.min(from);
        put_day(&mut entry.days, day);
        return false;
    }
    known.insert(value, Known { from, days: [day, i32::MIN, i32::MIN, i32::MIN] });
    true
}

/// Forgets the eighth of the values that is longest unused, once there are too many.
fn trim(known: &mut BTreeMap<SmolStr, Known>, bound: usize) -> u64 {
    if known.len() <= bound {
        return 0;
    }
    let n_out = (bound / 8).max(1);
    let mut by_age: Vec<(i32, Time, SmolStr)> =
        known.iter().map(|(value, entry)| (entry.days[0], entry.from, value.clone())).collect();
    by_age.sort_unstable();
    by_age.truncate(n_out);
    for (_, _, value) in &by_age {
        known.remove(value);
    }
    by_age.len() as u64
}

fn put_day(days: &mut [i32; 4], day: i32) {
    if days.contains(&day) {
        return;
    }
    if let Some(at) = days.iter().position(|known| *known < day) {
        days[at..].rotate_right(1);
        days[at] = day;
    }
}

fn before(days: &[i32; 4], as_of: Time) -> Option<i64> {
    days.iter().map(|day| i64::from(*day)).find(|day| *day < as_of.day()).filter(|day| *day > i64::from(i32::MIN))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::example;

    use super::*;

    const BOUNDS: Bounds = [16, 16, 16, 16];

    fn seen(action: usize) -> Seen {
        let mut event = Seen::of(&example::access_event());
        event.actions[0].0 = format!("s3:A{action}").into();
        event
    }

    #[test]
    fn what_is_learned_later_is_not_known_as_of_earlier() {
        let mut history = History::new(Time(0), IdentityKind::User);
        history.learn(Time(5 * Time::HOUR), &seen(1), 0, &BOUNDS);
        assert!(!history.knows(Kind::Action, "s3:A1", Time(5 * Time::HOUR)));
        assert!(history.knows(Kind::Action, "s3:A1", Time(5 * Time::HOUR + 1)));
        let before = history.rhythm(Time(Time::DAY + Time::HOUR));
        history.learn(Time(Time::DAY), &seen(2), 0, &BOUNDS);
        assert_eq!(history.rhythm(Time(Time::DAY + Time::HOUR)), before);
        assert_eq!(history.last_active_day(Time(Time::DAY)), Some(0));
        assert_eq!(history.last_active_day(Time(Time::DAY - 1)), None);
    }

    #[test]
    fn what_is_strange_is_known_when_it_has_aged() {
        let mut history = History::new(Time(0), IdentityKind::User);
        history.learn(Time(10), &Seen { strange: true, ..seen(1) }, Time::DAY, &BOUNDS);
        assert!(!history.knows(Kind::Action, "s3:A1", Time(Time::DAY)));
        history.learn(Time(20), &seen(1), Time::DAY, &BOUNDS);
        assert!(history.knows(Kind::Action, "s3:A1", Time(21)));
    }

    #[test]
    fn the_bound_holds_and_the_longest_unused_goes() {
        let mut history = History::new(Time(0), IdentityKind::User);
        let mut n_evicted = 0;
        for n in 0..100 {
            let time = Time(n as i64 * Time::DAY);
            n_evicted += history.learn(time, &seen(n), 0, &BOUNDS);
            n_evicted += history.learn(time, &seen(0), 0, &BOUNDS);
        }
        assert!(history.known[Kind::Action as usize].len() <= 16 && history.days.len() <= KEPT_DAYS as usize);
        assert!(history.knows(Kind::Action, "s3:A0", Time(i64::MAX)) && n_evicted >= 84);
    }

    #[test]
    fn saturdays_and_sundays_are_the_weekend() {
        let day = |text: &str| Time::parse(text).map(Time::day).map(is_weekend).ok();
        assert_eq!(day("2026-10-30T00:00:00Z"), Some(false));
        assert_eq!(day("2026-10-31T00:00:00Z"), Some(true));
        assert_eq!(day("2026-11-01T00:00:00Z"), Some(true));
        assert_eq!(day("2026-11-02T00:00:00Z"), Some(false));
    }

    proptest! {
        #[test]
        fn days_come_in_any_order(mut days in proptest::collection::vec(0..40_i32, 1..12)) {
            let put = |days: &[i32]| days.iter().fold([i32::MIN; 4], |mut kept, day| { put_day(&mut kept, *day); kept });
            let kept = put(&days);
            days.sort_unstable();
            prop_assert_eq!(kept, put(&days));
            prop_assert_eq!(kept[0], *days.last().unwrap_or(&0));
        }
    }
}
