//! Snapshots of raw grants become policies, entitlements and inventories.
//!
//! The objects of a snapshot are held, parsed, until its end mark. A snapshot that breaks off, or of which an object is
//! missing, changes nothing; one with an object that cannot be read deletes nothing. Azure and GCP name roles and groups
//! in lists of their own: the newest bindings or assignments are kept and read again when such a list arrives.
//!
//! Azure's lists rarely name their tenant, which the ids of identities need. It is learned from the lists, from events
//! or from `azure_tenant`, and until then a subscription's snapshots of assignments wait, to be read in their order.

mod aws;
mod azure;
mod facts;
mod gcp;
mod inventory;
mod policies;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemas::{
    AccountId, DeadLetter, Entitlement, Id128, IdentityKind, Inventory, Mark, Message, Noun, OrgId, Origin, Provider,
    RawGrant, Text, Time,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stream::{Output, StateError};

use self::aws::Reader;
use self::facts::{Draft, Fact};
use self::policies::Policies;
use self::rows::{History, Rows, Seen, Stamp};
use crate::ValidConfig;

/// Snapshots that are open at once; past it the first of them is dropped as incomplete.
const MAX_OPEN: usize = 1024;

/// Snapshots of one list that wait for their tenant; past it the oldest goes.
const MAX_WAITING: usize = 64;

/// The format of the state.
const FORMAT: u32 = 1;

type ListKey = (Provider, AccountId, Text);

/// What a list holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Who holds what.
    Main,
    /// What the main list's roles and groups are.
    Secondary,
    Inventory,
}

fn role_of(list: &str) -> Role {
    match list {
        "azure.role_definitions" | "azure.group_members" | "gcp.roles" => Role::Secondary,
        _ if list.ends_with(".resources") => Role::Inventory,
        _ => Role::Main,
    }
}

/// A snapshot whose end has not come.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Open {
    /// By place; an object that cannot be read has no facts.
    objects: BTreeMap<i64, Vec<Fact>>,
    unreadable: bool,
    overflowed: bool,
}

/// The newest snapshot of a list, and the history.
#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    newest: Option<Stamp>,
    facts: Vec<Fact>,
    /// Snapshots that came before their tenant was known.
    waiting: BTreeMap<Stamp, Vec<Fact>>,
    history: History,
    origin: Origin,
    read_at: Time,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    open: BTreeMap<(ListKey, Id128), Open>,
    lists: BTreeMap<ListKey, List>,
    rows: Rows,
    inventories: BTreeMap<ListKey, BTreeMap<Text, Inventory>>,
    tenants: BTreeMap<AccountId, OrgId>,
    policies: Policies,
}

/// The stateful part of the room.
#[derive(Debug)]
pub(crate) struct Grants {
    config: ValidConfig,
    state: State,
}

impl Grants {
    pub(crate) fn new(config: &ValidConfig) -> Self {
        let policies = Policies::default().bounded(config.max_entitlements);
        Self { config: config.clone(), state: State { policies, ..State::default() } }
    }

    /// Takes one raw grant; what is wrong with it becomes a dead letter in `out`.
    pub(crate) fn apply(&mut self, grant: &RawGrant, out: &mut Output<Message>) {
        let list = (grant.provider, grant.account_id.clone(), grant.list.clone());
        let key = (list, grant.snapshot_id);
        match grant.mark {
            Mark::Begin => {
                self.open(&key);
                self.state.open.insert(key, Open::default());
            }
            Mark::Object => self.object(key, grant, out),
            Mark::Abort => drop(self.state.open.remove(&key)),
            Mark::End => self.end(&key, grant, out),
        }
    }

    /// Makes room for one more open snapshot.
    fn open(&mut self, key: &(ListKey, Id128)) {
        if self.state.open.len() >= MAX_OPEN && !self.state.open.contains_key(key) {
            self.state.open.pop_first();
        }
    }

    fn object(&mut self, key: (ListKey, Id128), grant: &RawGrant, out: &mut Output<Message>) {
        self.open(&key);
        let read = self.read(grant, out);
        let open = self.state.open.entry(key).or_default();
        if open.overflowed || open.objects.len() >= self.config.max_snapshot_objects {
            open.objects.clear();
            open.overflowed = true;
            return;
        }
        let facts = read.unwrap_or_else(|reason| {
            open.unreadable = true;
            reject(grant, reason, out);
            Vec::new()
        });
        open.objects.insert(grant.place, facts);
    }

