//! What comes out: a verdict, the rule and the statements behind it, and what it is conditional on.

use std::fmt;

use schemas::Text;
use serde::{Deserialize, Serialize};

use super::PolicyKind;

/// Whether a request is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Allowed,
    /// Something that had to allow it did not.
    ImplicitlyDenied,
    /// A statement denies it.
    ExplicitlyDenied,
}

/// The rule that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A statement of a policy of this kind denies.
    Denied(PolicyKind),
    /// The policy of a KMS key or the trust policy of a role does not allow, and nothing can stand in for it.
    NotAllowedByOwnPolicy,
    /// No statement of a policy of this kind allows, and one had to.
    NotAllowed(PolicyKind),
    /// The action needs no permission.
    NeedsNone,
    /// The root user may do everything in its account.
    Root,
    /// The resource's policy names who asks.
    NamedByResource,
    /// The resource's policy names the role of a session or the user behind one, and no boundary and session policy
    /// objects.
    NamedBehind,
    /// Policies of the identity allow, within boundary and session policy.
    Identity,
    /// The policy of a KMS key or the trust policy of a role hands the decision to the account, whose policies allow.
    Delegated,
    /// Both accounts allow.
    BothAccounts,
}

/// A verdict and what it rests on.
///
/// Where something is not known, the verdict is the most permissive that is possible: `Allowed` with an empty
/// `conditional_on` is certain, `Allowed` with names in it may be, a denial is certain. Conditions that exclude each other
/// are not noticed, so «may be» can be too wide and never too narrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request is allowed.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: Rule,
    /// The context keys on whose unknown value the word of the verdict rests, and elements that could not be read, in order
    /// of the alphabet.
    pub conditional_on: Vec<Text>,
}

/// A statement that decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deciding {
    /// The policy's name.
    pub policy: Text,
    /// The statement's `Sid`, or its place in the policy counted from 0.
    pub statement: Text,
}

/// A decision with its statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// Every statement that denies, if one does; those that grant, if it is allowed; none for an implicit denial. First
    /// those of RCPs, then of SCPs, endpoints, the resource, the identity, boundary and session policy.
    pub statements: Vec<Deciding>,
}

impl Rule {
    /// The verdict that goes with it.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Denied(_) => Verdict::ExplicitlyDenied,
            Self::NotAllowed(_) | Self::NotAllowedByOwnPolicy => Verdict::ImplicitlyDenied,
            Self::NeedsNone
            | Self::Root
            | Self::NamedByResource
            | Self::NamedBehind
            | Self::Identity
            | Self::Delegated
            | Self::BothAccounts => Verdict::Allowed,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(kind) => write!(f, "denied by {kind}"),
            Self::NotAllowed(kind) => write!(f, "not allowed by {kind}"),
            Self::NotAllowedByOwnPolicy => f.write_str("not allowed by key or trust policy"),
            Self::NeedsNone => f.write_str("needs no permission"),
            Self::Root => f.write_str("root user"),
            Self::NamedByResource => f.write_str("named by the resource policy"),
            Self::NamedBehind => f.write_str("role or user named by the resource policy"),
            Self::Identity => f.write_str("allowed by identity policy"),
            Self::Delegated => f.write_str("delegated by key or trust policy"),
            Self::BothAccounts => f.write_str("allowed by both accounts"),
        }
    }
}
