//! Tests: the tables of documented cases, and how often each rule decides, so that a table or a random draw that leaves one
//! out fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::PathBuf;

use schemas::Text;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::azure::tiers::Outside;
use crate::decision::{Deciding, Explanation, Verdict};

/// A case as a cloud's documentation decides it: a line of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Documented {
    doc: String,
    expect: Expected,
    pub(crate) case: Value,
}

/// What the documentation says of a case.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    verdict: Verdict,
    rule: String,
    statements: Vec<Deciding>,
    conditional_on: Vec<Text>,
    #[serde(default)]
    pub(crate) could_activate: Vec<Deciding>,
    #[serde(default)]
    pub(crate) outside: Vec<Outside>,
    #[serde(default)]
    errors: Vec<Text>,
}

impl Expected {
    /// What an evaluator said.
    pub(crate) fn of<R: Display>(explained: Explanation<R>, errors: &[Text]) -> Self {
        let Explanation { decision, statements } = explained;
        Self {
            verdict: decision.verdict,
            rule: decision.rule.to_string(),
            statements,
            conditional_on: decision.conditional_on,
            could_activate: Vec::new(),
            outside: Vec::new(),
            errors: errors.to_vec(),
        }
    }
}

impl Documented {
    /// The case in its cloud's shape.
    pub(crate) fn read<C: DeserializeOwned>(&self) -> C {
        serde_json::from_value(self.case.clone()).unwrap()
    }
}

/// The lines of all tables of a cloud, in order of files.
pub(crate) fn documented(cloud: &str) -> Vec<Documented> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(cloud);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Fails where an evaluator says something else than the documentation.
pub(crate) fn assert_answers(cases: &[Documented], answer: impl Fn(&Documented) -> Expected) {
    let mut wrong = String::new();
    for documented in cases {
        let (found, Documented { doc, expect, case }) = (answer(documented), documented);
        if found != *expect {
            wrong += &format!("{} ({doc})\n  found  {found:?}\n  expect {expect:?}\n", case["id"]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Fails when an element bears on less than three percent of the cases: one that has a text of its marks, or for `not known` and
/// `malformed` one whose answer says so.
pub(crate) fn assert_elements(cloud: &str, cases: &[Documented], elements: &[(&'static str, &[&str])]) {
    let mut found = BTreeMap::new();
    for documented in cases {
        let text = documented.case.to_string();
        for (element, marks) in elements {
            let bears = match *element {
                "not known" => !documented.expect.conditional_on.is_empty(),
                "malformed" => !documented.expect.errors.is_empty(),
                _ => marks.iter().any(|mark| text.contains(mark)),
            };
            *found.entry(*element).or_default() += usize::from(bears);
        }
    }
    let all = elements.iter().map(|(element, _)| *element);
    assert_coverage(&format!("documented cases of {cloud}, by what bears on them"), cases.len(), &found, all, 3.0);
}

/// Fails when a case cites no page of its cloud's, or has the id of another; `n_again` may.
pub(crate) fn assert_cited(cases: &[Documented], pages: &str, n_again: usize) {
    let ids: BTreeSet<String> = cases.iter().map(|documented| documented.case["id"].to_string()).collect();
    assert!(ids.len() >= 80 && cases.len() - ids.len() <= n_again, "{} cases, {} ids", cases.len(), ids.len());
    assert!(cases.iter().all(|documented| documented.doc.contains(pages)));
}

/// Prints a table of how often each of `all` occurred among `n`; fails when one did less often than `least` percent.
pub(crate) fn assert_coverage<R: Display + Ord>(
    what: &str,
    n: usize,
    found: &BTreeMap<R, usize>,
    all: impl IntoIterator<Item = R>,
    least: f64,
) {
    let mut table = format!("{n} {what}\n");
    let mut too_rare = Vec::new();
    for one in all {
        let count = found.get(&one).copied().unwrap_or_default();
        #[allow(clippy::cast_precision_loss, reason = "a percentage for people")]
        let percent = 100.0 * count as f64 / n as f64;
        table += &format!("{percent:5.1} % {count:6} {one}\n");
        if percent < least {
            too_rare.push(one.to_string());
        }
    }
    eprintln!("{table}");
    assert!(too_rare.is_empty(), "under {least} %: {too_rare:?}\n{table}");
}
