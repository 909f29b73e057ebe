//! What the store knows of who holds what, as of a time: what `can`, `who-can`, `permissions` and `paths` ask.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ::permissions::grants;
use ::permissions::question::Holdings;
use ::permissions::resource::container;
use schemas::{
    Entitlement, EntitlementKind, IdentityId, IdentityKind, Inventory, Policy, PolicyHash, Provider, Time, identity,
};
use sinks::Store;
use sinks::query::{Expr, col, lit};

use super::store;
use crate::Mistake;
use crate::args::HeldArgs;

/// The kind of an inventory row that names what lies above an account.
const ANCESTOR: &str = "ancestor";
/// Identities named in a message when a name means several.
const MAX_NAMED: usize = 5;

/// Entitlements as of a time, and the policies that they name.
pub(super) struct Held {
    pub(super) at: Time,
    rows: BTreeMap<IdentityId, Vec<Entitlement>>,
    policies: HashMap<PolicyHash, Arc<Policy>>,
    ancestors: BTreeMap<String, Vec<String>>,
    /// The policies of resources, by ARN (AWS).
    of_resources: BTreeMap<String, Entitlement>,
}

impl Held {
    /// Reads everything of the store.
    pub(super) async fn all(args: &HeldArgs) -> anyhow::Result<Self> {
        let (store, at) = open(args).await?;
        let rows = rows(&store, None, at).await?;
        Self::of(&store, at, rows).await
    }

    /// Reads what bears on questions about one identity, named by its id, its name, its ARN or its address, and on the role
    /// that is the resource, if it is one. Returns the identity's id too.
    pub(super) async fn of_identity(
        args: &HeldArgs,
        name: &str,
        resource: Option<&str>,
    ) -> anyhow::Result<(Self, IdentityId)> {
        let (store, at) = open(args).await?;
        let id = named(&store, name, at).await?;
        let is = |column: &str, value: &str| col(column).eq(lit(value));
        let mut wanted = is("identity_id", &id).or(is("kind", "scp")).or(is("kind", "rcp"));
        if resource.is_some_and(|resource| resource.starts_with("arn:")) {
            wanted = wanted.or(is("kind", EntitlementKind::ResourcePolicy.as_str()));
        }
        for other in everybody(&id) {
            wanted = wanted.or(is("identity_id", &other));
        }
        if let Some(role) = resource.and_then(identity::aws_of_arn) {
            wanted = wanted.or(is("identity_id", &role));
        }
        let rows = rows(&store, Some(wanted), at).await?;
        Ok((Self::of(&store, at, rows).await?, id))
    }

    async fn of(store: &Store, at: Time, rows: Vec<Entitlement>) -> anyhow::Result<Self> {
        let wanted: BTreeSet<&PolicyHash> = rows.iter().flat_map(|row| &row.policy_hashes).collect();
        let policies: Vec<Policy> = store.rows().await?;
        let policies = policies.into_iter().filter(|policy| wanted.contains(&policy.policy_hash));
        let policies = policies.map(|policy| (policy.policy_hash.clone(), Arc::new(policy))).collect();
        let above: Vec<Inventory> = store.rows_where("inventory", Some(col("kind").eq(lit(ANCESTOR)))).await?;
        let above = above.into_iter().filter(|row| row.deleted_at.is_none_or(|deleted| deleted > at));
        let ancestors = above
            .map(|row| (row.account_id.to_string(), row.resource_ids.iter().map(ToString::to_string).collect()))
            .collect();
        let mut by_identity: BTreeMap<IdentityId, Vec<Entitlement>> = BTreeMap::new();
        let mut of_resources = BTreeMap::new();
        for row in rows {
            if row.is_of_resource() {
                // A name that another account has taken since is told by the newer.
                let arn = row.scopes.first().map(ToString::to_string).unwrap_or_default();
                let is_newer = |known: &Entitlement| known.valid_from < row.valid_from;
                if of_resources.get(&arn).is_none_or(is_newer) {
                    of_resources.insert(arn, row);
                }
                continue;
            }
            by_identity.entry(row.identity_id.clone()).or_default().push(row);
        }
        Ok(Self { at, rows: by_identity, policies, ancestors, of_resources })
    }

    /// The id that a name means, of what was read.
    pub(super) fn find(&self, name: &str) -> Result<IdentityId, Mistake> {
        let of_arn = identity::aws_of_arn(name);
        let id = of_arn.as_ref().map_or(name, |id| id.as_str());
        let is_it = |(known, rows): &(&IdentityId, &Vec<Entitlement>)| {
            known.as_str() == id
                || known.as_str() == identity::gcp(name).as_str()
                || rows.iter().any(|row| row.identity_name.as_deref() == Some(name))
        };
        one_of(name, self.identities().filter(is_it).map(|(id, _)| id.clone()).collect(), id)
    }

