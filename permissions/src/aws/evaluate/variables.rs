//! Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and `${*}`, `${?}`, `${$}` for the characters
//! themselves (IAM policy elements: Variables and tags,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).
//!
//! The page allows them behind the fifth colon of a resource's ARN only; AWS's own managed policies have them before it
//! (`AmazonTimestreamInfluxDBServiceRolePolicy`: the account), so they count everywhere.
//!
//! A variable whose key is absent or has several values and that has no default matches nothing: the same page has such a
//! statement fail, and says of multivalued keys that they are no variables (Single-valued vs. multivalued context keys).

use std::borrow::Cow;

use smol_str::SmolStr;

use super::context::{Context, Held, Key};
use super::glob::{ANY, Glob, wild, wildcard};
use crate::truth::{Doubts, Truth};

/// Variables in one value; bounds what a short pattern can grow to.
const MAX_VARIABLES: usize = 64;

/// A value of a policy: fixed, or with variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Fixed(Glob),
    Template(Box<[Part]>),
}

/// A part of a value with variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Compiled text, see [`super::glob`].
    Text(Box<[u8]>),
    /// A key, and what stands for it when it is absent.
    Variable { key: Key, default: Option<SmolStr> },
}

/// What the characters of a value mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    /// Whether `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// Whether `${…}` is a variable: in documents of version 2012-10-17 only.
    pub(super) variables: bool,
}

/// A value with its variables replaced, compiled.
pub(super) enum Resolved<'p> {
    Known(Cow<'p, [u8]>),
    Absent,
    /// It has more text than it could match.
    TooLong,
    Unknown(&'p str),
}

impl Pattern {
    /// Reads a value.
    ///
    /// # Errors
    /// When it has more than [`MAX_VARIABLES`] variables.
    pub(super) fn parse(text: &str, syntax: Syntax) -> Result<Self, String> {
        let compile = |text: &str| -> Vec<u8> {
            if syntax.wildcards { text.bytes().map(wildcard).collect() } else { text.as_bytes().to_vec() }
        };
        let (mut parts, mut plain, mut rest) = (Vec::new(), Vec::new(), text);
        while syntax.variables
            && let Some((before, inside, after)) = next_variable(rest)
        {
            plain.extend(compile(before));
            rest = after;
            if let "*" | "?" | "$" = inside {
                plain.extend(inside.bytes());
                continue;
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain).into()));
            }
            parts.push(variable(inside));
        }
        plain.extend(compile(rest));
        if parts.is_empty() {
            return Ok(Self::Fixed(Glob::compiled(plain)));
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain.into()));
        }
        if parts.len() > 2 * MAX_VARIABLES {
            return Err(format!("`{}` has more than {MAX_VARIABLES} variables", super::short(text)));
        }
        Ok(Self::Template(parts.into()))
    }

    /// Whether it is `*`.
    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::Fixed(Glob::All))
    }

    /// Whether it has variables.
    pub(super) fn is_template(&self) -> bool {
        matches!(self, Self::Template(_))
    }

    /// Whether it matches the whole of a text.
    pub(super) fn matches<'p>(&'p self, text: &[u8], context: &Context, doubts: &mut Doubts<'p>) -> Truth {
        match self {
            Self::Fixed(glob) => Truth::of(glob.matches(text)),
            Self::Template(parts) => match resolve(parts, context, text.len()) {
                Resolved::Known(pattern) => Truth::of(wild(&pattern, text)),
                Resolved::Absent | Resolved::TooLong => Truth::False,
                Resolved::Unknown(key) => doubts.add(key),
            },
        }
    }

    /// The value with its variables replaced, compiled, if it has at most so many bytes; a fixed one only without wildcards.
    pub(super) fn resolve(&self, context: &Context, most: usize) -> Resolved<'_> {
        match self {
            Self::Fixed(Glob::Exact(text)) => Resolved::Known(Cow::Borrowed(text)),
            Self::Fixed(_) => Resolved::Absent,
            Self::Template(parts) => resolve(parts, context, most),
        }
    }
}

/// What stands before the next `${…}`, in it, and behind it. An opening without an end is text.
pub(super) fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (inside, after) = rest.split_once('}')?;
    Some((before, inside, after))
}

fn variable(inside: &str) -> Part {
    let (key, default) = match inside.split_once(',') {
        Some((key, rest)) => (key, quoted(rest.trim())),
        None => (inside, None),
    };
    Part::Variable { key: Key::new(key.trim()), default: default.map(SmolStr::from) }
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.strip_suffix('\'')
}

fn resolve<'p>(parts: &'p [Part], context: &Context, most: usize) -> Resolved<'p> {
    let (mut pattern, mut n_text) = (Vec::new(), 0);
    for part in parts {
        let text = match part {
            Part::Text(text) => &**text,
            Part::Variable { key, default } => match (context.get(key), default) {
                (Held::Values { values, multivalued: false }, _) => values[0].as_bytes(),
                (Held::Unknown, _) => return Resolved::Unknown(&key.written),
                (_, Some(default)) => default.as_bytes(),
                (_, None) => return Resolved::Absent,
            },
        };
        n_text += text.iter().filter(|byte| **byte != ANY).take(most + 1).count();
        if n_text <= most {
            pattern.extend_from_slice(text);
        }
    }
    if n_text > most { Resolved::TooLong } else { Resolved::Known(Cow::Owned(pattern)) }
}

#[cfg(test)]
mod tests {
    use super::super::context::Unnamed;
    use super::*;

    #[test]
    fn variables_are_replaced_by_text_and_not_by_wildcards() {
        let mut context = Context::new(Unnamed::Absent);
        context.set("aws:username", ["b*b"]);
        context.set("aws:TagKeys", ["a", "b"]);
        context.set_unknown("aws:userid");
        let like = Syntax { wildcards: true, variables: true };
        for (pattern, text, syntax, expected) in [
            ("people/${AWS:UserName}/*", "people/b*b/x", like, Truth::True),
            ("people/${aws:username}/*", "people/bob/x", like, Truth::False),
            ("${aws:userid, 'x'}", "x", like, Truth::Unknown),
            ("${aws:none, 'anon*'}", "anon*", like, Truth::True),
            ("${aws:none,'anon*'}", "anonymous", like, Truth::False),
            ("${aws:none}", "", like, Truth::False),
            ("${aws:TagKeys}", "a", like, Truth::False),
            ("${*}${?}${$}{x}", "*?${x}", like, Truth::True),
            ("${*}", "a", like, Truth::False),
            ("${aws:username", "${aws:username", like, Truth::True),
            ("${*}", "${x}", Syntax { wildcards: true, variables: false }, Truth::True),
            ("a*", "ab", Syntax { wildcards: false, variables: true }, Truth::False),
        ] {
            let read = Pattern::parse(pattern, syntax).unwrap();
            assert_eq!(read.matches(text.as_bytes(), &context, &mut Doubts::default()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn too_many_variables_are_refused() {
        assert!(Pattern::parse(&"${a}".repeat(1_000), Syntax { wildcards: true, variables: true }).is_err());
    }
}
