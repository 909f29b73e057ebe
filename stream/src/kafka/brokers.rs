//! Whether the brokers let us in and answer, for a start and for whoever asks if this process is ready.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::Quiet;
use super::topics::fault;
use super::{Client, Options};
use crate::Fault;
use crate::clock::Stopwatch;

/// How long brokers may take to answer a start.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// For how long a refusal may be that of a broker which is coming up and does not know its users yet.
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// How long one look takes at the longest.
const LOOK: Duration = Duration::from_millis(500);

/// Waits until the brokers let us in.
///
/// # Errors
/// When a password or a certificate is refused, theirs or ours, and when nobody answers. librdkafka by itself tries again
/// for as long as anybody waits, and says then that time is over.
pub(super) fn sign_in(options: &Options) -> Result<(), Fault> {
    let consumer: BaseConsumer<Doorstep> = options
        .client
        .admin()
        .create_with_context(Doorstep::default())
        .map_err(|error| fault("cannot make a reader", error))?;
    let (topic, asked) = (any_topic(options), Stopwatch::start());
    loop {
        let Err(error) = consumer.fetch_metadata(Some(&topic), LOOK) else { return Ok(()) };
        // What went wrong is told to those who poll.
        while consumer.poll(Duration::ZERO).is_some() {}
        match consumer.context().heard() {
            Some((true, why)) if asked.elapsed() >= REFUSED_FOR => {
                let what = "the brokers and we do not let each other in".to_owned();
                return Err(Fault::Kafka { what, why: Some(why), is_passing: false });
            }
            heard if asked.elapsed() >= ANSWER_WITHIN => {
                let why = Some(heard.map_or_else(|| error.to_string(), |(_, why)| why));
                return Err(Fault::Kafka { what: "the brokers do not answer".to_owned(), why, is_passing: true });
            }
            _ => {}
        }
    }
}

/// Hears why a connection does not come about: whether it is a refusal, and the words.
#[derive(Debug, Default)]
struct Doorstep(Mutex<Option<(bool, String)>>);

impl Doorstep {
    fn heard(&self) -> Option<(bool, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Doorstep {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        Quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // That all brokers are down says less than why one is.
        if matches!(code, Some(RDKafkaErrorCode::AllBrokersDown)) {
            return;
        }
        // A broker that refuses our certificate says so in TLS itself, behind the handshake: a broken connection.
        let is_refusal = matches!(code, Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL))
            || reason.contains("SSL alert number");
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_refusal || heard.as_ref().is_none_or(|(was_refusal, _)| !was_refusal) {
            *heard = Some((is_refusal, reason.to_owned()));
        }
    }
}

impl ConsumerContext for Doorstep {}

fn any_topic(options: &Options) -> String {
    options.topics.first().map_or_else(|| "_".to_owned(), |topic| options.topic(topic.name))
}

/// A connection of its own to the brokers.
pub struct Brokers {
    consumer: BaseConsumer<Quiet>,
    topic: String,
}

impl Brokers {
    /// Prepares to ask; nothing is sent yet.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn new(options: &Options) -> Result<Self, Fault> {
        let client: &Client = &options.client;
        let consumer = client.admin().create_with_context(Quiet);
        let consumer = consumer.map_err(|error| fault("cannot make a reader", error))?;
        Ok(Self { consumer, topic: any_topic(options) })
    }

    /// Asks for one topic's partitions.
    ///
    /// # Errors
    /// When nobody answers in time.
    pub fn answer(&self, within: Duration) -> Result<(), Fault> {
        let asked = self.consumer.fetch_metadata(Some(&self.topic), within);
        asked.map(|_| ()).map_err(|error| fault("the brokers do not answer", error))
    }
}

impl std::fmt::Debug for Brokers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Brokers").field("topic", &self.topic).finish_non_exhaustive()
    }
}
