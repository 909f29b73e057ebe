//! The lists of entitlements and inventories, as `RawGrant::list` names them.

use schemas::Provider;

macro_rules! lists {
    ($($(#[$doc:meta])* $variant:ident => $provider:ident $name:literal),+ $(,)?) => {
        /// A list of entitlements, or of facts about them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum GrantList { $($(#[$doc])* $variant),+ }

        impl GrantList {
            /// Its name; a part of a list has a name of its own behind a `/`.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The cloud.
            pub(crate) fn provider(self) -> Provider {
                match self { $(Self::$variant => Provider::$provider),+ }
            }
        }
    };
}

lists! {
    AwsAuthorizationDetails => Aws "aws.authorization_details",
    /// In parts, one for each answer: of a policy, a parent, a target.
    AwsOrganizations => Aws "aws.organizations",
    AwsCredentialReport => Aws "aws.credential_report",
    /// In parts, one for each identity.
    AwsServiceLastAccessed => Aws "aws.service_last_accessed",
    AwsResources => Aws "aws.resources",
    /// In parts: one for each region of a snapshot, else one for each resource.
    AwsConfig => Aws "aws.config",
    /// In parts, one for each resource.
    AwsResourcePolicies => Aws "aws.resource_policies",
    AzureRoleAssignments => Azure "azure.role_assignments",
    AzureRoleDefinitions => Azure "azure.role_definitions",
    AzureDenyAssignments => Azure "azure.deny_assignments",
    AzureEligibilitySchedules => Azure "azure.role_eligibility_schedules",
    AzureEligibilityInstances => Azure "azure.role_eligibility_schedule_instances",
    AzureAssignmentSchedules => Azure "azure.role_assignment_schedules",
    AzureAssignmentInstances => Azure "azure.role_assignment_schedule_instances",
    AzureClassicAdministrators => Azure "azure.classic_administrators",
    /// Whole, or in parts, one for each group.
    AzureGroupMembers => Azure "azure.group_members",
    /// In parts, one for each group that was asked for.
    AzureManagementGroups => Azure "azure.management_groups",
    AzureManagementEntities => Azure "azure.management_entities",
    AzureResources => Azure "azure.resources",
    GcpIamPolicy => Gcp "gcp.iam_policy",
    GcpSearchAllIamPolicies => Gcp "gcp.search_all_iam_policies",
    GcpAssetIamPolicies => Gcp "gcp.asset_iam_policies",
    /// Whole, or in parts, one for each policy.
    GcpDenyPolicies => Gcp "gcp.deny_policies",
    GcpRoles => Gcp "gcp.roles",
    /// In parts, one for each group.
    GcpGroupMembers => Gcp "gcp.group_members",
    GcpServiceAccounts => Gcp "gcp.service_accounts",
    /// In parts, one for each service account.
    GcpServiceAccountKeys => Gcp "gcp.service_account_keys",
    GcpAncestors => Gcp "gcp.ancestors",
    GcpResources => Gcp "gcp.resources",
}
