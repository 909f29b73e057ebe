//! AWS: the policies of resources, as AWS Config recorded them and as the services' own commands tell them.
//!
//! Such a policy stands under the root of the account that owns the resource, and counts for whoever asks for it; a row
//! without a policy says that the resource has none. It stands besides under each user and role of that account that an allow
//! in it names: those hold what it grants them. Whoever it names in another account needs policies of their own, and holds those.
//!
//! Sources: AWS Config, «Components of a configuration item»
//! (<https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html>), «Example configuration snapshot»
//! (<https://docs.aws.amazon.com/config/latest/developerguide/example-s3-snapshot.html>); `GetBucketPolicy`, `GetKeyPolicy`,
//! `GetQueueAttributes` and their like in the services' API references.

use std::collections::BTreeSet;

use permissions::aws::arn::Arn;
use permissions::aws::parse_policy;
use permissions::resource::container_kind;
use schemas::{AccountId, Effect, EntitlementKind, IdentityId, IdentityKind, Provider, Text, Time, identity};
use serde_json::Value;

use super::aws::Reader;
use super::facts::{Draft, Fact, ResourcePolicy, draft, text, time};

/// What a configuration item can say of its resource besides that it is there.
const GONE: [&str; 3] = ["ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded"];
/// Services whose documents are told by other lists (`iam`, `organizations`) or are about something else than the resource (the
/// policies of VPC endpoints).
const ELSEWHERE: [&str; 3] = ["iam", "organizations", "ec2"];
/// Where in its configuration an item may have the document.
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

/// Identities that one policy names beyond which the rest has no rows; a bucket's policy has room for some two hundred.
const MAX_NAMED: usize = 1024;

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
        let document = document.map(|document| opened(Some(document)));
        let policy = policy(arn, document.as_ref(), time(item, "configurationItemCaptureTime"), reader);
        facts.push(Fact::ResourcePolicy(policy));
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
    if document.is_none() && answer.get("Attributes").is_none() {
        return Err("there is no policy in the answer".to_owned());
    }
    let document = document.map(|document| opened(Some(document)));
    Ok(vec![Fact::ResourcePolicy(policy(arn, document.as_ref(), None, reader))])
}

fn policy(arn: &str, document: Option<&Value>, recorded_at: Option<Time>, reader: &mut Reader<'_>) -> ResourcePolicy {
    let parsed = document.map(|document| parse_policy(&serde_json::to_vec(document).unwrap_or_default()));
    let statements = parsed.iter().flat_map(|parsed| &parsed.statements);
    let allows = statements.filter(|statement| statement.effect == Effect::Allow);
    let names = allows.flat_map(|statement| &statement.identities).filter_map(|name| name.strip_prefix("AWS:"));
    let is_holder =
        |arn: &&str| Arn::parse(arn).is_some_and(|arn| matches!(arn.resource_type(), Some("user" | "role")));
    let named: BTreeSet<&str> = names.filter(is_holder).collect();
    let named = named.into_iter().take(MAX_NAMED).map(Text::from).collect();
    let hash = parsed.map(|parsed| reader.parsed(parsed));
    ResourcePolicy { arn: arn.into(), hash, named, recorded_at }
}

/// The rows of resources' policies; of several versions of one, the newest.
pub(super) fn rows(account: &AccountId, facts: &[Fact], at: Time) -> Vec<Draft> {
    let mut found: Vec<&ResourcePolicy> = facts
        .iter()
        .filter_map(|fact| if let Fact::ResourcePolicy(policy) = fact { Some(policy) } else { None })
        .collect();
    found.sort_by_key(|policy| std::cmp::Reverse(policy.recorded_at));
    let mut seen = BTreeSet::new();
    let newest = found.into_iter().filter(|policy| seen.insert(&policy.arn));
    newest.flat_map(|policy| holders(account, policy).map(move |who| row(account, policy, who, at))).collect()
}

/// Under whom the policy stands: the account, and who of it is named.
fn holders<'p>(
    account: &'p AccountId,
    policy: &'p ResourcePolicy,
) -> impl Iterator<Item = (IdentityId, IdentityKind)> + use<'p> {
    let root = (identity::aws_root(account), IdentityKind::Root);
    let of_account = |arn: &&Text| Arn::parse(arn).and_then(|arn| arn.account) == Some(account.as_str());
    let named = policy.named.iter().filter(of_account).filter_map(|arn| {
        let is_user = Arn::parse(arn)?.resource_type() == Some("user");
        Some((identity::aws_of_arn(arn)?, if is_user { IdentityKind::User } else { IdentityKind::Role }))
    });
    std::iter::once(root).chain(named)
}

fn row(account: &AccountId, policy: &ResourcePolicy, who: (IdentityId, IdentityKind), at: Time) -> Draft {
    let source = format!("resource:{}", policy.arn);
    let mut made = draft(Provider::Aws, account, at, who, EntitlementKind::ResourcePolicy, source);
    made.row.source_name = Some(Text::from(policy.arn.as_str()));
    made.row.scopes.push(policy.arn.clone());
    made.row.policy_hashes.extend(policy.hash.clone());
    made
}

/// A member that is JSON, or JSON in a text.
fn opened(value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        Some(other) => other.clone(),
        None => Value::Null,
    }
}
