//! Azure operations: the bundled table, and what `az provider operation list` prints.

use std::sync::Arc;

use schemas::{AccessLevel, Provider, RiskClass};
use serde::Deserialize;
use smol_str::SmolStr;

use super::action::{ActionInfo, Logged, Plane, RiskSource};
use super::{ExtendError, ProviderCatalogue, risky};
use crate::bundled;

static ACTIONS: &[u8] = include_bytes!("../../data/azure_actions.tsv.gz");

/// Reads the bundled table: a name and its plane.
pub(super) fn bundled() -> ProviderCatalogue {
    let text = bundled::unpack(ACTIONS);
    let rows = bundled::lines(&text).filter_map(|line| line.split_once('\t'));
    let actions = rows.map(|(name, plane)| {
        action(
            name,
            match plane {
                "D" => Plane::Data,
                "E" => Plane::Directory,
                _ => Plane::Control,
            },
        )
    });
    ProviderCatalogue::new(Provider::Azure, actions.collect())
}

/// One resource provider of `az provider operation list`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProviderJson {
    #[serde(default)]
    operations: Vec<OperationJson>,
    #[serde(default)]
    resource_types: Vec<TypeJson>,
}

#[derive(Deserialize)]
struct TypeJson {
    #[serde(default)]
    operations: Vec<OperationJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OperationJson {
    name: String,
    #[serde(default)]
    is_data_action: bool,
}

/// Reads a list of resource providers, or one alone.
pub(super) fn from_json(json: &[u8]) -> Result<Vec<ActionInfo>, ExtendError> {
    let shape = |error| ExtendError::Shape(Provider::Azure, "az provider operation list", error);
    let providers: Vec<ProviderJson> = match json.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => vec![serde_json::from_slice(json).map_err(shape)?],
        _ => serde_json::from_slice(json).map_err(shape)?,
    };
    let operations = providers.into_iter().flat_map(|provider| {
        provider.operations.into_iter().chain(provider.resource_types.into_iter().flat_map(|t| t.operations))
    });
    let plane = |operation: &OperationJson| if operation.is_data_action { Plane::Data } else { Plane::Control };
    Ok(operations.filter(|o| !o.name.contains('*')).map(|o| action(&o.name, plane(&o))).collect())
}

fn action(name: &str, plane: Plane) -> ActionInfo {
    let service = name.split('/').next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let verb = verb(&lower);
    let level = level(&lower, verb, plane);
    let (risk, risk_source) = risk(&lower, verb, level, plane);
    ActionInfo {
        name: SmolStr::new(name),
        service: SmolStr::new(service),
        level: if level > AccessLevel::Read && manages_permissions(&lower, plane) {
            AccessLevel::Permissions
        } else {
            level
        },
        risk,
        risk_source,
        logged: logged(&lower, plane),
        plane,
        containers: container(name, plane),
    }
}

/// The word that says what is done: the last segment, or for `…/restart/action` the one before it.
fn verb(lower: &str) -> &str {
    let mut segments = lower.rsplit('/');
    match segments.next() {
        Some("action") => segments.next().unwrap_or_default(),
        last => last.unwrap_or_default(),
    }
}

fn level(lower: &str, verb: &str, plane: Plane) -> AccessLevel {
    if plane == Plane::Directory {
        return if verb == "read" || verb.starts_with("list") { AccessLevel::Read } else { AccessLevel::Write };
    }
    match verb {
        "read" => AccessLevel::Read,
        "write" | "delete" if lower.ends_with("/tags/write") || lower.ends_with("/tags/delete") => AccessLevel::Tag,
        "write" | "delete" => AccessLevel::Write,
        _ if lower.ends_with("/action") => risky::looks(verb).unwrap_or(AccessLevel::Write),
        _ => AccessLevel::Write,
    }
}

fn risk(lower: &str, verb: &str, level: AccessLevel, plane: Plane) -> (RiskClass, RiskSource) {
    let mut worst = (risky::of_level(level, risky::destroys(verb)), RiskSource::AccessLevel);
    let mut raise = |class: RiskClass, source: RiskSource| {
        if class > worst.0 {
            worst = (class, source);
        }
    };
    if plane == Plane::Data && level <= AccessLevel::Read && DATA.iter().any(|part| lower.contains(part)) {
        raise(RiskClass::DataExfiltration, RiskSource::Name);
    }
    if matches!(verb, "begingetaccess" | "exporttemplate") || lower.contains("/restorepoints/retrievesasuris") {
        raise(RiskClass::DataExfiltration, RiskSource::Name);
    }
    if level > AccessLevel::Read && manages_permissions(lower, plane) {
        raise(RiskClass::PermissionsManagement, RiskSource::Name);
    }
    if lower.ends_with("/action") && risky::hands_out_credential(verb) || CREDENTIALS.contains(&lower) {
        raise(RiskClass::CredentialAccess, RiskSource::Name);
    }
    if ESCALATES.contains(&lower) {
        raise(RiskClass::Escalation, RiskSource::EscalationPath);
    }
    worst
}

