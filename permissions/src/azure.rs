//! Azure: role definitions, built-in roles, and which action a logged operation used.

mod operation;
mod role;

pub use operation::{OperationAction, operation_action};
pub use role::{RoleDefinition, builtin_role, role_definition};
