//! How to reach the brokers.

use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::RDKafkaErrorCode;

/// Settings of librdkafka that say where the brokers are and how to sign in. Secrets among them are never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Client {
    settings: Vec<(String, String)>,
}

impl Client {
    /// For brokers such as `127.0.0.1:9092,127.0.0.1:9093`.
    #[must_use]
    pub fn of(brokers: &str) -> Self {
        Self { settings: vec![("bootstrap.servers".to_owned(), brokers.to_owned())] }
    }

    /// With a setting of librdkafka, such as `security.protocol`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((name.to_owned(), value.into()));
        self
    }

    /// The given settings with some of ours, which stand unless the user's say otherwise.
    fn config(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in ours {
            config.set(*name, *value);
        }
        for (name, value) in &self.settings {
            config.set(name, value);
        }
        config.set_log_level(RDKafkaLogLevel::Warning);
        config
    }

    pub(super) fn admin(&self) -> ClientConfig {
        self.config(&[])
    }

    /// A reader of committed records only, at offsets of the caller's choice; an offset that is gone is an error.
    pub(super) fn reader(&self, group: &str) -> ClientConfig {
        let mut config = self.config(READER);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "error");
        config
    }

    /// A member of a group.
    pub(super) fn member(&self, group: &str, session_timeout: Duration) -> ClientConfig {
        let mut config = self.config(&[READER, MEMBER].concat());
        config
            .set("group.id", group)
            .set("session.timeout.ms", session_timeout.as_millis().to_string())
            .set("heartbeat.interval.ms", (session_timeout / 4).as_millis().to_string())
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "cooperative-sticky");
        config
    }

    /// A writer of transactions.
    pub(super) fn writer(&self, transactional_id: &str) -> ClientConfig {
        let mut config = self.config(WRITER);
        config.set("transactional.id", transactional_id).set("enable.idempotence", "true");
        config
    }
}

/// Short waits, and 16 MiB of records that wait to be taken. Once they do, a partition is asked for again after the queue's
/// back-off: with librdkafka's 1,000 ms a fast reader gets 16 MiB a second and idles in between.
const READER: &[(&str, &str)] = &[
    ("fetch.wait.max.ms", "100"),
    ("fetch.queue.backoff.ms", "20"),
    ("queued.max.messages.kbytes", "16384"),
    ("fetch.message.max.bytes", "4194304"),
    ("check.crcs", "true"),
];

/// How long a member's thread may take between two looks at its group, such as for a commit while brokers are away.
const MEMBER: &[(&str, &str)] = &[("max.poll.interval.ms", "300000")];

/// 64 MiB of records that wait to be written. A transaction whose writer died is ended by his successor, or after a minute.
const WRITER: &[(&str, &str)] = &[
    ("transaction.timeout.ms", "60000"),
    ("compression.type", "lz4"),
    ("linger.ms", "20"),
    ("message.max.bytes", super::topics::MAX_RECORD_BYTES),
    ("queue.buffering.max.kbytes", "65536"),
    ("queue.buffering.max.messages", "200000"),
];

/// Names only: a value may be a secret.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.settings.iter().map(|(name, _)| name)).finish()
    }
}

/// Passes librdkafka's own log lines on as events.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, "{message}");
    }

    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        if matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::PartitionEOF)) {
            return;
        }
        tracing::warn!(target: "librdkafka", %error, reason, "the connection has trouble");
    }
}

impl ConsumerContext for Quiet {}
