//! What was told of one identity in one account, so that only what changed is told again, with the next revision.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use schemas::{Finding, Id128, Message, Noun, Pci, Text, Time};
use serde::{Deserialize, Serialize};
use stream::Output;

use crate::findings::{Truths, Which};
use crate::metrics::ScoreMetrics;

/// A row of the series that was told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Point {
    /// The row's content, hashed.
    hash: u64,
    revision: i64,
    /// Whether it still stands, or was withdrawn.
    stands: bool,
    truths: Truths,
}

/// A finding that was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Standing {
    hash: u64,
    row: Arc<Finding>,
}

/// The series and the findings as they were told.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The rows at the ends of days, by the day that begins then.
    series: BTreeMap<i64, Point>,
    /// The row that a `finish` told, at a time of its own.
    extra: Option<(Time, Point)>,
    findings: BTreeMap<Which, Standing>,
}

/// Where rows go, and who counts them.
pub(crate) struct Teller<'a> {
    pub(crate) out: &'a mut Output<Message>,
    pub(crate) metrics: &'a mut ScoreMetrics,
}

impl Teller<'_> {
    fn pci(&mut self, row: Pci) {
        self.metrics.score_pci_rows_total += 1;
        self.out.emit(row.into_message());
    }

    fn finding(&mut self, row: &Arc<Finding>) {
        self.metrics.score_finding_rows_total += 1;
        self.out.emit(Message::Finding(Arc::clone(row)));
    }
}

impl Told {
    /// Tells the row of a closed day, if it is new or other than it was told.
    pub(crate) fn row(&mut self, day: i64, row: Pci, truths: Truths, to: &mut Teller<'_>) {
        let hash = hash(&row);
        let extra = self.extra.take_if(|(at, _)| *at == Time(day * Time::DAY)).map(|(_, point)| point);
        let point = self.series.entry(day).or_insert_with(|| extra.unwrap_or_default());
        if point.stands && point.hash == hash {
            return;
        }
        *point = Point { hash, revision: point.revision + 1, stands: true, truths };
        to.pci(Pci { revision: point.revision, ..row });
    }

    /// Withdraws the rows of some days but for those to keep: the score does not change there after all. `bare` makes the
    /// row of a time without a score.
    pub(crate) fn withdraw(
        &mut self,
        days: RangeInclusive<i64>,
        keep: &BTreeSet<i64>,
        bare: impl Fn(Time) -> Pci,
        to: &mut Teller<'_>,
    ) {
        if days.is_empty() {
            return;
        }
        for (day, point) in self.series.range_mut(days).filter(|(day, point)| point.stands && !keep.contains(day)) {
            let at = Time(*day * Time::DAY);
            (point.stands, point.revision, point.truths) = (false, point.revision + 1, Truths::default());
            to.pci(Pci { deleted_at: Some(at), revision: point.revision, ..bare(at) });
        }
    }

    /// Tells the row of a `finish`; `None` withdraws the one told before. A series row at that very time stands for it.
    pub(crate) fn extra(&mut self, row: Option<(Pci, Truths)>, bare: impl Fn(Time) -> Pci, to: &mut Teller<'_>) {
        let wanted = row.as_ref().map(|(row, _)| row.time);
        if let Some((at, point)) = self.extra.take_if(|(at, _)| Some(*at) != wanted) {
            to.pci(Pci { deleted_at: Some(at), revision: point.revision + 1, ..bare(at) });
        }
        let Some((row, truths)) = row else { return };
        let hash = hash(&row);
        let of_series = || day_of(row.time).and_then(|day| self.series.get(&day)).cloned().unwrap_or_default();
        let before = self.extra.take().map_or_else(of_series, |(_, point)| point);
        if before.stands && before.hash == hash {
            self.extra = Some((row.time, before));
            return;
        }
        let point = Point { hash, revision: before.revision + 1, stands: true, truths };
        self.extra = Some((row.time, point.clone()));
        to.pci(Pci { revision: point.revision, ..row });
    }

    /// Whether a row of the series stands at a time.
    pub(crate) fn stands_at(&self, time: Time) -> bool {
        day_of(time).and_then(|day| self.series.get(&day)).is_some_and(|point| point.stands)
    }