    fn read(&mut self, grant: &RawGrant, out: &mut Output<Message>) -> Result<Vec<Fact>, String> {
        let body = &grant.body.0;
        if body.len() > self.config.max_record_bytes {
            return Err(format!("the object has {} bytes, more than `normalize.max_record` allows", body.len()));
        }
        let object: Value = serde_json::from_slice(body).map_err(|error| format!("the object is not JSON: {error}"))?;
        if role_of(&grant.list) == Role::Inventory {
            return Ok(vec![inventory::object(grant.provider, &object)?]);
        }
        if grant.provider == Provider::Azure
            && let Some(tenant) = azure::tenant(&object)
        {
            self.learn_tenant(&grant.account_id, &tenant, out);
        }
        let mut reader = Reader { policies: &mut self.state.policies, out, at: grant.collected_at };
        match grant.provider {
            Provider::Aws => Ok(vec![reader.object(&grant.object_kind, &object)?]),
            Provider::Azure => Ok(vec![azure::object(&grant.list, &object, &mut reader)?]),
            Provider::Gcp => gcp::objects(&grant.list, &grant.account_id, &object, &mut reader),
        }
    }

    fn end(&mut self, key: &(ListKey, Id128), grant: &RawGrant, out: &mut Output<Message>) {
        let open = self.state.open.remove(key).unwrap_or_default();
        if open.overflowed {
            return reject(
                grant,
                "the snapshot has more objects than `normalize.max_snapshot_objects` allows".to_owned(),
                out,
            );
        }
        if i64::try_from(open.objects.len()) != Ok(grant.place) {
            let reason = format!("the snapshot has {} of {} objects and is dropped", open.objects.len(), grant.place);
            return reject(grant, reason, out);
        }
        let facts: Vec<Fact> = open.objects.into_values().flatten().collect();
        let key = &key.0;
        let stamp = (grant.collected_at, grant.snapshot_id);
        let list = self.state.lists.entry(key.clone()).or_default();
        let is_newest = list.newest.is_none_or(|newest| newest <= stamp);
        if is_newest {
            list.newest = Some(stamp);
            list.origin = grant.origin.clone();
            list.read_at = grant.ingested_at;
        }
        match role_of(&grant.list) {
            Role::Inventory if is_newest => self.inventory(key, stamp.0, &facts, !open.unreadable, out),
            Role::Secondary if is_newest => {
                list.facts = facts;
                self.again(grant.provider, Some(&grant.account_id), stamp.0, out);
            }
            Role::Inventory | Role::Secondary => {}
            Role::Main => {
                if !open.unreadable {
                    list.history.complete(stamp);
                }
                self.main(key, stamp, &facts, None, out);
                if is_newest
                    && grant.provider != Provider::Aws
                    && let Some(list) = self.state.lists.get_mut(key)
                {
                    list.facts = facts;
                }
            }
        }
    }

    /// Reads the newest main lists of an account again.
    fn again(&mut self, provider: Provider, account: Option<&AccountId>, at: Time, out: &mut Output<Message>) {
        let shared = account.is_none_or(|account| is_shared(account) || self.is_tenant(account));
        let wanted =
            |key: &ListKey| key.0 == provider && role_of(&key.2) == Role::Main && (shared || Some(&key.1) == account);
        let keys: Vec<ListKey> = self.state.lists.keys().filter(|key| wanted(key)).cloned().collect();
        for key in keys {
            let Some(list) = self.state.lists.get_mut(&key) else { continue };
            let Some(stamp) = list.newest else { continue };
            let facts = std::mem::take(&mut list.facts);
            self.main(&key, stamp, &facts, Some(at.max(stamp.0)), out);
            if let Some(list) = self.state.lists.get_mut(&key) {
                list.facts = facts;
            }
        }
    }

    fn is_tenant(&self, account: &AccountId) -> bool {
        self.state.tenants.values().any(|tenant| tenant.as_str() == account.as_str())
    }

