//! The ways in which logs write a point in time.

use schemas::Time;

/// Reads a time: RFC 3339 with any number of decimals, the same with a space and without a zone (then UTC, as Panther and
/// BigQuery print it), the American form of Azure's risk records (`4/14/2025 11:17:05 AM`, UTC), and seconds, milli-,
/// micro- or nanoseconds since the epoch by their number of digits. `None` for anything else, and for the first second
/// of the epoch and all before it: a default that somebody forgot to fill.
pub(super) fn parse(text: &str) -> Option<Time> {
    let text = text.trim();
    let time = plain(text).or_else(|| american(text)).or_else(|| epoch(text)).or_else(|| Time::parse(text).ok())?;
    (time.0 >= 1_000_000).then_some(time)
}

/// `2025-01-15T08:15:23.4567890Z`, also with a space for the `T` and without the `Z`.
fn plain(text: &str) -> Option<Time> {
    let bytes = text.as_bytes();
    let separated = bytes.len() >= 19
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && matches!(bytes[10], b'T' | b't' | b' ')
        && bytes[13] == b':'
        && bytes[16] == b':';
    if !separated {
        return None;
    }
    let (year, month, day) = (digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..10])?);
    let (hour, minute, second) = (digits(&bytes[11..13])?, digits(&bytes[14..16])?, digits(&bytes[17..19])?);
    let micros = match &bytes[19..] {
        b"" | b"Z" | b"z" => 0,
        [b'.', rest @ ..] => fraction(rest.strip_suffix(b"Z").or_else(|| rest.strip_suffix(b"z")).unwrap_or(rest))?,
        _ => return None,
    };
    at(year, month, day, hour, minute, second, micros)
}

/// `4/14/2025 11:17:05 AM`, month first; hours are read as written when neither `AM` nor `PM` follows.
fn american(text: &str) -> Option<Time> {
    let mut words = text.split_ascii_whitespace();
    let mut date = words.next()?.splitn(3, '/').map(|part| digits(part.as_bytes()));
    let (month, day, year) = (date.next()??, date.next()??, date.next()??);
    let mut clock = words.next()?.splitn(3, ':').map(|part| digits(part.as_bytes()));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let hour = match words.next() {
        None => hour,
        Some(half) if half.eq_ignore_ascii_case("AM") && (1..=12).contains(&hour) => hour % 12,
        Some(half) if half.eq_ignore_ascii_case("PM") && (1..=12).contains(&hour) => hour % 12 + 12,
        Some(_) => return None,
    };
    let whole = words.next().is_none() && year >= 1000;
    if whole { at(year, month, day, hour, minute, second, 0) } else { None }
}

/// 10 digits are seconds until the year 2286, and each further three a finer unit.
fn epoch(text: &str) -> Option<Time> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let number = digits(whole.as_bytes())?;
    let micros = match whole.len() {
        9..=10 => number.checked_mul(1_000_000)?.checked_add(fraction(part.as_bytes()).unwrap_or_default())?,
        12..=13 => number.checked_mul(1000)?,
        15..=16 => number,
        18..=19 => number / 1000,
        _ => return None,
    };
    Some(Time(micros))
}

/// A number of up to 19 digits.
fn digits(bytes: &[u8]) -> Option<i64> {
    if bytes.is_empty() || bytes.len() > 19 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    bytes.iter().try_fold(0_i64, |sum, byte| sum.checked_mul(10)?.checked_add(i64::from(byte - b'0')))
}

/// Decimals as microseconds; those past six are cut off.
fn fraction(bytes: &[u8]) -> Option<i64> {
    if bytes.is_empty() || bytes.len() > 12 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((0..6).fold(0, |sum, place| sum * 10 + bytes.get(place).map_or(0, |byte| i64::from(byte - b'0'))))
}

fn at(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64, micros: i64) -> Option<Time> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    // RFC 3339 allows a leap second; like all our neighbours we count it as the second before.
    let real = (1..=last).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !real {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second.min(59);
    Some(Time(seconds * 1_000_000 + micros))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar: Howard Hinnant's `days_from_civil`, for years from 0 on.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        for (text, expected) in [
            ("2021-02-09T11:15:57.0501894Z", "2021-02-09T11:15:57.050189Z"),
            ("2025-04-11T08:16:11.0511381+00:00", "2025-04-11T08:16:11.051138Z"),
            ("2025-04-11T10:16:11+02:00", "2025-04-11T08:16:11Z"),
            ("2025-01-15 08:15:23.456", "2025-01-15T08:15:23.456Z"),
            ("2024-01-25 11:55:08.919358000", "2024-01-25T11:55:08.919358Z"),
            ("2020-06-30T16:14:47.593398572Z", "2020-06-30T16:14:47.593398Z"),
            ("4/14/2025 11:17:05 AM", "2025-04-14T11:17:05Z"),
            ("12/1/2025 12:00:00 AM", "2025-12-01T00:00:00Z"),
            ("12/1/2025 1:02:03 PM", "2025-12-01T13:02:03Z"),
            ("1736928923", "2025-01-15T08:15:23Z"),
            ("1736928923.456", "2025-01-15T08:15:23.456Z"),
            ("1736928923456", "2025-01-15T08:15:23.456Z"),
            ("1736928923456789", "2025-01-15T08:15:23.456789Z"),
            ("1736928923456789012", "2025-01-15T08:15:23.456789Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            (" 2024-02-29T00:00:00Z ", "2024-02-29T00:00:00Z"),
        ] {
            assert_eq!(parse(text).map(|time| time.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "...",
            "0000-00-00T00:00:00.000Z",
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "14/4/2025 11:17:05 AM",
            "4/14/2025 13:17:05 AM",
            "4/14/2025",
            "0",
            "12345",
            "99999999999999999999",
            "2025-01-15T25:00:00Z",
            "2025-01-15T08:15:23.Z",
            "yesterday",
            "2025-01-15T08:15:23 nonsense",
            "\u{661}\u{662}/1/2025 1:1:1",
            "4/14/2025 0:17:05 PM",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn our_reading_is_that_of_the_library(micros in 1_000_000_i64..253_402_207_200_000_000) {
            let text = Time(micros).to_string();
            prop_assert_eq!(parse(&text), Some(Time::parse(&text).unwrap()));
            prop_assert_eq!(parse(&text.replace('T', " ").replace('Z', "")), Some(Time(micros)));
        }

        #[test]
        fn no_text_panics(text in "[0-9TZ:/. APM+-]{0,40}|.{0,40}") {
            parse(&text);
        }
    }
}
