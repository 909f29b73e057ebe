//! Entitlements, inventories and facts about them, by their members.

use memchr::memmem;

use super::*;

/// A whole answer of a cloud's command that one member gives away.
pub(super) fn answer(key: &[u8], inner: &[u8]) -> Option<Kind> {
    use GrantList as L;
    let (is_list, is_object) = (inner.first() == Some(&b'['), inner.first() == Some(&b'{'));
    Some(match key {
        b"Policy" if is_object && member_of(inner, b"PolicySummary").is_some() => {
            Kind::Grant(L::AwsOrganizations, "policy")
        }
        // `get-bucket-policy`, `get-key-policy` and their like of other services.
        b"Policy" | b"ResourcePolicy" | b"policyText" if is_document(inner) => {
            Kind::Grant(L::AwsResourcePolicies, "policy")
        }
        // `get-queue-attributes`, `get-topic-attributes`; without a policy they say that there is none.
        b"Attributes" if is_object && is_of_queue(inner) => Kind::Grant(L::AwsResourcePolicies, "policy"),
        b"Targets" if is_list => Kind::Grant(L::AwsOrganizations, "targets"),
        b"Parents" if is_list => Kind::Grant(L::AwsOrganizations, "parents"),
        b"Children" if is_list => Kind::Grant(L::AwsOrganizations, "children"),
        b"Accounts" if is_list => Kind::Grant(L::AwsOrganizations, "accounts"),
        b"Roots" if is_list => Kind::Grant(L::AwsOrganizations, "roots"),
        b"OrganizationalUnits" if is_list => Kind::Grant(L::AwsOrganizations, "units"),
        b"Organization" if is_object => Kind::Grant(L::AwsOrganizations, "organization"),
        b"ServicesLastAccessed" if is_list => Kind::Grant(L::AwsServiceLastAccessed, "last_accessed"),
        b"ReportFormat" => Kind::Grant(L::AwsCredentialReport, "encoded"),
        b"ancestor" if is_list => Kind::Grant(L::GcpAncestors, "ancestry"),
        _ => return None,
    })
}

/// Whether attributes are those of a queue or a topic, and name it.
fn is_of_queue(attributes: &[u8]) -> bool {
    [&b"QueueArn"[..], b"TopicArn"].iter().any(|name| member_of(attributes, name).is_some())
}

/// Whether a text is a policy's document.
fn is_document(text: &[u8]) -> bool {
    text.first() == Some(&b'"') && memmem::find(text, b"Statement").is_some()
}

/// What the members together tell.
pub(super) fn of(value: &[u8], marks: u64, n_members: usize) -> Option<Kind> {
    let all = |wanted: u64| marks & wanted == wanted;
    if all(RESOURCE_ARN) {
        return Some(Kind::Grant(GrantList::AwsResources, "resource"));
    }
    by_type(value, marks).or_else(|| azure(marks)).or_else(|| gcp(value, marks, n_members)).or_else(|| {
        let is_resource = all(ID | NAME | TYPE) && (marks & LOCATION != 0 || all(PROPERTIES));
        is_resource.then_some(Kind::Grant(GrantList::AzureResources, "resource")).or_else(|| member(marks))
    })
}

/// Azure's REST answers wrap everything like a resource, with its type.
fn by_type(value: &[u8], marks: u64) -> Option<Kind> {
    use GrantList as L;
    if marks & (ID | TYPE) != ID | TYPE {
        return None;
    }
    let kind = text_of(value, b"type")?.trim_start_matches("/providers/").to_ascii_lowercase();
    let inner = || member_of(value, b"properties").and_then(|inner| member_of(inner, b"parentNameChain"));
    let has_chain = marks & PARENT_CHAIN != 0 || inner().is_some();
    let (list, kind) = match kind.as_str() {
        "microsoft.authorization/roleassignments" => (L::AzureRoleAssignments, "assignment"),
        "microsoft.authorization/roledefinitions" => (L::AzureRoleDefinitions, "definition"),
        "microsoft.authorization/denyassignments" => (L::AzureDenyAssignments, "deny_assignment"),
        "microsoft.authorization/roleeligibilityschedules" => (L::AzureEligibilitySchedules, "eligibility"),
        "microsoft.authorization/roleeligibilityscheduleinstances" => (L::AzureEligibilityInstances, "eligibility"),
        "microsoft.authorization/roleassignmentschedules" => (L::AzureAssignmentSchedules, "schedule"),
        "microsoft.authorization/roleassignmentscheduleinstances" => (L::AzureAssignmentInstances, "schedule"),
        "microsoft.authorization/classicadministrators" => (L::AzureClassicAdministrators, "administrator"),
        "microsoft.management/managementgroups" | "/subscriptions" if has_chain => {
            (L::AzureManagementEntities, "entity")
        }
        "microsoft.management/managementgroups" => (L::AzureManagementGroups, "management_group"),
        _ => return None,
    };
    Some(Kind::Grant(list, kind))
}

