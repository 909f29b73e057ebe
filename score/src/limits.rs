//! What limits everybody in an account: SCPs and RCPs above it, and what Azure and GCP deny to all.
//!
//! Such a row stands under one identity, the account's root or everybody, and counts for all. So [`crate::Accounts`] hands it to
//! every partition as a fact `limit:<source>@<beginning>`, whose ids are the hashes of its policies and, with a word before
//! them, its scopes and its condition.

use std::collections::BTreeSet;
use std::sync::Arc;

use permissions::grants;
use schemas::{
    Entitlement, EntitlementKind, Id128, IdentityId, IdentityKind, Inventory, PolicyHash, Provider, ResourceId, Text,
    identity,
};

use crate::law::Policies;

/// What the kinds of such facts begin with.
pub(crate) const LIMIT: &str = "limit:";
/// Contents that are kept of one account; those that began first go. An account has some six levels of SCPs and of RCPs.
pub(crate) const MAX_LIMITS: usize = 1_024;

const SCOPE: &str = "scope:";
const CONDITION: &str = "condition:";

/// Whether a row limits everybody in its account.
pub(crate) fn is_limit(row: &Entitlement) -> bool {
    match row.kind {
        EntitlementKind::Scp | EntitlementKind::Rcp => true,
        EntitlementKind::DenyAssignment | EntitlementKind::DenyRule => identity::is_everybody(&row.identity_id),
        _ => false,
    }
}

/// The fact that such a row is to everybody.
pub(crate) fn fact(row: &Entitlement) -> Inventory {
    let hashes = row.policy_hashes.iter().map(|hash| ResourceId::from(hash.as_str()));
    let scopes = row.scopes.iter().map(|scope| ResourceId::from(format!("{SCOPE}{scope}")));
    let condition = row.condition.iter().map(|condition| ResourceId::from(format!("{CONDITION}{condition}")));
    let resource_ids: Vec<ResourceId> = hashes.chain(scopes).chain(condition).collect();
    Inventory {
        provider: row.provider,
        account_id: row.account_id.clone(),
        // A source has a row for each content, told apart by its beginning.
        kind: Text::from(format!("{LIMIT}{}@{}", row.source, row.valid_from.0)),
        time: row.valid_from,
        n_resources: i64::try_from(resource_ids.len()).unwrap_or(i64::MAX),
        resource_ids,
        deleted_at: row.deleted_at,
        revision: row.revision,
    }
}

/// The row that such a fact was.
fn row(fact: &Inventory) -> Entitlement {
    let source = fact.kind.strip_prefix(LIMIT).unwrap_or(&fact.kind);
    let source = source.rsplit_once('@').map_or(source, |(source, _)| source);
    let (id, kind) = match fact.provider {
        Provider::Aws if source.starts_with("rcp:") => (identity::aws_root(&fact.account_id), EntitlementKind::Rcp),
        Provider::Aws => (identity::aws_root(&fact.account_id), EntitlementKind::Scp),
        Provider::Azure => (IdentityId::default(), EntitlementKind::DenyAssignment),
        Provider::Gcp => (IdentityId::default(), EntitlementKind::DenyRule),
    };
    let who = (id, IdentityKind::Unknown);
    let mut row = Entitlement::of(fact.provider, fact.account_id.clone(), who, kind, Text::from(source), fact.time);
    for id in &fact.resource_ids {
        if let Some(scope) = id.strip_prefix(SCOPE) {
            row.scopes.push(ResourceId::from(scope));
        } else if let Some(condition) = id.strip_prefix(CONDITION) {
            row.condition = Some(Text::from(condition));
        } else {
            row.policy_hashes.push(PolicyHash::from(id.as_str()));
        }
    }
    row.revision = fact.revision;
    row
}

/// What limits everybody in an account at a time.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    rows: Vec<Entitlement>,
    /// Equal numbers, equal limits.
    pub(crate) version: u64,
}

impl Limits {
    pub(crate) fn of<'f>(facts: impl Iterator<Item = &'f Arc<Inventory>>) -> Self {
        let (mut rows, mut parts) = (Vec::new(), Vec::new());
        for fact in facts {
            rows.push(row(fact));
            parts.push(fact.kind.as_bytes());
            parts.extend(fact.resource_ids.iter().map(|id| id.as_bytes()));
        }
        let version = Id128::of_parts(&parts).0 as u64;
        Self { rows, version }
    }

    /// Those that do not spare an identity, whose own rows name its groups.
    pub(crate) fn on<'l>(
        &'l self,
        id: &IdentityId,
        own: &[&Arc<Entitlement>],
        policies: &Policies,
    ) -> impl Iterator<Item = &'l Entitlement> {
        on(self.rows.iter(), id, own, policies)
    }
}

/// The limits among some that do not spare an identity, whose own rows name its groups.
pub(crate) fn on<'l>(
    limits: impl Iterator<Item = &'l Entitlement>,
    id: &IdentityId,
    own: &[&Arc<Entitlement>],
    policies: &Policies,
) -> impl Iterator<Item = &'l Entitlement> {
    let mut names: Option<BTreeSet<String>> = None;
    limits.filter(move |row| {
        if matches!(row.kind, EntitlementKind::Scp | EntitlementKind::Rcp) {
            return true;
        }
        let groups = own.iter().flat_map(|row| &row.groups);
        let names = names.get_or_insert_with(|| grants::names(std::iter::once(id).chain(groups)));
        !row.policy_hashes.iter().filter_map(|hash| policies.get(hash)).any(|policy| grants::spares(policy, names))
    })
}
