//! Tests: a set says of each action and resource what the evaluator says, for any request.

mod answers;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{
    AccountId, Effect, Entitlement, EntitlementKind, Granted, IdentityId, IdentityKind, Policy, PolicyHash, Provider,
    ResourceId, Statement, Text, Time,
};
use serde_json::{Value, json};

use super::{GrantSet, Grants};
use crate::aws::evaluate::random::{Dice, draw};
use crate::aws::evaluate::{
    Action, CompiledPolicy, Context, Identity, Policies, PolicyKind, Request, Unnamed, Verdict, decide,
};
use crate::aws::parse_policy;
use crate::catalogue::Catalogue;
use crate::simulate::Case;

/// What an identity has, as rows and as what the evaluator takes.
#[derive(Default)]
struct Held {
    rows: Vec<Entitlement>,
    policies: BTreeMap<PolicyHash, Arc<Policy>>,
    compiled: Policies,
    of_bucket: Option<Arc<CompiledPolicy>>,
}

impl Held {
    fn of(arn: &str, case: &Case) -> Self {
        let mut held = Self::default();
        held.row(EntitlementKind::Identity, "identity", &[]);
        held.rows[0].scopes.push(ResourceId::from(arn));
        for (at, policy) in case.identity_policies.iter().enumerate() {
            held.row(EntitlementKind::IdentityPolicy, &format!("inline:{at}"), &[&policy.document]);
            held.compiled.identity.push(compiled(PolicyKind::Identity, &policy.document));
        }
        if let Some(document) = &case.permissions_boundary {
            held.row(EntitlementKind::Boundary, "boundary", &[document]);
            held.compiled.boundary = Some(compiled(PolicyKind::Boundary, document));
        }
        for (at, level) in case.scps.iter().enumerate() {
            held.row(EntitlementKind::Scp, &format!("scp:{at:02}:x"), &level.iter().collect::<Vec<_>>());
            held.compiled.scps.push(level.iter().map(|document| compiled(PolicyKind::Scp, document)).collect());
        }
        for (at, level) in case.rcps.iter().enumerate() {
            held.row(EntitlementKind::Rcp, &format!("rcp:{at:02}:x"), &level.iter().collect::<Vec<_>>());
            held.compiled.rcps.push(level.iter().map(|document| compiled(PolicyKind::Rcp, document)).collect());
        }
        held
    }

    /// The policy of the bucket, under whoever it names as the room of grants would put it.
    fn of_bucket(&mut self, arn: &str, document: &Value) {
        self.row(EntitlementKind::ResourcePolicy, "resource:bucket", &[document]);
        let mut row = self.rows.pop().unwrap();
        row.scopes.push(ResourceId::from(BUCKET));
        row.identity_kind = IdentityKind::User;
        let policy = &self.policies[&row.policy_hashes[0]];
        let names = |statement: &Statement| {
            statement.effect == Effect::Allow
                && statement.identities.iter().any(|name| name.strip_prefix("AWS:") == Some(arn))
        };
        if policy.statements.iter().any(names) {
            self.rows.push(row);
            self.of_bucket = Some(compiled(PolicyKind::Resource, document));
        }
    }

    fn row(&mut self, kind: EntitlementKind, source: &str, documents: &[&Value]) {
        let mut policy_hashes = Vec::new();
        for document in documents {
            let parsed = parse_policy(document.to_string().as_bytes());
            let policy = Policy::of(Provider::Aws, parsed.statements, parsed.errors, Time(0));
            policy_hashes.push(policy.policy_hash.clone());
            self.policies.insert(policy.policy_hash.clone(), Arc::new(policy));
        }
        self.rows.push(Entitlement { kind, source: Text::from(source), policy_hashes, ..entitlement() });
    }

    fn set(&self) -> Arc<GrantSet> {
        let find = |hash: &PolicyHash| self.policies.get(hash).cloned();
        Grants::new().build(Provider::Aws, &self.rows, &find, Catalogue::bundled())
    }

