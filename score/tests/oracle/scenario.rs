//! Random small worlds: five identities of one account, a few policies, two weeks of events.

use std::collections::BTreeSet;

use proptest::prelude::*;
use schemas::{
    AccessEvent, Entitlement, EntitlementKind, Granted, How, Id128, IdentityKind, Inventory, Message, Noun, Outcome,
    Policy, Provider, Statement, Time, Use, example,
};
use score::{ScoreConfig, ValidConfig};

pub(crate) const ACCOUNT: &str = "123456789012";
/// 2026-10-04, so that all days are of one month and no job is periodic.
pub(crate) const START: i64 = 1_791_072_000_000_000;
/// The last watermark.
pub(crate) const END: i64 = START + 14 * Time::DAY;
pub(crate) const WINDOW_DAYS: i64 = 5;

const IDENTITIES: [(&str, IdentityKind); 5] = [
    ("aws:123456789012:user/alice", IdentityKind::User),
    ("aws:123456789012:user/bob", IdentityKind::User),
    ("aws:123456789012:role/Deploy", IdentityKind::Role),
    ("aws:123456789012:role/AWSReservedSSO_Dev_1", IdentityKind::Role),
    ("aws:123456789012:workforce/carol", IdentityKind::Workforce),
];
pub(crate) const ACTIONS: [&str; 7] = [
    "s3:GetObject",
    "s3:ListAllMyBuckets",
    "iam:CreateAccessKey",
    "ec2:DescribeInstances",
    "kms:Decrypt",
    "ec2:RunInstances",
    "dynamodb:PutItem",
];
const CONTAINERS: [&str; 3] = ["arn:aws:s3:::a/x", "arn:aws:s3:::a/y/z", "arn:aws:s3:::b"];

#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) events: Vec<AccessEvent>,
    pub(crate) grants: Vec<Entitlement>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) inventories: Vec<Inventory>,
}

pub(crate) fn config() -> ValidConfig {
    let day = std::time::Duration::from_secs(86_400);
    ScoreConfig { window: 5 * day, late: 30 * day, corrections: 60 * day, ..ScoreConfig::default() }.validate().unwrap()
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let day = |at: Time| (at.0 - START) as f64 / Time::DAY as f64;
        for event in &self.events {
            let used = &event.uses[0];
            writeln!(
                f,
                "\n{:.2} {} {} {:?} {}",
                day(event.time),
                event.identity_id,
                used.action,
                used.resource_id,
                event.outcome
            )?;
        }
        for row in &self.grants {
            let until = (row.valid_until.map(day), row.deleted_at.map(day));
            writeln!(
                f,
                "{} {} #{} {:?} {:.2} {until:?}",
                row.identity_id,
                row.source,
                row.revision,
                row.source_name,
                day(row.valid_from)
            )?;
        }
        for row in &self.inventories {
            writeln!(f, "{:.2} {} buckets", day(row.time), row.n_resources)?;
        }
        Ok(())
    }
}

impl Scenario {
    pub(crate) fn messages(&self) -> Vec<Message> {
        let grants = self.grants.iter().cloned().map(Noun::into_message);
        let policies = self.policies.iter().cloned().map(Noun::into_message);
        let inventories = self.inventories.iter().cloned().map(Noun::into_message);
        self.events.iter().cloned().map(Noun::into_message).chain(grants).chain(policies).chain(inventories).collect()
    }

    /// Who holds a grant and is scored under its own name and grants.
    pub(crate) fn granted(&self) -> BTreeSet<&str> {
        let own = |row: &&Entitlement| !row.identity_id.contains("AWSReservedSSO");
        self.grants.iter().filter(own).map(|row| row.identity_id.as_str()).collect()
    }

    pub(crate) fn with_more_use(&self) -> Self {
        let mut more = self.clone();
        let n = more.events.len();
        for (at, (identity, kind)) in IDENTITIES.iter().enumerate() {
            more.events.push(event(n + at, (13 * 24, at as i64), (identity, *kind), at, at, 0));
        }
        more
    }
}

fn statement(actions: &[&str], resources: &[&str]) -> Statement {
    Statement {
        actions: actions.iter().map(|a| (*a).into()).collect(),
        resources: resources.iter().map(|r| (*r).into()).collect(),
        ..example::policy().statements[0].clone()
    }
}

