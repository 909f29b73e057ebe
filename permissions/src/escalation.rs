//! Paths to administrator: sets of permissions that together let their holder become one.

use std::sync::LazyLock;

use roaring::RoaringBitmap;
use schemas::{IdentityKind, Provider};
use smol_str::SmolStr;

use crate::bundled;
use crate::catalogue::{ActionIdx, Catalogue};
use crate::grants::{Atom, GrantSet};
use crate::resource;

static AWS: &[u8] = include_bytes!("../data/aws_escalation.tsv.gz");
static OURS: &str = include_str!("../data/escalation.tsv");

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

/// A path to administrator.
#[derive(Clone, Debug)]
pub struct EscalationPath {
    /// Its id: pathfinding.cloud's, or ours: `aws-…`, `azure-…`, `gcp-…`.
    pub id: SmolStr,
    /// What must exist.
    pub need: Need,
    /// The permissions, all of which it takes, in the order of the path.
    pub permissions: Vec<SmolStr>,
    actions: RoaringBitmap,
}

/// The known paths of a cloud whose permissions the bundled catalogue knows.
#[must_use]
pub fn paths(provider: Provider) -> &'static [EscalationPath] {
    static PATHS: LazyLock<[Vec<EscalationPath>; 3]> = LazyLock::new(|| {
        let aws = bundled::unpack(AWS);
        [
            [read(Provider::Aws, bundled::lines(&aws)), read(Provider::Aws, ours("aws-"))].concat(),
            read(Provider::Azure, ours("azure-")),
            read(Provider::Gcp, ours("gcp-")),
        ]
    });
    &PATHS[provider as usize]
}

fn ours(prefix: &str) -> impl Iterator<Item = &'static str> {
    bundled::lines(OURS).filter(move |line| line.starts_with(prefix))
}

fn read<'t>(provider: Provider, lines: impl Iterator<Item = &'t str>) -> Vec<EscalationPath> {
    let catalogue = Catalogue::bundled().provider(provider);
    let one = |line: &str| {
        let mut fields = line.split('\t');
        let (id, need, permissions) = (fields.next()?, need(fields.next()?)?, fields.next()?);
        let permissions: Vec<SmolStr> = permissions.split(',').map(SmolStr::new).collect();
        let actions: Option<RoaringBitmap> = permissions.iter().map(|p| catalogue.lookup(p).map(|idx| idx.0)).collect();
        Some(EscalationPath { id: SmolStr::new(id), need, permissions, actions: actions? })
    };
    lines.filter_map(one).collect()
}

fn need(word: &str) -> Option<Need> {
    Some(match word {
        "self" => Need::Own,
        "self_user" => Need::OwnUser,
        "self_role" => Need::OwnRole,
        "self_group" => Need::OwnGroup,
        "group" => Need::AdminGroup,
        "role" => Need::PassableRole,
        "workload" => Need::Workload,
        "principal" => Need::Identity,
        _ => return None,
    })
}

/// Who holds a set, and what else its account has: whether a path leads anywhere.
#[derive(Clone, Copy)]
pub struct Targets<'a> {
    /// The holder's kind.
    pub holder: IdentityKind,
    /// AWS: the ARNs of the holder itself, of its groups and of its own account's policies that are attached to it. What
    /// is not listed is reached by grants on everything of its kind alone.
    pub own: &'a [&'a str],
    /// Whether the account has a target of a kind: asked for the needs that are not about the holder itself.
    pub exists: &'a dyn Fn(Need) -> bool,
}

impl Targets<'_> {
    /// An account with nobody else in it.
    #[must_use]
    pub fn alone(holder: IdentityKind) -> Targets<'static> {
        Targets { holder, own: &[], exists: &|_| false }
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
        path.actions.is_subset(set.actions()) && !path.actions.is_subset(used) && leads_somewhere(path, set, targets)
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
        need => (targets.exists)(need),
    }
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
mod tests {
    use super::*;

    #[test]
    fn every_path_names_permissions_of_the_catalogue() {
        let n = |provider| paths(provider).len();
        assert_eq!(
            (n(Provider::Aws), n(Provider::Azure), n(Provider::Gcp)),
            (65 + ours("aws-").count(), ours("azure-").count(), ours("gcp-").count())
        );
    }

    #[test]
    fn a_pattern_over_all_users_is_over_oneself() {
        assert!(whole_kind("arn:aws:iam::*:user/*", "user/"));
        assert!(whole_kind("arn:aws:iam::123456789012:*", "user/"));
        assert!(!whole_kind("arn:aws:iam::*:user/dev-*", "user/"));
        assert!(!whole_kind("arn:aws:iam::*:group/*", "user/"));
    }
}
