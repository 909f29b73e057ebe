//! Tests: the fast evaluator equals the slow one; more allow never denies; a deny wins; hostile documents harm nobody.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Rule;
use super::cases::rules;
use super::random::{PATH, drawn, drawn_binding};
use super::slow::{Said, decide};
use crate::coverage::assert_coverage;
use crate::draw::Draw;
use crate::simulate::gcp::Case;

fn fast(case: &Value) -> (Rule, Said) {
    let case: Case = serde_json::from_value(case.clone()).unwrap();
    let policies = case.policies();
    assert_eq!(policies.errors(), &[] as &[schemas::Text]);
    let explained = super::explain(&case.request.read().unwrap(), &policies);
    let statements =
        explained.statements.into_iter().map(|one| (one.policy.to_string(), one.statement.to_string())).collect();
    let decision = explained.decision;
    let doubts = decision.conditional_on.iter().map(ToString::to_string).collect();
    (decision.rule, (decision.rule.to_string(), statements, doubts))
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
    }
    assert_coverage("drawn cases of GCP", n, &decided, rules(), 3.0);
    assert_coverage("drawn cases of GCP", n, &beside, ["conditional"], 3.0);
}

#[test]
fn fast_equals_slow_on_a_hundred_thousand_drawn_cases() {
    agree(0..100_000);
}

fn order(rule: &str) -> u8 {
    match rule {
        "denied by deny policy" => 0,
        rule if rule.starts_with("allowed") => 2,
        _ => 1,
    }
}

#[test]
fn more_bindings_never_deny_and_a_deny_wins() {
    let mut n_allowed = 0;
    for seed in 0..3000 {
        let case = drawn(seed);
        let before = fast(&case).1;
        let mut more = case.clone();
        let added = drawn_binding(&mut Draw::new(seed ^ 0xABCD));
        let resource = more["request"]["resource"].clone();
        let policies = more["allow_policies"].as_array_mut().unwrap();
        policies.push(json!({"resource": resource, "policy": {"bindings": [added]}}));
        let after = fast(&more).1;
        assert!(order(&after.0) >= order(&before.0), "{more}");
        if order(&before.0) == 2 && before.2.is_empty() {
            assert!(after.2.is_empty(), "what was certain is not any more: {more}");
            n_allowed += 1;
        }
        let all = ["storage", "compute", "cloudresourcemanager", "contoso"].map(|s| format!("{s}.googleapis.com/*.*"));
        more["deny_policies"].as_array_mut().unwrap().push(json!({"resource": PATH[0], "policy": {"name": "all",
            "rules": [{"denyRule": {"deniedPrincipals": ["principalSet://goog/public:all"], "deniedPermissions": all}}]}}));
        assert_eq!(fast(&more).1.0, "denied by deny policy", "{more}");
    }
    assert!(n_allowed > 200, "{n_allowed}");
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
}

#[test]
fn hostile_conditions_neither_panic_nor_run_away() {
    let pieces = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "!",
        "-",
        "?",
        ":",
        ".",
        ",",
        "&&",
        "||",
        "==",
        "<",
        " in ",
        "'",
        "\"",
        "r'",
        "b\"",
        "\\",
        "`",
        "request.time",
        "resource",
        "api.getAttribute('a', ",
        "timestamp('x')",
        "1",
        "1.5",
        "0x",
        "u",
        "null",
        "true",
        "é",
        "\u{0}",
        "has(a.b)",
        "[1].all(x, x > 0)",
        "a.exists(x, ",
        "getHours('",
        "extract('{",
        "size(",
        "duration('1h')",
        "+",
        "/",
        "%",
        "\n",
        "//",
    ];
    for seed in 0..10_000 {
        let draw = &mut Draw::new(seed);
        let piece = |draw: &mut Draw| (*draw.one(&pieces)).repeat(if draw.chance(3) { 1 + draw.below(400) } else { 1 });
        let text: String = (0..1 + draw.below(30)).map(|_| piece(draw)).collect();
        let binding = json!({"role": "roles/viewer", "members": ["allUsers"], "condition": {"expression": text}});
        let case = json!({"provider": "gcp", "id": 1, "request": {"principal": "user:a@b.c", "action": "storage.objects.list",
            "resource": "projects/p", "context": {"request.time": "2026-01-01T00:00:00Z"}},
            "allow_policies": [{"resource": "projects/p", "policy": {"bindings": [binding]}}]});
        let case: Case = serde_json::from_value(case).unwrap();
        case.answer().unwrap();
    }
}
