//! Tests: for each rule a document on which it fires, and one beside it on which it does not (`testdata/lint/*.ndjson`).

use std::collections::BTreeSet;

use schemas::Time;
use serde::Deserialize;

use super::{Finding, Kind, Options, RULES, lint};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    rule: String,
    kind: Option<String>,
    #[serde(default)]
    own: Vec<String>,
    as_of: Option<String>,
    /// A document, or a text that is none.
    fires: serde_json::Value,
    near: serde_json::Value,
}

const TABLES: [&str; 4] = [
    include_str!("../../testdata/lint/json.ndjson"),
    include_str!("../../testdata/lint/aws.ndjson"),
    include_str!("../../testdata/lint/azure.ndjson"),
    include_str!("../../testdata/lint/gcp.ndjson"),
];

pub(super) fn documents() -> Vec<String> {
    let cases = TABLES.iter().flat_map(|table| table.lines());
    let texts = cases.flat_map(|line| {
        let case: Case = serde_json::from_str(line).unwrap();
        [text(&case.fires), text(&case.near)]
    });
    texts.collect()
}

fn text(document: &serde_json::Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

fn found(case: &Case, document: &serde_json::Value) -> Vec<Finding> {
    let options = Options {
        kind: case.kind.as_deref().map(|word| Kind::of_word(word).unwrap()),
        own_accounts: case.own.clone(),
        as_of: case.as_of.as_deref().map(|time| Time::parse(time).unwrap()),
    };
    lint(text(document).as_bytes(), &options).findings
}

#[test]
fn each_rule_fires_on_its_case_and_not_beside_it() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in TABLES.iter().flat_map(|table| table.lines()) {
        let case: Case = serde_json::from_str(line).unwrap();
        let ids = |document| -> BTreeSet<&str> { found(&case, document).iter().map(|f| f.rule.rule().id).collect() };
        let (fires, near) = (ids(&case.fires), ids(&case.near));
        if !fires.contains(case.rule.as_str()) {
            wrong.push(format!("{} does not fire, but {fires:?} on {}", case.rule, case.fires));
        }
        if near.contains(case.rule.as_str()) {
            wrong.push(format!("{} fires on {}", case.rule, case.near));
        }
        seen.insert(case.rule);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Files of 32 MiB are made in the test of hostile bytes, not committed.
    let all: BTreeSet<String> =
        RULES.iter().map(|rule| rule.id.to_owned()).filter(|id| id != "json-too-large").collect();
    assert_eq!(all, seen);
}

/// A near miss has no error of another rule either: it is a document that the cloud takes.
#[test]
fn a_near_miss_has_no_error() {
    let mut wrong = Vec::new();
    for line in TABLES.iter().flat_map(|table| table.lines()) {
        let case: Case = serde_json::from_str(line).unwrap();
        let errors = found(&case, &case.near).into_iter().filter(|f| f.severity() == super::Severity::Error);
        wrong.extend(errors.map(|f| format!("{}: {} {}", case.rule, f.rule.rule().id, f.message)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
