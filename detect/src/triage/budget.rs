//! How unlikely a session must be to become an alert: online control of false discoveries, a day at a time.
//!
//! Candidates come with p ≤ τ; larger ones are discarded, and what is left is tested as p/τ, as ADDIS does (Tian and
//! Ramdas, NeurIPS 2019), which is valid as long as null p-values are conservative. In nats that is the excess over the
//! floor of candidates. Since models are never quite right, the excess is first scaled by the mean excess of the
//! sessions that did not become alerts (an exponential tail above the threshold, never lighter than the model's own).
//!
//! The j-th test of a day is passed at level γ_j·W + Σ γ_{j−τ_k}·A, over the day's earlier alerts τ_k: LORD++ (Ramdas
//! et al., NeurIPS 2017) with its wealth W given anew each day, so that a long quiet stream does not starve it. Σγ ≤ 1,
//! so a clean day has at most W false alerts in expectation, and each alert may bring A more. Past half the budget of
//! alerts each further one halves the level; past the budget an alert is held back and says so.

use serde::{Deserialize, Serialize};

use crate::config::TriageConfig;

/// Sessions' worth of prior for the mean excess; the prior is 1.5, somewhat heavier than the model.
const PRIOR_SESSIONS: f64 = 20.0;
const PRIOR_EXCESS: f64 = 1.5;
/// What of the learned tail is kept from a day to the next.
const KEEP_PER_DAY: f64 = 0.97;
/// The most that one session teaches, as a multiple of the mean: an attack must not teach that attacks are usual.
const LEARN_TIMES: f64 = 4.0;

/// What came of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not unlikely enough.
    Pass,
    /// An alert.
    Raise,
    /// An alert, but the day's budget is spent.
    OverBudget,
}

/// The budget of one organization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Budget {
    day: i64,
    n_tests: u32,
    /// The tests that became alerts; at most the budget's number.
    raised: Vec<u32>,
    /// The learned tail: sessions and the sum of their excess.
    n_sessions: f64,
    excess: f64,
}

impl Budget {
    /// Begins a day, if it is another one.
    pub(crate) fn begin_day(&mut self, day: i64) {
        if day == self.day {
            return;
        }
        let keep = KEEP_PER_DAY.powi(i32::try_from((day - self.day).clamp(0, 1000)).unwrap_or(0));
        self.n_sessions *= keep;
        self.excess *= keep;
        self.day = day;
        self.n_tests = 0;
        self.raised.clear();
    }

    /// Whether it still has something to remember at a day: of that day, or of the tail.
    pub(crate) fn is_of_day(&self, day: i64) -> bool {
        self.day >= day || self.n_sessions > 0.5
    }

    /// Tests a session by its nats above the floor of candidates.
    pub(crate) fn test(&mut self, excess: f64, config: &TriageConfig) -> Verdict {
        let excess = excess.max(0.0);
        self.n_tests = self.n_tests.saturating_add(1);
        let mean = ((self.excess + PRIOR_SESSIONS * PRIOR_EXCESS) / (self.n_sessions + PRIOR_SESSIONS)).max(1.0);
        let p = (-excess / mean).exp();
        if p > self.level(config) {
            self.n_sessions += 1.0;
            self.excess += excess.min(LEARN_TIMES * mean);
            return Verdict::Pass;
        }
        let spent = u32::try_from(self.raised.len()).unwrap_or(u32::MAX) >= config.budget_per_day;
        if spent { Verdict::OverBudget } else { Verdict::Raise }
    }

    /// The last test became an alert.
    pub(crate) fn spend(&mut self) {
        self.raised.push(self.n_tests);
    }

    /// The level of the current test.
    fn level(&self, config: &TriageConfig) -> f64 {
        let own = gamma(self.n_tests) * config.false_per_day;
        let earned: f64 =
            self.raised.iter().map(|at| gamma(self.n_tests.saturating_sub(*at)) * config.false_share).sum();
        let past_half = self.raised.len() as f64 - f64::from(config.budget_per_day) / 2.0;
        (own + earned).min(1.0) * f64::exp2(-past_half.max(0.0))
    }
}

/// LORD's γ_j = 0.0722·ln(max(j, 2)) / (j·e^√ln j) (Javanmard and Montanari 2018); 0 for j = 0.
fn gamma(j: u32) -> f64 {
    if j == 0 {
        return 0.0;
    }
    let j = f64::from(j);
    0.0722 * j.max(2.0).ln() / (j * j.ln().sqrt().exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_of_a_day_sum_to_at_most_its_wealth() {
        let sum: f64 = (1..200_000).map(gamma).sum();
        assert!(sum < 1.0 && sum > 0.3, "{sum}");
    }

    #[test]
    fn the_budget_holds_on_the_worst_of_days_and_a_new_day_begins_afresh() {
        let config = TriageConfig { budget_per_day: 5, ..TriageConfig::default() };
        let mut budget = Budget::default();
        let mut raised = 0;
        for _ in 0..100 {
            if budget.test(500.0, &config) == Verdict::Raise {
                budget.spend();
                raised += 1;
            }
        }
        assert_eq!((raised, budget.test(500.0, &config)), (5, Verdict::OverBudget));
        budget.begin_day(1);
        assert_eq!(budget.test(500.0, &config), Verdict::Raise);
    }

    /// Exponential excesses (the null, exactly) from a fixed linear congruential generator, 200 a day for 300 days.
    #[test]
    fn a_clean_stream_has_fewer_false_alerts_than_it_may() {
        let config = TriageConfig::default();
        let mut budget = Budget::default();
        let (mut seed, mut raised) = (1_u64, 0);
        for day in 0..300 {
            budget.begin_day(day);
            for _ in 0..200 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let uniform = ((seed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
                if budget.test(-uniform.ln(), &config) == Verdict::Raise {
                    budget.spend();
                    raised += 1;
                }
            }
        }
        assert!((1..300).contains(&raised), "{raised}");
    }

    #[test]
    fn a_heavier_tail_than_the_model_says_is_learned() {
        let config = TriageConfig::default();
        let mut budget = Budget::default();
        budget.begin_day(1);
        let raised_in = |budget: &mut Budget, day: i64| {
            budget.begin_day(day);
            (0..50).filter(|n| budget.test(f64::from(n % 10), &config) == Verdict::Raise).inspect(|_| ()).count()
        };
        let first = raised_in(&mut budget, 2);
        let later = (3..40).map(|day| raised_in(&mut budget, day)).last();
        assert!(later <= Some(first), "{first} {later:?}");
        assert!(budget.excess / budget.n_sessions > 2.0);
    }
}
