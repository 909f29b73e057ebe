//! The standing risks of one identity in one account: which are true of a moment, and what their rows say.
//!
//! One more kind is: a word in `schemas::FindingKind`, a line in [`truths`], an arm in [`say`]. Guardrails are rules of a file;
//! each that is broken is a finding of its own.

use std::sync::Arc;

use permissions::guardrails::{self, Breach};
use roaring::RoaringBitmap;
use schemas::{AccountId, Effect, EntitlementKind, Finding, FindingKind, Provider, ScopeKind, Severity, Text, Time};
use serde::{Deserialize, Serialize};

use crate::law;
use crate::moment::{Moment, Scene, Subject, Weighed};
use crate::row::bucket;

/// Pieces of evidence named in a finding.
const MAX_EVIDENCE: usize = 5;

/// Which finding of an identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Which {
    pub(crate) kind: FindingKind,
    /// The guardrail that is broken.
    pub(crate) rule: Option<Text>,
}

impl Which {
    /// The one of a kind.
    pub(crate) fn of(kind: FindingKind) -> Self {
        Self { kind, rule: None }
    }

    /// The one of a guardrail.
    pub(crate) fn guardrail(rule: &Text) -> Self {
        Self { kind: FindingKind::Guardrail, rule: Some(rule.clone()) }
    }
}

/// The findings that are true of a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Truths {
    /// The kinds, a bit each.
    kinds: u16,
    /// The guardrails that are broken, in the order of their file.
    pub(crate) rules: Arc<[Text]>,
}

impl Truths {
    fn set(&mut self, kind: FindingKind, is_true: bool) {
        self.kinds |= u16::from(is_true) << kind as u16;
    }

    /// Whether a finding is true.
    pub(crate) fn has(&self, which: &Which) -> bool {
        match &which.rule {
            Some(rule) => self.rules.contains(rule),
            None => self.kinds >> which.kind as u16 & 1 == 1,
        }
    }
}

/// The guardrails that a moment's grants break, in the order of their file.
pub(crate) fn breaches(subject: &Subject<'_>, moment: &Moment<'_>, scene: &Scene<'_>) -> Vec<Breach> {
    if moment.is_gone() {
        return Vec::new();
    }
    let holder = guardrails::Holder {
        id: subject.id.to_string(),
        name: moment.name().map_or_else(String::new, |name| name.to_string()),
        kind: moment.kind(),
        account: subject.account.to_string(),
        provider: subject.provider,
    };
    scene.config.guardrails().check(&holder, &moment.set, moment.at)
}

/// What is true of a weighed moment; `rules` are the guardrails that it breaks.
pub(crate) fn truths(
    moment: &Moment<'_>,
    weighed: &Weighed,
    unknowable: &RoaringBitmap,
    rules: Arc<[Text]>,
    scene: &Scene<'_>,
) -> Truths {
    let mut truths = Truths { rules, ..Truths::default() };
    if moment.is_gone() {
        return truths;
    }
    let capacity = scene.law.capacity(moment.set.provider());
    let score = scene.law.model().pci(weighed.hi, capacity);
    let is_super = scene.law.is_super(&moment.set);
    let watched = moment.circumstances.logged && !moment.circumstances.young;
    truths.set(FindingKind::InactiveIdentity, watched && moment.circumstances.inactive && weighed.n_granted > 0);
    let large = score >= scene.config.set.overprovisioned_from && weighed.n_unused > 0;
    truths.set(FindingKind::OverprovisionedIdentity, watched && !moment.circumstances.inactive && large);
    truths.set(FindingKind::SuperIdentity, is_super);
    truths.set(FindingKind::PrivilegeEscalation, weighed.escalation.is_some() && !is_super);
    truths.set(
        FindingKind::UnusedSecretAccess,
        watched && !is_super && lies_idle(&law::secrets(&moment.set), moment, unknowable),
    );
    let guards = lies_idle(&law::guards(&moment.set), moment, unknowable);
    truths.set(FindingKind::UnusedSecurityToolAdministration, watched && !is_super && guards);
    truths.set(FindingKind::ExternalAccess, !weighed.external.is_empty());
    let unreadable = weighed.ignored.iter().any(|what| what.as_str() == "unreadable statement");
    truths.set(FindingKind::UnreadablePolicy, unreadable);
    truths
}

/// Whether none of some granted actions was used, and of at least one that is known.
fn lies_idle(granted: &RoaringBitmap, moment: &Moment<'_>, unknowable: &RoaringBitmap) -> bool {
    granted.is_disjoint(&moment.used) && !granted.is_subset(unknowable)
}