fn azure(marks: u64) -> Option<Kind> {
    use GrantList as L;
    let all = |wanted: u64| marks & wanted == wanted;
    let any = |wanted: u64| marks & wanted != 0;
    if all(PRINCIPAL_ID | ROLE_DEFINITION_ID) {
        return Some(Kind::Grant(L::AzureRoleAssignments, "assignment"));
    }
    if all(DENIES | PERMISSIONS) {
        return Some(Kind::Grant(L::AzureDenyAssignments, "deny_assignment"));
    }
    if all(ROLE_TYPE | PERMISSIONS) || all(ROLE_TYPE | ROLES_OF) {
        return Some(Kind::Grant(L::AzureRoleDefinitions, "definition"));
    }
    (all(GROUP_MEMBERS) && any(GROUP_ID | ID)).then_some(Kind::Grant(L::AzureGroupMembers, "group"))
}

fn gcp(value: &[u8], marks: u64, n_members: usize) -> Option<Kind> {
    use GrantList as L;
    let all = |wanted: u64| marks & wanted == wanted;
    let any = |wanted: u64| marks & wanted != 0;
    let grant = if all(RESOURCE | POLICY) {
        (L::GcpSearchAllIamPolicies, "policy")
    } else if all(ASSET_TYPE | NAME | IAM_POLICY) {
        (L::GcpAssetIamPolicies, "policy")
    } else if all(ASSET_TYPE | NAME) {
        (L::GcpResources, "resource")
    } else if all(BINDINGS) && any(ETAG | VERSION) {
        return Some(Kind::Policy);
    } else if all(NAME) && any(RULES | KIND) && is_deny_policy(value) {
        (L::GcpDenyPolicies, "deny_policy")
    } else if all(NAME | EMAIL | UNIQUE_ID) {
        (L::GcpServiceAccounts, "service_account")
    } else if all(NAME | KEY_TYPE) {
        (L::GcpServiceAccountKeys, "key")
    } else if all(MEMBER_KEY) {
        (L::GcpGroupMembers, "member")
    } else if any(MEMBERSHIPS) || all(GROUP_MEMBERS) && lists_objects(value) {
        return Some(Kind::GcpGroup);
    } else if all(NAME) && (all(INCLUDED) || all(TITLE) && any(STAGE | ETAG)) {
        (L::GcpRoles, "role")
    } else if n_members == 2 && all(ID | TYPE) && is_level(text_of(value, b"type")?) {
        (L::GcpAncestors, "ancestor")
    } else {
        return None;
    };
    Some(Kind::Grant(grant.0, grant.1))
}

fn is_deny_policy(value: &[u8]) -> bool {
    text_of(value, b"name").is_some_and(|name| name.starts_with("policies/") && name.contains("/denypolicies/"))
}

/// Members of a group are objects, those of a binding are texts.
fn lists_objects(value: &[u8]) -> bool {
    elements_of(value, b"members").next().is_some_and(|first| first.first() == Some(&b'{'))
}

fn is_level(word: &str) -> bool {
    matches!(word, "project" | "folder" | "organization")
}

/// `az ad group member list`: directory objects; the group is told by the file.
fn member(marks: u64) -> Option<Kind> {
    let is_member = marks & ID != 0 && marks & (ODATA_TYPE | SIGN_IN) != 0;
    is_member.then_some(Kind::Grant(GrantList::AzureGroupMembers, "member"))
}
