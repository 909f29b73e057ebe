//! Entra: sign-ins, changes in the directory, calls of Microsoft Graph. Their account is the tenant.

use schemas::{AccessEvent, AccountId, ActionKnown, Category, How, Outcome, Resource, ResourceId, Text, Use};

use super::activity::{granted, level_of, time};
use super::arm::{self, ArmId};
use super::identity::{self, Ids};
use super::outcome::{End, failure};
use super::record::{Properties, Record, Target};
use crate::context::Context;
use crate::error::Reject;
use crate::json::Str;
use crate::providers::address;
use crate::providers::loose::Object;

/// Entra's provider in ARM ids and the service of sign-ins.
pub(super) const PROVIDER: &str = "microsoft.aadiam";

/// Error codes of sign-ins that Entra refused by an assignment, a consent or a Conditional Access policy; any other
/// failed sign-in is an error: whoever tried did not prove to be that identity
/// (learn.microsoft.com/entra/identity-platform/reference-error-codes).
const REFUSED: [&str; 9] = ["50105", "53000", "53001", "53002", "53003", "53004", "65001", "90094", "530032"];

/// The most resources of one directory change; a bulk operation names a few.
const MAX_TARGETS: usize = 256;

/// Which of Entra's records it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    SignIn,
    Audit,
    Graph,
    NoAccess(&'static str),
}

/// Tells Entra's records by category and by what only they hold; `None` for other records.
pub(super) fn kind(record: &Record<'_>, resource: &ArmId) -> Option<Kind> {
    let category = record.category.get().unwrap_or_default().to_ascii_lowercase();
    let found = match category.as_str() {
        "auditlogs" => Kind::Audit,
        "microsoftgraphactivitylogs" => Kind::Graph,
        "riskyusers" | "userriskevents" | "riskyserviceprincipals" | "serviceprincipalriskevents" => {
            Kind::NoAccess("risk_event")
        }
        "provisioninglogs" => Kind::NoAccess("provisioning"),
        "networkaccesstrafficlogs" | "remotenetworkhealthlogs" => Kind::NoAccess("network_log"),
        other if other.ends_with("signinlogs") => Kind::SignIn,
        // Panther files changes of the directory under their inner category: `Policy`, `ApplicationManagement`.
        _ if record.properties.initiated_by.is_object() => Kind::Audit,
        _ if resource.id.ends_with(PROVIDER) => Kind::NoAccess("directory_log"),
        _ => return None,
    };
    Some(found)
}

/// A sign-in: no permission is used; what is touched is the application signed in to.
pub(super) fn sign_in(record: &Record<'_>, resource: &ArmId, ctx: &Context<'_>) -> Result<AccessEvent, Reject> {
    let mut event = blank(record, resource, Category::SignIn, ctx)?;
    let properties = &record.properties;
    let category = record.category.get().unwrap_or_default().to_ascii_lowercase();
    let mut ids = identity::of_properties(properties, category.starts_with("managedidentity"));
    if category.contains("serviceprincipal") || category.starts_with("managedidentity") {
        ids.upn = None;
    }
    identity::fill(&mut event, &ids, ctx.config.azure_tenant.as_deref());
    guest(&mut event, &ids, properties);
    event.service = Text::from(PROVIDER);
    event.operation = Text::from(record.operation_name.get().unwrap_or("Sign-in activity"));
    event.action_known = ActionKnown::NoneNeeded;

    let code =
        properties.status.code.get_or_number().or_else(|| record.result_type.get_or_number()).unwrap_or_default();
    let end = signed_in(code, record.result_signature.get().unwrap_or_default());
    event.counts_as_use = end.used;
    event.outcome = end.outcome;
    event.error_code = end.error_code;
    // The requirement was met only where the sign-in succeeded.
    event.mfa = match properties.requirement.get() {
        Some("multiFactorAuthentication") if event.outcome == Outcome::Success => Some(true),
        Some("singleFactorAuthentication") => Some(false),
        _ => None,
    };
    let application = properties.resource_principal_id.get().map(|id| (id, "servicePrincipal"));
    let application = application.or_else(|| properties.resource_id.get().map(|id| (id, "application")));
    event.resources.extend(application.map(|(id, kind)| directory_object(id, Some(kind), &event.account_id)));
    event.credential_id = properties.token_id.text();
    event.session_name = properties.session_id.text();
    Ok(event)
}

