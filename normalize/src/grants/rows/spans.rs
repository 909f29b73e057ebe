//! What one list says of a row over time: spans of snapshots that name it with one content.
//!
//! A source whose content changes has a row for each content, from the snapshot that first has it until the one that has
//! the next. A complete snapshot that does not name the row ends it; one that names it again begins it anew. All of it is
//! told by the times of the snapshots alone, so the order in which they arrive does not matter; only where a snapshot with another
//! content comes late between two that were not complete, the end of a span is that of the nearest complete one.

use schemas::{Entitlement, Id128, Time};
use serde::{Deserialize, Serialize};

use super::super::facts::Draft;
use super::{History, Stamp};

/// Spans that are remembered of one row and list; past it the oldest go. A policy that changes weekly keeps a year.
const MAX_SPANS: usize = 64;

/// Snapshots that name a row with one content. Every complete snapshot of the list in between does so too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Span {
    from: Stamp,
    to: Stamp,
    pub(super) draft: Draft,
    /// When it ended, for what was recalled: the snapshots that tell it are not known any more.
    end: Option<Time>,
    /// From when it holds, and until when; see [`Spans::settle`].
    pub(super) since: Time,
    pub(super) until: Option<Time>,
}

impl Span {
    fn at(stamp: Stamp, draft: Draft, end: Option<Time>) -> Self {
        Self { from: stamp, to: stamp, draft, end, since: stamp.0, until: end }
    }
}

/// What one list says of a row.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Spans {
    /// In order of time.
    spans: Vec<Span>,
    /// When roles and groups that became known later no longer led to the row, though its newest snapshot stands.
    dropped_at: Option<Time>,
}

impl Spans {
    /// A snapshot names the row. One that is read `again`, because roles or groups became known, says so of all the time
    /// since which its content stands.
    pub(super) fn name(&mut self, draft: &Draft, stamp: Stamp, again: bool, history: &History) {
        let at = self.spans.partition_point(|span| span.to < stamp);
        let same = |span: &Span| grants(&span.draft.row) == grants(&draft.row);
        match self.spans.get_mut(at).filter(|span| span.from <= stamp) {
            Some(span) if again || span.from == span.to => span.draft = draft.clone(),
            Some(span) if same(span) => {
                if span.to == stamp {
                    span.draft = draft.clone();
                }
            }
            Some(_) => self.split(at, stamp, Some(draft), history),
            None => self.spans.insert(at, Span::at(stamp, draft.clone(), None)),
        }
        if self.last() == Some(stamp) {
            self.dropped_at = None;
        }
        self.join(history);
    }

    /// A complete snapshot does not name the row.
    pub(super) fn miss(&mut self, stamp: Stamp, history: &History) {
        let at = self.spans.partition_point(|span| span.to < stamp);
        if self.spans.get(at).is_some_and(|span| span.from < stamp) {
            self.split(at, stamp, None, history);
        }
    }

    /// The newest snapshot does not lead to the row any more from a time on.
    pub(super) fn drop_at(&mut self, at: Time) {
        self.dropped_at = Some(self.dropped_at.map_or(at, |dropped| dropped.min(at)));
    }

    /// What went out before, of which the snapshots are not known.
    pub(super) fn recall(&mut self, draft: Draft, from: Time, end: Option<Time>) {
        let from = (from, Id128(0));
        let at = self.spans.partition_point(|span| span.from < from);
        self.spans.insert(at, Span::at(from, draft, end));
    }

    /// Puts what was recalled before what is known.
    pub(super) fn precede(&mut self, recalled: Self, history: &History) {
        let first = self.spans.first().map(|span| span.from);
        let mut spans: Vec<Span> =
            recalled.spans.into_iter().filter(|span| first.is_none_or(|first| span.from < first)).collect();
        spans.append(&mut self.spans);
        self.spans = spans;
        self.join(history);
        self.settle(history);
    }

    /// The newest snapshot that names the row.
    pub(super) fn last(&self) -> Option<Stamp> {
        self.spans.last().map(|span| span.to)
    }

