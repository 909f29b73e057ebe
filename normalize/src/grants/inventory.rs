//! Inventories: the resources of an account by kind.

use std::collections::{BTreeMap, BTreeSet};

use permissions::resource::container_kind;
use schemas::{AccountId, Inventory, Provider, ResourceId, Text, Time};
use serde_json::Value;

use super::facts::{Fact, required, text};

/// Reads one resource.
pub(super) fn object(provider: Provider, object: &Value) -> Result<Fact, String> {
    let (id, kind) = match provider {
        Provider::Aws => (required(object, "ResourceARN")?, None),
        Provider::Azure => (required(object, "id")?, text(object, "type")),
        Provider::Gcp => (required(object, "name")?, text(object, "assetType")),
    };
    let kind = match kind {
        Some(kind) => Text::from(kind),
        None => container_kind(provider, id).map(Text::from).ok_or_else(|| format!("`{id}` does not tell its kind"))?,
    };
    Ok(Fact::Resource { kind, id: ResourceId::from(id) })
}

/// One row for each kind.
pub(super) fn rows(
    provider: Provider,
    account: &AccountId,
    at: Time,
    facts: &[Fact],
    max_ids: usize,
) -> Vec<Inventory> {
    let mut kinds: BTreeMap<&Text, BTreeSet<&ResourceId>> = BTreeMap::new();
    for fact in facts {
        if let Fact::Resource { kind, id } = fact {
            kinds.entry(kind).or_default().insert(id);
        }
    }
    let row = |(kind, ids): (&Text, BTreeSet<&ResourceId>)| Inventory {
        provider,
        account_id: account.clone(),
        kind: kind.clone(),
        time: at,
        n_resources: i64::try_from(ids.len()).unwrap_or(i64::MAX),
        resource_ids: ids.into_iter().take(max_ids).cloned().collect(),
        deleted_at: None,
        revision: 0,
    };
    kinds.into_iter().map(row).collect()
}
