//! Who in an account is worth escalating to: identities that hold at least half of what an administrator does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemas::{
    AccountId, Entitlement, EntitlementKind, IdentityId, IdentityKind, Message, Policy, PolicyHash, Provider,
    ResourceId, Text, Time, identity,
};
use serde::{Deserialize, Serialize};
use stream::Output;

use crate::facts::target_kind;
use crate::law::{Law, Policies};
use crate::limits::{self, is_limit};
use crate::sources::Sources;

type Key = (AccountId, IdentityId);
/// Targets of one kind; of roles, the trust policies that are known.
type Listed = BTreeMap<IdentityId, Option<PolicyHash>>;

/// The grants of all identities, and which of these are targets.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Targets {
    policies: Policies,
    sources: BTreeMap<Key, Sources>,
    /// The identities of each account and kind of target, and the revision told.
    told: BTreeMap<(AccountId, Text), (Listed, i64)>,
    dirty: BTreeSet<Key>,
    #[serde(skip)]
    holders: BTreeMap<PolicyHash, BTreeSet<Key>>,
}

impl Targets {
    /// Takes a policy in; its holders are weighed anew.
    pub(super) fn policy(&mut self, policy: &Arc<Policy>, max_policies: usize) {
        if self.policies.len() >= max_policies || self.policies.contains_key(&policy.policy_hash) {
            return;
        }
        self.policies.insert(policy.policy_hash.clone(), Arc::clone(policy));
        let holders: Vec<Key> = self.holders.get(&policy.policy_hash).into_iter().flatten().cloned().collect();
        for key in holders {
            if key.1 == identity::aws_root(&key.0) || identity::is_everybody(&key.1) {
                self.touch(&key.0);
            }
            self.dirty.insert(key);
        }
    }

    /// Takes a grant in; says whether there was room for its identity.
    pub(super) fn entitlement(&mut self, row: &Arc<Entitlement>, max_identities: usize, max_grants: usize) -> bool {
        let key = (row.account_id.clone(), row.identity_id.clone());
        if self.sources.len() >= max_identities && !self.sources.contains_key(&key) {
            return false;
        }
        self.sources.entry(key.clone()).or_default().take(row, max_grants);
        for hash in &row.policy_hashes {
            self.holders.entry(hash.clone()).or_default().insert(key.clone());
        }
        if is_limit(row) {
            self.touch(&row.account_id);
        }
        self.dirty.insert(key);
        true
    }

    /// Everybody in an account must be weighed anew.
    fn touch(&mut self, account: &AccountId) {
        let first = (account.clone(), IdentityId::default());
        let keys = self.sources.range(first..).map(|(key, _)| key).take_while(|(of, _)| of == account);
        self.dirty.extend(keys.cloned());
    }

    /// What limits everybody in an account: rows of its root user, or of everybody.
    fn limits(&self, account: &AccountId) -> Vec<Arc<Entitlement>> {
        let first = (account.clone(), IdentityId::default());
        let of_account = self.sources.range(first..).take_while(|((of, _), _)| of == account);
        let stands_for_all = |id: &IdentityId| *id == identity::aws_root(account) || identity::is_everybody(id);
        let of_all = of_account.filter(|((_, id), _)| stands_for_all(id));
        let rows = of_all.flat_map(|(_, sources)| sources.as_of(Time(i64::MAX)));
        rows.filter(|row| is_limit(row)).cloned().collect()
    }

