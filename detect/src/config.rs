//! The settings of the room, `[detect]` of the config.

use std::time::Duration;

use schemas::{Text, Time};
use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// What a user may set; see `config/local.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long before an event's hour the model it is scored against was closed, in event time.
    #[serde(with = "humantime_serde")]
    pub lag: Duration,
    /// How much of an account's log must be known before first uses are told.
    #[serde(with = "humantime_serde")]
    pub learn: Duration,
    /// How long closed hours are remembered for late events and copies.
    #[serde(with = "humantime_serde")]
    pub late: Duration,
    /// How long what was very unlikely stays unlearned.
    #[serde(with = "humantime_serde")]
    pub age: Duration,
    /// After how long without use a permission or an identity is dormant.
    #[serde(with = "humantime_serde")]
    pub dormant: Duration,
    /// The p-value at which something becomes a candidate.
    pub candidate_p: f64,
    /// Events held in open hours, per partition; past it the oldest are scored early.
    pub max_pending: usize,
    /// Identities remembered, per partition; past it the ones longest inactive are forgotten.
    pub max_identities: usize,
    /// Actions remembered per identity and account.
    pub max_actions: usize,
    /// Resources remembered per identity and account.
    pub max_resources: usize,
    /// Networks, and tools, remembered per identity and account.
    pub max_networks: usize,
    /// Candidates of one identity, account and hour; past it they share one row.
    pub max_candidates: usize,
    /// Event ids that a candidate names.
    pub max_event_ids: usize,
    /// Peer groups.
    pub peers: PeersConfig,
    /// From candidates to alerts.
    pub triage: TriageConfig,
}

/// The settings of peer groups, `[detect.peers]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeersConfig {
    /// Days between two models.
    pub every_days: u32,
    /// Days of usage before the first model.
    pub min_days: u32,
    /// Groups per cloud; 0 takes √(n/2), at most 32.
    pub n_groups: usize,
    /// Starts of the clustering, of which the best is kept.
    pub n_runs: usize,
    /// The seed of the clustering.
    pub seed: u64,
    /// Days after which a use counts half.
    pub half_life_days: u32,
    /// Days after which an unused action and an inactive identity are forgotten.
    pub window_days: u32,
    /// Columns of the usage vectors, at most 512.
    pub max_dims: usize,
    /// Identities remembered.
    pub max_identities: usize,
    /// Actions remembered per identity.
    pub max_actions: usize,
    /// Usage rows held until their day closes.
    pub max_rows: usize,
    /// Identities the clustering learns from; the others are assigned to the nearest group.
    pub max_fit: usize,
    /// Bytes of a model's body, at most 900,000.
    pub max_body_bytes: usize,
}

/// The settings of triage, `[detect.triage]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TriageConfig {
    /// Alerts per organization and day of event time.
    pub budget_per_day: u32,
    /// False alerts per day that are acceptable on a clean stream.
    pub false_per_day: f64,
    /// The share of false alerts among alerts that is acceptable besides.
    pub false_share: f64,
    /// The pause after which an identity's candidates are another session.
    #[serde(with = "humantime_serde")]
    pub gap: Duration,
    /// How long after its last candidate an alert still takes in repeats.
    #[serde(with = "humantime_serde")]
    pub repeat: Duration,
    /// Candidates waiting for their hour, in all.
    pub max_waiting: usize,
    /// Identities whose index is remembered.
    pub max_identities: usize,
    /// Entries of each list of an alert.
    pub max_listed: usize,
    /// What is not to be told.
    pub suppress: Vec<Suppression>,
}

/// One entry of the suppression list; all that is given must match, `*` at the end of a text matches any rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// The identity's id.
    #[serde(default)]
    pub identity: Option<Text>,
    /// The account.
    #[serde(default)]
    pub account: Option<Text>,
    /// Every action of the alert must match.
    #[serde(default)]
    pub action: Option<Text>,
    /// Why it is suppressed, for whoever asks.
    pub reason: Text,
    /// Until when, RFC 3339.
    pub until: Text,
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

impl Default for Config {
    fn default() -> Self {
        Self {
            lag: HOUR,
            learn: 14 * DAY,
            late: DAY,
            age: DAY,
            dormant: 60 * DAY,
            candidate_p: 0.05,
            max_pending: 200_000,
            max_identities: 50_000,
            max_actions: 512,
            max_resources: 1024,
            max_networks: 256,
            max_candidates: 64,
            max_event_ids: 20,
            peers: PeersConfig::default(),
            triage: TriageConfig::default(),
        }
    }
}

impl Default for PeersConfig {
    fn default() -> Self {
        Self {
            every_days: 1,
            min_days: 7,
            n_groups: 0,
            n_runs: 3,
            seed: 42,
            half_life_days: 14,
            window_days: 90,
            max_dims: 256,
            max_identities: 20_000,
            max_actions: 512,
            max_rows: 1_000_000,
            max_fit: 2_000,
            max_body_bytes: 800_000,
        }
    }
}

impl Default for TriageConfig {
    fn default() -> Self {
        Self {
            budget_per_day: 20,
            false_per_day: 1.0,
            false_share: 0.1,
            gap: HOUR,
            repeat: 12 * HOUR,
            max_waiting: 100_000,
            max_identities: 100_000,
            max_listed: 50,
            suppress: Vec::new(),
        }
    }
}

