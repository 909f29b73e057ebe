//! How to reach the brokers.

use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;

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

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in &self.settings {
            config.set(name, value);
        }
        config.set_log_level(RDKafkaLogLevel::Warning);
        config
    }

    pub(super) fn admin(&self) -> ClientConfig {
        self.config()
    }

    /// A reader of committed records only, at offsets of the caller's choice; an offset that is gone is an error.
    pub(super) fn reader(&self, group: &str) -> ClientConfig {
        let mut config = self.config();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "false")
            .set("fetch.wait.max.ms", "100")
            .set("queued.max.messages.kbytes", "16384")
            .set("fetch.message.max.bytes", "4194304")
            .set("check.crcs", "true");
        config
    }

    /// A member of a group.
    pub(super) fn member(&self, group: &str) -> ClientConfig {
        let mut config = self.reader(group);
        config
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "10000")
            .set("heartbeat.interval.ms", "2000")
            .set("max.poll.interval.ms", "300000")
            .set("auto.offset.reset", "earliest");
        config
    }

    /// A writer of transactions.
    pub(super) fn writer(&self, transactional_id: &str) -> ClientConfig {
        let mut config = self.config();
        config
            .set("transactional.id", transactional_id)
            .set("transaction.timeout.ms", "60000")
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", "20")
            .set("message.max.bytes", super::topics::MAX_RECORD_BYTES)
            .set("queue.buffering.max.kbytes", "65536")
            .set("queue.buffering.max.messages", "200000");
        config
    }
}

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
        tracing::warn!(target: "librdkafka", %error, reason, "the connection has trouble");
    }
}

impl ConsumerContext for Quiet {}
