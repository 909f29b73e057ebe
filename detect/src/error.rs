//! What can be wrong with the room's settings.

use std::time::Duration;

use schemas::TimeError;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The lag is not on the grid of hours.
    #[error("`lag` is `{}`; it must be whole hours, at most a day", humantime_serde::re::humantime::format_duration(*.0))]
    Lag(Duration),
    /// Late events would be dropped before the lag is over.
    #[error(
        "`late` is `{}`, shorter than an hour more than `lag` `{}`",
        humantime_serde::re::humantime::format_duration(*.late),
        humantime_serde::re::humantime::format_duration(*.lag)
    )]
    Late {
        /// How long closed hours are remembered.
        late: Duration,
        /// The lag.
        lag: Duration,
    },
    /// A probability out of bounds.
    #[error("`{name}` is {value}; it must be above 0 and below 1")]
    Share {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// More false alerts accepted than there may be alerts.
    #[error("`triage.false_per_day` is {value}; it must be above 0 and at most `triage.budget_per_day` {budget}")]
    FalsePerDay {
        /// False alerts per day.
        value: f64,
        /// Alerts per day.
        budget: u32,
    },
    /// A bound out of bounds.
    #[error("`{name}` is {value}; it must be from 1 to {most}")]
    Count {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: usize,
        /// The most it may be.
        most: usize,
    },
    /// The end of a suppression.
    #[error("`until` of a suppression: {0}")]
    Until(TimeError),
}
