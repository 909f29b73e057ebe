//! How far an account may be scored and learned, by event time.

use schemas::Time;
use stream::Watermarks;

/// The event time through which an account's hours may close: its own watermark, but no further than the peer models
/// reach. An account of which no feed speaks moves with the others; one that is new and still being backfilled does
/// not, or its log would be late before it came. An idle account stays where it is until it speaks again.
///
/// Why the models matter: the model for an event at `t` is the newest with `effective_from` ≤ floor_hour(t), made from
/// usage before `effective_from` − 1 day, when [`Watermarks::low`] passed that day's start. A room sees the least
/// watermark over its inputs, [`crate::PeerModels`] is one of them, and a room's progress travels behind its records.
/// So once this room's own `low` is at or past floor_day(floor_hour(t) − 1 day), the model for `t` has arrived,
/// however the accounts run ahead of each other; `low` is behind by a day and a half before this holds anybody up.
/// floor_day(floor_hour(t) − 1 day) ≤ low is floor_hour(t) < floor_day(low) + 2 days, which on the grid of hours and
/// for floor_hour(t) − lag is the second bound below.
#[must_use]
pub(crate) fn of(watermarks: &Watermarks, account: &str, lag_us: i64) -> Option<Time> {
    let low = watermarks.low()?;
    let own = watermarks.of(account).unwrap_or(low);
    let models = Time(low).floor(Time::DAY).0.saturating_add(2 * Time::DAY - Time::HOUR - lag_us);
    Some(Time(own.min(models)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: i64 = Time::HOUR;

    #[test]
    fn an_account_goes_ahead_of_the_slowest_by_less_than_two_days() {
        let marks = Watermarks::default().with("slow", 10 * 24 * H + 5 * H).with("fast", 1000 * 24 * H);
        assert_eq!(of(&marks, "fast", H), Some(Time(12 * 24 * H - 2 * H)));
        assert_eq!(of(&marks, "slow", H), Some(Time(10 * 24 * H + 5 * H)));
        assert_eq!(of(&marks, "unheard of", H), Some(Time(10 * 24 * H + 5 * H)));
        assert_eq!(of(&marks.with("backfilled", 7), "backfilled", H), Some(Time(7)));
        assert_eq!(of(&Watermarks::default(), "any", H), None);
    }

    /// The bound is the last hour whose model is there: one hour more, and it is not.
    #[test]
    fn the_bound_is_what_the_models_allow() {
        for (low, lag) in [(0, H), (23 * H, H), (24 * H, 3 * H), (30 * H, 24 * H)] {
            let marks = Watermarks::default().with("a", low).with("b", i64::MAX / 4);
            let bound = of(&marks, "b", lag).map_or(0, |t| t.0);
            let reached = |hour: i64| Time(hour - 24 * H).floor(Time::DAY).0 <= low;
            let last = bound + lag;
            assert!(reached(last) && !reached(last + H), "{low} {lag}");
        }
    }
}
