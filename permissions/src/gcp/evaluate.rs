//! The evaluator: may this identity use this permission on this resource, which bindings or rules say so, and what is not
//! certain.
//!
//! Sources: Policy types, «Policy evaluation» (<https://cloud.google.com/iam/docs/policy-types>), Deny policies, «Policy
//! evaluation» (<https://cloud.google.com/iam/docs/deny-overview>), Using resource hierarchy for access control
//! (<https://cloud.google.com/iam/docs/resource-hierarchy-access-control>).
//!
//! 1. A deny rule that applies, of a policy attached to the resource or above it, ends it.
//! 2. Of the bindings of allow policies of the resource and above, those count that name the identity.
//! 3. The permission must be in the role of one of them, whose condition must be met. Policies add up: none below takes
//!    away what one above grants.
//!
//! # Layout
//!
//! Policies become [`Policies`] once; [`decide`] tells a [`Decision`], [`explain`] also the bindings or rules behind it.
//! `identity` and `member` are who, `permission` is what, `request` where, `policy` what one binding or rule says, and
//! `condition` its condition. `slow` is the same once more, written to be obvious, for the tests.
//!
//! **Invariant:** what is not known or cannot be read is never taken for absent: it is in `conditional_on`.
//! **Invariant:** no input makes it panic or run away: names, lists, conditions and nesting are bounded.
//!
//! What it does not know: principal access boundary policies, access lists of Cloud Storage objects, VPC Service Controls,
//! which permissions a deny policy cannot deny, time zones by name and regular expressions in conditions.

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test should panic, and these print their coverage"
)]
mod cases;
mod condition;
mod context;
mod identity;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod laws;
mod member;
mod permission;
mod policies;
mod policy;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod random;
mod request;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod slow;

use std::fmt;

use schemas::Text;

use self::policy::Binding;
use crate::truth::{Doubts, Truth};

pub(crate) use self::condition::spell_condition;

pub use crate::decision::{Deciding, Verdict};
pub use context::Context;
pub use identity::{Facts, Form, Identity};
pub use permission::{Action, CompiledRole};
pub use policies::{Attached, Policies};
pub use request::{Level, Path, Request};

/// The rule that decided, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A rule of a deny policy applies.
    DenyPolicy,
    /// No binding of the resource or above names the identity.
    NotBound,
    /// Bindings name it, and no role of theirs has the permission.
    NotInRole,
    /// A role has the permission, and the condition of its binding is not met.
    ConditionNotMet,
    /// A binding grants it, of the allow policy at this level.
    Binding(Level),
}

/// A verdict and what it rests on.
pub type Decision = crate::decision::Decision<Rule>;

/// A decision with the bindings or rules behind it, the organization's first. A policy is called by where it is attached, a
/// deny policy by its own name; statements by their place in it.
pub type Explanation = crate::decision::Explanation<Rule>;

impl Rule {
    /// The verdict that goes with it.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::DenyPolicy => Verdict::ExplicitlyDenied,
            Self::NotBound | Self::NotInRole | Self::ConditionNotMet => Verdict::ImplicitlyDenied,
            Self::Binding(_) => Verdict::Allowed,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DenyPolicy => "denied by deny policy",
            Self::NotBound => "no binding names the identity",
            Self::NotInRole => "in no bound role",
            Self::ConditionNotMet => "condition not met",
            Self::Binding(Level::Organization) => "allowed by binding at the organization",
            Self::Binding(Level::Folder) => "allowed by binding at a folder",
            Self::Binding(Level::Project) => "allowed by binding at the project",
            Self::Binding(Level::Resource) => "allowed by binding at the resource",
        })
    }
}

/// Decides a request.
#[must_use]
pub fn decide(request: &Request, policies: &Policies) -> Decision {
    let mut doubts = Doubts::default();
    let holds = |role: &str, project: &str| policies.holds(request, role, project);
    let denied = doubts.any(policies.denies(request), |rule, doubts| rule.denies(request, &holds, doubts));
    let rule = match denied {
        Truth::True => Rule::DenyPolicy,
        Truth::False | Truth::Unknown => granted(request, policies, &mut doubts),
    };
    let conditional_on = doubts.into_names().into_iter().map(Text::from).collect();
    Decision { verdict: rule.verdict(), rule, conditional_on }
}

/// Decides a request and tells which bindings or rules decided.
#[must_use]
pub fn explain(request: &Request, policies: &Policies) -> Explanation {
    let decision = decide(request, policies);
    let statements = match decision.rule {
        Rule::DenyPolicy => denying(request, policies),
        Rule::Binding(_) => {
            let certain = granting(request, policies, Truth::True);
            if certain.is_empty() { granting(request, policies, Truth::Unknown) } else { certain }
        }
        Rule::NotBound | Rule::NotInRole | Rule::ConditionNotMet => Vec::new(),
    };
    Explanation { decision, statements }
}

/// The rule that allows or may allow, or the one that does not.
fn granted<'p>(request: &'p Request, policies: &'p Policies, doubts: &mut Doubts<'p>) -> Rule {
    let holds = |role: &str, project: &str| policies.holds(request, role, project);
    let (mut missed, mut by, mut best) = (Rule::NotBound, None, Truth::False);
    doubts.any(policies.bindings(request), |(level, binding), doubts| {
        let grants = binding.grants(request, holds, doubts);
        if grants > best {
            (by, best) = (Some(Rule::Binding(level)), grants);
        } else if best == Truth::False {
            missed = missed.max(why_not(binding, request, policies));
        }
        grants
    });
    by.unwrap_or(missed)
}

/// The furthest that a binding got which does not grant.
fn why_not(binding: &Binding, request: &Request, policies: &Policies) -> Rule {
    let holds = |role: &str, project: &str| policies.holds(request, role, project);
    match binding.members.mean(&request.identity, holds, &mut Doubts::default()) {
        Truth::False => Rule::NotBound,
        _ if binding.names(&request.action) => Rule::ConditionNotMet,
        _ => Rule::NotInRole,
    }
}

fn denying(request: &Request, policies: &Policies) -> Vec<Deciding> {
    let holds = |role: &str, project: &str| policies.holds(request, role, project);
    let denies = |rule: &&policy::DenyRule| rule.denies(request, &holds, &mut Doubts::default()) == Truth::True;
    policies.denies(request).filter(denies).map(|rule| deciding(&rule.policy, rule.at)).collect()
}

fn granting(request: &Request, policies: &Policies, wanted: Truth) -> Vec<Deciding> {
    let holds = |role: &str, project: &str| policies.holds(request, role, project);
    let grants = |(_, one): &(Level, &Binding)| one.grants(request, holds, &mut Doubts::default()) == wanted;
    policies.bindings(request).filter(grants).map(|(_, one)| deciding(&one.policy, one.at)).collect()
}

fn deciding(policy: &Text, at: usize) -> Deciding {
    Deciding { policy: policy.clone(), statement: Text::from(at.to_string()) }
}

/// The beginning of a text from outside, for messages.
fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
