//! When people and machines work: hours of the day, days of the week, nightly and monthly jobs.
//!
//! The weights are ours, rounded after looking at when several hundred engineers commit: about three quarters between 9
//! and 18 h local time, four percent on weekends, Tuesday the busiest day.

use rand::Rng as _;

use crate::{
    ids::{Rng, civil},
    params::DAY_US,
};

const HOUR_US: i64 = 3_600_000_000;
const MINUTE_US: i64 = 60_000_000;

/// Per mille of work started in each local hour of a day.
const HOUR_WEIGHTS: [u32; 24] =
    [7, 6, 5, 5, 4, 4, 8, 13, 32, 64, 88, 87, 80, 87, 90, 92, 88, 74, 48, 36, 28, 22, 19, 13];
/// Work of each day of the week, Monday first, against an average working day.
const DAY_WEIGHTS: [f64; 7] = [0.98, 1.12, 1.07, 0.96, 0.87, 0.12, 0.08];

/// How an identity's sessions are spread over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rhythm {
    /// Sessions on an average working day, at office hours of the person's zone.
    Office(f64),
    /// Sessions a day around the clock, twice as many at noon UTC as at midnight.
    Around(f64),
    /// One session a night at this UTC hour.
    Nightly(i64),
    /// One session at 02 UTC on this day of each month.
    Monthly(i8),
    /// One session at 02 UTC once a year, on this day of this month.
    Yearly { month: i8, day: i8 },
    /// Nothing happens in the span.
    Never,
}

/// The starts of an identity's sessions in `[start, end)`, in order, in microseconds since 1970.
pub(crate) fn session_starts(rhythm: Rhythm, span: (i64, i64), offset_min: i32, rng: &mut Rng) -> Vec<i64> {
    let mut starts = Vec::new();
    // One day more on both sides: a local day overlaps two UTC days.
    let mut day = span.0 - DAY_US;
    while day < span.1 + DAY_US {
        starts_of_day(rhythm, day, offset_min, rng, &mut starts);
        day += DAY_US;
    }
    starts.retain(|at| (span.0..span.1).contains(at));
    starts.sort_unstable();
    starts
}

fn starts_of_day(rhythm: Rhythm, day: i64, offset_min: i32, rng: &mut Rng, out: &mut Vec<i64>) {
    match rhythm {
        Rhythm::Never => {}
        Rhythm::Office(mean) => {
            let weight = DAY_WEIGHTS[weekday(day)];
            for _ in 0..poisson(mean * weight, rng) {
                let local = day + office_hour(rng) * HOUR_US + rng.gen_range(0..HOUR_US);
                out.push(local - i64::from(offset_min) * MINUTE_US);
            }
        }
        Rhythm::Around(mean) => {
            for _ in 0..poisson(mean, rng) {
                let mut at = rng.gen_range(0..DAY_US);
                let noon = 1.0 - (at as f64 / DAY_US as f64 - 0.5).abs() * 2.0;
                if rng.gen_bool(((1.0 - noon) * 0.35).clamp(0.0, 1.0)) {
                    at = rng.gen_range(DAY_US / 4..DAY_US * 3 / 4);
                }
                out.push(day + at);
            }
        }
        Rhythm::Nightly(hour) => out.push(day + hour * HOUR_US + rng.gen_range(0..4 * MINUTE_US)),
        Rhythm::Monthly(of_month) => {
            let at = day + 2 * HOUR_US + rng.gen_range(0..4 * MINUTE_US);
            out.extend((civil(day).day() == of_month).then_some(at));
        }
        Rhythm::Yearly { month, day: of_month } => {
            let at = day + 2 * HOUR_US + rng.gen_range(0..4 * MINUTE_US);
            out.extend((civil(day).day() == of_month && civil(day).month() == month).then_some(at));
        }
    }
}

/// Day of the week of a UTC midnight, 0 for Monday: 1970-01-01 was a Thursday.
pub(crate) fn weekday(day_us: i64) -> usize {
    (day_us.div_euclid(DAY_US) + 3).rem_euclid(7) as usize
}

fn office_hour(rng: &mut Rng) -> i64 {
    let total: u32 = HOUR_WEIGHTS.iter().sum();
    let mut at = rng.gen_range(0..total);
    for (hour, weight) in HOUR_WEIGHTS.iter().enumerate() {
        if at < *weight {
            return hour as i64;
        }
        at -= weight;
    }
    12
}

/// A Poisson number by counting exponential gaps; means here are below 200, where this is exact and quick enough.
pub(crate) fn poisson(mean: f64, rng: &mut Rng) -> u32 {
    let mut n = 0;
    let mut left = mean;
    loop {
        left += (1.0 - rng.r#gen::<f64>()).ln();
        if left < 0.0 {
            return n;
        }
        n += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn office_work_keeps_the_week_and_the_day() {
        let span = (1_790_812_800_000_000, 1_790_812_800_000_000 + 700 * DAY_US);
        let mut rng = crate::ids::rng(1, 2, 3);
        let starts = session_starts(Rhythm::Office(4.0), span, 120, &mut rng);
        let local: Vec<i64> = starts.iter().map(|at| at + 120 * MINUTE_US).collect();
        let share =
            |keep: &dyn Fn(i64) -> bool| local.iter().filter(|at| keep(**at)).count() as f64 / local.len() as f64;
        let weekend = share(&|at| weekday(at - at.rem_euclid(DAY_US)) >= 5);
        let office = share(&|at| (9..18).contains(&(at.rem_euclid(DAY_US) / HOUR_US)));
        assert!((0.03..0.05).contains(&weekend), "weekend {weekend}");
        assert!((0.73..0.78).contains(&office), "office {office}");
    }

    #[test]
    fn a_monthly_job_runs_once_a_month() {
        let span = (1_790_812_800_000_000, 1_790_812_800_000_000 + 90 * DAY_US);
        let starts = session_starts(Rhythm::Monthly(1), span, 0, &mut crate::ids::rng(1, 2, 3));
        assert_eq!(starts.len(), 3);
    }
}