/// A user of another tenant, by the tenant that the sign-in names as home.
fn guest(event: &mut AccessEvent, ids: &Ids<'_>, properties: &Properties<'_>) {
    let home = properties.home_tenant_id.get().map(str::to_ascii_lowercase);
    if let Some(home) = home.filter(|home| ids.object_id.is_some() && Some(home.as_str()) != event.org_id.as_deref()) {
        event.identity_account = Some(AccountId::from(home));
    }
}

fn signed_in(code: &str, signature: &str) -> End {
    let success = matches!(code, "0" | "" | "Success" | "success") && !signature.eq_ignore_ascii_case("FAILURE");
    if success {
        return End::DONE;
    }
    let outcome = if REFUSED.contains(&code) { Outcome::Denied } else { Outcome::Error };
    End { outcome, error_code: Some(Text::from(code)).filter(|code| !code.is_empty()), used: false }
}

/// A change in the directory.
pub(super) fn audit(record: &Record<'_>, resource: &ArmId, ctx: &Context<'_>) -> Result<AccessEvent, Reject> {
    let operation = record.operation_name.get().ok_or(Reject::Missing("operationName"))?;
    let mut event = blank(record, resource, Category::Directory, ctx)?;
    let properties = &record.properties;
    let by = &properties.initiated_by;
    identity::fill(&mut event, &identity::of_initiator(&by.user, &by.app), ctx.config.azure_tenant.as_deref());
    event.operation = Text::from(operation);
    if event.source_ip.is_none() {
        address::fill(&mut event, by.user.ip.get());
    }
    let detail = |name: &str| {
        properties.details.0.iter().find(|detail| detail.key.get() == Some(name)).and_then(|detail| detail.value.get())
    };
    if event.user_agent.is_none() {
        event.user_agent = detail("User-Agent").map(Text::from);
    }

    let end = changed(properties);
    event.counts_as_use = end.used;
    let targets =
        properties.targets.0.iter().take(MAX_TARGETS).filter_map(|target| target_of(target, &event.account_id));
    event.resources = targets.collect();
    let (action, known) = arm::action(operation, "AuditLogs");
    event.action_known = known;
    if let Some(action) = action {
        let first = event.resources.first().cloned();
        let (resource_id, resource_account) = first.map_or((None, None), |first| (Some(first.id), first.account_id));
        let how = if known == ActionKnown::Logged { How::Logged } else { How::Mapped };
        event.uses.push(Use { action, resource_id, resource_account, granted: granted(&end, None, None), how });
    }
    event.action = event.uses.first().map(|used| used.action.clone());
    event.access_level = event.action.as_deref().and_then(level_of);
    event.service = Text::from(event.action.as_deref().and_then(|action| action.split('/').next()).unwrap_or(PROVIDER));
    event.outcome = end.outcome;
    event.error_code = end.error_code;
    Ok(event)
}

fn changed(properties: &Properties<'_>) -> End {
    let result = properties.result.get().unwrap_or("success").to_ascii_lowercase();
    if !matches!(result.as_str(), "failure" | "timeout") {
        return End::DONE;
    }
    let reason = properties.result_reason.get().unwrap_or_default();
    let lower = reason.to_ascii_lowercase();
    let refused = ["authorization_requestdenied", "insufficient privileges", "access denied", "unauthorized"];
    let status = if refused.iter().any(|part| lower.contains(part)) { 403 } else { 0 };
    let code: String = reason.chars().take(128).collect();
    failure(status, if code.is_empty() { &result } else { &code })
}