/// The outside accounts and providers that the identity's trust policies name, as written.
pub(crate) fn external(account: &AccountId, moment: &Moment<'_>, scene: &Scene<'_>) -> Vec<Text> {
    let mut found = Vec::new();
    for row in moment.rows.iter().filter(|row| row.kind == EntitlementKind::Trust && row.provider == Provider::Aws) {
        for policy in row.policy_hashes.iter().filter_map(|hash| scene.policies.get(hash)) {
            for statement in policy.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
                let outside = |who: &&Text| is_outside(who, account, scene);
                found.extend(statement.identities.iter().filter(outside).cloned());
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a principal such as `AWS:arn:aws:iam::123456789012:root` lies outside our accounts. Services and this account's
/// own identity providers do not.
fn is_outside(who: &str, account: &AccountId, scene: &Scene<'_>) -> bool {
    let who = match who.split_once(':') {
        Some(("Service", _)) => return false,
        Some(("AWS" | "Federated" | "CanonicalUser", who)) => who,
        _ => who,
    };
    if who == "*" {
        return true;
    }
    let digits = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let named = if digits(who) { Some(who) } else { who.split(':').nth(4).filter(|named| digits(named)) };
    let Some(named) = named else { return false };
    let known = || {
        scene.config.set.known_accounts.contains(named) || scene.facts.first_event(named, crate::facts::LOG).is_some()
    };
    named != account.as_str() && !known()
}

/// The row of a finding that is true of a moment, with revision 0 and no first time.
pub(crate) fn row(
    kind: FindingKind,
    subject: &Subject<'_>,
    moment: &Moment<'_>,
    weighed: &Weighed,
    scene: &Scene<'_>,
) -> Finding {
    let name = moment.name().unwrap_or_else(|| Text::from(subject.id.as_str()));
    let said = say(kind, &name, moment, weighed, scene);
    Finding {
        scope_name: moment.name(),
        identity_kind: Some(moment.kind()),
        severity: said.severity,
        title: Text::from(said.title),
        evidence: said.evidence.into_iter().take(MAX_EVIDENCE).map(Text::from).collect(),
        advice: Text::from(said.advice),
        ..bare(&Which::of(kind), subject)
    }
}

/// The row of a guardrail that is broken, with revision 0 and no first time.
pub(crate) fn guardrail(breach: &Breach, subject: &Subject<'_>, moment: &Moment<'_>) -> Finding {
    let name = moment.name().unwrap_or_else(|| Text::from(subject.id.as_str()));
    let some = |all: &[String]| all.iter().take(MAX_EVIDENCE).cloned().collect::<Vec<_>>().join(", ");
    let quoted = |all: &[Text]| some(&all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>());
    let actions: Vec<String> = breach.actions.iter().map(ToString::to_string).collect();
    let resources: Vec<String> = breach.resources.iter().map(ToString::to_string).collect();
    let condition = if breach.conditional { ", under conditions" } else { "" };
    let evidence = [
        format!("{} actions: {}", breach.n_actions, some(&actions)),
        format!("on {}{condition}", some(&resources)),
        format!("granted by {}", quoted(&breach.sources)),
    ];
    Finding {
        scope_name: moment.name(),
        identity_kind: Some(moment.kind()),
        severity: breach.severity,
        title: Text::from(format!("`{name}` breaks a guardrail: {}", breach.title)),
        evidence: evidence.into_iter().map(Text::from).collect(),
        advice: Text::from(format!("take it away, or except it until a day; {}", breach.reason)),
        controls: breach.controls.iter().map(|control| Text::from(control.as_str())).collect(),
        ..bare(&Which::guardrail(&Text::from(breach.rule.as_str())), subject)
    }
}

/// A finding's row that says nothing yet.
fn bare(which: &Which, subject: &Subject<'_>) -> Finding {
    let rule = which.rule.as_ref().map(Text::as_str);
    Finding {
        finding_id: Finding::id_of(which.kind, rule, subject.account, subject.id),
        kind: which.kind,
        rule: which.rule.clone(),
        provider: subject.provider,
        account_id: subject.account.clone(),
        scope_kind: ScopeKind::Identity,
        scope_id: Text::from(subject.id.as_str()),
        scope_name: None,
        identity_kind: None,
        severity: Severity::Informational,
        title: Text::default(),
        evidence: Vec::new(),
        advice: Text::default(),
        controls: Vec::new(),
        first_seen_at: Time(0),
        time: Time(0),
        deleted_at: None,
        revision: 0,
    }
}

/// What a finding says to people.
struct Said {
    severity: Severity,
    title: String,
    evidence: Vec<String>,
    advice: &'static str,
}

fn say(kind: FindingKind, name: &str, moment: &Moment<'_>, weighed: &Weighed, scene: &Scene<'_>) -> Said {
    let (severity, title, advice) = words(kind, name, moment, weighed, scene);
    Said { severity, title, evidence: evidence(kind, moment, weighed), advice }
}

/// Severity, title and advice of a kind.
fn words(
    kind: FindingKind,
    name: &str,
    moment: &Moment<'_>,
    weighed: &Weighed,
    scene: &Scene<'_>,
) -> (Severity, String, &'static str) {
    let window = scene.config.window_days;
    let score = scene.law.model().pci(weighed.hi, scene.law.capacity(moment.set.provider()));
    let by_score = match bucket(score) {
        schemas::Bucket::Low => Severity::Low,
        schemas::Bucket::Medium => Severity::Medium,
        schemas::Bucket::High => Severity::High,
    };
    match kind {
        FindingKind::InactiveIdentity => {
            (by_score, format!("`{name}` used nothing for {window} days"), "disable the identity, or remove its grants")
        }
        FindingKind::OverprovisionedIdentity => {
            let title =
                format!("`{name}` used {} of {} granted actions in {window} days", weighed.n_used, weighed.n_granted);
            (Severity::High, title, "replace its grants by what it uses")
        }
        FindingKind::SuperIdentity => (
            Severity::Critical,
            format!("`{name}` may do everything on everything"),
            "grant what it uses; keep one break-glass identity",
        ),
        FindingKind::PrivilegeEscalation => (
            Severity::Critical,
            format!("`{name}` can make itself administrator"),
            "remove one unused permission of the path",
        ),
        FindingKind::UnusedSecretAccess => (
            Severity::High,
            format!("`{name}` may read secrets or take credentials, and does not"),
            "remove the unused permissions",
        ),
        FindingKind::UnusedSecurityToolAdministration => (
            Severity::High,
            format!("`{name}` may switch off logs or guards, and does not"),
            "remove the unused permissions",
        ),
        FindingKind::ExternalAccess => {
            let anyone = weighed.external.iter().any(|who| who.ends_with('*'));
            let severity = if anyone { Severity::Critical } else { Severity::Medium };
            (
                severity,
                format!("`{name}` may be assumed from outside"),
                "name the account in `known_accounts`, or remove the trust",
            )
        }
        FindingKind::UnreadablePolicy => (
            Severity::Medium,
            format!("a policy of `{name}` cannot be read in part"),
            "mend the policy; its unread part grants nothing here",
        ),
        // Said elsewhere: by the scope stage, and in `guardrail`.
        FindingKind::InactiveGroup | FindingKind::Guardrail | FindingKind::Unknown => {
            (Severity::Informational, String::new(), "")
        }
    }
}

/// What a finding rests on.
fn evidence(kind: FindingKind, moment: &Moment<'_>, weighed: &Weighed) -> Vec<String> {
    let counts = || {
        vec![format!(
            "{} actions granted, {} used, {} unknowable",
            weighed.n_granted, weighed.n_used, weighed.n_unknowable
        )]
    };
    let names = |actions: &RoaringBitmap| law::names(moment.set.provider(), actions, MAX_EVIDENCE);
    match kind {
        FindingKind::InactiveIdentity | FindingKind::OverprovisionedIdentity => counts(),
        FindingKind::SuperIdentity | FindingKind::UnreadablePolicy => {
            let named = |row: &std::sync::Arc<schemas::Entitlement>| {
                row.source_name.as_ref().unwrap_or(&row.source).to_string()
            };
            let mut sources: Vec<String> = moment.grants().map(named).collect();
            sources.sort_unstable();
            sources
        }
        FindingKind::PrivilegeEscalation => weighed.escalation.iter().map(ToString::to_string).collect(),
        FindingKind::UnusedSecretAccess => names(&law::secrets(&moment.set)),
        FindingKind::UnusedSecurityToolAdministration => names(&law::guards(&moment.set)),
        FindingKind::ExternalAccess => weighed.external.iter().map(ToString::to_string).collect(),
        FindingKind::InactiveGroup | FindingKind::Guardrail | FindingKind::Unknown => Vec::new(),
    }
}
