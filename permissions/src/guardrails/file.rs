//! The rule file: TOML to checked rules.

use std::collections::HashSet;

use roaring::RoaringBitmap;
use schemas::{AccessLevel, IdentityKind, Provider, RiskClass, Severity, Time};
use serde::Deserialize;
use smol_str::SmolStr;

use super::rule::{Exception, Never, Rule};
use crate::catalogue::Catalogue;
use crate::lint::nearest::nearest;

/// Longest file, most rules, most patterns of one list; a file that people write stays far below.
const MAX_BYTES: usize = 1 << 20;
const MAX_RULES: usize = 1000;
const MAX_PATTERNS: usize = 1000;

/// What is wrong with a rule file, or with a policy file that is checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardrailError {
    /// It has a key or a word that is not known.
    #[error("line {line}, column {column}: unknown {what} `{word}`{}", hint.as_ref().map(|h| format!("; did you mean `{h}`?")).unwrap_or_default())]
    Unknown {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// `setting` or `word`.
        what: &'static str,
        /// What it says.
        word: String,
        /// What it may mean.
        hint: Option<String>,
    },
    /// It is not TOML, or a value has the wrong type.
    #[error("line {line}, column {column}: {why}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        why: String,
    },
    /// A rule says what cannot be meant.
    #[error("rule `{rule}`: {why}")]
    Rule {
        /// The rule's id.
        rule: String,
        /// What is wrong.
        why: String,
    },
    /// The file is too large.
    #[error("{0}")]
    TooLarge(String),
    /// A policy file that is no policy.
    #[error("the policy file: {0}")]
    Policy(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileToml {
    #[serde(default)]
    rule: Vec<RuleToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleToml {
    id: String,
    title: String,
    severity: Severity,
    #[serde(default)]
    who: WhoToml,
    #[serde(default, rename = "where")]
    place: WhereToml,
    never: NeverToml,
    #[serde(default)]
    controls: Vec<String>,
    reason: String,
    #[serde(default)]
    exception: Vec<ExceptionToml>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhoToml {
    #[serde(default)]
    kinds: Vec<IdentityKind>,
    #[serde(default)]
    ids: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhereToml {
    #[serde(default)]
    providers: Vec<Provider>,
    #[serde(default)]
    accounts: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NeverToml {
    #[serde(default)]
    risk: Vec<RiskClass>,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    levels: Vec<AccessLevel>,
    #[serde(default)]
    all_of: Vec<String>,
    #[serde(default)]
    on: Reach,
    #[serde(default)]
    grants: Conditions,
}

/// How far a grant must reach to break a rule.
#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reach {
    /// Any resource at all.
    #[default]
    Anything,
    /// The whole account.
    Everything,
}

/// Whether a grant under a condition breaks a rule.
#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Conditions {
    /// It does too.
    #[default]
    All,
    /// It does not.
    Unconditional,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionToml {
    who: String,
    #[serde(default)]
    accounts: Vec<String>,
    until: String,
    reason: String,
}

/// Reads and checks a file.
pub(super) fn rules(text: &str) -> Result<Vec<Rule>, GuardrailError> {
    if text.len() > MAX_BYTES {
        return Err(GuardrailError::TooLarge(format!("the rule file has {} bytes, more than {MAX_BYTES}", text.len())));
    }
    let file: FileToml = toml::from_str(text).map_err(|error| explain(&error, text))?;
    if file.rule.len() > MAX_RULES {
        return Err(GuardrailError::TooLarge(format!("{} rules, more than {MAX_RULES}", file.rule.len())));
    }
    let mut ids = HashSet::new();
    let mut rules = Vec::with_capacity(file.rule.len());
    for rule in file.rule {
        let id = rule.id.clone();
        let wrong = |why: String| GuardrailError::Rule { rule: id.clone(), why };
        if !ids.insert(id.clone()) {
            return Err(wrong("another rule has the same id".to_owned()));
        }
        rules.push(check(rule).map_err(wrong)?);
    }
    Ok(rules)
}

fn check(rule: RuleToml) -> Result<Rule, String> {
    let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if rule.id.is_empty() || rule.id.len() > 64 || !rule.id.bytes().all(kebab) {
        return Err("`id` must be 1 to 64 small letters, digits and hyphens".to_owned());
    }
    for (key, text) in [("title", &rule.title), ("reason", &rule.reason)] {
        if text.trim().is_empty() {
            return Err(format!("`{key}` is empty"));
        }
    }
    let providers = if rule.place.providers.is_empty() { Provider::ALL.to_vec() } else { rule.place.providers };
    let never = never(&rule.never, &providers)?;
    let exceptions = rule.exception.into_iter().map(exception).collect::<Result<_, _>>()?;
    Ok(Rule {
        id: SmolStr::from(rule.id),
        title: rule.title,
        severity: rule.severity,
        controls: rule.controls,
        reason: rule.reason,
        kinds: rule.who.kinds,
        ids: rule.who.ids,
        names: rule.who.names,
        except: rule.who.except,
        providers,
        accounts: rule.place.accounts,
        except_accounts: rule.place.except,
        never,
        whole_only: rule.never.on == Reach::Everything,
        unconditional_only: rule.never.grants == Conditions::Unconditional,
        exceptions,
    })
}

/// The actions of each cloud. Words of one list add up; several lists must all hold.
fn never(never: &NeverToml, providers: &[Provider]) -> Result<[Never; 3], String> {
    let some = !never.risk.is_empty() || !never.actions.is_empty() || !never.levels.is_empty();
    match (some, never.all_of.is_empty()) {
        (false, true) => return Err("`never` names nothing: write `risk`, `actions`, `levels` or `all_of`".to_owned()),
        (true, false) => return Err("`all_of` stands alone, without `risk`, `actions` and `levels`".to_owned()),
        _ => {}
    }
    let patterns = if never.all_of.is_empty() { &never.actions } else { &never.all_of };
    if patterns.len() > MAX_PATTERNS {
        return Err(format!("{} patterns, more than {MAX_PATTERNS}", patterns.len()));
    }
    for pattern in patterns {
        known(pattern, providers)?;
    }
    let mut by_cloud = [const { None }; 3].map(|_: Option<()>| Never::default());
    for provider in providers {
        let catalogue = Catalogue::bundled().provider(*provider);
        let mut actions: RoaringBitmap = (0..catalogue.len() as u32).collect();
        if !patterns.is_empty() {
            let mut union = RoaringBitmap::new();
            patterns.iter().for_each(|pattern| union |= &*catalogue.expand(pattern));
            actions &= union;
        }
        if !never.risk.is_empty() {
            let mut union = RoaringBitmap::new();
            never.risk.iter().for_each(|class| union |= catalogue.of_risk(*class));
            actions &= union;
        }
        if !never.levels.is_empty() {
            actions = catalogue
                .iter()
                .filter(|(idx, info)| actions.contains(idx.0) && never.levels.contains(&info.level))
                .map(|(idx, _)| idx.0)
                .collect();
        }
        by_cloud[*provider as usize] = Never { actions, all: !never.all_of.is_empty() };
    }
    if by_cloud.iter().all(|never| never.actions.is_empty()) {
        return Err("`never` names no action of its clouds".to_owned());
    }
    Ok(by_cloud)
}

/// A pattern must name an action of one of the rule's clouds: what is misspelt would forbid nothing.
fn known(pattern: &str, providers: &[Provider]) -> Result<(), String> {
    let catalogues = || providers.iter().map(|provider| Catalogue::bundled().provider(*provider));
    if catalogues().any(|catalogue| !catalogue.expand(pattern).is_empty()) {
        return Ok(());
    }
    let names: Vec<&str> = catalogues().flat_map(|c| c.iter().map(|(_, info)| info.name.as_str())).collect();
    let hint = nearest(pattern, names).map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    Err(format!("`{pattern}` names no action of its clouds{hint}"))
}

fn exception(exception: ExceptionToml) -> Result<Exception, String> {
    if exception.reason.trim().is_empty() || exception.who.trim().is_empty() {
        return Err("an exception needs `who` and `reason`".to_owned());
    }
    let start = Time::parse(&format!("{}T00:00:00Z", exception.until))
        .map_err(|_| format!("`until` is `{}`, not a day such as `2027-01-31`", exception.until))?;
    Ok(Exception {
        who: exception.who,
        accounts: exception.accounts,
        until: exception.until,
        // The day itself still counts.
        ends: Time(start.0.saturating_add(Time::DAY)),
        reason: exception.reason,
    })
}

/// Turns serde's words for an unknown key or word into ours, with the nearest known one.
fn explain(error: &toml::de::Error, text: &str) -> GuardrailError {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let message = error.message();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let what = match message {
        m if m.starts_with("unknown field") => "setting",
        m if m.starts_with("unknown variant") => "word",
        _ => {
            let why = message.lines().next().unwrap_or_default().to_owned();
            return GuardrailError::Syntax { line, column, why };
        }
    };
    let (word, known) = quoted.split_first().map_or(("", &[] as &[&str]), |(word, known)| (*word, known));
    let hint = nearest(word, known.iter().copied()).map(str::to_owned);
    GuardrailError::Unknown { line, column, what, word: word.to_owned(), hint }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        rules(text).map_or_else(|error| error.to_string(), |rules| format!("{} rules", rules.len()))
    }

    fn rule(middle: &str) -> String {
        format!("[[rule]]\nid = \"r\"\ntitle = \"t\"\nseverity = \"high\"\nreason = \"because\"\n{middle}\n")
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let cases = [
            rule("never = { risk = [\"escalation\"] }"),
            rule("never = { risk = [\"escalaton\"] }"),
            rule("nevr = { risk = [\"escalation\"] }"),
            rule("never = { actions = [\"iam:PassRoel\"] }\nwhere = { providers = [\"aws\"] }"),
            rule("never = {}"),
            rule("never = { all_of = [\"iam:*\"], levels = [\"write\"] }"),
            rule("never = { on = \"everywhere\", actions = [\"*\"] }"),
            rule("never = { actions = [\"*\"] }\n[[rule.exception]]\nwho = \"x\"\nuntil = \"soon\"\nreason = \"r\""),
            rule("never = { actions = [\"*\"] }\n[[rule.exception]]\nwho = \"x\"\nuntil = \"2027-01-31\""),
            format!("{0}{0}", rule("never = { actions = [\"*\"] }")),
            rule("never = { actions = [\"*\"] }").replace("\"r\"", "\"Not kebab\""),
            rule("never = { actions = [\"*\"] }").replace("because", " "),
            "[[rule]\n".to_owned(),
            String::new(),
        ];
        let said: Vec<String> = cases.iter().map(|case| message(case)).collect();
        expect_test::expect![[r#"
            1 rules
            line 6, column 19: unknown word `escalaton`; did you mean `escalation`?
            line 6, column 1: unknown setting `nevr`; did you mean `never`?
            rule `r`: `iam:PassRoel` names no action of its clouds; did you mean `iam:PassRole`?
            rule `r`: `never` names nothing: write `risk`, `actions`, `levels` or `all_of`
            rule `r`: `all_of` stands alone, without `risk`, `actions` and `levels`
            line 6, column 16: unknown word `everywhere`
            rule `r`: `until` is `soon`, not a day such as `2027-01-31`
            line 7, column 1: missing field `reason`
            rule `r`: another rule has the same id
            rule `Not kebab`: `id` must be 1 to 64 small letters, digits and hyphens
            rule `r`: `reason` is empty
            line 1, column 8: unclosed array table, expected `]`
            0 rules"#]]
        .assert_eq(&said.join("\n"));
    }
}
