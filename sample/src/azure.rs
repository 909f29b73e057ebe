//! Azure: Activity and resource logs, Entra sign-ins, role assignments and definitions, the resource list.

mod activity;
mod data;
mod entitlements;
mod events;
mod extras;
mod inventory;
mod ops;
mod records;
mod resources;
mod roles;

pub(crate) use entitlements::write as write_entitlements;
pub(crate) use events::{correlation_id, write as write_events};
pub(crate) use inventory::{id as inventory_id, write as write_inventory};
pub(crate) use ops::OPS;
pub(crate) use roles::role_rules;
