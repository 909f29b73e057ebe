//! Tests: laws that hold for every request and every set of policies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::cases::{assert_coverage, documented};
use super::random::{Dice, draw};
use super::slow::{self, Expected, Open};
use super::{Action, CompiledPolicy, Context, OwnedRequest, Policies, PolicyKind, Unnamed, Verdict, decide, explain};
use crate::calibration::shared;
use crate::simulate::{Case, NamedDocument};

/// Sets in an ordinary run.
const N_SETS: usize = 100_000;
const SEED: u64 = 20_261_129;

fn read(open: &Open) -> (OwnedRequest, Policies) {
    let mut request = open.case.request.read().unwrap();
    let mut context = Context::new(open.unnamed);
    for (key, values) in &open.case.request.context {
        context.set(key, values.iter().map(String::as_str));
    }
    open.case.request.multivalued_keys.iter().for_each(|key| context.set_multivalued(key));
    open.unknown.iter().for_each(|key| context.set_unknown(key));
    request.context = context;
    (request, open.case.policies())
}

fn fast(open: &Open) -> Expected {
    let (request, policies) = read(open);
    let errors: Vec<_> = policies.iter().flat_map(CompiledPolicy::errors).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let explanation = explain(request.as_request(), &policies);
    let decision = explanation.decision;
    assert_eq!(decision, decide(request.as_request(), &policies));
    Expected {
        verdict: decision.verdict,
        rule: decision.rule,
        statements: explanation.statements,
        conditional_on: decision.conditional_on.iter().map(|key| key.to_lowercase()).collect(),
    }
}

#[test]
fn the_fast_evaluator_is_the_slow_one_on_drawn_policies() {
    let mut dice = Dice::new(SEED);
    let mut decided = BTreeMap::new();
    let (mut n_conditional, mut n_allowed) = (0, 0);
    for n in 0..N_SETS {
        let open = draw(&mut dice);
        let (fast, slow) = (fast(&open), slow::decide(&open));
        assert_eq!(fast, slow, "set {n} of seed {SEED}: {}", serde_json::to_string_pretty(&open.case).unwrap());
        *decided.entry(fast.rule).or_default() += 1;
        n_conditional += usize::from(!fast.conditional_on.is_empty());
        n_allowed += usize::from(fast.verdict == Verdict::Allowed);
    }
    eprintln!("{n_allowed} allowed, {n_conditional} conditional");
    assert!(n_conditional * 25 > N_SETS, "{n_conditional} conditional");
    assert_coverage("drawn sets", &decided, 1.0);
}

#[test]
fn the_slow_evaluator_knows_the_documented_cases() {
    for documented in documented() {
        let case: Case = serde_json::from_value(documented.case).unwrap();
        let malformed = case.policies().iter().any(|policy| !policy.errors().is_empty());
        let text = serde_json::to_string(&case).unwrap();
        if malformed || text.contains("CanonicalUser") || text.contains("AIDA") {
            continue;
        }
        let open = Open { case, unknown: BTreeSet::new(), unnamed: Unnamed::Absent };
        let (fast, slow) = (fast(&open), slow::decide(&open));
        assert_eq!(fast, slow, "{}", open.case.id);
    }
}

/// Whatever the unknown keys turn out to be, a certain verdict stays, and a denial stays a denial.
#[test]
fn what_becomes_known_changes_only_what_was_conditional() {
    let mut dice = Dice::new(SEED + 1);
    let mut n_settled = 0;
    while n_settled < 10_000 {
        let open = draw(&mut dice);
        if open.unknown.is_empty() && open.unnamed == Unnamed::Absent {
            continue;
        }
        n_settled += 1;
        let before = fast(&open);
        for _ in 0..4 {
            let mut known = Open { unknown: BTreeSet::new(), unnamed: Unnamed::Absent, ..open.clone() };
            let other = draw(&mut dice).case.request.context;
            if open.unnamed == Unnamed::Unknown {
                for (key, values) in &other {
                    known.case.request.context.entry(key.clone()).or_insert_with(|| values.clone());
                }
            }
            for key in &open.unknown {
                known.case.request.context.remove(key);
                if let Some(values) = other.get(key) {
                    known.case.request.context.insert(key.clone(), values.clone());
                }
            }
            let after = fast(&known);
            let text = || format!("{before:?} {after:?} {}", serde_json::to_string_pretty(&open.case).unwrap());
            assert!(!before.conditional_on.is_empty() || before.verdict == after.verdict, "{}", text());
            assert!(before.verdict == Verdict::Allowed || after.verdict != Verdict::Allowed, "{}", text());
        }
    }
}

