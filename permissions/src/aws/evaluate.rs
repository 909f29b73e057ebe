//! The evaluator: may this identity do this action on this resource, which statements say so, and what of it is not certain.
//!
//! # Layout
//!
//! A document becomes a [`CompiledPolicy`] once; [`Policies`] are those that bear on a [`Request`]; [`decide`] tells a
//! [`Decision`], [`explain`] also the statements behind it. `flow` is the order in which policies decide, `special` where
//! services differ, `statement` and below what one statement says, `condition` its conditions, `named` whom it names, `places` finds names by hash.
//! `slow` is the same once more, written to be obvious, for the tests.
//!
//! **Invariant:** what is not known or cannot be read is never taken for absent: it is in [`Decision::conditional_on`].
//! **Invariant:** no input makes it panic or run away: documents, elements, variables and nesting are bounded, and matching
//! never goes back over a text for each `*`.
//!
//! What it does not know: grants of KMS keys, S3 access control lists and Block Public Access, shares of RAM, that a
//! request's service supports resource-based policies at all. A wildcard in a `Resource` runs over colons wherever it
//! stands; AWS documents it so for one that ends its part of the ARN.

mod actions;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test should panic, and these print their coverage"
)]
mod cases;
mod condition;
mod context;
mod decision;
mod flow;
mod glob;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod hostile;
mod identity;
mod kept;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test should panic, and these print their coverage"
)]
mod laws;
mod named;
mod places;
mod policy;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
pub(crate) mod random;
mod request;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
pub(crate) mod slow;
mod special;
mod spelled;
mod statement;
mod variables;

use std::fmt;

use schemas::Text;

use self::flow::Flow;
use self::named::Naming;
use crate::truth::{Doubts, Truth};

pub(crate) use self::identity::is_account;
pub(crate) use self::special::limited_by_rcps;
pub(crate) use self::spelled::{Named as SpelledResources, Spelled};

pub use crate::decision::{Deciding, Verdict};
pub use actions::Action;
pub use context::{Context, Unnamed};
pub use decision::{Decision, Explanation, Rule};
pub use identity::{Form, Identity};
pub use policy::CompiledPolicy;
pub use request::{OwnedRequest, Policies, Request};

/// What a policy is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// Resource control policy of an organization.
    Rcp,
    /// Service control policy of an organization.
    Scp,
    /// VPC endpoint policy.
    Endpoint,
    /// Resource-based policy: of a bucket, a key, a queue; the trust policy of a role.
    Resource,
    /// Policy of a user, a role or a group.
    Identity,
    /// Permissions boundary.
    Boundary,
    /// Session policy.
    Session,
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rcp => "RCP",
            Self::Scp => "SCP",
            Self::Endpoint => "endpoint policy",
            Self::Resource => "resource policy",
            Self::Identity => "identity policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
        })
    }
}

/// Decides a request.
#[must_use]
pub fn decide(request: Request<'_>, policies: &Policies) -> Decision {
    decide_by(&Flow::new(request, policies))
}

/// Decides a request and tells which statements decided.
#[must_use]
pub fn explain(request: Request<'_>, policies: &Policies) -> Explanation {
    let flow = Flow::new(request, policies);
    let decision = decide_by(&flow);
    let statements = match decision.verdict {
        Verdict::ImplicitlyDenied => Vec::new(),
        Verdict::ExplicitlyDenied => named(flow.applicable(), |policy| policy.denying(flow.request)),
        Verdict::Allowed => granting(&flow, decision.rule),
    };
    Explanation { decision, statements }
}

fn decide_by(flow: &Flow<'_>) -> Decision {
    if special::needs_no_permission(flow.request.action, flow.request.identity) {
        return Decision { verdict: Verdict::Allowed, rule: Rule::NeedsNone, conditional_on: Vec::new() };
    }
    let mut doubts = Doubts::default();
    let (kind, _) = flow.denied(&mut doubts);
    let rule = match kind {
        Some(kind) => Rule::Denied(kind),
        None => flow.granted(&mut doubts),
    };
    let conditional_on = doubts.into_names().into_iter().map(Text::from).collect();
    Decision { verdict: rule.verdict(), rule, conditional_on }
}

/// The statements that grant under a rule: those that allow for certain, or if none does those that may.
fn granting(flow: &Flow<'_>, rule: Rule) -> Vec<Deciding> {
    let (least, by_identity) = match rule {
        Rule::NamedByResource => (Some(Naming::Itself), false),
        Rule::NamedBehind => (Some(Naming::Behind), false),
        Rule::Identity => (None, true),
        Rule::Delegated | Rule::BothAccounts => (Some(Naming::Account), true),
        Rule::Denied(_) | Rule::NotAllowed(_) | Rule::NotAllowedByOwnPolicy | Rule::NeedsNone | Rule::Root => {
            return Vec::new();
        }
    };
    let mut statements = Vec::new();
    if let Some(least) = least {
        statements.extend(allowing(flow, flow.policies.resource.iter().map(|policy| &**policy), least));
    }
    if by_identity && flow.request.identity.form() != Form::Root {
        statements.extend(allowing(flow, flow.policies.identity.iter().map(|policy| &**policy), Naming::Account));
    }
    statements
}

fn allowing<'p>(
    flow: &Flow<'p>,
    policies: impl Iterator<Item = &'p CompiledPolicy> + Clone,
    least: Naming,
) -> Vec<Deciding> {
    let certain = named(policies.clone(), |policy| policy.allowing(flow.request, least, Truth::True));
    if certain.is_empty() {
        return named(policies, |policy| policy.allowing(flow.request, least, Truth::Unknown));
    }
    certain
}

fn named<'p>(
    policies: impl Iterator<Item = &'p CompiledPolicy>,
    statements: impl Fn(&'p CompiledPolicy) -> Vec<Text>,
) -> Vec<Deciding> {
    policies
        .flat_map(|policy| {
            let policy_name = Text::from(policy.name());
            statements(policy).into_iter().map(move |statement| Deciding { policy: policy_name.clone(), statement })
        })
        .collect()
}

/// The beginning of a text from outside, for messages.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
