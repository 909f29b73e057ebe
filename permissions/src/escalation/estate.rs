//! Everybody in a cloud, and who can become whom.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::{AccountId, IdentityId, IdentityKind, Policy, Provider};
use smol_str::SmolStr;

use super::chain::Ways;
use super::graph::Graph;
use super::outside::{self, OutsideTrust};
use super::steps;
use crate::aws::evaluate::Policies;
use crate::grants::GrantSet;

/// Members that are read. A place is 32 bits wide; a set of a million members is some hundred kilobytes.
const MAX_MEMBERS: usize = 1 << 20;
/// Workloads that are read.
const MAX_WORKLOADS: usize = 1 << 20;

/// An identity, with what is known of it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its id; of two members with one id the second is left out.
    pub id: IdentityId,
    /// How grants on it name it: an ARN; the ARM id of a user-assigned identity, `/<object id>` of a directory object; the
    /// full resource name of a service account. Empty when no grant can name it.
    pub resource: SmolStr,
    /// Its kind.
    pub kind: IdentityKind,
    /// The account it is in.
    pub account: AccountId,
    /// What it is granted, by account. In AWS that is its own account alone.
    pub grants: Vec<(AccountId, Arc<GrantSet>)>,
    /// AWS: its policies, boundary and SCPs, if they are at hand. Then conditions on what a path itself decides (to which
    /// service a role is passed) are weighed, and a trust policy that names it is weighed against what denies it.
    pub policies: Option<Arc<Policies>>,
    /// AWS: the trust policy of a role.
    pub trust: Option<Arc<Policy>>,
    /// The groups it is in.
    pub groups: Vec<IdentityId>,
    /// Policies and custom roles of the accounts' own that it has, itself or by a group, as grants name them.
    pub attached: Vec<SmolStr>,
    /// The accounts of which it is an administrator.
    pub administers: Vec<AccountId>,
}

impl Member {
    /// An identity that is granted nothing yet.
    #[must_use]
    pub fn new(id: &str, resource: &str, kind: IdentityKind, account: &str) -> Self {
        Self {
            id: IdentityId::from(id),
            resource: resource.into(),
            kind,
            account: AccountId::from(account),
            grants: Vec::new(),
            policies: None,
            trust: None,
            groups: Vec::new(),
            attached: Vec::new(),
            administers: Vec::new(),
        }
    }
}

/// Something that runs as an identity: a function, a machine, a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// How grants name it.
    pub resource: SmolStr,
    /// Its kind in the words of the paths: the service that takes the role (`lambda.amazonaws.com`), an ARM type in lower
    /// case, `compute.googleapis.com/Instance`.
    pub kind: SmolStr,
    /// The account it is in.
    pub account: AccountId,
    /// As whom it runs.
    pub runs_as: IdentityId,
}

/// Everybody in a cloud.
#[derive(Debug)]
pub struct Estate {
    pub(super) provider: Provider,
    pub(super) members: Vec<Member>,
    pub(super) places: HashMap<IdentityId, u32>,
    pub(super) accounts: Vec<AccountId>,
    pub(super) graph: Graph,
    pub(super) ways: Ways,
    pub(super) is_cut: bool,
}

/// What steps are made of.
pub(super) struct World<'e> {
    pub(super) provider: Provider,
    pub(super) members: &'e [Member],
    pub(super) places: &'e HashMap<IdentityId, u32>,
    pub(super) accounts: &'e [AccountId],
    /// `None` when it is not known what runs.
    pub(super) workloads: Option<Vec<(Workload, u32)>>,
}

impl Estate {
    /// Takes members and workloads in; `None` for workloads when nobody has listed them: then a path that needs one ends at
    /// every identity that such a workload could run as, and is not certain. The order of members does not matter.
    #[must_use]
    pub fn new(provider: Provider, members: Vec<Member>, workloads: Option<Vec<Workload>>) -> Self {
        let n_workloads = workloads.as_ref().map_or(0, Vec::len);
        let mut is_cut = members.len() > MAX_MEMBERS || n_workloads > MAX_WORKLOADS;
        let mut members = members;
        members.sort_by(|one, other| one.id.cmp(&other.id));
        members.dedup_by(|later, earlier| later.id == earlier.id);
        members.truncate(MAX_MEMBERS);
        let places: HashMap<IdentityId, u32> = members.iter().map(|member| member.id.clone()).zip(0..).collect();
        let mut accounts: Vec<AccountId> = members.iter().flat_map(accounts_of).cloned().collect();
        accounts.sort_unstable();
        accounts.dedup();
        let known = |list: Vec<Workload>| {
            let placed = list.into_iter().take(MAX_WORKLOADS);
            let mut placed: Vec<(Workload, u32)> =
                placed.filter_map(|one| places.get(&one.runs_as).copied().map(|place| (one, place))).collect();
            placed.sort_by(|(one, _), (other, _)| one.resource.cmp(&other.resource));
            placed
        };
        let world = World {
            provider,
            members: &members,
            places: &places,
            accounts: &accounts,
            workloads: workloads.map(known),
        };
        let (graph, cut) = steps::graph(&world);
        is_cut |= cut;
        let mut estate = Self { provider, members, places, accounts, graph, ways: Ways::default(), is_cut };
        estate.ways = estate.find_ways();
        estate.is_cut |= estate.ways.is_cut;
        estate
    }

    /// Whether something was left out because there is too much of it.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// How many identities it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The roles that trust somebody who is not in the estate, by role and whom they trust.
    #[must_use]
    pub fn outside_trust(&self) -> Vec<OutsideTrust> {
        outside::trusts(&self.members)
    }

    pub(super) fn place(&self, id: &str) -> Option<u32> {
        self.places.get(id).copied()
    }

    pub(super) fn id(&self, place: u32) -> IdentityId {
        self.members[place as usize].id.clone()
    }

    /// Those that are administrators of some account.
    pub(super) fn administrators(&self) -> RoaringBitmap {
        let is_one = |(member, _): &(&Member, u32)| !member.administers.is_empty();
        self.members.iter().zip(0..).filter(is_one).map(|(_, place)| place).collect()
    }
}

fn accounts_of(member: &Member) -> impl Iterator<Item = &AccountId> {
    member.grants.iter().map(|(account, _)| account).chain([&member.account]).chain(&member.administers)
}
