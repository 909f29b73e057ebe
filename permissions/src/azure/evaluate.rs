//! The evaluator: may this identity do this action on this resource, which assignments say so, and what is not certain.
//!
//! Source: What is Azure role-based access control, «How Azure RBAC determines if a user has access to a resource»
//! (<https://learn.microsoft.com/azure/role-based-access-control/overview>).
//!
//! 1. A deny assignment that applies ends it.
//! 2. Of the role assignments at the resource's scope and above, those count that name the identity or a group of it.
//! 3. The action must be in the role of one of them: in `actions` and not in `notActions` of that same role. Roles add up.
//! 4. The condition of that assignment must be met.
//!
//! # Layout
//!
//! Documents become [`Policies`] once; [`decide`] tells a [`Decision`], [`explain`] also the assignments behind it, what
//! could be activated, and what is held outside of role assignments. `scope` is where, `actions` what, `role` and
//! `assignment` what one document says, `condition` reads conditions. `slow` is the same once more, written to be obvious,
//! for the tests.
//!
//! **Invariant:** what is not known or cannot be read is never taken for absent: it is in `conditional_on`.
//! **Invariant:** no input makes it panic or run away: ids, patterns, lists, conditions and nesting are bounded.
//!
//! What it does not know: locks and policies of Azure (they are no permissions), access policies of key vaults, keys of
//! storage accounts, attributes in conditions.

mod actions;
mod assignment;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test should panic, and these print their coverage"
)]
mod cases;
mod condition;
mod json;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod laws;
mod policies;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod random;
mod request;
mod role;
mod scope;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod slow;

use std::fmt;

use schemas::Text;

use self::assignment::RoleAssignment;
use super::tiers::{Outside, app_role, directory_role};
use crate::truth::{Doubts, Truth};

pub(crate) use self::condition::SpelledCondition;
pub use crate::decision::{Deciding, Verdict};

pub use actions::Action;
pub use policies::{Documents, Policies};
pub use request::{Identity, Request};
pub use role::CompiledRole;
pub use scope::{Level, Resource};

/// The action by which an administrator of the tenant makes itself User Access Administrator at `/`.
const ELEVATE: &str = "microsoft.authorization/elevateaccess/action";

/// The rule that decided, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A deny assignment applies.
    DenyAssignment,
    /// No role is assigned to the identity or its groups at the resource or above.
    NotAssigned,
    /// Roles are assigned, and none has the action.
    NotInRole,
    /// A role has the action, and the condition of the assignment or the role is not met.
    ConditionNotMet,
    /// A role assignment grants it, at this level.
    RoleAssignment(Level),
    /// A global administrator may elevate.
    ElevateAccess,
}

/// A verdict and what it rests on.
pub type Decision = crate::decision::Decision<Rule>;

/// A decision with what is behind it and beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The decision and, in the order of the documents, the assignments behind it, each with its role; deny assignments with
    /// the place of the entry of their `permissions`.
    pub decided: crate::decision::Explanation<Rule>,
    /// Eligible assignments that do or may grant the action once they are activated; none where a deny assignment would
    /// still deny.
    pub could_activate: Vec<Deciding>,
    /// What the identity holds besides, and the tenant's classic administrators.
    pub outside: Vec<Outside>,
}

impl Rule {
    /// The verdict that goes with it.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::DenyAssignment => Verdict::ExplicitlyDenied,
            Self::NotAssigned | Self::NotInRole | Self::ConditionNotMet => Verdict::ImplicitlyDenied,
            Self::RoleAssignment(_) | Self::ElevateAccess => Verdict::Allowed,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DenyAssignment => "denied by deny assignment",
            Self::NotAssigned => "no role assigned",
            Self::NotInRole => "in no assigned role",
            Self::ConditionNotMet => "condition not met",
            Self::RoleAssignment(Level::Root) => "allowed by role at the root",
            Self::RoleAssignment(Level::ManagementGroup) => "allowed by role at a management group",
            Self::RoleAssignment(Level::Subscription) => "allowed by role at the subscription",
            Self::RoleAssignment(Level::ResourceGroup) => "allowed by role at the resource group",
            Self::RoleAssignment(Level::Resource) => "allowed by role at the resource",
            Self::ElevateAccess => "global administrator may elevate",
        })
    }
}

