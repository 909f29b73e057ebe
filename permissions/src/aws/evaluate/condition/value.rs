//! The values of a condition, read once as what their operator compares.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::date::Instant;
use super::number::Decimal;
use super::operator::{Kind, Order};
use crate::aws::evaluate::context::Context;
use crate::aws::evaluate::short;
use crate::aws::evaluate::variables::{Pattern, Resolved, Syntax, next_variable};
use crate::truth::{Doubts, Truth};

/// Values of one key beyond which a condition is refused.
const MAX_VALUES: usize = 8192;

/// What a key is compared with; one of them must match.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    Patterns(Box<[Pattern]>),
    IgnoreCase(Box<[Pattern]>),
    Numbers(Order, Box<[Decimal]>),
    Dates(Order, Box<[Instant]>),
    Binary(Box<[Box<[u8]>]>),
    Networks(Box<[Network]>),
    Arns(Box<[ArnPattern]>),
    Null(Box<[bool]>),
}

impl Values {
    /// Reads values for an operator. Variables are known to string, ARN and Boolean operators alone.
    pub(super) fn parse(kind: Kind, texts: &[String], variables: bool) -> Result<Self, String> {
        if texts.len() > MAX_VALUES {
            return Err(format!("{} values, more than {MAX_VALUES}", texts.len()));
        }
        let patterns = |wildcards| each(texts, |text| Pattern::parse(text, Syntax { wildcards, variables }));
        let wrong = |what: &str, text: &str| format!("`{}` is no {what}", short(text));
        Ok(match kind {
            Kind::StringEquals => Self::Patterns(patterns(false)?),
            Kind::StringLike => Self::Patterns(patterns(true)?),
            Kind::StringEqualsIgnoreCase => Self::IgnoreCase(patterns(false)?),
            Kind::Bool => Self::IgnoreCase(each(texts, |text| boolean(text, variables))?),
            Kind::Numeric(order) => {
                Self::Numbers(order, each(texts, |t| Decimal::parse(t).ok_or_else(|| wrong("number", t)))?)
            }
            Kind::Date(order) => {
                Self::Dates(order, each(texts, |t| Instant::parse(t).ok_or_else(|| wrong("date", t)))?)
            }
            Kind::Binary => Self::Binary(each(texts, |t| decode(t).ok_or_else(|| wrong("Base64", t)))?),
            Kind::IpAddress => {
                Self::Networks(each(texts, |t| Network::parse(t).ok_or_else(|| wrong("IP address or range", t)))?)
            }
            Kind::Arn => Self::Arns(each(texts, |text| ArnPattern::parse(text, variables))?),
            Kind::Null => Self::Null(each(texts, |t| truth(t).ok_or_else(|| wrong("Boolean", t)))?),
        })
    }

    /// Whether one of them matches a value of the request. A value that is not of the operator's type matches nothing.
    pub(super) fn match_one<'p>(&'p self, value: &str, context: &Context, doubts: &mut Doubts<'p>) -> Truth {
        match self {
            Self::Patterns(list) => doubts.any(&**list, |p, doubts| p.matches(value.as_bytes(), context, doubts)),
            Self::IgnoreCase(list) => doubts.any(&**list, |p, doubts| same_in_any_case(p, value, context, doubts)),
            Self::Numbers(order, list) => Truth::of(
                Decimal::parse(value).is_some_and(|value| list.iter().any(|number| order.holds(&value, number))),
            ),
            Self::Dates(order, list) => {
                Truth::of(Instant::parse(value).is_some_and(|value| list.iter().any(|date| order.holds(&value, date))))
            }
            Self::Binary(list) => Truth::of(decode(value).is_some_and(|value| list.contains(&value))),
            Self::Networks(list) => {
                Truth::of(value.parse().is_ok_and(|address| list.iter().any(|network| network.contains(address))))
            }
            Self::Arns(list) => doubts.any(&**list, |p, doubts| p.matches(value, context, doubts)),
            Self::Null(_) => Truth::False,
        }
    }
}

fn each<T>(texts: &[String], mut read: impl FnMut(&str) -> Result<T, String>) -> Result<Box<[T]>, String> {
    texts.iter().map(|text| read(text)).collect()
}

fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

fn boolean(text: &str, variables: bool) -> Result<Pattern, String> {
    let has_variable = variables && next_variable(text).is_some();
    if !has_variable && truth(text).is_none() {
        return Err(format!("`{}` is no Boolean", short(text)));
    }
    Pattern::parse(text, Syntax { wildcards: false, variables })
}

