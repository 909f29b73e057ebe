//! The sum of a scope's members, and the rows it makes.

use std::collections::BTreeSet;

use permissions::RiskModel;
use schemas::{Contribution, Finding, FindingKind, Id128, Pci, Provider, Severity, Text, Time};

use super::members::{Key, Part};
use super::{Member, Scope};
use crate::ValidConfig;
use crate::row::{blank, bucket, stored};

/// Paths to administrator named in a scope's row.
const MAX_NAMED: usize = 3;

/// The sum of the members' parts at a time. What a full administrator of each member's cloud would have, a member who is
/// no more has not: it holds nothing.
pub(super) struct Sum<'m> {
    pub(super) time: Time,
    pub(super) n_members: usize,
    members: Vec<Member<'m>>,
}

impl<'m> Sum<'m> {
    pub(super) fn of(members: impl Iterator<Item = (&'m Key, &'m Part)>, time: Time) -> Self {
        let members: Vec<Member<'m>> = members.map(|((account, id), part)| ((account, id), part)).collect();
        Self { time, n_members: members.len(), members }
    }

    pub(super) fn none(time: Time) -> Self {
        Self { time, n_members: 0, members: Vec::new() }
    }

    fn parts(&self) -> impl Iterator<Item = &'m Part> {
        self.members.iter().map(|(_, part)| *part)
    }

    fn total(&self, of: impl Fn(&Part) -> i64) -> i64 {
        self.parts().map(of).fold(0, i64::saturating_add)
    }

    /// Whether nobody uses anything, and that is known of everybody for a whole window.
    pub(super) fn is_inactive(&self) -> bool {
        let idle =
            |part: &Part| part.n_used == 0 && !part.young && !part.ignored.iter().any(|what| what.as_str() == "no log");
        self.parts().any(|part| part.n_granted > 0) && self.parts().all(idle)
    }
}

/// The row of a sum, with revision 0.
pub(super) fn pci(scope: &Scope, sum: &Sum<'_>, model: &RiskModel, config: &ValidConfig) -> Pci {
    let wide = |of: fn(&Part) -> i64| sum.parts().map(|part| u128::from(of(part).unsigned_abs())).sum::<u128>();
    let (exposure, exposure_lo, capacity) = (wide(|p| p.exposure), wide(|p| p.exposure_lo), wide(|p| p.capacity));
    let score = model.pci(exposure, capacity);
    let versions = sum.parts().map(|part| &part.versions).max().cloned().unwrap_or_default();
    let ignored: BTreeSet<&Text> = sum.parts().flat_map(|part| &part.ignored).collect();
    Pci {
        scope_kind: scope.kind(),
        scope_id: scope.id(),
        account_id: scope.account(),
        provider: sum.parts().next().map_or(Provider::Aws, |part| part.provider),
        time: sum.time,
        score,
        score_lo: model.pci(exposure_lo, capacity),
        bucket: bucket(score),
        exposure: stored(exposure),
        exposure_lo: stored(exposure_lo),
        capacity: stored(capacity),
        n_granted: sum.total(|part| part.n_granted),
        n_used: sum.total(|part| part.n_used),
        n_unused: sum.total(|part| part.n_unused),
        n_unknowable: sum.total(|part| part.n_unknowable),
        contributions: contributions(sum, config.set.n_contributions),
        escalation: escalation(sum),
        ignored: ignored.into_iter().cloned().collect(),
        last_used_at: sum.parts().filter_map(|part| part.last_used_at).max(),
        young: sum.parts().any(|part| part.young),
        window_us: config.window_days * Time::DAY,
        model_version: versions.0,
        catalogue_version: versions.1,
        provisional: sum.members.iter().any(|(_, part)| part.provisional),
        ..blank()
    }
}

/// The members' largest parts, the largest first, each with its member's name.
fn contributions(sum: &Sum<'_>, n: usize) -> Vec<Contribution> {
    let named = |((_, id), part): &Member<'_>| {
        let name = part.name.as_deref().unwrap_or(id.as_str()).to_owned();
        part.contributions
            .iter()
            .map(move |one| Contribution { label: Text::from(format!("`{name}`: {}", one.label)), ..one.clone() })
            .collect::<Vec<_>>()
    };
    let mut all: Vec<Contribution> = sum.members.iter().flat_map(named).collect();
    all.sort_by(|a, b| b.exposure.cmp(&a.exposure).then_with(|| a.label.cmp(&b.label)));
    all.truncate(n);
    all
}

/// Who among the members holds an unused path to administrator.
fn escalation(sum: &Sum<'_>) -> Option<Text> {
    let who: Vec<&Member<'_>> = sum.members.iter().filter(|(_, part)| part.escalates).collect();
    let name = |((_, id), part): &&Member<'_>| format!("`{}`", part.name.as_deref().unwrap_or(id.as_str()));
    let names: Vec<String> = who.iter().take(MAX_NAMED).map(name).collect();
    let more = who.len().saturating_sub(MAX_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!names.is_empty()).then(|| Text::from(format!("{}{more}", names.join(", "))))
}

/// The finding that a group's members use nothing, with revision 0 and no first time.
pub(super) fn inactive_group(scope: &Scope, sum: &Sum<'_>, config: &ValidConfig) -> Finding {
    let (account_id, scope_id) = (scope.account(), scope.id());
    let name = scope_id.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
    Finding {
        finding_id: Finding::id_of(FindingKind::InactiveGroup, None, &account_id, &scope_id),
        kind: FindingKind::InactiveGroup,
        provider: sum.parts().next().map_or(Provider::Aws, |part| part.provider),
        account_id,
        rule: None,
        scope_kind: scope.kind(),
        scope_id,
        scope_name: Some(Text::from(name.as_str())),
        identity_kind: Some(schemas::IdentityKind::Group),
        severity: Severity::Low,
        title: Text::from(format!(
            "the members of `{name}` used nothing of their grants for {} days",
            config.window_days
        )),
        evidence: vec![Text::from(format!("{} members", sum.n_members))],
        advice: "remove the group's grants, or its members".into(),
        controls: Vec::new(),
        first_seen_at: sum.time,
        time: sum.time,
        deleted_at: None,
        revision: 0,
    }
}

/// A row's content, hashed.
pub(super) fn hash(row: &Pci) -> u64 {
    // Writing to memory does not fail; were it to, the hash is that of nothing and the row is told once more.
    let bytes = postcard::to_allocvec(row).unwrap_or_default();
    Id128::of_parts(&[&bytes]).0 as u64
}
