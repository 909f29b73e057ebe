//! An organization at one time: its accounts, what lies above each, and which policies are attached there.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    AccountId, Entitlement, EntitlementKind, IdentityKind, OrgId, Policy, PolicyHash, Provider, ResourceId, Statement,
    Text, identity,
};

use super::super::aws::Reader;
use super::super::facts::{Fact, Piece, draft};

pub(super) const SCP: &str = "SERVICE_CONTROL_POLICY";
pub(super) const RCP: &str = "RESOURCE_CONTROL_POLICY";

/// Levels that are followed upwards. AWS allows five of units between root and account; beyond this they run in a circle.
const MAX_LEVELS: usize = 16;

/// The policies that AWS attaches to everything, one for each kind, by their ids.
const OF_AWS: [(&str, &str); 2] = [("p-FullAWSAccess", SCP), ("p-RCPFullAWSAccess", RCP)];

/// What stands at the top of an account's chain when what lies above is not known.
const UNKNOWN: &str = "unknown";

#[derive(Debug, Default)]
pub(super) struct Hierarchy<'f> {
    /// Kind and document.
    policies: BTreeMap<&'f str, (&'f str, Option<&'f PolicyHash>)>,
    /// Policies of which all targets are known.
    whole: BTreeSet<&'f str>,
    /// Targets and kinds of which all policies are known.
    whole_targets: BTreeSet<(&'f str, &'f str)>,
    attached: BTreeMap<&'f str, BTreeSet<&'f str>>,
    parents: BTreeMap<&'f str, &'f str>,
    names: BTreeMap<&'f str, &'f Text>,
    accounts: BTreeSet<&'f str>,
    enabled: BTreeMap<&'f str, &'f Vec<Text>>,
    orgs: BTreeMap<&'f str, &'f OrgId>,
    managers: BTreeSet<&'f str>,
}

impl<'f> Hierarchy<'f> {
    pub(super) fn of(facts: impl Iterator<Item = &'f Fact>) -> Self {
        let mut this = Self { policies: OF_AWS.map(|(id, kind)| (id, (kind, None))).into(), ..Self::default() };
        for fact in facts {
            if let Fact::Organization(piece) = fact {
                this.take(piece);
            }
        }
        this
    }

    fn take(&mut self, piece: &'f Piece) {
        match piece {
            Piece::Policy { id, kind, hash } => {
                let known = self.policies.entry(id).or_insert((kind, None));
                known.1 = hash.as_ref().or(known.1);
            }
            Piece::TargetsOf { policy } => drop(self.whole.insert(policy)),
            Piece::PoliciesAt { target, kind } => drop(self.whole_targets.insert((target, kind))),
            Piece::Attached { policy, target } => {
                self.attached.entry(target).or_default().insert(policy);
                self.account(target);
            }
            Piece::Parent { child, parent } => {
                self.parents.insert(child, parent);
                self.account(child);
            }
            Piece::Named { id, name } => {
                self.account(id);
                self.names.extend(name.as_ref().map(|name| (id.as_str(), name)));
            }
            Piece::Enabled { root, kinds } => drop(self.enabled.insert(root, kinds)),
            Piece::Of { id, org } => drop(self.orgs.insert(id, org)),
            Piece::Management { account } => drop(self.managers.insert(account)),
        }
    }

