//! What a JSON value is, by its members alone.

use schemas::Provider;

use super::list::List;
use super::walker::{elements, members, skip_space, unquoted};

/// A list of entitlements or of an inventory, as `RawGrant::list` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GrantList {
    AwsAuthorizationDetails,
    AwsResources,
    AzureRoleAssignments,
    AzureRoleDefinitions,
    AzureGroupMembers,
    AzureResources,
    GcpIamPolicy,
    GcpSearchAllIamPolicies,
    GcpRoles,
    GcpResources,
}

impl GrantList {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AwsAuthorizationDetails => "aws.authorization_details",
            Self::AwsResources => "aws.resources",
            Self::AzureRoleAssignments => "azure.role_assignments",
            Self::AzureRoleDefinitions => "azure.role_definitions",
            Self::AzureGroupMembers => "azure.group_members",
            Self::AzureResources => "azure.resources",
            Self::GcpIamPolicy => "gcp.iam_policy",
            Self::GcpSearchAllIamPolicies => "gcp.search_all_iam_policies",
            Self::GcpRoles => "gcp.roles",
            Self::GcpResources => "gcp.resources",
        }
    }

    pub(crate) fn provider(self) -> Provider {
        match self {
            Self::AwsAuthorizationDetails | Self::AwsResources => Provider::Aws,
            Self::AzureRoleAssignments
            | Self::AzureRoleDefinitions
            | Self::AzureGroupMembers
            | Self::AzureResources => Provider::Azure,
            Self::GcpIamPolicy | Self::GcpSearchAllIamPolicies | Self::GcpRoles | Self::GcpResources => Provider::Gcp,
        }
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A log record.
    Log(Provider),
    /// An entry of `aws cloudtrail lookup-events`, which holds the record as a string.
    Lookup,
    /// An object of an entitlement list, with its `object_kind`.
    Grant(GrantList, &'static str),
    /// A GCP policy: its bindings are the objects.
    Policy,
    /// Azure group ids, each with its members.
    Groups,
    /// Something else.
    Unknown,
}

/// The members that tell kinds apart; one bit each.
macro_rules! marks {
    ($($name:ident = $bit:literal : $($key:literal)|+;)+) => {
        $(const $name: u64 = 1 << $bit;)+
        fn mark(key: &[u8]) -> u64 {
            match key { $($($key)|+ => $name,)+ _ => 0 }
        }
    };
}

marks! {
    EVENT_VERSION = 0: b"eventVersion";
    EVENT_TIME = 1: b"eventTime";
    EVENT_SOURCE = 2: b"eventSource";
    EVENT_NAME = 3: b"eventName";
    EVENT_ID = 4: b"eventID";
    USER_IDENTITY = 5: b"userIdentity";
    RECIPIENT = 6: b"recipientAccountId";
    DIGEST = 7: b"digestS3Object" | b"digestStartTime";
    LOOKUP = 8: b"CloudTrailEvent";
    LOG_NAME = 9: b"logName" | b"logname" | b"log_name";
    PAYLOAD = 10: b"protoPayload" | b"protopayload" | b"proto_payload" | b"jsonPayload" | b"textPayload";
    INSERT_ID = 11: b"insertId" | b"insertid" | b"insert_id";
    OPERATION = 12: b"operationName" | b"operation_name" | b"OperationName";
    CATEGORY = 13: b"category" | b"Category";
    RESOURCE_ID = 14: b"resourceId" | b"resource_id" | b"ResourceId" | b"_ResourceId";
    AZURE_TIME = 15: b"eventTimestamp" | b"event_timestamp" | b"event_data_id" | b"eventDataId" | b"TimeGenerated";
    TIME = 16: b"time" | b"timestamp" | b"receiveTimestamp" | b"receivetimestamp";
    PROPERTIES = 17: b"properties" | b"Properties";
    CREATED = 18: b"createdDateTime" | b"activityDateTime";
    SIGN_IN = 19: b"userPrincipalName" | b"appDisplayName" | b"activityDisplayName" | b"servicePrincipalId";
    RESOURCE = 20: b"resource";
    PRINCIPAL_ID = 21: b"principalId";
    ROLE_DEFINITION_ID = 22: b"roleDefinitionId";
    ROLE_TYPE = 23: b"roleType" | b"roleName";
    PERMISSIONS = 24: b"permissions";
    GROUP_ID = 25: b"groupId" | b"group_id";
    GROUP_MEMBERS = 26: b"members";
    BINDINGS = 27: b"bindings";
    ETAG = 28: b"etag";
    POLICY = 29: b"policy";
    ASSET_TYPE = 30: b"assetType";
    NAME = 31: b"name";
    INCLUDED = 32: b"includedPermissions";
    TITLE = 33: b"title";
    STAGE = 34: b"stage";
    RESOURCE_ARN = 35: b"ResourceARN";
    ID = 36: b"id";
    TYPE = 37: b"type";
    LOCATION = 38: b"location" | b"resourceGroup";
    USER_NAME = 39: b"UserName";
    GROUP_NAME = 40: b"GroupName";
    ROLE_NAME = 41: b"RoleName";
    POLICY_NAME = 42: b"PolicyName";
    ODATA_TYPE = 43: b"@odata.type" | b"odata.type";
    LEVEL = 44: b"level" | b"Level";
    ROLES_OF = 45: b"assignableScopes";
    VERSION = 46: b"version";
}

/// Recognises a value. A list that holds one cloud's logs alone decides for all that stands in it.
pub(crate) fn of(value: &[u8], list: Option<List>) -> Kind {
    if value.first() != Some(&b'{') {
        return Kind::Unknown;
    }
    if let Some(provider) = list.filter(|list| *list != List::Events).and_then(List::logs_of) {
        return Kind::Log(provider);
    }
    let mut marks = 0;
    let (mut n_members, mut n_groups) = (0_usize, 0_usize);
    for (key, inner) in members(value) {
        marks |= mark(key);
        n_members += 1;
        n_groups += usize::from(is_guid(key) && inner.first() == Some(&b'['));
    }
    let all = |wanted: u64| marks & wanted == wanted;
    match list {
        Some(List::Events) if all(LOOKUP) => return Kind::Lookup,
        Some(List::Users) if all(USER_NAME) => return Kind::Grant(GrantList::AwsAuthorizationDetails, "user"),
        Some(List::Groups) if all(GROUP_NAME) => return Kind::Grant(GrantList::AwsAuthorizationDetails, "group"),
        Some(List::Roles) if all(ROLE_NAME) => return Kind::Grant(GrantList::AwsAuthorizationDetails, "role"),
        Some(List::Policies) if all(POLICY_NAME) => return Kind::Grant(GrantList::AwsAuthorizationDetails, "policy"),
        Some(List::Events) => return Kind::Log(Provider::Aws),
        _ => {}
    }
    if n_members > 0 && n_groups == n_members {
        return Kind::Groups;
    }
    log(marks).or_else(|| grant(value, marks)).unwrap_or(Kind::Unknown)
}

fn log(marks: u64) -> Option<Kind> {
    let all = |wanted: u64| marks & wanted == wanted;
    let any = |wanted: u64| marks & wanted != 0;
    let count = |wanted: u64| (marks & wanted).count_ones();
    if all(LOOKUP) {
        return Some(Kind::Lookup);
    }
    let cloudtrail = EVENT_VERSION | EVENT_TIME | EVENT_SOURCE | EVENT_NAME | EVENT_ID | USER_IDENTITY | RECIPIENT;
    if count(cloudtrail) >= 2 && any(EVENT_SOURCE | EVENT_VERSION | EVENT_TIME) || all(DIGEST) {
        return Some(Kind::Log(Provider::Aws));
    }
    if all(PAYLOAD) && any(LOG_NAME | INSERT_ID | RESOURCE | TIME) || all(LOG_NAME | INSERT_ID) {
        return Some(Kind::Log(Provider::Gcp));
    }
    let operation = all(OPERATION) && any(CATEGORY | RESOURCE_ID | TIME | AZURE_TIME);
    let activity = all(AZURE_TIME) && any(RESOURCE_ID | CATEGORY | OPERATION);
    let resource_log = all(CATEGORY | TIME) && any(PROPERTIES | RESOURCE_ID);
    let entra = all(CREATED | SIGN_IN) && !any(ODATA_TYPE);
    (operation || activity || resource_log || entra).then_some(Kind::Log(Provider::Azure))
}

fn grant(value: &[u8], marks: u64) -> Option<Kind> {
    use GrantList as L;
    let all = |wanted: u64| marks & wanted == wanted;
    let any = |wanted: u64| marks & wanted != 0;
    if all(RESOURCE_ARN) {
        return Some(Kind::Grant(L::AwsResources, "resource"));
    }
    if all(PRINCIPAL_ID | ROLE_DEFINITION_ID) {
        return Some(Kind::Grant(L::AzureRoleAssignments, "assignment"));
    }
    if all(ROLE_TYPE | PERMISSIONS) || all(ROLE_TYPE | ROLES_OF) {
        return Some(Kind::Grant(L::AzureRoleDefinitions, "definition"));
    }
    if all(GROUP_MEMBERS) && any(GROUP_ID | ID) {
        return Some(Kind::Grant(L::AzureGroupMembers, "group"));
    }
    if all(RESOURCE | POLICY) {
        return Some(Kind::Grant(L::GcpSearchAllIamPolicies, "policy"));
    }
    if all(ASSET_TYPE | NAME) {
        return Some(Kind::Grant(L::GcpResources, "resource"));
    }
    if all(BINDINGS) && any(ETAG | VERSION) {
        return Some(Kind::Policy);
    }
    if all(NAME) && (all(INCLUDED) || all(TITLE) && any(STAGE | ETAG)) {
        return Some(Kind::Grant(L::GcpRoles, "role"));
    }
    if all(ID | NAME | TYPE) && (any(LOCATION) || all(PROPERTIES)) {
        return Some(azure_resource(value));
    }
    // `az ad group member list`: directory objects; the group is told by the folder or the file.
    (all(ID) && any(ODATA_TYPE | SIGN_IN)).then_some(Kind::Grant(L::AzureGroupMembers, "member"))
}

/// Azure's REST answers wrap assignments and definitions like any resource.
fn azure_resource(value: &[u8]) -> Kind {
    let kind =
        members(value).find(|(key, _)| *key == b"type").and_then(|(_, inner)| unquoted(inner)).unwrap_or_default();
    if kind.eq_ignore_ascii_case(b"Microsoft.Authorization/roleAssignments") {
        Kind::Grant(GrantList::AzureRoleAssignments, "assignment")
    } else if kind.eq_ignore_ascii_case(b"Microsoft.Authorization/roleDefinitions") {
        Kind::Grant(GrantList::AzureRoleDefinitions, "definition")
    } else {
        Kind::Grant(GrantList::AzureResources, "resource")
    }
}

/// Whether a text is a GUID, with hyphens.
pub(crate) fn is_guid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(place, byte)| {
            if matches!(place, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() }
        })
}

/// The member of an object by its name, raw.
pub(crate) fn member_of<'b>(object: &'b [u8], name: &[u8]) -> Option<&'b [u8]> {
    members(object).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A string member by its name, without escapes undone.
pub(crate) fn text_of<'b>(object: &'b [u8], name: &[u8]) -> Option<&'b str> {
    unquoted(member_of(object, name)?).and_then(|text| std::str::from_utf8(text).ok())
}

/// The elements of an array member.
pub(crate) fn elements_of<'b>(object: &'b [u8], name: &[u8]) -> impl Iterator<Item = &'b [u8]> {
    let array = member_of(object, name).unwrap_or_default();
    elements(array.get(skip_space(array, 0)..).unwrap_or_default())
}
