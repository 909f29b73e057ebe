//! Event time: microseconds since 1970-01-01 UTC.

use std::collections::HashSet;
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use apache_avro::schema::{Name, NamespaceRef, Schema};
use apache_avro::serde::AvroSchemaComponent;
use serde::{Deserialize, Serialize};

/// A point in time in microseconds since the Unix epoch, UTC. GCP's and Azure's finer digits are cut off; the raw
/// record keeps them. In Avro and Arrow it is `timestamp-micros`, in JSON lines RFC 3339 (see [`crate::json`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

/// A text that is no RFC 3339 time.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a time such as `2026-10-31T12:00:00Z`")]
pub struct TimeError(String);

impl Time {
    /// Microseconds in an hour.
    pub const HOUR: i64 = 3_600_000_000;
    /// Microseconds in a day.
    pub const DAY: i64 = 24 * Self::HOUR;

    /// Reads an RFC 3339 time with any offset and up to nine decimals (those past six are cut off).
    ///
    /// # Errors
    /// When the text is not RFC 3339 or lies outside years -9999 to 9999.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let stamp: jiff::Timestamp = text.parse().map_err(|_| TimeError(text.chars().take(64).collect()))?;
        Ok(Self(stamp.as_microsecond()))
    }

    /// Makes one from milliseconds since the epoch.
    #[must_use]
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// The start of the tumbling window of `width_us` microseconds that holds this time.
    #[must_use]
    pub fn floor(self, width_us: i64) -> Self {
        Self(self.0 - self.0.rem_euclid(width_us))
    }

    /// Days since the epoch, rounded down.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(Self::DAY)
    }

    /// The date as `2026-10-31`.
    #[must_use]
    pub fn date(self) -> String {
        self.to_string().chars().take_while(|c| *c != 'T').collect()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(stamp) => fmt::Display::fmt(&stamp, f),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl AvroSchemaComponent for Time {
    fn get_schema_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> Schema {
        Schema::TimestampMicros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_in_and_out() {
        let time = Time::parse("2024-02-29T23:59:59.123456789+02:00").unwrap();
        assert_eq!(time.to_string(), "2024-02-29T21:59:59.123456Z");
        assert_eq!(time.date(), "2024-02-29");
        assert!(Time::parse("2024-02-30T00:00:00Z").is_err());
    }

    #[test]
    fn windows_before_the_epoch_round_down() {
        assert_eq!(Time(-1).floor(Time::HOUR), Time(-Time::HOUR));
        assert_eq!(Time(-1).day(), -1);
    }
}
