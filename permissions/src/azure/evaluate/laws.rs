//! Tests: the fast evaluator equals the slow one; more allow never denies; a deny wins; hostile documents harm nobody.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Rule;
use super::cases::rules;
use super::random::{drawn, drawn_assignment};
use super::slow::{Said, decide};
use crate::coverage::assert_coverage;
use crate::draw::Draw;
use crate::simulate::azure::Case;

fn fast(case: &Value) -> (Rule, Said) {
    let case: Case = serde_json::from_value(case.clone()).unwrap();
    let explained = super::explain(&case.request.read().unwrap(), &case.policies());
    let pairs = |list: Vec<super::Deciding>| {
        list.into_iter().map(|one| (one.policy.to_string(), one.statement.to_string())).collect()
    };
    let decision = explained.decided.decision;
    let doubts = decision.conditional_on.iter().map(ToString::to_string).collect();
    (
        decision.rule,
        (decision.rule.to_string(), pairs(explained.decided.statements), doubts, pairs(explained.could_activate)),
    )
}

fn agree(seeds: std::ops::Range<u64>) {
    let n = (seeds.end - seeds.start) as usize;
    let (mut decided, mut beside): (BTreeMap<Rule, usize>, BTreeMap<&str, usize>) = Default::default();
    for seed in seeds {
        let case = drawn(seed);
        let (rule, said) = fast(&case);
        assert_eq!(said, decide(&case), "fast and slow, seed {seed}: {case}");
        *decided.entry(rule).or_default() += 1;
        *beside.entry("conditional").or_default() += usize::from(!said.2.is_empty());
        *beside.entry("could activate").or_default() += usize::from(!said.3.is_empty());
    }
    assert_coverage("drawn cases of Azure", n, &decided, rules(), 3.0);
    assert_coverage("drawn cases of Azure", n, &beside, ["conditional", "could activate"], 3.0);
}

#[test]
fn fast_equals_slow_on_a_hundred_thousand_drawn_cases() {
    agree(0..100_000);
}

fn order(rule: &str) -> u8 {
    match rule {
        "denied by deny assignment" => 0,
        rule if rule.starts_with("allowed") || rule.starts_with("global") => 2,
        _ => 1,
    }
}

#[test]
fn more_assignments_never_deny_and_a_deny_wins() {
    let (mut n_allowed, mut n_denied) = (0, 0);
    for seed in 0..3000 {
        let case = drawn(seed);
        let before = fast(&case).1;
        let mut more = case.clone();
        let added = drawn_assignment(&mut Draw::new(seed ^ 0xABCD), "more".to_owned());
        more["role_assignments"].as_array_mut().unwrap().push(added);
        let after = fast(&more).1;
        assert!(order(&after.0) >= order(&before.0), "{more}");
        if order(&before.0) == 2 && before.2.is_empty() {
            assert!(after.2.is_empty(), "what was certain is not any more: {more}");
            n_allowed += 1;
        }
        more["deny_assignments"].as_array_mut().unwrap().push(json!({"properties": {"denyAssignmentName": "all",
            "scope": "/", "permissions": [{"actions": ["*"], "dataActions": ["*"]}], "principals": [{"id": "ann"}],
            "excludePrincipals": []}}));
        assert_eq!(fast(&more).1.0, "denied by deny assignment", "{more}");
        n_denied += 1;
    }
    assert!(n_allowed > 300 && n_denied == 3000, "{n_allowed}");
}

#[test]
fn hostile_documents_neither_panic_nor_run_away() {
    for seed in 0..2000 {
        let mut case = drawn(seed);
        let draw = &mut Draw::new(seed ^ 0x5EED);
        for _ in 0..1 + draw.below(4) {
            draw.spoil(&mut case);
        }
        let Ok(case) = serde_json::from_value::<Case>(case) else { continue };
        let _ = case.answer();
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(crate::simulate::simulate(&format!(r#"{{"provider":"azure","id":{deep}}}"#)).is_err());
}