    /// The identities with their rows; those that stand for the limits of a whole account are none.
    pub(super) fn identities(&self) -> impl Iterator<Item = (&IdentityId, &Vec<Entitlement>)> {
        self.rows.iter().filter(|(_, rows)| rows.iter().any(|row| !is_limit(row)))
    }

    /// The rows of an identity.
    pub(super) fn rows_of(&self, id: &IdentityId) -> &[Entitlement] {
        self.rows.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Finds a policy.
    pub(super) fn policy(&self, hash: &PolicyHash) -> Option<Arc<Policy>> {
        self.policies.get(hash).cloned()
    }

    /// The SCPs and RCPs above an account.
    pub(super) fn limits(&self, account: &str) -> impl Iterator<Item = &Entitlement> {
        self.rows_of(&identity::aws_root(account)).iter().filter(|row| is_limit(row))
    }

    /// What an account denies to everybody, unless it spares the identity.
    pub(super) fn denies_for_everybody<'h>(
        &'h self,
        id: &IdentityId,
        account: &str,
    ) -> impl Iterator<Item = &'h Entitlement> + use<'h> {
        let groups = self.rows_of(id).iter().flat_map(|row| &row.groups);
        let names = grants::names(std::iter::once(id).chain(groups));
        let spares = move |row: &&Entitlement| {
            let mut policies = row.policy_hashes.iter().filter_map(|hash| self.policies.get(hash));
            policies.any(|policy| grants::spares(policy, &names))
        };
        let account = account.to_owned();
        let all = everybody(id).into_iter().flat_map(|id| self.rows_of(&IdentityId::from(id)));
        let denies =
            |row: &&Entitlement| matches!(row.kind, EntitlementKind::DenyAssignment | EntitlementKind::DenyRule);
        all.filter(denies).filter(move |row| row.account_id.as_str() == account && !spares(row))
    }

    /// What bears on a question about an identity and a resource.
    pub(super) fn holdings(&self, id: &IdentityId, resource: &str) -> Holdings<'_> {
        let own: Vec<&Entitlement> = self.rows_of(id).iter().filter(|row| !is_limit(row)).collect();
        let everybody = everybody(id).into_iter().flat_map(|id| self.rows_of(&IdentityId::from(id)).iter()).collect();
        let account = own.first().map(|row| row.account_id.to_string()).unwrap_or_default();
        let policy =
            self.of_resources.get(resource).or_else(|| self.of_resources.get(container(Provider::Aws, resource)));
        let named = || resource.split(':').nth(4).filter(|owner| !owner.is_empty());
        let owner = policy.map(|row| row.account_id.as_str()).or_else(named).unwrap_or(&account);
        let scps = self.limits(&account).filter(|row| row.kind == EntitlementKind::Scp);
        let rcps = self.limits(owner).filter(|row| row.kind == EntitlementKind::Rcp);
        let role = identity::aws_of_arn(resource);
        let trusts = role.iter().flat_map(|role| self.rows_of(role)).filter(|row| row.kind == EntitlementKind::Trust);
        Holdings { own, everybody, limits: scps.chain(rcps).collect(), of_resource: trusts.chain(policy).collect() }
    }

    /// What lies above a resource, when a snapshot says it.
    pub(super) fn ancestors(&self, provider: Provider, resource: &str) -> Option<Vec<String>> {
        let account = match provider {
            Provider::Aws => return None,
            Provider::Azure => after(resource, "/subscriptions/")?.to_ascii_lowercase(),
            Provider::Gcp => after(resource, "projects/")?.to_owned(),
        };
        let mut above = self.ancestors.get(&account)?.clone();
        if provider == Provider::Gcp {
            above.push(format!("projects/{account}"));
        }
        Some(above)
    }
}

fn after<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    let at = text.find(mark)? + mark.len();
    text[at..].split('/').next().filter(|id| !id.is_empty() && *id != "_")
}

/// Whether a row is an account's SCPs or RCPs, and no grant of the identity it stands under.
pub(super) fn is_limit(row: &Entitlement) -> bool {
    matches!(row.kind, EntitlementKind::Scp | EntitlementKind::Rcp)
}

/// Who everybody of the identity's cloud is, too: Azure's everyone; GCP's `allUsers`, `allAuthenticatedUsers`, its domain.
fn everybody(id: &IdentityId) -> Vec<String> {
    if let Some((tenant, own)) = id.strip_prefix("azure:").and_then(|rest| rest.split_once(':')) {
        let everybody = identity::azure(tenant, identity::AZURE_EVERYBODY);
        return if own == identity::AZURE_EVERYBODY { Vec::new() } else { vec![everybody.to_string()] };
    }
    let Some(name) = id.strip_prefix("gcp:") else { return Vec::new() };
    let mut all = vec![identity::gcp("allUsers").to_string(), identity::gcp("allAuthenticatedUsers").to_string()];
    all.extend(name.split_once('@').map(|(_, domain)| identity::gcp(domain).to_string()));
    all.retain(|other| other.as_str() != id.as_str());
    all
}

