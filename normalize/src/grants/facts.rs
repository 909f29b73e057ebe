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
    /// What lies above an account, the topmost first.
    Ancestors { account: AccountId, ids: Vec<ResourceId> },
    /// An identity that exists, and what is known of its life.
    Life(Life),
    /// A piece of an AWS organization.
    Organization(Piece),
    /// An Azure assignment of PIM's: when it holds, and of which assignment it tells more.
    Schedule { assignment: Assignment, of: Option<Text>, from: Option<Time>, until: Option<Time> },
    /// An Azure deny assignment, and whom it spares.
    Deny { assignment: Assignment, spared: Vec<Member> },
    /// A classic administrator of Azure, by e-mail address.
    Administrator { email: Text, role: Text },
    /// A rule of a GCP deny policy.
    Denies(DenyRule),
    /// A GCP group.
    GcpGroup { email: Text, members: Vec<Text> },
    /// The policy of an AWS resource.
    ResourcePolicy(ResourcePolicy),
}

/// When an identity was made and used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Life {
    pub(super) identity_id: IdentityId,
    pub(super) kind: IdentityKind,
    pub(super) name: Option<Text>,
    pub(super) generation: Option<Text>,
    pub(super) created_at: Option<Time>,
    pub(super) last_used_at: Option<Time>,
}

/// A piece of an AWS organization. Ids are those of Organizations: of policies, roots, units and accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Piece {
    /// A policy; `hash` when its document is known.
    Policy { id: Text, kind: Text, hash: Option<PolicyHash> },
    /// All targets of a policy are known.
    TargetsOf { policy: Text },
    /// All policies of one kind at a target are known.
    PoliciesAt { target: Text, kind: Text },
    /// A policy is attached at a target.
    Attached { policy: Text, target: Text },
    /// What a child's parent is.
    Parent { child: Text, parent: Text },
    /// A root, unit or account exists, and is called so.
    Named { id: Text, name: Option<Text> },
    /// The kinds of policies that are enabled at a root.
    Enabled { root: Text, kinds: Vec<Text> },
    /// Which organization an id belongs to.
    Of { id: Text, org: OrgId },
    /// Its management account, which no SCP and no RCP limits.
    Management { account: AccountId },
}

/// The policy of an AWS resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResourcePolicy {
    pub(super) arn: ResourceId,
    /// None if the resource has no policy.
    pub(super) hash: Option<PolicyHash>,
    /// The users and roles that something is allowed to, by ARN.
    pub(super) named: Vec<Text>,
    /// When it was recorded.
    pub(super) recorded_at: Option<Time>,
}

/// A rule of a GCP deny policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DenyRule {
    /// The policy's id and the rule's place.
    pub(super) id: Text,
    pub(super) name: Option<Text>,
    pub(super) resource: ResourceId,
    pub(super) denied: Vec<Text>,
    pub(super) spared: Vec<Text>,
    pub(super) hash: PolicyHash,
    pub(super) condition: Option<Text>,
}

/// An AWS user, role or group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) identity_id: IdentityId,
    /// With the path of its name, which the id does not have.
    pub(super) arn: Text,
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
    let row = Entitlement::of(provider, account_id.clone(), who, kind, source.into(), at);
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

/// A member that is a time, in RFC 3339 or with a space in it as the AWS SDK for Python prints it; without a zone it is
/// one of UTC.
pub(super) fn time(value: &Value, key: &str) -> Option<Time> {
    let text = text(value, key)?;
    Time::parse(text).or_else(|_| Time::parse(&format!("{text}Z"))).ok()
}

/// The items of a member that is an array; none for anything else.
pub(super) fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