/// What a target names: its id, else its kind and name.
fn target_of(target: &Target<'_>, tenant: &AccountId) -> Option<Resource> {
    if let Some(id) = target.id.get() {
        return Some(directory_object(id, target.kind.get(), tenant));
    }
    let (kind, name) = (target.kind.get()?, target.name.get()?);
    let id = ResourceId::from(format!("{}/{}", kind.to_lowercase(), name.to_lowercase()));
    Some(Resource { id, kind: Some(Text::from(kind)), account_id: Some(tenant.clone()) })
}

/// An object of the directory, by its id in lower case: the same object whichever log names it.
fn directory_object(id: &str, kind: Option<&str>, tenant: &AccountId) -> Resource {
    Resource {
        id: ResourceId::from(id.to_ascii_lowercase()),
        kind: kind.map(Text::from),
        account_id: Some(tenant.clone()),
    }
}

/// A call of Microsoft Graph. The log calls all of them `Microsoft Graph Activity`; the operation here is method and
/// path with ids as `{id}`: `GET /users/{id}`. The token's roles and scopes are what it may do, not what this call
/// used, so the action stays unknown.
pub(super) fn graph(record: &Record<'_>, resource: &ArmId, ctx: &Context<'_>) -> Result<AccessEvent, Reject> {
    let mut event = blank(record, resource, Category::Data, ctx)?;
    let properties = &record.properties;
    identity::fill(&mut event, &identity::of_properties(properties, false), ctx.config.azure_tenant.as_deref());
    event.service = Text::from("Microsoft.Graph");
    event.region = record.location.text();
    let url = properties.uri.get().unwrap_or_default();
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    // The version is the API's, not the resource's.
    let path =
        path.split_once('/').filter(|(version, _)| matches!(*version, "v1.0" | "beta")).map_or(path, |(_, rest)| rest);
    event.operation = match properties.method.get() {
        Some(method) if !path.is_empty() => Text::from(format!("{method} /{}", template(path))),
        _ => Text::from(record.operation_name.get().unwrap_or("Microsoft Graph Activity")),
    };
    if !path.is_empty() {
        let kind = path.split('/').next().map(Text::from);
        let id = ResourceId::from(format!("https://graph.microsoft.com/{path}"));
        event.resources.push(Resource { id, kind, account_id: Some(event.account_id.clone()) });
    }
    let code = properties
        .response_code
        .get_or_number()
        .or_else(|| record.result_signature.get_or_number())
        .unwrap_or_default();
    let status = code.parse::<u16>().unwrap_or_default();
    let end = if status >= 400 { failure(status, code) } else { End::DONE };
    event.counts_as_use = end.used;
    event.outcome = end.outcome;
    event.error_code = end.error_code;
    event.credential_id = properties.sign_in_id.text();
    event.call_id = properties.operation_id.text().or(event.call_id);
    event.provider_event_id = properties.request_id.text().or(event.provider_event_id);
    Ok(event)
}

/// A path with its ids as `{id}`: GUIDs, addresses, numbers and whatever holds other than letters, `$` and `.`.
fn template(path: &str) -> String {
    let is_word = |segment: &str| {
        segment.len() <= 64
            && segment.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'$' | b'.' | b'_'))
    };
    let segments: Vec<&str> =
        path.split('/').take(16).map(|segment| if is_word(segment) { segment } else { "{id}" }).collect();
    segments.join("/")
}

fn blank(record: &Record<'_>, resource: &ArmId, category: Category, ctx: &Context<'_>) -> Result<AccessEvent, Reject> {
    let tenant = identity::tenant_of(record, record.tenant_id.get().or(resource.tenant.as_deref()));
    let tenant = tenant.ok_or(Reject::Missing("tenantId"))?;
    let mut event = ctx.blank(time(record)?, AccountId::from(tenant.as_str()));
    event.org_id = Some(tenant);
    event.category = category;
    let properties = &record.properties;
    address::fill(&mut event, record.caller_ip.get().or_else(|| properties.ip.get()));
    event.user_agent = properties.user_agent.text();
    event.call_id = properties.correlation_id.text().or_else(|| record.correlation_id.text());
    event.provider_event_id = Str::text(&properties.id);
    Ok(event)
}
