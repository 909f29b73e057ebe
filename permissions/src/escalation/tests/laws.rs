//! What holds of estates as a whole.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use schemas::{AccountId, IdentityKind, Provider, RiskClass};

use super::super::{Became, Chain, Estate, Member, OutsideTrust, Outsider, Workload};
use super::build::{ACCOUNT, Grant, allow, arn, deny, policies, set, trust};
use crate::aws::evaluate::{CompiledPolicy, Policies, PolicyKind};
use crate::gcp::impersonate::{self, Impersonation, Means};

const OTHER: &str = "999988887777";

fn user(name: &str, grants: &[Grant]) -> Member {
    let mut member = Member::new(name, &arn("user", name), IdentityKind::User, ACCOUNT);
    member.grants = vec![(AccountId::from(ACCOUNT), set(Provider::Aws, grants))];
    member
}

fn role(name: &str, trusts: &[&str], condition: Option<&str>, grants: &[Grant]) -> Member {
    let mut member = Member::new(name, &arn("role", name), IdentityKind::Role, ACCOUNT);
    member.grants = vec![(AccountId::from(ACCOUNT), set(Provider::Aws, grants))];
    member.trust = Some(trust(trusts, condition));
    member
}

fn administrator(mut member: Member) -> Member {
    member.administers = vec![member.account.clone()];
    member
}

fn aws(action: &str, on: &str) -> Grant {
    allow(Provider::Aws, action, on)
}

pub(super) fn report(chain: Option<&Chain>) -> String {
    let Some(chain) = chain else { return "no".to_owned() };
    let mut report = String::new();
    for step in &chain.steps {
        let path = step.path.map_or("administrator", |path| path.id.as_str());
        let became = match &step.became {
            Became::Identity(id) => id.to_string(),
            Became::Through(id) => format!("({id})"),
            Became::Raised(id) => format!("+{id}"),
            Became::Administrator { by, .. } => by.as_ref().map_or_else(|| "!".to_owned(), |id| format!("{id}!")),
        };
        let _ = write!(report, "{}{path} {became}", if report.is_empty() { "" } else { ", " });
    }
    report + if chain.is_certain() { "" } else { " (may)" }
}

fn aws_estate(members: Vec<Member>) -> Estate {
    Estate::new(Provider::Aws, members, Some(Vec::new()))
}

#[test]
fn a_trust_policy_that_names_a_user_of_the_account_is_enough() {
    let admin = administrator(role("boss", &[&format!("AWS:{}", arn("user", "ann"))], None, &[]));
    let chain = |ann: Member| report(aws_estate(vec![ann, admin.clone()]).chain_to_administrator("ann").as_ref());
    let mut ann = user("ann", &[]);
    // A set does not tell a deny from what is merely not granted.
    assert_eq!(chain(ann.clone()), "sts-001 boss (may)");
    ann.policies = Some(policies(&[]));
    assert_eq!(chain(ann.clone()), "sts-001 boss");
    ann.policies = Some(policies(&[deny(Provider::Aws, "sts:*", "*")]));
    assert_eq!(chain(ann.clone()), "no");
    let guardrail = br#"{"Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#;
    let guardrail = Arc::new(CompiledPolicy::compile("scp", PolicyKind::Scp, guardrail));
    ann.policies = Some(Arc::new(Policies { scps: vec![vec![guardrail]], ..Policies::default() }));
    assert_eq!(chain(ann), "no");
}

#[test]
fn across_accounts_both_sides_must_agree_and_an_external_id_is_a_condition() {
    let mut bob = Member::new("bob", &format!("arn:aws:iam::{OTHER}:user/bob"), IdentityKind::User, OTHER);
    let chain = |bob: &Member, boss: &Member| {
        report(aws_estate(vec![bob.clone(), boss.clone()]).chain_to_administrator("bob").as_ref())
    };
    let root = format!("AWS:arn:aws:iam::{OTHER}:root");
    let boss = administrator(role("boss", &[&root], None, &[]));
    assert_eq!(chain(&bob, &boss), "no");
    bob.grants = vec![(AccountId::from(OTHER), set(Provider::Aws, &[aws("sts:AssumeRole", &arn("role", "boss"))]))];
    assert_eq!(chain(&bob, &boss), "sts-001 boss");
    let external = r#"{"StringEquals":{"sts:ExternalId":"x"}}"#;
    assert_eq!(chain(&bob, &administrator(role("boss", &[&root], Some(external), &[]))), "sts-001 boss (may)");
    assert_eq!(chain(&bob, &administrator(role("boss", &["AWS:arn:aws:iam::111122223333:root"], None, &[]))), "no");
    // Passing a role and changing a trust policy stay within the account.
    bob.grants = vec![(AccountId::from(OTHER), set(Provider::Aws, &[aws("iam:*", "*"), aws("ec2:*", "*")]))];
    let passable = administrator(role("boss", &["Service:ec2.amazonaws.com"], None, &[]));
    bob.kind = IdentityKind::Unknown;
    assert_eq!(chain(&bob, &passable), "no");
}