/// Decides a request.
#[must_use]
pub fn decide(request: &Request, policies: &Policies) -> Decision {
    let mut doubts = Doubts::default();
    let denied = doubts.any(policies.denies(&request.identity), |deny, doubts| deny.denies(request, doubts));
    let rule = match denied {
        Truth::True => Rule::DenyAssignment,
        Truth::False | Truth::Unknown => granted(request, policies, &mut doubts),
    };
    let conditional_on = doubts.into_names().into_iter().map(Text::from).collect();
    Decision { verdict: rule.verdict(), rule, conditional_on }
}

/// Decides a request and tells what decided and what else there is to know.
#[must_use]
pub fn explain(request: &Request, policies: &Policies) -> Explanation {
    let decision = decide(request, policies);
    let statements = match decision.rule {
        Rule::DenyAssignment => denying(request, policies),
        Rule::RoleAssignment(_) => {
            let certain = granting(policies.active(), request, &[Truth::True]);
            if certain.is_empty() { granting(policies.active(), request, &[Truth::Unknown]) } else { certain }
        }
        Rule::NotAssigned | Rule::NotInRole | Rule::ConditionNotMet | Rule::ElevateAccess => Vec::new(),
    };
    let could_activate = match decision.rule {
        Rule::DenyAssignment => Vec::new(),
        _ => granting(policies.eligible(), request, &[Truth::True, Truth::Unknown]),
    };
    let decided = crate::decision::Explanation { decision, statements };
    Explanation { decided, could_activate, outside: outside(request, policies) }
}

/// The rule that allows or may allow, or the one that does not.
fn granted<'p>(request: &'p Request, policies: &'p Policies, doubts: &mut Doubts<'p>) -> Rule {
    if is_elevation(request) {
        return Rule::ElevateAccess;
    }
    let (mut missed, mut by, mut best) = (Rule::NotAssigned, None, Truth::False);
    doubts.any(policies.active().of(&request.identity), |assignment, doubts| {
        let grants = assignment.grants(request, doubts);
        if grants > best {
            (by, best) = (Some(Rule::RoleAssignment(assignment.scope.level())), grants);
        } else if best == Truth::False {
            missed = missed.max(why_not(assignment, request));
        }
        grants
    });
    by.unwrap_or(missed)
}

/// The furthest that an assignment got which does not grant.
fn why_not(assignment: &RoleAssignment, request: &Request) -> Rule {
    match assignment.scope.reaches(&request.resource, &mut Doubts::default()) {
        Truth::False => Rule::NotAssigned,
        _ if assignment.names(request) => Rule::ConditionNotMet,
        _ => Rule::NotInRole,
    }
}

fn is_elevation(request: &Request) -> bool {
    let may_elevate = |role: &smol_str::SmolStr| directory_role(role).may_elevate;
    request.action.lower() == ELEVATE
        && request.resource.is_root()
        && request.identity.directory_roles().iter().any(may_elevate)
}

fn denying(request: &Request, policies: &Policies) -> Vec<Deciding> {
    let denies = |deny: &&assignment::DenyAssignment| deny.denies(request, &mut Doubts::default()) == Truth::True;
    let all = policies.all_denies().iter().filter(denies);
    let blocks = all.flat_map(|deny| {
        deny.denying(request).into_iter().map(|statement| Deciding { policy: deny.name.clone(), statement })
    });
    blocks.collect()
}

fn granting(assignments: &policies::Assignments, request: &Request, wanted: &[Truth]) -> Vec<Deciding> {
    let grants = |one: &RoleAssignment| wanted.contains(&one.grants(request, &mut Doubts::default()));
    let deciding = |one: &RoleAssignment| Deciding { policy: one.name.clone(), statement: one.role_name() };
    assignments.granting(request, grants).into_iter().map(deciding).collect()
}

fn outside(request: &Request, policies: &Policies) -> Vec<Outside> {
    let directory = request.identity.directory_roles().iter().map(|role| directory_role(role));
    let app = request.identity.app_roles().iter().map(|role| app_role(role));
    directory.chain(app).chain(policies.classic().iter().cloned()).collect()
}

/// The beginning of a text from outside, for messages.
fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
