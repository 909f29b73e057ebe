//! Which rule decided.

use std::fmt;

use super::PolicyKind;
use crate::decision::Verdict;

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
pub type Decision = crate::decision::Decision<Rule>;

/// A decision with its statements: first those of RCPs, then of SCPs, endpoints, the resource, the identity, boundary and
/// session policy.
pub type Explanation = crate::decision::Explanation<Rule>;

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