    /// Tells the targets of the accounts where they have changed. Targets are those of today at every past day, too.
    pub(super) fn tell(&mut self, law: &mut Law, out: &mut Output<Message>) {
        let mut changed = BTreeMap::new();
        // Of the account that was asked last: keys come by account.
        let mut limits: Option<(AccountId, Vec<Arc<Entitlement>>)> = None;
        for key in std::mem::take(&mut self.dirty) {
            let Some(sources) = self.sources.get(&key) else { continue };
            let rows = sources.as_of(Time(i64::MAX));
            let provider = sources.iter().next().map_or(Provider::Aws, |row| row.provider);
            if limits.as_ref().is_none_or(|(account, _)| *account != key.0) {
                limits = Some((key.0.clone(), self.limits(&key.0)));
            }
            let limits = limits.iter().flat_map(|(_, limits)| limits).map(AsRef::as_ref);
            let limits = limits::on(limits, &key.1, &rows, &self.policies);
            let own = rows.iter().filter(|row| !is_limit(row)).map(|row| row.as_ref());
            let set = law.set(provider, own.chain(limits), &self.policies);
            let is_privileged = law.is_privileged(&set);
            let kinds = if is_privileged { kinds(&rows, &self.policies) } else { Vec::new() };
            let mut trusts = rows.iter().filter(|row| row.kind == EntitlementKind::Trust);
            let trust = trusts.find_map(|row| row.policy_hashes.first()).cloned();
            for kind in ["group", "service", "identity"] {
                let place = (key.0.clone(), target_kind(kind));
                let (ids, _) = self.told.entry(place.clone()).or_default();
                let now = kinds.contains(&kind).then(|| trust.clone());
                let before = match &now {
                    Some(trust) => ids.insert(key.1.clone(), trust.clone()),
                    None => ids.remove(&key.1),
                };
                if before != now {
                    changed.insert(place, provider);
                }
            }
        }
        for (place, provider) in changed {
            let Some((ids, revision)) = self.told.get_mut(&place) else { continue };
            *revision += 1;
            let row = super::fact(provider, &place.0, place.1, Time(0), *revision);
            let sources = &self.sources;
            let named = |(id, trust): (&IdentityId, &Option<PolicyHash>)| {
                let name = name_of(sources.get(&(place.0.clone(), id.clone())), id);
                trust.as_ref().map_or(name.clone(), |hash| ResourceId::from(format!("{name} {hash}")))
            };
            out.emit(super::listing(row, ids.iter().map(named)));
        }
    }

    /// Rebuilds what is derived from the state.
    pub(super) fn index(&mut self) {
        self.holders.clear();
        for (key, sources) in &self.sources {
            for hash in sources.iter().flat_map(|row| &row.policy_hashes) {
                self.holders.entry(hash.clone()).or_default().insert(key.clone());
            }
        }
    }
}

/// How grants name a target: in AWS its ARN, without the path of its name where no row has it; elsewhere its id.
fn name_of(sources: Option<&Sources>, id: &IdentityId) -> ResourceId {
    let rows = sources.into_iter().flat_map(Sources::iter);
    let own = rows.filter(|row| row.provider == Provider::Aws && row.kind == EntitlementKind::Identity);
    let arn = own.filter_map(|row| row.scopes.first()).next_back().cloned();
    arn.or_else(|| identity::aws_arn(id).map(ResourceId::from)).unwrap_or_else(|| ResourceId::from(id.as_str()))
}

/// What kinds of target a privileged identity is.
fn kinds(rows: &[&Arc<Entitlement>], policies: &Policies) -> Vec<&'static str> {
    let Some(first) = rows.first() else { return Vec::new() };
    let runs = match first.identity_kind {
        IdentityKind::Group => return vec!["group"],
        IdentityKind::ManagedIdentity | IdentityKind::ServiceAccount => true,
        IdentityKind::Role => {
            rows.iter().filter(|row| row.kind == EntitlementKind::Trust).any(|row| trusts_service(row, policies))
        }
        _ => false,
    };
    if runs { vec!["service", "identity"] } else { vec!["identity"] }
}

/// Whether a trust policy lets a service of the cloud, and so a workload, take the role.
fn trusts_service(row: &Entitlement, policies: &Policies) -> bool {
    let statements =
        row.policy_hashes.iter().filter_map(|hash| policies.get(hash)).flat_map(|policy| &policy.statements);
    statements.flat_map(|statement| &statement.identities).any(|who| who.starts_with("Service:"))
}
