//! Values of conditions, and times among them.

use schemas::Text;

/// Nanoseconds of a second.
pub(super) const SECOND: i128 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gcp::evaluate) enum Value {
    Bool(bool),
    Int(i64),
    Text(Text),
    /// Nanoseconds since 1970 in UTC.
    Time(i128),
    /// Nanoseconds.
    Duration(i128),
    List(Vec<Value>),
}

impl Value {
    pub(in crate::gcp::evaluate) fn of_json(json: &serde_json::Value) -> Option<Self> {
        Some(match json {
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => Self::Int(number.as_i64()?),
            serde_json::Value::String(text) => Self::Text(text.as_str().into()),
            serde_json::Value::Array(list) => Self::List(list.iter().map(Self::of_json).collect::<Option<_>>()?),
            serde_json::Value::Null | serde_json::Value::Object(_) => return None,
        })
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads a time of RFC 3339: `2026-01-31T09:30:00.5Z`, `…+01:00`.
pub(in crate::gcp::evaluate) fn time(text: &str) -> Option<i128> {
    let (date, rest) = text.split_at_checked(10)?;
    let (year, month, day) = (number(date, 0, 4)?, number(date, 5, 7)?, number(date, 8, 10)?);
    let separated = date.as_bytes()[4] == b'-' && date.as_bytes()[7] == b'-' && rest.starts_with(['T', 't']);
    let (clock, rest) = rest.get(1..)?.split_at_checked(8)?;
    let (hour, minute, second) = (number(clock, 0, 2)?, number(clock, 3, 5)?, number(clock, 6, 8)?);
    let separated = separated && clock.as_bytes()[2] == b':' && clock.as_bytes()[5] == b':';
    let in_range = (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    if !separated || !in_range || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let n_digits = rest.strip_prefix('.').map_or(0, |digits| digits.bytes().take_while(u8::is_ascii_digit).count());
    let (fraction, zone) = rest.split_at(if n_digits == 0 { 0 } else { n_digits + 1 });
    if n_digits > 9 {
        return None;
    }
    let nanos = if n_digits == 0 { 0 } else { format!("{:0<9}", &fraction[1..]).parse::<i128>().ok()? };
    let offset = zone_seconds(if zone == "z" { "Z" } else { zone })?;
    let seconds = days(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset;
    Some(i128::from(seconds) * SECOND + nanos)
}

/// The offset of a time zone that is written as one: `Z`, `UTC`, `+01:00`. Zones with a name need a table that is not here.
pub(super) fn zone_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "UTC") {
        return Some(0);
    }
    let (sign, clock) = zone.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hour, minute) = (number(clock, 0, 2)?, number(clock, 3, 5)?);
    let is_whole = clock.len() == 5 && clock.as_bytes()[2] == b':' && hour < 24 && minute < 60;
    is_whole.then_some(sign * (hour * 3600 + minute * 60))
}

/// Reads a duration: `300s`, `1h30m`, `-1.5h`, `250ms`.
pub(super) fn duration(text: &str) -> Option<i128> {
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if rest.is_empty() {
        return None;
    }
    let mut nanos = 0_i128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (amount, unit) = rest.split_at(end);
        let end = unit.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(unit.len());
        let scale = match &unit[..end] {
            "h" => 3600 * SECOND,
            "m" => 60 * SECOND,
            "s" => SECOND,
            "ms" => SECOND / 1000,
            "us" => SECOND / 1_000_000,
            "ns" => 1,
            _ => return None,
        };
        nanos = nanos.checked_add(scaled(amount, scale)?)?;
        rest = &unit[end..];
    }
    Some(if negative { -nanos } else { nanos })
}

/// An amount such as `1.5` of a unit, in whole nanoseconds.
fn scaled(amount: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    if amount.len() > 18 || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    Some(digits(whole)? * scale + digits(fraction)? * scale / 10_i128.pow(fraction.len() as u32))
}

/// A part of a time, as the functions of the condition language count it: months, days of the month, of the week and of
/// the year from 0, dates from 1.
pub(super) fn part(time: i128, name: &str) -> Option<i64> {
    let seconds = i64::try_from(time.div_euclid(SECOND)).ok()?;
    let (day, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let (year, month, date) = civil(day);
    Some(match name {
        "getFullYear" => year,
        "getMonth" => month - 1,
        "getDate" => date,
        "getDayOfMonth" => date - 1,
        "getDayOfWeek" => (day + 4).rem_euclid(7),
        "getDayOfYear" => day - days(year, 1, 1),
        "getHours" => second / 3600,
        "getMinutes" => second / 60 % 60,
        "getSeconds" => second % 60,
        "getMilliseconds" => i64::try_from(time.rem_euclid(SECOND) / (SECOND / 1000)).ok()?,
        _ => return None,
    })
}

/// Days since 1970-01-01 (Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day since 1970-01-01 (the same, `civil_from_days`).
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

fn days_of(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days(next_year, next_month, 1) - days(year, month, 1)
}

fn number(text: &str, from: usize, to: usize) -> Option<i64> {
    let digits = text.get(from..to)?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_durations_and_parts_are_read() {
        let leap = time("2024-02-29T23:59:59.25Z").unwrap();
        assert_eq!(leap, 1_709_251_199_250_000_000);
        assert_eq!(time("2024-03-01T00:59:59.25+01:00"), Some(leap));
        let parts = ["getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours"];
        assert_eq!(parts.map(|name| part(leap, name).unwrap()), [2024, 1, 29, 28, 4, 59, 23]);
        assert_eq!(part(time("1969-12-31T00:00:00Z").unwrap(), "getDayOfWeek"), Some(3));
        for wrong in
            ["2023-02-29T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "", "é024-01-01T"]
        {
            assert_eq!(time(wrong), None, "{wrong}");
        }
        assert_eq!(duration("1h30m"), Some(5400 * SECOND));
        assert_eq!(duration("-1.5s"), Some(-1_500_000_000));
        for wrong in ["", "-", "5", "s", "1x", "1..5s", "99999999999999999999s"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
