//! Azure: role definitions, built-in roles, who may do what, and which action a logged operation used.

pub mod evaluate;
mod operation;
mod role;
pub mod tiers;

pub use operation::{OperationAction, operation_action};
pub use role::{RoleDefinition, builtin_role, role_definition};
