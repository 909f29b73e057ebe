//! AWS: ARNs, the policy language, and which calls use which actions.

pub mod arn;
pub mod evaluate;
mod event_source;
mod operation;
mod policy;

pub use event_source::iam_prefix;
pub use operation::{ActionUse, OperationActions, operation_actions, why_unknown};
pub use policy::{ParsedPolicy, parse_policy};
