//! What an identity could do, by its index: the scores of each since the oldest time that is still judged, so that an alert
//! names the one of its time. Those of other accounts may be far ahead of it.

use std::collections::BTreeMap;

use schemas::{AccountId, Bucket, IdentityId, Pci, ScopeKind, Text, Time};
use serde::{Deserialize, Serialize};

/// Scores kept per identity and account, at most one a day; past it the oldest go.
const MAX_SCORES: usize = 400;

/// One score in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Score {
    revision: i64,
    score: f64,
    bucket: Bucket,
    n_granted: i64,
    n_used: i64,
    escalation: Option<Text>,
    deleted: bool,
}

/// All scores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Knowledge {
    by_identity: BTreeMap<(IdentityId, AccountId), BTreeMap<Time, Score>>,
}

impl Knowledge {
    /// Takes a row in. Past the bound, identities that are not known yet are left out.
    pub(crate) fn put(&mut self, row: &Pci, max_identities: usize) {
        if row.scope_kind != ScopeKind::Identity {
            return;
        }
        let key = (IdentityId::from(row.scope_id.as_str()), row.account_id.clone());
        if !self.by_identity.contains_key(&key) && self.by_identity.len() >= max_identities {
            return;
        }
        let scores = self.by_identity.entry(key).or_default();
        if scores.get(&row.time).is_some_and(|known| known.revision > row.revision) {
            return;
        }
        let score = Score {
            revision: row.revision,
            score: row.score,
            bucket: row.bucket,
            n_granted: row.n_granted,
            n_used: row.n_used,
            escalation: row.escalation.clone(),
            deleted: row.deleted_at.is_some(),
        };
        scores.insert(row.time, score);
        if scores.len() > MAX_SCORES {
            scores.pop_first();
        }
    }

    /// Forgets the scores that no time from this one on needs.
    pub(crate) fn forget(&mut self, before: Time) {
        for scores in self.by_identity.values_mut() {
            let newest = scores.range(..=before).rev().find(|(_, score)| !score.deleted).map(|(time, _)| *time);
            if let Some(newest) = newest {
                *scores = scores.split_off(&newest);
            }
        }
    }

    /// The newest score at or before a time that was not taken back; rows of that time have all arrived when the watermark has passed it.
    fn at(&self, identity: &IdentityId, account: &AccountId, time: Time) -> Option<&Score> {
        let scores = self.by_identity.get(&(identity.clone(), account.clone()))?;
        scores.range(..=time).rev().map(|(_, score)| score).find(|score| !score.deleted)
    }

    /// What the identity could do, in a sentence.
    pub(crate) fn could(&self, identity: &IdentityId, account: &AccountId, time: Time) -> Option<Text> {
        let score = self.at(identity, account, time)?;
        let Score { score: index, bucket, n_granted, n_used, .. } = score;
        let mut text = format!("PCI {index:.1} ({bucket}): {n_granted} actions granted, {n_used} of them used");
        if let Some(path) = &score.escalation {
            text.push_str("; a path to administrator: ");
            text.push_str(path);
        }
        Some(text.into())
    }

    /// Whether the identity holds much more than it uses.
    pub(crate) fn is_high(&self, identity: &IdentityId, account: &AccountId, time: Time) -> bool {
        self.at(identity, account, time).is_some_and(|score| score.bucket == Bucket::High || score.escalation.is_some())
    }
}

#[cfg(test)]
mod tests {
    use schemas::example;

    use super::*;

    #[test]
    fn the_score_of_the_time_is_told() {
        let mut knowledge = Knowledge::default();
        // The scores of an account that is far ahead are told before the alerts of one that is behind.
        for day in 1..20 {
            let row = Pci { time: Time(day * Time::DAY), score: day as f64, ..example::pci() };
            knowledge.put(&row, 10);
            knowledge.put(&Pci { revision: 0, score: 99.0, ..row }, 10);
        }
        // A score that was taken back never stood: the one before it goes on.
        knowledge.put(&Pci { time: Time(30 * Time::DAY), deleted_at: Some(Time(0)), ..example::pci() }, 10);
        let could = |knowledge: &Knowledge, day: i64| {
            let row = example::pci();
            knowledge.could(&row.scope_id.as_str().into(), &row.account_id, Time(day * Time::DAY + 5))
        };
        let told = |day: i64| Some(Text::from(format!("PCI {day}.0 (low): 9 actions granted, 1 of them used")));
        for (day, of) in [(3, 3), (18, 18), (31, 19)] {
            assert_eq!(could(&knowledge, day), told(of));
        }
        knowledge.forget(Time(7 * Time::DAY + 9));
        assert_eq!((could(&knowledge, 6), could(&knowledge, 7)), (None, told(7)), "the one that held then is kept");
    }
}
