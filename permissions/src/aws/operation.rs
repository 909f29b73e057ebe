//! Which actions a CloudTrail call uses. The operation is not the action: `ListBuckets` needs `s3:ListAllMyBuckets`,
//! `Invoke20150331` needs `lambda:InvokeFunction`, `GetCallerIdentity` needs nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use schemas::{Action, ActionKnown, Provider};
use smol_str::SmolStr;

use super::event_source::{iam_prefix, needs_no_permission};
use crate::bundled;
use crate::catalogue::{ActionIdx, Catalogue};

/// No operation has a longer name; the longest has 70 characters. What is longer is no operation.
const MAX_OPERATION: usize = 128;

static OPERATIONS: &[u8] = include_bytes!("../../data/aws_operations.tsv.gz");

/// One action that a call may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionUse {
    /// The action in the catalogue's spelling.
    pub action: Action,
    /// Its number in the bundled catalogue; `None` for the few that the table names and the catalogue does not.
    pub idx: Option<ActionIdx>,
    /// Whether only some parameters call for it: a role that is passed, a version that is named, tags that are set. Such
    /// an action counts as used only when the parameters show it.
    pub implied: bool,
}

/// The actions of a call, the most specific first, and how sure they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationActions {
    /// The first is the call's own action. Empty when none is needed or none is known.
    pub actions: Cow<'static, [ActionUse]>,
    /// Mapped, assumed, none needed or unknown.
    pub known: ActionKnown,
}

impl OperationActions {
    fn none(known: ActionKnown) -> Self {
        Self { actions: Cow::Borrowed(&[]), known }
    }
}

/// Says which actions a call uses, from CloudTrail's `eventSource` and `eventName`.
#[must_use]
pub fn operation_actions(event_source: &str, operation: &str) -> OperationActions {
    if needs_no_permission(event_source, operation) {
        return OperationActions::none(ActionKnown::NoneNeeded);
    }
    let Some(prefix) = iam_prefix(event_source) else { return OperationActions::none(ActionKnown::Unknown) };
    let name = without_version(operation);
    if name.len() > MAX_OPERATION {
        return OperationActions::none(ActionKnown::Unknown);
    }
    if let Some(actions) = in_table(prefix, name) {
        return OperationActions { actions: Cow::Borrowed(actions), known: ActionKnown::Mapped };
    }
    assumed(prefix, name)
}

/// Looks a call up without allocating; records come by the million.
fn in_table(prefix: &str, operation: &str) -> Option<&'static [ActionUse]> {
    let mut buffer = [0; 2 * MAX_OPERATION];
    let (head, length) = (prefix.len(), prefix.len() + 1 + operation.len());
    let folded = buffer.get_mut(..length)?;
    folded[..head].copy_from_slice(prefix.as_bytes());
    folded[head] = b':';
    folded[head + 1..].copy_from_slice(operation.as_bytes());
    folded.make_ascii_lowercase();
    TABLE.get(std::str::from_utf8(folded).ok()?).map(Vec::as_slice)
}

/// The table of data, with the special cases laid over it.
static TABLE: LazyLock<HashMap<SmolStr, Vec<ActionUse>>> = LazyLock::new(|| {
    let text = bundled::unpack(OPERATIONS);
    let special = SPECIAL.iter().copied();
    let mut table = HashMap::with_capacity(12_000);
    for (prefix, operation, actions) in bundled::lines(&text).filter_map(row).chain(special) {
        table.insert(key(prefix, operation), uses(prefix, operation, actions));
    }
    table
});

fn row(line: &str) -> Option<(&str, &str, &str)> {
    let mut fields = line.split('\t');
    Some((fields.next()?, fields.next()?, fields.next()?))
}

fn key(prefix: &str, operation: &str) -> SmolStr {
    let mut key = String::with_capacity(prefix.len() + operation.len() + 1);
    key.push_str(prefix);
    key.push(':');
    key.push_str(operation);
    key.make_ascii_lowercase();
    SmolStr::from(key)
}

