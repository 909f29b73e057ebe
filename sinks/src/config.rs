//! The settings of the sinks: the section `[sinks]` of the config.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::clickhouse;
use crate::redact::{self, Redaction};

/// The settings as written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many bytes of rows wait in memory before they are written to files early.
    pub buffer: ByteSize,
    /// Into how many days' folders one commit writes, per table; the rows of the other days share the folder `mixed`,
    /// so that a log with one record a day does not become a thousand files.
    pub max_days: usize,
    /// How many files of about one size a folder may have before they are merged into one.
    pub max_files: usize,
    /// How many bytes, as columns in memory, one commit may merge. Files of half this size are never merged again.
    pub compact: ByteSize,
    /// For how many commits a file that was replaced stays, for readers that started before.
    pub keep_epochs: u64,
    /// Names of JSON values to replace in raw records and dead letters before they are stored; see the README.
    pub redact: Vec<String>,
    /// The ClickHouse store.
    pub clickhouse: clickhouse::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            buffer: ByteSize::mib(64),
            max_days: 32,
            max_files: 4,
            compact: ByteSize::mib(128),
            keep_epochs: 2,
            redact: redact::DEFAULT.iter().map(|pattern| (*pattern).to_owned()).collect(),
            clickhouse: clickhouse::Config::default(),
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Too small to work with.
    #[error("`{key} = {value}` is too small; it needs at least {least}")]
    TooSmall {
        /// The key.
        key: &'static str,
        /// What was written.
        value: String,
        /// What would do.
        least: String,
    },
    /// A pattern of the redaction list that names nothing.
    #[error("`redact` has the pattern `{0}`, which ends without a name; write one such as `*.password`")]
    Pattern(String),
    /// An address that is none.
    #[error("`{url}` is no address of a ClickHouse store: {why}")]
    Address {
        /// What was written.
        url: String,
        /// What would do.
        why: String,
    },
}

/// Settings that were checked.
#[derive(Clone, Debug)]
pub struct ValidConfig {
    pub(crate) buffer_bytes: usize,
    pub(crate) max_days: usize,
    pub(crate) max_files: usize,
    pub(crate) compact_bytes: u64,
    pub(crate) keep_epochs: u64,
    pub(crate) redaction: Redaction,
    pub(crate) clickhouse: clickhouse::ValidConfig,
}

impl ValidConfig {
    /// What is replaced in bodies before they are stored, or shown.
    #[must_use]
    pub fn redaction(&self) -> &Redaction {
        &self.redaction
    }

    /// The settings of the ClickHouse store.
    #[must_use]
    pub fn clickhouse(&self) -> &clickhouse::ValidConfig {
        &self.clickhouse
    }
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// When a bound is too small or a redaction pattern names nothing.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        at_least("buffer", self.buffer, ByteSize::kib(64))?;
        at_least("compact", self.compact, ByteSize::mib(1))?;
        at_least("max_days", self.max_days, 1)?;
        at_least("max_files", self.max_files, 2)?;
        at_least("keep_epochs", self.keep_epochs, 1)?;
        Ok(ValidConfig {
            buffer_bytes: usize::try_from(self.buffer.as_u64()).unwrap_or(usize::MAX),
            max_days: self.max_days,
            max_files: self.max_files,
            compact_bytes: self.compact.as_u64(),
            keep_epochs: self.keep_epochs,
            redaction: Redaction::new(&self.redact).map_err(ConfigError::Pattern)?,
            clickhouse: self.clickhouse.validate()?,
        })
    }
}

fn at_least<T: PartialOrd + ToString>(key: &'static str, value: T, least: T) -> Result<(), ConfigError> {
    if value < least {
        return Err(ConfigError::TooSmall { key, value: value.to_string(), least: least.to_string() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Config, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn sizes_have_units_and_keys_are_checked() {
        let config = parse(r#"{"buffer": "1 MiB", "redact": []}"#).unwrap();
        assert_eq!(config.validate().unwrap().buffer_bytes, 1 << 20);
        assert!(parse(r#"{"bufer": "1 MiB"}"#).unwrap_err().contains("unknown field `bufer`"));
    }

    #[test]
    fn bounds_that_cannot_work_are_refused() {
        let small = Config { buffer: ByteSize::b(10), ..Config::default() };
        assert_eq!(
            small.validate().unwrap_err().to_string(),
            "`buffer = 10 B` is too small; it needs at least 64.0 KiB"
        );
        let empty = Config { redact: vec!["requestParameters.".into()], ..Config::default() };
        assert_eq!(empty.validate().unwrap_err(), ConfigError::Pattern("requestParameters.".into()));
    }
}
