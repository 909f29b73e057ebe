//! Conditions of assignments, read as far as it takes to say which actions they are about.
//!
//! Source: Azure role assignment condition format and syntax
//! (<https://learn.microsoft.com/azure/role-based-access-control/conditions-format>). `ActionMatches` is true or false;
//! what compares attributes is not known. `AND` and `OR` side by side need parentheses, so without them nothing is known.

use schemas::Text;

use super::actions::Action;
use crate::patterns::matches;
use crate::truth::{Doubts, Truth};

/// Longest condition that is read; Azure takes 8 KB.
const MAX_BYTES: usize = 16 << 10;
/// Deepest nesting that is followed; bounds the stack.
const MAX_DEPTH: u32 = 64;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    text: Text,
    expression: Expression,
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    /// `ActionMatches{'…'}`, in lower case.
    ActionMatches(String),
    /// A comparison of attributes, or whatever could not be read.
    Opaque,
}

impl Condition {
    /// Reads one; the second is what is wrong with it, in which case it is not known for any action.
    pub(super) fn parse(text: &str) -> (Self, Option<String>) {
        let (expression, why) = match read(text) {
            Ok(expression) => (expression, None),
            Err(why) => (Expression::Opaque, Some(why)),
        };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (Self { text: Text::from(text.chars().take(MAX_BYTES).collect::<String>()), expression }, why)
    }

    /// Whether it is met for an action.
    pub(super) fn is_met<'c>(&'c self, action: &Action, doubts: &mut Doubts<'c>) -> Truth {
        match self.expression.value_of(action.lower()) {
            Truth::Unknown => doubts.add(&self.text),
            known => known,
        }
    }
}

impl Expression {
    /// What it says of an action in lower case.
    fn value_of(&self, action: &str) -> Truth {
        match self {
            Self::All(parts) => parts.iter().map(|part| part.value_of(action)).min().unwrap_or(Truth::True),
            Self::Any(parts) => parts.iter().map(|part| part.value_of(action)).max().unwrap_or(Truth::False),
            Self::Not(part) => part.value_of(action).not(),
            Self::ActionMatches(pattern) => Truth::of(matches(pattern, action)),
            Self::Opaque => Truth::Unknown,
        }
    }
}

/// A condition as the pipeline keeps it, for what is granted on the whole.
#[derive(Clone, Debug)]
pub(crate) struct SpelledCondition(Condition);

impl SpelledCondition {
    /// Reads one; one that cannot be read is not known for any action.
    pub(crate) fn read(text: &str) -> Self {
        Self(Condition::parse(text).0)
    }

    /// Whether it is met for an action of the catalogue.
    pub(crate) fn is_met(&self, action: &str) -> Truth {
        self.0.expression.value_of(&action.to_lowercase())
    }

    /// What a doubt about it is called.
    pub(crate) fn name(&self) -> &Text {
        &self.0.text
    }
}

fn read(text: &str) -> Result<Expression, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("{} bytes, more than {MAX_BYTES}", text.len()));
    }
    let mut reader = Reader { rest: text, depth: 0 };
    let expression = reader.expression()?;
    match reader.next() {
        "" => Ok(expression),
        rest => Err(format!("`{}` is left over", super::short(rest))),
    }
}

struct Reader<'t> {
    rest: &'t str,
    depth: u32,
}