/// Checked settings, times in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidConfig {
    pub(crate) lag_us: i64,
    pub(crate) learn_us: i64,
    pub(crate) late_us: i64,
    pub(crate) age_us: i64,
    pub(crate) dormant_days: i64,
    pub(crate) gap_us: i64,
    pub(crate) repeat_us: i64,
    pub(crate) given: Config,
    pub(crate) suppress_until: Vec<Time>,
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4)
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// When a value is out of its bounds or two do not fit together.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        let lag_us = micros(self.lag);
        if lag_us % Time::HOUR != 0 || lag_us > Time::DAY {
            return Err(ConfigError::Lag(self.lag));
        }
        if micros(self.late) < lag_us + Time::HOUR {
            return Err(ConfigError::Late { late: self.late, lag: self.lag });
        }
        if !(self.candidate_p > 0.0 && self.candidate_p < 1.0) {
            return Err(ConfigError::Share { name: "candidate_p", value: self.candidate_p });
        }
        let share = self.triage.false_share;
        if !(share > 0.0 && share < 1.0) {
            return Err(ConfigError::Share { name: "triage.false_share", value: share });
        }
        if !(self.triage.false_per_day > 0.0 && self.triage.false_per_day <= f64::from(self.triage.budget_per_day)) {
            return Err(ConfigError::FalsePerDay {
                value: self.triage.false_per_day,
                budget: self.triage.budget_per_day,
            });
        }
        self.check_counts()?;
        let until = |entry: &Suppression| Time::parse(&entry.until).map_err(ConfigError::Until);
        let suppress_until = self.triage.suppress.iter().map(until).collect::<Result<_, _>>()?;
        Ok(ValidConfig {
            lag_us,
            learn_us: micros(self.learn),
            late_us: micros(self.late),
            age_us: micros(self.age),
            dormant_days: micros(self.dormant) / Time::DAY,
            gap_us: micros(self.triage.gap),
            repeat_us: micros(self.triage.repeat),
            suppress_until,
            given: self,
        })
    }

    fn check_counts(&self) -> Result<(), ConfigError> {
        let counts = [
            ("max_pending", self.max_pending, 1_usize << 32),
            ("max_identities", self.max_identities, 1 << 32),
            ("max_actions", self.max_actions, 1 << 20),
            ("max_resources", self.max_resources, 1 << 20),
            ("max_networks", self.max_networks, 1 << 20),
            ("max_candidates", self.max_candidates, 1 << 20),
            ("max_event_ids", self.max_event_ids, 1000),
            ("peers.every_days", self.peers.every_days as usize, 365),
            ("peers.n_runs", self.peers.n_runs, 100),
            ("peers.half_life_days", self.peers.half_life_days as usize, 3650),
            ("peers.window_days", self.peers.window_days as usize, 3650),
            ("peers.max_dims", self.peers.max_dims, 512),
            ("peers.max_identities", self.peers.max_identities, 1 << 32),
            ("peers.max_actions", self.peers.max_actions, 1 << 20),
            ("peers.max_rows", self.peers.max_rows, 1 << 32),
            ("peers.max_fit", self.peers.max_fit, 100_000),
            ("peers.max_body_bytes", self.peers.max_body_bytes, 900_000),
            ("triage.budget_per_day", self.triage.budget_per_day as usize, 1_000_000),
            ("triage.max_waiting", self.triage.max_waiting, 1 << 32),
            ("triage.max_identities", self.triage.max_identities, 1 << 32),
            ("triage.max_listed", self.triage.max_listed, 1000),
        ];
        match counts.into_iter().find(|(_, value, most)| *value == 0 || value > most) {
            Some((name, value, most)) => Err(ConfigError::Count { name, value, most }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::default();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_valid_and_read_back_what_they_write() {
        let config = Config::default();
        let text = serde_json::to_string(&config).unwrap();
        assert!(text.contains(r#""lag":"1h""#), "{text}");
        assert_eq!(serde_json::from_str::<Config>(&text).unwrap(), config);
        assert_eq!(config.validate().unwrap().learn_us, 14 * Time::DAY);
    }

    #[test]
    fn bad_settings_say_what_is_wrong() {
        let list =
            Suppression { identity: None, account: None, action: None, reason: "x".into(), until: "soon".into() };
        let said = [
            refused(|c| c.lag = Duration::from_secs(90)),
            refused(|c| c.late = HOUR),
            refused(|c| c.candidate_p = 0.0),
            refused(|c| c.peers.max_dims = 513),
            refused(|c| c.triage.false_per_day = 21.0),
            refused(|c| c.triage.suppress = vec![list]),
        ];
        expect_test::expect![[r#"
            `lag` is `1m 30s`; it must be whole hours, at most a day
            `late` is `1h`, shorter than an hour more than `lag` `1h`
            `candidate_p` is 0; it must be above 0 and below 1
            `peers.max_dims` is 513; it must be from 1 to 512
            `triage.false_per_day` is 21; it must be above 0 and at most `triage.budget_per_day` 20
            `until` of a suppression: `soon` is not a time such as `2026-10-31T12:00:00Z`"#]]
        .assert_eq(&said.join("\n"));
        assert!(serde_json::from_str::<Config>(r#"{"lagg":"1h"}"#).is_err());
    }
}
