//! The room of logs: reads raw records, writes events, tallies and dead letters.

use bytes::Bytes;
use schemas::{AccessEvent, DeadLetter, Id128, Message, Noun, Provider, RawRecord};
use serde::{Deserialize, Serialize};
use stream::metrics::Reading;
use stream::{Batch, Output, Remade, StateError, Transform};
use xxhash_rust::xxh3::xxh3_64;

use crate::canonical::Canonical;
use crate::context::Context;
use crate::dedup::{DayState, Dedup, Seen};
use crate::error::Reject;
use crate::providers::{Normalized, Providers};
use crate::tally::{Fate, Tallies};
use crate::{Metrics, ValidConfig};

/// The room's name in dead letters and tallies.
pub(crate) const NAME: &str = "normalize";

/// The version of the snapshot's format.
const FORMAT: u32 = 1;

/// Reads raw records and passes nothing else on. It runs in as many partitions as raw topics have: copies of a record are
/// in one partition.
#[derive(Debug)]
pub struct Normalizer {
    config: ValidConfig,
    canonical: Canonical,
    providers: Providers,
    dedup: Dedup,
    tallies: Tallies,
    metrics: Metrics,
}

/// What a snapshot holds behind its version.
#[derive(Serialize, Deserialize)]
struct State<T> {
    days: Vec<DayState>,
    tallies: T,
}

impl Normalizer {
    /// Makes an empty room, of the first partition.
    #[must_use]
    pub fn new(config: ValidConfig) -> Self {
        Self {
            canonical: Canonical::default(),
            providers: Providers::default(),
            dedup: Dedup::new(config.max_remembered_ids),
            tallies: Tallies::new(config.max_tallies),
            metrics: Metrics::default(),
            config,
        }
    }

    /// As the room of another partition, which its tallies name.
    #[must_use]
    pub fn of_partition(mut self, partition: u32) -> Self {
        self.tallies = self.tallies.of_partition(partition);
        self
    }

    /// What it counted since it was made.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn read(&mut self, raw: &RawRecord, out: &mut Output<Message>) {
        self.metrics.normalize_records_total += 1;
        self.metrics.normalize_read_bytes += raw.body.0.len() as u64;
        match self.understand(raw) {
            Ok((Normalized::Event(event), provider_id)) => self.take_event(raw, event, provider_id, out),
            Ok((Normalized::NotAccess(kind), _)) => {
                self.metrics.normalize_not_access_total += 1;
                self.tallies.note(raw, Fate::NotAccess(kind));
            }
            Err(reject) => {
                self.metrics.normalize_dead_letters_total += 1;
                self.tallies.note(raw, Fate::DeadLetter);
                out.reject(DeadLetter::of_record(NAME, reject.to_string(), raw).into_message());
            }
        }
    }

    /// The event with its id, and the hash of its provider's id.
    fn understand(&mut self, raw: &RawRecord) -> Result<(Normalized, Option<u64>), Reject> {
        let text = checked_text(&raw.body.0, self.config.max_record_bytes)?;
        let hash = self.canonical.hash(text)?;
        let ctx = Context { raw, config: &self.config, members: self.canonical.members() };
        let mut normalized = self.providers.normalize(raw.provider, text, &ctx)?;
        let mut provider_id = None;
        if let Normalized::Event(event) = &mut normalized {
            let id = event.provider_event_id.as_deref();
            event.event_id = event_id(raw.provider, id.unwrap_or_default(), hash);
            provider_id = id.map(|id| hash_of(raw.provider, id));
        }
        Ok((normalized, provider_id))
    }

    fn take_event(&mut self, raw: &RawRecord, event: AccessEvent, provider_id: Option<u64>, out: &mut Output<Message>) {
        let (seen, n_forgotten) = self.dedup.note(event.time, event.event_id.0, provider_id);
        self.metrics.normalize_forgotten_ids_total += n_forgotten as u64;
        self.tallies.note(raw, Fate::Event(&event, seen));
        if seen == Seen::Copy {
            self.metrics.normalize_copies_total += 1;
            return;
        }
        self.metrics.normalize_events_total += 1;
        self.metrics.normalize_id_collisions_total += u64::from(seen == Seen::Collision);
        out.emit(Message::AccessEvent(event.into()));
    }
}

/// The text of a record that is neither too large nor of another encoding.
fn checked_text(body: &Bytes, max_bytes: usize) -> Result<&str, Reject> {
    if body.len() > max_bytes {
        return Err(Reject::TooLarge { n_bytes: body.len() });
    }
    std::str::from_utf8(body).map_err(|error| Reject::NotUtf8 { at: error.valid_up_to() })
}

/// The hash by which a provider's id is remembered.
fn hash_of(provider: Provider, id: &str) -> u64 {
    xxh3_64(id.as_bytes()) ^ provider as u64
}

/// The id of an event: cloud, the provider's id and the canonical hash.
fn event_id(provider: Provider, provider_id: &str, canonical: u128) -> Id128 {
    Id128::of_parts(&[provider.as_str().as_bytes(), provider_id.as_bytes(), &canonical.to_le_bytes()])
}

impl Transform<Message> for Normalizer {
    fn apply(&mut self, batch: Batch<Message>, out: &mut Output<Message>) {
        for message in batch.into_payloads() {
            if let Message::RawRecord(raw) = message {
                self.read(&raw, out);
            }
        }
    }

    fn settle(&mut self, out: &mut Output<Message>) {
        self.tallies.emit_changed(out);
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        let state = State { days: self.dedup.state(), tallies: self.tallies.state() };
        let bytes = FORMAT.to_le_bytes().to_vec();
        postcard::to_extend(&state, bytes).map_err(|error| StateError::Damaged(error.to_string()))
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let Some((version, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(StateError::Damaged(format!("{} bytes are too few", bytes.len())));
        };
        let found = u32::from_le_bytes(*version);
        if found > FORMAT {
            return Err(StateError::Newer { found, known: FORMAT });
        }
        let state: State<Vec<schemas::Tally>> =
            postcard::from_bytes(rest).map_err(|error| StateError::Damaged(error.to_string()))?;
        self.dedup.restore(state.days);
        self.tallies.restore(state.tallies);
        Ok(())
    }

    fn remade(&self) -> Remade {
        Remade::FromOutputs
    }

    /// Which partition of the raw topics an event came from nobody knows, and a copy comes there again: all are remembered.
    fn recall(&mut self, written: Batch<Message>) {
        for message in written.into_payloads() {
            match message {
                Message::AccessEvent(event) => {
                    let provider_id = event.provider_event_id.as_deref().map(|id| hash_of(event.provider, id));
                    self.dedup.note(event.time, event.event_id.0, provider_id);
                }
                Message::Tally(tally) => self.tallies.recall(&tally),
                _ => {}
            }
        }
    }

    fn metrics(&self, out: &mut dyn FnMut(Reading)) {
        self.metrics.tell(out);
    }
}

#[cfg(test)]
mod tests;
