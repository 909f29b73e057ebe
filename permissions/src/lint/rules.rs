//! Every rule in one place, each with the public page it follows.

use super::rule::{Rule, Severity, rules};

macro_rules! iam {
    ($page:literal) => {
        concat!("https://docs.aws.amazon.com/IAM/latest/UserGuide/", $page)
    };
}
macro_rules! organizations {
    ($page:literal) => {
        concat!("https://docs.aws.amazon.com/organizations/latest/userguide/", $page)
    };
}
macro_rules! azure {
    ($page:literal) => {
        concat!("https://learn.microsoft.com/azure/role-based-access-control/", $page)
    };
}
macro_rules! google {
    ($page:literal) => {
        concat!("https://cloud.google.com/iam/docs/", $page)
    };
}

/// IAM Access Analyzer's own list of checks.
const CHECKS: &str = iam!("access-analyzer-reference-policy-checks.html");
const GRAMMAR: &str = iam!("reference_policies_grammar.html");
const PRINCIPAL: &str = iam!("reference_policies_elements_principal.html");
const OPERATORS: &str = iam!("reference_policies_elements_condition_operators.html");
const SETS: &str = iam!("reference_policies_condition-single-vs-multi-valued-context-keys.html");
const GLOBAL_KEYS: &str = iam!("reference_policies_condition-keys.html");
const QUOTAS: &str = iam!("reference_iam-quotas.html");
const LEAST: &str = iam!("best-practices.html");
const SERVICES: &str = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html";
const DEPUTY: &str = iam!("confused-deputy.html");
const OIDC: &str = iam!("id_roles_create_for-idp_oidc.html");
const RCP: &str = organizations!("orgs_manage_policies_rcps_syntax.html");
const SCP: &str = organizations!("orgs_manage_policies_scps_syntax.html");
const CUSTOM: &str = azure!("custom-roles");
const DEFINITION: &str = azure!("role-definitions");
const AZURE_LEAST: &str = azure!("best-practices");
const GCP_ROLES: &str = google!("creating-custom-roles");
const GCP_POLICY: &str = "https://cloud.google.com/iam/docs/reference/rest/v1/Policy";
const GCP_CONDITIONS: &str = google!("conditions-overview");
const GCP_DENY: &str = google!("deny-overview");

