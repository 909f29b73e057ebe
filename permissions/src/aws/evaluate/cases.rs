//! Tests: tables of cases written from AWS's documentation, each with the page it follows (`testdata/aws/*.ndjson`).

use std::collections::BTreeMap;

use schemas::Text;

use super::{PolicyKind, Rule, explain};
use crate::coverage::{self, Documented, Expected, assert_answers, assert_cited};
use crate::simulate::{Answer, Case, simulate};

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
    assert_answers(&documented(), |documented| {
        let case: Case = documented.read();
        let (request, policies) = (case.request.read().unwrap(), case.policies());
        let errors: Vec<Text> = policies.iter().flat_map(|policy| policy.errors()).cloned().collect();
        Expected::of(explain(request.as_request(), &policies), &errors)
    });
}

#[test]
fn every_rule_decides_three_percent_of_the_documented_cases() {
    let mut decided: BTreeMap<Rule, usize> = BTreeMap::new();
    for case in documented().iter().map(Documented::read::<Case>) {
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
    assert_cited(&cases, "https://docs.aws.amazon.com/", 0);
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
