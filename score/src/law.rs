//! The one file that asks `permissions`: names, sets, weights.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use permissions::escalation::{Need, Trust};
use permissions::exposure::Scale;
use permissions::{
    ActionIdx, ActionInfo, Area, Catalogue, Exposure, GrantSet, Grants, Logged, Reach, RiskModel, Targets, resource,
};
use roaring::RoaringBitmap;
use schemas::{
    AccessLevel, AccountId, Contribution, Entitlement, Id128, Policy, PolicyHash, Provider, RiskClass, Text, Time,
    identity,
};

use crate::facts::{Facts, LOG, log_kind, target_kind};

/// Sets of unknowable actions remembered; one per combination of logs, of which there are few.
const MAX_UNKNOWABLE: usize = 1_024;

/// Compiled trust policies remembered; past it they are compiled anew.
const MAX_TRUSTS: usize = 4_096;

/// All policies by hash.
pub(crate) type Policies = BTreeMap<PolicyHash, Arc<Policy>>;

/// The catalogue, the weights and the interned sets.
pub(crate) struct Law {
    model: RiskModel,
    grants: Grants,
    unknowable: BTreeMap<(Provider, Option<Vec<Text>>), Arc<RoaringBitmap>>,
    trusts: RefCell<BTreeMap<PolicyHash, Trust>>,
}

/// Who holds a set, where and when.
pub(crate) struct Holder<'a> {
    pub(crate) id: &'a str,
    pub(crate) kind: schemas::IdentityKind,
    pub(crate) account: &'a AccountId,
    /// AWS: its own ARN, with the path of its name, where a row has it.
    pub(crate) arn: Option<&'a str>,
    /// AWS: the ARNs of the holder, of its groups and of the policies of its account that are attached to it.
    pub(crate) own: Vec<String>,
    pub(crate) at: Time,
}

impl Law {
    pub(crate) fn new(model: &RiskModel) -> Self {
        Self { model: model.clone(), grants: Grants::new(), unknowable: BTreeMap::new(), trusts: RefCell::default() }
    }