    fn main(
        &mut self,
        key: &ListKey,
        stamp: Stamp,
        facts: &[Fact],
        dropped_at: Option<Time>,
        out: &mut Output<Message>,
    ) {
        let drafts = self.drafts(key, stamp.0, facts, out);
        let Some(list) = self.state.lists.get_mut(key) else { return };
        let Some(drafts) = drafts else {
            list.waiting.insert(stamp, facts.to_vec());
            if list.waiting.len() > MAX_WAITING {
                list.waiting.pop_first();
            }
            return;
        };
        let max = self.config.max_entitlements;
        let seen = Seen { list: &key.2, history: &mut list.history, stamp, dropped_at };
        let n_left_out = self.state.rows.observe(seen, drafts, max, out);
        if n_left_out > 0 {
            let reason = format!("{n_left_out} entitlements are more than `normalize.max_entitlements` allows");
            reject_list(key, list, reason, out);
        }
    }

    /// The rows of a main list; `None` while the tenant is not known.
    fn drafts(&mut self, key: &ListKey, at: Time, facts: &[Fact], out: &mut Output<Message>) -> Option<Vec<Draft>> {
        let (provider, account, _) = key;
        let tenant = self.tenant(account);
        let State { lists, policies, .. } = &mut self.state;
        let mut reader = Reader { policies, out, at };
        let is_near = |name: &AccountId| name == account || tenant.as_ref().is_some_and(|tenant| **tenant == **name);
        // An account's own roles and groups come last and win.
        let secondary = |own: bool| {
            let of = lists.iter().filter(move |(key, _)| key.0 == *provider && role_of(&key.2) == Role::Secondary);
            of.filter(move |(key, _)| (key.1 == *account) == own && (own || is_shared(&key.1) || is_near(&key.1)))
                .flat_map(|(_, list)| &list.facts)
        };
        let others = || secondary(false).chain(secondary(true)).collect::<Vec<_>>();
        match provider {
            Provider::Aws => Some(aws::rows(account, facts, &mut reader)),
            Provider::Gcp => Some(gcp::rows(account, facts, &others(), &mut reader)),
            Provider::Azure => Some(azure::rows(account, tenant.as_ref()?, facts, &others(), &mut reader)),
        }
    }

    fn tenant(&self, account: &AccountId) -> Option<OrgId> {
        let learned = self.state.tenants.get(account).cloned();
        learned.or_else(|| self.config.azure_tenant.as_deref().map(OrgId::from))
    }

    fn inventory(&mut self, key: &ListKey, at: Time, facts: &[Fact], complete: bool, out: &mut Output<Message>) {
        let known = self.state.inventories.entry(key.clone()).or_default();
        let mut rows = inventory::rows(key.0, &key.1, at, facts, self.config.max_inventory_ids);
        for old in known.values().filter(|old| complete && old.deleted_at.is_none()) {
            if !facts.iter().any(|fact| matches!(fact, Fact::Resource { kind, .. } if *kind == old.kind)) {
                let gone = Inventory { n_resources: 0, resource_ids: Vec::new(), deleted_at: Some(at), ..old.clone() };
                rows.push(gone);
            }
        }
        for mut row in rows {
            let revision = known.get(&row.kind).map_or(0, |old| old.revision);
            row.revision = revision;
            if known.get(&row.kind) != Some(&row) {
                row.revision = revision + 1;
                known.insert(row.kind.clone(), row.clone());
                out.emit(row.into_message());
            }
        }
    }

    /// An event said which tenant a subscription belongs to. Called for every Azure event that names both.
    pub(crate) fn learn_tenant(&mut self, subscription: &AccountId, tenant: &OrgId, out: &mut Output<Message>) {
        if self.state.tenants.contains_key(subscription) || self.state.tenants.len() >= self.config.max_entitlements {
            return;
        }
        self.state.tenants.insert(subscription.clone(), tenant.to_ascii_lowercase().into());
        let is_theirs = |key: &ListKey| key.0 == Provider::Azure && key.1 == *subscription;
        let keys: Vec<ListKey> = self.state.lists.keys().filter(|key| is_theirs(key)).cloned().collect();
        for key in keys {
            let waiting = self.state.lists.get_mut(&key).map(|list| std::mem::take(&mut list.waiting));
            for (stamp, facts) in waiting.unwrap_or_default() {
                self.main(&key, stamp, &facts, None, out);
            }
        }
        self.again(Provider::Azure, Some(subscription), Time(i64::MIN), out);
    }

