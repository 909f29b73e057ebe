//! Candidate rows: the pieces of evidence of one identity, hour and subject, put together in any order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    AccountId, Action, Anomaly, Id128, IdentityId, IdentityKind, OrgId, Provider, ResourceId, RiskClass, Text, Time,
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::evidence::{self, Channel, Evidence};

/// What a candidate is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// The detector's name.
    pub detector: &'static str,
    /// What within the detector: an action, a resource, a network …
    pub subject: SmolStr,
    pub action: Option<Action>,
    pub risk_class: Option<RiskClass>,
    pub resource: Option<ResourceId>,
    pub evidence: Vec<Evidence>,
    /// How many channels were tested.
    pub n_tested: i64,
}

/// Whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Who {
    pub provider: Provider,
    pub account: AccountId,
    pub org: OrgId,
    pub identity: IdentityId,
    pub kind: IdentityKind,
    pub name: Option<Text>,
    pub ip: Option<Text>,
    pub tool: Option<Text>,
}

/// Where a row stands within its hour.
pub(crate) type RowKey = (IdentityId, SmolStr, SmolStr);

/// One row in the making.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The earliest event, which lends its address, its tool and its resource.
    first: (Time, Id128),
    who: Who,
    resource: Option<ResourceId>,
    /// The most dangerous action with its class, and the earliest event that has it.
    action: Option<Action>,
    risk_class: Option<RiskClass>,
    worst_at: (Time, Id128),
    evidence: BTreeMap<Channel, Evidence>,
    n_tested: i64,
    events: BTreeSet<(Time, Id128)>,
    model_id: Option<Text>,
    /// Scored before its time.
    early: bool,
    revision: i64,
    /// Whether there is something to tell, and what was told last.
    changed: bool,
    told_provisional: bool,
}

/// The rows of one hour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rows {
    rows: BTreeMap<RowKey, Row>,
}

/// Bounds of the rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowBounds {
    pub candidates: usize,
    pub event_ids: usize,
}

impl Rows {
    /// Adds a candidate; whether it had to share a row for want of room.
    pub(crate) fn add(
        &mut self,
        at: (Time, Id128),
        who: Who,
        found: Candidate,
        model: Option<&Text>,
        early: bool,
        bounds: RowBounds,
    ) -> bool {
        let mut key = (who.identity.clone(), SmolStr::new(found.detector), found.subject.clone());
        let of_identity = (who.identity.clone(), SmolStr::default(), SmolStr::default());
        let full = !self.rows.contains_key(&key)
            && self.rows.range(of_identity..).take_while(|((id, ..), _)| *id == who.identity).count()
                >= bounds.candidates;
        if full {
            key.2 = SmolStr::new_static("other");
        }
        let row = self.rows.entry(key).or_insert_with(|| Row::new(at, &who, &found));
        row.merge(at, who, found, bounds.event_ids);
        row.early |= early;
        row.model_id = model.cloned().or_else(|| row.model_id.take());
        full
    }

    /// Tells what changed; `closed` rows are told as final.
    pub(crate) fn tell(&mut self, hour: Time, closed: bool, out: &mut Vec<Anomaly>) {
        for ((_, detector, subject), row) in &mut self.rows {
            let provisional = !closed || row.early;
            if row.changed || row.told_provisional != provisional {
                row.revision += 1;
                row.changed = false;
                row.told_provisional = provisional;
                out.push(row.anomaly(hour, detector, subject, provisional));
            }
        }
    }
}

impl Row {
    fn new(at: (Time, Id128), who: &Who, found: &Candidate) -> Self {
        Self {
            first: at,
            who: who.clone(),
            action: found.action.clone(),
            resource: found.resource.clone(),
            risk_class: found.risk_class,
            worst_at: at,
            evidence: BTreeMap::new(),
            n_tested: 0,
            events: BTreeSet::new(),
            model_id: None,
            early: false,
            revision: 0,
            changed: true,
            told_provisional: true,
        }
    }

    /// Joins an event's evidence: of each channel the strongest piece stays, so the order of events does not matter.
    fn merge(&mut self, at: (Time, Id128), who: Who, found: Candidate, max_events: usize) {
        if at < self.first {
            self.first = at;
            self.who = who;
            self.resource = found.resource;
            self.changed = true;
        }
        if (found.risk_class, Reverse(at)) > (self.risk_class, Reverse(self.worst_at)) {
            self.changed |= (&self.action, self.risk_class) != (&found.action, found.risk_class);
            self.action = found.action;
            self.risk_class = found.risk_class;
            self.worst_at = at;
        }
        self.n_tested = self.n_tested.max(found.n_tested);
        for piece in found.evidence {
            let weaker = self
                .evidence
                .get(&piece.channel)
                .is_none_or(|kept| piece.nats.total_cmp(&kept.nats).then_with(|| kept.text.cmp(&piece.text)).is_gt());
            if weaker {
                self.evidence.insert(piece.channel, piece);
                self.changed = true;
            }
        }
        if self.events.insert(at) {
            if self.events.len() > max_events {
                let last = self.events.pop_last();
                self.changed |= last != Some(at);
            } else {
                self.changed = true;
            }
        }
    }

    fn anomaly(&self, hour: Time, detector: &str, subject: &str, provisional: bool) -> Anomaly {
        let who = &self.who;
        let nats = evidence::together(self.evidence.values());
        let mut pieces: Vec<&Evidence> = self.evidence.values().collect();
        pieces.sort_by(|a, b| b.nats.total_cmp(&a.nats).then(a.channel.cmp(&b.channel)));
        Anomaly {
            anomaly_id: Id128::of_parts(&[
                detector.as_bytes(),
                who.account.as_bytes(),
                who.identity.as_bytes(),
                &hour.0.to_le_bytes(),
                subject.as_bytes(),
            ]),
            detector: detector.into(),
            time: self.first.0,
            provider: who.provider,
            account_id: who.account.clone(),
            org_id: who.org.clone(),
            identity_id: who.identity.clone(),
            identity_kind: who.kind,
            identity_name: who.name.clone(),
            action: self.action.clone(),
            risk_class: self.risk_class,
            resource_id: self.resource.clone(),
            source_ip: who.ip.clone(),
            tool: who.tool.clone(),
            p_value: evidence::p_value(nats),
            n_tested: self.n_tested,
            reasons: pieces.into_iter().map(Evidence::reason).collect(),
            event_ids: self.events.iter().map(|(_, id)| *id).collect(),
            model_id: self.model_id.clone(),
            provisional,
            revision: self.revision,
        }
    }
}
