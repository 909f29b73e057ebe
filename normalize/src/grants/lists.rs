//! What becomes of each list of raw grants.

/// How a list is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Use {
    /// It names who holds what.
    pub(super) rows: bool,
    /// Rows of other lists rest on what it says: roles, groups, when an identity was last used.
    pub(super) facts: bool,
    /// It names resources or what lies above an account, and nothing else.
    pub(super) inventory: bool,
    /// It is a piece of an AWS organization.
    pub(super) organization: bool,
}

/// A list's name without the part.
pub(super) fn base(list: &str) -> &str {
    list.split('/').next().unwrap_or(list)
}

/// How a list, or a part of one, is used. A list that nobody knows names who holds what, and its objects are rejected.
pub(super) fn use_of(list: &str) -> Use {
    let none = Use::default();
    match base(list) {
        "aws.organizations" => Use { organization: true, ..none },
        "aws.credential_report"
        | "aws.service_last_accessed"
        | "azure.role_assignment_schedules"
        | "azure.role_assignment_schedule_instances" => Use { rows: true, facts: true, ..none },
        "azure.role_definitions" | "azure.group_members" | "gcp.roles" | "gcp.group_members" => {
            Use { facts: true, ..none }
        }
        "aws.resources"
        | "azure.resources"
        | "gcp.resources"
        | "azure.management_groups"
        | "azure.management_entities"
        | "gcp.ancestors"
        | "gcp.service_account_keys" => Use { inventory: true, ..none },
        _ => Use { rows: true, ..none },
    }
}

/// Whether a list of one account tells of others: of what lies above the subscriptions of a tenant,
/// the accounts of an organization.
pub(super) fn tells_of_others(list: &str) -> bool {
    matches!(base(list), "azure.management_groups" | "azure.management_entities" | "aws.organizations")
}

/// The list of one AWS resource's policy, made of those that tell it.
pub(super) const RESOURCE_POLICY: &str = "aws.resource_policy";

/// Whether a list tells the policies of AWS resources.
pub(super) fn is_of_resources(list: &str) -> bool {
    matches!(base(list), RESOURCE_POLICY | "aws.config" | "aws.resource_policies")
}

/// Whether a list only adds to what another says of identities.
pub(super) fn tells_of_lives(list: &str) -> bool {
    matches!(base(list), "aws.credential_report" | "aws.service_last_accessed")
}
