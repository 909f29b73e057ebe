//! GCP: audit log entries, IAM policies and roles, the asset inventory.

mod entitlements;
mod events;
mod inventory;
mod ops;
mod records;
mod resources;
mod roles;

pub(crate) use entitlements::write as write_entitlements;
pub(crate) use events::write as write_events;
pub(crate) use inventory::{id as inventory_id, write as write_inventory};
pub(crate) use ops::OPS;
pub(crate) use records::insert_id;
pub(crate) use roles::role_rule;