    /// The spans, in order of time.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Span> {
        self.spans.iter()
    }

    /// Whether it holds no more.
    pub(super) fn is_over(&self) -> bool {
        self.spans.last().is_none_or(|last| last.until.is_some())
    }

    /// Says of each span from when until when its content holds; `history` knows the complete snapshots.
    pub(super) fn settle(&mut self, history: &History) {
        for at in 0..self.spans.len() {
            let next = self.spans.get(at + 1).map(|next| next.from);
            let before = at.checked_sub(1).map(|before| self.spans[before].since);
            let dropped = self.dropped_at.filter(|_| next.is_none());
            let span = &mut self.spans[at];
            let missed = history.after(span.to).filter(|missed| next.is_none_or(|next| *missed < next));
            let ends = [span.end, missed.or(next).map(|ends| ends.0), dropped];
            span.until = ends.into_iter().flatten().min();
            // Its own time is that of the grant, unless another content stood since then.
            let own = span.draft.own_time.then_some(span.draft.row.valid_from);
            let own = own.filter(|own| before.is_none_or(|before| *own > before));
            span.since = own.unwrap_or(span.from.0);
        }
    }

    /// Takes a snapshot out of the middle of a span: it has another content, or does not name the row.
    fn split(&mut self, at: usize, stamp: Stamp, one: Option<&Draft>, history: &History) {
        let span = self.spans.remove(at);
        let mut parts = Vec::with_capacity(3);
        if span.from < stamp {
            let to = history.before(stamp).map_or(span.from, |to| to.max(span.from));
            parts.push(Span { to, end: None, ..span.clone() });
        }
        parts.extend(one.map(|draft| Span::at(stamp, draft.clone(), None)));
        if span.to > stamp {
            let from = history.after(stamp).map_or(span.to, |from| from.min(span.to));
            parts.push(Span { from, ..span });
        }
        self.spans.splice(at..at, parts);
    }

    /// Joins neighbours of one content with no complete snapshot between them, and holds the bound.
    fn join(&mut self, history: &History) {
        let mut at = 1;
        while at < self.spans.len() {
            let (a, b) = (&self.spans[at - 1], &self.spans[at]);
            let gap = history.after(a.to).is_some_and(|next| next < b.from);
            if a.end.is_none() && !gap && grants(&a.draft.row) == grants(&b.draft.row) {
                let b = self.spans.remove(at);
                self.spans[at - 1].to = b.to;
                self.spans[at - 1].draft = b.draft;
                self.spans[at - 1].end = b.end;
            } else {
                at += 1;
            }
        }
        let too_many = self.spans.len().saturating_sub(MAX_SPANS);
        self.spans.drain(..too_many);
    }
}

/// What of a row is a grant: a change of anything else (a name, a last use) is no new row.
fn grants(row: &Entitlement) -> impl PartialEq + '_ {
    let Entitlement { kind, identity_generation, policy_hashes, groups, scopes, condition, valid_until, .. } = row;
    (*kind, identity_generation, policy_hashes, groups, scopes, condition, *valid_until)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::{PolicyHash, example};

    use super::*;

    /// A snapshot: its time, whether it is complete, and the content it names the row with.
    type Told = (i64, bool, Option<u8>);

    fn draft(content: u8) -> Draft {
        let row = Entitlement { policy_hashes: vec![PolicyHash::from(content.to_string())], ..example::entitlement() };
        Draft { row, own_time: false }
    }

    fn stamp(time: i64) -> Stamp {
        (Time(time), Id128(1))
    }

    /// What snapshots amount to in the order in which they are taken in, as content, since and until.
    fn taken(told: &[Told]) -> Vec<(String, i64, Option<i64>)> {
        let (mut history, mut spans) = (History::default(), Spans::default());
        for (time, complete, content) in told {
            if *complete {
                history.complete(stamp(*time));
            }
            match content {
                Some(content) => spans.name(&draft(*content), stamp(*time), false, &history),
                None if *complete => spans.miss(stamp(*time), &history),
                None => {}
            }
        }
        spans.settle(&history);
        let shown =
            |span: &Span| (span.draft.row.policy_hashes[0].to_string(), span.since.0, span.until.map(|until| until.0));
        spans.iter().map(shown).collect()
    }

    /// The same by walking through time.
    fn by_definition(told: &[Told]) -> Vec<(String, i64, Option<i64>)> {
        let mut told = told.to_vec();
        told.sort_unstable();
        let mut found: Vec<(String, i64, Option<i64>)> = Vec::new();
        for (time, complete, content) in told {
            let stands = found.last().is_some_and(|(known, _, until)| {
                until.is_none() && Some(known.clone()) == content.map(|c| c.to_string())
            });
            if stands || content.is_none() && !complete {
                continue;
            }
            if let Some((_, _, until @ None)) = found.last_mut() {
                *until = Some(time);
            }
            found.extend(content.map(|content| (content.to_string(), time, None)));
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn spans_are_what_time_says_in_whatever_order_snapshots_come(
            told in prop::collection::vec((any::<bool>(), prop::option::weighted(0.75, 0..2_u8)), 1..8),
            order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let told: Vec<Told> =
                told.into_iter().zip(1..).map(|((complete, content), time)| (time, complete, content.filter(|_| complete))).collect();
            let shuffled: Vec<Told> = order.iter().filter_map(|at| told.get(*at).copied()).collect();
            prop_assert_eq!(taken(&shuffled), by_definition(&told), "{:?}", shuffled);
        }
    }
}
