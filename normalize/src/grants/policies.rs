//! Policies go out once each, before the rows that name them.

use std::collections::BTreeSet;

use schemas::{Message, Noun, Policy, PolicyHash, Provider, Statement, Text, Time};
use serde::{Deserialize, Serialize};
use stream::Output;

/// The hashes of the policies that went out. Past the bound all are forgotten: a policy that goes out again is the same row.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Policies {
    seen: BTreeSet<PolicyHash>,
    #[serde(skip)]
    max: usize,
}

impl Policies {
    pub(super) fn bounded(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// Emits the policy unless it went out before; returns its hash.
    pub(super) fn put(&mut self, policy: Policy, out: &mut Output<Message>) -> PolicyHash {
        if self.seen.len() >= self.max {
            self.seen.clear();
        }
        let hash = policy.policy_hash.clone();
        if self.seen.insert(hash.clone()) {
            out.emit(policy.into_message());
        }
        hash
    }

    /// A policy that went out before.
    pub(super) fn recall(&mut self, policy: &Policy) {
        if self.seen.len() < self.max {
            self.seen.insert(policy.policy_hash.clone());
        }
    }

    /// A policy that only names a role of the catalogue.
    pub(super) fn role(&mut self, provider: Provider, role: &str, at: Time, out: &mut Output<Message>) -> PolicyHash {
        let statement = Statement { role: Some(Text::from(role)), ..Statement::allow(Vec::new()) };
        self.put(Policy::of(provider, vec![statement], Vec::new(), at), out)
    }

    /// A policy that the snapshot names and does not hold.
    pub(super) fn unknown(
        &mut self,
        provider: Provider,
        name: &str,
        at: Time,
        out: &mut Output<Message>,
    ) -> PolicyHash {
        self.missing(provider, format!("policy `{name}` is not in the snapshot"), at, out)
    }

    /// A policy that stands for what is not known, and says what that is.
    pub(super) fn missing(
        &mut self,
        provider: Provider,
        what: String,
        at: Time,
        out: &mut Output<Message>,
    ) -> PolicyHash {
        self.put(Policy::of(provider, Vec::new(), vec![Text::from(what)], at), out)
    }
}