impl<'t> Reader<'t> {
    /// What is left, without space before it.
    fn next(&mut self) -> &'t str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    /// Terms with one kind of operator between them.
    fn expression(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.term()?];
        let mut operator = None;
        while let Some(next) = self.operator() {
            if *operator.get_or_insert(next) != next {
                return Err("`AND` and `OR` side by side need parentheses".to_owned());
            }
            parts.push(self.term()?);
        }
        Ok(match operator {
            None => parts.swap_remove(0),
            Some(Operator::And) => Expression::All(parts),
            Some(Operator::Or) => Expression::Any(parts),
        })
    }

    fn operator(&mut self) -> Option<Operator> {
        for (words, operator) in [(["&&", "AND"], Operator::And), (["||", "OR"], Operator::Or)] {
            if self.take(words[0]) || self.take_word(words[1]) {
                return Some(operator);
            }
        }
        None
    }

    fn term(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        let term = self.term_inside();
        self.depth -= 1;
        term
    }

    fn term_inside(&mut self) -> Result<Expression, String> {
        if self.take("!") || self.take_word("NOT") {
            return Ok(Expression::Not(Box::new(self.term()?)));
        }
        if self.take("(") {
            let inside = self.expression()?;
            return if self.take(")") { Ok(inside) } else { Err("a parenthesis is not closed".to_owned()) };
        }
        if self.take_word("ActionMatches") {
            return self.action();
        }
        self.comparison()
    }

    fn action(&mut self) -> Result<Expression, String> {
        let wrong = || "`ActionMatches` is not followed by `{'…'}`".to_owned();
        let inside = self.next().strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or_else(wrong)?;
        self.rest = inside.1;
        let quoted = inside.0.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).ok_or_else(wrong)?;
        if quoted.contains('\'') || quoted.len() > 512 {
            return Err(wrong());
        }
        Ok(Expression::ActionMatches(quoted.to_lowercase()))
    }

    /// Anything up to an operator or a parenthesis that stands outside of braces, brackets and quotes.
    fn comparison(&mut self) -> Result<Expression, String> {
        let text = self.next();
        let (mut quoted, mut inside) = (false, 0_u32);
        let mut end = text.len();
        for (at, c) in text.char_indices() {
            match c {
                '\'' => quoted = !quoted,
                _ if quoted => {}
                '{' | '[' => inside += 1,
                '}' | ']' => inside = inside.saturating_sub(1),
                '(' | ')' if inside == 0 => end = at,
                _ if inside == 0 && starts_operator(&text[..at], &text[at..]) => end = at,
                _ => {}
            }
            if end < text.len() {
                break;
            }
        }
        let closed = !quoted && inside == 0;
        if !closed || text[..end].trim().is_empty() {
            return Err(format!("`{}` is no expression", super::short(text)));
        }
        self.rest = &text[end..];
        Ok(Expression::Opaque)
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.next().strip_prefix(token) else { return false };
        self.rest = rest;
        true
    }

    fn take_word(&mut self, word: &str) -> bool {
        let text = self.next();
        if !is_word_at(text, word) {
            return false;
        }
        self.rest = &text[word.len()..];
        true
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
}

fn starts_operator(before: &str, text: &str) -> bool {
    let behind_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    text.starts_with("&&")
        || text.starts_with("||")
        || !behind_word && (is_word_at(text, "AND") || is_word_at(text, "OR"))
}

/// Whether a word stands at the start, in any case, and ends there.
fn is_word_at(text: &str, word: &str) -> bool {
    let Some(head) = text.get(..word.len()) else { return false };
    head.eq_ignore_ascii_case(word) && !text[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_about_the_actions_that_it_names() {
        let read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
        let write = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write";
        let mut report = String::new();
        for text in [
            "((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'})) OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'a OR (b'))",
            "!(ActionMatches{'*/READ'}) && !(ActionMatches{'*/write'})",
            "!(ActionMatches{'*/read'} AND SubOperationMatches{'Blob.List'}) OR @Resource[a:b] StringEquals 'x'",
            "NOT ActionMatches{'*/read'} OR (@Request[x:ORDER] ForAnyOfAnyValues:GuidEquals {a, b} and NOT Exists @Environment[y])",
            "@Principal[a:b] StringEquals 'x'",
            "ActionMatches{'*/read'} AND ActionMatches{'*/blobs/*'} OR ActionMatches{'*/write'}",
            "(ActionMatches{'*/read'}",
            "ActionMatches{*/read}",
            "",
            "ActionMatches{'a'} AND",
        ] {
            let (condition, why) = Condition::parse(text);
            let value = |name| condition.is_met(&Action::parse(name, None).unwrap(), &mut Doubts::default());
            report += &format!("{:?} {:?} {why:?}\n", value(read), value(write));
        }
        expect_test::expect![[r#"
            Unknown True None
            False False None
            Unknown True None
            Unknown True None
            Unknown Unknown None
            Unknown Unknown Some("`AND` and `OR` side by side need parentheses")
            Unknown Unknown Some("a parenthesis is not closed")
            Unknown Unknown Some("`ActionMatches` is not followed by `{'…'}`")
            Unknown Unknown Some("`` is no expression")
            Unknown Unknown Some("`` is no expression")
        "#]]
        .assert_eq(&report);
    }

    #[test]
    fn deep_and_long_conditions_are_not_known_and_do_not_hang() {
        for text in ["(".repeat(16_000), "!".repeat(16_000), "a".repeat(1 << 20), "ActionMatches{'a'} AND ".repeat(700)]
        {
            let (condition, why) = Condition::parse(&text);
            assert!(why.is_some());
            assert_eq!(condition.expression, Expression::Opaque);
        }
    }

    #[test]
    fn every_condition_of_a_builtin_role_is_read() {
        let names = ["Key Vault Data Access Administrator", "Azure Sphere Owner", "Azure Stack HCI Administrator"];
        for name in names {
            let role = crate::azure::builtin_role(name).unwrap();
            let conditions: Vec<_> = role.statements.iter().filter_map(|block| block.condition.as_ref()).collect();
            assert!(!conditions.is_empty(), "{name}");
            for condition in conditions {
                assert_eq!(Condition::parse(condition).1, None, "{name}: {condition}");
            }
        }
    }
}
