//! AWS CloudTrail: management, data, network activity and service events, and console sign-ins.
//!
//! Field meanings are those of the CloudTrail user guide, "CloudTrail record contents for management, data, and network
//! activity events" and "CloudTrail userIdentity element".

use schemas::{AccessEvent, AccountId, ActionKnown, Category, Outcome, Text, Vantage};

use super::Normalized;
use crate::cache::{Cache, MAX_CACHED};
use crate::context::Context;
use crate::error::Reject;
use crate::tool::Agents;

mod identity;
mod operation;
mod outcome;
mod parameters;
mod record;
mod resources;
mod shown;
mod time;
mod uses;

use identity::Who;
use operation::Operation;
use record::Record;

/// Caches: what is computed from a text that many records share. They change no answer.
#[derive(Debug)]
pub(crate) struct Memo {
    identities: Cache<Who>,
    operations: Cache<Operation>,
}

impl Default for Memo {
    fn default() -> Self {
        Self { identities: Cache::new(MAX_CACHED), operations: Cache::new(MAX_CACHED) }
    }
}

/// Reads one record.
pub(crate) fn normalize(
    body: &str,
    ctx: &Context<'_>,
    memo: &mut Memo,
    agents: &mut Agents,
) -> Result<Normalized, Reject> {
    if !body.trim_start().starts_with('{') {
        return Err(Reject::NotAnObject);
    }
    let record = Record::of(body, ctx.members)?;
    if let Some(kind) = not_access(&record) {
        return Ok(Normalized::NotAccess(kind));
    }
    let time = time::read("eventTime", record.event_time.required("eventTime")?)?;
    let source = record.event_source.required("eventSource")?;
    let name = record.event_name.required("eventName")?;
    let account = account(&record, ctx)?;
    let operation = memo.operations.get_or_make(&[source, name], || Operation::of(source, name));
    let service_event = record.event_type.get() == Some("AwsServiceEvent");
    let acting_service = service_event.then_some(source);
    let who = memo
        .identities
        .get_or_make(&[record.user_identity.get().unwrap_or("{}"), &account, acting_service.unwrap_or("")], || {
            identity::read(record.user_identity.get(), &account, acting_service)
        });
    let mut event = ctx.blank(time, account);
    event.category = category(&record, source);
    fill_identity(&mut event, who, &record);
    fill_call(&mut event, &record, operation);
    if let Some(user_agent) = record.user_agent.get() {
        let (user_agent, tool) = agents.read(user_agent);
        event.user_agent = Some(user_agent);
        event.tool = tool;
    }
    mark_calling_service(&mut event);
    outcome::fill(&mut event, &record);
    event.resources = resources::read(&record, operation, &event);
    if service_event {
        event.action_known = ActionKnown::NoneNeeded;
    } else {
        uses::fill(&mut event, &record, operation);
    }
    event.vantage = vantage(&event, &record);
    event.counts_as_use &= counts(&event, &record, operation, ctx);
    Ok(Normalized::Event(event))
}