#[test]
fn more_allow_never_takes_away_and_more_deny_never_gives() {
    let mut dice = Dice::new(SEED + 2);
    for _ in 0..20_000 {
        let open = draw(&mut dice);
        let before = fast(&open).verdict;
        let donor = draw(&mut dice).case;
        for effect in ["Allow", "Deny"] {
            let mut more = open.clone();
            add(&mut more.case, &donor, effect, &mut dice);
            let after = fast(&more).verdict;
            let text = || serde_json::to_string_pretty(&more.case).unwrap();
            if effect == "Allow" {
                assert!(before != Verdict::Allowed || after == Verdict::Allowed, "{}", text());
            } else {
                assert!(after != Verdict::Allowed || before == Verdict::Allowed, "{}", text());
                assert!(before != Verdict::ExplicitlyDenied || after == before, "{}", text());
            }
        }
    }
}

/// Adds the donor's statements of one effect to a policy that is there already, or as another policy of the identity.
fn add(case: &mut Case, donor: &Case, effect: &str, dice: &mut Dice) {
    let statements: Vec<Value> = donor
        .identity_policies
        .iter()
        .flat_map(|policy| policy.document["Statement"].as_array().unwrap())
        .cloned()
        .map(|mut statement| {
            statement["Effect"] = effect.into();
            statement
        })
        .collect();
    let mut existing: Vec<&mut Value> = case.scps.iter_mut().flatten().collect();
    existing.extend(case.permissions_boundary.iter_mut().chain(case.session_policy.iter_mut()));
    existing.extend(case.identity_policies.iter_mut().map(|policy| &mut policy.document));
    if existing.is_empty() || dice.percent(40) {
        let document = json!({ "Version": "2012-10-17", "Statement": statements });
        case.identity_policies.push(NamedDocument { name: "more".to_owned(), document });
    } else {
        let at = dice.below(existing.len());
        existing.swap_remove(at)["Statement"].as_array_mut().unwrap().extend(statements);
    }
}

#[test]
fn every_aws_managed_policy_is_read_without_an_error() {
    let Some(bytes) = shared("catalogs/aws_managed_policies.moto-5.2.5.Apache-2.0.json.gz") else { return };
    let policies: BTreeMap<String, Value> = serde_json::from_slice(&bytes).unwrap();
    let mut n_read = 0;
    for (name, policy) in &policies {
        let document = policy.get("Document").unwrap_or(policy);
        let compiled = CompiledPolicy::of_value(name, PolicyKind::Identity, document);
        assert_eq!(compiled.errors(), Vec::<schemas::Text>::new(), "{name}");
        n_read += 1;
    }
    eprintln!("{n_read} managed policies");
    assert!(n_read > 1_000);
}

/// What the pipeline keeps of a document says the same as the document, but for its version.
#[test]
fn a_kept_policy_is_the_document_it_was() {
    let Some(bytes) = shared("catalogs/aws_managed_policies.moto-5.2.5.Apache-2.0.json.gz") else { return };
    let policies: BTreeMap<String, Value> = serde_json::from_slice(&bytes).unwrap();
    let trust = json!({ "Document": { "Version": "2012-10-17", "Statement": [{
        "Sid": "T", "Effect": "Deny", "Action": "sts:AssumeRole",
        "NotPrincipal": { "AWS": ["111122223333", "arn:aws:iam::111122223333:user/bob"], "Service": "ec2.amazonaws.com" },
        "Condition": { "Bool": { "aws:MultiFactorAuthPresent": "true" } },
    }, { "Effect": "Allow", "Principal": "*", "NotAction": "iam:*", "NotResource": ["arn:aws:s3:::b", "x"] }] } });
    let all = policies.iter().map(|(name, policy)| (name.as_str(), policy, PolicyKind::Identity));
    for (name, policy, kind) in all.chain([("trust", &trust, PolicyKind::Resource)]) {
        let mut document = policy["Document"].clone();
        document["Version"] = "2012-10-17".into();
        let parsed = crate::aws::parse_policy(document.to_string().as_bytes());
        let kept = schemas::Policy::of(schemas::Provider::Aws, parsed.statements, parsed.errors, schemas::Time(0));
        let of_value = CompiledPolicy::of_value(name, kind, &document);
        assert_eq!(CompiledPolicy::of_policy(name, kind, &kept), of_value, "{name}");
    }
}

