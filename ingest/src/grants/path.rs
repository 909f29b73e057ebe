//! What the path of a file says: the account of its folder, and of which policy, parent, group or identity it tells.

use schemas::{AccountId, Provider};

use crate::split::kind::is_guid;

/// The account that a path names: its nearest folder, or its file without the ending, that looks like one. Many words
/// look like a project id, so for GCP only the folder right above the file counts.
pub(super) fn account(provider: Provider, path: &str) -> Option<AccountId> {
    let n_folders = if provider == Provider::Gcp { 1 } else { usize::MAX };
    let mut parts = folders(path).take(n_folders).chain(std::iter::once(stem(path)));
    let found = parts.find(|part| match provider {
        Provider::Aws => is_aws(part),
        Provider::Azure => is_guid(part.as_bytes()),
        Provider::Gcp => is_gcp(part),
    })?;
    Some(AccountId::from(found.to_ascii_lowercase()))
}

/// The organization that a folder names by its id, else by its management account.
pub(super) fn organization(path: &str) -> Option<AccountId> {
    folders(path).find(|part| is_organization(part)).or_else(|| folders(path).find(|part| is_aws(part))).map(Into::into)
}

/// Folders, the nearest first.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit_once('/').map_or("", |(folders, _)| folders).rsplit('/')
}

/// A file's name without folders and without what stands behind its first dot.
pub(super) fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file)
}

/// A file's name without folders and endings; other dots are part of it.
fn whole_stem(path: &str) -> &str {
    let mut file = path.rsplit('/').next().unwrap_or(path);
    for ending in [".gz", ".zst", ".json", ".ndjson", ".jsonl"] {
        file = file.strip_suffix(ending).unwrap_or(file);
    }
    file
}

/// What of an organization a file is named by: a policy, a root, a unit or an account.
pub(super) fn organizations_id(path: &str) -> Option<&str> {
    let stem = stem(path);
    let is_one = is_aws(stem) || ["p-", "r-", "ou-"].iter().any(|kind| stem.starts_with(kind));
    is_one.then_some(stem)
}

/// Whether an id of Organizations is one of a root or a unit, which have children.
pub(super) fn is_parent(id: &str) -> bool {
    id.starts_with("r-") || id.starts_with("ou-")
}

/// The address of the group that a file is named by.
pub(super) fn email(path: &str) -> Option<&str> {
    Some(whole_stem(path)).filter(|stem| stem.contains('@'))
}

/// The user, role or group that a file is named by: `…/role/NAME.json`, or an ARN. Told as `role/NAME` or as the ARN.
pub(super) fn entity(path: &str) -> Option<String> {
    if let Some(arn) = arn(path) {
        return Some(arn.to_owned());
    }
    let (kind, name) = (folders(path).next()?, whole_stem(path));
    matches!(kind, "user" | "role" | "group").then(|| format!("{kind}/{name}"))
}

/// The ARN that a file is named by; its slashes are folders.
pub(super) fn arn(path: &str) -> Option<&str> {
    let at = path.find("arn:aws")?;
    let n_endings = path.rsplit('/').next()?.len() - whole_stem(path).len();
    path.get(at..path.len() - n_endings)
}

/// Whether a file is a snapshot of AWS Config's, which names every resource of an account in a region, as it was delivered:
/// `…_ConfigSnapshot_….json.gz`.
pub(super) fn is_config_snapshot(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|file| file.contains("_ConfigSnapshot_"))
}

pub(super) fn is_aws(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An organization's id: `o-` and 10 to 32 small letters or digits (`OrganizationId` in the API reference of AWS
/// Organizations).
pub(super) fn is_organization(text: &str) -> bool {
    let id = text.strip_prefix("o-").unwrap_or_default();
    (10..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
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
        let of = |provider, path| account(provider, path).map(|account| account.to_string());
        assert_eq!(of(Provider::Gcp, "gcp/entitlements/acme-prod-1/iam-policy.json"), Some("acme-prod-1".to_owned()));
        assert_eq!(of(Provider::Gcp, "acme-prod-1.json"), Some("acme-prod-1".to_owned()));
        assert_eq!(of(Provider::Gcp, "shared/entitlements/iam-policy.json"), None);
        assert_eq!(of(Provider::Aws, "aws/111122223333/x.json"), Some("111122223333".to_owned()));
        let guid = "0B1F6471-1BF0-4DDA-AEC3-111122223333";
        assert_eq!(of(Provider::Azure, &format!("az/{guid}/x.json")), Some(guid.to_ascii_lowercase()));
    }

    #[test]
    fn a_files_name_tells_what_it_is_about() {
        assert_eq!(organizations_id("org/parents/111122223333.json"), Some("111122223333"));
        assert_eq!(organizations_id("org/p-examplepol1.json.gz"), Some("p-examplepol1"));
        assert_eq!(organizations_id("org/policies.json"), None);
        let org = |path| organization(path).map(|account| account.to_string());
        assert_eq!(org("o-exampleorgid/parents/111122223333.json"), Some("o-exampleorgid".to_owned()));
        assert_eq!(org("999999999999/parents/111122223333.json"), Some("999999999999".to_owned()));
        assert_eq!(org("111122223333.json"), None);
        assert_eq!(email("groups/Devs.eu@example.com.json.gz"), Some("Devs.eu@example.com"));
        assert_eq!(entity("a/role/a.b@c.json"), Some("role/a.b@c".to_owned()));
        assert_eq!(entity("a/arn:aws:iam::1:role/x/r.json.gz"), Some("arn:aws:iam::1:role/x/r".to_owned()));
        assert_eq!(entity("a/b.json"), None);
        assert_eq!(arn("111122223333/arn:aws:s3:::a.b.json"), Some("arn:aws:s3:::a.b"));
    }
}
