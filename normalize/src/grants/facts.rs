//! What is kept of a snapshot's objects: their ids, and their policies by hash.

use schemas::{
    AccountId, Entitlement, EntitlementKind, IdentityId, IdentityKind, OrgId, PolicyHash, Provider, ResourceId, Text,
    Time,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One object of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fact {
    /// An AWS user, role or group.
    Holder(Holder),
    /// An AWS managed policy.
    Managed { arn: Text, hash: PolicyHash },
    /// An Azure role or deny assignment.
    Assignment(Assignment),
    /// An Azure role definition, by its GUID.
    Definition { guid: Text, name: Text, hash: PolicyHash },
    /// An Azure group.
    Group { id: Text, members: Vec<Member> },
    /// A GCP binding of one role at one resource.
    Binding(Binding),
    /// A GCP role.
    Role { name: Text, title: Option<Text>, hash: PolicyHash },
    /// A resource of an inventory.
    Resource { kind: Text, id: ResourceId },
}

/// An AWS user, role or group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) identity_id: IdentityId,
    pub(super) kind: IdentityKind,
    pub(super) name: Text,
    pub(super) generation: Option<Text>,
    pub(super) created_at: Option<Time>,
    pub(super) last_used_at: Option<Time>,
    /// Name and hash.
    pub(super) inline: Vec<(Text, PolicyHash)>,
    /// ARN and name.
    pub(super) attached: Vec<(Text, Text)>,
    pub(super) groups: Vec<Text>,
    pub(super) boundary: Option<Text>,
    pub(super) trust: Option<PolicyHash>,
}

/// An Azure role or deny assignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Assignment {
    pub(super) id: Text,
    pub(super) kind: EntitlementKind,
    pub(super) principals: Vec<Member>,
    pub(super) role_id: Text,
    pub(super) role_name: Option<Text>,
    /// The permissions that a deny assignment carries itself.
    pub(super) hash: Option<PolicyHash>,
    pub(super) scope: ResourceId,
    pub(super) condition: Option<Text>,
    pub(super) created_at: Option<Time>,
}

/// Somebody in an Azure tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) object_id: Text,
    pub(super) kind: IdentityKind,
    pub(super) name: Option<Text>,
}

/// A GCP binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Binding {
    pub(super) resource: ResourceId,
    pub(super) role: Text,
    pub(super) members: Vec<Text>,
    pub(super) condition: Option<Text>,
    pub(super) org_id: Option<OrgId>,
}

/// A row as one snapshot has it, and whether `valid_from` is the grant's own time and not the snapshot's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Draft {
    pub(super) row: Entitlement,
    pub(super) own_time: bool,
}

/// A row of which only the key and the time are known.
pub(super) fn draft(
    provider: Provider,
    account_id: &AccountId,
    at: Time,
    who: (IdentityId, IdentityKind),
    kind: EntitlementKind,
    source: String,
) -> Draft {
    let row = Entitlement {
        identity_id: who.0,
        account_id: account_id.clone(),
        source: source.into(),
        kind,
        source_name: None,
        provider,
        org_id: None,
        identity_kind: who.1,
        identity_name: None,
        identity_generation: None,
        identity_created_at: None,
        identity_last_used_at: None,
        policy_hashes: Vec::new(),
        groups: Vec::new(),
        scopes: Vec::new(),
        condition: None,
        valid_from: at,
        valid_until: None,
        deleted_at: None,
        revision: 0,
    };
    Draft { row, own_time: false }
}

/// A member that is text and not empty.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A member that must be there.
pub(super) fn required<'v>(value: &'v Value, key: &str) -> Result<&'v str, String> {
    text(value, key).ok_or_else(|| format!("field `{key}` is missing or no text"))
}

/// A member that is a time, in RFC 3339 or with a space in it as the AWS SDK for Python prints it.
pub(super) fn time(value: &Value, key: &str) -> Option<Time> {
    Time::parse(text(value, key)?).ok()
}

/// The items of a member that is an array; none for anything else.
pub(super) fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
