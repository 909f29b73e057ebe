//! From CloudTrail's `eventSource` to the prefix of IAM actions, where the two differ.

use schemas::Provider;

use crate::catalogue::Catalogue;

/// Event sources whose first label is not the IAM prefix. From the service authorization reference, which lists the
/// prefixes, and from `eventSource` values of real records.
const DIFFERENT: [(&str, &str); 51] = [
    ("agreement-marketplace", "aws-marketplace"),
    ("amp", "aps"),
    ("api.ecr", "ecr"),
    ("api.ecr-public", "ecr-public"),
    ("api.pricing", "pricing"),
    ("api.sagemaker", "sagemaker"),
    ("application-insights", "applicationinsights"),
    ("appregistry", "servicecatalog"),
    ("appstream2", "appstream"),
    ("aws-marketplace-management", "aws-marketplace-management"),
    ("bedrock-agent", "bedrock"),
    ("bedrock-agent-runtime", "bedrock"),
    ("bedrock-runtime", "bedrock"),
    ("billingconsole", "billing"),
    ("catalog.marketplace", "aws-marketplace"),
    ("cloudcontrolapi", "cloudformation"),
    ("codestar-connections", "codestar-connections"),
    ("compute-optimizer", "compute-optimizer"),
    ("connect-campaigns", "connect-campaigns"),
    ("contact-lens", "connect"),
    ("data.iot", "iot"),
    ("data.jobs.iot", "iotjobsdata"),
    ("data.mediastore", "mediastore"),
    ("discovery-marketplace", "aws-marketplace"),
    ("edge.sagemaker", "sagemaker"),
    ("elasticmapreduce-containers", "emr-containers"),
    ("email", "ses"),
    ("entitlement-marketplace", "aws-marketplace"),
    ("entitlement.marketplace", "aws-marketplace"),
    ("iotdata", "iot"),
    ("lex-models", "lex"),
    ("lookoutvision", "lookoutvision"),
    ("metering-marketplace", "aws-marketplace"),
    ("metering.marketplace", "aws-marketplace"),
    ("models-v2-lex", "lex"),
    ("models.lex", "lex"),
    ("monitoring", "cloudwatch"),
    ("mturk-requester", "mechanicalturk"),
    ("oam", "oam"),
    ("opensearch", "es"),
    ("pinpoint", "mobiletargeting"),
    ("portal.sso", "sso"),
    ("rdsdata", "rds-data"),
    ("runtime-v2-lex", "lex"),
    ("runtime.lex", "lex"),
    ("runtime.sagemaker", "sagemaker"),
    ("s3-control", "s3"),
    ("servicecatalog-appregistry", "servicecatalog"),
    ("sms-voice.pinpoint", "sms-voice"),
    ("streams.dynamodb", "dynamodb"),
    ("tagging", "tag"),
];

/// The IAM prefix for an `eventSource` such as `monitoring.amazonaws.com`; `None` when it is not an AWS service whose
/// actions the catalogue knows.
#[must_use]
pub fn iam_prefix(event_source: &str) -> Option<&str> {
    let host = event_source
        .strip_suffix(".amazonaws.com")
        .or_else(|| event_source.strip_suffix(".amazonaws.com.cn"))
        .or_else(|| event_source.strip_suffix(".aws.internal"))?;
    if let Ok(at) = DIFFERENT.binary_search_by(|(source, _)| (*source).cmp(host)) {
        return Some(DIFFERENT[at].1);
    }
    let services = Catalogue::bundled().provider(Provider::Aws);
    services.has_service(host).then_some(host)
}

/// Whether a call needs no permission at all: sign-ins, asking who one is, and calls that carry their own proof.
#[must_use]
pub fn needs_no_permission(event_source: &str, operation: &str) -> bool {
    match event_source {
        "signin.amazonaws.com" => true,
        "sts.amazonaws.com" => matches!(operation, "GetCallerIdentity" | "GetSessionToken"),
        "sso.amazonaws.com" => matches!(operation, "Authenticate" | "Federate" | "Logout" | "GetRoleCredentials"),
        "sso-oauth.amazonaws.com" | "sso-oidc.amazonaws.com" => true,
        "cognito-idp.amazonaws.com" => matches!(
            operation,
            "InitiateAuth"
                | "RespondToAuthChallenge"
                | "SignUp"
                | "ConfirmSignUp"
                | "ForgotPassword"
                | "GetUser"
                | "ConfirmForgotPassword"
                | "GlobalSignOut"
                | "RevokeToken"
                | "ChangePassword"
                | "ResendConfirmationCode"
        ),
        "dynamodb.amazonaws.com" => operation == "DescribeEndpoints",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_prefixes_of_the_catalogue() {
        let services = Catalogue::bundled().provider(Provider::Aws);
        for pair in DIFFERENT.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} comes after {}", pair[0].0, pair[1].0);
        }
        for (source, prefix) in DIFFERENT {
            assert!(services.has_service(prefix), "{source} → {prefix}");
        }
    }

    #[test]
    fn event_sources_become_prefixes() {
        assert_eq!(iam_prefix("monitoring.amazonaws.com"), Some("cloudwatch"));
        assert_eq!(iam_prefix("s3.amazonaws.com"), Some("s3"));
        assert_eq!(iam_prefix("sts.aliyuncs.com"), None);
        assert_eq!(iam_prefix("unknown.amazonaws.com"), None);
    }
}