rules! {
    JsonSyntax "json-syntax" Error "the file is not JSON" "correct the syntax at the place given" "https://www.rfc-editor.org/rfc/rfc8259";
    JsonDuplicateKey "json-duplicate-key" Error "a key stands twice in one object" "keep one: readers differ in which they take" "https://www.rfc-editor.org/rfc/rfc8259";
    UnknownDocument "json-unknown-document" Error "the file is no policy or role that is known here" "name its kind, or check that it is the right file" GRAMMAR;
    TooLarge "json-too-large" Error "the file is too large to be read whole" "split it" QUOTAS;

    AwsUnknownElement "aws-unknown-element" Error "an element that the policy language does not have" "correct its spelling: AWS refuses the policy" GRAMMAR;
    AwsMissingElement "aws-missing-element" Error "an element that the policy language requires is missing" "add it" GRAMMAR;
    AwsElementConflict "aws-element-conflict" Error "an element stands beside its own negation" "keep one of the two, or make two statements" GRAMMAR;
    AwsElementType "aws-element-type" Error "an element's value has the wrong JSON type" "write it as the grammar says" GRAMMAR;
    AwsEffect "aws-effect" Error "`Effect` is neither `Allow` nor `Deny`" "write `Allow` or `Deny`; case matters" GRAMMAR;
    AwsEmptyList "aws-empty-list" Warning "an empty list: the statement applies to nothing" "name something, or remove the statement" CHECKS;
    AwsVersionUnknown "aws-version-unknown" Error "a version of the policy language that does not exist" "write `2012-10-17`" iam!("reference_policies_elements_version.html");
    AwsVersionOld "aws-version-old" Warning "the old version of the policy language" "write `\"Version\": \"2012-10-17\"`, which policy variables need" iam!("reference_policies_elements_version.html");
    AwsVariableOldVersion "aws-variable-old-version" Error "a policy variable under the old version, where it is plain text" "write `\"Version\": \"2012-10-17\"`" iam!("reference_policies_variables.html");
    AwsPrincipalNotAllowed "aws-principal-not-allowed" Error "`Principal` in a policy that is attached to an identity or an account" "remove it, or attach the policy to the resource" CHECKS;
    AwsPrincipalMissing "aws-principal-missing" Error "a resource or trust policy that names nobody" "add `Principal`" PRINCIPAL;
    AwsPrincipalInvalid "aws-principal-invalid" Error "a principal that AWS does not accept" "name an account, an ARN, a service or an identity provider in full" PRINCIPAL;
    AwsPrincipalUniqueId "aws-principal-unique-id" Warning "a principal by unique id: the identity it named no longer exists" "name the identity that is meant, or remove it" PRINCIPAL;
    AwsResourceInTrust "aws-resource-in-trust" Error "`Resource` in a trust policy, which is about the role itself" "remove it" iam!("id_roles_update-role-trust-policy.html");
    AwsTrustAction "aws-trust-action" Error "an action in a trust policy that is not one of STS" "allow `sts:AssumeRole` or its kin alone" iam!("id_roles_update-role-trust-policy.html");
    AwsDuplicateSid "aws-duplicate-sid" Error "two statements with the same `Sid`" "give each its own" iam!("reference_policies_elements_sid.html");
    AwsInvalidSid "aws-invalid-sid" Error "a `Sid` with characters that IAM does not accept" "use ASCII letters and digits alone" iam!("reference_policies_elements_sid.html");
    AwsSize "aws-size" Error "the policy is larger than its kind may be" "shorten it with wildcards, or split it" QUOTAS;

    AwsMalformedAction "aws-malformed-action" Error "an action that has not the form `service:Name`" "write the service's prefix, a colon, and the action" iam!("reference_policies_elements_action.html");
    AwsUnknownService "aws-unknown-service" Warning "a service prefix that the catalogue does not have" "correct it" SERVICES;
    AwsUnknownAction "aws-unknown-action" Warning "an action that the catalogue does not have" "correct it: AWS accepts it, and it grants nothing" SERVICES;
    AwsPatternMatchesNothing "aws-pattern-matches-nothing" Warning "a pattern that matches no action" "correct it, or remove it" SERVICES;
    AwsArnMalformed "aws-arn-malformed" Error "a resource that is no ARN" "write `arn:partition:service:region:account:resource`, or `*`" iam!("reference-arns.html");
    AwsActionNeedsStar "aws-action-needs-star" Warning "an action without resource-level permissions on a narrow resource: it is not granted" "give it a statement of its own with `\"Resource\": \"*\"`" SERVICES;
    AwsActionOffResource "aws-action-off-resource" Warning "an action that acts on none of the statement's resources" "name a resource of a type that it acts on" SERVICES;
    AwsResourceOffAction "aws-resource-off-action" Warning "a resource on which none of the statement's actions act" "remove it, or correct its type" SERVICES;

    AwsUnknownOperator "aws-unknown-operator" Error "a condition operator that does not exist" "correct it" OPERATORS;
    AwsUnknownKey "aws-unknown-key" Warning "a condition key that does not exist" "correct it: a test of it never holds, and a negated one always does" GLOBAL_KEYS;
    AwsKeyNotForAction "aws-key-not-for-action" Warning "a condition key that none of the statement's actions has" "use a key of these actions, or a global one" SERVICES;
    AwsOperatorValue "aws-operator-value" Error "a value that is not of the operator's type" "write it as the operator expects" OPERATORS;
    AwsOperatorKey "aws-operator-key" Warning "an operator of another type than the key" "use the operator of the key's type" OPERATORS;
    AwsForAllValuesAllow "aws-for-all-values-allow" Warning "`ForAllValues` in an allow: it holds when the key is absent" "add `\"Null\": {\"key\": \"false\"}`, or use `ForAnyValue`" SETS;
    AwsForAnyValueNegated "aws-for-any-value-negated" Warning "`ForAnyValue` with a negated operator: one value outside the list is enough" "use `ForAllValues` with the negated operator, or the positive one" SETS;
    AwsSetOperatorSingle "aws-set-operator-single" Warning "a set operator on a key that has one value" "remove `ForAllValues:` or `ForAnyValue:`" SETS;
    AwsMissingSetOperator "aws-missing-set-operator" Warning "a key with many values and no set operator: the test never holds" "prefix `ForAllValues:` or `ForAnyValue:`" SETS;
    AwsMfaAbsent "aws-mfa-absent" Warning "a test of MFA that says nothing when the key is absent, as it is for access keys" "allow with `Bool`, deny with `BoolIfExists`" iam!("reference_policies_condition-keys.html#condition-keys-multifactorauthpresent");
    AwsNullContradiction "aws-null-contradiction" Warning "a key that must be absent and have a value" "remove one of the two tests" iam!("reference_policies_elements_condition_operators.html#Conditions_Null");
    AwsWildcardInEquals "aws-wildcard-in-equals" Warning "a wildcard under an operator that compares it literally" "use `StringLike` or `ArnLike`" OPERATORS;
    AwsConditionAlways "aws-condition-always" Warning "a condition that every request meets" "narrow it, or remove it" OPERATORS;
    AwsConditionOver "aws-condition-over" Warning "a condition on a time that is past" "remove the statement, or renew it" iam!("reference_policies_elements_condition_operators.html#Conditions_Date");
    AwsPrivateSourceIp "aws-private-source-ip" Warning "a private address in `aws:SourceIp`, which is the public one" "use `aws:VpcSourceIp` with `aws:SourceVpc`" GLOBAL_KEYS;

    AwsAdministrator "aws-administrator" Warning "full administrator" "grant what is used" LEAST;
    AwsServiceWildcard "aws-service-wildcard" Note "every action of a service on every resource" "name the actions, or the resources" LEAST;
    AwsAllowNotAction "aws-allow-not-action" Warning "`NotAction` with `Allow` grants all the rest, new services included" "list what is allowed" iam!("reference_policies_elements_notaction.html");
    AwsAllowNotResource "aws-allow-not-resource" Warning "`NotResource` with `Allow` grants all the rest" "list what is allowed" iam!("reference_policies_elements_notresource.html");
    AwsAllowNotPrincipal "aws-allow-not-principal" Warning "`NotPrincipal` with `Allow` grants everybody else, the anonymous included" "list who is allowed" iam!("reference_policies_elements_notprincipal.html");
    AwsPassRole "aws-pass-role" Warning "any role can be passed to any service" "name the roles, and `iam:PassedToService`" iam!("id_roles_use_passrole.html");
    AwsPublic "aws-public" Warning "anybody may, signed in or not" "name accounts, or require `aws:PrincipalOrgID`" PRINCIPAL;
    AwsTrustAnyone "aws-trust-anyone" Warning "anybody may assume the role" "name who may" iam!("id_roles_update-role-trust-policy.html");
    AwsTrustOutsider "aws-trust-outsider" Warning "another account may assume the role without an external id" "require `sts:ExternalId`, or your `aws:PrincipalOrgID`" iam!("id_roles_common-scenarios_third-party.html");
    AwsOidcSubject "aws-oidc-subject" Warning "everybody whom an identity provider vouches for may assume the role" "require the provider's `:sub`" OIDC;
    AwsOidcWideSubject "aws-oidc-wide-subject" Warning "a subject that anybody at the identity provider can have" "name the organization and the repository" OIDC;
    AwsOidcAudience "aws-oidc-audience" Note "a token meant for another audience is accepted" "require the provider's `:aud`" OIDC;
    AwsConfusedDeputy "aws-confused-deputy" Warning "a service may act here for anybody's account" "require `aws:SourceArn`, `aws:SourceAccount` or `aws:SourceOrgID`" DEPUTY;
    AwsEscalation "aws-escalation" Warning "permissions that lead to administrator" "limit one of them to named resources" "https://pathfinding.cloud";
    AwsCredentials "aws-credentials" Warning "credentials and secrets on every resource" "name the resources" LEAST;
    AwsExfiltration "aws-exfiltration" Warning "data of every resource" "name the resources" LEAST;
    AwsPermissions "aws-permissions" Warning "management of permissions on every resource" "name the resources" LEAST;
    AwsWrites "aws-writes" Note "changes to every resource" "name the resources" LEAST;

    AwsRedundantStatement "aws-redundant-statement" Note "a statement that another one covers" "remove it" CHECKS;
    AwsRedundantAction "aws-redundant-action" Note "an action that another one of the statement covers" "remove it" CHECKS;
    AwsRedundantResource "aws-redundant-resource" Note "a resource that another one of the statement covers" "remove it" CHECKS;
    AwsAllowDenied "aws-allow-denied" Warning "an allow that the same policy denies whole" "remove one of the two" CHECKS;
    AwsScpDeniesAll "aws-scp-denies-all" Warning "an SCP that denies everything to everybody" "add `NotAction` or a condition, unless the account is closed on purpose" SCP;
    AwsScpAllowNarrow "aws-scp-allow-narrow" Note "an SCP that allows a part: all the rest is denied, and nothing is granted by it" "keep `FullAWSAccess` and deny what is unwanted, unless an allow list is meant" organizations!("orgs_manage_policies_scps_evaluation.html");
    AwsRcpAllow "aws-rcp-allow" Error "an RCP that allows: only `RCPFullAWSAccess` may" "deny" RCP;
    AwsRcpPrincipal "aws-rcp-principal" Error "an RCP whose `Principal` is not `*`" "write `*` and narrow by conditions" RCP;
    AwsRcpAction "aws-rcp-action" Error "`*` alone as an action of an RCP" "name the services, such as `s3:*`" RCP;

    AzureUnknownElement "azure-unknown-element" Warning "an element that a role definition does not have" "correct its spelling: Azure ignores it" CUSTOM;
    AzureMissingElement "azure-missing-element" Error "an element that a custom role requires is missing" "add it" CUSTOM;
    AzureElementType "azure-element-type" Error "an element's value has the wrong JSON type" "write it as the definition's schema says" CUSTOM;
    AzureWildcard "azure-wildcard" Warning "every action of the control plane" "list what is used" AZURE_LEAST;
    AzureWildcardData "azure-wildcard-data" Warning "every action on every kind of data" "list what is used" AZURE_LEAST;
    AzureWildcardVerb "azure-wildcard-verb" Warning "one verb on every kind of resource" "name the resource types" AZURE_LEAST;
    AzureRootScope "azure-root-scope" Error "a custom role that can be assigned at the root" "name management groups, subscriptions or resource groups" CUSTOM;
    AzureScopeForm "azure-scope-form" Error "an assignable scope that Azure does not accept" "write the full id of a management group, subscription or resource group" CUSTOM;
    AzureScopeGroups "azure-scope-groups" Error "more than one management group among the assignable scopes" "keep one" CUSTOM;
    AzureMalformedAction "azure-malformed-action" Error "an action that has not the form `Company.Service/type/verb`" "correct it" DEFINITION;
    AzureUnknownProvider "azure-unknown-provider" Warning "a resource provider that the catalogue does not have" "correct it" azure!("resource-provider-operations");
    AzureUnknownAction "azure-unknown-action" Warning "an action that the catalogue does not have" "correct it" azure!("resource-provider-operations");
    AzurePatternMatchesNothing "azure-pattern-matches-nothing" Warning "a pattern that matches no action" "correct it, or remove it" azure!("resource-provider-operations");
    AzurePlane "azure-plane" Warning "an action of the other plane: it grants nothing here" "move it between the lists of actions and of data actions" DEFINITION;
    AzureDirectory "azure-directory" Error "an action of the Entra directory in a role for resources" "make an Entra role" DEFINITION;
    AzureEscalation "azure-escalation" Warning "permissions that lead to owner" "take them out, or assign the role with a condition" azure!("delegate-role-assignments-overview");
    AzureCredentials "azure-credentials" Warning "keys, secrets and credentials" "grant access by identity instead" AZURE_LEAST;
    AzureNotActionIdle "azure-not-action-idle" Note "an exclusion that excludes nothing" "remove it, or correct it" DEFINITION;
    AzureNotActionsNoDeny "azure-not-actions-no-deny" Warning "an exclusion of assigning roles that leaves other ways to grant them" "list what is allowed: exclusions are no deny" DEFINITION;
    AzureGrantsNothing "azure-grants-nothing" Warning "a role that grants nothing" "remove it, or correct its lists" DEFINITION;
    AzureRedundantAction "azure-redundant-action" Note "an action that another one covers" "remove it" DEFINITION;

    GcpUnknownElement "gcp-unknown-element" Warning "an element that the document does not have" "correct its spelling: Google refuses or ignores it" GCP_POLICY;
    GcpMissingElement "gcp-missing-element" Error "an element that the document requires is missing" "add it" GCP_POLICY;
    GcpElementType "gcp-element-type" Error "an element's value has the wrong JSON type" "write it as the schema says" GCP_POLICY;
    GcpUnknownPermission "gcp-unknown-permission" Warning "a permission that the catalogue does not have" "correct it" google!("permissions-reference");
    GcpWildcardPermission "gcp-wildcard-permission" Error "a wildcard in a custom role" "list the permissions" GCP_ROLES;
    GcpDuplicatePermission "gcp-duplicate-permission" Note "a permission that stands twice" "remove it" GCP_ROLES;
    GcpRoleLevel "gcp-role-level" Error "a permission of organizations or folders in a project's role" "make the role at the organization" GCP_ROLES;
    GcpRoleSize "gcp-role-size" Error "a custom role beyond its limits" "split it" "https://cloud.google.com/iam/quotas";
    GcpEscalation "gcp-escalation" Warning "permissions that lead to owner" "take them out, or grant the role on single service accounts" "https://cloud.google.com/iam/docs/best-practices-service-accounts";
    GcpBasicRole "gcp-basic-role" Warning "a basic role: thousands of permissions in every service" "grant predefined or custom roles" google!("using-iam-securely");
    GcpPublic "gcp-public" Warning "anybody may" "name members" google!("principals-overview");
    GcpUnknownRole "gcp-unknown-role" Warning "a predefined role that the catalogue does not have" "correct it" google!("roles-permissions");
    GcpMember "gcp-member" Error "a member of no known form" "write `user:`, `group:`, `serviceAccount:`, `domain:` or `principal://…`" google!("principal-identifiers");
    GcpDeletedMember "gcp-deleted-member" Note "a member that was deleted" "remove it" google!("principal-identifiers");
    GcpImpersonation "gcp-impersonation" Warning "impersonation of every service account of a project" "grant it on single service accounts" google!("service-account-permissions");
    GcpServiceAccountAdmin "gcp-service-account-admin" Warning "a service account with an administrator's role" "grant what its workload uses" "https://cloud.google.com/iam/docs/best-practices-service-accounts";
    GcpDuplicateBinding "gcp-duplicate-binding" Note "two bindings of one role and condition" "join them" GCP_POLICY;
    GcpEmptyBinding "gcp-empty-binding" Note "a binding without members" "remove it" GCP_POLICY;
    GcpConditionVersion "gcp-condition-version" Error "conditions in a policy whose version does not know them" "write `\"version\": 3`" google!("policies#versions");
    GcpConditionSyntax "gcp-condition-syntax" Error "a condition that is not CEL" "correct it" GCP_CONDITIONS;
    GcpConditionNever "gcp-condition-never" Warning "a condition that never holds" "remove the binding, or correct the condition" GCP_CONDITIONS;
    GcpConditionNotAllowed "gcp-condition-not-allowed" Error "a condition where Google allows none" "use another role, or name members" GCP_CONDITIONS;
    GcpDenyForm "gcp-deny-form" Error "a denied permission that has not the form `service.googleapis.com/resource.verb`" "write the service in full" google!("deny-permissions-support");
    GcpDenyUnknown "gcp-deny-unknown" Warning "a denied permission that the catalogue does not have" "correct it" google!("deny-permissions-support");
    GcpDenyIdentity "gcp-deny-identity" Error "an identity in the form of allow policies" "write `principal://…` or `principalSet://…`" google!("principal-identifiers");
    GcpDenyException "gcp-deny-exception" Warning "an exception that excepts everybody" "name who is excepted" GCP_DENY;
    GcpDenyIdle "gcp-deny-idle" Warning "a deny rule whose exceptions leave nothing" "remove it, or narrow the exceptions" GCP_DENY;
    GcpDenyCondition "gcp-deny-condition" Error "a deny rule's condition on something other than tags" "use `resource.matchTag` and its kin" GCP_DENY;
}

impl RuleId {
    /// What is said of it.
    #[must_use]
    pub fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }
}
