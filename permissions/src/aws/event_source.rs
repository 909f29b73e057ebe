//! From CloudTrail's `eventSource` to the prefix of IAM actions, where the two differ.

use schemas::Provider;

use crate::catalogue::Catalogue;

/// What follows the service's name in an `eventSource`.
pub(super) const HOST: &str = ".amazonaws.com";

/// Event sources whose first label is not the IAM prefix. From the service authorization reference, which lists the
/// prefixes, from the endpoints and signing names in botocore's models of the services, and from `eventSource` values of
/// real records.
const DIFFERENT: [(&str, &str); 89] = [
    ("a2i-runtime.sagemaker", "sagemaker"),
    ("admin.wickr", "wickr"),
    ("agreement-marketplace", "aws-marketplace"),
    ("amp", "aps"),
    ("api.detective", "detective"),
    ("api.ecr", "ecr"),
    ("api.ecr-public", "ecr-public"),
    ("api.iotdeviceadvisor", "iotdeviceadvisor"),
    ("api.iotmanagedintegrations", "iotmanagedintegrations"),
    ("api.iotwireless", "iotwireless"),
    ("api.mediatailor", "mediatailor"),
    ("api.pricing", "pricing"),
    ("api.sagemaker", "sagemaker"),
    ("api.tunneling.iot", "iot"),
    ("appconfigdata", "appconfig"),
    ("application-insights", "applicationinsights"),
    ("appregistry", "servicecatalog"),
    ("appstream2", "appstream"),
    ("bedrock-agent", "bedrock"),
    ("bedrock-agent-runtime", "bedrock"),
    ("bedrock-agentcore-control", "bedrock-agentcore"),
    ("bedrock-data-automation", "bedrock"),
    ("bedrock-data-automation-runtime", "bedrock"),
    ("bedrock-runtime", "bedrock"),
    ("billingconsole", "billing"),
    ("cassandra-streams", "cassandra"),
    ("catalog.marketplace", "aws-marketplace"),
    ("cloudcontrolapi", "cloudformation"),
    ("cloudhsmv2", "cloudhsm"),
    ("cloudsearchdomain", "cloudsearch"),
    ("contact-lens", "connect"),
    ("controlplane.payment-cryptography", "payment-cryptography"),
    ("data-ats.iot", "iot"),
    ("data-signer", "signer"),
    ("data.iot", "iot"),
    ("data.jobs.iot", "iotjobsdata"),
    ("data.mediastore", "mediastore"),
    ("data.qapps", "qapps"),
    ("dataplane.payment-cryptography", "payment-cryptography"),
    ("deployment-marketplace", "aws-marketplace"),
    ("discovery-marketplace", "aws-marketplace"),
    ("edge.sagemaker", "sagemaker"),
    ("elasticmapreduce-containers", "emr-containers"),
    ("email", "ses"),
    ("entitlement-marketplace", "aws-marketplace"),
    ("entitlement.marketplace", "aws-marketplace"),
    ("featurestore-runtime.sagemaker", "sagemaker"),
    ("forecastquery", "forecast"),
    ("identity-chime", "chime"),
    ("ingest.timestream", "timestream"),
    ("iotdata", "iot"),
    ("ivsrealtime", "ivs"),
    ("lex-models", "lex"),
    ("mail-manager", "ses"),
    ("media-pipelines-chime", "chime"),
    ("meetings-chime", "chime"),
    ("memory-db", "memorydb"),
    ("messaging-chime", "chime"),
    ("metering-marketplace", "aws-marketplace"),
    ("metering.marketplace", "aws-marketplace"),
    ("metrics.sagemaker", "sagemaker"),
    ("migrationhub-config", "mgh"),
    ("models-v2-lex", "lex"),
    ("models.lex", "lex"),
    ("monitoring", "cloudwatch"),
    ("mturk-requester", "mechanicalturk"),
    ("oidc", "sso-oauth"),
    ("opensearch", "es"),
    ("partnercentral-account", "partnercentral"),
    ("partnercentral-benefits", "partnercentral"),
    ("partnercentral-channel", "partnercentral"),
    ("partnercentral-selling", "partnercentral"),
    ("personalize-events", "personalize"),
    ("personalize-runtime", "personalize"),
    ("pinpoint", "mobiletargeting"),
    ("portal.sso", "sso"),
    ("query.timestream", "timestream"),
    ("rdsdata", "rds-data"),
    ("reporting-marketplace", "aws-marketplace"),
    ("runtime-v2-lex", "lex"),
    ("runtime.lex", "lex"),
    ("runtime.sagemaker", "sagemaker"),
    ("s3-control", "s3"),
    ("servicecatalog-appregistry", "servicecatalog"),
    ("sms-voice.pinpoint", "sms-voice"),
    ("sso-oidc", "sso-oauth"),
    ("streams.dynamodb", "dynamodb"),
    ("tagging", "tag"),
    ("voice-chime", "chime"),
];

/// The IAM prefix for an `eventSource` such as `monitoring.amazonaws.com`; `None` when it is not an AWS service whose
/// actions the catalogue knows.
#[must_use]
pub fn iam_prefix(event_source: &str) -> Option<&str> {
    let host = event_source
        .strip_suffix(HOST)
        .or_else(|| event_source.strip_suffix(".amazonaws.com.cn"))
        .or_else(|| event_source.strip_suffix(".aws.internal"))?;
    if let Ok(at) = DIFFERENT.binary_search_by(|(source, _)| (*source).cmp(host)) {
        return Some(DIFFERENT[at].1);
    }
    let services = Catalogue::bundled().provider(Provider::Aws);
    services.has_service(host).then_some(host)
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
            assert!(!services.has_service(source) || HIDDEN.contains(&source), "{source} hides a service of that name");
        }
    }

    /// Prefixes of actions under which no call is logged.
    const HIDDEN: [&str; 1] = ["opensearch"];

    #[test]
    fn event_sources_become_prefixes() {
        assert_eq!(iam_prefix("monitoring.amazonaws.com"), Some("cloudwatch"));
        assert_eq!(iam_prefix("s3.amazonaws.com"), Some("s3"));
        assert_eq!(iam_prefix("sts.aliyuncs.com"), None);
        assert_eq!(iam_prefix("unknown.amazonaws.com"), None);
    }
}
