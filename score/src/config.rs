//! The settings of this room: `[score]`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use permissions::RiskModel;
use permissions::guardrails::Guardrails;
use schemas::AccountId;
use serde::{Deserialize, Serialize};

use crate::ConfigError;

const DAY: Duration = Duration::from_secs(86_400);

/// The settings as they are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreConfig {
    /// How far back a use counts, in whole days.
    #[serde(with = "humantime_serde")]
    pub window: Duration,
    /// How long a usage window is kept after it has closed, for late events to correct it.
    #[serde(with = "humantime_serde")]
    pub late: Duration,
    /// How far back closed days are scored anew when something late (an event, a grant, a policy) changes them.
    #[serde(with = "humantime_serde")]
    pub corrections: Duration,
    /// How long a session is kept after its last use.
    #[serde(with = "humantime_serde")]
    pub session_kept: Duration,
    /// Pairs of identity and account per partition; those above are counted and left out.
    pub max_identities: usize,
    /// Actions per identity and account; those above are counted as `other`.
    pub max_actions: usize,
    /// Containers per identity, account and usage window; those above are counted as `other`.
    pub max_containers: usize,
    /// Usage counters per partition; above it only `other` is counted.
    pub max_windows: usize,
    /// Grants of one identity in one account; those above are left out, and its score says so.
    pub max_grants: usize,
    /// Policies; those above are left out, and the scores of their holders say so.
    pub max_policies: usize,
    /// Sessions; the oldest go first.
    pub max_sessions: usize,
    /// Contributions listed with each score.
    pub n_contributions: usize,
    /// From which index on an active identity is called over-provisioned.
    pub overprovisioned_from: f64,
    /// Accounts of ours besides those whose logs are read, so that trusting them is no external access.
    pub known_accounts: BTreeSet<AccountId>,
    /// The file of guardrails whose breaches are findings; without one, the rules that come with Overgrant. An empty file has
    /// none.
    pub guardrails: PathBuf,
    /// Weights and exponent of the index.
    pub risk: RiskModel,
}

impl Default for ScoreConfig {
    fn default() -> Self {
        Self {
            window: 90 * DAY,
            late: 3 * DAY,
            corrections: 400 * DAY,
            session_kept: Duration::from_secs(36 * 3600),
            max_identities: 200_000,
            max_actions: 4_096,
            max_containers: 1_024,
            max_windows: 1_000_000,
            max_grants: 4_096,
            max_policies: 100_000,
            max_sessions: 200_000,
            n_contributions: 10,
            overprovisioned_from: 67.0,
            known_accounts: BTreeSet::new(),
            guardrails: PathBuf::new(),
            risk: RiskModel::default(),
        }
    }
}

/// The settings, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidConfig {
    pub(crate) set: ScoreConfig,
    pub(crate) window_days: i64,
    pub(crate) late_us: i64,
    pub(crate) corrections_days: i64,
    pub(crate) session_kept_us: i64,
    /// Of a file; the bundled ones need no memory of their own.
    guardrails: Option<Arc<Guardrails>>,
}

impl ValidConfig {
    /// Who may never hold what.
    pub(crate) fn guardrails(&self) -> &Guardrails {
        self.guardrails.as_deref().unwrap_or_else(|| Guardrails::bundled())
    }
}

impl Default for ValidConfig {
    fn default() -> Self {
        match ScoreConfig::default().validate() {
            Ok(valid) => valid,
            Err(error) => unreachable!("the defaults are valid: {error}"),
        }
    }
}

impl ScoreConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// When one is out of bounds.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        // Days of use are kept for window + corrections; their bound (`days::MAX_WORDS`) leaves room for 2,000 days.
        let window_days = days("window", self.window, 1, 400)?;
        let corrections_days = days("corrections", self.corrections, 1, 1_200)?;
        // A day's window must outlive the day, or its last hour could not be added to it.
        days("late", self.late, 2, 400)?;
        for (name, bound) in [
            ("max_identities", self.max_identities),
            ("max_actions", self.max_actions),
            ("max_containers", self.max_containers),
            ("max_windows", self.max_windows),
            ("max_grants", self.max_grants),
            ("max_policies", self.max_policies),
            ("max_sessions", self.max_sessions),
        ] {
            if bound == 0 {
                return Err(ConfigError::Zero(name));
            }
        }
        if !(0.0..=100.0).contains(&self.overprovisioned_from) {
            return Err(ConfigError::Index("overprovisioned_from", self.overprovisioned_from));
        }
        self.risk.validate()?;
        let (late_us, session_kept_us) = (micros(self.late), micros(self.session_kept));
        let guardrails = self.read_guardrails()?.map(Arc::new);
        Ok(ValidConfig { set: self, window_days, late_us, corrections_days, session_kept_us, guardrails })
    }

    fn read_guardrails(&self) -> Result<Option<Guardrails>, ConfigError> {
        let path = &self.guardrails;
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unread(path.clone(), error))?;
        Guardrails::parse(&text).map(Some).map_err(|error| ConfigError::Guardrails(path.clone(), error))
    }
}

fn days(name: &'static str, span: Duration, least: u64, most: u64) -> Result<i64, ConfigError> {
    let days = span.as_secs() / DAY.as_secs();
    let whole = span == DAY * u32::try_from(days).unwrap_or(u32::MAX);
    if !whole || days < least || days > most {
        return Err(ConfigError::Days { name, days, least, most });
    }
    Ok(i64::try_from(days).unwrap_or(i64::MAX))
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str) -> String {
        match toml::from_str::<ScoreConfig>(toml) {
            Err(error) => error.message().to_owned(),
            Ok(config) => {
                config.validate().map_or_else(|e| e.to_string(), |valid| format!("{} days", valid.window_days))
            }
        }
    }

    #[test]
    fn settings_are_checked_and_mistakes_named() {
        assert_eq!(check(""), "90 days");
        assert_eq!(check("window = '30d'"), "30 days");
        assert_eq!(check("window = '36h'"), "`window` is 1 days; it must be whole days from 1 to 400");
        assert_eq!(check("late = '1d'"), "`late` is 1 days; it must be whole days from 2 to 400");
        assert_eq!(check("max_actions = 0"), "`max_actions` is 0; it must be at least 1");
        assert_eq!(check("overprovisioned_from = 101.0"), "`overprovisioned_from` is 101; it must be from 0 to 100");
        assert_eq!(check("risk.gamma = 2.0"), "`risk`");
        assert!(check("windows = '1d'").starts_with("unknown field `windows`"));
        assert_eq!(check("guardrails = 'nowhere.toml'"), "`guardrails`: cannot read `nowhere.toml`");
    }
}
