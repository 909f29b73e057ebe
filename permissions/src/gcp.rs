//! GCP: roles, predefined roles, who may do what, who can become whom, and which permission a method checks.

pub mod evaluate;
pub mod impersonate;
mod method;
mod role;

pub use method::{MethodPermissions, method_permissions};
pub use role::{Role, predefined_role, role};