#[test]
fn chains_go_on_and_raise_whom_they_come_to() {
    let members = vec![
        user("ann", &[aws("sts:AssumeRole", &arn("role", "a"))]),
        role("a", &["AWS:arn:aws:iam::111122223333:root"], None, &[aws("iam:CreateAccessKey", &arn("user", "bob"))]),
        user("bob", &[aws("iam:PassRole", &arn("role", "run")), aws("lambda:*", "*")]),
        role("run", &["Service:lambda.amazonaws.com"], None, &[aws("iam:AttachRolePolicy", &arn("role", "a"))]),
        user("eve", &[aws("iam:AttachRolePolicy", &arn("role", "a"))]),
    ];
    let estate = aws_estate(members);
    let to = |id| report(estate.chain_to_administrator(id).as_ref());
    // `run` can make `a` an administrator and ann can become both; run and bob cannot become `a`, and neither can eve.
    let expected = "sts-001 a, iam-002 bob, lambda-001 run, aws-attach-role-policy +a, sts-001 a";
    assert_eq!(to("ann"), expected);
    assert_eq!(to("a"), "iam-002 bob, lambda-001 run, aws-attach-role-policy +a");
    assert_eq!((to("bob"), to("run"), to("eve")), ("no".into(), "no".into(), "no".into()));
    assert_eq!(estate.escalating().map(|(id, _)| id.to_string()).collect::<Vec<_>>(), ["a", "ann"]);
    assert_eq!(report(estate.chain("ann", "run").as_ref()), "sts-001 a, iam-002 bob, lambda-001 run");
}

#[test]
fn roles_that_aws_keeps_are_changed_by_nobody() {
    for path in
        ["aws-service-role/x.amazonaws.com/AWSServiceRoleForX", "aws-reserved/sso.amazonaws.com/AWSReservedSSO_A_1"]
    {
        let mut kept = administrator(role("kept", &["Service:ec2.amazonaws.com"], None, &[]));
        kept.resource = arn("role", path).into();
        let ann = user("ann", &[aws("iam:UpdateAssumeRolePolicy", "*"), aws("iam:PassRole", "*"), aws("ec2:*", "*")]);
        assert_eq!(report(aws_estate(vec![ann, kept]).chain_to_administrator("ann").as_ref()), "no");
    }
}

