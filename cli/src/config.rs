//! The settings: one TOML file, one section a room, every setting with a default.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kafka::KafkaConfig;
use crate::telemetry::TelemetryConfig;

/// The file as it is written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) stream: StreamConfig,
    pub(crate) ingest: ingest::Config,
    pub(crate) normalize: normalize::Config,
    pub(crate) score: score::ScoreConfig,
    pub(crate) detect: detect::Config,
    pub(crate) sinks: sinks::Config,
    pub(crate) telemetry: TelemetryConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kafka: Option<KafkaConfig>,
}

/// How the belt moves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StreamConfig {
    /// How many batches a channel holds before its sender waits.
    pub(crate) channel_batches: usize,
    /// How many records a batch holds at most.
    pub(crate) batch_records: usize,
    /// After how many records a commit is made at the latest.
    pub(crate) commit_records: u64,
    /// After what time a commit is made at the latest, when there is anything new.
    #[serde(with = "humantime_serde")]
    pub(crate) commit_every: Duration,
    /// Into how many partitions identities are split for scores and detection; fixed once a store exists.
    pub(crate) n_partitions: u32,
}

impl Default for StreamConfig {
    fn default() -> Self {
        let options = stream::embedded::Options::new("");
        Self {
            channel_batches: options.channel_batches,
            batch_records: options.batch_records,
            commit_records: options.commit_records,
            commit_every: options.commit_every,
            n_partitions: 1,
        }
    }
}

/// The settings, checked.
pub(crate) struct ValidConfig {
    pub(crate) stream: StreamConfig,
    pub(crate) ingest: ingest::ValidConfig,
    pub(crate) normalize: normalize::ValidConfig,
    pub(crate) score: score::ValidConfig,
    pub(crate) detect: detect::ValidConfig,
    pub(crate) sinks: sinks::ValidConfig,
    pub(crate) telemetry: TelemetryConfig,
    pub(crate) kafka: Option<KafkaConfig>,
}

/// What is wrong with a config file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// It cannot be read.
    #[error("cannot read config `{path}`")]
    Read { path: PathBuf, source: std::io::Error },
    /// A key that no room has.
    #[error("unknown setting `{key}` in `{path}`{}", hint.as_ref().map(|hint| format!("; did you mean `{hint}`?")).unwrap_or_default())]
    UnknownKey { key: String, path: PathBuf, hint: Option<String> },
    /// Not TOML, or a value of the wrong type.
    #[error("config `{path}`: {what}")]
    Syntax { path: PathBuf, what: String },
    /// A value that makes no sense.
    #[error("config section `{section}`")]
    Value { section: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
}

impl Config {
    /// Reads a file, or takes the defaults.
    pub(crate) fn load(path: Option<&Path>) -> Result<ValidConfig, ConfigError> {
        Self::read(path)?.validate()
    }

    /// Only what a process tells of itself; mistakes elsewhere are told by whoever reads them next.
    #[cfg(feature = "otlp")]
    pub(crate) fn telemetry(path: Option<&Path>) -> Option<TelemetryConfig> {
        Self::read(path).ok()?.telemetry.validate().ok()
    }

    fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| explain(&error, path))
    }

    fn validate(self) -> Result<ValidConfig, ConfigError> {
        fn wrong<E: std::error::Error + Send + Sync + 'static>(section: &'static str) -> impl Fn(E) -> ConfigError {
            move |error| ConfigError::Value { section, source: Box::new(error) }
        }
        let stream = self.stream;
        let is_bounded = |n: usize| (1..=1_000_000).contains(&n);
        let is_usable = is_bounded(stream.channel_batches)
            && is_bounded(stream.batch_records)
            && stream.commit_records > 0
            && (1..=1024).contains(&stream.n_partitions);
        if !is_usable {
            let what =
                "`channel_batches`, `batch_records` and `commit_records` must be at least 1, `n_partitions` 1 to 1024";
            return Err(ConfigError::Value { section: "stream", source: what.into() });
        }
        Ok(ValidConfig {
            stream,
            ingest: self.ingest.validate().map_err(wrong("ingest"))?,
            normalize: self.normalize.validate().map_err(wrong("normalize"))?,
            score: self.score.validate().map_err(wrong("score"))?,
            detect: self.detect.validate().map_err(wrong("detect"))?,
            sinks: self.sinks.validate().map_err(wrong("sinks"))?,
            telemetry: self.telemetry.validate().map_err(wrong("telemetry"))?,
            kafka: self.kafka.map(KafkaConfig::validate).transpose().map_err(wrong("kafka"))?,
        })
    }
}

/// Turns serde's words for an unknown key into ours, with the nearest known key.
fn explain(error: &toml::de::Error, path: &Path) -> ConfigError {
    let message = error.message();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let (true, [key, known @ ..]) = (message.starts_with("unknown field"), quoted.as_slice()) {
        let nearest = known.iter().max_by(|a, b| strsim::jaro_winkler(key, a).total_cmp(&strsim::jaro_winkler(key, b)));
        let hint = nearest.filter(|known| strsim::jaro_winkler(key, known) > 0.7).map(|known| (*known).to_owned());
        return ConfigError::UnknownKey { key: (*key).to_owned(), path: path.to_owned(), hint };
    }
    ConfigError::Syntax { path: path.to_owned(), what: error.to_string().trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        let checked = Config::parse(text, Path::new("config/local.toml")).and_then(Config::validate);
        match checked {
            Ok(_) => "fine".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_committed_config_is_the_documentation() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/local.toml");
        let text = std::fs::read_to_string(path).expect("the file is committed");
        assert_eq!(message(&text), "fine");
        let written: Config = toml::from_str(&text).expect("it was read just now");
        let (written, defaults) = (toml::to_string(&written), toml::to_string(&Config::default()));
        assert_eq!(written.expect("it is TOML"), defaults.expect("it is TOML"), "the file shows the defaults");
    }

    #[test]
    fn the_committed_section_of_kafka_shows_its_defaults() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/kafka.toml");
        let text = std::fs::read_to_string(path).expect("the file is committed");
        assert_eq!(message(&text), "fine");
        let written: Config = toml::from_str(&text).expect("it was read just now");
        let defaults = Config { kafka: Some(KafkaConfig::default()), ..Config::default() };
        assert_eq!(
            toml::to_string(&written).expect("it is TOML"),
            toml::to_string(&defaults).expect("it is TOML"),
            "the file shows the defaults"
        );
    }

    #[test]
    fn a_secret_in_the_file_is_refused() {
        let text = "[kafka.settings]\n\"sasl.password\" = \"hunter2\"\n";
        let error = Config::parse(text, Path::new("c.toml")).and_then(Config::validate).err().expect("it is refused");
        let why = std::error::Error::source(&error).expect("it has a reason").to_string();
        assert_eq!(
            why,
            "`settings.sasl.password` is a secret; put it into the environment and name the variable in `settings_env`"
        );
    }

    #[test]
    fn a_wrong_key_is_named_with_the_right_one() {
        let text = message("[normalise]\nmax_record = \"1 MiB\"\n");
        assert_eq!(text, "unknown setting `normalise` in `config/local.toml`; did you mean `normalize`?");
        let text = message("[stream]\ncommit_evry = \"1s\"\n");
        assert_eq!(text, "unknown setting `commit_evry` in `config/local.toml`; did you mean `commit_every`?");
    }

    #[test]
    fn a_value_out_of_bounds_is_refused() {
        assert_eq!(message("[stream]\nbatch_records = 0\n"), "config section `stream`");
        assert!(message("[stream]\ncommit_every = 5\n").starts_with("config `config/local.toml`: TOML parse error"));
    }
}
