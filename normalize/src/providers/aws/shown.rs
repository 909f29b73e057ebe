//! Whether the parameters of a call show that an action was needed which only some calls need. What is shown by nothing
//! here is not claimed as used.

use memchr::memmem;
use schemas::AccessLevel;

use super::operation::OperationAction;
use super::parameters::walk;

/// The keys under which services take the tags of what they create, as CloudTrail writes them.
const TAGS: [&str; 8] =
    ["tags", "Tags", "tagList", "TagList", "tagSet", "tagSpecificationSet", "TagSpecification", "tagSpecifications"];

/// Whether an implied action was needed.
pub(super) fn is_shown(used: &OperationAction, parameters: Option<&str>) -> bool {
    let Some(parameters) = parameters else { return false };
    let has = |key: &str| has_key(parameters, key);
    match used.action.as_str() {
        "s3:GetObjectVersion"
        | "s3:DeleteObjectVersion"
        | "s3:DeleteObjectVersionTagging"
        | "s3:GetObjectVersionAcl"
        | "s3:PutObjectVersionAcl"
        | "s3:PutObjectVersionTagging"
        | "s3:GetObjectVersionTagging"
        | "s3:GetObjectVersionAttributes"
        | "s3-object-lambda:GetObjectVersion"
        | "s3-object-lambda:GetObjectVersionAcl"
        | "s3-object-lambda:DeleteObjectVersion"
        | "s3-outposts:GetObjectVersion"
        | "s3-outposts:DeleteObjectVersion" => {
            has("versionId") || memmem::find(parameters.as_bytes(), b"?versionId=").is_some()
        }
        "s3:PutObjectTagging" => has("x-amz-tagging"),
        "s3:GetObjectTagging" => has("x-amz-tagging-directive"),
        "s3:PutObjectAcl" | "s3:PutBucketAcl" => {
            has("x-amz-acl") || memmem::find(parameters.as_bytes(), b"\"x-amz-grant-").is_some()
        }
        "s3:PutObjectRetention" => has("x-amz-object-lock-mode"),
        "s3:PutObjectLegalHold" => has("x-amz-object-lock-legal-hold"),
        "s3:BypassGovernanceRetention" => has("x-amz-bypass-governance-retention"),
        // A bucket with object lock has versions, and asks for both.
        "s3:PutBucketObjectLockConfiguration" | "s3:PutBucketVersioning" => has("x-amz-bucket-object-lock-enabled"),
        "s3:PutBucketOwnershipControls" => has("x-amz-object-ownership"),
        "dynamodb:PutItem" => has("put"),
        "dynamodb:UpdateItem" => has("update"),
        "dynamodb:DeleteItem" => has("delete"),
        "dynamodb:ConditionCheckItem" => has("conditionCheck"),
        "dynamodb:PartiQLSelect" => states(parameters, "select"),
        "dynamodb:PartiQLInsert" => states(parameters, "insert"),
        "dynamodb:PartiQLUpdate" => states(parameters, "update"),
        "dynamodb:PartiQLDelete" => states(parameters, "delete"),
        "secretsmanager:GetSecretValue" => has("secretIdList"),
        "secretsmanager:ListSecrets" => has("filters"),
        _ => used.level == Some(AccessLevel::Tag) && TAGS.iter().any(|key| has(key)),
    }
}

/// Whether a key is there, at any depth, with something in it.
fn has_key(json: &str, key: &str) -> bool {
    let bytes = json.as_bytes();
    memmem::find_iter(bytes, key.as_bytes()).any(|at| {
        let quoted = at > 0 && bytes[at - 1] == b'"' && bytes.get(at + key.len()) == Some(&b'"');
        quoted && is_filled(&json[at + key.len() + 1..])
    })
}

/// Whether what follows a key is a value, and not an empty one.
fn is_filled(rest: &str) -> bool {
    let Some(value) = rest.trim_start().strip_prefix(':').map(str::trim_start) else { return false };
    let empty =
        |open: char, close: char| value.strip_prefix(open).is_some_and(|inside| inside.trim_start().starts_with(close));
    !(value.starts_with("null") || empty('[', ']') || empty('{', '}') || empty('"', '"'))
}

/// Whether one of the statements of a call begins with a word.
fn states(parameters: &str, word: &str) -> bool {
    let mut found = false;
    walk(parameters, &mut |key, value| {
        let first = value.trim_start().get(..word.len());
        found |= key == "statement" && first.is_some_and(|first| first.eq_ignore_ascii_case(word));
    });
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use schemas::Action;

    use super::*;

    fn check(action: &str, level: AccessLevel, parameters: &str, expected: bool) {
        let used = OperationAction {
            action: Action::from(action),
            level: Some(level),
            implied: true,
            containers: Arc::from([]),
        };
        assert_eq!(is_shown(&used, Some(parameters)), expected, "{action} by {parameters}");
        assert!(!is_shown(&used, None));
    }

    #[test]
    fn a_key_shows_an_action_only_with_something_in_it() {
        let tag = |parameters, expected| check("kms:TagResource", AccessLevel::Tag, parameters, expected);
        tag(r#"{"tags":[{"tagKey":"a","tagValue":"b"}]}"#, true);
        tag(r#"{"a":{"tagSpecificationSet" : {"items":[1]}}}"#, true);
        tag(r#"{"tags":[ ]}"#, false);
        tag(r#"{"tags":{}}"#, false);
        tag(r#"{"tags":null}"#, false);
        tag(r#"{"name":"tags"}"#, false);
        tag(r#"{"copytags":true,"tagsX":1}"#, false);
        tag("tags", false);
        tag("\"tags\"", false);
        check("kms:Decrypt", AccessLevel::Write, r#"{"tags":["a"]}"#, false);
        check("s3:GetObjectVersion", AccessLevel::Read, r#"{"versionId":""}"#, false);
        check("s3:GetObjectVersion", AccessLevel::Read, r#"{"x-amz-copy-source":"b/k?versionId=1"}"#, true);
        check("s3:PutBucketAcl", AccessLevel::Permissions, r#"{"x-amz-grant-read":"id=1"}"#, true);
    }

    #[test]
    fn a_statement_shows_its_own_action() {
        let insert = r#"{"statement":" INSERT INTO \"Music\" value {'a':'select'}"}"#;
        check("dynamodb:PartiQLInsert", AccessLevel::Write, insert, true);
        check("dynamodb:PartiQLSelect", AccessLevel::Read, insert, false);
        let two = r#"{"statements":[{"statement":"select a from b"},{"statement":"Delete from b"}]}"#;
        check("dynamodb:PartiQLSelect", AccessLevel::Read, two, true);
        check("dynamodb:PartiQLDelete", AccessLevel::Write, two, true);
        check("dynamodb:PartiQLUpdate", AccessLevel::Write, two, false);
        check("dynamodb:PartiQLSelect", AccessLevel::Read, r#"{"statement":"é"}"#, false);
    }
}
