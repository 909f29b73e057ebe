//! Event times: RFC 3339, and the form with a space that Athena and Panther write.

use schemas::Time;

use crate::error::Reject;

/// Reads a time; one without an offset is UTC, as CloudTrail's are.
pub(super) fn read(field: &'static str, text: &str) -> Result<Time, Reject> {
    if let Some(time) = plain(text.as_bytes()) {
        return Ok(time);
    }
    let mut rfc = text.trim().replacen(' ', "T", 1);
    let has_offset = rfc.ends_with(['Z', 'z']) || rfc.get(19..).is_some_and(|tail| tail.contains(['+', '-']));
    if !has_offset {
        rfc.push('Z');
    }
    Time::parse(&rfc).map_err(|_| Reject::not_a_time(field, text))
}

/// The form of nearly every record, `2024-02-29T23:59:59Z`, without the general parser's cost.
fn plain(text: &[u8]) -> Option<Time> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'Z'] = text else {
        return None;
    };
    let two = |a: &u8, b: &u8| Some(digit(*a)? * 10 + digit(*b)?);
    let (year, month, day) = (two(y1, y2)? * 100 + two(y3, y4)?, two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let n_days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > n_days || hour > 23 || minute > 59 || second > 59 || year < 1 {
        return None;
    }
    Some(Time((((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000))
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

/// Days from 1970-01-01, by the count of days of years that start in March (Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_forms_of_real_records_are_read() {
        for (text, expected) in [
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
            ("2024-06-02 19:41:40.000000000", "2024-06-02T19:41:40Z"),
            ("2022-09-25 16:16:37", "2022-09-25T16:16:37Z"),
            ("2024-02-29T23:59:59.25+02:00", "2024-02-29T21:59:59.25Z"),
        ] {
            assert_eq!(read("eventTime", text).unwrap().to_string(), expected);
        }
        for text in ["...", "", "eventTime", "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-01-01T24:00:00Z"] {
            assert_eq!(
                read("eventTime", text).unwrap_err().to_string(),
                format!("field `eventTime` is no time: `{text}`")
            );
        }
    }

    proptest! {
        #[test]
        fn the_quick_form_agrees_with_the_general_one(seconds in -62_135_596_800_i64..253_402_300_799) {
            let text = Time(seconds * 1_000_000).to_string();
            prop_assert_eq!(plain(text.as_bytes()), Some(Time(seconds * 1_000_000)), "{}", text);
        }
    }
}
