//! The section `[normalize]` of the config.

use std::collections::BTreeSet;

use bytesize::ByteSize;
use schemas::AccountId;
use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// Settings as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The largest raw record that is read; a larger one is a dead letter. CloudTrail's own limit is 256 KB, Azure's and
    /// GCP's 256 KB too, so this bounds damage only.
    pub max_record: ByteSize,
    /// How many event ids are remembered to recognise copies, some 50 bytes each; past it the oldest day of event time
    /// is forgotten first.
    pub max_remembered_ids: usize,
    /// How many files and topics are counted apart; the records of further ones are counted as file `other`.
    pub max_tallies: usize,
    /// The AWS accounts whose own CloudTrail is read here. A call into another account is logged in both; it counts as
    /// use in the caller's view, and in the owner's view unless the caller's account is listed here.
    pub own_accounts: Vec<AccountId>,
    /// The Azure tenant of records and grants that name none.
    pub azure_tenant: Option<String>,
    /// How many objects of one snapshot of grants are held until its end; a larger snapshot is dropped as incomplete.
    pub max_snapshot_objects: usize,
    /// How many entitlement rows are remembered to see what changed.
    pub max_entitlements: usize,
    /// How many resource ids an inventory row lists; its count stays true.
    pub max_inventory_ids: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_record: ByteSize::mib(16),
            max_remembered_ids: 1_000_000,
            max_tallies: 100_000,
            own_accounts: Vec::new(),
            azure_tenant: None,
            max_snapshot_objects: 1_000_000,
            max_entitlements: 5_000_000,
            max_inventory_ids: 100_000,
        }
    }
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// When one is out of its range; the message names it.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        let bounds = [
            ("max_remembered_ids", self.max_remembered_ids),
            ("max_tallies", self.max_tallies),
            ("max_snapshot_objects", self.max_snapshot_objects),
            ("max_entitlements", self.max_entitlements),
            ("max_inventory_ids", self.max_inventory_ids),
        ];
        if let Some((setting, _)) = bounds.iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError::Zero(setting));
        }
        let max_record_bytes = usize::try_from(self.max_record.as_u64()).unwrap_or(usize::MAX);
        if max_record_bytes < 1024 {
            return Err(ConfigError::SmallRecord(self.max_record));
        }
        if let Some(account) =
            self.own_accounts.iter().find(|id| id.len() != 12 || !id.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(ConfigError::NoAccount(account.to_string()));
        }
        Ok(ValidConfig {
            max_record_bytes,
            max_remembered_ids: self.max_remembered_ids,
            max_tallies: self.max_tallies,
            own_accounts: self.own_accounts.into_iter().collect(),
            azure_tenant: self.azure_tenant.map(|tenant| tenant.to_ascii_lowercase()),
            max_snapshot_objects: self.max_snapshot_objects,
            max_entitlements: self.max_entitlements,
            max_inventory_ids: self.max_inventory_ids,
        })
    }
}

/// Checked settings; the fields are those of [`Config`].
#[derive(Clone, Debug)]
pub struct ValidConfig {
    pub(crate) max_record_bytes: usize,
    pub(crate) max_remembered_ids: usize,
    pub(crate) max_tallies: usize,
    pub(crate) own_accounts: BTreeSet<AccountId>,
    pub(crate) azure_tenant: Option<String>,
    pub(crate) max_snapshot_objects: usize,
    pub(crate) max_entitlements: usize,
    pub(crate) max_inventory_ids: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let zero = Config { max_tallies: 0, ..Config::default() };
        assert_eq!(zero.validate().unwrap_err().to_string(), "setting `normalize.max_tallies` must be at least 1");
        let account = Config { own_accounts: vec!["1234".into()], ..Config::default() };
        assert_eq!(
            account.validate().unwrap_err().to_string(),
            "`1234` in `normalize.own_accounts` is no AWS account id, which has 12 digits"
        );
        let unknown = serde_json::from_str::<Config>(r#"{"max_tally":1}"#).unwrap_err();
        assert!(unknown.to_string().contains("max_tally"), "{unknown}");
        assert!(Config::default().validate().is_ok());
    }
}
