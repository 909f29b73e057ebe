//! Tests: tables of cases written from AWS's documentation, each with the page it follows (`testdata/aws/*.ndjson`).

use std::collections::{BTreeMap, BTreeSet};

use schemas::Text;
use serde::Deserialize;

use super::{Deciding, Explanation, PolicyKind, Rule, Verdict, explain};
use crate::coverage;
use crate::simulate::{Answer, Case, simulate};

/// A line of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Documented {
    doc: String,
    expect: Expected,
    pub(super) case: serde_json::Value,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    verdict: Verdict,
    rule: String,
    statements: Vec<Deciding>,
    conditional_on: Vec<Text>,
    #[serde(default)]
    errors: Vec<Text>,
}

/// Every case, in order of files.
pub(super) fn documented() -> Vec<Documented> {
    coverage::documented("aws")
}

/// Every rule there is.
pub(super) fn rules() -> Vec<Rule> {
    let kinds = [
        PolicyKind::Rcp,
        PolicyKind::Scp,
        PolicyKind::Endpoint,
        PolicyKind::Resource,
        PolicyKind::Identity,
        PolicyKind::Boundary,
        PolicyKind::Session,
    ];
    let plain = [
        Rule::NotAllowedByOwnPolicy,
        Rule::NeedsNone,
        Rule::Root,
        Rule::NamedByResource,
        Rule::NamedBehind,
        Rule::Identity,
        Rule::Delegated,
        Rule::BothAccounts,
    ];
    kinds.iter().flat_map(|kind| [Rule::Denied(*kind), Rule::NotAllowed(*kind)]).chain(plain).collect()
}

/// Fails when a rule decided less often than `least` percent of the time.
pub(super) fn assert_coverage(what: &str, decided: &BTreeMap<Rule, usize>, least: f64) {
    coverage::assert_coverage(what, decided.values().sum(), decided, rules(), least);
}

#[test]
fn every_documented_case_has_its_verdict_rule_and_statements() {
    let mut wrong = String::new();
    for Documented { doc, expect, case } in documented() {
        let case: Case = serde_json::from_value(case).unwrap();
        let (request, policies) = (case.request.read().unwrap(), case.policies());
        let Explanation { decision, statements } = explain(request.as_request(), &policies);
        let errors = policies.iter().flat_map(|policy| policy.errors()).cloned().collect();
        let (verdict, rule, conditional_on) = (decision.verdict, decision.rule.to_string(), decision.conditional_on);
        let found = Expected { verdict, rule, statements, conditional_on, errors };
        if found != expect {
            wrong += &format!("{} ({doc})\n  found  {found:?}\n  expect {expect:?}\n", case.id);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_rule_decides_three_percent_of_the_documented_cases() {
    let mut decided: BTreeMap<Rule, usize> = BTreeMap::new();
    for documented in documented() {
        let case: Case = serde_json::from_value(documented.case).unwrap();
        let rule = explain(case.request.read().unwrap().as_request(), &case.policies()).decision.rule;
        *decided.entry(rule).or_default() += 1;
    }
    assert_coverage("documented cases", &decided, 3.0);
}

#[test]
fn every_operator_and_element_has_a_documented_case() {
    let cases = documented();
    let text: String = cases.iter().map(|documented| documented.case.to_string()).collect();
    for (operator, ..) in super::condition::OPERATORS {
        assert!(text.to_ascii_lowercase().contains(&format!("\"{operator}\":")), "{operator}");
    }
    for element in ["NotAction", "NotResource", "NotPrincipal", "Service", "Federated", "CanonicalUser"] {
        assert!(text.contains(&format!("\"{element}\":")), "{element}");
    }
    for word in ["IfExists\":", "ForAllValues:", "ForAnyValue:", "2008-10-17", "multivalued_keys"] {
        assert!(text.contains(word), "{word}");
    }
    let ids: BTreeSet<String> = cases.iter().map(|documented| documented.case["id"].to_string()).collect();
    assert_eq!(ids.len(), cases.len());
    assert!(cases.iter().all(|documented| documented.doc.contains("https://docs.aws.amazon.com/")));
}

#[test]
fn a_line_is_answered_in_the_documented_shape() {
    let line = r#"{"id":7,"request":{"principal":"arn:aws:iam::111122223333:user/bob","action":"s3:GetObject",
        "resource":"arn:aws:s3:::b/a","context":{"aws:SourceIp":["203.0.113.7"]}},"identity_policies":[{"name":"read",
        "document":{"Statement":{"Sid":"S","Effect":"Allow","Action":"s3:Get*","Resource":"*"}}}]}"#;
    let answer: Answer = simulate(line).unwrap();
    expect_test::expect![[
        r#"{"id":7,"verdict":"allowed","statements":[{"policy":"read","statement":"S"}],"conditional_on":[]}"#
    ]]
    .assert_eq(&serde_json::to_string(&answer).unwrap());
}

#[test]
fn what_is_no_case_is_said() {
    let request = |principal: &str, action: &str, resource: &str| {
        format!(r#"{{"id":1,"request":{{"principal":"{principal}","action":"{action}","resource":"{resource}"}}}}"#)
    };
    let mut report = String::new();
    for line in [
        "7".to_owned(),
        r#"{"id":1}"#.to_owned(),
        r#"{"id":1,"request":{"principal":"*","action":"s3:GetObject","resource":"*","contexts":{}}}"#.to_owned(),
        request("bob", "s3:GetObject", "*"),
        request("*", "s3:Get*", "*"),
        request("*", "s3:GetObject", ""),
        " ".repeat(2 << 20),
    ] {
        let error = simulate(&line).unwrap_err();
        report += &format!("{error}\n");
    }
    expect_test::expect![[r"
        the case is not of the documented shape
        the case is not of the documented shape
        the case is not of the documented shape
        `request.principal`: `bob` is no principal
        `request.action`: `s3:Get*` is no action; one is `s3:GetObject`
        `request.resource`: 0 bytes, not 1 to 8192
        the case has 2097152 bytes, more than 1048576
    "]]
    .assert_eq(&report);
}
