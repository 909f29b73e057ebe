//! Tests: tables of cases written from Azure's documentation, each with the page it follows (`testdata/azure/*.ndjson`).

use std::collections::BTreeMap;

use super::{Explanation, Level, Rule, explain};
use crate::coverage::{
    Documented, Expected, assert_answers, assert_cited, assert_coverage, assert_elements, documented,
};
use crate::simulate::azure::Case;
use crate::simulate::simulate;

/// Every rule there is.
pub(super) fn rules() -> Vec<Rule> {
    let levels = [Level::Root, Level::ManagementGroup, Level::Subscription, Level::ResourceGroup, Level::Resource];
    let denials = [Rule::DenyAssignment, Rule::NotAssigned, Rule::NotInRole, Rule::ConditionNotMet];
    denials.into_iter().chain(levels.map(Rule::RoleAssignment)).chain([Rule::ElevateAccess]).collect()
}

#[test]
fn every_documented_case_has_its_verdict_rule_and_statements() {
    assert_answers(&documented("azure"), |documented| {
        let case: Case = documented.read();
        let (request, policies) = (case.request.read().unwrap(), case.policies());
        let Explanation { decided, could_activate, outside } = explain(&request, &policies);
        let mut found = Expected::of(decided, policies.errors());
        (found.could_activate, found.outside) = (could_activate, outside);
        found
    });
}

#[test]
fn every_rule_decides_three_percent_of_the_documented_cases() {
    let (cases, mut decided) = (documented("azure"), BTreeMap::new());
    for case in cases.iter().map(Documented::read::<Case>) {
        let rule = super::decide(&case.request.read().unwrap(), &case.policies()).rule;
        *decided.entry(rule).or_default() += 1;
    }
    assert_coverage("documented cases of Azure", cases.len(), &decided, rules(), 3.0);
}

#[test]
fn every_kind_of_policy_and_element_bears_on_three_percent_of_the_documented_cases() {
    let cases = documented("azure");
    let elements: &[(&str, &[&str])] = &[
        ("group", &["\"groups\":[\""]),
        ("management group", &["\"management_groups\":[\""]),
        ("custom role", &["\"role_definitions\":[{"]),
        ("notActions", &["\"notActions\":[\""]),
        ("dataActions", &["\"dataActions\":[\"", "blobs/read", "blobs/write"]),
        ("deny assignment", &["\"deny_assignments\":[{"]),
        ("everyone", &["SystemDefined"]),
        ("excludePrincipals", &["\"excludePrincipals\":[{"]),
        ("eligible assignment", &["\"eligible_assignments\":[{"]),
        ("condition", &["\"condition\":\""]),
        ("not known", &[]),
        ("malformed", &[]),
        ("directory role", &["\"directory_roles\":[\""]),
        ("app role or classic administrator", &["\"app_roles\":[\"", "\"classic_administrators\":[{"]),
    ];
    assert_elements("Azure", &cases, elements);
    assert_cited(&cases, "https://learn.microsoft.com/", 1);
}

#[test]
fn a_line_is_answered_in_the_documented_shape() {
    let line = r#"{"provider":"azure","id":7,"request":{"principal":"ann","action":"Microsoft.Compute/virtualMachines/read",
        "resource":"/subscriptions/s/resourceGroups/g","directory_roles":["Global Reader"]},
        "role_assignments":[{"name":"r1","principalId":"ann","roleDefinitionId":"Reader","scope":"/subscriptions/s"}],
        "eligible_assignments":[{"name":"e1","principalId":"ann","roleDefinitionId":"Owner","scope":"/subscriptions/s"}]}"#;
    expect_test::expect![[
        r#"{"id":7,"verdict":"allowed","statements":[{"policy":"r1","statement":"Reader"}],"conditional_on":[],"could_activate":[{"policy":"e1","statement":"Owner"}],"outside":[{"kind":"directory_role","name":"Global Reader","tier":"control_plane"}]}"#
    ]]
    .assert_eq(&serde_json::to_string(&simulate(line).unwrap()).unwrap());
}

#[test]
fn what_is_no_case_is_said() {
    let request = |principal: &str, action: &str, resource: &str| {
        format!(
            r#"{{"provider":"azure","id":1,"request":{{"principal":"{principal}","action":"{action}","resource":"{resource}"}}}}"#
        )
    };
    let mut report = String::new();
    for line in [
        r#"{"provider":"azure","id":1}"#.to_owned(),
        r#"{"provider":"azure","id":1,"request":{"principal":"a","action":"a/b","resource":"/"},"scps":[]}"#.to_owned(),
        r#"{"provider":"oracle","id":1}"#.to_owned(),
        request("", "a/b", "/"),
        request("a", "a/*", "/"),
        request("a", "microsoft.directory/users/create", "/"),
        request("a", "a/b", "subscriptions/s"),
        request("a", "a/b", "/subscriptions//g"),
    ] {
        report += &format!("{}\n", simulate(&line).unwrap_err());
    }
    expect_test::expect![[r"
        the case is not of the documented shape
        the case is not of the documented shape
        the case is not of the documented shape
        `request.principal`: is empty
        `request.action`: `a/*` is no action; one is `Microsoft.Compute/virtualMachines/read`
        `request.action`: `microsoft.directory/users/create` is an action of Entra ID, which role assignments do not grant
        `request.resource`: `subscriptions/s` does not start with `/`
        `request.resource`: `/subscriptions//g` has a segment without a name
    "]]
    .assert_eq(&report);
}
