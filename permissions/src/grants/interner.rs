//! One copy of each granted set: identities that share policies share the set.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use schemas::{Entitlement, Id128, Policy, PolicyHash, Provider};

use super::GrantSet;
use super::build::Builder;
use crate::catalogue::Catalogue;

/// How many sets are remembered before those that nobody holds any more are dropped. The sets that are held are bounded
/// by whoever holds them.
const SWEEP_AT: usize = 1024;

/// Builds granted sets and keeps one copy of each.
#[derive(Debug, Default)]
pub struct Grants {
    sets: HashMap<Id128, Weak<GrantSet>>,
    sweep_at: usize,
}

impl Grants {
    /// An empty interner.
    #[must_use]
    pub fn new() -> Self {
        Self { sets: HashMap::new(), sweep_at: SWEEP_AT }
    }

    /// Builds the set of one identity in one account from its entitlements there; `policy` finds statements by hash.
    /// The order of the entitlements does not matter.
    pub fn build<'e>(
        &mut self,
        provider: Provider,
        entitlements: impl IntoIterator<Item = &'e Entitlement>,
        policy: &dyn Fn(&PolicyHash) -> Option<Arc<Policy>>,
        catalogue: &Catalogue,
    ) -> Arc<GrantSet> {
        let mut builder = Builder::new(provider, catalogue);
        for entitlement in entitlements {
            builder.add(entitlement, policy);
        }
        self.intern(builder.finish())
    }

    /// Returns the one copy of a set.
    pub fn intern(&mut self, set: GrantSet) -> Arc<GrantSet> {
        if let Some(held) = self.sets.get(&set.hash()).and_then(Weak::upgrade) {
            return held;
        }
        if self.sets.len() >= self.sweep_at {
            self.sets.retain(|_, set| set.strong_count() > 0);
            self.sweep_at = SWEEP_AT.max(self.sets.len() * 2);
        }
        let set = Arc::new(set);
        self.sets.insert(set.hash(), Arc::downgrade(&set));
        set
    }

    /// How many sets are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
}
