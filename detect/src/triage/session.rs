//! A session: the candidates of one identity in one account with no long pause between them.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    AccountId, Action, Anomaly, Id128, IdentityId, IdentityKind, OrgId, Provider, Reason, ResourceId, RiskClass, Text,
    Time,
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::config::{TriageConfig, ValidConfig};
use crate::event;
use crate::evidence::{self, Channel};

/// The longest a session lasts, however busy: an alert a day of somebody who never stops.
pub(super) const MAX_LENGTH_US: i64 = Time::DAY;
/// Facts kept per session: the weightiest are told, and the halving makes the rest count nothing.
const MAX_FACTS: usize = 256;
/// Reasons told of one channel: the fourth new action says no more, and would crowd out the new network.
const MAX_TOLD_PER_CHANNEL: usize = 3;

/// One fact, whichever candidate told it: the same new network in three hours is one fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fact {
    nats: f64,
    text: Text,
}

/// What came of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Raised {
    pub at: Time,
    pub suppressed: Option<Text>,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub provider: Provider,
    pub account: AccountId,
    pub org: OrgId,
    pub identity: IdentityId,
    pub kind: IdentityKind,
    pub name: Option<Text>,
    start: Time,
    pub first_at: Time,
    pub last_at: Time,
    facts: BTreeMap<(Channel, SmolStr), Fact>,
    /// Actions with the time they were first told of, for the order of the list.
    pub actions: BTreeMap<Action, (RiskClass, Time)>,
    pub resources: BTreeSet<ResourceId>,
    pub ips: BTreeSet<Text>,
    pub event_ids: Vec<Id128>,
    pub n_events: i64,
    pub anomaly_ids: BTreeSet<Id128>,
    pub raised: Option<Raised>,
    pub revision: i64,
}

impl Session {
    pub(crate) fn new(row: &Anomaly) -> Self {
        Self {
            provider: row.provider,
            account: row.account_id.clone(),
            org: row.org_id.clone(),
            identity: row.identity_id.clone(),
            kind: row.identity_kind,
            name: row.identity_name.clone(),
            start: row.time,
            first_at: row.time,
            last_at: row.time,
            facts: BTreeMap::new(),
            actions: BTreeMap::new(),
            resources: BTreeSet::new(),
            ips: BTreeSet::new(),
            event_ids: Vec::new(),
            n_events: 0,
            anomaly_ids: BTreeSet::new(),
            raised: None,
            revision: 0,
        }
    }

    /// The time of its first candidate when it began.
    pub(crate) fn start(&self) -> Time {
        self.start
    }

    /// The id of the alert that it is, or would be.
    pub(crate) fn alert_id(&self) -> Id128 {
        Id128::of_parts(&[b"alert", self.identity.as_bytes(), self.account.as_bytes(), &self.start.0.to_le_bytes()])
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.raised.is_some()
    }

    /// Whether a candidate at a time still belongs to it.
    pub(crate) fn is_open_at(&self, time: Time, config: &ValidConfig) -> bool {
        let pause = if self.is_raised() { config.repeat_us.max(config.gap_us) } else { config.gap_us };
        time.0.saturating_sub(self.last_at.0) <= pause && time.0.saturating_sub(self.start.0) <= MAX_LENGTH_US
    }

    /// Adds a candidate.
    pub(crate) fn add(&mut self, row: &Anomaly, config: &TriageConfig) {
        let most = config.max_listed;
        self.first_at = self.first_at.min(row.time);
        self.last_at = self.last_at.max(row.time);
        self.name = row.identity_name.clone().or_else(|| self.name.take());
        for reason in &row.reasons {
            self.add_fact(row, reason);
        }
        if let Some(action) =
            row.action.as_ref().filter(|action| self.actions.len() < most || self.actions.contains_key(*action))
        {
            let class = row.risk_class.unwrap_or(RiskClass::List);
            let known = self.actions.entry(action.clone()).or_insert((class, row.time));
            known.0 = known.0.max(class);
        }
        if let Some(resource) = row.resource_id.as_ref().filter(|_| self.resources.len() < most) {
            self.resources.insert(resource.clone());
        }
        if let Some(ip) = row.source_ip.as_ref().filter(|_| self.ips.len() < most) {
            self.ips.insert(ip.clone());
        }
        for id in &row.event_ids {
            if !self.event_ids.contains(id) {
                self.n_events += 1;
                if self.event_ids.len() < most {
                    self.event_ids.push(*id);
                }
            }
        }
        if self.anomaly_ids.len() < most {
            self.anomaly_ids.insert(row.anomaly_id);
        }
    }

