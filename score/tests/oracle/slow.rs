//! The slow and obvious implementation: everything is recounted from all inputs, with plain maps and exact windows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use permissions::exposure::Scale;
use permissions::{Catalogue, Grants, Logged, Reach, RiskModel, Targets};
use roaring::RoaringBitmap;
use schemas::{AccessLevel, Entitlement, IdentityKind, Message, Outcome, Pci, Policy, Provider, Time};

use crate::scenario::{END, Scenario, WINDOW_DAYS};

/// Uses, denials, errors, first, last.
type Counts = (i64, i64, i64, Time, Time);
type UsageKey = (String, String, String, i64, i64);

/// A usage row as key and counts: uses, denials, errors, first, last.
pub(crate) fn counted(message: &Message) -> Option<(UsageKey, Counts)> {
    let Message::Usage(row) = message else { return None };
    let key = (
        row.identity_id.to_string(),
        row.action.to_string(),
        row.resource_id.to_string(),
        row.window_start.0,
        row.window_us,
    );
    Some((key, (row.n_uses, row.n_denied, row.n_errors, row.first_at, row.last_at)))
}

/// The usage rows of a scenario.
pub(crate) fn usage(scenario: &Scenario) -> BTreeMap<UsageKey, Counts> {
    let mut rows = BTreeMap::new();
    for event in &scenario.events {
        for width in [Time::HOUR, Time::DAY] {
            let used = &event.uses[0];
            let bucket = used.resource_id.as_ref().map_or(String::new(), |id| id.split('/').next().unwrap().to_owned());
            let start = event.time.0 / width * width;
            let key = (event.identity_id.to_string(), used.action.to_string(), bucket, start, width);
            let row = rows.entry(key).or_insert((0, 0, 0, event.time, event.time));
            row.0 += i64::from(event.outcome != Outcome::Denied);
            row.1 += i64::from(event.outcome == Outcome::Denied);
            row.2 += i64::from(event.outcome == Outcome::Error);
            row.3 = row.3.min(event.time);
            row.4 = row.4.max(event.time);
        }
    }
    rows
}

/// A score's numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Score {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
    pub(crate) n_granted: i64,
    pub(crate) n_used: i64,
    pub(crate) n_unknowable: i64,
    pub(crate) young: bool,
    pub(crate) ignored: BTreeSet<String>,
}

