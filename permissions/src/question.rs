//! Questions about an identity as the pipeline knows it: may it do this action on this resource, at a time?
//!
//! Entitlements and policies become what the cloud's evaluator takes, and that decides. What the pipeline does not read
//! (policies of sessions and of endpoints, access lists, policies of resources that no snapshot names) is no part of the
//! answer and named in [`Answer::not_read`]; where it must allow (keys, other accounts) the answer is conditional on it.

mod aws;
mod azure;
mod gcp;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use schemas::{Entitlement, Policy, PolicyHash, Provider, Text, Time};

use crate::aws::evaluate::{CompiledPolicy, PolicyKind};
use crate::azure::tiers::Outside;
use crate::decision::{Deciding, Verdict};

/// Compiled policies that are remembered; past it they are compiled anew.
const MAX_COMPILED: usize = 8192;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The action, in the cloud's spelling.
    pub action: String,
    /// The resource: an ARN, an Azure id, a GCP name. AWS actions on no particular resource take `*`.
    pub resource: String,
    /// The account that owns it, where its name does not tell.
    pub resource_account: Option<String>,
    /// What is known of the request: context keys (AWS), attributes (GCP). What is not named is not known.
    pub context: Vec<(String, Vec<String>)>,
    /// What lies above the resource: management groups (Azure), folders and organization (GCP), the uppermost first. `None`
    /// when nobody knows, and then whatever is granted there may count.
    pub ancestors: Option<Vec<String>>,
    /// When: the time in conditions on it.
    pub at: Option<Time>,
}

/// What an identity has that may bear on a question, at the time of the question.
#[derive(Clone, Debug, Default)]
pub struct Holdings<'h> {
    /// Its own rows, in every account of the cloud.
    pub own: Vec<&'h Entitlement>,
    /// Rows of those that everybody is: GCP's `allUsers`, `allAuthenticatedUsers`, its domain.
    pub everybody: Vec<&'h Entitlement>,
    /// SCPs of its account and RCPs of the resource's account (AWS).
    pub limits: Vec<&'h Entitlement>,
    /// The policies of the resource that is asked for, the trust policy of a role among them (AWS). A row without a policy says
    /// that there is none.
    pub of_resource: Vec<&'h Entitlement>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it may; as everywhere, allowed with something in `conditional_on` is «perhaps».
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: String,
    /// The statements, assignments or bindings behind it.
    pub statements: Vec<Deciding>,
    /// What it rests on and is not known.
    pub conditional_on: Vec<Text>,
    /// Azure: what could be activated to be allowed.
    pub could_activate: Vec<Deciding>,
    /// Azure: what is held outside of role assignments.
    pub outside: Vec<Outside>,
    /// What could not be read, with its place.
    pub errors: Vec<Text>,
    /// What bears on such a request and is not known to the pipeline.
    pub not_read: &'static [&'static str],
}

impl Answer {
    /// Whether it may for certain, may perhaps, or may not.
    #[must_use]
    pub fn granted(&self) -> schemas::Granted {
        match (self.verdict, self.conditional_on.is_empty()) {
            (Verdict::Allowed, true) => schemas::Granted::Yes,
            (Verdict::Allowed, false) => schemas::Granted::Unknown,
            _ => schemas::Granted::No,
        }
    }
}

/// Finds a policy's statements by their hash.
pub type FindPolicy<'p> = dyn Fn(&PolicyHash) -> Option<Arc<Policy>> + 'p;

/// Answers questions; remembers compiled policies between them.
pub struct Asker<'p> {
    find: &'p FindPolicy<'p>,
    compiled: HashMap<(PolicyHash, PolicyKind), Arc<CompiledPolicy>>,
}

impl fmt::Debug for Asker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").field("n_compiled", &self.compiled.len()).finish_non_exhaustive()
    }
}

impl<'p> Asker<'p> {
    /// One that finds policies where it is told.
    #[must_use]
    pub fn new(find: &'p FindPolicy<'p>) -> Self {
        Self { find, compiled: HashMap::new() }
    }

    /// Answers a question.
    ///
    /// # Errors
    /// When action, resource or context are none of the cloud, or there is no row of the identity.
    pub fn ask(&mut self, holdings: &Holdings<'_>, question: &Question) -> Result<Answer, String> {
        let first = holdings.own.first().or(holdings.everybody.first()).ok_or("nothing is known of the identity")?;
        match first.provider {
            Provider::Aws => aws::ask(self, holdings, question),
            Provider::Azure => azure::ask(self.find, holdings, question),
            Provider::Gcp => gcp::ask(self.find, holdings, question),
        }
    }

    /// What an AWS identity has and what limits it, compiled, without a resource's policy.
    #[must_use]
    pub fn aws_policies(&mut self, holdings: &Holdings<'_>) -> crate::aws::evaluate::Policies {
        aws::own_policies(self, holdings)
    }

    /// The compiled policies of a row.
    fn compiled(&mut self, row: &Entitlement, kind: PolicyKind) -> Vec<Arc<CompiledPolicy>> {
        let name = row.source_name.as_ref().unwrap_or(&row.source);
        let mut found = Vec::with_capacity(row.policy_hashes.len());
        for hash in &row.policy_hashes {
            let key = (hash.clone(), kind);
            if let Some(compiled) = self.compiled.get(&key).filter(|compiled| compiled.name() == name.as_str()) {
                found.push(Arc::clone(compiled));
                continue;
            }
            let compiled = Arc::new(match (self.find)(hash) {
                Some(policy) if policy.statements.is_empty() && !policy.errors.is_empty() => {
                    CompiledPolicy::unknown(name, kind)
                }
                Some(policy) => CompiledPolicy::of_policy(name, kind, &policy),
                None => CompiledPolicy::unknown(name, kind),
            });
            if self.compiled.len() >= MAX_COMPILED {
                self.compiled.clear();
            }
            self.compiled.insert(key, Arc::clone(&compiled));
            found.push(compiled);
        }
        found
    }
}