/// Reads `a,+b`; orders the action of the call's own name first, then its service's, then others', implied ones last.
fn uses(prefix: &str, operation: &str, actions: &str) -> Vec<ActionUse> {
    let mut found: Vec<ActionUse> = actions.split(',').filter(|name| !name.is_empty()).map(one).collect();
    let own = key(prefix, operation);
    found.sort_by_key(|used| {
        let foreign = used.action.split(':').next() != Some(prefix);
        (used.implied, !used.action.eq_ignore_ascii_case(&own), foreign)
    });
    // Where every action depends on a parameter, the first is the usual one.
    if let Some(first) = found.first_mut()
        && !first.action.eq_ignore_ascii_case("iam:PassRole")
    {
        first.implied = false;
    }
    found
}

fn one(name: &str) -> ActionUse {
    let (name, implied) = name.strip_prefix('+').map_or((name, false), |name| (name, true));
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let idx = catalogue.lookup(name);
    let action = idx.map_or_else(|| Action::from(name), |idx| Action::from(catalogue.action(idx).name.clone()));
    ActionUse { action, idx, implied }
}

/// What the table does not know: the action of the same name, or API Gateway's HTTP verbs.
fn assumed(prefix: &str, operation: &str) -> OperationActions {
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let guess = match prefix {
        "apigateway" => catalogue.lookup(&format!("apigateway:{}", http_verb(operation))),
        _ => catalogue.lookup(&key(prefix, operation)),
    };
    let Some(idx) = guess else { return OperationActions::none(ActionKnown::Unknown) };
    let action = Action::from(catalogue.action(idx).name.clone());
    let used = ActionUse { action, idx: Some(idx), implied: false };
    OperationActions { actions: Cow::Owned(vec![used]), known: ActionKnown::Assumed }
}

fn http_verb(operation: &str) -> &'static str {
    match operation {
        _ if operation.starts_with("Get") || operation.starts_with("Export") => "GET",
        _ if operation.starts_with("Update") => "PATCH",
        _ if operation.starts_with("Delete") || operation.starts_with("Flush") || operation.starts_with("Untag") => {
            "DELETE"
        }
        _ if operation.starts_with("Put") || operation.starts_with("Tag") || operation.starts_with("Reimport") => "PUT",
        _ => "POST",
    }
}

/// Cuts the API version that Lambda and CloudFront append: `20150331`, `20150331v2`, `2020_05_31`.
fn without_version(operation: &str) -> &str {
    let stem = match operation.rfind('v') {
        Some(at) if at + 1 < operation.len() && operation[at + 1..].bytes().all(|b| b.is_ascii_digit()) => {
            &operation[..at]
        }
        _ => operation,
    };
    let cut = stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let tail = &stem[cut.len()..];
    let dated = matches!(tail.len(), 8 | 10) && (tail.starts_with("20") || tail.starts_with("19"));
    if dated && !cut.is_empty() { cut } else { operation }
}

