//! One copy of each granted set: identities that share policies share the set.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use schemas::{
    AccountId, Entitlement, EntitlementKind, Id128, IdentityId, IdentityKind, Policy, PolicyHash, Provider, Text,
};

use super::build::{Builder, KeptPolicies};
use super::holder::Holder;
use super::{GrantSet, aws};
use crate::catalogue::Catalogue;

/// How many sets are remembered before those that nobody holds any more are dropped. The sets that are held are bounded
/// by whoever holds them.
const SWEEP_AT: usize = 1024;

/// Builds granted sets and keeps one copy of each.
#[derive(Debug, Default)]
pub struct Grants {
    sets: HashMap<Id128, Weak<GrantSet>>,
    /// Sets by what they were built from, so that a thousand holders of one policy cost one building.
    built: HashMap<Id128, Weak<GrantSet>>,
    kept: KeptPolicies,
    sweep_at: usize,
    sweep_built_at: usize,
}

impl Grants {
    /// An empty interner.
    #[must_use]
    pub fn new() -> Self {
        Self { sweep_at: SWEEP_AT, sweep_built_at: SWEEP_AT, ..Self::default() }
    }

    /// Builds the set of one identity in one account from its entitlements there and, for AWS, the SCPs and RCPs of its
    /// account; `policy` finds statements by hash. The order of the entitlements does not matter.
    pub fn build<'e>(
        &mut self,
        provider: Provider,
        entitlements: impl IntoIterator<Item = &'e Entitlement>,
        policy: &dyn Fn(&PolicyHash) -> Option<Arc<Policy>>,
        catalogue: &Catalogue,
    ) -> Arc<GrantSet> {
        let standing = |row: &&Entitlement| row.deleted_at.is_none() && row.provider == provider;
        let mut rows: Vec<&Entitlement> = entitlements.into_iter().filter(standing).collect();
        rows.sort_by_key(|row| (row.kind, row.source.clone()));
        let holder = Holder::of(&rows);
        let key = self.key(&rows, policy, catalogue, &holder);
        if let Some(built) = self.built.get(&key).and_then(Weak::upgrade) {
            return built;
        }
        let mut builder = Builder::new(provider, catalogue);
        for row in rows {
            builder.add(row, policy, &mut self.kept, &holder);
        }
        let set = self.intern(builder.finish());
        if self.built.len() >= self.sweep_built_at {
            self.built.retain(|_, set| set.strong_count() > 0);
            self.sweep_built_at = SWEEP_AT.max(self.built.len() * 2);
        }
        self.built.insert(key, Arc::downgrade(&set));
        set
    }

    /// Builds the set of whoever has one policy and nothing else, called `source`; of an Azure or GCP role, where it is granted
    /// on everything. Whom a policy names is whoever asks, and a policy that leaves out its resource is about everything.
    pub fn of_policy(&mut self, policy: &Policy, source: &str, catalogue: &Catalogue) -> Arc<GrantSet> {
        let kind = match policy.provider {
            Provider::Aws => EntitlementKind::IdentityPolicy,
            Provider::Azure => EntitlementKind::RoleAssignment,
            Provider::Gcp => EntitlementKind::Binding,
        };
        let nobody = (IdentityId::default(), IdentityKind::Unknown);
        let row = Entitlement {
            policy_hashes: vec![policy.policy_hash.clone()],
            ..Entitlement::of(policy.provider, AccountId::default(), nobody, kind, Text::from(source), policy.time)
        };
        let mut policy = policy.clone();
        for statement in policy.statements.iter_mut().filter(|_| policy.provider == Provider::Aws) {
            statement.identities.clear();
            statement.not_identities.clear();
            if statement.resources.is_empty() && statement.not_resources.is_empty() {
                statement.resources.push("*".into());
            }
        }
        let held = Arc::new(policy);
        self.build(row.provider, [&row], &|_| Some(Arc::clone(&held)), catalogue)
    }

    /// What a set is built from: rows, policies, and who holds them where a policy asks that.
    fn key(
        &mut self,
        rows: &[&Entitlement],
        policy: &dyn Fn(&PolicyHash) -> Option<Arc<Policy>>,
        catalogue: &Catalogue,
        holder: &Holder,
    ) -> Id128 {
        let mut asks_who = false;
        let mut parts: Vec<Vec<u8>> = vec![catalogue.version().into(), vec![u8::from(holder.is_limited())]];
        for row in rows {
            let scopes: Vec<&str> = row.scopes.iter().map(|scope| scope.as_str()).collect();
            let layer = aws::layer(row);
            let text = format!(
                "{:?}\n{layer:?}\n{:?}\n{:?}\n{}",
                row.kind,
                row.source_name.as_ref().unwrap_or(&row.source),
                row.condition,
                scopes.join("\n")
            );
            if row.kind != schemas::EntitlementKind::Identity {
                parts.push(text.into());
            }
            for hash in &row.policy_hashes {
                let found = policy(hash);
                parts.push(format!("{hash} {}", found.is_some()).into());
                if let (Some((_, kind)), Some(found)) = (&layer, found) {
                    asks_who |= self.kept.get(*kind, &found, catalogue.provider(row.provider)).asks_who;
                }
            }
        }
        if asks_who {
            parts.push(holder.text.clone().into());
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        Id128::of_parts(&parts)
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
