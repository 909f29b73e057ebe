//! On which days something was used: a sparse set of days, a map of months, and the last use.

use schemas::Time;
use serde::{Deserialize, Serialize};

/// Words of 32 days that are kept of one action: 2,048 days. Beyond it the oldest go; the months still know them.
const MAX_WORDS: usize = 64;
/// Months that are kept of one action, the newest first: what fits a word, five years.
const MAX_MONTHS: i32 = 64;

/// A set of days since the epoch, in words of 32 days, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Days(Vec<(i32, u32)>);

impl Days {
    /// Adds a day; says whether it was new.
    fn insert(&mut self, day: i64) -> bool {
        let (word, bit) = split(day);
        match self.0.binary_search_by_key(&word, |(word, _)| *word) {
            Ok(at) => {
                let new = self.0[at].1 & bit == 0;
                self.0[at].1 |= bit;
                new
            }
            Err(0) if self.0.len() >= MAX_WORDS => false,
            Err(at) => {
                self.0.insert(at, (word, bit));
                if self.0.len() > MAX_WORDS {
                    self.0.remove(0);
                }
                true
            }
        }
    }

    /// The last day in it from `first` to `last`, both included.
    fn last_within(&self, first: i64, last: i64) -> Option<i64> {
        let (high, _) = split(last);
        let upto = self.0.partition_point(|(word, _)| *word <= high);
        for (word, bits) in self.0[..upto].iter().rev() {
            let base = i64::from(*word) * 32;
            let room = last - base;
            let mask = if room >= 31 { u32::MAX } else { (1u32 << (room + 1)) - 1 };
            let bits = bits & mask;
            if bits != 0 {
                let day = base + i64::from(31 - bits.leading_zeros());
                return (day >= first).then_some(day);
            }
        }
        None
    }

    /// Forgets whole words before a day.
    fn trim(&mut self, before: i64) {
        let (word, _) = split(before);
        self.0.retain(|(kept, _)| *kept >= word);
    }
}

fn split(day: i64) -> (i32, u32) {
    let word = day.div_euclid(32).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
    (word, 1 << day.rem_euclid(32))
}

/// The months of use: bit n stands for n months before the newest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Months {
    newest: i32,
    bits: u64,
}

impl Months {
    fn insert(&mut self, month: i32) {
        if self.bits == 0 {
            *self = Self { newest: month, bits: 1 };
        } else if month > self.newest {
            let shift = month.saturating_sub(self.newest);
            self.bits = if shift < MAX_MONTHS { self.bits << shift } else { 0 } | 1;
            self.newest = month;
        } else if self.newest.saturating_sub(month) < MAX_MONTHS {
            self.bits |= 1 << (self.newest - month);
        }
    }

    /// The bits of the months up to `month`.
    fn upto(self, month: i32) -> u64 {
        let skip = self.newest.saturating_sub(month).clamp(0, MAX_MONTHS);
        if skip >= MAX_MONTHS { 0 } else { self.bits >> skip << skip }
    }

    /// The last month of use up to `month`.
    fn last(self, month: i32) -> Option<i32> {
        let bits = self.upto(month);
        (bits != 0).then(|| self.newest - bits.trailing_zeros() as i32)
    }

    /// The two last months of use up to `month`, the later first.
    fn last_two(self, month: i32) -> Option<(i32, i32)> {
        let bits = self.upto(month);
        let last = bits.trailing_zeros() as i32;
        let rest = bits & bits.wrapping_sub(1);
        (rest != 0).then(|| (self.newest - last, self.newest - rest.trailing_zeros() as i32))
    }
}

/// The use of one action by one identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ActionUse {
    days: Days,
    months: Months,
    last: Time,
}

impl ActionUse {
    /// Notes a use; says whether its day was new.
    pub(crate) fn insert(&mut self, at: Time) -> bool {
        self.last = self.last.max(at);
        self.months.insert(month_of(at.day()));
        self.days.insert(at.day())
    }

    /// Whether it was used in the `window` days that end with `last_day`, or belongs to a job that runs more rarely than
    /// the window is long and is not overdue.
    pub(crate) fn is_used(&self, last_day: i64, window: i64) -> bool {
        self.days.last_within(last_day - window + 1, last_day).is_some() || self.is_periodic(last_day, window)
    }

    /// A rare job: between its two last months of use before `last_day`'s own lie more days than a window holds, but 13
    /// months at most, and no more time than that and a month has passed since. So a yearly job counts as used from its
    /// second run on. One use alone tells of no period. The month of `last_day` itself is left to the days, since its bit
    /// may stem from a later day.
    fn is_periodic(&self, last_day: i64, window: i64) -> bool {
        let month = month_of(last_day);
        let Some((last, before)) = self.months.last_two(month - 1) else { return false };
        let gap = last - before;
        i64::from(gap) * 31 > window && gap <= 13 && month - last <= gap + 1
    }

