//! Small stories, told with one identity or two.

use expect_test::{Expect, expect};
use schemas::{
    AccessEvent, Entitlement, EntitlementKind, Granted, How, Id128, IdentityKind, Inventory, Message, Noun, Outcome,
    Pci, Policy, Provider, Resource, ScopeKind, Statement, Time, Use, example,
};
use score::{Accounts, ScopeScorer, ScoreConfig, Scorer};
use stream::{Batch, Output, StateError, Transform, Watermarks};

use crate::Pipeline;
use crate::scenario::ACCOUNT;

pub(crate) const ALICE: &str = "aws:123456789012:user/alice";
const ROLE: &str = "aws:123456789012:role/Deploy";

pub(crate) fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

pub(crate) fn policy(actions: &[&str], resource: &str) -> Policy {
    let statement = Statement {
        actions: actions.iter().map(|a| (*a).into()).collect(),
        resources: vec![resource.into()],
        ..example::policy().statements[0].clone()
    };
    Policy::of(Provider::Aws, vec![statement], Vec::new(), Time(0))
}

pub(crate) fn grant(identity: &str, policy: &Policy, from: &str) -> Entitlement {
    Entitlement {
        identity_id: identity.into(),
        identity_kind: if identity.contains(":role/") { IdentityKind::Role } else { IdentityKind::User },
        identity_name: identity.rsplit('/').next().map(Into::into),
        identity_created_at: None,
        policy_hashes: vec![policy.policy_hash.clone()],
        valid_from: at(from),
        ..example::entitlement()
    }
}

pub(crate) fn event(id: u128, identity: &str, action: &str, time: &str) -> AccessEvent {
    AccessEvent {
        event_id: Id128(id),
        time: at(time),
        identity_id: identity.into(),
        identity_kind: if identity.contains(":role/") { IdentityKind::Role } else { IdentityKind::User },
        uses: vec![Use {
            action: action.into(),
            resource_id: None,
            resource_account: None,
            granted: Granted::Unknown,
            how: How::Mapped,
        }],
        ..example::access_event()
    }
}

pub(crate) fn run(config: ScoreConfig, messages: Vec<Message>, until: &str) -> Pipeline {
    let mut pipeline = Pipeline::with(&config.validate().unwrap(), 1);
    pipeline.step(messages, Some(at(until).0));
    pipeline.finish(at(until).0);
    pipeline
}

fn rows(pipeline: &Pipeline) -> impl Iterator<Item = &Message> {
    pipeline.rows.values()
}

/// The rows of a kind of scope, a line each.
fn series(pipeline: &Pipeline, kind: ScopeKind) -> String {
    let line = |row: &Pci| {
        let Pci { scope_id, score, score_lo, n_granted, n_used, n_unused, n_unknowable, young, .. } = row;
        let counts = format!("{n_used} used, {n_unused} unused, {n_unknowable} unknowable of {n_granted}");
        let young = if *young { ", young" } else { "" };
        let cause = row.cause.as_deref().unwrap_or("-");
        format!("{} {scope_id} {score_lo}..{score}: {counts}{young}; {cause}\n", row.time.date())
    };
    let of = |message: &Message| match message {
        Message::Pci(row) if row.scope_kind == kind && row.deleted_at.is_none() => Some(line(row)),
        _ => None,
    };
    let mut lines: Vec<String> = rows(pipeline).filter_map(of).collect();
    lines.sort_unstable();
    lines.concat()
}

pub(crate) fn findings(pipeline: &Pipeline) -> String {
    let of = |message: &Message| match message {
        Message::Finding(row) => {
            let until = row.deleted_at.map_or_else(|| "now".to_owned(), Time::date);
            Some(format!(
                "{} {} {}..{until}: {} {:?}\n",
                row.severity,
                row.kind,
                row.first_seen_at.date(),
                row.title,
                row.evidence
            ))
        }
        _ => None,
    };
    let mut lines: Vec<String> = rows(pipeline).filter_map(of).collect();
    lines.sort_unstable();
    lines.concat()
}

pub(crate) fn check(found: &str, expected: &Expect) {
    expected.assert_eq(found);
}

/// An SCP of the account at its own level.
fn scp(policy: &Policy, from: &str, deleted: Option<&str>, revision: i64) -> Entitlement {
    Entitlement {
        identity_id: schemas::identity::aws_root(ACCOUNT),
        identity_kind: IdentityKind::Root,
        kind: EntitlementKind::Scp,
        source: "scp:01:123456789012".into(),
        deleted_at: deleted.map(at),
        revision,
        ..grant(ALICE, policy, from)
    }
}

