//! Inventories: the resources of an account by kind, and what lies above an account.
//!
//! Several lists may tell of one kind of one account. What goes out is all that they name together; of what lies above an
//! account, what the newest of them says.

use std::collections::{BTreeMap, BTreeSet};

use permissions::resource::container_kind;
use schemas::{AccountId, Id128, Inventory, Message, Noun, Provider, ResourceId, Text, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stream::Output;

use super::facts::{Fact, required, text};
use super::{ListKey, lists};

/// The kind that says what lies above an account: organizational units and their root, management groups, folders and
/// their organization; the topmost first, the account itself left out.
pub(super) const ANCESTOR: &str = "ancestor";
/// IAM's instance profiles, and the roles that stand in one.
pub(super) const INSTANCE_PROFILE: &str = "iam:instance-profile";
pub(super) const ROLE_OF_PROFILE: &str = "iam:instance-profile:role";
/// Keys of service accounts.
pub(super) const KEY: &str = "iam.googleapis.com/ServiceAccountKey";

/// The list of rows that were recalled and of which several lists may tell.
const RECALLED: &str = "recalled";

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

/// What went out of one kind of one account.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    content: Id128,
    revision: i64,
}

/// A snapshot of a list that names resources.
pub(super) struct Listed<'a> {
    pub(super) key: &'a ListKey,
    pub(super) at: Time,
    pub(super) facts: &'a [Fact],
    /// Whether what it does not name is gone.
    pub(super) complete: bool,
}

/// What each list said last.
pub(super) type Said = BTreeMap<ListKey, BTreeMap<Text, Inventory>>;

/// The revisions of what went out, by cloud, account and kind.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Inventories(BTreeMap<(Provider, AccountId, Text), Told>);

impl Inventories {
    /// Takes in what a list says and emits what changed.
    pub(super) fn take(&mut self, said: &mut Said, listed: &Listed<'_>, max_ids: usize, out: &mut Output<Message>) {
        let (provider, owner, list) = listed.key;
        let mut rows = rows(listed, max_ids);
        let of_others = of(owner, list);
        let others = said.iter().filter(|(key, _)| lists::tells_of_others(list) && key.2 == of_others);
        let known = said.get(listed.key).into_iter().chain(others.map(|(_, kinds)| kinds)).flat_map(BTreeMap::values);
        for old in known.filter(|old| listed.complete && old.deleted_at.is_none() && old.provider == *provider) {
            let gone =
                Inventory { n_resources: 0, resource_ids: Vec::new(), deleted_at: Some(listed.at), ..old.clone() };
            rows.entry((old.account_id.clone(), old.kind.clone())).or_insert(gone);
        }
        for ((account, kind), row) in rows {
            let list = if account == *owner { list.clone() } else { of(owner, list) };
            said.entry((*provider, account.clone(), list)).or_default().insert(kind.clone(), row);
            self.tell(said, (*provider, account, kind), max_ids, out);
        }
    }

    fn tell(&mut self, said: &Said, what: (Provider, AccountId, Text), max_ids: usize, out: &mut Output<Message>) {
        let (provider, account, kind) = &what;
        let lists = said.range((*provider, account.clone(), Text::default())..);
        let of_account = lists.take_while(|((of, whose, _), _)| of == provider && whose == account);
        let rows: Vec<&Inventory> = of_account.filter_map(|(_, kinds)| kinds.get(kind)).collect();
        let Some(mut row) = joined(&rows, max_ids) else { return };
        let content = content(&row);
        let told = self.0.entry(what).or_insert(Told { content: Id128(0), revision: 0 });
        if told.content != content {
            told.content = content;
            told.revision += 1;
            row.revision = told.revision;
            out.emit(row.into_message());
        }
    }

    /// Takes back a row that went out before.
    pub(super) fn recall(&mut self, said: &mut Said, row: &Inventory) {
        let (list, revision) = (list_of_kind(row.provider, &row.kind), row.revision);
        let row = Inventory { revision: 0, ..row.clone() };
        let what = (row.provider, row.account_id.clone(), row.kind.clone());
        self.0.insert(what, Told { content: content(&row), revision });
        said.entry((row.provider, row.account_id.clone(), list)).or_default().insert(row.kind.clone(), row);
    }

