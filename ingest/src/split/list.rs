//! The member names under which the clouds put lists of records or objects.

use schemas::Provider;

/// A list that an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    /// A bare array.
    Bare,
    /// `Records`: CloudTrail files.
    Records,
    /// `Events`: `aws cloudtrail lookup-events`.
    Events,
    /// `records`: Azure as Event Hubs deliver it.
    AzureRecords,
    /// `value`: Azure's REST answers.
    Value,
    /// `entries`: GCP's `entries.list` answers.
    Entries,
    /// `UserDetailList` of `aws iam get-account-authorization-details`, and so on.
    Users,
    /// `GroupDetailList`.
    Groups,
    /// `RoleDetailList`.
    Roles,
    /// `Policies`.
    Policies,
    /// `ResourceTagMappingList` of `aws resourcegroupstaggingapi get-resources`.
    Resources,
    /// `configurationItems` of what AWS Config delivers, `baseConfigurationItems` of `aws configservice batch-get-resource-config`.
    ConfigItems,
    /// `roles` of GCP's `roles.list` answers.
    GcpRoles,
    /// `results` of GCP's asset searches.
    GcpResults,
    /// `accounts` of GCP's `serviceAccounts.list` answers.
    GcpAccounts,
    /// `keys` of GCP's `serviceAccounts.keys.list` answers.
    GcpKeys,
    /// `assets` of GCP's `assets.list` answers.
    GcpAssets,
    /// No list: the text of a credential report of AWS, which is no JSON.
    CredentialReport,
}

impl List {
    /// The list that a member holds, by its name.
    pub(crate) fn of_member(key: &[u8]) -> Option<Self> {
        Some(match key {
            b"Records" => Self::Records,
            b"Events" => Self::Events,
            b"records" => Self::AzureRecords,
            b"value" => Self::Value,
            b"entries" => Self::Entries,
            b"UserDetailList" => Self::Users,
            b"GroupDetailList" => Self::Groups,
            b"RoleDetailList" => Self::Roles,
            b"Policies" => Self::Policies,
            b"ResourceTagMappingList" => Self::Resources,
            b"configurationItems" | b"baseConfigurationItems" => Self::ConfigItems,
            b"roles" => Self::GcpRoles,
            b"results" => Self::GcpResults,
            b"accounts" => Self::GcpAccounts,
            b"keys" => Self::GcpKeys,
            b"assets" => Self::GcpAssets,
            _ => return None,
        })
    }

    /// The cloud whose logs alone stand in such a list, whatever a record looks like.
    pub(crate) fn logs_of(self) -> Option<Provider> {
        match self {
            Self::Records | Self::Events => Some(Provider::Aws),
            Self::AzureRecords => Some(Provider::Azure),
            Self::Entries => Some(Provider::Gcp),
            _ => None,
        }
    }
}

/// Whether a member only says how a long answer was cut into pages, or which file this is; such members may stand before a
/// list.
pub(crate) fn is_preface(key: &[u8]) -> bool {
    matches!(
        key,
        b"NextToken"
            | b"nextToken"
            | b"PaginationToken"
            | b"IsTruncated"
            | b"Marker"
            | b"ResponseMetadata"
            | b"nextPageToken"
            | b"nextLink"
            | b"count"
            | b"@odata.context"
            | b"@odata.nextLink"
            | b"@odata.count"
            | b"readTime"
            | b"totalCount"
            | b"fileVersion"
            | b"configSnapshotId"
    )
}

/// What stands next in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// The bytes end before it can be told.
    More,
    /// The object ends right before this place.
    End(usize),
    /// One of the known lists; its first element or its end stands at the place.
    List(List, usize),
    /// Another member: where its key stands (without quotes), and where its value begins.
    Other(usize, usize, usize),
    /// No JSON object goes on like this.
    Bad,
}

/// Reads on in an object from a place between two members.
pub(crate) fn member(bytes: &[u8], from: usize) -> Member {
    let mut at = from;
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n' | b',')) {
        at += 1;
    }
    match bytes.get(at) {
        None => return Member::More,
        Some(b'}') => return Member::End(at + 1),
        Some(b'"') => {}
        Some(_) => return Member::Bad,
    }
    let mut walker = super::walker::Walker::new(false);
    let rest = bytes.get(at..).unwrap_or_default();
    match walker.walk(rest) {
        super::walker::Step::Done => {}
        super::walker::Step::More => return Member::More,
        super::walker::Step::Bad => return Member::Bad,
    }
    let (key_from, key_to) = (at + 1, at + walker.at - 1);
    at = super::walker::skip_space(bytes, at + walker.at);
    match bytes.get(at) {
        None => return Member::More,
        Some(b':') => {}
        Some(_) => return Member::Bad,
    }
    let value = super::walker::skip_space(bytes, at + 1);
    match (bytes.get(value), List::of_member(bytes.get(key_from..key_to).unwrap_or_default())) {
        (None, _) => Member::More,
        (Some(b'['), Some(list)) => {
            let first = super::walker::skip_space(bytes, value + 1);
            match bytes.get(first) {
                None => Member::More,
                Some(b'{' | b']') => Member::List(list, first),
                Some(_) => Member::Other(key_from, key_to, value),
            }
        }
        (Some(_), _) => Member::Other(key_from, key_to, value),
    }
}
