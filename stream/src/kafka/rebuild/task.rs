//! A task that is made anew: what it has heard up to where it stands, and what it is given.

use std::collections::BTreeMap;

use super::super::control::{Control, Says};
use super::super::outputs::Outputs;
use super::super::room::Seen;
use crate::{Batch, Output, Position, Record, Transform};

/// One task of a room.
pub(super) struct Task<P> {
    pub(super) partition: u32,
    pub(super) transform: Box<dyn Transform<P>>,
    pub(super) outputs: Outputs<P>,
    pub(super) places: Vec<(&'static str, i32)>,
    /// The slot of each input's first writer, and the writers of each input.
    pub(super) slots: Vec<(usize, Vec<String>)>,
    /// How many ends of each writer stand behind the task's places.
    pub(super) n_ends_ahead: Vec<u64>,
    pub(super) seen: Seen,
    /// The time of the last end that it has heard.
    pub(super) as_of: Option<i64>,
    pub(super) n_given: u64,
}

impl<P: Clone + Send + 'static> Task<P> {
    /// The place of an input among the task's.
    pub(super) fn place(&self, topic: &str, partition: i32) -> Option<usize> {
        self.places.iter().position(|place| *place == (topic, partition))
    }

    /// Whether the task has taken a record.
    pub(super) fn stands_behind(&self, topic: &str, partition: i32, offset: i64) -> bool {
        self.place(topic, partition).is_some_and(|place| offset < self.seen.offsets[place])
    }

    /// Takes in what a writer of an input has said.
    pub(super) fn hear(&mut self, place: usize, control: &Control, is_ahead: bool) {
        let (first, writers) = &self.slots[place];
        let Some(slot) = writers.iter().position(|of| *of == control.writer).map(|n| first + n) else { return };
        match &control.says {
            Says::Progress(said) if !is_ahead => drop(self.seen.heard.progress(slot, said.clone())),
            Says::Progress(_) => {}
            Says::End(as_of) if !is_ahead => self.as_of = self.as_of.max(Some(*as_of)),
            Says::End(_) => self.n_ends_ahead[slot] += 1,
        }
    }

    /// Counts the ends: those of all writers, which it has passed on, and those that only some have said yet.
    pub(super) fn hear_ends(&mut self, own: u64, of_writer: &BTreeMap<String, u64>) {
        let heard = &mut self.seen.heard;
        heard.n_ends = own;
        let writers = self.slots.iter().flat_map(|(_, writers)| writers);
        for (slot, (writer, n_ahead)) in writers.zip(&self.n_ends_ahead).enumerate() {
            let n_heard = of_writer.get(writer).copied().unwrap_or(0).saturating_sub(*n_ahead);
            (own..n_heard).for_each(|_| heard.pend(slot, self.as_of.unwrap_or_default()));
        }
    }

    /// Nothing that it tells meanwhile is passed on: it was told before.
    pub(super) fn take(&mut self, rows: Vec<P>, through: Option<i64>) {
        self.n_given += rows.len() as u64;
        let mut out = Output::default();
        if !rows.is_empty() {
            self.transform.apply(batch(rows), &mut out);
        }
        if let Some(through) = through {
            self.transform.advance(&self.seen.heard.watermarks().until(through), &mut out);
        }
    }

    /// It has all.
    pub(super) fn finish(&mut self) {
        let mut out = Output::default();
        self.transform.recalled(&mut out);
        self.transform.advance(self.seen.heard.watermarks(), &mut out);
        if let Some(as_of) = self.as_of.filter(|_| self.seen.heard.n_ends > 0) {
            self.transform.finish(as_of, &mut out);
        }
    }
}

/// Rows as a room takes them.
pub(super) fn batch<P>(rows: Vec<P>) -> Batch<P> {
    let records = (0..).zip(rows).map(|(offset, payload)| Record { at: Position { partition: 0, offset }, payload });
    Batch { records: records.collect() }
}