    /// What is known of an action; `None` for names that the catalogue does not have.
    pub(crate) fn find(provider: Provider, action: &str) -> Option<&'static ActionInfo> {
        Catalogue::bundled().provider(provider).find(action)
    }

    /// An action's number.
    pub(crate) fn number(provider: Provider, action: &str) -> Option<u32> {
        Catalogue::bundled().provider(provider).lookup(action).map(|ActionIdx(idx)| idx)
    }

    /// The container of a resource that a grant can name.
    pub(crate) fn container(provider: Provider, id: &str) -> &str {
        resource::container(provider, id)
    }

    /// The log kind that a use of an action proves to be on, for logs that are off by default.
    pub(crate) fn proves_log(provider: Provider, action: &str) -> Option<Text> {
        let info = Self::find(provider, action).filter(|info| info.logged == Logged::DataOffByDefault)?;
        Some(log_kind(&info.service, writes(info)))
    }

    /// The catalogue's version.
    pub(crate) fn catalogue_version() -> &'static str {
        Catalogue::bundled().version()
    }

    pub(crate) fn model(&self) -> &RiskModel {
        &self.model
    }

    /// The set that some entitlements of one identity in one account grant together. They are those that held at some
    /// time, so that one which was deleted later still grants.
    pub(crate) fn set<'e>(
        &mut self,
        provider: Provider,
        rows: impl IntoIterator<Item = &'e Entitlement>,
        policies: &Policies,
    ) -> Arc<GrantSet> {
        let standing = |row: &'e Entitlement| match row.deleted_at {
            None => Cow::Borrowed(row),
            Some(_) => Cow::Owned(Entitlement { deleted_at: None, ..row.clone() }),
        };
        let rows: Vec<Cow<'e, Entitlement>> = rows.into_iter().map(standing).collect();
        let policy = |hash: &PolicyHash| policies.get(hash).cloned();
        self.grants.build(provider, rows.iter().map(AsRef::as_ref), &policy, Catalogue::bundled())
    }

    /// The actions whose use cannot be known: all of them where no log is read.
    pub(crate) fn unknowable(
        &mut self,
        provider: Provider,
        account: &str,
        facts: &Facts,
        at: Time,
    ) -> Arc<RoaringBitmap> {
        let logged = facts.first_event(account, LOG).is_some_and(|first| first < at);
        let key = (provider, logged.then(|| facts.logs_as_of(account, at)));
        if let Some(known) = self.unknowable.get(&key) {
            return Arc::clone(known);
        }
        let on: BTreeSet<&str> = key.1.iter().flatten().map(|kind| kind.as_str()).collect();
        let seen =
            |info: &ActionInfo| logged && info.knowable(on.contains(log_kind(&info.service, writes(info)).as_str()));
        let actions = Catalogue::bundled().provider(provider).iter();
        let set: Arc<RoaringBitmap> = Arc::new(actions.filter(|(_, info)| !seen(info)).map(|(idx, _)| idx.0).collect());
        if self.unknowable.len() >= MAX_UNKNOWABLE {
            self.unknowable.clear();
        }
        self.unknowable.insert(key, Arc::clone(&set));
        set
    }

    /// Weighs what of a set is unused.
    pub(crate) fn weigh(
        &self,
        set: &GrantSet,
        used: &RoaringBitmap,
        unknowable: &RoaringBitmap,
        holder: &Holder<'_>,
        facts: &Facts,
        policies: &Policies,
    ) -> Exposure {
        let provider = set.provider();
        let own: Vec<&str> = holder.own.iter().map(String::as_str).collect();
        let exists = |need: Need, reaches: &dyn Fn(&str) -> bool| is_target(need, holder, facts, reaches);
        let trusts = |role: &str| self.trusts(role, holder, facts, policies);
        let targets = Targets { holder: holder.kind, own: &own, exists: &exists, trusts: &trusts };
        self.scale(&|area, kind| reach(provider, holder, facts, area, kind)).exposure(set, used, unknowable, &targets)
    }

    /// Whether a privileged role's trust policy lets a holder in; what is not known of either may.
    fn trusts(&self, role: &str, holder: &Holder<'_>, facts: &Facts, policies: &Policies) -> bool {
        let Some(arn) = holder.arn else { return true };
        let Some(targets) = facts.as_of(holder.account, &target_kind("identity"), holder.at) else { return true };
        let hashes = targets.resource_ids.iter().map(|target| target_of(target)).filter(|(named, _)| *named == role);
        let Some(hash) = hashes.filter_map(|(_, hash)| hash).map(PolicyHash::from).next() else { return true };
        let mut trusts = self.trusts.borrow_mut();
        if let Some(trust) = trusts.get(&hash) {
            return trust.lets_in(arn, role);
        }
        let Some(policy) = policies.get(&hash) else { return true };
        if trusts.len() >= MAX_TRUSTS {
            trusts.clear();
        }
        trusts.entry(hash).or_insert_with(|| Trust::of(policy)).lets_in(arn, role)
    }

    /// The largest parts of what is unused.
    pub(crate) fn contributions(
        &self,
        set: &GrantSet,
        used: &RoaringBitmap,
        holder: &Holder<'_>,
        facts: &Facts,
        n: usize,
    ) -> Vec<Contribution> {
        let provider = set.provider();
        self.scale(&|area, kind| reach(provider, holder, facts, area, kind)).contributions(set, used, n)
    }

    /// A full administrator's exposure.
    pub(crate) fn capacity(&self, provider: Provider) -> u128 {
        self.scale(&|_, _| Reach::UNKNOWN).capacity(provider)
    }

    /// Whether a set alone, none of it used, is at least half an administrator's.
    pub(crate) fn is_privileged(&self, set: &GrantSet) -> bool {
        if set.is_empty() {
            return false;
        }
        let nobody = RoaringBitmap::new();
        let exposure = self.scale(&|_, _| Reach::UNKNOWN).exposure(
            set,
            &nobody,
            &nobody,
            &Targets::alone(schemas::IdentityKind::Unknown),
        );
        exposure.hi * 2 >= self.capacity(set.provider())
    }

    /// Whether a set is an administrator's.
    pub(crate) fn is_super(&self, set: &GrantSet) -> bool {
        self.scale(&|_, _| Reach::UNKNOWN).is_super(set)
    }

    fn scale<'a>(&'a self, reach: &'a permissions::exposure::ReachFn<'a>) -> Scale<'a> {
        Scale { catalogue: Catalogue::bundled(), model: &self.model, reach }
    }
}

impl std::fmt::Debug for Law {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Law").field("model", &self.model).finish_non_exhaustive()
    }
}

