//! The section `[ingest]` of the config.

use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// Settings as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The largest record that is read; a larger one is a dead letter. The clouds' own limits are 256 KB, so this
    /// bounds damage only.
    pub max_record: ByteSize,
    /// How much of one entitlement file is held until its end; a larger snapshot breaks off and deletes nothing.
    pub max_snapshot: ByteSize,
    /// How many files are remembered; more are a fault, since forgetting one would read it twice.
    pub max_files: usize,
    /// How many accounts get progress of their own; records of further ones are read, but hold back no watermark.
    pub max_accounts: usize,
    /// How often folders are looked at for new files and for growth.
    #[serde(with = "humantime_serde")]
    pub poll_interval: Duration,
    /// After how long without a new record an account's feed is called idle, and half a file no longer waited for.
    #[serde(with = "humantime_serde")]
    pub idle_after: Duration,
    /// How much later than its neighbours a record may be written to a followed file.
    #[serde(with = "humantime_serde")]
    pub allowed_lateness: Duration,
    /// Records that lie further ahead of the clock never move time on.
    #[serde(with = "humantime_serde")]
    pub max_ahead: Duration,
    /// Inside a large file, progress is said every so many records.
    pub progress_every: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_record: ByteSize::mib(16),
            max_snapshot: ByteSize::mib(256),
            max_files: 1_000_000,
            max_accounts: 10_000,
            poll_interval: Duration::from_secs(5),
            idle_after: Duration::from_secs(600),
            allowed_lateness: Duration::from_secs(900),
            max_ahead: Duration::from_secs(900),
            progress_every: 20_000,
        }
    }
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// When one is out of its range; the message names it.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        let bounds = [
            ("max_record", self.max_record.as_u64()),
            ("max_snapshot", self.max_snapshot.as_u64()),
            ("max_files", self.max_files as u64),
            ("max_accounts", self.max_accounts as u64),
            ("progress_every", self.progress_every),
            ("poll_interval", u64::try_from(self.poll_interval.as_micros()).unwrap_or(u64::MAX)),
        ];
        if let Some((setting, _)) = bounds.iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError::Zero { setting });
        }
        if self.max_record > self.max_snapshot {
            return Err(ConfigError::Larger { record: self.max_record, snapshot: self.max_snapshot });
        }
        Ok(ValidConfig {
            max_record: usize::try_from(self.max_record.as_u64()).unwrap_or(usize::MAX),
            max_snapshot: usize::try_from(self.max_snapshot.as_u64()).unwrap_or(usize::MAX),
            max_files: self.max_files,
            max_accounts: self.max_accounts,
            poll_interval: self.poll_interval,
            idle_after: self.idle_after,
            allowed_lateness: self.allowed_lateness,
            max_ahead: self.max_ahead,
            progress_every: self.progress_every,
        })
    }
}

/// Settings that were checked; sizes in bytes. See [`Config`] for what they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidConfig {
    pub(crate) max_record: usize,
    pub(crate) max_snapshot: usize,
    pub(crate) max_files: usize,
    pub(crate) max_accounts: usize,
    pub(crate) poll_interval: Duration,
    pub(crate) idle_after: Duration,
    pub(crate) allowed_lateness: Duration,
    pub(crate) max_ahead: Duration,
    pub(crate) progress_every: u64,
}

impl ValidConfig {
    /// The largest record in bytes.
    #[must_use]
    pub fn max_record(&self) -> usize {
        self.max_record
    }

    /// How many accounts are told apart.
    #[must_use]
    pub fn max_accounts(&self) -> usize {
        self.max_accounts
    }

    /// After how long without records an account is idle.
    #[must_use]
    pub fn idle_after(&self) -> Duration {
        self.idle_after
    }

    /// How much later than the latest a record may come.
    #[must_use]
    pub fn allowed_lateness(&self) -> Duration {
        self.allowed_lateness
    }

    /// How many bytes of one entitlement file are held.
    #[must_use]
    pub fn max_snapshot(&self) -> usize {
        self.max_snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_units_and_unknown_ones_are_refused() {
        let config: Config = toml::from_str("max_record = \"1 MiB\"\nidle_after = \"2m\"").unwrap();
        let valid = config.validate().unwrap();
        assert_eq!((valid.max_record, valid.idle_after.as_secs()), (1 << 20, 120));
        assert!(toml::from_str::<Config>("max_recrod = 1").is_err());
        let zero: Config = toml::from_str("max_files = 0").unwrap();
        assert_eq!(zero.validate().unwrap_err().to_string(), "`ingest.max_files` must be above 0");
        let larger: Config = toml::from_str("max_record = \"1 GiB\"").unwrap();
        assert!(larger.validate().unwrap_err().to_string().starts_with("`ingest.max_record` 1.0 GiB is larger"));
    }
}
