//! Azure: the Activity Log, resource logs and Entra's logs.
//!
//! | record | becomes |
//! |---|---|
//! | Activity: Administrative | a management event |
//! | Activity: Policy | `policy_evaluation`: Azure Policy judging somebody's call, which has an Administrative record of its own |
//! | Activity: Alert, Security, ServiceHealth, ResourceHealth, Autoscale, Recommendation | `alert`, `security_alert`, `service_health` … |
//! | Entra: sign-ins of users, service principals, managed identities | a sign_in event, no permission needed |
//! | Entra: AuditLogs, and its records under another category (told by `initiatedBy`) | a directory event |
//! | Entra: Microsoft Graph activity | a data event |
//! | Entra: risk | `risk_event` |
//! | resource logs of Storage, Key Vault, and of others whose operation is an action or whose caller an identity | a data event |
//! | resource logs of traffic, metrics, applications, API Management's gateway, Kubernetes | `flow_log`, `gateway_log` … (`data`) |
//!
//! - **account**: the subscription, lower case; the tenant for Entra and for records above subscriptions. **org**: the
//!   tenant, which is how grants learn whose subscription it is.
//! - **identity**: see `identity`; ids and actions: see `arm`; call ids and what counts as use: see `activity`.

mod activity;
mod arm;
mod data;
mod entra;
mod identity;
mod outcome;
mod record;
#[cfg(test)]
mod tests;

use schemas::Category;

use self::arm::ArmId;
use self::entra::Kind;
use self::identity::authorizations;
use self::record::Record;
use super::Normalized;
use super::loose::Object;
use crate::context::Context;
use crate::error::Reject;
use crate::tool::Agents;

/// Reads one record.
pub(crate) fn normalize(body: &str, ctx: &Context<'_>, agents: &mut Agents) -> Result<Normalized, Reject> {
    let record: Record<'_> = sonic_rs::from_str(body)?;
    if !record.is_object() {
        return Err(Reject::NotAnObject);
    }
    let scope = || authorizations(&record).first().and_then(|check| check.scope.get());
    let resource = record.resource_id.get().or_else(scope).map(ArmId::parse).unwrap_or_default();
    let mut event = match entra::kind(&record, &resource) {
        Some(Kind::NoAccess(kind)) => return Ok(Normalized::NotAccess(kind)),
        Some(Kind::SignIn) => entra::sign_in(&record, &resource, ctx),
        Some(Kind::Audit) => entra::audit(&record, &resource, ctx),
        Some(Kind::Graph) => entra::graph(&record, &resource, ctx),
        None => match of_azure(&record) {
            Ok(category) => activity::event(&record, &resource, category, ctx),
            Err(kind) => return Ok(Normalized::NotAccess(kind)),
        },
    }?;
    agents.fill(&mut event);
    Ok(Normalized::Event(event))
}

/// The category of a record of the Activity Log or of a resource log; the kind of one that is no access.
fn of_azure(record: &Record<'_>) -> Result<Category, &'static str> {
    // Without a category (Panther drops it from some) the operation decides.
    let category = record.category.get().unwrap_or_default();
    match category.to_ascii_lowercase().as_str() {
        "administrative" => Ok(Category::Management),
        "policy" => Err("policy_evaluation"),
        "security" => Err("security_alert"),
        "alert" => Err("alert"),
        "servicehealth" => Err("service_health"),
        "resourcehealth" => Err("resource_health"),
        "autoscale" => Err("autoscale"),
        "recommendation" => Err("recommendation"),
        _ => data::no_access(record).map_or(Ok(Category::Data), Err),
    }
}
