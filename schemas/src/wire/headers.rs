//! The CloudEvents headers of a record, in Kafka's binary mode, and the header that carries a schema id.

use std::io::Write;

use crate::{Message, Time};

/// Confluent's header that names the schema of a value.
pub(super) const VALUE_SCHEMA_ID: &str = "__value_schema_id";

/// The headers of one record, over buffers that are used again.
pub(super) struct Headers<'a> {
    pub(super) list: &'a mut Vec<(&'static str, Vec<u8>)>,
    pub(super) spare: &'a mut Vec<Vec<u8>>,
}

impl Headers<'_> {
    /// Adds a header whose value the caller fills in.
    pub(super) fn add(&mut self, name: &'static str) -> &mut Vec<u8> {
        let place = self.list.len();
        self.list.push((name, self.spare.pop().unwrap_or_default()));
        &mut self.list[place].1
    }

    fn text(&mut self, name: &'static str, text: &str) {
        self.add(name).extend_from_slice(text.as_bytes());
    }

    /// Adds the attributes of a message: `ce_id` is the row key and the revision, unique within its source.
    pub(super) fn cloud_event(&mut self, message: &Message, event_type: &str, source: &str, key: &[u8]) {
        self.text("ce_specversion", "1.0");
        self.text("ce_type", event_type);
        self.text("ce_source", source);
        let id = self.add("ce_id");
        id.extend_from_slice(key);
        id.push(b'#');
        decimal(message.revision(), id);
        let time = message.time();
        if is_in_rfc_3339(time) {
            rfc_3339(time, self.add("ce_time"));
        }
        let is_raw = matches!(message, Message::RawRecord(_) | Message::RawGrant(_));
        self.text("content-type", if is_raw { "application/json" } else { "application/avro" });
    }
}

fn decimal(n: i64, into: &mut Vec<u8>) {
    if let Ok(digit @ 0..=9) = u8::try_from(n) {
        into.push(b'0' + digit);
        return;
    }
    // Writing to a vector does not fail.
    let _ = write!(into, "{n}");
}

/// Whether RFC 3339, which ends at the year 9999, has a form for a time.
fn is_in_rfc_3339(time: Time) -> bool {
    (-62_167_219_200_000_000..253_402_300_800_000_000).contains(&time.0)
}

/// Appends `2026-10-31T12:00:00Z`, with six decimals where there are any.
fn rfc_3339(time: Time, into: &mut Vec<u8>) {
    let (year, month, day) = civil(time.day());
    let us = time.0.rem_euclid(Time::DAY) as u64;
    let seconds = us / 1_000_000;
    digits::<4>(year as u64, into);
    for (mark, n) in
        [(b'-', month), (b'-', day), (b'T', seconds / 3600), (b':', seconds / 60 % 60), (b':', seconds % 60)]
    {
        into.push(mark);
        digits::<2>(n, into);
    }
    let micros = us % 1_000_000;
    if micros > 0 {
        into.push(b'.');
        digits::<6>(micros, into);
    }
    into.push(b'Z');
}

fn digits<const N: usize>(mut n: u64, into: &mut Vec<u8>) {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (n % 10) as u8;
        n /= 10;
    }
    into.extend_from_slice(&digits);
}

/// The date of a day since 1970 in the proleptic Gregorian calendar, counted in eras of 400 years that begin in March, as
/// in Howard Hinnant's `civil_from_days`.
fn civil(day: i64) -> (i64, u64, u64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097) as u64;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era as i64 + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(time: Time) -> String {
        let mut bytes = Vec::new();
        rfc_3339(time, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_ends_of_rfc_3339() {
        assert_eq!(written(Time(-62_167_219_200_000_000)), "0000-01-01T00:00:00Z");
        assert_eq!(written(Time(253_402_300_799_999_999)), "9999-12-31T23:59:59.999999Z");
        assert!(!is_in_rfc_3339(Time(-62_167_219_200_000_001)));
        assert!(!is_in_rfc_3339(Time(253_402_300_800_000_000)));
    }

    proptest! {
        #[test]
        fn a_time_reads_back_as_jiff_reads_it(us in -62_167_219_200_000_000..253_402_300_800_000_000_i64) {
            // `jiff` ends a day early, for the sake of offsets.
            prop_assume!(us < 253_402_207_200_000_000);
            prop_assert_eq!(Time::parse(&written(Time(us))).unwrap(), Time(us));
        }

        #[test]
        fn a_decimal_is_as_the_standard_library_writes_it(n: i64) {
            for n in [n, n % 12] {
                let mut bytes = Vec::new();
                decimal(n, &mut bytes);
                prop_assert_eq!(String::from_utf8(bytes).unwrap(), n.to_string());
            }
        }
    }
}