    /// The last use up to `last_day`: to the day within the window, to the month before it.
    pub(crate) fn last_upto(&self, last_day: i64, window: i64) -> Option<Time> {
        if let Some(day) = self.days.last_within(last_day - window + 1, last_day) {
            return Some(Time(day * Time::DAY));
        }
        let month = self.months.last(month_of(last_day) - 1)?;
        Some(Time(first_day_of(month) * Time::DAY))
    }

    /// The last use.
    pub(crate) fn last(&self) -> Time {
        self.last
    }

    /// Forgets days before one; months and last use stay.
    pub(crate) fn trim(&mut self, before: i64) {
        self.days.trim(before);
    }
}

/// Months since year 0 of a day since the epoch (Howard Hinnant's `civil_from_days`).
fn month_of(day: i64) -> i32 {
    let z = day.clamp(-4_000_000, 4_000_000) + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year * 12 + month - 1) as i32
}

/// The first day of a month, in days since the epoch: the inverse of [`month_of`].
fn first_day_of(month: i32) -> i64 {
    let (year, month) = (i64::from(month.div_euclid(12)), i64::from(month.rem_euclid(12)) + 1);
    let year = year - i64::from(month <= 2);
    let (era, yoe) = (year.div_euclid(400), year.rem_euclid(400));
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn at(date: &str) -> Time {
        Time::parse(&format!("{date}T12:00:00Z")).unwrap()
    }

    fn used(dates: &[&str]) -> ActionUse {
        let mut used = ActionUse::default();
        for date in dates {
            used.insert(at(date));
        }
        used
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for date in ["1970-01-01", "1999-12-31", "2000-02-29", "2026-10-31", "2027-01-01"] {
            let (year, rest) = date.split_once('-').unwrap();
            let month: i32 = rest[..2].parse().unwrap();
            assert_eq!(month_of(at(date).day()), year.parse::<i32>().unwrap() * 12 + month - 1, "{date}");
            let first = Time(first_day_of(month_of(at(date).day())) * Time::DAY);
            assert_eq!(first.date(), format!("{year}-{}-01", &rest[..2]));
        }
    }

    #[test]
    fn a_yearly_job_is_used_from_its_second_run_on() {
        let job = used(&["2024-12-31", "2025-12-31"]);
        assert!(!job.is_used(at("2025-06-15").day(), 90), "one run tells of no period");
        assert!(job.is_used(at("2026-06-15").day(), 90));
        assert_eq!(job.last_upto(at("2026-06-15").day(), 90).unwrap().date(), "2025-12-01");
        assert!(job.is_used(at("2027-01-15").day(), 90));
        assert!(!job.is_used(at("2027-03-15").day(), 90), "overdue");
    }

    #[test]
    fn what_was_used_daily_and_then_never_is_unused_after_the_window() {
        let mut job = ActionUse::default();
        for day in 0..100 {
            job.insert(Time((20_000 + day) * Time::DAY));
        }
        assert!(job.is_used(20_099 + 89, 90));
        assert!(!job.is_used(20_099 + 90, 90));
        assert_eq!(job.last_upto(20_050, 90), Some(Time(20_050 * Time::DAY)));
    }

    proptest! {
        #[test]
        fn the_days_are_a_set(days in prop::collection::vec(-100i64..1_000, 0..60), asked in -100i64..1_000, width in 1i64..200) {
            let mut ours = Days::default();
            let mut set = BTreeSet::new();
            for day in &days {
                prop_assert_eq!(ours.insert(*day), set.insert(*day));
            }
            let oracle = set.range(asked - width + 1..=asked).next_back().copied();
            prop_assert_eq!(ours.last_within(asked - width + 1, asked), oracle);
            ours.trim(asked - width + 1);
            prop_assert_eq!(ours.last_within(asked - width + 1, asked), oracle);
        }

        #[test]
        fn months_do_not_depend_on_order(mut months in prop::collection::vec(24_000i32..24_050, 1..12), asked in 24_000i32..24_050) {
            let of = |months: &[i32]| {
                let mut ours = Months::default();
                months.iter().for_each(|month| ours.insert(*month));
                ours
            };
            let shuffled = of(&months);
            months.sort_unstable();
            months.dedup();
            prop_assert_eq!(shuffled, of(&months));
            let upto: Vec<i32> = months.iter().copied().filter(|month| *month <= asked).rev().collect();
            let oracle = (upto.len() >= 2).then(|| (upto[0], upto[1]));
            prop_assert_eq!(shuffled.last_two(asked), oracle);
        }
    }
}
