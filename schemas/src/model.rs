//! What every partition must know alike: peer groups and global rates.

use serde::{Deserialize, Serialize};

use crate::topic::PartitionBy;
use crate::{Message, Noun, Text, Time};

/// One published model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct Model {
    /// Its kind and the window it was learned up to.
    pub model_id: Text,
    /// What it is: `peers`.
    pub kind: Text,
    /// The end of what it was learned from.
    pub time: Time,
    /// From which event time on it is used: a window boundary later than `time`.
    pub effective_from: Time,
    /// The format of `body`.
    pub format: i32,
    /// The model as JSON.
    pub body: Text,
}

impl Noun for Model {
    const NAME: &'static str = "model";

    fn row_key(&self) -> String {
        self.model_id.to_string()
    }

    fn time(&self) -> Time {
        self.time
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Broadcast
    }

    fn into_message(self) -> Message {
        Message::Model(self.into())
    }
}
