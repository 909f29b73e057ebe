//! The Activity Log, and the resource logs whose operations use a permission.
//!
//! Of the records of one ARM call (start, accept, end) only the last counts as use: it alone tells whether the permission
//! was granted. `call_id` is `<correlation id>/<operation id>`; Event Hubs drops the operation id, and one correlation
//! spans a whole deployment, so there the second half is a hash of action and resource.

use permissions::Catalogue;
use schemas::{
    AccessEvent, AccountId, ActionKnown, Category, Granted, How, Id128, IdentityId, IdentityKind, Outcome, Provider,
    Resource, ResourceId, Text, Use,
};

use super::arm::{self, ArmId};
use super::data;
use super::identity::{self, authorizations, claims};
use super::outcome::{self, End};
use super::record::Record;
use crate::context::Context;
use crate::error::Reject;
use crate::providers::{address, when};

/// What a managed identity that is handed to a resource needs
/// (learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-assign-access-azure-resource).
const ASSIGN: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

/// The most identities that one request hands over.
const MAX_ASSIGNED: usize = 32;

/// The most checks of one record that become uses; Storage writes at most a few.
const MAX_CHECKS: usize = 256;

/// Reads a record whose operation is an access.
pub(super) fn event(
    record: &Record<'_>,
    resource: &ArmId,
    category: Category,
    ctx: &Context<'_>,
) -> Result<AccessEvent, Reject> {
    let operation = record.operation_name.get().ok_or(Reject::Missing("operationName"))?;
    let time = time(record)?;
    let org_id = identity::tenant_of(record, resource.tenant.as_deref());
    let subscription =
        resource.subscription.clone().or_else(|| record.subscription_id.get().map(str::to_ascii_lowercase));
    let account = subscription.map(AccountId::from).or_else(|| org_id.as_deref().map(AccountId::from));
    let account =
        account.ok_or_else(|| Reject::Other("neither `resourceId` nor `tenantId` names an account".to_owned()))?;
    let mut event = ctx.blank(time, account);
    event.org_id = org_id;
    event.category = category;
    event.region = record.location.get().or_else(|| record.properties.resource_location.get()).map(Text::from);
    event.operation = Text::from(operation);
    who(&mut event, record, ctx);

    let end = outcome::of(record);
    event.outcome = end.outcome;
    event.error_code.clone_from(&end.error_code);
    event.counts_as_use = end.used;
    resources(&mut event, record, resource);
    uses(&mut event, record, operation, &end);
    let service = event.action.as_deref().and_then(|action| action.split('/').next()).or_else(|| resource.namespace());
    event.service = service.map_or_else(|| Text::from(operation.split('/').next().unwrap_or_default()), Text::from);

    let ip = record.caller_ip.get().or_else(|| record.http_request.client_ip.get());
    address::fill(&mut event, ip);
    let properties = &record.properties;
    let agent = properties.user_agent_header.text().or_else(|| properties.client_info.text());
    event.user_agent = agent.or_else(|| properties.user_agent.text());
    event.call_id = call_id(record, &event);
    event.provider_event_id = record.event_data_id.text().or_else(|| properties.event_data_id.text());
    Ok(event)
}

/// When it happened.
pub(super) fn time(record: &Record<'_>) -> Result<schemas::Time, Reject> {
    let logged = [&record.time, &record.event_timestamp, &record.time_generated];
    if let Some(time) = logged.iter().find_map(|text| when::parse(text.get_or_number()?)) {
        return Ok(time);
    }
    match logged.iter().find_map(|text| text.get_or_number()) {
        Some(text) => Err(Reject::not_a_time("time", text)),
        None => Err(Reject::Missing("time")),
    }
}

fn who(event: &mut AccessEvent, record: &Record<'_>, ctx: &Context<'_>) {
    let way = record.identity.kind.get().unwrap_or_default();
    if way.eq_ignore_ascii_case("anonymous") {
        event.identity_id = IdentityId::from("azure:anonymous");
        event.identity_kind = IdentityKind::Anonymous;
        return;
    }
    identity::fill(event, &identity::of_claims(record), ctx.config.azure_tenant.as_deref());
    let claims = claims(record);
    // An account key or a signature says who made it, not who holds it: the hash of the key is the credential.
    event.credential_id = claims.token_id.text().or_else(|| record.identity.token_hash.text());
    event.session_name = claims.session_id.text();
    event.mfa = claims.methods.get().map(|methods| memchr::memmem::find(methods.as_bytes(), b"mfa").is_some());
}

