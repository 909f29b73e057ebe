//! Whose grants a list holds: what its content says, else the name of its folder or file.

use std::collections::BTreeMap;

use schemas::{AccountId, Provider};

use super::Object;
use crate::split::kind::{GrantList, is_guid, text_of};
use crate::split::peek::segment;

/// The account that covers predefined roles, which belong to no project.
const GLOBAL: &str = "global";

/// The one account of a list.
pub(super) fn of(list: GrantList, objects: &[Object], hint: &str) -> Option<AccountId> {
    let mut votes: BTreeMap<AccountId, usize> = BTreeMap::new();
    for account in objects.iter().filter_map(|object| said(list, object)) {
        *votes.entry(account).or_default() += 1;
    }
    let most = votes.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
    most.map(|(account, _)| account).or_else(|| path_account(list.provider(), hint))
}

/// A list cut into accounts, in their order.
pub(super) fn each(list: GrantList, objects: Vec<Object>, hint: &str) -> Vec<(Option<AccountId>, Vec<Object>)> {
    if matches!(list, GrantList::GcpRoles | GrantList::GcpIamPolicy) || objects.is_empty() {
        let account = of(list, &objects, hint);
        let global = (list == GrantList::GcpRoles).then(|| AccountId::from(GLOBAL));
        return vec![(account.or(global), objects)];
    }
    let numbers = project_numbers(&objects);
    let by_path = path_account(list.provider(), hint);
    let mut groups: BTreeMap<Option<AccountId>, Vec<Object>> = BTreeMap::new();
    for object in objects {
        let numbered = || text_of(&object.body, b"project").and_then(|project| numbers.get(project).cloned());
        let bare = || {
            text_of(&object.body, b"project").map(|project| AccountId::from(project.trim_start_matches("projects/")))
        };
        let account = said(list, &object).or_else(numbered).or_else(|| by_path.clone()).or_else(bare);
        groups.entry(account.or_else(|| higher_scope(&object.body))).or_default().push(object);
    }
    groups.into_iter().collect()
}

/// The account that one object names.
fn said(list: GrantList, object: &Object) -> Option<AccountId> {
    match list {
        GrantList::AwsAuthorizationDetails | GrantList::AwsResources => arn_account(&object.id),
        GrantList::AzureGroupMembers => None,
        GrantList::AzureRoleAssignments => {
            segment(text_of(&object.body, b"scope").unwrap_or_default(), "subscriptions")
                .or_else(|| segment(&object.id, "subscriptions"))
        }
        GrantList::AzureRoleDefinitions | GrantList::AzureResources => segment(&object.id, "subscriptions"),
        GrantList::GcpIamPolicy => None,
        GrantList::GcpSearchAllIamPolicies | GrantList::GcpResources | GrantList::GcpRoles => project(&object.id),
    }
}

fn arn_account(arn: &str) -> Option<AccountId> {
    let account = arn.split(':').nth(4)?;
    is_aws(account).then(|| AccountId::from(account))
}

/// The project in a resource's full name, when it is an id and no number.
fn project(name: &str) -> Option<AccountId> {
    let id = segment_as_is(name, "projects")?;
    let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
    (!id.is_empty() && !is_number).then(|| AccountId::from(id))
}

fn segment_as_is<'a>(path: &'a str, word: &str) -> Option<&'a str> {
    let mut parts = path.split('/');
    parts.find(|part| *part == word)?;
    parts.next()
}

/// The scope above all projects that a resource is.
fn higher_scope(object: &[u8]) -> Option<AccountId> {
    let name = text_of(object, b"resource").or_else(|| text_of(object, b"name"))?;
    let scope = |word| segment_as_is(name, word).map(|id| AccountId::from(format!("{word}/{id}")));
    scope("organizations").or_else(|| scope("folders"))
}

/// Project numbers (as `projects/123`) of the projects that stand in the same list.
fn project_numbers(objects: &[Object]) -> BTreeMap<String, AccountId> {
    let mut numbers = BTreeMap::new();
    for object in objects {
        let (Some(id), Some(number)) = (project(&object.id), text_of(&object.body, b"project")) else { continue };
        numbers.insert(number.to_owned(), id);
    }
    numbers
}

/// The account that a path names: its nearest folder, or its file without the ending, that looks like one. Many words
/// look like a project id, so for GCP only the folder right above the file counts.
fn path_account(provider: Provider, path: &str) -> Option<AccountId> {
    let (folders, _) = path.rsplit_once('/').unwrap_or(("", path));
    let n_folders = if provider == Provider::Gcp { 1 } else { usize::MAX };
    let mut parts = folders.rsplit('/').take(n_folders).chain(std::iter::once(stem(path)));
    let found = parts.find(|part| match provider {
        Provider::Aws => is_aws(part),
        Provider::Azure => is_guid(part.as_bytes()),
        Provider::Gcp => is_gcp(part),
    })?;
    Some(AccountId::from(found.to_ascii_lowercase()))
}

/// A file's name without folders and without what stands behind its first dot.
pub(super) fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file)
}

fn is_aws(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text has the shape of a project id and is no word that folders are usually called by.
fn is_gcp(text: &str) -> bool {
    const WORDS: [&str; 18] = [
        "entitlements",
        "entitlement",
        "inventory",
        "inventories",
        "policies",
        "policy",
        "iam-policy",
        "iam-policies",
        "resources",
        "snapshots",
        "snapshot",
        "search-all-iam-policies",
        "google",
        "projects",
        "sample",
        "overgrant",
        "iam-policy-json",
        "folders",
    ];
    (6..=30).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && !WORDS.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_that_looks_like_an_account_is_one() {
        let of = |provider, path| path_account(provider, path).map(|account| account.to_string());
        assert_eq!(of(Provider::Gcp, "gcp/entitlements/acme-prod-1/iam-policy.json"), Some("acme-prod-1".to_owned()));
        assert_eq!(of(Provider::Gcp, "acme-prod-1.json"), Some("acme-prod-1".to_owned()));
        assert_eq!(of(Provider::Gcp, "shared/entitlements/iam-policy.json"), None);
        assert_eq!(of(Provider::Aws, "aws/111122223333/x.json"), Some("111122223333".to_owned()));
        let guid = "0B1F6471-1BF0-4DDA-AEC3-111122223333";
        assert_eq!(of(Provider::Azure, &format!("az/{guid}/x.json")), Some(guid.to_ascii_lowercase()));
    }
}