    fn decide(&self, arn: &str, action: &str, resource: &str) -> Granted {
        let identity = Identity::parse(arn).unwrap();
        let mut context = Context::new(Unnamed::Unknown);
        context.fill_in(&identity);
        let action = Action::parse(action).unwrap();
        let request =
            Request { identity: &identity, action: &action, resource, resource_account: None, context: &context };
        let is_of_bucket = resource == BUCKET || resource.starts_with("arn:aws:s3:::bucket/");
        let resource = self.of_bucket.clone().filter(|_| is_of_bucket);
        let decision = decide(request, &Policies { resource, ..self.compiled.clone() });
        match decision.verdict {
            Verdict::Allowed if decision.conditional_on.is_empty() => Granted::Yes,
            Verdict::Allowed => Granted::Unknown,
            Verdict::ImplicitlyDenied | Verdict::ExplicitlyDenied => Granted::No,
        }
    }
}

fn compiled(kind: PolicyKind, document: &Value) -> Arc<CompiledPolicy> {
    Arc::new(CompiledPolicy::of_value("p", kind, document))
}

fn entitlement() -> Entitlement {
    let (account, bob) = (AccountId::from("111122223333"), IdentityId::from("aws:111122223333:user/bob"));
    let (kind, source) = (EntitlementKind::Identity, Text::default());
    Entitlement::of(Provider::Aws, account, (bob, IdentityKind::Unknown), kind, source, Time(0))
}

const BUCKET: &str = "arn:aws:s3:::bucket";

/// Actions with resources, whose services have no rule of their own.
const ASKED: [(&str, &str); 9] = [
    ("s3:GetObject", "arn:aws:s3:::bucket/people/bob/a"),
    ("s3:PutObject", "arn:aws:s3:::bucket/x"),
    ("s3:PutObject", "arn:aws:s3:::other/y"),
    ("s3:DeleteBucketPolicy", "arn:aws:s3:::bucket"),
    ("s3:ListAllMyBuckets", "*"),
    ("kms:CreateKey", "*"),
    ("iam:PassRole", "arn:aws:iam::111122223333:role/target"),
    ("iam:DeleteUser", "arn:aws:iam::111122223333:user/eve"),
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q"),
];

/// The set was built for any request, so it must say of each what the evaluator says of it when nothing but who asks is
/// known. Policies are those that the evaluator's own test draws.
#[test]
fn a_set_says_what_the_evaluator_says() {
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let mut dice = Dice::new(5);
    let (mut verdicts, mut n_narrowed, mut n_named) = (BTreeMap::new(), 0, 0);
    for n in 0..6_000 {
        let open = draw(&mut dice);
        let arn = ["arn:aws:iam::111122223333:user/bob", "arn:aws:iam::111122223333:role/team/app"][n % 2];
        let mut held = Held::of(arn, &open.case);
        if let Some(document) = &open.case.resource_policy {
            let document = document.to_string().replace(&open.case.request.principal, arn);
            held.of_bucket(arn, &serde_json::from_str(&document).unwrap());
        }
        n_named += usize::from(held.of_bucket.is_some());
        let set = held.set();
        n_narrowed += usize::from(set.atoms().iter().any(|atom| !atom.area.is_plain()));
        for (action, resource) in ASKED {
            let expected = held.decide(arn, action, resource);
            let got = set.verdict(catalogue.lookup(action).unwrap(), Some(resource));
            assert_eq!(
                got,
                expected,
                "draw {n}: {action} on {resource}\n{set:#?}\n{}",
                serde_json::to_string(&open.case).unwrap()
            );
            *verdicts.entry(expected).or_insert(0) += 1;
        }
    }
    // Every answer is given often, and areas are cut often.
    for granted in [Granted::Yes, Granted::No, Granted::Unknown] {
        assert!(verdicts[&granted] > 1_000, "{verdicts:?}");
    }
    assert!(n_narrowed > 60 && n_named > 600, "{n_narrowed} {n_named}");
}

