//! Tests: tables of cases written from GCP's documentation, each with the page it follows (`testdata/gcp/*.ndjson`).

use std::collections::BTreeMap;

use super::{Level, Rule, explain};
use crate::coverage::{
    Documented, Expected, assert_answers, assert_cited, assert_coverage, assert_elements, documented,
};
use crate::simulate::gcp::Case;
use crate::simulate::simulate;

/// Every rule there is.
pub(super) fn rules() -> Vec<Rule> {
    let levels = [Level::Organization, Level::Folder, Level::Project, Level::Resource];
    let denials = [Rule::DenyPolicy, Rule::NotBound, Rule::NotInRole, Rule::ConditionNotMet];
    denials.into_iter().chain(levels.map(Rule::Binding)).collect()
}

#[test]
fn every_documented_case_has_its_verdict_rule_and_statements() {
    assert_answers(&documented("gcp"), |documented| {
        let case: Case = documented.read();
        let (request, policies) = (case.request.read().unwrap(), case.policies());
        Expected::of(explain(&request, &policies), policies.errors())
    });
}

#[test]
fn every_rule_decides_three_percent_of_the_documented_cases() {
    let (cases, mut decided) = (documented("gcp"), BTreeMap::new());
    for case in cases.iter().map(Documented::read::<Case>) {
        let rule = super::decide(&case.request.read().unwrap(), &case.policies()).rule;
        *decided.entry(rule).or_default() += 1;
    }
    assert_coverage("documented cases of GCP", cases.len(), &decided, rules(), 3.0);
}

#[test]
fn every_kind_of_policy_and_element_bears_on_three_percent_of_the_documented_cases() {
    let cases = documented("gcp");
    let elements: &[(&str, &[&str])] = &[
        ("custom role", &["\"roles\":[{"]),
        ("group", &["\"groups\":[\""]),
        ("service account", &["\"principal\":\"serviceAccount:"]),
        ("pool", &["\"principal\":\"principal://"]),
        ("allUsers, allAuthenticatedUsers, domain", &["allUsers", "allAuthenticatedUsers", "domain:"]),
        ("convenience member", &["projectViewer:", "projectEditor:"]),
        ("deny policy", &["\"deny_policies\":[{"]),
        ("exceptionPrincipals", &["\"exceptionPrincipals\":[\""]),
        ("group of permissions", &[".googleapis.com/instances.*", ".googleapis.com/*."]),
        ("condition", &["\"condition\":{"]),
        ("denialCondition", &["\"denialCondition\":{"]),
        ("tags", &["\"tags\":{", "\"tag_ids\":{"]),
        ("not known", &[]),
        ("malformed", &[]),
    ];
    assert_elements("GCP", &cases, elements);
    assert_cited(&cases, "https://cloud.google.com/", 0);
}

#[test]
fn a_line_is_answered_in_the_documented_shape() {
    let line = r#"{"provider":"gcp","id":7,"request":{"principal":"user:ann@example.com","action":"storage.objects.get",
        "resource":"//storage.googleapis.com/b","ancestors":["projects/p"]},"allow_policies":[{"resource":"projects/p",
        "policy":{"bindings":[{"role":"roles/storage.objectViewer","members":["user:ann@example.com"],"condition":
        {"title":"t","expression":"request.time < timestamp('2026-01-01T00:00:00Z')"}}]}}]}"#;
    expect_test::expect![[
        r#"{"id":7,"verdict":"allowed","statements":[{"policy":"projects/p","statement":"0"}],"conditional_on":["request.time"]}"#
    ]]
    .assert_eq(&serde_json::to_string(&simulate(line).unwrap()).unwrap());
}

#[test]
fn what_is_no_case_is_said() {
    let request = |principal: &str, action: &str, resource: &str| {
        format!(
            r#"{{"provider":"gcp","id":1,"request":{{"principal":"{principal}","action":"{action}","resource":"{resource}"}}}}"#
        )
    };
    let mut report = String::new();
    for line in [
        r#"{"provider":"gcp","id":1}"#.to_owned(),
        request("user:a@b.c", "a.b.c", "projects/p").replace("\"id\":1", "\"id\":1,\"scps\":[]"),
        request("group:a@b.c", "a.b.c", "projects/p"),
        request("ann", "a.b.c", "projects/p"),
        request("user:a@b.c", "a.b", "projects/p"),
        request("user:a@b.c", "a.b.*", "projects/p"),
        request("user:a@b.c", "a.b.c", ""),
        request("user:a@b.c", "a.b.c", "projects/p").replace("}}", ",\"context\":{\"request.time\":\"now\"}}}"),
        request("user:a@b.c", "a.b.c", "projects/p").replace("}}", ",\"context\":{\"x\":1.5}}}"),
    ] {
        report += &format!("{}\n", simulate(&line).unwrap_err());
    }
    expect_test::expect![[r"
        the case is not of the documented shape
        the case is not of the documented shape
        `request.principal`: `group:a@b.c` is no identity; one is `user:ann@example.com`
        `request.principal`: `ann` is no identity; one is `user:ann@example.com`
        `request.action`: `a.b` is no permission; one is `storage.objects.get`
        `request.action`: `a.b.*` is no permission; one is `storage.objects.get`
        `request.resource`: `` is no resource; one is `projects/p`
        `request.context`: `request.time` is no time of RFC 3339
        `request.context`: `x` is neither a text, a whole number, a list nor true or false
    "]]
    .assert_eq(&report);
}
