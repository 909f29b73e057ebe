//! What a caller may choose, with the bounds that keep a run small enough for one machine.

use jiff::Timestamp;

use crate::error::SampleError;

/// One day in microseconds.
pub(crate) const DAY_US: i64 = 86_400_000_000;
/// The first moment after the default sample, 2026-10-31T00:00:00Z in seconds: a fixed date, so that no file depends on
/// the wall clock.
const DEFAULT_END_S: i64 = 1_793_404_800;

/// Days times identities at most: calls are kept in memory, about 24 for each identity and day at 80 bytes.
const MAX_IDENTITY_DAYS: u64 = 150_000;

/// What to generate. The same values always give byte-identical files.
#[derive(Clone, Debug)]
pub struct SampleParams {
    /// Days of logs, 1 to 366; days times identities is at most 150,000.
    pub n_days: u32,
    /// Identities over the three clouds, 1 to 5000. The first dozen hold the most telling personas.
    pub n_identities: u32,
    /// Seed of every random choice.
    pub seed: u64,
    /// Injected attacks, at most 200; the kinds take turns.
    pub n_attacks: u32,
    /// Malformed lines written per cloud under `broken/`, at most 10,000; 0 writes no such folder.
    pub n_broken: u32,
    /// The first moment after the logs; cut down to a UTC midnight.
    pub end: Timestamp,
}

impl Default for SampleParams {
    fn default() -> Self {
        Self {
            n_days: 30,
            n_identities: 200,
            seed: 42,
            n_attacks: 6,
            n_broken: 0,
            end: Timestamp::from_second(DEFAULT_END_S).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

impl SampleParams {
    /// Checks every bound and returns the span in microseconds since 1970, `[start, end)`, both UTC midnights.
    ///
    /// # Errors
    /// [`SampleError::Params`] with the parameter, its value and its bounds.
    pub fn span_us(&self) -> Result<(i64, i64), SampleError> {
        check("days", self.n_days, 1, 366)?;
        check("identities", self.n_identities, 1, 5_000)?;
        check("attacks", self.n_attacks, 0, 200)?;
        check("broken", self.n_broken, 0, 10_000)?;
        let n_person_days = u64::from(self.n_days) * u64::from(self.n_identities);
        if n_person_days > MAX_IDENTITY_DAYS {
            return Err(SampleError::Params(format!(
                "`days` times `identities` is {n_person_days}; it must be at most {MAX_IDENTITY_DAYS}"
            )));
        }
        let end = self.end.as_microsecond().div_euclid(DAY_US) * DAY_US;
        let start = end - i64::from(self.n_days) * DAY_US;
        if start <= 0 {
            return Err(SampleError::Params(format!("`end` is `{}`; the sample must lie after 1970", self.end)));
        }
        Ok((start, end))
    }
}

fn check(name: &str, value: u32, least: u32, most: u32) -> Result<(), SampleError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(SampleError::Params(format!("`{name}` is {value}; it must be between {least} and {most}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod tests {
    use super::*;

    #[test]
    fn the_default_ends_on_the_fixed_date() {
        let (start, end) = SampleParams::default().span_us().unwrap();
        assert_eq!(Timestamp::from_microsecond(end).unwrap().to_string(), "2026-10-31T00:00:00Z");
        assert_eq!(Timestamp::from_microsecond(start).unwrap().to_string(), "2026-10-01T00:00:00Z");
    }

    #[test]
    fn a_wrong_parameter_is_named_with_its_bounds() {
        let params = SampleParams { n_days: 0, ..SampleParams::default() };
        assert_eq!(params.span_us().unwrap_err().to_string(), "`days` is 0; it must be between 1 and 366");
    }
}