    fn add_fact(&mut self, row: &Anomaly, reason: &Reason) {
        let Some(channel) = Channel::parse(&reason.channel) else { return };
        let subject = subject(channel, row);
        if self.facts.len() >= MAX_FACTS && !self.facts.contains_key(&(channel, subject.clone())) {
            return;
        }
        let new = Fact { nats: reason.nats, text: reason.text.clone() };
        let kept = self.facts.entry((channel, subject)).or_insert_with(|| new.clone());
        if new.nats > kept.nats {
            *kept = new;
        }
    }

    /// The fused surprise: within a channel the strongest fact counts in full and each next half of the one before; the
    /// context channels are halved together; risk counts once, for the worst action.
    pub(crate) fn nats(&self) -> f64 {
        let mut context: Vec<f64> = Vec::new();
        let mut others: BTreeMap<Channel, Vec<f64>> = BTreeMap::new();
        for ((channel, _), fact) in &self.facts {
            if channel.is_context() {
                context.push(fact.nats);
            } else {
                others.entry(*channel).or_default().push(fact.nats);
            }
        }
        let sum: f64 = others
            .into_iter()
            .map(|(channel, nats)| match channel {
                Channel::Risk => nats.into_iter().fold(f64::NEG_INFINITY, f64::max),
                _ => evidence::halving(nats),
            })
            .sum();
        (sum + evidence::halving(context)).max(0.0)
    }

    /// The facts as reasons, the heaviest first, of each channel the heaviest few.
    pub(crate) fn reasons(&self, most: usize) -> Vec<Reason> {
        let mut facts: Vec<(Channel, &Fact)> = self.facts.iter().map(|((channel, _), fact)| (*channel, fact)).collect();
        facts.sort_by(|a, b| b.1.nats.total_cmp(&a.1.nats).then(a.0.cmp(&b.0)).then_with(|| a.1.text.cmp(&b.1.text)));
        let mut n_told: BTreeMap<Channel, usize> = BTreeMap::new();
        facts.retain(|(channel, _)| {
            let n = n_told.entry(*channel).or_default();
            *n += 1;
            *n <= MAX_TOLD_PER_CHANNEL
        });
        let reason = |(channel, fact): (Channel, &Fact)| Reason {
            channel: channel.as_str().into(),
            nats: fact.nats,
            text: fact.text.clone(),
        };
        facts.into_iter().take(most).map(reason).collect()
    }

    /// The channel with the heaviest fact, but for risk, which is no surprise of its own.
    pub(crate) fn heaviest(&self) -> Option<Channel> {
        let facts = self.facts.iter().filter(|((channel, _), _)| *channel != Channel::Risk);
        facts.max_by(|a, b| a.1.nats.total_cmp(&b.1.nats)).map(|((channel, _), _)| *channel)
    }

    /// Whether it has a fact of a channel.
    pub(crate) fn facts_has(&self, channel: Channel) -> bool {
        self.facts.keys().any(|(of, _)| *of == channel)
    }

    /// The worst of its actions' classes.
    pub(crate) fn class(&self) -> RiskClass {
        self.actions.values().map(|(class, _)| *class).max().unwrap_or(RiskClass::List)
    }

    /// It becomes an alert, by the end of the hour in which it was found.
    pub(crate) fn raise(&mut self, hour: Time, suppressed: Option<Text>) {
        self.raised = Some(Raised { at: Time(hour.0 + Time::HOUR), suppressed });
    }

    /// Counts the revision up, past what was told before.
    pub(crate) fn count_up(&mut self, told: i64) {
        self.revision = self.revision.max(told) + 1;
    }
}

/// What a reason is about, so that its repeats are one fact.
fn subject(channel: Channel, row: &Anomaly) -> SmolStr {
    let text: Option<&str> = match channel {
        Channel::Hour | Channel::Identity => None,
        Channel::Network => {
            return row.source_ip.as_deref().and_then(event::network).map(|n| SmolStr::new(&n)).unwrap_or_default();
        }
        Channel::Tool => row.tool.as_deref(),
        Channel::Resource => row.resource_id.as_deref(),
        Channel::Volume | Channel::Denials => row.risk_class.map(RiskClass::as_str),
        Channel::Action | Channel::Peers | Channel::Dormant | Channel::Risk => row.action.as_deref(),
    };
    SmolStr::new(text.unwrap_or_default())
}
