//! AWS: CloudTrail files, account authorization details, the tagging inventory.

mod entitlements;
mod events;
mod extras;
mod identity;
mod inventory;
mod ops;
mod parameters;
mod policies;
mod record;
mod resources;

pub(crate) use entitlements::write as write_entitlements;
pub(crate) use events::write as write_events;
pub(crate) use inventory::{id as inventory_id, write as write_inventory};
pub(crate) use ops::OPS;
pub(crate) use policies::{group_policies, policy_rules};
pub(crate) use record::event_id;
