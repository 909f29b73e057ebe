//! The arithmetic of surprise: channels, their nats, and how they are put together.
//!
//! Everything here is a pure function of numbers, in nats (natural logarithms of probabilities, turned positive).

use schemas::Reason;
use serde::{Deserialize, Serialize};

/// What a piece of evidence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Channel {
    /// The identity does something new.
    Action,
    /// How few of its peers do that.
    Peers,
    /// It touches something new.
    Resource,
    /// It comes from a new network.
    Network,
    /// It comes with a new tool.
    Tool,
    /// It comes at an unusual hour.
    Hour,
    /// It does much more than usual.
    Volume,
    /// It is refused much more than usual.
    Denials,
    /// It, or its permission, was long unused.
    Dormant,
    /// It acts for the first time.
    Identity,
    /// How much an analyst cares, by the action's risk class.
    Risk,
}

impl Channel {
    const ALL: [Self; 11] = [
        Self::Action,
        Self::Peers,
        Self::Resource,
        Self::Network,
        Self::Tool,
        Self::Hour,
        Self::Volume,
        Self::Denials,
        Self::Dormant,
        Self::Identity,
        Self::Risk,
    ];

    /// The word in [`Reason::channel`].
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Peers => "peers",
            Self::Resource => "resource",
            Self::Network => "network",
            Self::Tool => "tool",
            Self::Hour => "hour",
            Self::Volume => "volume",
            Self::Denials => "denials",
            Self::Dormant => "dormant",
            Self::Identity => "identity",
            Self::Risk => "risk",
        }
    }

    /// Reads the word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == word)
    }

    /// Channels that go together: a person who travels has a new network, often another tool, and other hours, for one
    /// and the same reason.
    pub(crate) fn is_context(self) -> bool {
        matches!(self, Self::Network | Self::Tool | Self::Hour)
    }
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    pub channel: Channel,
    pub nats: f64,
    pub text: String,
}

impl Evidence {
    pub(crate) fn new(channel: Channel, nats: f64, text: String) -> Self {
        Self { channel, nats, text }
    }

    /// As a reason of a row, with its nats to three decimals so that rows compare and read well.
    pub(crate) fn reason(&self) -> Reason {
        let nats = (self.nats * 1000.0).round() / 1000.0;
        Reason { channel: self.channel.as_str().into(), nats, text: self.text.as_str().into() }
    }
}

/// Active hours that the prior counts for. With it and [`PRIOR_NOVELTY`], an identity with 100 active hours and nothing
/// new in them has a chance of 1 in 104 for something new in the next; a newcomer has 1 in 4.
const PRIOR_HOURS: f64 = 4.0;
/// The chance that an hour of an identity of which nothing is known holds something new.
const PRIOR_NOVELTY: f64 = 0.25;
/// How much a level of the back-off counts against the level below it, in identities.
const BACK_OFF: f64 = 2.0;
/// Among actions that are new for an identity most are rare ones, so their rarity is told at half its nats.
const RARITY: f64 = 0.5;
/// The most that rarity among others may add: past it, it says how small the group is.
const MAX_RARITY_NATS: f64 = 6.0;

/// The chance that an active hour holds something new, from `n_new` of `n_hours` hours that did.
pub(crate) fn novelty(n_new: f64, n_hours: f64) -> f64 {
    ((n_new + PRIOR_NOVELTY * PRIOR_HOURS) / (n_hours + PRIOR_HOURS)).min(1.0)
}

/// The share of comparable identities that use an action, backed off from wide to narrow: each level's own count is
/// joined with the level before it as [`BACK_OFF`] identities' worth of a Dirichlet prior. `levels` are (users,
/// identities) from wide to narrow; `base` stands before the widest.
pub(crate) fn share(base: f64, levels: &[(f64, f64)]) -> f64 {
    levels.iter().fold(base, |wider, (users, all)| (users + BACK_OFF * wider) / (all + BACK_OFF))
}

/// The nats of rarity among others of an action that a share of them uses.
pub(crate) fn rarity_nats(share: f64) -> f64 {
    (-RARITY * share.max(f64::MIN_POSITIVE).ln()).clamp(0.0, MAX_RARITY_NATS)
}