#[test]
fn the_blast_radius_counts_what_all_of_them_may_do() {
    let members = vec![
        user("ann", &[aws("sts:AssumeRole", "*"), aws("s3:DeleteBucket", "*")]),
        role("a", &["AWS:arn:aws:iam::111122223333:root"], None, &[aws("secretsmanager:GetSecretValue", "*")]),
        role(
            "b",
            &["AWS:arn:aws:iam::111122223333:root"],
            Some(r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#),
            &[aws("s3:PutObject", "*")],
        ),
    ];
    let radius = aws_estate(members).blast_radius("ann").unwrap();
    let found: Vec<_> =
        radius.identities.iter().map(|one| (one.identity.as_str(), one.n_steps, one.is_certain)).collect();
    assert_eq!(found, [("a", 1, true), ("b", 1, false)]);
    assert_eq!((radius.actions.len(), radius.perhaps.len()), (3, 1));
    let by_risk = radius.by_risk(Provider::Aws);
    assert_eq!(by_risk.values().sum::<u64>(), 3);
    assert!(by_risk.contains_key(&RiskClass::CredentialAccess), "{by_risk:?}");
    assert!(radius.administers.is_empty() && !radius.is_cut);
}

#[test]
fn an_administrator_reaches_its_account_and_what_that_reaches() {
    let mut far = Member::new("far", &format!("arn:aws:iam::{OTHER}:role/far"), IdentityKind::Role, OTHER);
    far.trust = Some(trust(&[&format!("AWS:{}", arn("role", "near"))], None));
    let near = role("near", &["Service:ec2.amazonaws.com"], None, &[aws("sts:AssumeRole", "*")]);
    let members = vec![
        user("ann", &[aws("iam:PutUserPolicy", &arn("user", "ann"))]),
        near,
        far,
        Member::new("away", &format!("arn:aws:iam::{OTHER}:user/away"), IdentityKind::User, OTHER),
    ];
    let estate = aws_estate(members);
    let radius = estate.blast_radius("ann").unwrap();
    assert_eq!(radius.administers, [(AccountId::from(ACCOUNT), true)].into());
    let found: Vec<_> = radius.identities.iter().map(|one| (one.identity.as_str(), one.n_steps)).collect();
    assert_eq!(found, [("far", 3), ("near", 2)]);
    assert_eq!(report(estate.chain("ann", "far").as_ref()), "iam-007 !, administrator near, sts-001 far");
}

#[test]
fn who_is_trusted_from_outside_is_told_with_what_it_rests_on() {
    let github = "Federated:arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    let one_repo = r#"{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:us/ours:*"}}"#;
    let any_repo = r#"{"StringLike":{"token.actions.githubusercontent.com:sub":"*"},
        "StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}"#;
    let federated = |name: &str, condition: Option<&str>| {
        let mut member = role(name, &[github], condition, &[]);
        let mut policy = (*member.trust.unwrap()).clone();
        policy.statements[0].actions = vec!["sts:AssumeRoleWithWebIdentity".into()];
        member.trust = Some(Arc::new(policy));
        member
    };
    let external = r#"{"StringEquals":{"sts:ExternalId":"x"}}"#;
    let ours_only = r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#;
    let members = vec![
        role("anyone", &["AWS:*"], None, &[]),
        role("nobody else", &["AWS:*"], Some(ours_only), &[]),
        role("partner", &["AWS:999988887777"], Some(external), &[]),
        role("ours", &["AWS:arn:aws:iam::111122223333:root", "Service:ec2.amazonaws.com"], None, &[]),
        federated("one repo", Some(one_repo)),
        federated("any repo", Some(any_repo)),
        federated("any token", None),
    ];
    let found = aws_estate(members).outside_trust();
    let whom = |whom: &Outsider| match whom {
        Outsider::Anyone => "anyone".to_owned(),
        Outsider::Account { account, named, is_known } => format!("{account} as {named}, known {is_known}"),
        Outsider::IdentityProvider { provider, any_subject } => {
            format!("{}, any subject {any_subject}", provider.rsplit('/').next().unwrap())
        }
    };
    let line = |one: &OutsideTrust| {
        let rests_on: Vec<&str> = one.rests_on.iter().map(|key| key.as_str()).collect();
        format!("{}: {} [{}]", one.role, whom(&one.whom), rests_on.join(" "))
    };
    let lines: Vec<String> = found.iter().map(line).collect();
    expect_test::expect![[r"
        any repo: token.actions.githubusercontent.com, any subject true [token.actions.githubusercontent.com:aud token.actions.githubusercontent.com:sub]
        any token: token.actions.githubusercontent.com, any subject true []
        anyone: anyone []
        one repo: token.actions.githubusercontent.com, any subject false [token.actions.githubusercontent.com:sub]
        partner: 999988887777 as arn:aws:iam::999988887777:root, known false [sts:ExternalId]"]]
    .assert_eq(&lines.join("\n"));
}

fn account_of(name: &str, grants: &[(&str, &str)]) -> Member {
    let resource = |name: &str| format!("//iam.googleapis.com/projects/p/serviceAccounts/{name}");
    let grants: Vec<Grant> = grants.iter().map(|(action, on)| allow(Provider::Gcp, action, &resource(on))).collect();
    let mut member = Member::new(name, &resource(name), IdentityKind::ServiceAccount, "p");
    member.grants = vec![(AccountId::from("p"), set(Provider::Gcp, &grants))];
    member
}

#[test]
fn delegation_asks_through_others_for_tokens_alone() {
    const DELEGATE: &str = "iam.serviceAccounts.implicitDelegation";
    const TOKEN: &str = "iam.serviceAccounts.getAccessToken";
    let mut boss = account_of("f", &[]);
    boss.administers = vec![AccountId::from("p")];
    let mut other = account_of("g", &[]);
    other.administers = vec![AccountId::from("p")];
    let members = vec![
        account_of("ann", &[(DELEGATE, "d")]),
        account_of("d", &[(DELEGATE, "e")]),
        account_of("e", &[(TOKEN, "f")]),
        boss,
        account_of("bob", &[(DELEGATE, "h")]),
        account_of("h", &[("iam.serviceAccountKeys.create", "g")]),
        other,
    ];
    let estate = Estate::new(Provider::Gcp, members, Some(Vec::new()));
    let to = |id| report(estate.chain_to_administrator(id).as_ref());
    assert_eq!(to("ann"), "gcp-delegation (d), gcp-delegation (e), gcp-access-token f");
    assert_eq!(to("bob"), "no");
    assert_eq!(to("h"), "gcp-key-create g");
}

/// `Impersonation` searches the grants themselves, one edge for each, and is the oracle.
#[test]
fn service_accounts_are_reached_as_impersonation_says() {
    let means = ["getAccessToken", "signJwt", "implicitDelegation", "setIamPolicy"];
    let names: Vec<String> = (0..12).map(|at| format!("s{at}")).collect();
    let mut seed = 7_u32;
    for _ in 0..60 {
        let mut links = Vec::new();
        for _ in 0..18 {
            let mut draw = |n: u32| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 16) % n
            };
            let (from, to, how) = (draw(12) as usize, draw(12) as usize, draw(4) as usize);
            if from != to {
                links.push((from, to, format!("iam.serviceAccounts.{}", means[how])));
            }
        }
        let member = |at: usize| {
            let own: Vec<(&str, &str)> = links
                .iter()
                .filter(|link| link.0 == at)
                .map(|link| (link.2.as_str(), names[link.1].as_str()))
                .collect();
            account_of(&names[at], &own)
        };
        let estate = Estate::new(Provider::Gcp, (0..12).map(member).collect(), Some(Vec::new()));
        let grants = links.iter().map(|(from, to, permission)| impersonate::Grant {
            identity: names[*from].as_str().into(),
            means: Means::of(permission).unwrap(),
            on: names[*to].as_str().into(),
            is_certain: true,
        });
        let oracle = Impersonation::new(grants);
        for name in &names {
            let expected: BTreeSet<(String, u32)> = oracle
                .reach(name)
                .chains
                .iter()
                .map(|chain| (chain.steps.last().unwrap().on.to_string(), chain.steps.len() as u32))
                .collect();
            let radius = estate.blast_radius(name).unwrap();
            let found = radius.identities.iter().map(|one| (one.identity.to_string(), one.n_steps)).collect();
            assert_eq!(expected, found, "{name} {links:?}");
        }
    }
}

/// Everybody holds something of its own, so that no two sets are the same, and half of them may pass any role.
#[test]
fn ten_thousand_identities_are_a_matter_of_seconds() {
    let mut members = Vec::new();
    for at in 0..5000 {
        let own = aws("s3:GetObject", &format!("arn:aws:s3:::bucket-{at}/*"));
        let grants = if at % 2 == 0 {
            vec![own, aws("iam:PassRole", "*"), aws("lambda:*", "*"), aws("sts:AssumeRole", "*")]
        } else {
            vec![own, aws("sts:AssumeRole", &arn("role", &format!("r{:04}", at / 2)))]
        };
        members.push(user(&format!("u{at:04}"), &grants));
        let names: &[&str] =
            if at % 5 == 0 { &["Service:lambda.amazonaws.com"] } else { &["AWS:arn:aws:iam::111122223333:root"] };
        let name = format!("r{at:04}");
        let next = aws("iam:UpdateAssumeRolePolicy", &arn("role", &format!("r{:04}", at + 1)));
        members.push(role(&name, names, None, if at < 4990 { &[] } else { std::slice::from_ref(&next) }));
    }
    members.push(administrator(role("r5000", &["Service:sso.amazonaws.com"], None, &[])));
    let estate = aws_estate(members);
    assert!(!estate.is_cut());
    let found: Vec<_> = estate.escalating().collect();
    // The ten roles before the administrator, and the half of the users who reach any of them.
    assert_eq!(found.len(), 10 + 2500);
    assert_eq!(report(found.iter().find(|(id, _)| id.as_str() == "u0000").map(|(_, chain)| chain)), {
        "sts-001 r4999, iam-012 r5000"
    });
    let radius = estate.blast_radius("u0000").unwrap();
    assert_eq!(radius.administers.len(), 1);
}

#[test]
fn the_order_in_which_things_come_does_not_matter() {
    let members = vec![
        user("ann", &[aws("sts:AssumeRole", "*"), aws("lambda:*", "*")]),
        administrator(role("b", &["AWS:arn:aws:iam::111122223333:root"], None, &[])),
        administrator(role("a", &["AWS:arn:aws:iam::111122223333:root"], None, &[])),
        role("run", &["Service:lambda.amazonaws.com"], None, &[aws("sts:AssumeRole", &arn("role", "b"))]),
    ];
    let function = |name: &str| Workload {
        resource: format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}").into(),
        kind: "lambda.amazonaws.com".into(),
        account: AccountId::from(ACCOUNT),
        runs_as: "run".into(),
    };
    let ask = |members: Vec<Member>, workloads: Vec<Workload>| {
        let estate = Estate::new(Provider::Aws, members, Some(workloads));
        let chains: Vec<String> =
            estate.escalating().map(|(id, chain)| format!("{id}: {}", report(Some(&chain)))).collect();
        let edges: Vec<String> =
            estate.edges("ann", 100).iter().map(|edge| format!("{} {:?}", edge.path.id, edge.became)).collect();
        (chains, edges)
    };
    let one = ask(members.clone(), vec![function("f"), function("g")]);
    let other = ask(members.into_iter().rev().collect(), vec![function("g"), function("f")]);
    assert_eq!(one, other);
    assert_eq!(one.0, ["ann: sts-001 a", "run: sts-001 b"]);
}