fn same_in_any_case<'p>(pattern: &'p Pattern, value: &str, context: &Context, doubts: &mut Doubts<'p>) -> Truth {
    // A character has at most three times the bytes in another case.
    match pattern.resolve(context, 3 * value.len()) {
        Resolved::Unknown(key) => doubts.add(key),
        Resolved::Absent | Resolved::TooLong => Truth::False,
        Resolved::Known(text) => {
            let text = std::str::from_utf8(&text).unwrap_or_default();
            Truth::of(text.eq_ignore_ascii_case(value) || lower(text).eq(lower(value)))
        }
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

fn decode(text: &str) -> Option<Box<[u8]>> {
    STANDARD.decode(text).ok().map(Into::into)
}

/// An address or a range in CIDR form; an address alone is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    first: u128,
    mask: u128,
    is_v4: bool,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let (bits, is_v4) = bits_of(address.parse().ok()?);
        let width: u32 = if is_v4 { 32 } else { 128 };
        let length = match length {
            Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
            Some(_) => return None,
            None => width,
        };
        let host = width.checked_sub(length)?;
        let mask = u128::MAX.checked_shl(host).unwrap_or(0);
        Some(Self { first: bits & mask, mask, is_v4 })
    }

    fn contains(self, address: IpAddr) -> bool {
        let (bits, is_v4) = bits_of(address);
        is_v4 == self.is_v4 && bits & self.mask == self.first
    }
}

fn bits_of(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), true),
        IpAddr::V6(v6) => (u128::from(v6), false),
    }
}

/// An ARN pattern: its six parts are matched each for itself, so no wildcard reaches across a colon before the fifth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArnPattern {
    /// `None` when it has not six parts: then it matches nothing.
    parts: Option<Box<[Pattern; 6]>>,
}

impl ArnPattern {
    fn parse(text: &str, variables: bool) -> Result<Self, String> {
        let Some(parts) = split_outside_variables(text, variables) else { return Ok(Self { parts: None }) };
        let mut read = Vec::with_capacity(6);
        for part in parts {
            read.push(Pattern::parse(part, Syntax { wildcards: true, variables })?);
        }
        Ok(Self { parts: read.try_into().ok().map(Box::new) })
    }

    fn matches<'p>(&'p self, value: &str, context: &Context, doubts: &mut Doubts<'p>) -> Truth {
        let Some(parts) = &self.parts else { return Truth::False };
        let mut texts = value.splitn(6, ':');
        if value.bytes().filter(|byte| *byte == b':').take(5).count() < 5 {
            return Truth::False;
        }
        doubts.all(&**parts, |part, doubts| match texts.next() {
            Some(text) => part.matches(text.as_bytes(), context, doubts),
            None => Truth::False,
        })
    }
}

/// The six parts of an ARN, where a colon within a variable's name does not count.
fn split_outside_variables(text: &str, variables: bool) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut at) = (Vec::with_capacity(6), 0, 0);
    while parts.len() < 5 {
        let rest = &text[at..];
        let colon = rest.find(':')?;
        if variables
            && let Some((before, inside, _)) = next_variable(rest)
            && before.len() < colon
        {
            at += before.len() + inside.len() + "${}".len();
            continue;
        }
        parts.push(&text[start..at + colon]);
        at += colon + 1;
        start = at;
    }
    parts.push(&text[start..]);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_their_own_family_alone() {
        for (range, address, inside) in [
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.7/24", "203.0.113.1", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.113.9", "203.0.113.9", true),
            ("0.0.0.0/0", "255.1.2.3", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5678:9::", true),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5679::", false),
        ] {
            assert_eq!(Network::parse(range).unwrap().contains(address.parse().unwrap()), inside, "{range} {address}");
        }
        for range in ["", "1.2.3.4/33", "::/129", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/+1", "1.2.3", "*", "1.2.3.4/8/8"] {
            assert_eq!(Network::parse(range), None, "{range}");
        }
    }

    #[test]
    fn a_colon_within_a_variable_does_not_split_an_arn() {
        let parts = split_outside_variables("arn:aws:iam::${aws:PrincipalAccount}:role/${aws:x}:y", true).unwrap();
        assert_eq!(parts, ["arn", "aws", "iam", "", "${aws:PrincipalAccount}", "role/${aws:x}:y"]);
        assert_eq!(split_outside_variables("arn:aws:iam::1", true), None);
        assert_eq!(split_outside_variables("a:b:c:d:${x", true), None);
    }
}
