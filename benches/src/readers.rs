//! What reads the records: our room, and a parser that builds a tree and nothing of it.

use normalize::{Config, Normalizer};
use serde_json::Value;
use stream::{Batch, Output, Transform};

use crate::contest::Reader;
use crate::corpus::{BenchError, Corpus, body};

/// How many records the belt gives to a room at once.
const N_IN_BATCH: usize = 1_000;

/// The room `normalize`, fresh for each round: hashes, reads, maps, drops copies and counts.
#[derive(Debug)]
pub struct Ours {
    room: Normalizer,
    batches: Vec<Batch<schemas::Message>>,
}

impl Ours {
    /// Makes it with the default settings.
    ///
    /// # Errors
    /// When those are not valid.
    pub fn new() -> Result<Self, BenchError> {
        Ok(Self { room: Normalizer::new(Config::default().validate()?), batches: Vec::new() })
    }
}

impl Reader for Ours {
    fn name(&self) -> &str {
        "overgrant"
    }

    /// Cuts the batches, which on the belt come ready.
    fn prepare(&mut self, corpus: &Corpus) -> Result<(), BenchError> {
        *self = Self::new()?;
        let chunks = corpus.records.chunks(N_IN_BATCH);
        self.batches = chunks.map(|chunk| Batch::of(0, 0, chunk.iter().cloned())).collect();
        Ok(())
    }

    fn read(&mut self, _: &Corpus) -> usize {
        let mut n_given = 0;
        for batch in self.batches.drain(..) {
            let mut output = Output::default();
            self.room.apply(batch, &mut output);
            n_given += output.emitted.len() + output.rejected.len();
        }
        n_given
    }
}

/// `serde_json::Value`: parses each record to a tree and drops it.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonTree;

impl Reader for JsonTree {
    fn name(&self) -> &str {
        "serde_json::Value, parsed only"
    }

    fn read(&mut self, corpus: &Corpus) -> usize {
        corpus.records.iter().filter(|record| serde_json::from_slice::<Value>(body(record)).is_ok()).count()
    }
}
