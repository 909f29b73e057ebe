//! Paths to administrator: sets of permissions that together let their holder become one.
//!
//! # Layout
//!
//! `table` reads the known paths of `data/escalation_*.tsv`. [`unused_path`] asks of one granted set, without knowing the
//! others. An [`Estate`] knows everybody: `ask` asks each set on what it grants, `trust` each role whom it trusts, `steps`
//! makes of these who can become whom by which path, `graph` and `search` the chains.

mod ask;
mod chain;
mod estate;
mod graph;
mod index;
mod outside;
mod radius;
mod search;
mod spread;
mod steps;
mod table;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test should panic, and these print what they found"
)]
mod tests;
mod trust;

use roaring::RoaringBitmap;
use schemas::{Granted, IdentityKind, Provider};
use smol_str::SmolStr;

use crate::catalogue::ActionIdx;
use crate::grants::{Atom, GrantSet};
use crate::resource;

pub use chain::{Became, Chain, Edge, Step};
pub use estate::{Estate, Member, Workload};
pub use outside::{OutsideTrust, Outsider};
pub use radius::{BlastRadius, Reached};
pub use table::paths;
pub use trust::Trust;

/// What must exist, besides the permissions, for a path to end at administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Nothing but the holder itself.
    Own,
    /// Nothing, and the holder is a user.
    OwnUser,
    /// Nothing, and the holder is a role.
    OwnRole,
    /// A group of which the holder is a member.
    OwnGroup,
    /// A group with an administrator's permissions.
    AdminGroup,
    /// A privileged role or managed identity that can be passed to a new workload.
    PassableRole,
    /// An existing workload (function, machine, pipeline) that runs with a privileged role.
    Workload,
    /// Another privileged identity: a user, a role that can be assumed, a service account.
    Identity,
}

/// What the holder has at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gain {
    /// It is an administrator of the account.
    Administrator,
    /// It is the target.
    Target,
    /// As [`Self::Administrator`], if an older version of a policy of its own says so.
    Perhaps,
    /// The target is an administrator, the holder is not.
    Raise,
    /// A part of what the target may.
    Part,
    /// It may ask through the target, without being it (GCP's delegation).
    Delegation,
}

/// On what a permission of a path must be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum On {
    /// The holder itself.
    Holder,
    /// A group of the holder.
    OwnGroup,
    /// A policy or custom role of the account's own that the holder has.
    OwnPolicy,
    /// The target.
    Target,
    /// A policy of the account's own that the target has.
    TargetPolicy,
    /// The workload.
    Workload,
    /// The whole account.
    Account,
    /// Anything: it is made, or any that is there will do.
    Anything,
    /// One thing, the same for all permissions that say so.
    Same,
}

/// A permission of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Its name.
    pub name: SmolStr,
    /// Its number in the bundled catalogue.
    pub action: ActionIdx,
    /// On what it must be granted.
    pub on: On,
}

/// A path to administrator.
#[derive(Clone, Debug)]
pub struct EscalationPath {
    /// Its id: pathfinding.cloud's, or ours: `aws-…`, `azure-…`, `gcp-…`.
    pub id: SmolStr,
    /// What happens, for people.
    pub title: SmolStr,
    /// Where it is described.
    pub source: SmolStr,
    /// What must exist.
    pub need: Need,
    /// What the holder has at its end.
    pub gain: Gain,
    /// The permissions, all of which it takes, in the order of the path.
    pub permissions: Vec<SmolStr>,
    /// The same, with on what.
    pub required: Vec<Required>,
    /// Whom or what the target is: kinds of identities; services that a passed role must trust; kinds of workloads, `*`
    /// for any.
    pub of: Vec<SmolStr>,
    /// Whether it leads only to what lies in the scope of the grant, which [`unused_path`] cannot tell.
    pub below: bool,
    actions: RoaringBitmap,
}

/// Who holds a set, and what else its account has: whether a path leads anywhere.
#[derive(Clone, Copy)]
pub struct Targets<'a> {
    /// The holder's kind.
    pub holder: IdentityKind,
    /// AWS: the ARNs of the holder itself, of its groups and of its own account's policies that are attached to it. What
    /// is not listed is reached by grants on everything of its kind alone.
    pub own: &'a [&'a str],
    /// Whether the account has a target of a kind, for the needs that are not about the holder itself; see [`Exists`].
    pub exists: &'a Exists<'a>,
    /// AWS: whether the trust policy of a role, by its ARN, lets the holder in, or may; see [`Trust`].
    pub trusts: &'a dyn Fn(&str) -> bool,
}

