//! How risk is weighed: a weight per risk class and the exponent of the index, versioned.

use schemas::RiskClass;
use serde::{Deserialize, Serialize};

/// The weights and the exponent. Weights are millionths, so that sums are exact. They rise with the class; what breaks
/// when they are changed carelessly is the calibration table of the design, which a test prints and checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RiskModel {
    /// Stored with each score.
    pub version: String,
    /// The exponent γ: below 1, it spreads the many small grants over the scale.
    pub gamma: f64,
    /// The weights in millionths.
    pub weights: Weights,
}

/// A weight per risk class, in millionths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Names or lists things.
    pub list: u64,
    /// Reads settings.
    pub read: u64,
    /// Changes tags only.
    pub tag: u64,
    /// Creates or changes.
    pub write: u64,
    /// Destroys.
    pub delete: u64,
    /// Reads customers' data.
    pub data_exfiltration: u64,
    /// Grants or changes permissions.
    pub permissions_management: u64,
    /// Hands out a credential or a secret.
    pub credential_access: u64,
    /// A step on a known path to administrator.
    pub escalation: u64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            list: 500_000,
            read: 1_000_000,
            tag: 1_000_000,
            write: 3_000_000,
            delete: 5_000_000,
            data_exfiltration: 8_000_000,
            permissions_management: 40_000_000,
            credential_access: 40_000_000,
            escalation: 60_000_000,
        }
    }
}

impl Default for RiskModel {
    fn default() -> Self {
        Self { version: "1".to_owned(), gamma: 0.3, weights: Weights::default() }
    }
}

/// A model that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RiskError {
    /// The exponent is out of bounds.
    #[error("`gamma` is {0}; it must be above 0 and at most 1")]
    Gamma(f64),
    /// A weight is zero, so that an unused grant would count nothing.
    #[error("the weight of `{0}` is 0; give it at least 1 millionth")]
    Zero(RiskClass),
    /// A weight is so large that sums could overflow what a score stores.
    #[error("the weight of `{0}` is above 10^12 millionths")]
    TooLarge(RiskClass),
}

impl RiskModel {
    /// A class's weight in millionths.
    #[must_use]
    pub fn weight(&self, class: RiskClass) -> u64 {
        let w = &self.weights;
        match class {
            RiskClass::List => w.list,
            RiskClass::Read => w.read,
            RiskClass::Tag => w.tag,
            RiskClass::Write => w.write,
            RiskClass::Delete => w.delete,
            RiskClass::DataExfiltration => w.data_exfiltration,
            RiskClass::PermissionsManagement => w.permissions_management,
            RiskClass::CredentialAccess => w.credential_access,
            RiskClass::Escalation => w.escalation,
        }
    }

    /// Checks a model that came from a config.
    ///
    /// # Errors
    /// When the exponent or a weight is out of bounds.
    pub fn validate(&self) -> Result<(), RiskError> {
        if !(self.gamma > 0.0 && self.gamma <= 1.0) {
            return Err(RiskError::Gamma(self.gamma));
        }
        for class in RiskClass::ALL {
            match self.weight(*class) {
                0 => return Err(RiskError::Zero(*class)),
                w if w > 1_000_000_000_000 => return Err(RiskError::TooLarge(*class)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The index, 0 to 100 with two decimals: 100 × (exposure / capacity)^γ. It is 0 for no exposure only; anything above
    /// counts at least 0.01.
    #[must_use]
    pub fn pci(&self, exposure: u128, capacity: u128) -> f64 {
        if exposure == 0 || capacity == 0 {
            return 0.0;
        }
        let share = (exposure as f64 / capacity as f64).min(1.0);
        let index = 100.0 * share.powf(self.gamma);
        ((index * 100.0).round() / 100.0).clamp(0.01, 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_model_is_valid_and_rises_with_the_class() {
        let model = RiskModel::default();
        assert!(model.validate().is_ok());
        for pair in RiskClass::ALL.windows(2) {
            assert!(model.weight(pair[0]) <= model.weight(pair[1]), "{} > {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn a_bad_model_is_refused() {
        let check = |change: fn(&mut RiskModel)| {
            let mut model = RiskModel::default();
            change(&mut model);
            model.validate().map_err(|e| e.to_string())
        };
        assert_eq!(check(|m| m.gamma = 0.0), Err("`gamma` is 0; it must be above 0 and at most 1".to_owned()));
        assert_eq!(check(|m| m.gamma = f64::NAN), Err("`gamma` is NaN; it must be above 0 and at most 1".to_owned()));
        assert_eq!(
            check(|m| m.weights.tag = 0),
            Err("the weight of `tag` is 0; give it at least 1 millionth".to_owned())
        );
    }

    #[test]
    fn the_index_is_zero_for_nothing_only() {
        let model = RiskModel::default();
        let index = |e, c| model.pci(e, c).to_string();
        assert_eq!(index(0, 100), "0");
        assert_eq!(index(1, u128::MAX), "0.01");
        assert_eq!(index(100, 100), "100");
        assert_eq!(index(200, 100), "100");
    }
}