    /// Tells a finding of which it is known whether it is true at a time. `horizon` is the first day of which the series
    /// is whole.
    pub(crate) fn finding(&mut self, which: &Which, row: Option<Finding>, at: Time, horizon: i64, to: &mut Teller<'_>) {
        let told = self.findings.get(which);
        let revision = told.map_or(0, |told| told.row.revision);
        let Some(row) = row else {
            let Some(told) = told.filter(|told| told.row.deleted_at.is_none()) else { return };
            let ended = Time(self.end_of(which).unwrap_or(at).0.max(told.row.first_seen_at.0));
            let row = Finding { deleted_at: Some(ended), revision: revision + 1, ..told.row.as_ref().clone() };
            return self.stand(which, 0, row, to);
        };
        let since = told.filter(|told| told.row.deleted_at.is_none()).map(|told| told.row.first_seen_at);
        let older = since.filter(|since| since.day() < horizon);
        let first = self.first_of(which).into_iter().chain(older).min().or(since).unwrap_or(at);
        let changed =
            self.series.iter().rev().find(|(_, point)| point.stands).filter(|(_, point)| point.truths.has(which));
        let changed = changed.map_or(at, |(day, _)| Time(day * Time::DAY));
        let row = Finding { first_seen_at: first.min(changed), time: changed, ..row };
        let hash = hash(&row);
        if told.is_some_and(|told| told.hash == hash && told.row.deleted_at.is_none()) {
            return;
        }
        let revision = self.move_day(which, first.min(changed), to).unwrap_or(revision);
        self.stand(which, hash, Finding { revision: revision + 1, ..row }, to);
    }

    /// A standing finding is stored by the day it was first seen. Where a correction changes that, the row of the other
    /// day is deleted first. Returns the revision that took.
    fn move_day(&mut self, which: &Which, first: Time, to: &mut Teller<'_>) -> Option<i64> {
        let told = self.findings.get(which).filter(|told| told.row.deleted_at.is_none())?;
        let was = told.row.first_seen_at;
        if was.day() == first.day() {
            return None;
        }
        let revision = told.row.revision + 1;
        to.finding(&Arc::new(Finding { deleted_at: Some(was), revision, ..told.row.as_ref().clone() }));
        Some(revision)
    }

    fn stand(&mut self, which: &Which, hash: u64, row: Finding, to: &mut Teller<'_>) {
        let row = Arc::new(row);
        to.finding(&row);
        self.findings.insert(which.clone(), Standing { hash, row });
    }

    /// The guardrails of which something was told, in order.
    pub(crate) fn guardrails(&self) -> Vec<Text> {
        self.findings.keys().filter_map(|which| which.rule.clone()).collect()
    }

    fn standing(&self) -> impl DoubleEndedIterator<Item = (i64, &Truths)> {
        self.series.iter().filter(|(_, point)| point.stands).map(|(day, point)| (*day, &point.truths))
    }

    /// When a finding was first true.
    fn first_of(&self, which: &Which) -> Option<Time> {
        self.standing().find(|(_, truths)| truths.has(which)).map(|(day, _)| Time(day * Time::DAY))
    }

    /// Since when a finding has not been true.
    fn end_of(&self, which: &Which) -> Option<Time> {
        self.standing().rev().take_while(|(_, truths)| !truths.has(which)).last().map(|(day, _)| Time(day * Time::DAY))
    }

    /// Forgets the rows before a day, but for the last of them that stands.
    pub(crate) fn forget(&mut self, before: i64) {
        let last = self.series.range(..before).rev().find(|(_, point)| point.stands).map(|(day, _)| *day);
        self.series.retain(|day, _| *day >= before || Some(*day) == last);
    }
}

fn day_of(time: Time) -> Option<i64> {
    (time.0.rem_euclid(Time::DAY) == 0).then(|| time.day())
}

fn hash<T: serde::Serialize>(row: &T) -> u64 {
    // Writing to memory does not fail; were it to, the hash is that of nothing and the row is told once more.
    let bytes = postcard::to_allocvec(row).unwrap_or_default();
    Id128::of_parts(&[&bytes]).0 as u64
}
