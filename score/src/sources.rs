//! What one identity is granted in one account, with enough history to say what held at a past time.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{Entitlement, EntitlementKind, Text, Time};
use serde::{Deserialize, Serialize};

/// Versions of one source that are kept; the oldest go. A grant that changes daily keeps two months.
const MAX_VERSIONS: usize = 64;

/// The entitlement rows of one identity in one account: each source with its versions by revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sources {
    rows: BTreeMap<Text, BTreeMap<i64, Arc<Entitlement>>>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It was known.
    Known,
    /// It is new.
    New,
    /// There is no room for another source.
    Full,
}

impl Sources {
    /// Takes a row in.
    pub(crate) fn take(&mut self, row: &Arc<Entitlement>, max_sources: usize) -> Taken {
        if !self.rows.contains_key(&row.source) && self.rows.len() >= max_sources {
            return Taken::Full;
        }
        let versions = self.rows.entry(row.source.clone()).or_default();
        if versions.get(&row.revision).is_some_and(|held| held == row) {
            return Taken::Known;
        }
        versions.insert(row.revision, Arc::clone(row));
        if versions.len() > MAX_VERSIONS {
            versions.pop_first();
        }
        Taken::New
    }

    /// All rows, those of the past too.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Entitlement>> {
        self.rows.values().flat_map(BTreeMap::values)
    }

    /// The start of what is known: the earliest grant. The oldest snapshot stands in for the time before it, since the
    /// clouds do not say when a policy was attached; without that, logs older than the first snapshot had no score.
    pub(crate) fn first(&self) -> Option<Time> {
        let grants = |row: &&Arc<Entitlement>| !matches!(row.kind, EntitlementKind::Identity | EntitlementKind::Trust);
        let all = || self.rows.values().flat_map(standing);
        let first = all().filter(grants).map(|row| row.valid_from).min();
        first.or_else(|| all().map(|row| row.valid_from).min())
    }

    /// When the identity was created, if a row says.
    pub(crate) fn created_at(&self) -> Option<Time> {
        self.iter().filter_map(|row| row.identity_created_at).min()
    }

    /// The rows that hold at a time, in order of their source: of each the one that began last.
    pub(crate) fn as_of(&self, time: Time) -> Vec<&Arc<Entitlement>> {
        let time = self.first().map_or(time, |first| first.max(time));
        let held = self.rows.values().filter_map(|versions| {
            standing(versions).filter(|row| row.valid_from <= time).max_by_key(|row| row.valid_from)
        });
        held.filter(|row| is_live(row, time)).collect()
    }

    /// Forgets versions that a later one had replaced before a time, and sources that were deleted before it.
    pub(crate) fn forget(&mut self, before: Time) {
        let lives_on = |row: &Arc<Entitlement>| row.deleted_at.is_none_or(|at| at > before);
        self.rows.retain(|_, versions| versions.values().any(lives_on));
        for versions in self.rows.values_mut() {
            let begun = standing(versions).filter(|row| row.valid_from <= before).map(|row| row.valid_from).max();
            versions.retain(|_, row| begun.is_none_or(|begun| row.valid_from >= begun));
        }
    }
}

/// The rows of one source that hold at some time: of those with one beginning the newest, but for what was taken back.
fn standing(versions: &BTreeMap<i64, Arc<Entitlement>>) -> impl Iterator<Item = &Arc<Entitlement>> {
    let newest: BTreeMap<Time, &Arc<Entitlement>> = versions.values().map(|row| (row.valid_from, row)).collect();
    newest.into_values().filter(|row| !row.is_withdrawn())
}

fn is_live(row: &Entitlement, time: Time) -> bool {
    row.valid_until.is_none_or(|until| until > time) && row.deleted_at.is_none_or(|at| at > time)
}

#[cfg(test)]
mod tests {
    use schemas::example;

    use super::*;

    fn row(source: &str, revision: i64, from: i64, until: Option<i64>, deleted: Option<i64>) -> Arc<Entitlement> {
        Arc::new(Entitlement {
            source: source.into(),
            valid_from: Time(from),
            valid_until: until.map(Time),
            deleted_at: deleted.map(Time),
            revision,
            ..example::entitlement()
        })
    }

    fn check(rows: &[Arc<Entitlement>], times: &[i64], expect: &expect_test::Expect) {
        let mut sources = Sources::default();
        for row in rows.iter().rev().chain(rows) {
            sources.take(row, 100);
        }
        let at = |time: &i64| {
            let live = sources.as_of(Time(*time));
            let names: Vec<String> = live.iter().map(|row| format!("{}.{}", row.source, row.revision)).collect();
            format!("{time}: {}\n", names.join(" "))
        };
        expect.assert_eq(&times.iter().map(at).collect::<String>());
    }

    #[test]
    fn the_grants_of_a_time_are_those_that_held_then() {
        let rows = [
            row("a", 1, 10, None, None),
            row("a", 2, 20, None, None),
            row("a", 3, 20, None, Some(30)),
            row("a", 4, 40, None, None),
            row("b", 1, 10, Some(25), None),
            // An older snapshot came later, and what was told of a time was taken back.
            row("c", 1, 30, None, None),
            row("c", 2, 10, None, None),
            row("d", 1, 20, None, None),
            row("d", 2, 10, None, None),
            row("d", 3, 20, None, Some(20)),
        ];
        check(
            &rows,
            &[5, 10, 19, 20, 25, 30, 40],
            &expect_test::expect![[r"
            5: a.1 b.1 c.2 d.2
            10: a.1 b.1 c.2 d.2
            19: a.1 b.1 c.2 d.2
            20: a.3 b.1 c.2 d.2
            25: a.3 c.2 d.2
            30: c.1 d.2
            40: a.4 c.1 d.2
        "]],
        );
    }
}