/// Special cases, each from the service's own reference. Prefix, operation, actions (`+` = implied).
const SPECIAL: [(&str, &str, &str); 60] = [
    // docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
    ("s3", "AbortMultipartUpload", "s3:AbortMultipartUpload"),
    ("s3", "CompleteMultipartUpload", "s3:PutObject"),
    (
        "s3",
        "CopyObject",
        "s3:PutObject,s3:GetObject,+s3:GetObjectVersion,+s3:GetObjectTagging,+s3:PutObjectTagging,+s3:PutObjectAcl",
    ),
    ("s3", "CreateMultipartUpload", "s3:PutObject,+s3:PutObjectAcl,+s3:PutObjectTagging"),
    ("s3", "DeleteBucketCors", "s3:PutBucketCORS"),
    ("s3", "DeleteBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
    ("s3", "DeleteBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    ("s3", "DeleteBucketReplication", "s3:PutReplicationConfiguration"),
    ("s3", "DeleteBucketTagging", "s3:PutBucketTagging"),
    ("s3", "DeleteAccountPublicAccessBlock", "s3:PutAccountPublicAccessBlock"),
    ("s3", "DeleteObject", "s3:DeleteObject,+s3:DeleteObjectVersion,+s3:BypassGovernanceRetention"),
    ("s3", "DeleteObjects", "s3:DeleteObject,+s3:DeleteObjectVersion,+s3:BypassGovernanceRetention"),
    ("s3", "GetAccelerateConfiguration", "s3:GetAccelerateConfiguration"),
    ("s3", "GetBucketAccelerate", "s3:GetAccelerateConfiguration"),
    ("s3", "GetBucketCors", "s3:GetBucketCORS"),
    ("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    ("s3", "GetBucketLifecycle", "s3:GetLifecycleConfiguration"),
    ("s3", "GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
    ("s3", "GetBucketReplication", "s3:GetReplicationConfiguration"),
    ("s3", "GetObject", "s3:GetObject,+s3:GetObjectVersion"),
    ("s3", "GetObjectAcl", "s3:GetObjectAcl,+s3:GetObjectVersionAcl"),
    (
        "s3",
        "GetObjectAttributes",
        "s3:GetObjectAttributes,s3:GetObject,+s3:GetObjectVersion,+s3:GetObjectVersionAttributes",
    ),
    ("s3", "GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"),
    ("s3", "GetObjectTagging", "s3:GetObjectTagging,+s3:GetObjectVersionTagging"),
    ("s3", "HeadBucket", "s3:ListBucket"),
    ("s3", "HeadObject", "s3:GetObject,+s3:GetObjectVersion"),
    ("s3", "ListBucket", "s3:ListBucket"),
    ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
    ("s3", "ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("s3", "ListObjects", "s3:ListBucket"),
    ("s3", "ListObjectsV2", "s3:ListBucket"),
    ("s3", "ListObjectVersions", "s3:ListBucketVersions"),
    ("s3", "ListParts", "s3:ListMultipartUploadParts"),
    ("s3", "PostObject", "s3:PutObject,+s3:PutObjectAcl,+s3:PutObjectTagging"),
    ("s3", "PutAccelerateConfiguration", "s3:PutAccelerateConfiguration"),
    ("s3", "PutBucketCors", "s3:PutBucketCORS"),
    ("s3", "PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3", "PutBucketLifecycle", "s3:PutLifecycleConfiguration"),
    ("s3", "PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
    ("s3", "PutBucketNotificationConfiguration", "s3:PutBucketNotification"),
    ("s3", "PutBucketReplication", "s3:PutReplicationConfiguration,+iam:PassRole"),
    (
        "s3",
        "PutObject",
        "s3:PutObject,+s3:PutObjectAcl,+s3:PutObjectTagging,+s3:PutObjectRetention,+s3:PutObjectLegalHold",
    ),
    ("s3", "PutObjectAcl", "s3:PutObjectAcl,+s3:PutObjectVersionAcl"),
    ("s3", "PutObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration"),
    ("s3", "SelectObjectContent", "s3:GetObject"),
    ("s3", "UploadPart", "s3:PutObject"),
    ("s3", "UploadPartCopy", "s3:PutObject,s3:GetObject,+s3:GetObjectVersion"),
    // docs.aws.amazon.com/lambda/latest/api/API_Invoke.html and _InvokeAsync, _InvokeWithResponseStream
    ("lambda", "Invoke", "lambda:InvokeFunction"),
    ("lambda", "InvokeAsync", "lambda:InvokeFunction"),
    ("lambda", "InvokeExecution", "lambda:InvokeFunction"),
    ("lambda", "InvokeWithResponseStream", "lambda:InvokeFunction"),
    // docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
    ("kms", "ReEncrypt", "kms:ReEncryptFrom,kms:ReEncryptTo"),
    // docs.aws.amazon.com/bedrock: the call that checks access to a model asks for this permission.
    ("bedrock", "Converse", "bedrock:InvokeModel"),
    ("bedrock", "ConverseStream", "bedrock:InvokeModelWithResponseStream"),
    // docs.aws.amazon.com/secretsmanager: a batch reads each secret with its own permission.
    (
        "secretsmanager",
        "BatchGetSecretValue",
        "secretsmanager:BatchGetSecretValue,+secretsmanager:GetSecretValue,+secretsmanager:ListSecrets",
    ),
    // docs.aws.amazon.com/IAM: switching the role of an instance passes the new one.
    ("ec2", "ReplaceIamInstanceProfileAssociation", "ec2:ReplaceIamInstanceProfileAssociation,+iam:PassRole"),
    ("ec2", "AssociateIamInstanceProfile", "ec2:AssociateIamInstanceProfile,+iam:PassRole"),
    ("iam", "AddRoleToInstanceProfile", "iam:AddRoleToInstanceProfile,+iam:PassRole"),
    // docs.aws.amazon.com/sns: batches ask for the single permission.
    ("sns", "PublishBatch", "sns:Publish"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, operation: &str, expected: &str) {
        let found = operation_actions(&format!("{source}.amazonaws.com"), operation);
        let actions: Vec<String> = found
            .actions
            .iter()
            .map(|u| format!("{}{}", if u.implied { "+" } else { "" }, u.action.as_str()))
            .collect();
        assert_eq!(format!("{} {}", found.known, actions.join(",")).trim(), expected, "{source} {operation}");
    }

    #[test]
    fn a_call_uses_the_actions_that_its_service_asks_for() {
        check("s3", "ListBuckets", "mapped s3:ListAllMyBuckets");
        check("s3", "HeadObject", "mapped s3:GetObject,+s3:GetObjectVersion");
        check("lambda", "Invoke20150331", "mapped lambda:InvokeFunction");
        check("lambda", "ListFunctions20150331", "mapped lambda:ListFunctions");
        check("lambda", "UpdateFunctionCode20150331v2", "mapped lambda:UpdateFunctionCode");
        check("cloudfront", "CreateFunction2020_05_31", "mapped cloudfront:CreateFunction");
        check("monitoring", "DescribeAlarms", "mapped cloudwatch:DescribeAlarms");
        check("sts", "GetCallerIdentity", "none_needed");
        check("signin", "ConsoleLogin", "none_needed");
        check("kms", "ReEncrypt", "mapped kms:ReEncryptFrom,kms:ReEncryptTo");
        check("apigateway", "CreateRestApi", "mapped apigateway:POST");
        check("apigateway", "GetSomethingNew", "assumed apigateway:GET");
        check("ec2", "RunInstances", "mapped ec2:RunInstances,+iam:PassRole");
        check("unknown", "UnknownAPI", "unknown");
        check("iam", "CreateUser", "mapped iam:CreateUser");
    }

    #[test]
    fn only_a_date_is_cut() {
        for (operation, cut) in [
            ("GetFunction20150331v2", "GetFunction"),
            ("ListDistributions2020_05_31", "ListDistributions"),
            ("ListObjectsV2", "ListObjectsV2"),
            ("20150331", "20150331"),
            ("GetX12345678", "GetX12345678"),
            ("DescribeInstancesv", "DescribeInstancesv"),
        ] {
            assert_eq!(without_version(operation), cut);
        }
    }

    #[test]
    fn every_special_case_names_actions_of_the_catalogue() {
        for (prefix, operation, actions) in SPECIAL {
            for used in uses(prefix, operation, actions) {
                assert!(used.idx.is_some(), "{prefix} {operation}: {}", used.action);
            }
        }
    }
}
