//! GCP: roles, predefined roles, and which permission a method checks.

mod method;
mod role;

pub use method::{MethodPermissions, method_permissions};
pub use role::{Role, predefined_role, role};