/// Says whether a target of a kind exists that the path's permissions are granted on. The second says that of one target, by
/// its ARN; for Azure and GCP, whose targets are not named by their resources here, of any.
pub type Exists<'a> = dyn Fn(Need, &dyn Fn(&str) -> bool) -> bool + 'a;

impl Targets<'_> {
    /// An account with nobody else in it.
    #[must_use]
    pub fn alone(holder: IdentityKind) -> Targets<'static> {
        Targets { holder, own: &[], exists: &|_, _| false, trusts: &|_| true }
    }
}

impl std::fmt::Debug for Targets<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Targets").field("holder", &self.holder).field("own", &self.own).finish_non_exhaustive()
    }
}

/// The first path that a set holds, that leads somewhere, and of which a permission is unused. Paths come in the order of
/// the data, those that need nothing else first.
#[must_use]
pub fn unused_path(set: &GrantSet, used: &RoaringBitmap, targets: &Targets<'_>) -> Option<&'static EscalationPath> {
    let mut held = paths(set.provider()).iter().filter(|path| {
        !path.below
            && path.actions.is_subset(set.actions())
            && !path.actions.is_subset(used)
            && leads_somewhere(path, set, targets)
    });
    let first = held.next()?;
    Some(held.fold(first, |best, path| if path.need < best.need { path } else { best }))
}
fn leads_somewhere(path: &EscalationPath, set: &GrantSet, targets: &Targets<'_>) -> bool {
    let role = matches!(targets.holder, IdentityKind::Role | IdentityKind::Workforce);
    let user = targets.holder == IdentityKind::User;
    let in_group = targets.own.iter().any(|arn| arn.contains(":group/"));
    match path.need {
        Need::Own => on_own(path, set, targets, "policy/"),
        Need::OwnUser => user && on_own(path, set, targets, "user/"),
        Need::OwnRole => role && on_own(path, set, targets, "role/"),
        Need::OwnGroup => user && in_group && on_own(path, set, targets, "group/"),
        need => (targets.exists)(need, &|target| {
            reaches(path, set, target) && (!asks_trust(path) || (targets.trusts)(target))
        }),
    }
}

/// Whether a path takes a role as its trust policy is.
fn asks_trust(path: &EscalationPath) -> bool {
    let on_target = |name: &str| path.required.iter().any(|what| what.on == On::Target && what.name == name);
    on_target("sts:AssumeRole") && !on_target("iam:UpdateAssumeRolePolicy")
}

/// Whether what a path asks of its target is granted, or may be, on this one.
fn reaches(path: &EscalationPath, set: &GrantSet, target: &str) -> bool {
    let of_target = path.required.iter().filter(|what| what.on == On::Target && set.provider() == Provider::Aws);
    let mut asked = of_target.map(|what| set.verdict(what.action, Some(target)));
    asked.all(|granted| granted != Granted::No)
}

/// Whether the path's permissions are granted on everything, or on what is the holder's own. Azure and GCP conditions
/// limit what may be granted on, so a conditional grant there leads nowhere by itself.
fn on_own(path: &EscalationPath, set: &GrantSet, targets: &Targets<'_>, kind: &str) -> bool {
    let aws = set.provider() == Provider::Aws;
    let reaches = |atom: &Atom| {
        let whole = atom.is_whole() || aws && atom.area.is_plain() && whole_kind(&atom.area.resource, kind);
        let of_kind = |arn: &&&str| arn.splitn(6, ':').nth(5).is_some_and(|name| name.starts_with(kind));
        let own = || targets.own.iter().filter(of_kind).any(|arn| atom.area.covers(Provider::Aws, arn));
        (aws || !atom.is_conditional()) && (whole || aws && own())
    };
    path.actions.iter().all(|action| set.granting(ActionIdx(action)).any(reaches))
}

/// Whether a pattern covers every IAM object of a kind: `arn:aws:iam::*:user/*`, `arn:aws:iam::123456789012:*`.
fn whole_kind(pattern: &str, kind: &str) -> bool {
    let probe = |account: &str| format!("arn:aws:iam::{account}:{kind}\u{1}\u{1}");
    let account =
        pattern.split(':').nth(4).filter(|account| account.bytes().all(|b| b.is_ascii_digit())).unwrap_or("0");
    resource::pattern_matches(Provider::Aws, pattern, &probe(account))
}

#[cfg(test)]
mod whole {
    use super::whole_kind;

    #[test]
    fn a_pattern_over_all_users_is_over_oneself() {
        assert!(whole_kind("arn:aws:iam::*:user/*", "user/"));
        assert!(whole_kind("arn:aws:iam::123456789012:*", "user/"));
        assert!(!whole_kind("arn:aws:iam::*:user/dev-*", "user/"));
        assert!(!whole_kind("arn:aws:iam::*:group/*", "user/"));
    }
}