    /// All inputs have ended.
    pub(crate) fn finish(&mut self, _as_of: i64, out: &mut Output<Message>) {
        for (key, list) in &self.state.lists {
            let waits = key.0 == Provider::Azure && role_of(&key.2) == Role::Main && !list.facts.is_empty();
            if waits && self.tenant(&key.1).is_none() {
                let reason =
                    format!("no event names the tenant of subscription `{}`: set `normalize.azure_tenant`", key.1);
                reject_list(key, list, reason, out);
            }
        }
    }

    /// Takes a row back that it wrote before. Other rooms write entitlements and inventories too; theirs are left.
    pub(crate) fn recall(&mut self, written: Message) {
        match written {
            Message::Policy(policy) => self.state.policies.recall(&policy),
            Message::Entitlement(row) if !is_derived(&row) => self.state.rows.recall(&row),
            Message::Inventory(row) if lists_resources(&row.kind) => {
                let list = Text::from(format!("{}.resources", row.provider));
                let known = self.state.inventories.entry((row.provider, row.account_id.clone(), list)).or_default();
                known.insert(row.kind.clone(), Inventory::clone(&row));
            }
            _ => {}
        }
    }

    /// Everything was recalled, and the newest snapshots were given again: the rows that none of them names belong to the
    /// list of their cloud, so that its next snapshot ends them.
    pub(crate) fn recalled(&mut self, out: &mut Output<Message>) {
        for (key, list) in self.state.rows.recalled(out) {
            self.state.lists.entry(list).or_default().history.name(key);
        }
    }

    /// Writes the state, with a format version of its own.
    pub(crate) fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        let bytes = FORMAT.to_le_bytes().to_vec();
        postcard::to_extend(&self.state, bytes).map_err(|error| StateError::Damaged(error.to_string()))
    }

    /// Reads what `snapshot` wrote.
    pub(crate) fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let Some((version, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(StateError::Damaged(format!("{} bytes of grants are too few", bytes.len())));
        };
        let found = u32::from_le_bytes(*version);
        if found > FORMAT {
            return Err(StateError::Newer { found, known: FORMAT });
        }
        let mut state: State = postcard::from_bytes(rest).map_err(|error| StateError::Damaged(error.to_string()))?;
        state.policies = state.policies.bounded(self.config.max_entitlements);
        self.state = state;
        Ok(())
    }
}

/// Whether a person holds a row through a role of Identity Center, as the room of accounts tells it.
fn is_derived(row: &Entitlement) -> bool {
    row.identity_kind == IdentityKind::Workforce && row.source.starts_with("role:")
}

/// Whether an inventory's kind is one of resources, not one of the facts that the room of accounts tells.
fn lists_resources(kind: &str) -> bool {
    kind != "log" && !["log:", "people:", "target:"].iter().any(|fact| kind.starts_with(fact))
}

/// Whether an account's roles hold for others too: an organization, a folder, the predefined roles.
fn is_shared(account: &str) -> bool {
    account == "global" || account.contains('/')
}

fn reject(grant: &RawGrant, reason: String, out: &mut Output<Message>) {
    let origin = grant.origin.clone();
    let provider = Some(grant.provider);
    let letter = DeadLetter::of(crate::room::NAME, reason, provider, origin, grant.ingested_at, &grant.body);
    out.reject(read_at(letter, grant.ingested_at).into_message());
}

fn reject_list(key: &ListKey, list: &List, reason: String, out: &mut Output<Message>) {
    let origin = list.origin.clone();
    let letter =
        DeadLetter::of(crate::room::NAME, reason, Some(key.0), origin, list.read_at, &schemas::Body::default());
    out.reject(read_at(letter, list.read_at).into_message());
}

/// A list that is read once more, as a redrive does, and fails again opens its letter anew.
fn read_at(letter: DeadLetter, at: Time) -> DeadLetter {
    DeadLetter { revision: at.0, ..letter }
}
