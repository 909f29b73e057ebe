//! Event time: how far each account's log has been read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A feed has read an account's log through an event time. Travels behind the records it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The feed.
    pub feed: String,
    /// The account, in the room's own spelling.
    pub account: String,
    /// Everything up to this event time (microseconds since the epoch, exclusive) has been handed out.
    pub through: i64,
    /// Whether the feed is idle for this account: it no longer holds the watermark back. Said by ingest alone.
    pub idle: bool,
}

/// The watermarks that a room sees: for each account the least over the feeds and inputs that carry it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermarks {
    accounts: BTreeMap<String, i64>,
    low: Option<i64>,
    high: Option<i64>,
}

impl Watermarks {
    /// The account's watermark: no event before it is still to come, but for late ones. `None` before any progress.
    #[must_use]
    pub fn of(&self, account: &str) -> Option<i64> {
        self.accounts.get(account).copied()
    }

    /// The least watermark over all accounts that are not idle; never goes back.
    #[must_use]
    pub fn low(&self) -> Option<i64> {
        self.low
    }

    /// The greatest watermark of any account.
    #[must_use]
    pub fn high(&self) -> Option<i64> {
        self.high
    }

    /// Every account with its watermark, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.accounts.iter().map(|(account, through)| (account.as_str(), *through))
    }

    /// Sets one account's watermark, for tests of rooms. An account's watermark never goes back.
    #[must_use]
    pub fn with(mut self, account: &str, through: i64) -> Self {
        self.raise(account, through);
        self.set_low(self.accounts.values().min().copied());
        self
    }

    /// As they were when nothing was read beyond a time.
    #[cfg(feature = "kafka")]
    pub(crate) fn until(&self, time: i64) -> Self {
        Self {
            accounts: self.accounts.iter().map(|(account, through)| (account.clone(), time.min(*through))).collect(),
            low: self.low.map(|low| low.min(time)),
            high: self.high.map(|high| high.min(time)),
        }
    }

    fn raise(&mut self, account: &str, through: i64) {
        let kept = self.accounts.entry(account.to_owned()).or_insert(through);
        *kept = through.max(*kept);
        self.high = self.high.max(Some(*kept));
    }

    fn set_low(&mut self, low: Option<i64>) {
        self.low = self.low.max(low);
    }
}

/// Joins the progress of several inputs into watermarks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Gauge {
    inputs: Vec<BTreeMap<(String, String), Progress>>,
    watermarks: Watermarks,
}

impl Gauge {
    pub(crate) fn new(n_inputs: usize) -> Self {
        Self { inputs: vec![BTreeMap::new(); n_inputs], watermarks: Watermarks::default() }
    }

    pub(crate) fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }

    /// Takes what one input says at once; returns what to pass on: the accounts whose watermark moved, and those idle.
    pub(crate) fn note(&mut self, input: usize, said: Vec<Progress>) -> Vec<Progress> {
        let Some(feeds) = self.inputs.get_mut(input) else { return Vec::new() };
        for progress in &said {
            feeds.insert((progress.account.clone(), progress.feed.clone()), progress.clone());
        }
        let low_before = self.watermarks.low;
        let mut moved = Vec::new();
        for Progress { feed, account, idle, .. } in said {
            let before = self.watermarks.of(&account);
            if let Some(through) = self.least(&account) {
                self.watermarks.raise(&account, through);
            }
            if let Some(through) = self.watermarks.of(&account) {
                moved.push((before != Some(through) || idle, Progress { feed, account, through, idle }));
            }
        }
        self.watermarks.set_low(self.least_active());
        let is_low_moved = self.watermarks.low != low_before;
        moved.into_iter().filter(|(is_moved, _)| *is_moved || is_low_moved).map(|(_, progress)| progress).collect()
    }

    /// The least over inputs and active feeds; `None` while an input has not spoken of the account.
    fn least(&self, account: &str) -> Option<i64> {
        let mut least = i64::MAX;
        for feeds in &self.inputs {
            let from = (account.to_owned(), String::new());
            let mut of_input =
                feeds.range(from..).take_while(|((of, _), _)| of == account).map(|(_, said)| said).peekable();
            of_input.peek()?;
            let said: Vec<_> = of_input.collect();
            let active = said.iter().filter(|said| !said.idle).map(|said| said.through).min();
            let idle = said.iter().map(|said| said.through).max();
            least = least.min(active.or(idle).unwrap_or(i64::MAX));
        }
        (least != i64::MAX).then_some(least)
    }

    fn least_active(&self) -> Option<i64> {
        let active = self.inputs.iter().flat_map(BTreeMap::values).filter(|said| !said.idle);
        let accounts: std::collections::BTreeSet<&str> = active.map(|said| said.account.as_str()).collect();
        if accounts.is_empty() {
            return self.watermarks.high;
        }
        accounts
            .into_iter()
            .map(|account| self.least(account))
            .try_fold(i64::MAX, |least, of| of.map(|of| least.min(of)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(feed: &str, account: &str, through: i64, idle: bool) -> Progress {
        Progress { feed: feed.into(), account: account.into(), through, idle }
    }

    #[test]
    fn the_slowest_input_and_feed_decide() {
        let mut gauge = Gauge::new(2);
        assert_eq!(gauge.note(0, vec![said("a", "x", 10, false)]), []);
        assert_eq!(gauge.watermarks().of("x"), None);
        gauge.note(1, vec![said("a", "x", 7, false)]);
        assert_eq!(gauge.watermarks().of("x"), Some(7));
        gauge.note(1, vec![said("a", "x", 20, false)]);
        assert_eq!(gauge.watermarks().of("x"), Some(10));
        gauge.note(0, vec![said("b", "x", 5, false)]);
        assert_eq!(gauge.watermarks().of("x"), Some(10), "a watermark never goes back");
    }

    #[test]
    fn an_idle_feed_does_not_hold_back() {
        let mut gauge = Gauge::new(1);
        gauge.note(0, vec![said("a", "x", 10, false), said("b", "y", 3, false)]);
        assert_eq!(gauge.watermarks().low(), Some(3), "what is said at once counts at once");
        gauge.note(0, vec![said("b", "y", 3, true)]);
        assert_eq!(gauge.watermarks().low(), Some(10));
        assert_eq!(gauge.watermarks().of("y"), Some(3));
    }

    #[test]
    fn a_backfill_holds_back_its_own_account_only() {
        let mut gauge = Gauge::new(1);
        gauge.note(0, vec![said("live", "x", 100, false)]);
        gauge.note(0, vec![said("backfill", "y", 2, false)]);
        assert_eq!((gauge.watermarks().of("x"), gauge.watermarks().of("y")), (Some(100), Some(2)));
    }
}
