//! The questions that are asked again and again: one `.sql` file each, the same text for both stores.
//!
//! A file begins with the question in words, then a line for each parameter, `-- name = default: what it is`; one without
//! a default must be given. The rest is SQL that both engines read: the flat views rather than lists, `date_trunc`,
//! `FILTER`, `coalesce`, window functions, an explicit `NULLS LAST` and an order without ties.

use crate::{Answer, QueryError, Store};

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The name by which it is asked.
    pub name: &'static str,
    sql: &'static str,
}

/// A parameter of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it is when it is not given; `None` when it must be.
    pub default: Option<String>,
    /// What it is.
    pub doc: String,
}

macro_rules! question {
    ($name:literal) => {
        Question { name: $name, sql: include_str!(concat!("../questions/", $name, ".sql")) }
    };
}

/// Every question, forensic ones first.
pub const QUESTIONS: &[Question] = &[
    question!("who_used_action"),
    question!("who_touched_resource"),
    question!("what_did_identity"),
    question!("what_did_credential"),
    question!("what_did_address"),
    question!("could_identity"),
    question!("who_could_in_account"),
    question!("denied"),
    question!("first_uses"),
    question!("sessions_of_identity"),
    question!("cross_account"),
    question!("without_mfa"),
    question!("alert_events"),
    question!("unused_grants"),
    question!("broken_guardrails"),
    question!("creep_over_time"),
    question!("creep_by_account"),
    question!("risky_uses"),
    question!("dormant_identities"),
    question!("usage_by_day"),
    question!("lone_users"),
    question!("action_coverage"),
    question!("unsure_operations"),
];

/// Finds a question by its name.
///
/// # Errors
/// When there is none of that name.
pub fn find(name: &str) -> Result<&'static Question, QueryError> {
    let names = || QUESTIONS.iter().map(|question| question.name.to_owned()).collect();
    QUESTIONS.iter().find(|question| question.name == name).ok_or_else(|| QueryError::unknown_question(name, names()))
}

impl Question {
    /// The question in words.
    #[must_use]
    pub fn words(&self) -> &'static str {
        self.sql.lines().next().unwrap_or_default().trim_start_matches("-- ")
    }

    /// The text that is asked.
    #[must_use]
    pub fn sql(&self) -> &'static str {
        self.sql
    }

    /// Its parameters, in the order of the file.
    #[must_use]
    pub fn params(&self) -> Vec<Param> {
        let heads = self.sql.lines().skip(1).map_while(|line| line.strip_prefix("-- "));
        heads.filter_map(param).collect()
    }

    /// Asks it, with defaults for what is not given.
    ///
    /// # Errors
    /// When a parameter is missing, unknown or of another type, or the store cannot be read.
    pub async fn ask(&self, store: &Store, given: &[(String, String)]) -> Result<Answer, QueryError> {
        let defaults = self.params().into_iter().filter_map(|param| Some((param.name, param.default?)));
        let all: Vec<(String, String)> = defaults.chain(given.iter().cloned()).collect();
        store.sql_with(self.sql, &all).await
    }
}

/// Reads `name = default: doc`.
fn param(line: &str) -> Option<Param> {
    let (head, doc) = line.split_once(": ")?;
    let (name, default) = head.split_once(" =").map_or((head, None), |(name, default)| (name, Some(default)));
    let default = default.map(|text| text.trim().trim_matches('\'').to_owned());
    Some(Param { name: name.trim().to_owned(), default, doc: doc.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::query::params;

    #[test]
    fn each_question_says_what_it_asks_and_what_it_needs() {
        for question in QUESTIONS {
            assert!(question.words().ends_with('?'), "{}", question.name);
            let told: BTreeSet<String> = question.params().into_iter().map(|param| param.name).collect();
            let used: BTreeSet<String> = params::of(question.sql).unwrap().into_iter().map(|(name, _)| name).collect();
            assert_eq!(told, used, "{}", question.name);
        }
    }

    #[test]
    fn every_file_is_a_question() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/questions");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".sql").to_owned())
            .collect();
        files.sort_unstable();
        let mut names: Vec<&str> = QUESTIONS.iter().map(|question| question.name).collect();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn a_wrong_name_is_told_with_the_right_one() {
        let error = find("who_used_acton").unwrap_err().to_string();
        assert!(
            error.starts_with("no question is called `who_used_acton`; did you mean `who_used_action`?"),
            "{error}"
        );
    }
}