impl Score {
    pub(crate) fn told(row: &Pci) -> Self {
        Self {
            hi: row.score,
            lo: row.score_lo,
            n_granted: row.n_granted,
            n_used: row.n_used,
            n_unknowable: row.n_unknowable,
            young: row.young,
            ignored: row.ignored.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Recounts scores.
pub(crate) struct Oracle<'s> {
    scenario: &'s Scenario,
}

impl<'s> Oracle<'s> {
    pub(crate) fn new(scenario: &'s Scenario) -> Self {
        Self { scenario }
    }

    fn first_event(&self) -> Option<i64> {
        self.scenario.events.iter().map(|event| event.time.0 / Time::DAY * Time::DAY).min()
    }

    /// The ends of the days that the series covers.
    pub(crate) fn days(&self) -> impl Iterator<Item = Time> + use<> {
        let first = self.first_event().map_or(END + 1, |first| first + Time::DAY);
        (0..40).map(move |day| Time(first + day * Time::DAY)).filter(|at| at.0 <= END)
    }

    fn rows(&self, identity: &str, at: Time) -> Vec<&'s Entitlement> {
        // A row is told anew under its source and beginning; one that ends when it begins was taken back.
        let mut told: BTreeMap<(&str, i64), &Entitlement> = BTreeMap::new();
        for row in self.scenario.grants.iter().filter(|row| row.identity_id.as_str() == identity) {
            let held = told.entry((row.source.as_str(), row.valid_from.0)).or_insert(row);
            if row.revision > held.revision {
                *held = row;
            }
        }
        let of: Vec<&Entitlement> =
            told.into_values().filter(|row| row.deleted_at.is_none_or(|at| at > row.valid_from)).collect();
        let Some(first) = of.iter().map(|row| row.valid_from).min() else { return Vec::new() };
        let at = at.max(first);
        let sources: BTreeSet<&str> = of.iter().map(|row| row.source.as_str()).collect();
        let newest = |source: &&str| {
            of.iter()
                .filter(|row| row.source.as_str() == *source && row.valid_from <= at)
                .max_by_key(|row| row.valid_from)
        };
        let live =
            |row: &&&Entitlement| row.valid_until.is_none_or(|t| t > at) && row.deleted_at.is_none_or(|t| t > at);
        sources.iter().filter_map(newest).filter(live).copied().collect()
    }

    /// The score at a time.
    pub(crate) fn score(&self, identity: &str, at: Time) -> Option<Score> {
        let catalogue = Catalogue::bundled();
        let aws = catalogue.provider(Provider::Aws);
        let policies: BTreeMap<_, Arc<Policy>> =
            self.scenario.policies.iter().map(|p| (p.policy_hash.clone(), Arc::new(p.clone()))).collect();
        // What was deleted later still granted then.
        let rows: Vec<Entitlement> =
            self.rows(identity, at).into_iter().map(|row| Entitlement { deleted_at: None, ..row.clone() }).collect();
        let set = Grants::new().build(Provider::Aws, &rows, &|hash| policies.get(hash).cloned(), catalogue);
        let last_day = (at.0 - 1).div_euclid(Time::DAY);
        let from = (last_day - WINDOW_DAYS + 1) * Time::DAY;
        let upto = (last_day + 1) * Time::DAY;
        let uses =
            |event: &&schemas::AccessEvent| event.outcome != Outcome::Denied && (from..upto).contains(&event.time.0);
        let mine = self.scenario.events.iter().filter(uses).filter(|event| event.identity_id.as_str() == identity);
        let used: RoaringBitmap = mine.filter_map(|event| aws.lookup(&event.uses[0].action)).map(|idx| idx.0).collect();
        let logged = self.first_event().is_some_and(|first| first < at.0);
        let unknowable: RoaringBitmap =
            aws.iter().filter(|(_, info)| !logged || !self.seen(info, at)).map(|(idx, _)| idx.0).collect();
        let inventories = &self.scenario.inventories;
        let inventory =
            inventories.iter().filter(|row| row.time <= at).max_by_key(|row| row.revision).or(inventories.first());
        let reach = |area: &permissions::Area, kind: &str| match inventory.filter(|_| kind == "s3:bucket") {
            None => Reach::UNKNOWN,
            Some(row) => {
                // Patterns here are `*`, a bucket, or all of its objects.
                let names = |pattern: &str, id: &str| pattern == "*" || pattern.split('/').next() == Some(id);
                let is_out = |id: &str| {
                    let out = |name: &str| area.except.iter().any(|except| except.as_str() == name);
                    out(id) && out(&format!("{id}/*"))
                };
                let reaches = |id: &str| {
                    names(&area.resource, id) && area.within.iter().all(|other| names(other, id)) && !is_out(id)
                };
                let matching = row.resource_ids.iter().filter(|id| reaches(id)).count() as u64;
                Reach { matching, known: row.resource_ids.len() as u64 }
            }
        };
        let model = RiskModel::default();
        let scale = Scale { catalogue, model: &model, reach: &reach };
        let kind = if identity.contains(":role/") { IdentityKind::Role } else { IdentityKind::User };
        let others: Vec<String> = self
            .privileged()
            .into_iter()
            .filter(|other| *other != identity)
            .map(|other| format!("arn:aws:iam::{}", other.strip_prefix("aws:").unwrap()))
            .collect();
        let exists = |need, reaches: &dyn Fn(&str) -> bool| {
            need == permissions::escalation::Need::Identity && others.iter().any(|other| reaches(other))
        };
        let group = "arn:aws:iam::123456789012:group/devs";
        let arn = format!("arn:aws:iam::{}", identity.strip_prefix("aws:").unwrap());
        let in_group = self.rows(identity, at).iter().any(|row| !row.groups.is_empty());
        let own: Vec<&str> = if in_group { vec![&arn, group] } else { vec![&arn] };
        // No trust policy is known here.
        let targets = Targets { holder: kind, own: &own, exists: &exists, trusts: &|_| true };
        let exposure = scale.exposure(&set, &used, &unknowable, &targets);
        let capacity = scale.capacity(Provider::Aws);
        let mut ignored: BTreeSet<String> = set.ignored().iter().map(ToString::to_string).collect();
        if !logged {
            ignored.insert("no log".to_owned());
        }
        Some(Score {
            hi: model.pci(exposure.hi, capacity),
            lo: model.pci(exposure.lo, capacity),
            n_granted: exposure.n_granted as i64,
            n_used: exposure.n_used as i64,
            n_unknowable: exposure.n_unknowable as i64,
            young: self.first_event().is_none_or(|first| first >= at.0 || first > from),
            ignored,
        })
    }

    /// Whether the use of an action would be in the logs: for data events, whether one of that service and level was seen.
    fn seen(&self, info: &permissions::ActionInfo, at: Time) -> bool {
        let writes = |level| matches!(level, AccessLevel::Write | AccessLevel::Tag | AccessLevel::Permissions);
        let aws = Catalogue::bundled().provider(Provider::Aws);
        let proof = |event: &&schemas::AccessEvent| {
            let used = aws.find(&event.uses[0].action).unwrap();
            used.logged == Logged::DataOffByDefault
                && used.service == info.service
                && writes(used.level) == writes(info.level)
                && event.time.0 / Time::DAY * Time::DAY < at.0
        };
        match info.logged {
            Logged::Management => true,
            Logged::Never => false,
            Logged::DataOffByDefault => self.scenario.events.iter().find(proof).is_some(),
        }
    }

    /// Who holds half of what an administrator does, at the end of time: `*` (3) and `iam:*` (2), which escalates.
    fn privileged(&self) -> BTreeSet<&'s str> {
        let strong = [3, 2].map(|at| self.scenario.policies[at].policy_hash.clone());
        let all = self.scenario.grants.iter().map(|row| row.identity_id.as_str());
        all.filter(|identity| {
            self.rows(identity, Time(i64::MAX)).iter().any(|row| strong.contains(&row.policy_hashes[0]))
        })
        .collect()
    }
}