/// How unlikely a count of at least `x` is under a negative binomial of that mean and size (variance = mean +
/// mean²/size): Chernoff's bound in closed form, x·ln(x/μ) − (x+r)·ln((x+r)/(μ+r)), so the true tail is smaller still.
pub(crate) fn count_nats(x: f64, mean: f64, size: f64) -> f64 {
    let mean = mean.max(1e-9);
    if x <= mean {
        return 0.0;
    }
    let nats = x * (x / mean).ln() - (x + size) * ((x + size) / (mean + size)).ln();
    if nats.is_finite() { nats.max(0.0) } else { 0.0 }
}

/// The nats of several pieces together: context channels count the strongest in full and each next half of the one
/// before, since they go together; the others add up.
pub(crate) fn together<'a>(pieces: impl Iterator<Item = &'a Evidence>) -> f64 {
    let (context, rest): (Vec<&Evidence>, Vec<&Evidence>) = pieces.partition(|piece| piece.channel.is_context());
    let mut alone: Vec<f64> = rest.iter().map(|piece| piece.nats).collect();
    alone.sort_unstable_by(f64::total_cmp);
    (alone.iter().sum::<f64>() + halving(context.iter().map(|piece| piece.nats).collect())).max(0.0)
}

/// The largest in full, the next by half, then a quarter …
pub(crate) fn halving(mut nats: Vec<f64>) -> f64 {
    nats.sort_unstable_by(|a, b| b.total_cmp(a));
    nats.iter().rev().fold(0.0, |sum, next| sum / 2.0 + next)
}

/// The p-value of joined evidence: Fisher's tail for two families (what is done, and how it comes), e^−s·(1+s).
pub(crate) fn p_value(nats: f64) -> f64 {
    ((1.0 + nats) * (-nats).exp()).clamp(f64::MIN_POSITIVE, 1.0)
}

/// The nats at which [`p_value`] is `p`.
pub(crate) fn nats_of(p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 800.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if p_value(middle) > p { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn novelty_falls_with_a_steady_life() {
        let said =
            [(0.0, 0.0), (0.0, 100.0), (50.0, 100.0), (100.0, 100.0)].map(|(k, h)| format!("{:.3}", novelty(k, h)));
        assert_eq!(said, ["0.250", "0.010", "0.490", "0.971"]);
    }

    #[test]
    fn what_the_group_never_does_is_rarer_than_what_it_does() {
        let base = 1e-3;
        let none = share(base, &[(3.0, 500.0), (3.0, 140.0), (0.0, 9.0)]);
        let some = share(base, &[(8.0, 500.0), (8.0, 140.0), (5.0, 9.0)]);
        assert!(rarity_nats(none) > rarity_nats(some) + 1.0, "{none} {some}");
        assert!(rarity_nats(share(base, &[(0.0, 500.0), (0.0, 140.0), (0.0, 9.0)])) <= MAX_RARITY_NATS);
    }

    /// The bound is above the exact tail of a Poisson (a negative binomial of great size), summed term by term.
    #[test]
    fn the_tail_bound_holds_against_the_exact_sum() {
        for (mean, x) in [(2.0, 9_u32), (10.0, 30), (50.0, 90)] {
            let mut term = f64::exp(-mean);
            let mut below = 0.0;
            for k in 0..x {
                below += term;
                term *= mean / f64::from(k + 1);
            }
            let (exact, bound) = (1.0 - below, (-count_nats(f64::from(x), mean, 1e12)).exp());
            assert!(exact <= bound && bound < exact * 30.0, "{mean} {x}: {exact} {bound}");
        }
    }

    proptest! {
        #[test]
        fn a_higher_count_is_never_less_surprising(x in 0.0..1e6f64, more in 0.0..1e6f64, mean in 0.0..1e5f64, size in 0.1..1e4f64) {
            prop_assert!(count_nats(x + more, mean, size) >= count_nats(x, mean, size) - 1e-6);
        }

        #[test]
        fn p_values_turn_into_nats_and_back(p in 1e-200..0.99f64) {
            let back = p_value(nats_of(p));
            prop_assert!((back / p - 1.0).abs() < 1e-6, "{} {}", p, back);
        }
    }
}
