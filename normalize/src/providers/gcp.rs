//! Google Cloud: `LogEntry` records of Cloud Audit Logs.
//!
//! | log | category | |
//! |---|---|---|
//! | `activity` | management | `admin.googleapis.com` and its like: directory |
//! | `data_access` | data | `login.googleapis.com`: sign_in |
//! | `system_event` | system | no permission is needed |
//! | `policy` | policy | always a denial |
//! | any other | – | no access |
//!
//! - **account**: the project of `logName`; records of folders and organizations belong to `folders/<n>` and
//!   `organizations/<n>`, where their grants are.
//! - **time**: `timestamp`, else the audit record's own, else `receiveTimestamp`, which Google says stands in for an
//!   absent one. Records without any are dead letters.
//! - **use counts once**: permissions stand on an operation's first record; a record that is the last and not the first
//!   of its operation never counts, and tells the outcome.
//! - **the operation of a denial without a method** (`contextawareaccess.googleapis.com`) is its service.

mod identity;
mod outcome;
mod passed;
mod record;
mod resource;
#[cfg(test)]
mod tests;
mod uses;

use permissions::{Catalogue, Logged};
use schemas::{AccountId, Category, OrgId, Provider, Text, Time};

use self::record::{Audit, Entry};
use self::resource::Names;
use super::loose::Object;
use super::{Normalized, address, when};
use crate::context::Context;
use crate::error::Reject;
use crate::tool::Agents;

/// The type of an audit record.
const AUDIT_LOG: &str = "type.googleapis.com/google.cloud.audit.AuditLog";

/// Google Workspace and Cloud Identity, which write their own events into the audit logs.
const DIRECTORY: [&str; 3] = ["admin.googleapis.com", "cloudidentity.googleapis.com", "groupssettings.googleapis.com"];

/// Reads one record.
pub(crate) fn normalize(body: &str, ctx: &Context<'_>, agents: &mut Agents) -> Result<Normalized, Reject> {
    let entry: Entry<'_> = sonic_rs::from_str(body)?;
    if !entry.is_object() {
        return Err(Reject::NotAnObject);
    }
    let audit = &entry.audit;
    let is_audit = audit.is_object() && audit.kind.get().is_none_or(|kind| kind == AUDIT_LOG);
    if !is_audit {
        return no_access(&entry);
    }
    if audit.service_name.get().is_none() && audit.method_name.get().is_none() {
        return Err(Reject::Missing("protoPayload.methodName"));
    }
    let mut event = event(&entry, ctx)?;
    agents.fill(&mut event);
    Ok(Normalized::Event(event))
}

/// The kind of an entry that is no audit record.
fn no_access(entry: &Entry<'_>) -> Result<Normalized, Reject> {
    let log = entry.log_name.get().map(log_of).unwrap_or_default();
    let kind = match log {
        log if log.ends_with("vpc_flows") => "flow_log",
        log if log.ends_with("firewall") => "firewall_log",
        log if log.ends_with("dns_queries") => "dns_log",
        log if log.ends_with("access_transparency") => "access_transparency",
        _ if entry.audit.is_object() => "other_log",
        _ if entry.json_payload.get().is_some() => "json_log",
        _ if entry.text_payload.get().is_some() => "text_log",
        _ if entry.http_request.get().is_some() => "http_request",
        "" => return Err(Reject::Missing("protoPayload")),
        _ => "other_log",
    };
    Ok(Normalized::NotAccess(kind))
}

fn event(entry: &Entry<'_>, ctx: &Context<'_>) -> Result<schemas::AccessEvent, Reject> {
    let audit = &entry.audit;
    let (account, org_id) = account(entry)?;
    let mut event = ctx.blank(time(entry)?, account);
    let method = audit.method_name.get();
    let service = audit.service_name.get().map_or_else(|| service_of(method.unwrap_or_default()), str::to_owned);
    let service = service.as_str();
    event.org_id = org_id;
    event.region = region(entry, audit);
    event.service = Text::from(service);
    event.operation = Text::from(method.unwrap_or(service));
    event.category = category(entry, audit, service);
    identity::fill(&mut event, &audit.who, audit.status.code.get_or_number());

    let end = outcome::of(audit);
    event.outcome = end.outcome;
    event.error_code.clone_from(&end.error_code);
    let last_only = entry.operation.last.0 == Some(true) && entry.operation.first.0 != Some(true);
    event.counts_as_use = end.used && !last_only;

    let account_id = event.account_id.clone();
    let names = Names { account: &account_id, entry, service };
    event.resources = names.main(audit);
    uses::fill(&mut event, audit, &names, &end);

    address::fill(&mut event, audit.from.ip.get());
    event.user_agent = audit.from.user_agent.text();
    event.call_id = entry.operation.id.text();
    event.provider_event_id = entry.insert_id.text();
    Ok(event)
}

fn time(entry: &Entry<'_>) -> Result<Time, Reject> {
    let logged = [&entry.timestamp, &entry.audit.timestamp, &entry.receive_timestamp];
    if let Some(time) = logged.iter().find_map(|text| when::parse(text.get_or_number()?)) {
        return Ok(time);
    }
    match logged.iter().find_map(|text| text.get_or_number()) {
        Some(text) => Err(Reject::not_a_time("timestamp", text)),
        None => Err(Reject::Missing("timestamp")),
    }
}

