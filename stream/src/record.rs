//! Records and batches: the offset travels with the data.

/// Where a record stands in the stream its room reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The input: a channel in one process, a topic partition on Kafka.
    pub partition: u32,
    /// The record's place in it, from 0.
    pub offset: u64,
}

/// One payload with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<P> {
    /// Where it stands.
    pub at: Position,
    /// What it carries.
    pub payload: P,
}

/// Records that a room takes in one go, in the order of their offsets within each partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<P> {
    /// The records.
    pub records: Vec<Record<P>>,
}

impl<P> Batch<P> {
    /// Wraps payloads that stand one after another in a partition.
    #[must_use]
    pub fn of(partition: u32, first_offset: u64, payloads: impl IntoIterator<Item = P>) -> Self {
        let records = payloads
            .into_iter()
            .zip(first_offset..)
            .map(|(payload, offset)| Record { at: Position { partition, offset }, payload })
            .collect();
        Self { records }
    }

    /// The payloads alone, for tests and for rooms that need no positions.
    pub fn into_payloads(self) -> impl Iterator<Item = P> {
        self.records.into_iter().map(|record| record.payload)
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}
