//! Where services differ from the general rules.

use super::actions::Action;
use super::identity::{Form, Identity};

/// Services whose resources RCPs limit, in order (AWS Organizations: Resource control policies, «List of AWS services that
/// support RCPs», <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>).
const WITH_RCPS: [&str; 62] = [
    "aoss",
    "appconfig",
    "appstream",
    "autoscaling",
    "autoscaling-plans",
    "budgets",
    "clouddirectory",
    "cloudfront",
    "cloudsearch",
    "cloudtrail-data",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "comprehendmedical",
    "compute-optimizer",
    "cost-optimization-hub",
    "dax",
    "dsql",
    "dynamodb",
    "ecr",
    "ecr-public",
    "events",
    "firehose",
    "fis",
    "fms",
    "gamelift",
    "health",
    "inspector-scan",
    "kendra",
    "kinesisvideo",
    "kms",
    "logs",
    "memorydb",
    "networkmonitor",
    "notifications",
    "opensearch",
    "pca-connector-ad",
    "personalize",
    "polly",
    "pricing",
    "resource-groups",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "signin",
    "sqs",
    "sts",
    "support",
    "swf",
    "textract",
    "timestream-influxdb",
    "transcribe",
    "transfer",
    "translate",
    "wafv2",
    "workspaces",
    "xray",
];

/// Whether an action needs no permission, so that no policy can take it away (AWS STS API reference: `GetCallerIdentity`,
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>, and `GetSessionToken`,
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>, «Permissions»).
pub(super) fn needs_no_permission(action: &Action, identity: &Identity) -> bool {
    if action.service() != "sts" {
        return false;
    }
    match action.name() {
        "getcalleridentity" => identity.account().is_some(),
        "getsessiontoken" => matches!(identity.form(), Form::User | Form::Root),
        _ => false,
    }
}

/// Whether the resource's own policy must allow even within an account: the policy of a KMS key (AWS KMS: Key policies,
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html>) and the trust policy of a role (Policy
/// evaluation for requests within a single account, «Resource-based policies»).
pub(super) fn own_policy_must_allow(action: &Action, resource: &str) -> bool {
    match action.service() {
        "kms" => is_of(resource, "kms", "key/"),
        "sts" => is_trust(action) && is_of(resource, "iam", "role/"),
        _ => false,
    }
}

/// Whether a resource-based policy counts at all. IAM's only one is the trust policy, which is asked by STS and not by
/// IAM's own actions, `iam:PassRole` among them (IAM: How permissions and policies provide access management).
pub(super) fn has_own_policy(action: &Action) -> bool {
    action.service() != "iam"
}

/// Whether RCPs limit a request. Not: services without support, service-linked roles and who assumes them,
/// `kms:RetireGrant` (Resource control policies, «Resources and entities not restricted by RCPs»).
pub(super) fn rcps_apply(action: &Action, resource: &str, identity: &Identity) -> bool {
    let service = action.service();
    let supported = WITH_RCPS.binary_search(&service).is_ok();
    let retires = service == "kms" && action.name() == "retiregrant";
    supported && !retires && !identity.is_service_linked() && !is_of(resource, "iam", "role/aws-service-role/")
}

/// Whether RCPs limit an action of a catalogue, on whatever resource; see [`rcps_apply`].
pub(crate) fn limited_by_rcps(action: &str) -> bool {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    WITH_RCPS.binary_search(&service).is_ok() && !(service == "kms" && name.eq_ignore_ascii_case("RetireGrant"))
}

/// Whether SCPs limit an identity: whoever belongs to an account, its root user included, but no service-linked role
/// (Service control policies, «Tasks and entities not restricted by SCPs»,
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>).
pub(super) fn scps_apply(identity: &Identity) -> bool {
    identity.account().is_some() && !identity.is_service_linked()
}

/// Whether the root user of a bucket's account asks for the bucket's policy, which that policy cannot take from it (Amazon
/// S3 API reference: `PutBucketPolicy`, <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>).
pub(super) fn is_root_on_bucket_policy(action: &Action, identity: &Identity, same_account: bool) -> bool {
    same_account
        && identity.form() == Form::Root
        && action.service() == "s3"
        && matches!(action.name(), "getbucketpolicy" | "putbucketpolicy" | "deletebucketpolicy")
}

/// Actions that ask a role's trust policy (AWS STS API reference; Passing session tags in AWS STS).
fn is_trust(action: &Action) -> bool {
    matches!(
        action.name(),
        "assumerole" | "assumerolewithsaml" | "assumerolewithwebidentity" | "tagsession" | "setsourceidentity"
    )
}

/// Whether a resource's ARN is of a service and of a type.
fn is_of(resource: &str, service: &str, kind: &str) -> bool {
    let mut parts = resource.splitn(6, ':');
    parts.next() == Some("arn")
        && parts.nth(1) == Some(service)
        && parts.nth(2).is_some_and(|rest| rest.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_services_is_in_order() {
        assert!(WITH_RCPS.is_sorted());
    }
}