/// The granted actions that hand out credentials and secrets.
pub(crate) fn secrets(set: &GrantSet) -> RoaringBitmap {
    set.actions() & Catalogue::bundled().provider(set.provider()).of_risk(RiskClass::CredentialAccess)
}

/// The granted actions that switch off logs and guards.
pub(crate) fn guards(set: &GrantSet) -> RoaringBitmap {
    let catalogue = Catalogue::bundled().provider(set.provider());
    let patterns: &[&str] = match set.provider() {
        Provider::Aws => &[
            "cloudtrail:Delete*",
            "cloudtrail:Stop*",
            "cloudtrail:Update*",
            "cloudtrail:PutEventSelectors",
            "config:Delete*",
            "config:Stop*",
            "guardduty:Delete*",
            "guardduty:Update*",
            "guardduty:Disassociate*",
            "securityhub:Disable*",
            "securityhub:Delete*",
            "securityhub:BatchDisable*",
            "inspector2:Disable",
            "macie2:Disable*",
            "access-analyzer:Delete*",
            "logs:DeleteLogGroup",
            "logs:DeleteLogStream",
            "logs:PutRetentionPolicy",
        ],
        Provider::Azure => &[
            "Microsoft.Insights/diagnosticSettings/write",
            "Microsoft.Insights/diagnosticSettings/delete",
            "Microsoft.Insights/logProfiles/*",
            "Microsoft.Security/pricings/write",
            "Microsoft.Security/*/delete",
            "Microsoft.SecurityInsights/*/delete",
            "Microsoft.OperationalInsights/workspaces/delete",
        ],
        Provider::Gcp => &[
            "logging.sinks.delete",
            "logging.sinks.update",
            "logging.buckets.delete",
            "logging.buckets.update",
            "logging.logs.delete",
            "logging.exclusions.create",
            "logging.exclusions.update",
            "securitycenter.*.update",
            "securitycenter.*.setMute",
        ],
    };
    let mut found = RoaringBitmap::new();
    for pattern in patterns {
        found |= &*catalogue.expand(pattern) & set.actions();
    }
    found - catalogue.of_risk(RiskClass::List) - catalogue.of_risk(RiskClass::Read)
}

/// The first few names of some actions, for people.
pub(crate) fn names(provider: Provider, actions: &RoaringBitmap, n: usize) -> Vec<String> {
    let catalogue = Catalogue::bundled().provider(provider);
    actions.iter().filter_map(|idx| catalogue.get(ActionIdx(idx))).map(|info| info.name.to_string()).take(n).collect()
}

fn writes(info: &ActionInfo) -> bool {
    matches!(info.level, AccessLevel::Write | AccessLevel::Tag | AccessLevel::Permissions)
}

fn is_target(need: Need, holder: &Holder<'_>, facts: &Facts, reaches: &dyn Fn(&str) -> bool) -> bool {
    let what = match need {
        Need::AdminGroup => "group",
        Need::PassableRole | Need::Workload => "service",
        Need::Identity => "identity",
        Need::Own | Need::OwnUser | Need::OwnRole | Need::OwnGroup => return true,
    };
    let Some(row) = facts.as_of(holder.account, &target_kind(what), holder.at) else { return false };
    let is_cut = usize::try_from(row.n_resources).is_ok_and(|n| n > row.resource_ids.len());
    let is_holder =
        |target: &str| target == holder.id || identity::aws_of_arn(target).is_some_and(|id| id.as_str() == holder.id);
    is_cut
        || row.resource_ids.iter().map(|target| target_of(target).0).any(|target| !is_holder(target) && reaches(target))
}

/// A target in a fact: how grants name it, and the hash of the trust policy of a role of which one is known.
fn target_of(target: &str) -> (&str, Option<&str>) {
    let behind = target.rsplit_once(' ').filter(|(_, hash)| Id128::parse(hash).is_some());
    behind.map_or((target, None), |(named, hash)| (named, Some(hash)))
}

fn reach(provider: Provider, holder: &Holder<'_>, facts: &Facts, area: &Area, kind: &str) -> Reach {
    let folded = kind.to_ascii_lowercase();
    let kind = if provider == Provider::Azure { folded.as_str() } else { kind };
    let (matching, known) = facts.reach(holder.account, kind, holder.at, area);
    Reach { matching, known }
}