#[test]
fn an_scp_takes_away_from_its_day_on_and_every_identity_of_its_account() {
    let held = policy(&["sqs:SendMessage", "sqs:DeleteQueue", "sqs:GetQueueUrl"], "*");
    let (all, few) = (policy(&["*"], "*"), policy(&["sqs:Get*"], "*"));
    let messages = vec![
        held.clone().into_message(),
        all.clone().into_message(),
        few.clone().into_message(),
        grant(ALICE, &held, "2026-01-01T00:00:00Z").into_message(),
        scp(&all, "2026-01-01T00:00:00Z", Some("2026-01-10T00:00:00Z"), 1).into_message(),
        scp(&few, "2026-01-10T00:00:00Z", None, 2).into_message(),
        event(1, ALICE, "sqs:GetQueueUrl", "2026-01-02T00:00:00Z").into_message(),
    ];
    let found = run(ScoreConfig::default(), messages, "2026-01-20T00:00:00Z");
    check(
        &series(&found, ScopeKind::Identity),
        &expect![[r#"
        2026-01-03 aws:123456789012:user/alice 5.74..6.6: 1 used, 1 unused, 1 unknowable of 3, young; -
        2026-01-10 aws:123456789012:user/alice 0..0: 1 used, 0 unused, 0 unknowable of 1, young; -6.6: the account's resources, logs or other identities changed
        2026-01-20 aws:123456789012:user/alice 0..0: 1 used, 0 unused, 0 unknowable of 1, young; -
    "#]],
    );
}

/// Alice and Bob hold two permissions, of which a deny takes the second from everybody but Bob.
struct Denied {
    provider: Provider,
    account: &'static str,
    scope: &'static str,
    who: [&'static str; 2],
    everybody: String,
    granting: (EntitlementKind, [&'static str; 2]),
    /// How the deny writes the second, and whom it spares.
    denying: (EntitlementKind, &'static str, &'static str),
}

impl Denied {
    fn of_azure() -> Self {
        let (read, delete) = ("Microsoft.Storage/storageAccounts/read", "Microsoft.Storage/storageAccounts/delete");
        Self {
            provider: Provider::Azure,
            account: "sub-1",
            scope: "/subscriptions/sub-1",
            who: ["azure:t:alice", "azure:t:bob"],
            everybody: format!("azure:t:{}", schemas::identity::AZURE_EVERYBODY),
            granting: (EntitlementKind::RoleAssignment, [read, delete]),
            denying: (EntitlementKind::DenyAssignment, delete, "bob"),
        }
    }

    fn of_gcp() -> Self {
        Self {
            provider: Provider::Gcp,
            account: "shop",
            scope: "//cloudresourcemanager.googleapis.com/projects/shop",
            who: ["gcp:alice@example.com", "gcp:bob@example.com"],
            everybody: schemas::identity::gcp("allUsers").to_string(),
            granting: (EntitlementKind::Binding, ["storage.buckets.get", "storage.buckets.delete"]),
            denying: (
                EntitlementKind::DenyRule,
                "storage.googleapis.com/buckets.delete",
                "principal://goog/subject/bob@example.com",
            ),
        }
    }

    fn policy(&self, actions: &[&str], spared: &[&str]) -> Policy {
        let statement = Statement {
            resources: Vec::new(),
            not_identities: spared.iter().map(|id| (*id).into()).collect(),
            ..policy(actions, "").statements[0].clone()
        };
        Policy::of(self.provider, vec![statement], Vec::new(), Time(0))
    }

    fn row(&self, id: &str, kind: EntitlementKind, policy: &Policy) -> Entitlement {
        Entitlement {
            provider: self.provider,
            account_id: self.account.into(),
            kind,
            source: "assignment:1".into(),
            scopes: vec![self.scope.into()],
            ..grant(id, policy, "2026-01-01T00:00:00Z")
        }
    }

    /// How many permissions each holds on the 20th, after the deny has `ended` or not.
    fn n_granted(&self, ended: Option<&str>) -> Vec<i64> {
        let (granted, denied) = (self.policy(&self.granting.1, &[]), self.policy(&[self.denying.1], &[self.denying.2]));
        let deny = self.row(&self.everybody, self.denying.0, &denied);
        let mut messages: Vec<Message> =
            self.who.iter().map(|id| self.row(id, self.granting.0, &granted).into_message()).collect();
        messages.extend([
            Entitlement { deleted_at: ended.map(at), ..deny }.into_message(),
            granted.into_message(),
            denied.into_message(),
        ]);
        let found = run(ScoreConfig::default(), messages, "2026-01-20T00:00:00Z");
        let of = |id: &&str| {
            rows(&found).find_map(|row| match row {
                Message::Pci(row) if row.scope_id.as_str() == *id && row.time == at("2026-01-20T00:00:00Z") => {
                    Some(row.n_granted)
                }
                _ => None,
            })
        };
        self.who.iter().map(|id| of(id).unwrap()).collect()
    }
}

#[test]
fn what_is_denied_to_everybody_is_taken_from_all_but_whom_it_spares() {
    for cloud in [Denied::of_azure(), Denied::of_gcp()] {
        assert_eq!(cloud.n_granted(None), [1, 2], "{}", cloud.provider);
        assert_eq!(cloud.n_granted(Some("2026-01-15T00:00:00Z")), [2, 2], "{}", cloud.provider);
    }
}

#[test]
fn a_policy_whose_content_changed_said_the_old_thing_before() {
    let (before, after) = (policy(&["sqs:SendMessage", "sqs:DeleteQueue"], "*"), policy(&["sqs:SendMessage"], "*"));
    let row = |policy: &Policy, from: &str, deleted: Option<&str>, revision: i64| Entitlement {
        deleted_at: deleted.map(at),
        revision,
        ..grant(ALICE, policy, from)
    };
    let messages = vec![
        before.clone().into_message(),
        after.clone().into_message(),
        row(&before, "2026-01-01T00:00:00Z", Some("2026-01-10T00:00:00Z"), 1).into_message(),
        row(&after, "2026-01-10T00:00:00Z", None, 2).into_message(),
        event(1, ALICE, "sqs:SendMessage", "2026-01-02T00:00:00Z").into_message(),
    ];
    let found = run(ScoreConfig::default(), messages, "2026-01-20T00:00:00Z");
    check(
        &series(&found, ScopeKind::Identity),
        &expect![[r#"
        2026-01-03 aws:123456789012:user/alice 5.74..5.74: 1 used, 1 unused, 0 unknowable of 2, young; -
        2026-01-10 aws:123456789012:user/alice 0..0: 1 used, 0 unused, 0 unknowable of 1, young; -5.74: `reports` changed
        2026-01-20 aws:123456789012:user/alice 0..0: 1 used, 0 unused, 0 unknowable of 1, young; -
    "#]],
    );
}

#[test]
fn a_yearly_job_is_not_called_unused() {
    let policy = policy(&["iam:GetUser", "iam:GetRole"], "*");
    let mut messages = vec![grant(ALICE, &policy, "2024-01-01T00:00:00Z").into_message(), policy.into_message()];
    for (n, (time, action)) in (0..).zip([
        ("2024-01-02T00:00:00Z", "iam:GetRole"),
        ("2024-12-31T12:00:00Z", "iam:GetUser"),
        ("2025-12-31T12:00:00Z", "iam:GetUser"),
    ]) {
        messages.push(event(n, ALICE, action, time).into_message());
    }
    let pipeline = run(ScoreConfig::default(), messages, "2026-06-15T00:00:00Z");
    check(
        &series(&pipeline, ScopeKind::Identity),
        &expect![[r#"
        2024-01-03 aws:123456789012:user/alice 3.54..3.54: 1 used, 1 unused, 0 unknowable of 2, young; -
        2024-04-01 aws:123456789012:user/alice 3.54..3.54: 1 used, 1 unused, 0 unknowable of 2; +0: a whole window is known now
        2024-04-02 aws:123456789012:user/alice 4.36..4.36: 0 used, 2 unused, 0 unknowable of 2; +0.82: 1 action left the 90-day window
        2025-01-01 aws:123456789012:user/alice 3.54..3.54: 1 used, 1 unused, 0 unknowable of 2; -0.82: used 1 more action
        2025-04-01 aws:123456789012:user/alice 4.36..4.36: 0 used, 2 unused, 0 unknowable of 2; +0.82: 1 action left the 90-day window
        2026-01-01 aws:123456789012:user/alice 3.54..3.54: 1 used, 1 unused, 0 unknowable of 2; -0.82: used 1 more action
        2026-06-15 aws:123456789012:user/alice 3.54..3.54: 1 used, 1 unused, 0 unknowable of 2; -
    "#]],
    );
}

#[test]
fn a_grant_a_use_and_an_end_each_name_their_cause() {
    let (small, admin) = (policy(&["iam:GetUser", "iam:ListUsers"], "*"), policy(&["*"], "*"));
    let later = Entitlement {
        source: "attached:arn:aws:iam::aws:policy/AdministratorAccess".into(),
        source_name: Some("AdministratorAccess".into()),
        deleted_at: Some(at("2026-01-20T00:00:00Z")),
        ..grant(ALICE, &admin, "2026-01-10T00:00:00Z")
    };
    let messages = vec![
        grant(ALICE, &small, "2026-01-01T00:00:00Z").into_message(),
        later.into_message(),
        small.into_message(),
        admin.into_message(),
        event(1, ALICE, "iam:GetUser", "2026-01-02T10:00:00Z").into_message(),
        event(2, ALICE, "iam:ListUsers", "2026-01-05T10:00:00Z").into_message(),
    ];
    let config = ScoreConfig { window: std::time::Duration::from_secs(10 * 86_400), ..ScoreConfig::default() };
    let pipeline = run(config, messages, "2026-01-25T00:00:00Z");
    check(
        &series(&pipeline, ScopeKind::Identity),
        &expect![[r#"
            2026-01-03 aws:123456789012:user/alice 2.87..2.87: 1 used, 1 unused, 0 unknowable of 2, young; -
            2026-01-06 aws:123456789012:user/alice 0..0: 2 used, 0 unused, 0 unknowable of 2, young; -2.87: used 1 more action
            2026-01-10 aws:123456789012:user/alice 100..100: 2 used, 20105 unused, 348 unknowable of 20455, young; +100: `AdministratorAccess` attached
            2026-01-12 aws:123456789012:user/alice 100..100: 2 used, 20105 unused, 348 unknowable of 20455; +0: a whole window is known now
            2026-01-13 aws:123456789012:user/alice 100..100: 1 used, 20106 unused, 348 unknowable of 20455; +0: 1 action left the 10-day window
            2026-01-16 aws:123456789012:user/alice 100..100: 0 used, 20107 unused, 348 unknowable of 20455; +0: 1 action left the 10-day window
            2026-01-20 aws:123456789012:user/alice 4..4: 0 used, 2 unused, 0 unknowable of 2; -96: `AdministratorAccess` removed
            2026-01-25 aws:123456789012:user/alice 4..4: 0 used, 2 unused, 0 unknowable of 2; -
        "#]],
    );
    check(
        &series(&pipeline, ScopeKind::Account),
        &expect![[r#"
            2026-01-03 123456789012 2.87..2.87: 1 used, 1 unused, 0 unknowable of 2, young; -
            2026-01-06 123456789012 0..0: 2 used, 0 unused, 0 unknowable of 2, young; -
            2026-01-10 123456789012 100..100: 2 used, 20105 unused, 348 unknowable of 20455, young; -
            2026-01-12 123456789012 100..100: 2 used, 20105 unused, 348 unknowable of 20455; -
            2026-01-13 123456789012 100..100: 1 used, 20106 unused, 348 unknowable of 20455; -
            2026-01-16 123456789012 100..100: 0 used, 20107 unused, 348 unknowable of 20455; -
            2026-01-20 123456789012 4..4: 0 used, 2 unused, 0 unknowable of 2; -
            2026-01-25 123456789012 4..4: 0 used, 2 unused, 0 unknowable of 2; -
        "#]],
    );
    check(
        &findings(&pipeline),
        &expect![[r#"
        low inactive_identity 2026-01-16..now: `alice` used nothing for 10 days [Text("2 actions granted, 0 used, 0 unknowable")]
    "#]],
    );
}

#[test]
fn what_no_log_shows_is_unknowable_until_one_does() {
    let policy = policy(&["s3:GetObject", "s3:PutObject", "iam:GetUser"], "*");
    let messages = vec![
        grant(ALICE, &policy, "2026-01-01T00:00:00Z").into_message(),
        policy.into_message(),
        event(1, ALICE, "iam:GetUser", "2026-01-02T10:00:00Z").into_message(),
        // Another identity's data event shows that reads of S3 are logged; writes may still not be.
        event(2, ROLE, "s3:GetObject", "2026-01-04T10:00:00Z").into_message(),
    ];
    let pipeline = run(ScoreConfig::default(), messages, "2026-01-06T00:00:00Z");
    check(
        &series(&pipeline, ScopeKind::Identity),
        &expect![[r#"
        2026-01-03 aws:123456789012:user/alice 0..7.27: 1 used, 0 unused, 2 unknowable of 3, young; -
        2026-01-05 aws:123456789012:user/alice 6.6..7.27: 1 used, 1 unused, 1 unknowable of 3, young; +0: the account's resources, logs or other identities changed
        2026-01-06 aws:123456789012:user/alice 6.6..7.27: 1 used, 1 unused, 1 unknowable of 3, young; -
    "#]],
    );
}

#[test]
fn the_reach_of_a_pattern_is_its_share_of_the_inventory() {
    let one_bucket = policy(&["s3:GetObject"], "arn:aws:s3:::reports/*");
    let ids: Vec<_> =
        (0..200).map(|n| format!("arn:aws:s3:::b{n}")).chain(["arn:aws:s3:::reports".to_owned()]).collect();
    let inventory = Inventory {
        n_resources: ids.len() as i64,
        resource_ids: ids.iter().map(|id| id.as_str().into()).collect(),
        ..example::inventory()
    };
    let messages = vec![
        grant(ALICE, &one_bucket, "2026-01-01T00:00:00Z").into_message(),
        one_bucket.into_message(),
        inventory.into_message(),
        event(1, ROLE, "s3:GetObject", "2026-01-02T10:00:00Z").into_message(),
    ];
    let pipeline = run(ScoreConfig::default(), messages, "2026-01-04T00:00:00Z");
    check(
        &series(&pipeline, ScopeKind::Identity),
        &expect![[r#"
        2026-01-03 aws:123456789012:user/alice 1.65..1.65: 0 used, 1 unused, 0 unknowable of 1, young; -
        2026-01-04 aws:123456789012:user/alice 1.65..1.65: 0 used, 1 unused, 0 unknowable of 1, young; -
    "#]],
    );
}

#[test]
fn a_denial_is_no_use_and_an_error_is() {
    let denied = AccessEvent {
        outcome: Outcome::Denied,
        counts_as_use: false,
        ..event(1, ALICE, "iam:GetUser", "2026-01-02T10:10:00Z")
    };
    let failed = AccessEvent { outcome: Outcome::Error, ..event(2, ALICE, "iam:GetUser", "2026-01-02T10:20:00Z") };
    let elsewhere = AccessEvent { counts_as_use: false, ..event(3, ALICE, "iam:GetUser", "2026-01-02T10:30:00Z") };
    let messages = vec![denied.into_message(), failed.into_message(), elsewhere.into_message()];
    let pipeline = run(ScoreConfig::default(), messages, "2026-01-03T00:00:00Z");
    let of = |message: &Message| match message {
        Message::Usage(row) => Some(format!(
            "{} h: {} uses, {} denied, {} errors\n",
            row.window_us / Time::HOUR,
            row.n_uses,
            row.n_denied,
            row.n_errors
        )),
        _ => None,
    };
    check(
        &rows(&pipeline).filter_map(of).collect::<String>(),
        &expect![[r#"
        24 h: 1 uses, 1 denied, 1 errors
        1 h: 1 uses, 1 denied, 1 errors
    "#]],
    );
}

#[test]
fn people_of_identity_center_hold_what_their_roles_grant() {
    let role = "aws:123456789012:role/AWSReservedSSO_Dev_0a1b";
    let policy = policy(&["iam:GetUser", "iam:ListUsers"], "*");
    let call = AccessEvent {
        identity_id: "aws:123456789012:workforce/carol".into(),
        identity_kind: IdentityKind::Workforce,
        on_behalf_of: vec![role.into()],
        ..event(1, ALICE, "iam:GetUser", "2026-01-02T10:00:00Z")
    };
    let messages =
        vec![grant(role, &policy, "2026-01-01T00:00:00Z").into_message(), policy.into_message(), call.into_message()];
    let pipeline = run(ScoreConfig::default(), messages, "2026-01-03T00:00:00Z");
    check(
        &series(&pipeline, ScopeKind::Identity),
        &expect![[r#"
        2026-01-03 aws:123456789012:workforce/carol 2.87..2.87: 1 used, 1 unused, 0 unknowable of 2, young; -
    "#]],
    );
}

#[test]
fn a_trust_to_an_unknown_account_is_external_access() {
    let trust = |who: &str| {
        let statement = Statement {
            identities: vec![who.into()],
            actions: vec!["sts:AssumeRole".into()],
            ..example::policy().statements[0].clone()
        };
        Policy::of(Provider::Aws, vec![statement], Vec::new(), Time(0))
    };
    let mut messages = vec![event(1, ALICE, "iam:GetUser", "2026-01-02T10:00:00Z").into_message()];
    let known = ["AWS:arn:aws:iam::123456789012:root", "Service:ec2.amazonaws.com", "AWS:555555555555"];
    for (n, who) in known.into_iter().chain(["AWS:arn:aws:iam::999999999999:role/x", "*"]).enumerate() {
        let role = format!("aws:123456789012:role/r{n}");
        let policy = trust(who);
        let row = Entitlement {
            kind: EntitlementKind::Trust,
            source: "trust".into(),
            ..grant(&role, &policy, "2026-01-01T00:00:00Z")
        };
        messages.extend([row.into_message(), policy.into_message()]);
    }
    let config = ScoreConfig { known_accounts: ["555555555555".into()].into(), ..ScoreConfig::default() };
    let pipeline = run(config, messages, "2026-01-03T00:00:00Z");
    check(
        &findings(&pipeline),
        &expect![[r#"
        critical external_access 2026-01-03..now: `r4` may be assumed from outside [Text("*")]
        medium external_access 2026-01-03..now: `r3` may be assumed from outside [Text("AWS:arn:aws:iam::999999999999:role/x")]
    "#]],
    );
}

/// Alice may take every role; one is an administrator and trusts `who`, or nobody knows whom.
fn takes_a_role(who: Option<&str>) -> Vec<Message> {
    let (assume, admin) = (policy(&["sts:AssumeRole"], "*"), policy(&["*"], "*"));
    let itself = Entitlement {
        kind: EntitlementKind::Identity,
        source: "identity".into(),
        scopes: vec!["arn:aws:iam::123456789012:user/alice".into()],
        policy_hashes: Vec::new(),
        ..grant(ALICE, &assume, "2026-01-01T00:00:00Z")
    };
    let mut messages = vec![
        itself.into_message(),
        grant(ALICE, &assume, "2026-01-01T00:00:00Z").into_message(),
        grant(ROLE, &admin, "2026-01-01T00:00:00Z").into_message(),
        assume.into_message(),
        admin.into_message(),
        event(1, ALICE, "iam:GetUser", "2026-01-02T00:00:00Z").into_message(),
    ];
    if let Some(who) = who {
        let statement = Statement {
            actions: vec!["sts:AssumeRole".into()],
            resources: Vec::new(),
            identities: vec![who.into()],
            ..example::policy().statements[0].clone()
        };
        let trust = Policy::of(Provider::Aws, vec![statement], Vec::new(), Time(0));
        let row = Entitlement {
            kind: EntitlementKind::Trust,
            source: "trust".into(),
            ..grant(ROLE, &trust, "2026-01-01T00:00:00Z")
        };
        messages.extend([row.into_message(), trust.into_message()]);
    }
    messages
}

#[test]
fn a_role_leads_to_administrator_whoever_it_lets_in_and_nobody_else() {
    let escalates = |who| {
        let found = run(ScoreConfig::default(), takes_a_role(who), "2026-01-06T00:00:00Z");
        let is_alice = |row: &&Message| matches!(row, Message::Pci(row) if row.scope_id.as_str() == ALICE);
        let all: Vec<&Message> = rows(&found).filter(is_alice).collect();
        all.iter().any(|row| matches!(row, Message::Pci(row) if row.escalation.is_some()))
    };
    let asked = [
        None,
        Some("AWS:arn:aws:iam::123456789012:root"),
        Some("AWS:arn:aws:iam::123456789012:user/alice"),
        Some("AWS:arn:aws:iam::123456789012:user/bob"),
        Some("AWS:arn:aws:iam::555555555555:root"),
        Some("Service:ec2.amazonaws.com"),
    ];
    assert_eq!(asked.map(escalates), [true, true, true, false, false, false]);
}

#[test]
fn a_trust_policy_that_comes_last_counts_from_the_beginning() {
    let mut messages = takes_a_role(Some("AWS:arn:aws:iam::123456789012:user/bob"));
    let until = "2026-01-06T00:00:00Z";
    let whole = run(ScoreConfig::default(), messages.clone(), until);
    let trust = messages.pop().into_iter().collect();
    let mut pipeline = Pipeline::with(&ScoreConfig::default().validate().unwrap(), 1);
    pipeline.step(messages, Some(at("2026-01-01T00:00:00Z").0));
    pipeline.step(Vec::new(), Some(at("2026-01-04T00:00:00Z").0));
    pipeline.step(trust, Some(at(until).0));
    pipeline.finish(at(until).0);
    assert_eq!(series(&pipeline, ScopeKind::Identity), series(&whole, ScopeKind::Identity));
}

#[test]
fn a_trust_that_comes_later_is_found_although_it_grants_nothing() {
    let small = policy(&["iam:GetUser"], "*");
    let statement = Statement { identities: vec!["*".into()], ..example::policy().statements[0].clone() };
    let open = Policy::of(Provider::Aws, vec![statement], Vec::new(), Time(0));
    let trust = Entitlement {
        kind: EntitlementKind::Trust,
        source: "trust".into(),
        ..grant(ROLE, &open, "2026-01-05T00:00:00Z")
    };
    let messages = vec![
        event(1, ROLE, "iam:GetUser", "2026-01-02T10:00:00Z").into_message(),
        grant(ROLE, &small, "2026-01-01T00:00:00Z").into_message(),
        trust.into_message(),
        small.into_message(),
        open.into_message(),
    ];
    let pipeline = run(ScoreConfig::default(), messages, "2026-01-08T00:00:00Z");
    check(
        &findings(&pipeline),
        &expect![[r#"
        critical external_access 2026-01-05..now: `Deploy` may be assumed from outside [Text("*")]
    "#]],
    );
}

#[test]
fn a_chain_of_roles_leads_back_to_the_first_human() {
    let assume = |id, caller: &str, key: &str, role: &str, time: &str| AccessEvent {
        operation: "AssumeRole".into(),
        credential_id: Some(key.into()),
        resources: vec![Resource { id: role.into(), kind: None, account_id: None }],
        ..event(id, caller, "sts:AssumeRole", time)
    };
    let call = |id, role: &str, key: &str, time: &str| AccessEvent {
        credential_id: Some(key.into()),
        session_name: Some("deploy".into()),
        ..event(id, role, "iam:GetUser", time)
    };
    let admin = "aws:123456789012:role/Admin";
    let messages = [
        assume(1, ALICE, "AKIA1", "arn:aws:iam::123456789012:role/Deploy", "2026-01-02T10:00:00Z"),
        call(2, ROLE, "ASIA2", "2026-01-02T10:01:00Z"),
        assume(3, ROLE, "ASIA2", "arn:aws:iam::123456789012:role/Admin", "2026-01-02T10:02:00Z"),
        call(4, admin, "ASIA3", "2026-01-02T10:03:00Z"),
        // Two callers, and nothing to tell them apart.
        assume(5, "aws:123456789012:user/bob", "AKIA4", "arn:aws:iam::123456789012:role/Admin", "2026-01-02T10:04:00Z"),
        call(6, admin, "ASIA5", "2026-01-02T10:05:00Z"),
    ];
    let sessions = |order: &dyn Fn(&mut Vec<Message>)| {
        let mut messages: Vec<Message> = messages.iter().cloned().map(Noun::into_message).collect();
        order(&mut messages);
        let mut accounts = Accounts::new(&ScoreConfig::default().validate().unwrap());
        let mut last = std::collections::BTreeMap::new();
        for message in messages {
            let mut out = Output::default();
            accounts.apply(Batch::of(0, 0, [message]), &mut out);
            for told in out.emitted {
                if let Message::Session(row) = told {
                    last.insert(
                        row.credential_id.clone(),
                        format!(
                            "{} {} by {:?} after {:?}\n",
                            row.credential_id,
                            row.identity_id,
                            row.assumed_by.as_str(),
                            row.chain.iter().map(|id| id.as_str()).collect::<Vec<_>>()
                        ),
                    );
                }
            }
        }
        last.into_values().collect::<String>()
    };
    let forward = sessions(&|_| {});
    check(
        &forward,
        &expect![[r#"
        ASIA2 aws:123456789012:role/Deploy by "aws:123456789012:user/alice" after ["aws:123456789012:user/alice"]
        ASIA3 aws:123456789012:role/Admin by "aws:123456789012:role/Deploy" after ["aws:123456789012:user/alice", "aws:123456789012:role/Deploy"]
        ASIA5 aws:123456789012:role/Admin by "" after []
    "#]],
    );
    assert_eq!(sessions(&|messages| messages.reverse()), forward, "a link that arrives late corrects");
}

#[test]
fn a_late_event_corrects_its_window_and_a_later_one_is_counted() {
    let config = ScoreConfig::default().validate().unwrap();
    let mut scorer = Scorer::new(&config);
    let mut told = Vec::new();
    let steps = [
        (1, "2026-01-02T10:00:00Z", "2026-01-02T11:30:00Z"),
        (2, "2026-01-02T10:30:00Z", "2026-01-02T11:40:00Z"),
        (3, "2026-01-02T10:45:00Z", "2026-01-09T00:00:00Z"),
        (4, "2026-01-02T10:50:00Z", "2026-01-09T01:00:00Z"),
    ];
    for (id, time, watermark) in steps {
        let mut out = Output::default();
        scorer.apply(Batch::of(0, 0, [event(id, ALICE, "iam:GetUser", time).into_message()]), &mut out);
        scorer.advance(&Watermarks::default().with(ACCOUNT, at(watermark).0), &mut out);
        for message in out.emitted {
            if let Message::Usage(row) = message {
                told.push(format!("{} h, revision {}: {}\n", row.window_us / Time::HOUR, row.revision, row.n_uses));
            }
        }
    }
    check(
        &told.concat(),
        &expect![[r#"
        1 h, revision 1: 1
        1 h, revision 2: 2
        1 h, revision 3: 3
        24 h, revision 1: 3
    "#]],
    );
    assert_eq!(scorer.metrics().score_late_events_total, 1);
}

#[test]
fn bounds_hold_and_what_overflows_is_other() {
    let config = ScoreConfig { max_identities: 2, max_actions: 3, max_containers: 2, ..ScoreConfig::default() }
        .validate()
        .unwrap();
    let mut scorer = Scorer::new(&config);
    let mut out = Output::default();
    let actions = ["iam:GetUser", "iam:GetRole", "iam:ListUsers", "iam:ListRoles", "iam:GetGroup"];
    let events = (0..20u128).map(|n| {
        let who = format!("aws:123456789012:user/u{}", n / 5);
        event(n, &who, actions[n as usize % 5], "2026-01-02T10:00:00Z").into_message()
    });
    scorer.apply(Batch::of(0, 0, events), &mut out);
    scorer.advance(&Watermarks::default().with(ACCOUNT, at("2026-01-03T00:00:00Z").0), &mut out);
    let of = |message: &Message| match message {
        Message::Usage(row) if row.window_us == Time::DAY => {
            Some(format!("{} {} {}\n", row.identity_id, row.action, row.n_uses))
        }
        _ => None,
    };
    check(
        &out.emitted.iter().filter_map(of).collect::<String>(),
        &expect![[r#"
        aws:123456789012:user/u0 iam:GetGroup 1
        aws:123456789012:user/u0 iam:GetRole 1
        aws:123456789012:user/u0 other 3
        aws:123456789012:user/u1 iam:GetGroup 1
        aws:123456789012:user/u1 iam:GetRole 1
        aws:123456789012:user/u1 other 3
    "#]],
    );
    let metrics = scorer.metrics();
    let counted = (metrics.score_identities_overflow_total, metrics.score_uses_other_total);
    check(&format!("{counted:?}"), &expect!["(20, 10)"]);
}

#[test]
fn damaged_and_newer_states_are_faults() {
    let config = ScoreConfig::default().validate().unwrap();
    let stages: [Box<dyn Transform<Message>>; 3] =
        [Box::new(Accounts::new(&config)), Box::new(Scorer::new(&config)), Box::new(ScopeScorer::new(&config))];
    for mut stage in stages {
        let mut bytes = stage.snapshot().unwrap();
        assert!(stage.restore(&bytes).is_ok());
        assert!(matches!(stage.restore(&bytes[..3]), Err(StateError::Damaged(_))));
        bytes.push(0);
        assert!(matches!(stage.restore(&bytes), Err(StateError::Damaged(_))));
        bytes[0] = 9;
        assert!(matches!(stage.restore(&bytes), Err(StateError::Newer { found: 9, .. })));
    }
}