#[test]
fn a_policy_that_was_not_read_makes_what_rests_on_it_conditional() {
    let full = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let full = Arc::new(CompiledPolicy::of_value("full", PolicyKind::Identity, &full));
    let unread = |kind| Arc::new(CompiledPolicy::unknown("unread", kind));
    let key = "arn:aws:kms:eu-west-1:111122223333:key/k";
    let mut report = String::new();
    for (action, resource, granted) in [
        ("s3:GetObject", "arn:aws:s3:::b/a", false),
        ("s3:GetObject", "arn:aws:s3:::b/a", true),
        ("kms:Decrypt", key, false),
        ("kms:Decrypt", key, true),
    ] {
        let request = OwnedRequest {
            identity: super::Identity::parse("arn:aws:iam::111122223333:user/bob").unwrap(),
            action: Action::parse(action).unwrap(),
            resource: resource.to_owned(),
            resource_account: None,
            context: Context::default(),
        };
        let identity = if granted { vec![Arc::clone(&full)] } else { Vec::new() };
        let base = Policies { identity, ..Policies::default() };
        for (what, policies) in [
            ("resource", Policies { resource: Some(unread(PolicyKind::Resource)), ..base.clone() }),
            ("boundary", Policies { boundary: Some(unread(PolicyKind::Boundary)), ..base.clone() }),
            ("scp", Policies { scps: vec![vec![unread(PolicyKind::Scp)]], ..base.clone() }),
        ] {
            let decision = decide(request.as_request(), &policies);
            let on = decision.conditional_on.join(" ");
            report += &format!("{action} granted={granted} unread {what}: {:?} {on}\n", decision.verdict);
        }
    }
    expect_test::expect![[r#"
        s3:GetObject granted=false unread resource: Allowed unread
        s3:GetObject granted=false unread boundary: ImplicitlyDenied unread
        s3:GetObject granted=false unread scp: ImplicitlyDenied unread
        s3:GetObject granted=true unread resource: Allowed unread
        s3:GetObject granted=true unread boundary: Allowed unread
        s3:GetObject granted=true unread scp: Allowed unread
        kms:Decrypt granted=false unread resource: Allowed unread
        kms:Decrypt granted=false unread boundary: ImplicitlyDenied unread
        kms:Decrypt granted=false unread scp: ImplicitlyDenied unread
        kms:Decrypt granted=true unread resource: Allowed unread
        kms:Decrypt granted=true unread boundary: ImplicitlyDenied unread
        kms:Decrypt granted=true unread scp: ImplicitlyDenied unread
    "#]]
    .assert_eq(&report);
}

/// An administrator with a policy of a kind that cannot be read may be allowed, and what it hangs on is said.
#[test]
fn no_policy_that_cannot_be_read_is_passed_over_in_silence() {
    let full = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let full = Arc::new(CompiledPolicy::of_value("full", PolicyKind::Identity, &full));
    let request = OwnedRequest {
        identity: super::Identity::parse("arn:aws:iam::111122223333:user/bob").unwrap(),
        action: Action::parse("s3:GetObject").unwrap(),
        resource: "arn:aws:s3:::b/a".to_owned(),
        resource_account: None,
        context: Context::default(),
    };
    for document in [&b"\xff"[..], b"", b"7", b"{}", b"{\"Statement\":7}", b"{\"Statement\":[7]}", b"%FF"] {
        for kind in [PolicyKind::Identity, PolicyKind::Resource] {
            let odd = Arc::new(CompiledPolicy::compile("odd", kind, document));
            let mut policies = Policies { identity: vec![Arc::clone(&full)], ..Policies::default() };
            match kind {
                PolicyKind::Resource => policies.resource = Some(odd),
                _ => policies.identity.push(odd),
            }
            let decision = decide(request.as_request(), &policies);
            assert_eq!((decision.verdict, decision.conditional_on.len()), (Verdict::Allowed, 1), "{document:?}");
        }
    }
}
