//! Snapshots of raw grants become policies, entitlements and inventories.
//!
//! The objects of a snapshot are held, parsed, until its end mark. A snapshot that breaks off, or of which an object is
//! missing, changes nothing; one with an object that cannot be read deletes nothing. Roles, groups and the lives of
//! identities stand in lists of their own: the newest bindings, assignments and holders are kept and read again when such a
//! list arrives. `lists` says what becomes of which. An AWS organization comes in pieces, see `organizations`.
//!
//! Azure's lists rarely name their tenant, which the ids of identities need. It is learned from the lists, from events
//! or from `azure_tenant`, and until then a subscription's snapshots of assignments wait, to be read in their order.

mod aws;
mod azure;
mod facts;
mod gcp;
mod inventory;
mod letters;
mod life;
mod lists;
mod organizations;
mod policies;
mod read;
mod recall;
mod resource_policies;
mod rows;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemas::{AccountId, Id128, Mark, Message, OrgId, Origin, Provider, RawGrant, ResourceId, Text, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stream::Output;

use self::aws::Reader;
use self::facts::{Draft, Fact};
use self::inventory::{Inventories, Listed, Said};
use self::letters::{reject, reject_list};
use self::lists::{RESOURCE_POLICY, base, is_of_resources, tells_of_lives, use_of};
use self::organizations::Organizations;
use self::policies::Policies;
use self::read::Read;
use self::rows::{History, Rows, Seen, Stamp};
use crate::ValidConfig;

/// Snapshots that are open at once; past it the first of them is dropped as incomplete.
const MAX_OPEN: usize = 1024;

/// Snapshots of one list that wait for their tenant; past it the oldest goes.
const MAX_WAITING: usize = 64;

type ListKey = (Provider, AccountId, Text);

/// Under what the rows of all AWS organizations stand: a list that no snapshot is of.
fn organizations_key() -> ListKey {
    (Provider::Aws, AccountId::from("organization"), Text::from("aws.organizations"))
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
    inventories: Said,
    tenants: BTreeMap<AccountId, OrgId>,
    policies: Policies,
}

/// What the second format of the state added.
#[derive(Debug, Default, Serialize, Deserialize)]
struct More {
    told: Inventories,
    organizations: Organizations,
}

/// The stateful part of the room.
#[derive(Debug)]
pub(crate) struct Grants {
    config: ValidConfig,
    state: State,
    more: More,
}

impl Grants {
    pub(crate) fn new(config: &ValidConfig) -> Self {
        let policies = Policies::default().bounded(config.max_entitlements);
        Self { config: config.clone(), state: State { policies, ..State::default() }, more: More::default() }
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
        let (trouble, facts) = match read {
            Ok(read) => (read.trouble(), read.facts),
            Err(why) => (Some(why), Vec::new()),
        };
        if let Some(why) = trouble {
            open.unreadable = true;
            reject(grant, why, out);
        }
        open.objects.insert(grant.place, facts);
    }

