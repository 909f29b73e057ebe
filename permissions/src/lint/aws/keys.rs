//! Condition keys that every service has (AWS global condition context keys,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>), with their types, and the
//! keys of services with theirs.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::bundled;

/// What a key's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Arn,
    Flag,
    Date,
    Number,
    Address,
}

/// A key: name, type, whether it has several values. A name that ends in `/` stands for all that follow it.
type Key = (&'static str, Type, bool);

const GLOBAL: [Key; 52] = [
    ("aws:AssumedRoot", Type::Flag, false),
    ("aws:CalledVia", Type::Text, true),
    ("aws:CalledViaFirst", Type::Text, false),
    ("aws:CalledViaLast", Type::Text, false),
    ("aws:ChatbotSourceArn", Type::Arn, false),
    ("aws:CurrentTime", Type::Date, false),
    ("aws:Ec2InstanceSourcePrivateIPv4", Type::Address, false),
    ("aws:Ec2InstanceSourceVPC", Type::Text, false),
    ("aws:EpochTime", Type::Date, false),
    ("aws:FederatedProvider", Type::Text, false),
    ("aws:IsMcpServiceAction", Type::Flag, false),
    ("aws:MultiFactorAuthAge", Type::Number, false),
    ("aws:MultiFactorAuthPresent", Type::Flag, false),
    ("aws:PrincipalAccount", Type::Text, false),
    ("aws:PrincipalArn", Type::Arn, false),
    ("aws:PrincipalIsAWSService", Type::Flag, false),
    ("aws:PrincipalOrgID", Type::Text, false),
    ("aws:PrincipalOrgMasterAccountId", Type::Text, false),
    ("aws:PrincipalOrgPaths", Type::Text, true),
    ("aws:PrincipalServiceName", Type::Text, false),
    ("aws:PrincipalServiceNamesList", Type::Text, true),
    ("aws:PrincipalTag/", Type::Text, false),
    ("aws:PrincipalType", Type::Text, false),
    ("aws:Referer", Type::Text, false),
    ("aws:RequestedRegion", Type::Text, false),
    ("aws:RequestTag/", Type::Text, false),
    ("aws:ResourceAccount", Type::Text, false),
    ("aws:ResourceOrgID", Type::Text, false),
    ("aws:ResourceOrgPaths", Type::Text, true),
    ("aws:ResourceTag/", Type::Text, false),
    ("aws:SecureTransport", Type::Flag, false),
    ("aws:SignInSessionArn", Type::Arn, false),
    ("aws:SourceAccount", Type::Text, false),
    ("aws:SourceArn", Type::Arn, false),
    ("aws:SourceIdentity", Type::Text, false),
    ("aws:SourceIp", Type::Address, false),
    ("aws:SourceOrgID", Type::Text, false),
    ("aws:SourceOrgPaths", Type::Text, true),
    ("aws:SourceOwner", Type::Text, false),
    ("aws:SourceVpc", Type::Text, false),
    ("aws:SourceVpcArn", Type::Arn, false),
    ("aws:SourceVpce", Type::Text, false),
    ("aws:TagKeys", Type::Text, true),
    ("aws:TokenIssueTime", Type::Date, false),
    ("aws:UserAgent", Type::Text, false),
    ("aws:userid", Type::Text, false),
    ("aws:username", Type::Text, false),
    ("aws:ViaAWSService", Type::Flag, false),
    ("aws:VpceAccount", Type::Text, false),
    ("aws:VpceOrgID", Type::Text, false),
    ("aws:VpceOrgPaths", Type::Text, true),
    ("aws:VpcSourceIp", Type::Address, false),
];

static SERVICES: &str = include_str!("../../../data/aws_condition_keys.tsv");

/// Keys of services by name in lower case, up to the part that anybody may choose.
static BY_NAME: LazyLock<HashMap<String, (Type, bool)>> = LazyLock::new(|| {
    let one = |line: &str| {
        let (key, word) = line.split_once('\t')?;
        let kind = match word.trim_end_matches('*') {
            "A" => Type::Arn,
            "B" => Type::Flag,
            "N" => Type::Number,
            "D" => Type::Date,
            "I" => Type::Address,
            _ => Type::Text,
        };
        Some((fixed(key).to_ascii_lowercase(), (kind, word.ends_with('*'))))
    };
    bundled::lines(SERVICES).filter_map(one).collect()
});

/// A key up to the part that anybody may choose: `${TagKey}`, `<key>`, the name of a tag.
pub(super) fn fixed(key: &str) -> &str {
    let fixed = key.split(['$', '<']).next().unwrap_or_default();
    match fixed.find('/') {
        Some(at) if fixed[..at].to_ascii_lowercase().ends_with("tag") => &fixed[..=at],
        _ => fixed,
    }
}

/// Whether a key's last part is anybody's choice: of a tag, of an encryption context.
pub(super) fn is_open(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    lower.contains("tag/") || lower.starts_with("kms:encryptioncontext:")
}

/// The forms that may stand for a key with a part that anybody may choose: `aws:requesttag/` of `aws:requesttag/team`.
pub(super) fn parents(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices(['/', ':']).map(|(at, _)| &key[..=at]).skip(1)
}

/// What is known of a service's key.
fn service(key: &str) -> Option<(Type, bool)> {
    let key = key.to_ascii_lowercase();
    BY_NAME.get(&key).or_else(|| parents(&key).find_map(|parent| BY_NAME.get(parent))).copied()
}

/// Whether a service documents such a key.
pub(super) fn is_of_service(key: &str) -> bool {
    service(key).is_some()
}

fn global(key: &str) -> Option<&'static Key> {
    let same = |known: &str| match known.strip_suffix('/') {
        Some(head) => key.split_once('/').is_some_and(|(k, name)| k.eq_ignore_ascii_case(head) && !name.is_empty()),
        None => key.eq_ignore_ascii_case(known),
    };
    GLOBAL.iter().find(|(known, ..)| same(known))
}

/// Whether there is such a global key.
pub(super) fn is_global(key: &str) -> bool {
    global(key).is_some()
}

/// Keys of a role's session, which every request of it has (the same page, "Properties of a role session").
pub(super) fn is_of_session(key: &str) -> bool {
    const KEYS: [&str; 7] = [
        "ec2:RoleDelivery",
        "ec2:SourceInstanceArn",
        "glue:CredentialIssuingService",
        "glue:RoleAssumedBy",
        "identitystore:UserId",
        "lambda:SourceFunctionArn",
        "ssm:SourceInstanceArn",
    ];
    KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// The names of the global keys, for suggestions.
pub(super) fn globals() -> impl Iterator<Item = &'static str> {
    GLOBAL.iter().map(|(name, ..)| name.trim_end_matches('/'))
}

/// The type of a key, where it is known.
pub(super) fn kind(key: &str) -> Option<Type> {
    global(key).map(|(_, kind, _)| *kind).or_else(|| service(key).map(|(kind, _)| kind))
}

/// Whether a key has several values; `None` when that is not known.
pub(super) fn has_many(key: &str) -> Option<bool> {
    global(key).map(|(_, _, many)| *many).or_else(|| service(key).map(|(_, many)| many))
}