/// The kind of a record that is no access.
fn not_access(record: &Record<'_>) -> Option<&'static str> {
    let category = record.event_category.get();
    if category == Some("Insight") || record.event_type.get() == Some("AwsCloudTrailInsight") {
        return Some("insight");
    }
    if record.digest_start_time.get().is_some() && record.event_name.get().is_none() {
        return Some("digest");
    }
    let source = record.event_source.get().unwrap_or_default();
    let alibaba = source.ends_with(".aliyuncs.com") || record.acs_region.get().is_some();
    let elsewhere = record.event_name.get().is_none()
        && (record.log_name.get().is_some()
            || record.operation_name.get().is_some()
            || record.proto_payload.get().is_some());
    (alibaba || elsewhere).then_some("other_cloud")
}

/// The account in which it happened. Records before version 1.02 have no `recipientAccountId`.
fn account(record: &Record<'_>, ctx: &Context<'_>) -> Result<AccountId, Reject> {
    if let Some(account) = record.recipient_account_id.get_or_number() {
        return Ok(AccountId::from(account));
    }
    let of_identity = record.user_identity.get().and_then(identity::account);
    let of_resource = || record.resources.0.iter().find_map(|resource| resource.account_id.get()).map(AccountId::from);
    of_identity.or_else(of_resource).or_else(|| ctx.raw.account_id.clone()).ok_or_else(|| {
        Reject::Other("neither `recipientAccountId`, `userIdentity` nor `resources` names an account".to_owned())
    })
}

fn category(record: &Record<'_>, source: &str) -> Category {
    match (record.event_type.get(), record.event_category.get()) {
        (Some("AwsConsoleSignIn"), _) => Category::SignIn,
        _ if source == "signin.amazonaws.com" => Category::SignIn,
        (Some("AwsServiceEvent"), _) => Category::System,
        (Some("AwsVpceEvent"), _) | (_, Some("Data" | "NetworkActivity")) => Category::Data,
        _ if record.management_event.0 == Some(false) => Category::Data,
        _ => Category::Management,
    }
}

fn fill_identity(event: &mut AccessEvent, who: &Who, record: &Record<'_>) {
    event.identity_id = who.id.clone();
    event.identity_kind = who.kind;
    event.identity_name = who.name.clone();
    event.identity_account = who.account.clone();
    event.identity_generation = who.generation.clone();
    event.session_name = who.session_name.clone();
    event.on_behalf_of = who.on_behalf_of.clone();
    event.credential_id = who.credential_id.clone();
    event.mfa = who.mfa;
    event.source_service = who.invoked_by.clone();
    if let Some(used) = record.additional.mfa_used.0 {
        event.mfa = Some(used);
    }
    let Some(address) = record.source_ip_address.get() else { return };
    if is_address(address) {
        event.source_ip = Some(Text::from(address));
    } else if event.source_service.is_none() {
        event.source_service = Some(Text::from(address));
    }
}

/// Marks a call that a service made, for the identity ("forward access session", whose permissions are then asked: IAM
/// user guide, `access_forward_access_sessions`) or with a role of its own: its `tool` is the service, as its
/// `source_service` is, and nothing of how the identity itself works. "For services in AWS, only the DNS name is displayed"
/// as address (CloudTrail user guide, record contents); an address that stands there all the same is kept.
fn mark_calling_service(event: &mut AccessEvent) {
    let Some(service) = event.source_service.clone().filter(|host| is_calling_service(host)) else { return };
    let by_its_agent = event.user_agent.as_deref().is_some_and(|agent| service == agent || agent == INTERNAL);
    if event.source_ip.is_none() || by_its_agent {
        event.tool = Some(service);
    }
}

/// What stands for AWS itself where it does not say which service.
const INTERNAL: &str = "AWS Internal";

/// Whether a name is the host of a service that calls by itself, and not of a console, in which a person clicks.
fn is_calling_service(host: &str) -> bool {
    let name = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"));
    name.is_some_and(|name| name != "signin" && name != "console" && !name.starts_with("console."))
}

/// Whether a text is an address and not one of the names that stand in its place. Looks at the shape only, since masked
/// addresses (`255.090.254.5`) are addresses for whoever masked them.
fn is_address(text: &str) -> bool {
    let v4 = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.bytes().filter(|b| *b == b'.').count() == 3;
    let v6 = || text.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.') && text.contains(':');
    (v4 && text.len() >= 7) || v6()
}

fn fill_call(event: &mut AccessEvent, record: &Record<'_>, operation: &Operation) {
    event.region = record.aws_region.text();
    event.service = operation.service.clone();
    event.operation = operation.name.clone();
    event.call_id = record.request_id.text();
    event.provider_event_id = record.event_id.text();
}

/// Whose view the record is. A call into another account is logged in both under one `sharedEventID`; older and network
/// activity records show it by the accounts alone.
fn vantage(event: &AccessEvent, record: &Record<'_>) -> Vantage {
    let shared = record.shared_event_id.get().is_some();
    match &event.identity_account {
        Some(of_caller) if *of_caller != event.account_id => Vantage::Owner,
        Some(_) if shared => Vantage::Caller,
        None if shared => Vantage::Owner,
        _ => Vantage::Only,
    }
}

/// Whether this view of the call is the one that counts. The owner's view does unless the caller's account is one of
/// `own_accounts`, whose view then does: a rule of the config and not of what was read so far, so that order cannot
/// change the answer. A VPC endpoint's view counts only for calls that the caller's management log does not hold.
fn counts(event: &AccessEvent, record: &Record<'_>, operation: &Operation, ctx: &Context<'_>) -> bool {
    if record.event_category.get() == Some("NetworkActivity") && operation.is_management {
        return false;
    }
    let caller = event.identity_account.as_ref();
    let owner_only = event.vantage == Vantage::Owner && caller.is_some_and(|id| ctx.config.own_accounts.contains(id));
    event.outcome != Outcome::Denied && !owner_only
}

#[cfg(test)]
mod tests;
