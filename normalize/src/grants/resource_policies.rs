//! AWS: the policies of resources, as AWS Config recorded them and as the services' own commands tell them.
//!
//! Such a policy stands under the root of the account that owns the resource, and counts for whoever asks for it. A row
//! without a policy says that the resource has none.
//!
//! Sources: AWS Config, «Components of a configuration item»
//! (<https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html>), «Example configuration snapshot»
//! (<https://docs.aws.amazon.com/config/latest/developerguide/example-s3-snapshot.html>); `GetBucketPolicy`, `GetKeyPolicy`,
//! `GetQueueAttributes` and their like in the services' API references.

use permissions::aws::arn::Arn;
use permissions::resource::container_kind;
use schemas::{AccountId, EntitlementKind, IdentityKind, Provider, ResourceId, Text, Time, identity};
use serde_json::Value;

use super::aws::Reader;
use super::facts::{Draft, Fact, draft, text, time};

/// What a configuration item can say of its resource besides that it is there.
const GONE: [&str; 3] = ["ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded"];
/// Services whose documents are told by other lists (`iam`, `organizations`) or are about something else than the resource (the
/// policies of VPC endpoints).
const ELSEWHERE: [&str; 3] = ["iam", "organizations", "ec2"];
/// Where an item has its document: the member of its configuration, and of its supplement.
const IN_CONFIGURATION: [&str; 8] = [
    "Policy",
    "AccessPolicy",
    "AccessPolicies",
    "accessPolicies",
    "FileSystemPolicy",
    "KeyPolicy",
    "RepositoryPolicyText",
    "ResourcePolicy",
];

/// Reads a configuration item.
pub(super) fn item(item: &Value, reader: &mut Reader<'_>) -> Result<Vec<Fact>, String> {
    let gone = text(item, "configurationItemStatus").is_some_and(|status| GONE.contains(&status));
    let Some(arn) = text(item, "ARN").or_else(|| text(item, "arn")).filter(|_| !gone) else { return Ok(Vec::new()) };
    let mut facts = Vec::new();
    if let Some(kind) = container_kind(Provider::Aws, arn) {
        facts.push(Fact::Resource { kind: Text::from(kind), id: arn.into() });
    }
    let service = Arn::parse(arn).map(|arn| arn.service).ok_or_else(|| format!("`{arn}` is no ARN"))?;
    if ELSEWHERE.contains(&service) {
        return Ok(facts);
    }
    let configuration = opened(item.get("configuration"));
    let supplement = opened(item.get("supplementaryConfiguration"));
    let bucket = opened(supplement.get("BucketPolicy"));
    let found = bucket.get("policyText").or_else(|| supplement.get("Policy"));
    let mut places = found.into_iter().chain(IN_CONFIGURATION.iter().filter_map(|name| configuration.get(*name)));
    let document = places.find(|value| value.is_object() || value.as_str().is_some_and(|text| !text.is_empty()));
    let tells = match service {
        "s3" => supplement.get("BucketPolicy").is_some(),
        "sqs" | "sns" => configuration.is_object(),
        _ => false,
    };
    if document.is_some() || tells {
        let hashes = document.map(|document| reader.policy(&opened(Some(document)))).into_iter().collect();
        facts.push(Fact::ResourcePolicy { arn: arn.into(), hashes, at: time(item, "configurationItemCaptureTime") });
    }
    Ok(facts)
}

/// Reads what a service's command says of the policy of one resource.
pub(super) fn answer(arn: &str, answer: &Value, reader: &mut Reader<'_>) -> Result<Vec<Fact>, String> {
    if Arn::parse(arn).is_none() {
        return Err("the answer does not say whose policy it is; name its file by the ARN of the resource".to_owned());
    }
    let attributes = answer.get("Attributes").unwrap_or(answer);
    let document = ["Policy", "ResourcePolicy", "policyText"].iter().find_map(|name| attributes.get(*name));
    let document = document.ok_or("there is no policy in the answer")?;
    let hashes = vec![reader.policy(&opened(Some(document)))];
    Ok(vec![Fact::ResourcePolicy { arn: arn.into(), hashes, at: None }])
}

/// The rows of resources' policies; of several versions of one, the newest.
pub(super) fn rows(account: &AccountId, facts: &[Fact], at: Time) -> Vec<Draft> {
    let mut found: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::ResourcePolicy { arn, hashes, at } => Some((arn, hashes, *at)),
            _ => None,
        })
        .collect();
    found.sort_by_key(|(.., captured)| std::cmp::Reverse(*captured));
    let row = |(arn, hashes, _): (&ResourceId, &Vec<_>, _)| {
        let who = (identity::aws_root(account), IdentityKind::Root);
        let source = format!("resource:{arn}");
        let mut made = draft(Provider::Aws, account, at, who, EntitlementKind::ResourcePolicy, source);
        made.row.source_name = Some(Text::from(arn.as_str()));
        made.row.scopes.push(arn.clone());
        made.row.policy_hashes.clone_from(hashes);
        made
    };
    found.into_iter().map(row).collect()
}

/// A member that is JSON, or JSON in a text.
fn opened(value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        Some(other) => other.clone(),
        None => Value::Null,
    }
}
