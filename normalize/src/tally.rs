//! What became of the records of each file and topic.

use std::collections::BTreeMap;

use schemas::{AccessEvent, ActionKnown, KindCount, Message, Origin, Provider, RawRecord, Tally, Text, Time};
use stream::Output;

use crate::dedup::Seen;

/// The file that stands for all files past the bound.
const OTHER: &str = "other";

/// What became of one record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate<'a> {
    /// An event, or a copy of one.
    Event(&'a AccessEvent, Seen),
    /// No access, of a kind.
    NotAccess(&'static str),
    /// Rejected.
    DeadLetter,
}

/// The tallies, in the order of their sources.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    max: usize,
    partition: i32,
    tallies: Vec<Tally>,
    changed: Vec<bool>,
    places: BTreeMap<(Option<Provider>, Text, Text), usize>,
    /// The place of the record before; most records follow one of the same file.
    last: usize,
}

impl Tallies {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, ..Self::default() }
    }

    /// Of a partition of the room.
    pub(crate) fn of_partition(self, partition: u32) -> Self {
        Self { partition: i32::try_from(partition).unwrap_or(i32::MAX), ..self }
    }

    /// Counts one record. One that was redriven has been counted as a dead letter, and is that no longer.
    pub(crate) fn note(&mut self, raw: &RawRecord, fate: Fate<'_>) {
        let place = self.place(raw.provider, &raw.origin);
        self.changed[place] = true;
        let tally = &mut self.tallies[place];
        if raw.redriven_at.is_some() && tally.n_dead_letters > 0 {
            tally.n_dead_letters -= 1;
        } else {
            tally.n_read += 1;
        }
        match fate {
            Fate::Event(_, Seen::Copy) => tally.n_copies += 1,
            Fate::Event(event, seen) => note_event(tally, event, seen),
            Fate::NotAccess(kind) => note_kind(tally, kind),
            Fate::DeadLetter => tally.n_dead_letters += 1,
        }
    }

    /// Emits the tallies that changed since the last call, each with its next revision.
    pub(crate) fn emit_changed(&mut self, out: &mut Output<Message>) {
        for place in self.places.values().copied() {
            if std::mem::take(&mut self.changed[place]) {
                let tally = &mut self.tallies[place];
                tally.revision += 1;
                out.emit(Message::Tally(tally.clone().into()));
            }
        }
    }

    fn place(&mut self, provider: Provider, origin: &Origin) -> usize {
        let file = origin.file.as_deref().unwrap_or_default();
        if let Some(last) = self.tallies.get(self.last)
            && last.provider == Some(provider)
            && last.file.as_str() == file
            && last.topic == origin.topic
        {
            return self.last;
        }
        let mut key = (Some(provider), origin.topic.clone(), Text::from(file));
        if !self.places.contains_key(&key) && self.places.len() + 1 >= self.max {
            key.2 = Text::from(OTHER);
        }
        let next = self.tallies.len();
        self.last = *self.places.entry(key.clone()).or_insert(next);
        if self.last == next {
            self.tallies.push(empty(key, self.partition));
            self.changed.push(false);
        }
        self.last
    }

    pub(crate) fn state(&self) -> Vec<&Tally> {
        self.places.values().map(|place| &self.tallies[*place]).collect()
    }

    pub(crate) fn restore(&mut self, state: Vec<Tally>) {
        *self = Self { partition: self.partition, ..Self::new(self.max) };
        state.into_iter().for_each(|tally| self.add(tally));
    }

    /// Takes a tally of its own back.
    pub(crate) fn recall(&mut self, tally: &Tally) {
        if tally.room == crate::room::NAME && tally.partition == self.partition {
            self.add(tally.clone());
        }
    }

    fn add(&mut self, tally: Tally) {
        let key = (tally.provider, tally.topic.clone(), tally.file.clone());
        self.places.insert(key, self.tallies.len());
        self.tallies.push(tally);
        self.changed.push(false);
    }
}

fn empty((provider, topic, file): (Option<Provider>, Text, Text), partition: i32) -> Tally {
    Tally {
        room: Text::from(crate::room::NAME),
        partition,
        provider,
        topic,
        file,
        n_read: 0,
        n_events: 0,
        n_copies: 0,
        n_not_access: 0,
        n_dead_letters: 0,
        n_id_collisions: 0,
        n_known: 0,
        n_assumed: 0,
        n_none_needed: 0,
        n_unknown: 0,
        not_access: Vec::new(),
        time: Time(0),
        revision: 0,
    }
}

fn note_event(tally: &mut Tally, event: &AccessEvent, seen: Seen) {
    tally.n_events += 1;
    tally.n_id_collisions += i64::from(seen == Seen::Collision);
    tally.time = tally.time.max(event.time);
    match event.action_known {
        ActionKnown::Logged | ActionKnown::Mapped => tally.n_known += 1,
        ActionKnown::Assumed => tally.n_assumed += 1,
        ActionKnown::NoneNeeded => tally.n_none_needed += 1,
        ActionKnown::Unknown => tally.n_unknown += 1,
    }
}

fn note_kind(tally: &mut Tally, kind: &'static str) {
    tally.n_not_access += 1;
    match tally.not_access.binary_search_by(|count| count.kind.as_str().cmp(kind)) {
        Ok(at) => tally.not_access[at].n += 1,
        Err(at) => tally.not_access.insert(at, KindCount { kind: Text::from(kind), n: 1 }),
    }
}