    fn account(&mut self, id: &'f str) {
        if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) {
            self.accounts.insert(id);
        }
    }

    /// From the top down to the account, and whether the top is a root.
    fn chain(&self, account: &'f str) -> (Vec<&'f str>, bool) {
        let mut chain = vec![account];
        while let Some(parent) = chain.last().and_then(|id| self.parents.get(id)) {
            if chain.len() > MAX_LEVELS {
                return (vec![account], false);
            }
            chain.push(parent);
        }
        chain.reverse();
        let is_whole = chain.first().is_some_and(|top| top.starts_with("r-"));
        (chain, is_whole)
    }

    fn org(&self, chain: &[&str]) -> Option<OrgId> {
        let of_chain = chain.iter().rev().find_map(|id| self.orgs.get(id));
        let all: BTreeSet<&&OrgId> = self.orgs.values().collect();
        let only = if all.len() == 1 { all.first().map(|org| **org) } else { None };
        of_chain.copied().or(only).cloned()
    }

    /// What lies above each account: the topmost first.
    pub(super) fn ancestors(&self) -> Vec<Fact> {
        let above = |account: &&'f str| {
            let (mut chain, is_whole) = self.chain(account);
            chain.pop();
            let ids: Vec<ResourceId> = chain.into_iter().map(ResourceId::from).collect();
            (is_whole && !ids.is_empty()).then(|| Fact::Ancestors { account: AccountId::from(*account), ids })
        };
        self.accounts.iter().filter_map(above).collect()
    }

    /// One row for each account, level and kind of policies. The management account is limited by none.
    pub(super) fn rows(&self, reader: &mut Reader<'_>) -> Vec<Entitlement> {
        let mut rows = Vec::new();
        for account in self.accounts.iter().filter(|account| !self.managers.contains(**account)) {
            let (chain, is_whole) = self.chain(account);
            for (kind, row_kind, word) in [(SCP, EntitlementKind::Scp, "scp"), (RCP, EntitlementKind::Rcp, "rcp")] {
                if !self.is_on(kind, &chain) {
                    continue;
                }
                let mut levels: Vec<(&str, Vec<PolicyHash>)> = Vec::new();
                if !is_whole {
                    let missing = format!("nobody says what lies above `{}`", chain.first().unwrap_or(account));
                    levels
                        .push((UNKNOWN, vec![reader.policies.missing(Provider::Aws, missing, reader.at, reader.out)]));
                }
                levels.extend(chain.iter().map(|target| (*target, self.at(target, kind, reader))));
                for (level, (target, hashes)) in levels.into_iter().enumerate() {
                    let source = format!("{word}:{level:02}:{target}");
                    let id = AccountId::from(*account);
                    let who = (identity::aws_root(account), IdentityKind::Root);
                    let mut row = draft(Provider::Aws, &id, reader.at, who, row_kind, source).row;
                    row.org_id = self.org(&chain);
                    row.source_name =
                        Some(self.names.get(target).map_or_else(|| target.into(), |name| Text::clone(name)));
                    row.policy_hashes = hashes;
                    rows.push(row);
                }
            }
        }
        rows
    }

    /// Whether policies of a kind limit an account: what its root says, else whether any is known.
    fn is_on(&self, kind: &str, chain: &[&str]) -> bool {
        match chain.first().and_then(|root| self.enabled.get(root)) {
            Some(kinds) => kinds.iter().any(|on| on == kind),
            None => self.attached.values().flatten().any(|policy| self.is_of(policy, kind)) || kind == SCP,
        }
    }

    /// A policy whose kind nobody told may be of any.
    fn is_of(&self, policy: &str, kind: &str) -> bool {
        self.policies.get(policy).is_none_or(|(known, _)| *known == kind)
    }

    /// The policies at a target, in order, with one that stands for those that are not known.
    fn at(&self, target: &str, kind: &str, reader: &mut Reader<'_>) -> Vec<PolicyHash> {
        let attached: Vec<&str> = self
            .attached
            .get(target)
            .into_iter()
            .flatten()
            .copied()
            .filter(|policy| self.is_of(policy, kind))
            .collect();
        let mut hashes: BTreeSet<PolicyHash> = attached.iter().map(|policy| self.hash(policy, reader)).collect();
        // Of a kind that is on, every target has a policy at all times.
        let of_kind = || self.policies.iter().filter(|(_, (known, _))| *known == kind);
        let is_whole = self.whole_targets.contains(&(target, kind)) || of_kind().all(|(id, _)| self.whole.contains(id));
        if attached.is_empty() || !is_whole {
            let missing = format!("nobody says all policies that are attached at `{target}`");
            hashes.insert(reader.policies.missing(Provider::Aws, missing, reader.at, reader.out));
        }
        hashes.into_iter().collect()
    }

    fn hash(&self, policy: &str, reader: &mut Reader<'_>) -> PolicyHash {
        match self.policies.get(policy) {
            Some((_, Some(hash))) => PolicyHash::clone(hash),
            _ if OF_AWS.iter().any(|(id, _)| *id == policy) => {
                let all = Statement { resources: vec!["*".into()], ..Statement::allow(vec!["*".into()]) };
                let identities = if policy == OF_AWS[1].0 { vec!["*".into()] } else { Vec::new() };
                let policy = Policy::of(Provider::Aws, vec![Statement { identities, ..all }], Vec::new(), reader.at);
                reader.policies.put(policy, reader.out)
            }
            _ => reader.policies.unknown(Provider::Aws, policy, reader.at, reader.out),
        }
    }
}
