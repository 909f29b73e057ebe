//! Whether the brokers answer, for whoever asks if this process is ready.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::client::Quiet;
use super::topics::fault;
use super::{Client, Options};
use crate::Fault;

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
        let topic = options.topics.first().map_or_else(|| "_".to_owned(), |topic| options.topic(topic.name));
        Ok(Self { consumer: consumer.map_err(|error| fault("cannot make a reader", error))?, topic })
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
