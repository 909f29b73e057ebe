//! The section `[kafka]`: rooms as processes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Settings as they are written. With this section the rooms run on Kafka.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KafkaConfig {
    /// Where the brokers are: `host:port`, several with commas.
    pub(crate) brokers: String,
    /// What stands before the name of each topic.
    pub(crate) topic_prefix: String,
    /// What stands before the name of each consumer group, journal and transactional id.
    pub(crate) group_prefix: String,
    /// Into how many partitions topics and rooms are split. `overgrant repartition` makes more of them.
    pub(crate) n_partitions: u32,
    /// Raw log topics that others fill, such as `raw.aws.cloudtrail`: ingest reads along and says how far their event time
    /// has come.
    pub(crate) filled_by_others: Vec<String>,
    /// How many copies the brokers keep of each partition.
    pub(crate) replication: i32,
    /// The folder of the rooms' state, which all their processes share.
    pub(crate) snapshots: PathBuf,
    /// The folder of bodies above 900 KB, which topics point to. All processes share it, and it needs room for as long as
    /// topics keep their records.
    pub(crate) bodies: PathBuf,
    /// How often state is stored; a restart takes again what came behind it.
    #[serde(with = "humantime_serde")]
    pub(crate) snapshot_every: Duration,
    /// After what time a transaction is committed at the latest.
    #[serde(with = "humantime_serde")]
    pub(crate) commit_every: Duration,
    /// After how many records a transaction is committed at the latest.
    pub(crate) commit_records: u64,
    /// After how long a silent process is taken for dead, and its partitions are given to others.
    #[serde(with = "humantime_serde")]
    pub(crate) session_timeout: Duration,
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub(crate) security: Security,
    /// `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`.
    pub(crate) sasl_mechanism: Option<String>,
    /// The user of PLAIN and SCRAM.
    pub(crate) user: Option<String>,
    /// The environment variable that holds the password.
    pub(crate) password_env: Option<String>,
    /// The certificates of the brokers' authority, as PEM.
    pub(crate) ca_file: Option<PathBuf>,
    /// Our own certificate and its key, as PEM.
    pub(crate) certificate_file: Option<PathBuf>,
    /// Its key.
    pub(crate) key_file: Option<PathBuf>,
    /// Further settings of librdkafka, such as those of OAUTHBEARER. No secrets: name them in `settings_env`.
    pub(crate) settings: BTreeMap<String, String>,
    /// Settings of librdkafka whose values stand in environment variables of these names.
    pub(crate) settings_env: BTreeMap<String, String>,
    /// The schema registry's address, with its path. Without one, ids come from a range of ours.
    pub(crate) registry: Option<String>,
    /// Its user.
    pub(crate) registry_user: Option<String>,
    /// The environment variable that holds its password, or without a user its bearer token.
    pub(crate) registry_secret_env: Option<String>,
}

/// How connections are made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Security {
    /// Not at all.
    Plaintext,
    /// TLS.
    Ssl,
    /// A name and a secret, unencrypted.
    SaslPlaintext,
    /// A name and a secret over TLS.
    SaslSsl,
}

impl Security {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic_prefix: String::new(),
            group_prefix: "overgrant".to_owned(),
            n_partitions: 12,
            filled_by_others: Vec::new(),
            replication: 1,
            snapshots: PathBuf::from("overgrant-snapshots"),
            bodies: PathBuf::from("overgrant-bodies"),
            snapshot_every: Duration::from_secs(30),
            commit_every: Duration::from_millis(200),
            commit_records: 20_000,
            session_timeout: Duration::from_secs(10),
            security: Security::Plaintext,
            sasl_mechanism: None,
            user: None,
            password_env: None,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            settings: BTreeMap::new(),
            settings_env: BTreeMap::new(),
            registry: None,
            registry_user: None,
            registry_secret_env: None,
        }
    }
}

/// What is wrong with the section.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KafkaConfigError {
    /// A number out of its range.
    #[error("`{0}` must be {1}")]
    Range(&'static str, &'static str),
    /// A secret in the file.
    #[error("`settings.{0}` is a secret; put it into the environment and name the variable in `settings_env`")]
    Secret(String),
    /// A topic that nobody else may fill.
    #[error("`filled_by_others` names `{0}`, which is no raw log topic; there are {1}")]
    Topic(String, String),
    /// SASL without what it needs.
    #[error("`security` is `{0}`, so `{1}` must be set")]
    Missing(&'static str, &'static str),
}

impl KafkaConfig {
    /// Checks the settings.
    pub(crate) fn validate(self) -> Result<Self, KafkaConfigError> {
        if !(1..=1024).contains(&self.n_partitions) {
            return Err(KafkaConfigError::Range("n_partitions", "1 to 1024"));
        }
        if self.brokers.trim().is_empty() {
            return Err(KafkaConfigError::Range("brokers", "one `host:port` at least"));
        }
        if !(Duration::from_millis(10)..=Duration::from_secs(30)).contains(&self.commit_every) {
            return Err(KafkaConfigError::Range("commit_every", "10ms to 30s"));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(300)).contains(&self.session_timeout) {
            return Err(KafkaConfigError::Range("session_timeout", "1s to 5min"));
        }
        if self.commit_records == 0 {
            return Err(KafkaConfigError::Range("commit_records", "at least 1"));
        }
        let secret =
            |name: &&String| ["password", "secret", "pem", "sasl.oauthbearer.config"].iter().any(|s| name.contains(s));
        if let Some(name) = self.settings.keys().find(secret) {
            return Err(KafkaConfigError::Secret(name.clone()));
        }
        let logs: Vec<&str> = crate::pipeline::LOGS.to_vec();
        if let Some(topic) = self.filled_by_others.iter().find(|topic| !logs.contains(&topic.as_str())) {
            return Err(KafkaConfigError::Topic(topic.clone(), logs.join(", ")));
        }
        let is_sasl = matches!(self.security, Security::SaslPlaintext | Security::SaslSsl);
        if is_sasl && self.sasl_mechanism.is_none() {
            return Err(KafkaConfigError::Missing(self.security.as_str(), "sasl_mechanism"));
        }
        Ok(self)
    }
}
