//! The order in which files are read, and what may be said of time between them.

use std::collections::BTreeMap;

use super::cursor::{Chunk, Class, Cursor, Planned};

/// Puts entitlements first, then logs by their least time, then pipes; what cannot be read comes last.
pub(super) fn sort(plan: &mut [Planned]) {
    plan.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name)));
}

fn key(planned: &Planned) -> (u8, i64) {
    match planned.class {
        Class::Grants => (0, planned.collected_at),
        Class::Logs => (1, planned.min.unwrap_or(i64::MAX)),
        Class::Stream => (2, 0),
        Class::Trouble(_) => (3, 0),
    }
}

/// The accounts of a chunk, each with its least time in what follows.
type Behind = Vec<(u32, Option<i64>)>;

/// For each chunk of each file: the accounts that stand in it, each with its least time in what follows; `None` when
/// nothing of it follows.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    firsts: BTreeMap<u32, i64>,
    behind: Vec<Vec<Behind>>,
}

impl Ahead {
    pub(super) fn of(plan: &[Planned]) -> Self {
        let mut least: BTreeMap<u32, i64> = BTreeMap::new();
        let mut behind = Vec::with_capacity(plan.len());
        for planned in plan.iter().rev() {
            let mut of_file = Vec::with_capacity(planned.chunks.len());
            for chunk in planned.chunks.iter().rev() {
                of_file.push(chunk.mins.keys().map(|place| (*place, least.get(place).copied())).collect());
                join(&mut least, chunk);
            }
            of_file.reverse();
            behind.push(of_file);
        }
        behind.reverse();
        Self { firsts: least, behind }
    }

    /// The least time of every account in the whole plan.
    pub(super) fn firsts(&self) -> &BTreeMap<u32, i64> {
        &self.firsts
    }

    /// See [`Ahead`].
    pub(super) fn behind(&self, file: usize, chunk: usize) -> &[(u32, Option<i64>)] {
        self.behind.get(file).and_then(|chunks| chunks.get(chunk)).map_or(&[], Vec::as_slice)
    }
}

fn join(least: &mut BTreeMap<u32, i64>, chunk: &Chunk) {
    for (place, min) in &chunk.mins {
        least.entry(*place).and_modify(|known| *known = (*min).min(*known)).or_insert(*min);
    }
}

/// Entitlements that were collected after the last thing the logs tell stand for the state at that time: the newest of
/// each list and account gets it, older ones a microsecond less each. So the answer does not hang on when files were
/// copied.
pub(super) fn collect_by(as_of: i64, grants: &mut [(Planned, String)]) {
    let mut later: Vec<usize> =
        grants.iter().enumerate().filter(|(_, (planned, _))| planned.collected_at > as_of).map(|(at, _)| at).collect();
    let order = |at: &usize| grants.get(*at).map(|(planned, _)| (planned.collected_at, planned.name.clone()));
    later.sort_by_key(order);
    let mut taken: BTreeMap<String, i64> = BTreeMap::new();
    for at in later.into_iter().rev() {
        let Some((planned, list)) = grants.get_mut(at) else { continue };
        let n_newer = taken.entry(list.clone()).or_default();
        planned.collected_at = as_of - *n_newer;
        *n_newer += 1;
    }
}

/// The highest time of any account.
pub(super) fn high(cursor: &Cursor) -> Option<i64> {
    cursor.highs.values().copied().max()
}