    /// Reads an object: what of it can be, and why the rest cannot.
    fn read(&mut self, grant: &RawGrant, out: &mut Output<Message>) -> Result<Read, String> {
        let body = &grant.body.0;
        if body.len() > self.config.max_record_bytes {
            return Err(format!("the object has {} bytes, more than `normalize.max_record` allows", body.len()));
        }
        let list = base(&grant.list);
        if list == "aws.credential_report" {
            return life::report(body);
        }
        let object: Value = serde_json::from_slice(body).map_err(|error| format!("the object is not JSON: {error}"))?;
        match list {
            "aws.resources" | "azure.resources" | "gcp.resources" => {
                return Ok(vec![inventory::object(grant.provider, &object)?].into());
            }
            "gcp.ancestors" | "gcp.service_account_keys" => return gcp::facts(list, &object),
            "azure.management_groups" | "azure.management_entities" => {
                return azure::above(&grant.object_kind, &azure::camel(&object));
            }
            _ => {}
        }
        if grant.provider == Provider::Azure
            && let Some(tenant) = azure::tenant(&azure::camel(&object))
        {
            self.learn_tenant(&grant.account_id, &tenant, out);
        }
        let mut reader = Reader { policies: &mut self.state.policies, out, at: grant.collected_at };
        match (grant.provider, list) {
            (Provider::Aws, "aws.organizations") => {
                organizations::answer(&grant.object_kind, &grant.object_id, &object, &mut reader)
            }
            (Provider::Aws, "aws.service_last_accessed") => {
                life::last_access(&grant.account_id, &grant.object_id, &object)
            }
            (Provider::Aws, "aws.config") => resource_policies::item(&object, &mut reader).map(Read::from),
            (Provider::Aws, "aws.resource_policies") => {
                resource_policies::answer(&grant.object_id, &object, &mut reader).map(Read::from)
            }
            (Provider::Aws, _) => reader.object(&grant.object_kind, &object).map(Read::from),
            (Provider::Azure, _) => azure::object(list, &azure::camel(&object), &mut reader),
            (Provider::Gcp, _) => gcp::objects(list, &grant.account_id, &object, &mut reader),
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
        self.snapshot_of(&key.0, (grant.collected_at, grant.snapshot_id), facts, open.unreadable, grant, out);
    }

    /// A snapshot is whole.
    fn snapshot_of(
        &mut self,
        key: &ListKey,
        stamp: Stamp,
        facts: Vec<Fact>,
        unreadable: bool,
        grant: &RawGrant,
        out: &mut Output<Message>,
    ) {
        let used = use_of(&key.2);
        if used.organization {
            if !self.more.organizations.take(key, stamp, facts, unreadable, self.config.max_entitlements) {
                reject(
                    grant,
                    "the organizations have more answers than `normalize.max_entitlements` allows".to_owned(),
                    out,
                );
            }
            return;
        }
        let list = self.state.lists.entry(key.clone()).or_default();
        let is_newest = list.newest.is_none_or(|newest| newest <= stamp);
        if is_newest {
            list.newest = Some(stamp);
            list.origin = grant.origin.clone();
            list.read_at = grant.ingested_at;
        }
        let is_resource = |fact: &Fact| matches!(fact, Fact::Resource { .. } | Fact::Ancestors { .. });
        let (resources, facts): (Vec<Fact>, Vec<Fact>) = facts.into_iter().partition(is_resource);
        if used.rows && !unreadable {
            list.history.complete(stamp);
        }
        if is_newest {
            let listed = Listed { key, at: stamp.0, facts: &resources, complete: !unreadable };
            self.more.told.take(&mut self.state.inventories, &listed, self.config.max_inventory_ids, out);
        }
        if is_of_resources(&key.2) {
            return self.of_resources(key, stamp, facts, grant, out);
        }
        // What other lists rest on is there before any is read.
        if is_newest && used.facts {
            self.state.lists.entry(key.clone()).or_default().facts.clone_from(&facts);
        }
        if used.rows {
            self.main(key, stamp, &facts, None, out);
        }
        if is_newest && !used.facts {
            self.state.lists.entry(key.clone()).or_default().facts = facts;
        }
        if is_newest && used.facts {
            self.again(grant.provider, Some(&grant.account_id), stamp.0, out);
        }
    }

    /// The policy of each resource has a list of its own, whichever list told it: so one goes on where another ended. Every
    /// complete snapshot of the list tells of every resource that the list ever named.
    fn of_resources(
        &mut self,
        key: &ListKey,
        stamp: Stamp,
        facts: Vec<Fact>,
        grant: &RawGrant,
        out: &mut Output<Message>,
    ) {
        let mut found: BTreeMap<ResourceId, Vec<Fact>> = BTreeMap::new();
        for fact in facts {
            if let Fact::ResourcePolicy(policy) = &fact {
                found.entry(policy.arn.clone()).or_default().push(fact);
            }
        }
        let Some(list) = self.state.lists.get(key) else { return };
        let (complete, mut named) = list.history.told();
        named.extend(found.keys().map(ToString::to_string));
        let mut n_left_out = 0;
        for arn in named {
            let of_one = (key.0, key.1.clone(), Text::from(format!("{RESOURCE_POLICY}/{arn}")));
            // What is left out is not remembered either.
            if self.state.lists.len() >= self.config.max_entitlements && !self.state.lists.contains_key(&of_one) {
                n_left_out += 1;
                continue;
            }
            let is_new = self.state.lists.get_mut(key).is_some_and(|list| list.history.name(arn.clone()));
            let one = self.state.lists.entry(of_one.clone()).or_default();
            // One that is known was told of the snapshots before.
            let untold = complete.iter().filter(|told| is_new || **told == stamp);
            untold.for_each(|stamp| one.history.complete(*stamp));
            one.newest = one.newest.max(Some(stamp));
            (one.origin, one.read_at) = (grant.origin.clone(), grant.ingested_at);
            let facts = found.remove(arn.as_str()).unwrap_or_default();
            self.main(&of_one, stamp, &facts, None, out);
        }
        if n_left_out > 0 {
            reject(grant, format!("{n_left_out} resources are more than `normalize.max_entitlements` allows"), out);
        }
    }

    /// Reads the newest main lists of an account again.
    fn again(&mut self, provider: Provider, account: Option<&AccountId>, at: Time, out: &mut Output<Message>) {
        let shared = account.is_none_or(|account| is_shared(account) || self.is_tenant(account));
        let wanted = |key: &ListKey| key.0 == provider && use_of(&key.2).rows && (shared || Some(&key.1) == account);
        let keys: Vec<ListKey> = self.state.lists.keys().filter(|key| wanted(key)).cloned().collect();
        for key in keys {
            let Some(list) = self.state.lists.get_mut(&key) else { continue };
            let Some(stamp) = list.newest else { continue };
            // A list that earlier releases read was not kept for AWS.
            if list.facts.is_empty() {
                continue;
            }
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
        let (provider, account, list) = key;
        let tenant = self.tenant(account);
        let State { lists, policies, .. } = &mut self.state;
        let mut reader = Reader { policies, out, at };
        let is_near = |name: &AccountId| name == account || tenant.as_ref().is_some_and(|tenant| **tenant == **name);
        // An account's own roles and groups come last and win.
        let secondary = |own: bool| {
            let of = lists.iter().filter(move |(key, _)| key.0 == *provider && use_of(&key.2).facts);
            of.filter(move |(key, _)| (key.1 == *account) == own && (own || is_shared(&key.1) || is_near(&key.1)))
                .flat_map(|(_, list)| &list.facts)
        };
        let others = || secondary(false).chain(secondary(true)).collect::<Vec<_>>();
        match provider {
            Provider::Aws if tells_of_lives(list) => Some(aws::life_rows(account, facts, &others(), at)),
            Provider::Aws if is_of_resources(list) => Some(resource_policies::rows(account, facts, at)),
            Provider::Aws => Some(aws::rows(account, facts, &others(), &mut reader)),
            Provider::Gcp => Some(gcp::rows(account, facts, &others(), &mut reader)),
            Provider::Azure => Some(azure::rows(account, tenant.as_ref()?, facts, &others(), &mut reader)),
        }
    }

    fn tenant(&self, account: &AccountId) -> Option<OrgId> {
        let learned = self.state.tenants.get(account).cloned();
        learned.or_else(|| self.config.azure_tenant.as_deref().map(OrgId::from))
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

    /// A commit follows: says what the pieces of organizations amount to.
    pub(crate) fn settle(&mut self, out: &mut Output<Message>) {
        let Some(told) = self.more.organizations.settle(&mut self.state.policies, out) else { return };
        let key = organizations_key();
        let listed = Listed { key: &key, at: told.at, facts: &told.above, complete: true };
        self.more.told.take(&mut self.state.inventories, &listed, self.config.max_inventory_ids, out);
        let max = self.config.max_entitlements;
        let list = self.state.lists.entry(key.clone()).or_default();
        let n_left_out = self.state.rows.place(&key.2, &mut list.history, told.rows, max, out);
        if n_left_out > 0 {
            let reason = format!("{n_left_out} entitlements are more than `normalize.max_entitlements` allows");
            reject_list(&key, list, reason, out);
        }
    }

    /// All inputs have ended.
    pub(crate) fn finish(&mut self, _as_of: i64, out: &mut Output<Message>) {
        for (key, list) in &self.state.lists {
            let waits = key.0 == Provider::Azure && use_of(&key.2).rows && !list.facts.is_empty();
            if waits && self.tenant(&key.1).is_none() {
                let reason =
                    format!("no event names the tenant of subscription `{}`: set `normalize.azure_tenant`", key.1);
                reject_list(key, list, reason, out);
            }
        }
    }
}

/// Whether an account's roles hold for others too: an organization, a folder, the predefined roles.
fn is_shared(account: &str) -> bool {
    account == "global" || account.contains('/')
}