    /// Everything was recalled: what lies above accounts is what the lists say that were given again.
    pub(super) fn recalled(&self, said: &mut Said) {
        said.retain(|key, _| key.2.as_str() != RECALLED);
    }
}

/// What a list of one account says of another account is kept apart under that account.
fn of(owner: &AccountId, list: &Text) -> Text {
    Text::from(format!("{list}@{owner}"))
}

/// The list that names a kind, for rows whose list is not known.
fn list_of_kind(provider: Provider, kind: &str) -> Text {
    match kind {
        INSTANCE_PROFILE | ROLE_OF_PROFILE => "aws.authorization_details".into(),
        ANCESTOR => RECALLED.into(),
        KEY => "gcp.service_account_keys".into(),
        _ => Text::from(format!("{provider}.resources")),
    }
}

fn content(row: &Inventory) -> Id128 {
    Id128::of_parts(&[&serde_json::to_vec(row).unwrap_or_default()])
}

/// What several lists say together; what none names any more is gone since the last of them said so.
fn joined(rows: &[&Inventory], max_ids: usize) -> Option<Inventory> {
    let alive: Vec<&&Inventory> = rows.iter().filter(|row| row.deleted_at.is_none()).collect();
    let newest = alive.iter().max_by_key(|row| (row.time, row.resource_ids.len()));
    let Some(newest) = newest else {
        return rows.iter().max_by_key(|row| row.deleted_at).map(|row| Inventory::clone(row));
    };
    let mut row = Inventory::clone(newest);
    if alive.len() > 1 && row.kind != ANCESTOR {
        let ids: BTreeSet<&ResourceId> = alive.iter().flat_map(|row| &row.resource_ids).collect();
        let n_ids = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        row.n_resources = alive.iter().map(|row| row.n_resources).chain([n_ids]).max().unwrap_or(n_ids);
        row.resource_ids = ids.into_iter().take(max_ids).cloned().collect();
    }
    Some(row)
}

/// One row for each account and kind.
fn rows(listed: &Listed<'_>, max_ids: usize) -> BTreeMap<(AccountId, Text), Inventory> {
    let (provider, owner, _) = listed.key;
    let mut kinds: BTreeMap<&Text, BTreeSet<&ResourceId>> = BTreeMap::new();
    let row = |account: &AccountId, kind: &Text, n: usize, ids: Vec<ResourceId>| Inventory {
        provider: *provider,
        account_id: account.clone(),
        kind: kind.clone(),
        time: listed.at,
        n_resources: i64::try_from(n).unwrap_or(i64::MAX),
        resource_ids: ids,
        deleted_at: None,
        revision: 0,
    };
    let mut found = BTreeMap::new();
    let mut above = Vec::new();
    for fact in listed.facts {
        match fact {
            // The nearest comes first, and the project itself is none.
            Fact::Resource { kind, id } if kind == ANCESTOR => {
                above.extend(Some(id).filter(|id| !id.starts_with("projects/")))
            }
            Fact::Resource { kind, id } => drop(kinds.entry(kind).or_default().insert(id)),
            Fact::Ancestors { account, ids } => {
                let kind = Text::from(ANCESTOR);
                let made = row(account, &kind, ids.len(), ids.iter().take(max_ids).cloned().collect());
                found.insert((account.clone(), kind), made);
            }
            _ => {}
        }
    }
    if !above.is_empty() {
        let kind = Text::from(ANCESTOR);
        let ids: Vec<ResourceId> = above.into_iter().rev().take(max_ids).cloned().collect();
        found.insert((owner.clone(), kind.clone()), row(owner, &kind, ids.len(), ids));
    }
    for (kind, ids) in kinds {
        let n = ids.len();
        found.insert(
            (owner.clone(), kind.clone()),
            row(owner, kind, n, ids.into_iter().take(max_ids).cloned().collect()),
        );
    }
    found
}
