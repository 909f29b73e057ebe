//! From a weighed moment to a row of the series, with its cause.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{Bucket, Entitlement, IdentityKind, Pci, ScopeKind, Text, Time};

use crate::ValidConfig;
use crate::law::Law;
use crate::moment::{Moment, Scene, Subject, Weighed};

/// Grants named in a cause; more are counted.
const MAX_NAMED: usize = 3;

/// The bucket of an index.
pub(crate) fn bucket(score: f64) -> Bucket {
    if score < 33.5 {
        Bucket::Low
    } else if score < 66.5 {
        Bucket::Medium
    } else {
        Bucket::High
    }
}

/// A sum as it is stored.
pub(crate) fn stored(sum: u128) -> i64 {
    i64::try_from(sum).unwrap_or(i64::MAX)
}

/// Builds the row of a moment, with revision 0. `before` is what stood before it, if anything did.
pub(crate) fn pci(
    subject: &Subject<'_>,
    moment: &Moment<'_>,
    weighed: &Weighed,
    before: Option<(&Moment<'_>, &Weighed)>,
    scene: &Scene<'_>,
) -> Pci {
    let capacity = scene.law.capacity(subject.provider);
    let index = |exposure: u128| scene.law.model().pci(exposure, capacity);
    let score = index(weighed.hi);
    let change = before.map(|(_, before)| ((score - index(before.hi)) * 100.0).round() / 100.0 + 0.0);
    let cause =
        before.zip(change).and_then(|((then, _), change)| cause(then, moment, change, scene.config.window_days));
    let n = scene.config.set.n_contributions;
    Pci {
        score,
        score_lo: index(weighed.lo),
        bucket: bucket(score),
        exposure: stored(weighed.hi),
        exposure_lo: stored(weighed.lo),
        capacity: stored(capacity),
        n_granted: weighed.n_granted,
        n_used: weighed.n_used,
        n_unused: weighed.n_unused,
        n_unknowable: weighed.n_unknowable,
        contributions: scene.law.contributions(&moment.set, &moment.used, &subject.holder(moment), scene.facts, n),
        escalation: weighed.escalation.clone(),
        ignored: weighed.ignored.clone(),
        cause,
        change,
        last_used_at: subject.any.last_upto(moment.last_day, scene.config.window_days),
        young: moment.circumstances.young,
        scope_name: moment.name().or_else(|| before.and_then(|(then, _)| then.name())),
        identity_kind: Some(if moment.is_gone() {
            before.map_or(IdentityKind::Unknown, |(then, _)| then.kind())
        } else {
            moment.kind()
        }),
        ..bare(subject, moment.at, (scene.config, &*scene.law))
    }
}

/// A row without a score: what a withdrawn one becomes.
pub(crate) fn bare(subject: &Subject<'_>, at: Time, (config, law): (&ValidConfig, &Law)) -> Pci {
    Pci {
        scope_kind: ScopeKind::Identity,
        scope_id: Text::from(subject.id.as_str()),
        account_id: subject.account.clone(),
        provider: subject.provider,
        time: at,
        window_us: config.window_days * Time::DAY,
        model_version: Text::from(law.model().version.as_str()),
        catalogue_version: Text::from(Law::catalogue_version()),
        ..blank()
    }
}

/// A row of zeros.
pub(crate) fn blank() -> Pci {
    Pci {
        scope_kind: ScopeKind::Identity,
        scope_id: Text::default(),
        account_id: schemas::AccountId::default(),
        provider: schemas::Provider::Aws,
        scope_name: None,
        identity_kind: None,
        time: Time(0),
        score: 0.0,
        score_lo: 0.0,
        bucket: Bucket::Low,
        exposure: 0,
        exposure_lo: 0,
        capacity: 0,
        n_granted: 0,
        n_used: 0,
        n_unused: 0,
        n_unknowable: 0,
        contributions: Vec::new(),
        escalation: None,
        ignored: Vec::new(),
        cause: None,
        change: None,
        last_used_at: None,
        young: false,
        window_us: 0,
        model_version: Text::default(),
        catalogue_version: Text::default(),
        provisional: false,
        deleted_at: None,
        revision: 0,
    }
}

/// Why a score changed, in words.
fn cause(then: &Moment<'_>, now: &Moment<'_>, change: f64, window: i64) -> Option<Text> {
    let mut parts = Vec::new();
    if now.is_gone() {
        parts.push("deleted".to_owned());
    } else {
        grants(then, now, &mut parts);
        let granted = now.set.actions();
        let more = (&now.used - &then.used).intersection_len(granted);
        let fewer = (&then.used - &now.used).intersection_len(granted);
        if more > 0 {
            parts.push(format!("used {more} more {}", actions(more)));
        }
        if fewer > 0 {
            parts.push(format!("{fewer} {} left the {window}-day window", actions(fewer)));
        }
        if parts.is_empty() {
            parts.push(rest(then, now).to_owned());
        }
    }
    Some(Text::from(format!("{change:+}: {}", parts.join("; "))))
}

fn actions(n: u64) -> &'static str {
    if n == 1 { "action" } else { "actions" }
}

/// Names what else can have changed.
fn rest(then: &Moment<'_>, now: &Moment<'_>) -> &'static str {
    if then.circumstances.logged != now.circumstances.logged {
        "the account's log is read now"
    } else if then.circumstances.young && !now.circumstances.young {
        "a whole window is known now"
    } else if then.circumstances.inactive != now.circumstances.inactive {
        if now.circumstances.inactive { "inactive for a whole window" } else { "active again" }
    } else {
        "the account's resources, logs or other identities changed"
    }
}

/// Names the grants that came, went or changed.
fn grants(then: &Moment<'_>, now: &Moment<'_>, parts: &mut Vec<String>) {
    let by_source = |moment: &Moment<'_>| -> BTreeMap<Text, Arc<Entitlement>> {
        moment.grants().map(|row| (row.source.clone(), Arc::clone(row))).collect()
    };
    let (then, now) = (by_source(then), by_source(now));
    let name = |row: &Arc<Entitlement>| format!("`{}`", row.source_name.as_ref().unwrap_or(&row.source));
    let added = now.iter().filter(|(source, _)| !then.contains_key(*source)).map(|(_, row)| name(row));
    say(added.collect(), "attached", parts);
    let removed = then.iter().filter(|(source, _)| !now.contains_key(*source)).map(|(_, row)| name(row));
    say(removed.collect(), "removed", parts);
    let changes = |then: &Entitlement, now: &Entitlement| {
        (&then.policy_hashes, &then.scopes, &then.condition) != (&now.policy_hashes, &now.scopes, &now.condition)
    };
    let changed = now.iter().filter(|(source, row)| then.get(*source).is_some_and(|before| changes(before, row)));
    say(changed.map(|(_, row)| name(row)).collect(), "changed", parts);
}

fn say(names: Vec<String>, what: &str, parts: &mut Vec<String>) {
    let n_more = names.len().saturating_sub(MAX_NAMED);
    if names.is_empty() {
        return;
    }
    let named: Vec<String> = names.into_iter().take(MAX_NAMED).collect();
    let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
    parts.push(format!("{}{more} {what}", named.join(", ")));
}