async fn open(args: &HeldArgs) -> anyhow::Result<(Store, Time)> {
    let store = store::open(&args.of.place).await?;
    let at = match &args.at {
        Some(text) => Time::parse(text).map_err(|error| Mistake(format!("--at: {error}")))?,
        None => Time(store.as_of().await?.unwrap_or(i64::MAX)),
    };
    Ok((store, at))
}

/// The rows that hold at a time: of each source the newest that had begun.
async fn rows(store: &Store, wanted: Option<Expr>, at: Time) -> anyhow::Result<Vec<Entitlement>> {
    let all: Vec<Entitlement> = store.rows_where("entitlement", wanted).await?;
    Ok(as_of(all, at))
}

fn as_of(all: Vec<Entitlement>, at: Time) -> Vec<Entitlement> {
    let mut newest: BTreeMap<(IdentityId, String, String), Entitlement> = BTreeMap::new();
    for row in all.into_iter().filter(|row| row.valid_from <= at && !row.is_withdrawn()) {
        let key = (row.identity_id.clone(), row.account_id.to_string(), row.source.to_string());
        let is_newer = |held: &Entitlement| (held.valid_from, held.revision) < (row.valid_from, row.revision);
        if newest.get(&key).is_none_or(is_newer) {
            newest.insert(key, row);
        }
    }
    let is_live = |row: &Entitlement| {
        row.valid_until.is_none_or(|until| until > at) && row.deleted_at.is_none_or(|deleted| deleted > at)
    };
    newest.into_values().filter(is_live).collect()
}

/// The id that a name means.
async fn named(store: &Store, name: &str, at: Time) -> anyhow::Result<IdentityId> {
    let of_arn = identity::aws_of_arn(name);
    let id = of_arn.as_ref().map_or(name, |id| id.as_str());
    let wanted = col("identity_id").eq(lit(id)).or(col("identity_name").eq(lit(name)));
    let wanted = wanted.or(col("identity_id").eq(lit(identity::gcp(name).to_string())));
    let found: Vec<Entitlement> = store.rows_where("entitlement", Some(wanted)).await?;
    let first = found.iter().map(|row| row.valid_from).min();
    let ids: BTreeSet<IdentityId> = as_of(found, at).into_iter().map(|row| row.identity_id).collect();
    match first.filter(|_| ids.is_empty()) {
        Some(first) => {
            Err(Mistake(format!("`{name}` has nothing at {at}; the first that is known of it is of {first}")).into())
        }
        None => Ok(one_of(name, ids, id)?),
    }
}

/// The one identity that a name means; an id means itself.
fn one_of(name: &str, ids: BTreeSet<IdentityId>, id: &str) -> Result<IdentityId, Mistake> {
    if let Some(exact) = ids.iter().find(|found| found.as_str() == id) {
        return Ok(exact.clone());
    }
    let some: Vec<&str> = ids.iter().take(MAX_NAMED).map(|id| id.as_str()).collect();
    match some.as_slice() {
        [] => Err(Mistake(format!("nothing is known of `{name}`; entitlement files tell who there is"))),
        [one] => Ok(IdentityId::from(*one)),
        _ => {
            let more = if ids.len() > MAX_NAMED { " …" } else { "" };
            Err(Mistake(format!("`{name}` means {} identities: {}{more}", ids.len(), some.join(", "))))
        }
    }
}

/// The word for an identity's kind.
pub(super) fn kind_of(rows: &[Entitlement]) -> IdentityKind {
    rows.first().map_or(IdentityKind::Unknown, |row| row.identity_kind)
}

#[cfg(test)]
mod tests {
    use schemas::example;

    use super::*;

    #[test]
    fn of_each_source_the_newest_that_had_begun_counts() {
        let row = |source: &str, from: i64, revision: i64, deleted: Option<i64>| Entitlement {
            source: source.into(),
            valid_from: Time(from),
            valid_until: None,
            deleted_at: deleted.map(Time),
            revision,
            ..example::entitlement()
        };
        let all = vec![row("a", 10, 1, None), row("a", 20, 2, None), row("a", 20, 3, Some(30)), row("b", 10, 1, None)];
        let at = |time: i64| {
            let live = as_of(all.clone(), Time(time));
            live.iter().map(|row| format!("{}{}", row.source, row.revision)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!([at(5), at(10), at(20), at(30)], ["", "a1 b1", "a3 b1", "b1"]);
    }
}