/// The account and, for an organization's own records, the organization.
fn account(entry: &Entry<'_>) -> Result<(AccountId, Option<OrgId>), Reject> {
    let labels = &entry.resource.labels;
    let org_id = labels.organization_id.get().map(OrgId::from);
    let label = labels.project_id.get();
    let mut parts = entry.log_name.get().unwrap_or_default().split('/');
    match (parts.next().unwrap_or_default(), parts.next().filter(|id| !id.is_empty())) {
        // A project's number stands in some names; its id is what everything else uses.
        ("projects", Some(id)) if label.is_none() || !id.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok((AccountId::from(id), org_id))
        }
        ("organizations", Some(id)) if label.is_none() => {
            Ok((AccountId::from(format!("organizations/{id}")), Some(OrgId::from(id))))
        }
        ("folders", Some(id)) if label.is_none() => Ok((AccountId::from(format!("folders/{id}")), org_id)),
        ("billingAccounts", Some(id)) if label.is_none() => {
            Ok((AccountId::from(format!("billingAccounts/{id}")), org_id))
        }
        _ => of_labels(entry, label, org_id),
    }
}

fn of_labels(
    entry: &Entry<'_>,
    project: Option<&str>,
    org_id: Option<OrgId>,
) -> Result<(AccountId, Option<OrgId>), Reject> {
    if let Some(project) = project {
        return Ok((AccountId::from(project), org_id));
    }
    if let Some(folder) = entry.resource.labels.folder_id.get() {
        return Ok((AccountId::from(format!("folders/{folder}")), org_id));
    }
    let scope =
        entry.audit.resource_name.get().map(|name| name.trim_start_matches("//cloudresourcemanager.googleapis.com/"));
    let mut parts = scope.unwrap_or_default().split('/');
    match (parts.next(), parts.next().filter(|id| !id.is_empty() && !matches!(*id, "_" | "-")), &org_id) {
        (Some("projects"), Some(id), _) => Ok((AccountId::from(id), org_id)),
        (Some("organizations"), Some(id), _) => {
            Ok((AccountId::from(format!("organizations/{id}")), Some(OrgId::from(id))))
        }
        (_, _, Some(id)) => Ok((AccountId::from(format!("organizations/{id}")), org_id)),
        _ => Err(Reject::Other(
            "neither `logName`, `resource.labels` nor `resourceName` names a project, folder or organization"
                .to_owned(),
        )),
    }
}

/// The part of a log's name behind `cloudaudit.googleapis.com%2F`.
fn log_of(name: &str) -> &str {
    name.rsplit(['/', '%']).next().unwrap_or(name).trim_start_matches("2F").trim_start_matches("2f")
}

fn category(entry: &Entry<'_>, audit: &Audit<'_>, service: &str) -> Category {
    if service == "login.googleapis.com" {
        return Category::SignIn;
    }
    let log = entry.log_name.get().map(log_of).unwrap_or_default();
    if DIRECTORY.contains(&service) && !log.ends_with("policy") {
        return Category::Directory;
    }
    match log {
        log if log.ends_with("data_access") => Category::Data,
        log if log.ends_with("system_event") => Category::System,
        log if log.ends_with("policy") => Category::Policy,
        log if log.ends_with("activity") => Category::Management,
        _ => guessed(audit),
    }
}

/// The category of a record whose log's name was lost: from the type of its permissions, else from where the catalogue
/// says that they are recorded.
fn guessed(audit: &Audit<'_>) -> Category {
    let first = audit.authorization.0.iter().find(|check| check.permission.get().is_some());
    match first.and_then(|check| check.permission_type.get()) {
        Some("ADMIN_WRITE") => return Category::Management,
        Some("ADMIN_READ" | "DATA_READ" | "DATA_WRITE") => return Category::Data,
        _ => {}
    }
    let named = first.and_then(|check| check.permission.get()).or_else(|| audit.method_name.get());
    let known = named.and_then(|name| Catalogue::bundled().provider(Provider::Gcp).find(name));
    match known.map(|action| action.logged) {
        Some(Logged::DataOffByDefault) => Category::Data,
        _ => Category::Management,
    }
}

fn region(entry: &Entry<'_>, audit: &Audit<'_>) -> Option<Text> {
    let labels = &entry.resource.labels;
    let label = labels.location.get().or_else(|| labels.region.get()).or_else(|| labels.zone.get());
    label.or_else(|| audit.place.current.0.first().and_then(|place| place.get())).map(Text::from)
}

/// The service of a method, for records that lost `serviceName`: `google.iam.admin.v1.…` → `iam.googleapis.com`,
/// `v1.compute.…` and `storage.objects.get` → the first word that is no version.
fn service_of(method: &str) -> String {
    let mut words =
        method.split('.').filter(|word| !matches!(*word, "google" | "cloud" | "v1" | "v2" | "beta" | "alpha"));
    match words.next() {
        Some("io") => "k8s.io".to_owned(),
        Some(word) if !word.is_empty() => format!("{word}.googleapis.com"),
        _ => String::new(),
    }
}
