//! Snapshots of raw grants become policies, entitlements and inventories.

use schemas::{AccountId, Message, OrgId, RawGrant};
use stream::{Output, StateError};

use crate::ValidConfig;

/// The stateful part of the room.
#[derive(Debug)]
pub(crate) struct Grants {}

impl Grants {
    pub(crate) fn new(_config: &ValidConfig) -> Self {
        Self {}
    }

    /// Takes one raw grant; what is wrong with it becomes a dead letter in `out`.
    pub(crate) fn apply(&mut self, _grant: &RawGrant, _out: &mut Output<Message>) {}

    /// An event said which tenant a subscription belongs to. Called for every Azure event that names both.
    pub(crate) fn learn_tenant(&mut self, _subscription: &AccountId, _tenant: &OrgId, _out: &mut Output<Message>) {}

    /// All inputs have ended.
    pub(crate) fn finish(&mut self, _as_of: i64, _out: &mut Output<Message>) {}

    /// Writes the state, with a format version of its own.
    pub(crate) fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        Ok(Vec::new())
    }

    /// Reads what `snapshot` wrote.
    pub(crate) fn restore(&mut self, _bytes: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}
