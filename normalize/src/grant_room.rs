//! The room of grants: reads raw grants, and from events which tenant a subscription belongs to; writes entitlements,
//! policies and inventories.

use schemas::{Message, Provider};
use stream::metrics::Reading;
use stream::{Batch, Output, Remade, StateError, Transform};

use crate::grants::Grants;
use crate::{Metrics, ValidConfig};

/// Reads raw grants. Everything of an account is joined here, so it runs in one partition.
#[derive(Debug)]
pub struct GrantReader {
    grants: Grants,
    metrics: Metrics,
}

impl GrantReader {
    /// Makes an empty room.
    #[must_use]
    pub fn new(config: &ValidConfig) -> Self {
        Self { grants: Grants::new(config), metrics: Metrics::default() }
    }

    /// What it counted since it was made.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

impl Transform<Message> for GrantReader {
    fn apply(&mut self, batch: Batch<Message>, out: &mut Output<Message>) {
        let n_rejected = out.rejected.len();
        for message in batch.into_payloads() {
            match message {
                Message::RawGrant(grant) => {
                    self.metrics.normalize_grants_total += 1;
                    self.grants.apply(&grant, out);
                }
                Message::AccessEvent(event) if event.provider == Provider::Azure => {
                    if let Some(tenant) = &event.org_id {
                        self.grants.learn_tenant(&event.account_id, tenant, out);
                    }
                }
                _ => {}
            }
        }
        self.metrics.normalize_dead_letters_total += (out.rejected.len() - n_rejected) as u64;
    }

    fn settle(&mut self, out: &mut Output<Message>) {
        self.grants.settle(out);
    }

    fn finish(&mut self, as_of: i64, out: &mut Output<Message>) {
        self.grants.finish(as_of, out);
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        self.grants.snapshot()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.grants.restore(bytes)
    }

    fn remade(&self) -> Remade {
        Remade::FromBoth
    }

    /// The topics keep the newest snapshots only: since when a grant holds, its own row says.
    fn recall(&mut self, written: Batch<Message>) {
        written.into_payloads().for_each(|message| self.grants.recall(message));
    }

    fn recalled(&mut self, out: &mut Output<Message>) {
        self.grants.recalled(out);
    }

    fn metrics(&self, out: &mut dyn FnMut(Reading)) {
        self.metrics.tell(out);
    }
}
