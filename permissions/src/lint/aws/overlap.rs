//! Statements and entries that others make superfluous, and allows that are denied.

use roaring::RoaringBitmap;
use schemas::Provider;

use super::{Document, Spot, Statement};
use crate::catalogue::pattern;
use crate::lint::json::Node;
use crate::lint::{Found, Kind, RuleId, short};
use crate::resource::pattern_covers;

/// Statements, and entries of one element, that are compared each with each; more are not compared.
const MAX_STATEMENTS: usize = 256;
const MAX_ENTRIES: usize = 512;
/// Pairs of resources per document that are compared.
const MAX_PAIRS: usize = 2_000_000;

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    for statement in &document.statements {
        entries(statement.actions.as_deref().unwrap_or_default(), true, RuleId::AwsRedundantAction, found);
        entries(statement.resources.as_deref().unwrap_or_default(), false, RuleId::AwsRedundantResource, found);
    }
    if document.statements.len() <= MAX_STATEMENTS {
        statements(document, found);
    }
}

/// Entries of one element that another one covers.
fn entries(spots: &[Spot<'_>], fold: bool, rule: RuleId, found: &mut Found) {
    if spots.len() > MAX_ENTRIES {
        return;
    }
    let covers = |wide: &str, narrow: &str| pattern::covers(wide.as_bytes(), narrow.as_bytes(), true, fold);
    for (i, spot) in spots.iter().enumerate() {
        let by = spots.iter().enumerate().find(|(j, other)| {
            // Of two that say the same, the later is superfluous.
            *j != i && covers(other.text, spot.text) && (*j < i || !covers(spot.text, other.text))
        });
        if let Some((_, other)) = by {
            found.add(rule, spot.at, format!("`{}` is covered by `{}`", short(spot.text), short(other.text)));
        }
    }
}

/// What is compared of a statement as it is written.
#[derive(PartialEq)]
struct Texts {
    condition: Option<String>,
    principals: [Option<String>; 2],
}

impl Texts {
    fn of(statement: &Statement<'_>) -> Self {
        let text = |node: Option<&Node>| node.map(|n| n.to_value().to_string());
        Self {
            condition: text(statement.condition),
            principals: [text(statement.principal), text(statement.not_principal)],
        }
    }
}

fn statements(document: &Document<'_>, found: &mut Found) {
    let sets: Vec<RoaringBitmap> = document.statements.iter().map(|s| s.expanded(document.catalogue)).collect();
    let texts: Vec<Texts> = document.statements.iter().map(Texts::of).collect();
    let mut pairs = 0;
    for (i, narrow) in document.statements.iter().enumerate() {
        for (j, wide) in document.statements.iter().enumerate() {
            if i == j || sets[i].is_empty() || !all_known(document, narrow) || !sets[i].is_subset(&sets[j]) {
                continue;
            }
            pairs += narrow.resources.as_ref().map_or(0, Vec::len) * wide.resources.as_ref().map_or(0, Vec::len);
            if pairs > MAX_PAIRS {
                return;
            }
            let same = narrow.allow == wide.allow;
            let back = same && j > i && sets[j].is_subset(&sets[i]) && covers(document, &texts, i, j);
            if !covers(document, &texts, j, i) || back {
                continue;
            }
            if same {
                let message = format!("statement {j} covers it, counted from 0");
                found.add(RuleId::AwsRedundantStatement, narrow.at(), message);
                break;
            }
            if narrow.allow && wide.condition.is_none() && document.kind != Kind::AwsScp {
                let message = format!("statement {j}, counted from 0, denies all of it");
                found.add(RuleId::AwsAllowDenied, narrow.at(), message);
                break;
            }
        }
    }
}

/// Whether every action of a statement is in the catalogue; otherwise what it names is not all in its set.
fn all_known(document: &Document<'_>, statement: &Statement<'_>) -> bool {
    statement.actions.as_ref().is_some_and(|spots| spots.iter().all(|s| !document.catalogue.expand(s.text).is_empty()))
}

/// Whether one statement's resources, identities and conditions take in another's; actions aside.
fn covers(document: &Document<'_>, texts: &[Texts], wide: usize, narrow: usize) -> bool {
    let (w, n) = (&texts[wide], &texts[narrow]);
    if !(w.condition.is_none() || w.condition == n.condition) || w.principals != n.principals {
        return false;
    }
    let (wide, narrow) = (&document.statements[wide], &document.statements[narrow]);
    match (&wide.resources, &narrow.resources) {
        (Some(wide), Some(narrow)) => narrow
            .iter()
            .all(|n| wide.iter().any(|w| super::is_whole(w.text) || pattern_covers(Provider::Aws, w.text, n.text))),
        (None, None) => {
            document.kind == Kind::AwsTrust && wide.not_resources.is_none() && narrow.not_resources.is_none()
        }
        _ => false,
    }
}