fn manages_permissions(lower: &str, plane: Plane) -> bool {
    lower.starts_with("microsoft.authorization/")
        || lower.contains("/accesspolicies/")
        || lower.contains("/accesspolicyassignments/")
        || lower.contains("roleassignments/")
        || lower.contains("roledefinitions/")
        || lower.contains("sqlroleassignments")
        || lower.contains("/authorizationrules/")
        || plane == Plane::Directory
            && ["/owners/", "/members/", "approleassign", "/policies/", "oauth2permissiongrants"]
                .iter()
                .any(|p| lower.contains(p))
}

/// Data-plane reads that hand out what customers store.
const DATA: [&str; 12] = [
    "microsoft.storage/storageaccounts/",
    "microsoft.documentdb/",
    "microsoft.eventhub/",
    "microsoft.servicebus/",
    "microsoft.appconfiguration/configurationstores/keyvalues",
    "microsoft.kusto/",
    "microsoft.healthcareapis/",
    "microsoft.containerregistry/registries/repositories/content",
    "microsoft.operationalinsights/workspaces/tables/data",
    "microsoft.purview/",
    "microsoft.search/searchservices/indexes/documents",
    "microsoft.cognitivesearch/indexes/documents",
];

/// Operations that hand out a secret without saying so in their verb.
const CREDENTIALS: [&str; 9] = [
    "microsoft.keyvault/vaults/secrets/getsecret/action",
    "microsoft.keyvault/vaults/secrets/backup/action",
    "microsoft.keyvault/vaults/keys/backup/action",
    "microsoft.keyvault/vaults/keys/release/action",
    "microsoft.web/sites/publishxml/action",
    "microsoft.storage/storageaccounts/listaccountsas/action",
    "microsoft.web/sites/config/list/action",
    "microsoft.logic/workflows/triggers/listcallbackurl/action",
    "microsoft.storage/storageaccounts/blobservices/generateuserdelegationkey/action",
];

/// Operations that lead to Owner alone, and those that every path through a managed identity needs.
const ESCALATES: [&str; 13] = [
    "microsoft.authorization/elevateaccess/action",
    "microsoft.authorization/roleassignments/write",
    "microsoft.authorization/roledefinitions/write",
    "microsoft.authorization/roleassignmentschedulerequests/write",
    "microsoft.authorization/roleeligibilityschedulerequests/write",
    "microsoft.compute/virtualmachines/extensions/write",
    "microsoft.compute/virtualmachines/runcommand/action",
    "microsoft.compute/virtualmachines/runcommands/write",
    "microsoft.managedidentity/userassignedidentities/assign/action",
    "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials/write",
    "microsoft.directory/roleassignments/allproperties/alltasks",
    "microsoft.directory/roledefinitions/allproperties/alltasks",
    "microsoft.directory/applications/credentials/update",
];

/// Azure Activity records writes, deletes and actions of the control plane, never its reads; data planes write resource
/// logs only where somebody switched them on; Entra's audit log is on.
fn logged(lower: &str, plane: Plane) -> Logged {
    match plane {
        Plane::Control if lower.ends_with("/read") => Logged::Never,
        Plane::Directory if lower.ends_with("read") => Logged::DataOffByDefault,
        Plane::Control | Plane::Directory => Logged::Management,
        Plane::Data => Logged::DataOffByDefault,
    }
}

/// The top-level resource type: `Microsoft.Storage/storageAccounts` for everything inside storage accounts.
fn container(name: &str, plane: Plane) -> Arc<[SmolStr]> {
    let segments: Vec<&str> = name.split('/').collect();
    let known = segments.len() >= 3 && plane != Plane::Directory && !segments[1].ends_with("/action");
    if !known || segments.len() == 3 && segments[2].eq_ignore_ascii_case("action") {
        return Arc::from([]);
    }
    Arc::from([SmolStr::from(format!("{}/{}", segments[0], segments[1]).to_ascii_lowercase())])
}
