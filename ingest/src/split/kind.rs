//! What a JSON value is, by its members alone.

mod grant;

use schemas::Provider;

pub(crate) use super::grant_list::GrantList;
use super::list::List;
use super::walker::{elements, members, skip_space, unquoted};

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
    /// The members of the one GCP group that the file is about, or that the object names.
    GcpGroup,
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
    PRINCIPAL_ID = 21: b"principalId" | b"principal_id";
    ROLE_DEFINITION_ID = 22: b"roleDefinitionId" | b"role_definition_id";
    ROLE_TYPE = 23: b"roleType" | b"roleName" | b"role_type" | b"role_name";
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
    ODATA_TYPE = 43: b"@odata.type" | b"odata.type" | b"odata_type";
    LEVEL = 44: b"level" | b"Level";
    ROLES_OF = 45: b"assignableScopes" | b"assignable_scopes";
    VERSION = 46: b"version";
    EMAIL = 47: b"email";
    UNIQUE_ID = 48: b"uniqueId";
    KEY_TYPE = 49: b"keyType";
    IAM_POLICY = 50: b"iamPolicy" | b"iam_policy";
    MEMBER_KEY = 51: b"preferredMemberKey";
    DENIES = 52: b"denyAssignmentName" | b"deny_assignment_name" | b"excludePrincipals" | b"exclude_principals";
    PARENT_CHAIN = 53: b"parentNameChain" | b"parent_name_chain" | b"parentDisplayNameChain";
    TENANT = 54: b"tenantId" | b"tenant_id";
    RULES = 55: b"rules";
    KIND = 56: b"kind";
    ORG_POLICY = 57: b"AwsManaged";
    MEMBERSHIPS = 58: b"memberships";
    RESOURCE_TYPE = 59: b"resourceType";
}

/// Recognises a value. A list that holds one cloud's logs alone decides for all that stands in it.
pub(crate) fn of(value: &[u8], list: Option<List>) -> Kind {
    if list == Some(List::CredentialReport) {
        return Kind::Grant(GrantList::AwsCredentialReport, "report");
    }
    if value.first() != Some(&b'{') {
        return Kind::Unknown;
    }
    if let Some(provider) = list.filter(|list| *list != List::Events).and_then(List::logs_of) {
        return Kind::Log(provider);
    }
    let mut marks = 0;
    let (mut n_members, mut n_groups, mut answer) = (0_usize, 0_usize, None);
    for (key, inner) in members(value) {
        marks |= mark(key);
        answer = answer.or_else(|| grant::answer(key, inner));
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
        Some(List::Policies) if all(ORG_POLICY) => return Kind::Grant(GrantList::AwsOrganizations, "summary"),
        Some(List::ConfigItems) if all(RESOURCE_TYPE) => return Kind::Grant(GrantList::AwsConfig, "item"),
        Some(List::Events) => return Kind::Log(Provider::Aws),
        _ => {}
    }
    if n_members > 0 && n_groups == n_members {
        return Kind::Groups;
    }
    log(marks).or(answer).or_else(|| grant::of(value, marks, n_members)).unwrap_or(Kind::Unknown)
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
