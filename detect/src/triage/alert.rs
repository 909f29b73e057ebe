//! A session as an alert, in words.

use schemas::{Action, Alert, RiskClass, Severity, Text, Time};

use crate::config::{Suppression, ValidConfig};
use crate::evidence::Channel;
use crate::technique;
use crate::triage::knowledge::Knowledge;
use crate::triage::session::Session;

/// Reasons of an alert: more than this nobody reads.
const MAX_REASONS: usize = 12;
/// From so many nats on a session is of medium, high and critical severity, before what it did is looked at.
const SEVERE_NATS: [f64; 3] = [14.0, 20.0, 28.0];

/// The alert of a session that was raised.
pub(crate) fn of(session: &Session, knowledge: &Knowledge) -> Alert {
    let nats = (session.nats() * 1000.0).round() / 1000.0;
    let actions = by_risk(session);
    let title = title(session, &actions);
    let technique = technique::of(actions.iter().map(Action::as_str)).map(|found| found.technique.into());
    let raised = session.raised.clone();
    Alert {
        alert_id: session.alert_id(),
        time: raised.as_ref().map_or(session.first_at, |raised| raised.at),
        first_at: session.first_at,
        last_at: session.last_at,
        provider: session.provider,
        account_id: session.account.clone(),
        org_id: session.org.clone(),
        identity_id: session.identity.clone(),
        identity_kind: session.kind,
        identity_name: session.name.clone(),
        severity: severity(session, nats, knowledge),
        title: title.into(),
        nats,
        reasons: session.reasons(MAX_REASONS),
        actions,
        resources: session.resources.iter().cloned().collect(),
        source_ips: session.ips.iter().cloned().collect(),
        could: knowledge.could(&session.identity, &session.account, session.first_at),
        technique,
        event_ids: session.event_ids.clone(),
        n_events: session.n_events,
        anomaly_ids: session.anomaly_ids.iter().copied().collect(),
        suppressed: raised.and_then(|raised| raised.suppressed),
        provisional: false,
        revision: session.revision,
    }
}

/// Its actions, the most dangerous first, then as they came.
fn by_risk(session: &Session) -> Vec<Action> {
    let mut actions: Vec<(&Action, RiskClass, Time)> =
        session.actions.iter().map(|(a, (class, at))| (a, *class, *at)).collect();
    actions.sort_by(|a, b| b.1.cmp(&a.1).then(a.2.cmp(&b.2)).then(a.0.cmp(b.0)));
    actions.into_iter().map(|(action, ..)| action.clone()).collect()
}

fn severity(session: &Session, nats: f64, knowledge: &Knowledge) -> Severity {
    let steps = SEVERE_NATS.iter().filter(|from| nats >= **from).count();
    let tampers = session.actions.keys().any(|action| technique::is_tampering(action));
    let dangerous = session.class() >= RiskClass::PermissionsManagement || tampers;
    let harmless = session.class() <= RiskClass::Tag && !tampers;
    let could_much = knowledge.is_high(&session.identity, &session.account, session.first_at);
    let steps =
        (steps + usize::from(dangerous) + usize::from(could_much && !harmless)).saturating_sub(usize::from(harmless));
    [Severity::Low, Severity::Medium, Severity::High, Severity::Critical][steps.min(3)]
}

fn title(session: &Session, actions: &[Action]) -> String {
    let who = session.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&session.identity);
    let known = technique::of(actions.iter().map(Action::as_str));
    let shown = match (known.map(|found| found.action).or(actions.first().map(Action::as_str)), actions.len()) {
        (None, _) => "no known action".to_owned(),
        (Some(one), 1) => format!("`{one}`"),
        (Some(one), n) => format!("`{one}` and {} more", n - 1),
    };
    let what = known.map_or_else(|| verb(session.heaviest()), |found| found.verb);
    let from = if session.facts_has(Channel::Network) { ", from a new network" } else { "" };
    format!("`{who}` {what} ({shown}){from}")
}

/// What a session is about when its actions are known for nothing.
fn verb(heaviest: Option<Channel>) -> &'static str {
    match heaviest {
        Some(Channel::Network | Channel::Tool | Channel::Hour) => "acts from somewhere new",
        Some(Channel::Volume) => "does far more than usual",
        Some(Channel::Denials) => "is refused far more than usual",
        Some(Channel::Identity) => "acts here for the first time",
        Some(Channel::Dormant) => "is back after a long time",
        Some(Channel::Resource) => "touches what it never touched",
        _ => "does what it never did",
    }
}

/// Why a session is not to be told, by the list of the config.
pub(crate) fn suppression(session: &Session, config: &ValidConfig, hour: Time) -> Option<Text> {
    let entries = config.given.triage.suppress.iter().zip(&config.suppress_until);
    let matching = entries.filter(|(entry, until)| hour < **until && covers(entry, session));
    matching.map(|(entry, _)| Text::from(format!("{}, until {}", entry.reason, entry.until))).next()
}

fn covers(entry: &Suppression, session: &Session) -> bool {
    let fits = |pattern: &Option<Text>, text: &str| match pattern.as_deref() {
        None => true,
        Some(pattern) => match pattern.strip_suffix('*') {
            Some(head) => text.starts_with(head),
            None => text == pattern,
        },
    };
    fits(&entry.identity, &session.identity)
        && fits(&entry.account, &session.account)
        && (entry.action.is_none()
            || !session.actions.is_empty() && session.actions.keys().all(|a| fits(&entry.action, a)))
}
