//! What every evaluator says: a verdict, the rule and the statements behind it, and what it is conditional on.

use schemas::Text;
use serde::{Deserialize, Serialize};

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

/// A verdict and what it rests on; `R` is the cloud's own list of rules.
///
/// Where something is not known, the verdict is the most permissive that is possible: `Allowed` with an empty
/// `conditional_on` is certain, `Allowed` with names in it may be, a denial is certain. Conditions that exclude each other
/// are not noticed, so «may be» can be too wide and never too narrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<R> {
    /// Whether the request is allowed.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: R,
    /// What the word of the verdict rests on and is not known, and elements that could not be read, in order of the
    /// alphabet. AWS: context keys; Azure: conditions; GCP: attributes.
    pub conditional_on: Vec<Text>,
}

/// A statement that decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deciding {
    /// The policy's name; in Azure the assignment's.
    pub policy: Text,
    /// The statement's `Sid`, or its place in the policy counted from 0; in Azure the role's name.
    pub statement: Text,
}

/// A decision with its statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<R> {
    /// The decision.
    pub decision: Decision<R>,
    /// Every statement that denies, if one does; those that grant, if it is allowed; none for an implicit denial.
    pub statements: Vec<Deciding>,
}
