//! How much an identity usually does in an active hour, by risk class: a Gamma-Poisson model with forgetting.
//!
//! For each series the mean and the variance of its hourly counts are kept, newer hours counting more. The predictive
//! count is a negative binomial of that mean whose size is the smaller of what the variance says and of how many hours
//! were learned (few hours, wide tails). Quarters of the day, on weekdays and on weekends, scale the mean.

use std::collections::BTreeSet;

use schemas::{RiskClass, Time};
use serde::{Deserialize, Serialize};

use crate::detector::history::is_weekend;
use crate::evidence;

/// Series: one for each risk class, then denials, then new containers.
pub(crate) const N_SERIES: usize = 11;
/// The series of denials.
pub(crate) const DENIED: usize = 9;
/// The series of containers never touched before.
pub(crate) const FRESH: usize = 10;
/// Quarters of the day, on weekdays and on weekends.
const N_SEASONS: usize = 8;
/// Active hours after which an hour counts half.
const HALF_LIFE_HOURS: f64 = 100.0;
/// The prior: one hour's worth of this many events.
const PRIOR_MEAN: f64 = 3.0;
/// Hours of prior for a season's factor.
const PRIOR_SEASON_HOURS: f64 = 10.0;
/// Below so many events an hour is not much, whatever was usual.
const MIN_COUNT: f64 = 8.0;
/// Only so many times the mean is learned of an hour, so that a burst does not become usual at once.
const LEARN_TIMES: f64 = 5.0;

/// Mean and variance with forgetting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    weight: f64,
    mean: f64,
    var: f64,
}

impl Moments {
    fn learn(&mut self, x: f64) {
        let keep = f64::exp2(-1.0 / HALF_LIFE_HOURS);
        self.weight = self.weight * keep + 1.0;
        let part = 1.0 / self.weight;
        let off = x - self.mean;
        self.mean += part * off;
        self.var = (1.0 - part) * (self.var + part * off * off);
    }
}

/// The usual volume of one identity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Volume {
    series: [Moments; N_SERIES],
    seasons: [Moments; N_SEASONS],
}

/// The counts of one identity in one hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub by_series: [u32; N_SERIES],
    pub fresh: BTreeSet<schemas::ResourceId>,
}

/// A count that is higher than usual.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Excess {
    pub series: usize,
    pub n: u32,
    pub mean: f64,
    pub nats: f64,
}

impl Volume {
    /// What is unusual about an hour's counts.
    pub(crate) fn excess(&self, hour: Time, counts: &Counts) -> Vec<Excess> {
        let factor = self.factor(season(hour));
        let tested = counts.by_series.iter().filter(|n| f64::from(**n) >= MIN_COUNT).count().max(1);
        let all = counts.by_series.iter().enumerate();
        let high = all.filter(|(_, n)| f64::from(**n) >= MIN_COUNT).filter_map(|(series, n)| {
            let moments = &self.series[series];
            let mean = factor * (moments.weight * moments.mean + PRIOR_MEAN) / (moments.weight + 1.0);
            let spread =
                if moments.var > moments.mean { moments.mean.powi(2) / (moments.var - moments.mean) } else { f64::MAX };
            let size = spread.clamp(0.2, 1.0 + moments.weight / 2.0);
            // As many as were tested share the chance.
            let nats = evidence::count_nats(f64::from(*n), mean, size) - (tested as f64).ln();
            (nats > 0.0 && f64::from(*n) > 2.0 * mean).then_some(Excess { series, n: *n, mean, nats })
        });
        high.collect()
    }

    /// Learns an active hour.
    pub(crate) fn learn(&mut self, hour: Time, counts: &Counts) {
        let mut total = 0.0;
        for (moments, n) in self.series.iter_mut().zip(counts.by_series) {
            let most = LEARN_TIMES * (moments.mean + PRIOR_MEAN);
            moments.learn(f64::from(n).min(most));
        }
        for n in &counts.by_series[..DENIED] {
            total += f64::from(*n);
        }
        let season = &mut self.seasons[season(hour)];
        let most = LEARN_TIMES * (season.mean + PRIOR_MEAN);
        season.learn(total.min(most));
    }

    /// How busy a season is against the others.
    fn factor(&self, season: usize) -> f64 {
        let (sum, weight) = self.seasons.iter().fold((0.0, 0.0), |(s, w), m| (s + m.weight * m.mean, w + m.weight));
        if weight < PRIOR_SEASON_HOURS || sum <= 0.0 {
            return 1.0;
        }
        let mean = sum / weight;
        let own = &self.seasons[season];
        let here = (own.weight * own.mean + PRIOR_SEASON_HOURS * mean) / (own.weight + PRIOR_SEASON_HOURS);
        (here / mean).clamp(0.25, 4.0)
    }
}

/// The series of a risk class.
pub(crate) fn series_of(class: RiskClass) -> usize {
    class as usize
}

/// The risk class of a series; none for denials and new containers.
pub(crate) fn class_of(series: usize) -> Option<RiskClass> {
    RiskClass::ALL.get(series).copied()
}

fn season(hour: Time) -> usize {
    let quarter = hour.0.rem_euclid(Time::DAY) / (6 * Time::HOUR);
    usize::from(is_weekend(hour.day())) * 4 + usize::try_from(quarter).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(n: u32) -> Counts {
        let mut counts = Counts::default();
        counts.by_series[series_of(RiskClass::Read)] = n;
        counts
    }

    fn learned(of: impl Fn(i64) -> u32) -> Volume {
        let mut volume = Volume::default();
        for hour in 0..200 {
            volume.learn(Time(hour * Time::HOUR), &counts(of(hour)));
        }
        volume
    }

    fn nats(volume: &Volume, n: u32) -> f64 {
        volume.excess(Time(0), &counts(n)).iter().map(|e| e.nats).sum()
    }

    #[test]
    fn a_burst_stands_out_against_a_steady_life_and_less_against_a_bursty_one() {
        let steady = learned(|hour| 18 + (hour % 5) as u32);
        let bursty = learned(|hour| if hour % 10 == 0 { 150 } else { 5 });
        let newcomer = Volume::default();
        let said = [&steady, &bursty, &newcomer].map(|v| format!("{:.1}", nats(v, 200)));
        assert!(nats(&steady, 24) < 1.0 && nats(&steady, 200) > 20.0, "{said:?}");
        assert!(nats(&bursty, 200) < 8.0 && nats(&newcomer, 20) < 4.0, "{said:?}");
    }

    #[test]
    fn there_is_a_series_for_each_class_and_two_more() {
        assert_eq!(RiskClass::ALL.len(), DENIED);
        assert!(RiskClass::ALL.iter().all(|class| class_of(series_of(*class)) == Some(*class)));
        assert_eq!((class_of(DENIED), class_of(FRESH)), (None, None));
    }
}
