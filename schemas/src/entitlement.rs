//! What one source grants one identity.
//!
//! | kind | whose row | source | what the row and its policies say |
//! |---|---|---|---|
//! | `scp`, `rcp` | the account's root ([`crate::identity::aws_root`]): one for each level, not for each identity | `scp:<level>:<target>`, `rcp:…`; level `00` is the organization's root | all policies of that kind attached there; where not all are known, also one without statements whose error says so. `scp:00:unknown` stands for all that is above |
//! | `resource_policy` | the root of the account that owns the resource, for whoever asks for it ([`Entitlement::is_of_resource`]); besides, each user and role of the account that an allow in it names | `resource:<arn>` | the resource's policy, whose ARN is in `scopes`; no policy says that the resource has none |
//! | `deny_assignment` | each whom it denies and does not spare, members of groups too; everybody is the object id of zeros | `assignment:<id>`, `group:<id>/assignment:<id>` | the statements' `identities` are whom it names, `not_identities` whom it spares, by object id; the condition `doNotApplyToChildScopes` says that it holds at its scope alone |
//! | `deny_rule` | the same; everybody is `gcp:allusers` | `deny:<resource>#<policy>#<place>`, `group:<address>/deny:…` | permissions as the rule writes them, exceptions in `not_actions`; `identities` and `not_identities` as the rule writes them |
//! | `eligible` | who may activate the role | `assignment:<schedule>` | from when and until when it may be |
//! | `role_assignment` by PIM | who has activated it or was given it for a time | that of the assignment which it made | `valid_until` |
//! | `binding` | each member, members of groups too | `binding:…`, `group:<address>/binding:…` | an end that the condition sets is `valid_until`; what else it says stays the condition |
//!
//! Rows are a history: a source whose content changes has a row for each content, with its beginning in `valid_from` and its end in
//! `deleted_at`; at any time one of them holds. A row whose `deleted_at` is its `valid_from` never held: it was told before
//! an older snapshot, or all of a collection, was read. An AWS identity's own row (`identity`) has its ARN in `scopes`, since the
//! id does not keep the path of its name.

use serde::{Deserialize, Serialize};

use crate::enums::words;
use crate::topic::PartitionBy;
use crate::{AccountId, IdentityId, IdentityKind, Message, Noun, OrgId, PolicyHash, Provider, ResourceId, Text, Time};

words!(
    /// What kind of source it is.
    EntitlementKind {
        /// The identity exists; grants nothing. Every identity of a snapshot has one.
        Identity => "identity",
        /// An AWS policy on the identity itself.
        IdentityPolicy => "identity_policy",
        /// An AWS policy through a group.
        GroupPolicy => "group_policy",
        /// An AWS permission boundary.
        Boundary => "boundary",
        /// An AWS role's trust policy: who may assume it.
        Trust => "trust",
        /// An AWS resource policy.
        ResourcePolicy => "resource_policy",
        /// The AWS service control policies at one level above an account.
        Scp => "scp",
        /// The AWS resource control policies at one level above an account.
        Rcp => "rcp",
        /// An Azure role assignment.
        RoleAssignment => "role_assignment",
        /// An Azure deny assignment.
        DenyAssignment => "deny_assignment",
        /// An Azure role that can be activated (PIM).
        Eligible => "eligible",
        /// A GCP allow binding.
        Binding => "binding",
        /// A GCP deny rule.
        DenyRule => "deny_rule",
    }
);

/// What one source grants one identity in one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct Entitlement {
    /// Who holds it.
    pub identity_id: IdentityId,
    /// The account that grants it.
    pub account_id: AccountId,
    /// The source within the account: `identity`, `attached:<arn>`, `inline:<name>`, `group:<name>/attached:<arn>`,
    /// `assignment:<id>`, `binding:<resource>#<role>#<condition hash>`.
    pub source: Text,
    /// What kind of source.
    pub kind: EntitlementKind,
    /// The policy's or role's name for people.
    pub source_name: Option<Text>,
    /// The cloud.
    pub provider: Provider,
    /// The organization or tenant.
    pub org_id: Option<OrgId>,
    /// What kind of identity.
    pub identity_kind: IdentityKind,
    /// Its name for people.
    pub identity_name: Option<Text>,
    /// Its unique id.
    pub identity_generation: Option<Text>,
    /// When the identity was created, when the snapshot says.
    pub identity_created_at: Option<Time>,
    /// When the cloud says it was last used.
    pub identity_last_used_at: Option<Time>,
    /// The policies, by content hash.
    pub policy_hashes: Vec<PolicyHash>,
    /// The groups through which it is held; empty when held directly.
    pub groups: Vec<IdentityId>,
    /// The scopes at which it is granted (Azure scope, GCP resource); empty for AWS, whose policies say.
    pub scopes: Vec<ResourceId>,
    /// A condition on the whole grant, as the cloud writes it.
    pub condition: Option<Text>,
    /// From when it holds: the grant's own creation time, else the snapshot's.
    pub valid_from: Time,
    /// Until when, for grants with an end.
    pub valid_until: Option<Time>,
    /// When a complete snapshot no longer named it.
    pub deleted_at: Option<Time>,
    /// Counts up with each change.
    pub revision: i64,
}

impl Entitlement {
    /// A row of which no more is known than its key and its kind.
    #[must_use]
    pub fn of(
        provider: Provider,
        account_id: AccountId,
        (identity_id, identity_kind): (IdentityId, IdentityKind),
        kind: EntitlementKind,
        source: Text,
        valid_from: Time,
    ) -> Self {
        Self {
            identity_id,
            account_id,
            source,
            kind,
            source_name: None,
            provider,
            org_id: None,
            identity_kind,
            identity_name: None,
            identity_generation: None,
            identity_created_at: None,
            identity_last_used_at: None,
            policy_hashes: Vec::new(),
            groups: Vec::new(),
            scopes: Vec::new(),
            condition: None,
            valid_from,
            valid_until: None,
            deleted_at: None,
            revision: 0,
        }
    }

    /// Whether it is the policy of a resource as such, which counts for whoever asks for the resource, and no grant of the
    /// identity that it stands under.
    #[must_use]
    pub fn is_of_resource(&self) -> bool {
        self.kind == EntitlementKind::ResourcePolicy && self.identity_kind == IdentityKind::Root
    }

    /// Whether it was told and taken back: it never held. An older snapshot that comes later moves the beginning of a row.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.deleted_at.is_some_and(|deleted| deleted <= self.valid_from)
    }
}

impl Noun for Entitlement {
    const NAME: &'static str = "entitlement";

    fn row_key(&self) -> String {
        format!("{}|{}|{}|{}", self.identity_id, self.account_id, self.source, self.valid_from.0)
    }

    fn time(&self) -> Time {
        self.valid_from
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    fn raise(&mut self, by: i64) {
        self.revision = self.revision.saturating_add(by);
    }

    fn deleted_at(&self) -> Option<Time> {
        self.deleted_at
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Text(&self.identity_id)
    }

    fn into_message(self) -> Message {
        Message::Entitlement(self.into())
    }
}
