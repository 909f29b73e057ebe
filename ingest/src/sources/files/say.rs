//! What is said of time: how far each account's log was read.

use std::collections::BTreeMap;

use schemas::{Message, RawRecord};
use stream::{Polled, Progress};

use super::cursor::{Class, Cursor};
use super::index::counted_time;
use super::{BACKFILL, FileSource, LIVE, plan};

/// What one answer holds.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Message>,
    pub(super) n_bytes: usize,
    pub(super) progress: BTreeMap<(&'static str, u32), Progress>,
}

impl Batch {
    pub(super) fn say(&mut self, cursor: &Cursor, feed: &'static str, place: u32, through: i64, idle: bool) {
        let Some(account) = cursor.accounts.get(place as usize) else { return };
        let said = Progress { feed: feed.to_owned(), account: account.clone(), through, idle };
        self.progress.insert((feed, place), said);
    }
}

impl FileSource {
    /// Pipes have no first pass, and followed accounts are active while records come.
    pub(super) fn note_time(&mut self, record: &RawRecord) {
        let is_stream = self.cursor.plan.get(self.cursor.at).is_some_and(|planned| planned.class == Class::Stream);
        if self.once && !is_stream {
            return;
        }
        let (Some(time), Some(account)) = (counted_time(record, &self.reading.config), &record.account_id) else {
            return;
        };
        let max = self.reading.config.max_accounts;
        let Some(place) = self.accounts.place(account, &mut self.cursor.accounts, max) else {
            self.metrics.ingest_untracked_records.add(1);
            return;
        };
        self.cursor.highs.entry(place).and_modify(|high| *high = time.max(*high)).or_insert(time);
        self.read_at.insert(place, self.clock.now());
    }

    /// Inside a file, at the end of one of its parts.
    pub(super) fn chunk_done(&self, batch: &mut Batch) {
        let Some(planned) = self.cursor.plan.get(self.cursor.at) else { return };
        let n_chunks = planned.chunks.len();
        if n_chunks < 2 || self.cursor.live {
            return;
        }
        let ended = planned.chunks.binary_search_by_key(&self.cursor.n_items, |chunk| chunk.until);
        if let Ok(chunk) = ended
            && chunk + 1 < n_chunks
        {
            self.say_behind(chunk, batch);
        }
    }

    pub(super) fn say_behind(&self, chunk: usize, batch: &mut Batch) {
        for (place, next) in self.ahead.behind(self.cursor.at, chunk) {
            let through = next.unwrap_or_else(|| self.own_end(*place));
            batch.say(&self.cursor, BACKFILL, *place, through, false);
        }
    }

    /// How far an account has come when nothing more of it is known: behind its last record, or as far before that as
    /// records may be late when files are followed.
    pub(super) fn own_end(&self, place: u32) -> i64 {
        let high = self.cursor.highs.get(&place).copied().unwrap_or(i64::MIN);
        if self.once { high.saturating_add(1) } else { high.saturating_sub(self.lateness()) }
    }

    pub(super) fn lateness(&self) -> i64 {
        i64::try_from(self.reading.config.allowed_lateness.as_micros()).unwrap_or(i64::MAX)
    }

    /// Says how far the followed accounts have come; at first, that the backfill is over.
    pub(super) fn follow(&mut self, batch: &mut Batch) {
        let was_live = std::mem::replace(&mut self.cursor.live, true);
        if !was_live {
            let now = self.clock.now();
            for place in self.cursor.highs.keys().copied() {
                batch.say(&self.cursor, BACKFILL, place, self.own_end(place), true);
                self.read_at.entry(place).or_insert(now);
            }
        }
        for place in self.read_at.keys().copied() {
            batch.say(&self.cursor, LIVE, place, self.own_end(place), false);
        }
    }

    /// Accounts without a new record for long are said to be idle, once.
    pub(super) fn idle(&mut self) -> Option<Polled<Message>> {
        let idle_us = i64::try_from(self.reading.config.idle_after.as_micros()).unwrap_or(i64::MAX);
        let now = self.clock.now();
        let silent: Vec<u32> = self
            .read_at
            .iter()
            .filter(|(_, at)| now.saturating_sub(**at) >= idle_us)
            .map(|(place, _)| *place)
            .collect();
        let mut batch = Batch::default();
        for place in silent {
            self.read_at.remove(&place);
            batch.say(&self.cursor, LIVE, place, self.own_end(place), true);
        }
        (!batch.progress.is_empty()).then(|| Polled::Records(Vec::new(), batch.progress.into_values().collect()))
    }

    pub(super) fn answer_as_of(&self) -> i64 {
        let said = self.as_of.map(|time| time.0);
        said.or_else(|| plan::high(&self.cursor)).or(self.cursor.collected).unwrap_or_else(|| self.clock.now())
    }

    /// Every account is read through the time that the answer is as of.
    pub(super) fn last_progress(&self) -> Vec<Progress> {
        let as_of = self.answer_as_of();
        let mut batch = Batch::default();
        for (place, high) in &self.cursor.highs {
            let through = as_of.max(*high).saturating_add(1);
            batch.say(&self.cursor, BACKFILL, *place, through, false);
            if self.cursor.live {
                batch.say(&self.cursor, LIVE, *place, through, false);
            }
        }
        batch.progress.into_values().collect()
    }
}