fn case(parts: Value) -> Case {
    let mut case = json!({ "id": 1, "request": { "principal": "x", "action": "a:b", "resource": "*" } });
    for (key, value) in parts.as_object().unwrap() {
        case[key] = value.clone();
    }
    serde_json::from_value(case).unwrap()
}

fn shown(set: &GrantSet) -> String {
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let mut lines = Vec::new();
    for atom in set.atoms() {
        let names: Vec<&str> =
            atom.actions.iter().take(3).map(|idx| catalogue.action(crate::ActionIdx(idx)).name.as_str()).collect();
        let doubts: Vec<&str> = atom.conditional_on.iter().map(|name| name.as_str()).collect();
        let doubts = if doubts.is_empty() { String::new() } else { format!(" if {}", doubts.join(", ")) };
        let more = if atom.actions.len() > 3 { " …" } else { "" };
        lines.push(format!("{}{more} on {}{doubts}", names.join(" "), atom.area));
    }
    lines.push(format!("{:?}", set.ignored()));
    lines.join("\n")
}

const BOB: &str = "arn:aws:iam::111122223333:user/bob";

#[test]
fn every_layer_and_deny_narrows_what_is_granted() {
    let allow = |action: &str, resource: &str| json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": resource}});
    let set = Held::of(
        BOB,
        &case(json!({
            "identity_policies": [{"name": "p", "document": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"},
                {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"},
                {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "arn:aws:iam::*:user/${aws:username}"},
                {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/secret/*"},
                {"Effect": "Deny", "Action": "s3:PutObject", "NotResource": "arn:aws:s3:::a/drop/*"}
            ]}}],
            "permissions_boundary": {"Statement": [
                {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a*/*"},
                {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
            ]},
            "scps": [[allow("*", "*")], [allow("s3:*", "*"), allow("iam:*", "*"), {"Statement": {
                "Effect": "Deny", "Action": "iam:*", "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}
            }}]]
        })),
    )
    .set();
    expect_test::expect![[r#"
        iam:GetUser on arn:aws:iam::*:user/bob if aws:RequestedRegion
        s3:GetObject on arn:aws:s3:::a*/* except arn:aws:s3:::a/secret/*
        s3:PutObject on arn:aws:s3:::a/drop/*
        ["condition in deny"]"#]]
    .assert_eq(&shown(&set));
}

/// Within an account a user who is named is let in whatever its boundary says, and nothing is let in elsewhere (Policy
/// evaluation for requests within a single account, «Resource-based policies»).
#[test]
fn a_policy_of_a_resource_grants_on_it_alone_and_past_the_boundary() {
    let mut held = Held::of(
        BOB,
        &case(json!({
            "identity_policies": [{"name": "p", "document": {"Statement": {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}}],
            "permissions_boundary": {"Statement": {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}
        })),
    );
    held.of_bucket(
        BOB,
        &json!({"Statement": [
            {"Effect": "Allow", "Principal": {"AWS": BOB}, "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"},
            {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "s3:DeleteObject", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/sealed/*"}
        ]}),
    );
    expect_test::expect![[r#"
        s3:PutObject on * except arn:aws:s3:::bucket/sealed/*
        s3:GetObject s3:ListBucket on arn:aws:s3:::bucket
        s3:GetObject s3:ListBucket on arn:aws:s3:::bucket/*
        []"#]]
    .assert_eq(&shown(&held.set()));
}

#[test]
fn a_condition_on_who_asks_is_decided_and_another_is_kept() {
    let of = |condition: Value| {
        let document = json!({"Statement": {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*", "Condition": condition}});
        shown(&Held::of(BOB, &case(json!({"identity_policies": [{"name": "p", "document": document}]}))).set())
    };
    let rows = [
        of(json!({"StringEquals": {"aws:PrincipalAccount": "111122223333"}})),
        of(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}})),
        of(json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}, "StringLike": {"aws:username": "b*"}})),
        of(json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
    ];
    expect_test::expect![[r#"
        sqs:SendMessage on *
        []
        ---
        []
        ---
        sqs:SendMessage on * if aws:MultiFactorAuthPresent
        ["condition"]
        ---
        sqs:SendMessage on * if aws:PrincipalOrgID
        ["condition"]"#]]
    .assert_eq(&rows.join("\n---\n"));
}

#[test]
fn a_grant_whose_time_is_over_is_none() {
    let of = |operator: &str, key: &str, date: &str| {
        let statement = json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*", "Condition": {operator: {key: date}}});
        let mut held =
            Held::of(BOB, &case(json!({"identity_policies": [{"name": "p", "document": {"Statement": statement}}]})));
        held.rows.iter_mut().for_each(|row| row.valid_from = Time::parse("2026-06-10T00:00:00Z").unwrap());
        held.set().atoms().first().map_or("none", |atom| if atom.is_conditional() { "perhaps" } else { "always" })
    };
    assert_eq!(of("DateLessThan", "aws:CurrentTime", "2026-06-09T23:00:00Z"), "none");
    assert_eq!(of("DateLessThan", "aws:CurrentTime", "2026-06-10T01:00:00Z"), "perhaps");
    assert_eq!(of("DateLessThan", "aws:TokenIssueTime", "2026-06-08T11:00:00Z"), "none");
    // A session may live for 36 hours.
    assert_eq!(of("DateLessThan", "aws:TokenIssueTime", "2026-06-08T13:00:00Z"), "perhaps");
    assert_eq!(of("DateLessThanIfExists", "aws:TokenIssueTime", "2020-01-01T00:00:00Z"), "perhaps");
    assert_eq!(of("DateGreaterThan", "aws:TokenIssueTime", "2020-01-01T00:00:00Z"), "perhaps");
}

#[test]
fn a_limit_that_nobody_can_read_is_neither_open_nor_closed() {
    let document = json!({"Statement": {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}});
    let mut held = Held::of(BOB, &case(json!({"identity_policies": [{"name": "p", "document": document}]})));
    held.rows.push(Entitlement {
        kind: EntitlementKind::Scp,
        source: Text::from("scp:00:r-1"),
        policy_hashes: vec![PolicyHash::from("nobody knows")],
        ..entitlement()
    });
    expect_test::expect![[r#"
        sqs:SendMessage on * if scp:00:r-1
        ["condition", "condition in deny", "unknown policy"]"#]]
    .assert_eq(&shown(&held.set()));
}

#[test]
fn sets_are_shared_unless_a_policy_asks_who() {
    let find = |held: &Held| {
        let policies = held.policies.clone();
        move |hash: &PolicyHash| policies.get(hash).cloned()
    };
    let mut grants = Grants::new();
    let mut build = |arn: &str, resource: &str| {
        let document = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}});
        let held = Held::of(arn, &case(json!({"identity_policies": [{"name": "p", "document": document}]})));
        grants.build(Provider::Aws, &held.rows, &find(&held), Catalogue::bundled())
    };
    let eve = "arn:aws:iam::111122223333:user/eve";
    assert!(Arc::ptr_eq(&build(BOB, "arn:aws:s3:::b/*"), &build(eve, "arn:aws:s3:::b/*")));
    let (bobs, eves) = (build(BOB, "arn:aws:s3:::b/${aws:username}/*"), build(eve, "arn:aws:s3:::b/${aws:username}/*"));
    assert_eq!(
        (bobs.atoms()[0].area.resource.as_str(), eves.atoms()[0].area.resource.as_str()),
        ("arn:aws:s3:::b/bob/*", "arn:aws:s3:::b/eve/*")
    );
}