pub(crate) fn policies() -> Vec<Policy> {
    let of = |statements, errors| Policy::of(Provider::Aws, statements, errors, Time(START));
    vec![
        of(vec![statement(&["s3:GetObject"], &["arn:aws:s3:::a/*"])], Vec::new()),
        of(vec![statement(&["s3:ListAllMyBuckets", "ec2:Describe*"], &["*"])], Vec::new()),
        of(vec![statement(&["iam:*"], &["*"])], Vec::new()),
        of(vec![statement(&["*"], &["*"])], Vec::new()),
        of(vec![statement(&["kms:Decrypt", "dynamodb:PutItem"], &["*"])], vec!["`Statement[1]`: not an object".into()]),
    ]
}

fn event(
    n: usize,
    (hour, minute): (i64, i64),
    who: (&str, IdentityKind),
    action: usize,
    container: usize,
    outcome: u8,
) -> AccessEvent {
    let outcome = [Outcome::Success, Outcome::Error, Outcome::Denied][usize::from(outcome) % 3];
    let role = IDENTITIES[3].0;
    AccessEvent {
        event_id: Id128(n as u128),
        time: Time(START + hour * Time::HOUR + minute * 60_000_000),
        identity_id: who.0.into(),
        identity_kind: who.1,
        on_behalf_of: if who.1 == IdentityKind::Workforce { vec![role.into()] } else { Vec::new() },
        uses: vec![Use {
            action: ACTIONS[action].into(),
            resource_id: (container < 3).then(|| CONTAINERS[container % 3].into()),
            resource_account: None,
            granted: Granted::Unknown,
            how: How::Mapped,
        }],
        outcome,
        counts_as_use: outcome != Outcome::Denied,
        ..example::access_event()
    }
}

type Granting = (usize, usize, i64, usize, Option<i64>, Option<i64>, bool);

fn grant(at: usize, (who, source, from, policy, until, deleted, in_group): Granting) -> Entitlement {
    let (identity, kind) = IDENTITIES[who % 4];
    let group = if in_group { vec!["aws:123456789012:group/devs".into()] } else { Vec::new() };
    Entitlement {
        identity_id: identity.into(),
        identity_kind: kind,
        identity_name: None,
        identity_created_at: None,
        source: format!("inline:{source}").into(),
        source_name: Some(format!("p{policy}").into()),
        kind: EntitlementKind::IdentityPolicy,
        policy_hashes: vec![policies()[policy].policy_hash.clone()],
        groups: group,
        org_id: Some("o-1".into()),
        valid_from: Time(START + from * 6 * Time::HOUR),
        valid_until: until.map(|hours| Time(START + (from + hours) * 6 * Time::HOUR)),
        deleted_at: deleted.map(|hours| Time(START + (from + hours) * 6 * Time::HOUR)),
        revision: at as i64 + 1,
        ..example::entitlement()
    }
}

fn inventory(at: usize, (from, n): (i64, i64)) -> Inventory {
    let names = ["arn:aws:s3:::a", "arn:aws:s3:::b", "arn:aws:s3:::c", "arn:aws:s3:::d"];
    Inventory {
        time: Time(START + from * 12 * Time::HOUR),
        n_resources: n,
        resource_ids: names.iter().take(n as usize).map(|id| (*id).into()).collect(),
        revision: at as i64 + 1,
        ..example::inventory()
    }
}

pub(crate) fn scenario() -> impl Strategy<Value = Scenario> {
    let one = (0i64..14 * 24, 0i64..60, 0usize..5, 0usize..ACTIONS.len(), 0usize..4, 0u8..6);
    let events = prop::collection::vec(one, 0..60);
    let optional = || prop_oneof![3 => Just(None), 1 => (1i64..40).prop_map(Some)];
    let granting = (0usize..4, 0usize..2, 0i64..50, 0usize..5, optional(), optional(), any::<bool>());
    let grants = prop::collection::vec(granting, 0..9);
    let inventories = prop::collection::vec((0i64..30, 0i64..5), 0..3);
    (events, grants, inventories).prop_map(|(events, grants, inventories)| {
        let events = events.into_iter().enumerate().map(|(n, (hour, minute, who, action, container, outcome))| {
            let outcome = if outcome < 4 { 0 } else { outcome - 3 };
            event(n, (hour, minute), IDENTITIES[who], action, container, outcome)
        });
        let mut inventories: Vec<(i64, i64)> = inventories;
        inventories.sort_unstable();
        Scenario {
            events: events.collect(),
            grants: grants.into_iter().enumerate().map(|(at, granting)| grant(at, granting)).collect(),
            policies: policies(),
            inventories: inventories.into_iter().enumerate().map(|(at, of)| inventory(at, of)).collect(),
        }
    })
}