fn resources(event: &mut AccessEvent, record: &Record<'_>, resource: &ArmId) {
    let inner = data::inner(record, resource);
    event.resources.extend(inner.or_else(|| resource.resource()));
    let scope = authorizations(record).first().and_then(|check| check.scope.get()).map(ArmId::parse);
    if let Some(scope) = scope.and_then(|scope| scope.resource())
        && !event.resources.iter().any(|other| other.id == scope.id)
    {
        event.resources.push(scope);
    }
}

fn uses(event: &mut AccessEvent, record: &Record<'_>, operation: &str, end: &End) {
    let category = record.category.get().unwrap_or_default();
    let checks = authorizations(record);
    for check in checks.iter().take(MAX_CHECKS) {
        let Some(action) = check.action.get() else { continue };
        let (Some(action), _) = arm::action(action, category) else { continue };
        let scope = check.scope.get().map(ArmId::parse).and_then(|scope| scope.resource());
        let resource = scope.or_else(|| event.resources.first().cloned());
        let used = used(action, resource, granted(end, check.result.get(), check.evidence.role.get()), How::Logged);
        if !event.uses.contains(&used) {
            event.uses.push(used);
        }
        event.action_known = ActionKnown::Logged;
    }
    if event.uses.is_empty() {
        let (action, known) = arm::action(data::canonical_call(operation), category);
        event.action_known = known;
        let how = if known == ActionKnown::Logged { How::Logged } else { How::Mapped };
        let resource = event.resources.first().cloned();
        event.uses.extend(action.map(|action| used(action, resource, granted(end, None, None), how)));
    }
    if event.outcome != Outcome::Denied {
        assigned(event, record, end);
    }
    event.action = event.uses.first().map(|used| used.action.clone());
    event.access_level = event.action.as_deref().and_then(level_of);
}

fn used(action: schemas::Action, resource: Option<Resource>, granted: Granted, how: How) -> Use {
    let (resource_id, resource_account) =
        resource.map_or((None, None), |resource| (Some(resource.id), resource.account_id));
    Use { action, resource_id, resource_account, granted, how }
}

/// What Azure said of the check: its own result, the role that allowed it, else how the call ended.
pub(super) fn granted(end: &End, result: Option<&str>, role: Option<&str>) -> Granted {
    match result {
        Some(result) if result.eq_ignore_ascii_case("granted") => return Granted::Yes,
        Some(result) if result.eq_ignore_ascii_case("denied") => return Granted::No,
        _ => {}
    }
    match end.outcome {
        Outcome::Denied => Granted::No,
        Outcome::Success if end.used || role.is_some() => Granted::Yes,
        Outcome::Error if end.used || role.is_some() => Granted::Yes,
        _ => Granted::Unknown,
    }
}

/// The level of an action: the catalogue's, else by its last word, as ARM names actions.
pub(super) fn level_of(action: &str) -> Option<schemas::AccessLevel> {
    use schemas::AccessLevel;
    if let Some(known) = Catalogue::bundled().provider(Provider::Azure).find(action) {
        return Some(known.level);
    }
    match action.rsplit('/').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "read" => Some(AccessLevel::Read),
        "write" | "delete" | "action" => Some(AccessLevel::Write),
        _ => None,
    }
}

/// Managed identities that the request hands to a resource, named by the keys of `userAssignedIdentities`.
fn assigned(event: &mut AccessEvent, record: &Record<'_>, end: &End) {
    let body = record.properties.request_body.get().unwrap_or_default();
    let Some(start) = memchr::memmem::find(body.as_bytes(), b"\"userAssignedIdentities\"") else { return };
    let part = &body[start..];
    let listed = &part[..part.find('}').unwrap_or(part.len())];
    let is_identity =
        |text: &&str| text.starts_with('/') && text.to_ascii_lowercase().contains("/userassignedidentities/");
    for id in listed.split('"').filter(is_identity).take(MAX_ASSIGNED) {
        let (Some(action), _) = arm::action(ASSIGN, "Administrative") else { return };
        event.uses.push(used(action, ArmId::parse(id).resource(), granted(end, None, None), How::Derived));
    }
}

fn call_id(record: &Record<'_>, event: &AccessEvent) -> Option<Text> {
    let correlation = record.correlation_id.get()?;
    if let Some(operation) = record.operation_id.get() {
        return Some(Text::from(format!("{correlation}/{operation}")));
    }
    let action = event.action.as_deref().unwrap_or(event.operation.as_str());
    let resource = event.resources.first().map(|resource| &resource.id).map_or("", ResourceId::as_str);
    let hash = Id128::of_parts(&[action.as_bytes(), resource.as_bytes()]).0 >> 64;
    Some(Text::from(format!("{correlation}/{hash:016x}")))
}
