//! Dates as conditions compare them: the forms of W3C's profile of ISO 8601 (<https://www.w3.org/TR/NOTE-datetime>) and
//! seconds since 1970.

/// A point in time, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Instant(i128);

const SECOND: i128 = 1_000_000_000;

impl Instant {
    /// A time of ours, less some seconds.
    pub(in super::super) fn before(time: schemas::Time, n_seconds: i64) -> Self {
        Self(i128::from(time.0) * 1_000 - i128::from(n_seconds) * SECOND)
    }

    /// Reads `2026`, `2026-11`, `2026-11-29`, `2026-11-29T10:00Z`, `2026-11-29T10:00:00.5+01:00`, `1796000000` or
    /// `1796000000.5`. Four digits are a year; a time without a zone is UTC; a date is its first moment.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        if whole.len() != 4 && !whole.is_empty() && all_digits(whole) {
            let seconds: i64 = whole.parse().ok()?;
            return Some(Self(i128::from(seconds) * SECOND + nanoseconds(fraction)?));
        }
        let (date, time) = match text.split_once(['T', 't']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let days = days_of(date)?;
        let nanoseconds = match time {
            Some(time) if date.len() == 10 => time_of(time)?,
            Some(_) => return None,
            None => 0,
        };
        Some(Self(i128::from(days) * 86_400 * SECOND + nanoseconds))
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number of exactly so many digits within bounds.
fn digits(text: &str, length: usize, from: i64, to: i64) -> Option<i64> {
    if text.len() != length || !all_digits(text) {
        return None;
    }
    text.parse().ok().filter(|number| (from..=to).contains(number))
}

fn nanoseconds(fraction: &str) -> Option<i128> {
    if fraction.is_empty() || !all_digits(fraction) {
        return None;
    }
    format!("{fraction:0<9}").get(..9)?.parse().ok()
}

/// Days since 1970 of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
fn days_of(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4, 0, 9999)?;
    let month = parts.next().map_or(Some(1), |month| digits(month, 2, 1, 12))?;
    let day = parts.next().map_or(Some(1), |day| digits(day, 2, 1, days_in(year, month)))?;
    parts.next().is_none().then(|| days_from_civil(year, month, day))
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Howard Hinnant's `days_from_civil`: years begin in March, so that the leap day is the last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Nanoseconds of `hh:mm[:ss[.s]]` with `Z`, `±hh:mm` or nothing behind it.
fn time_of(time: &str) -> Option<i128> {
    let (clock, offset_minutes) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => (&time[..at], zone(&time[at..])?),
        None => (time, 0),
    };
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2, 0, 23)?;
    let minute = digits(parts.next()?, 2, 0, 59)?;
    let (second, nanoseconds) = match parts.next() {
        None => (0, 0),
        Some(text) => match text.split_once('.') {
            Some((second, fraction)) => (digits(second, 2, 0, 59)?, nanoseconds(fraction)?),
            None => (digits(text, 2, 0, 59)?, 0),
        },
    };
    let minutes = hour * 60 + minute - offset_minutes;
    parts.next().is_none().then(|| i128::from(minutes * 60 + second) * SECOND + nanoseconds)
}

/// Minutes east of Greenwich.
fn zone(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    Some(sign * (digits(hours, 2, 0, 23)? * 60 + digits(minutes, 2, 0, 59)?))
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn every_form_of_a_date_is_the_same_moment() {
        let read = |text: &str| Instant::parse(text).unwrap_or_else(|| panic!("{text}"));
        let moment = read("1772323200");
        for text in [
            "2026-03-01",
            "2026-03",
            "2026-03-01T00:00Z",
            "2026-03-01T00:00:00Z",
            "2026-03-01t01:00:00.000+01:00",
            "2026-02-28T23:30-00:30",
            "2026-03-01T00:00:00",
            "1772323200.0",
        ] {
            assert_eq!(read(text), moment, "{text}");
        }
        assert_eq!(read("1970"), read("0"));
        assert_eq!(read("2000-02-29"), read("951782400"));
        assert!(read("2026-03-01T00:00:00.000000001Z") > moment);
        for text in
            ["", "2026-13", "2026-02-29", "2026-3-1", "2026T10:00Z", "2026-03-01T24:00Z", "x", "-1", "1.", "1.x"]
        {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
