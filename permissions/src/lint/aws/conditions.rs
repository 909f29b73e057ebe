//! Conditions: operators, keys, values, and how they go together.

use std::cell::OnceCell;

use roaring::RoaringBitmap;
use schemas::Time;

use super::keys::{self, Type};
use super::reference::REFERENCE;
use super::{Document, Statement, Test};
use crate::lint::json::Node;
use crate::lint::nearest::{hint, nearest};
use crate::lint::{Found, RuleId, short};

/// Keys per document that are held against the statement's actions, each of up to twenty thousand.
const MAX_KEYS: usize = 256;

/// What an operator compares as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    /// Text; whether wildcards are read.
    Text(bool),
    Number,
    Date,
    Flag,
    Binary,
    Address,
    Arn,
    Null,
}

/// Every operator, and whether it is negated (IAM JSON policy elements: Condition operators).
const OPERATORS: [(&str, Comparison, bool); 27] = [
    ("StringEquals", Comparison::Text(false), false),
    ("StringNotEquals", Comparison::Text(false), true),
    ("StringEqualsIgnoreCase", Comparison::Text(false), false),
    ("StringNotEqualsIgnoreCase", Comparison::Text(false), true),
    ("StringLike", Comparison::Text(true), false),
    ("StringNotLike", Comparison::Text(true), true),
    ("NumericEquals", Comparison::Number, false),
    ("NumericNotEquals", Comparison::Number, true),
    ("NumericLessThan", Comparison::Number, false),
    ("NumericLessThanEquals", Comparison::Number, false),
    ("NumericGreaterThan", Comparison::Number, false),
    ("NumericGreaterThanEquals", Comparison::Number, false),
    ("DateEquals", Comparison::Date, false),
    ("DateNotEquals", Comparison::Date, true),
    ("DateLessThan", Comparison::Date, false),
    ("DateLessThanEquals", Comparison::Date, false),
    ("DateGreaterThan", Comparison::Date, false),
    ("DateGreaterThanEquals", Comparison::Date, false),
    ("Bool", Comparison::Flag, false),
    ("BinaryEquals", Comparison::Binary, false),
    ("IpAddress", Comparison::Address, false),
    ("NotIpAddress", Comparison::Address, true),
    ("ArnEquals", Comparison::Arn, false),
    ("ArnLike", Comparison::Arn, false),
    ("ArnNotEquals", Comparison::Arn, true),
    ("ArnNotLike", Comparison::Arn, true),
    ("Null", Comparison::Null, false),
];

/// How the values of a key in the request are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    None,
    All,
    Any,
}

/// An operator taken apart.
#[derive(Clone, Copy, Debug)]
struct Operator {
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
    set: Set,
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("ForAllValues") => (Set::All, rest),
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("ForAnyValue") => (Set::Any, rest),
            Some(_) => return None,
            None => (Set::None, name),
        };
        let lower = rest.to_ascii_lowercase();
        let (base, if_exists) = lower.strip_suffix("ifexists").map_or((lower.as_str(), false), |base| (base, true));
        let (_, comparison, negated) = *OPERATORS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(base))?;
        let plain = !if_exists && set == Set::None;
        (comparison != Comparison::Null || plain).then_some(Self { comparison, negated, if_exists, set })
    }
}

/// Whether a test limits who passes: it fails when the key is absent, and does not take every value.
pub(super) fn limits(test: &Test<'_>) -> bool {
    let Some(operator) = Operator::parse(test.operator) else { return false };
    let everything = |value: &Node| match operator.comparison {
        Comparison::Text(true) | Comparison::Arn => value.text().is_some_and(|t| t.bytes().all(|b| b == b'*')),
        Comparison::Address => value.text().is_some_and(|t| t.ends_with("/0")),
        _ => false,
    };
    let positive = !operator.negated && !operator.if_exists && operator.set != Set::All;
    positive && operator.comparison != Comparison::Null && !test.values.iter().any(everything)
}

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    let mut n_hints = 0;
    let mut n_keys = 0;
    for statement in &document.statements {
        let actions = OnceCell::new();
        let actions = || actions.get_or_init(|| statement.expanded(document.catalogue));
        for test in &statement.tests {
            let Some(operator) = Operator::parse(test.operator) else {
                unknown_operator(test, found);
                continue;
            };
            if exists(test, &mut n_hints, found) && statement.not_actions.is_none() && n_keys < MAX_KEYS {
                n_keys += 1;
                has_action(document, test, actions(), found);
            }
            values(&operator, test, found);
            types(&operator, test, found);
            sets(&operator, statement, test, found);
            pitfalls(&operator, statement, test, found);
            times(&operator, test, document.options.as_of, found);
        }
    }
}

fn unknown_operator(test: &Test<'_>, found: &mut Found) {
    let name = test.operator.rsplit(':').next().unwrap_or_default();
    let name = name.strip_suffix("IfExists").unwrap_or(name);
    let null = name.eq_ignore_ascii_case("Null");
    let hint = if null {
        "; `Null` takes no prefix and no suffix".to_owned()
    } else {
        hint(name, OPERATORS.iter().map(|o| o.0))
    };
    let message = format!("no operator is called `{}`{hint}", short(test.operator));
    found.add(RuleId::AwsUnknownOperator, test.operator_at, message);
}

/// Whether a key exists, and is one of a service.
fn exists(test: &Test<'_>, n_hints: &mut usize, found: &mut Found) -> bool {
    const MAX_HINTS: usize = 64;
    let Some((prefix, _)) = test.key.split_once(':') else {
        let message = format!("`{}` is no condition key: it has no prefix", short(test.key));
        found.add(RuleId::AwsUnknownKey, test.key_at, message);
        return false;
    };
    if prefix.eq_ignore_ascii_case("aws") {
        if !keys::is_global(test.key) && !REFERENCE.has_key(test.key) {
            let hint = hint(test.key, keys::globals());
            let message = format!("no global condition key is called `{}`{hint}", short(test.key));
            found.add(RuleId::AwsUnknownKey, test.key_at, message);
        }
        return false;
    }
    // Identity providers bring keys of their own: `token.actions.githubusercontent.com:sub`, `saml:aud`.
    if prefix.contains(['.', '/', '$']) || !REFERENCE.knows_prefix(prefix) {
        return false;
    }
    if !REFERENCE.has_key(test.key) && !keys::is_of_service(test.key) {
        *n_hints += 1;
        let known = REFERENCE.keys().filter(|_| *n_hints <= MAX_HINTS);
        let hint = nearest(test.key, known).map_or_else(String::new, |k| format!("; did you mean `{k}`?"));
        let message = format!("no action has a condition key `{}`{hint}", short(test.key));
        found.add(RuleId::AwsUnknownKey, test.key_at, message);
        return false;
    }
    // What the reference gives to no action, and what a role's session brings along, says nothing of an action.
    REFERENCE.has_key(test.key) && !keys::is_of_session(test.key)
}

/// Whether an action of the statement has the key.
fn has_action(document: &Document<'_>, test: &Test<'_>, actions: &RoaringBitmap, found: &mut Found) {
    let has = |idx: u32| {
        let action = document.catalogue.get(crate::ActionIdx(idx));
        action.and_then(|a| REFERENCE.action(&a.name)).is_none_or(|a| a.has_key(test.key))
    };
    if !actions.is_empty() && !actions.iter().any(has) {
        let message = format!("none of the statement's actions has the key `{}`", short(test.key));
        found.add(RuleId::AwsKeyNotForAction, test.key_at, message);
    }
}

/// Whether values are of the operator's type; those with variables are not known.
fn values(operator: &Operator, test: &Test<'_>, found: &mut Found) {
    for value in test.values {
        let Some(text) = value.scalar().filter(|text| !text.contains("${")) else { continue };
        let (fits, what) = match operator.comparison {
            Comparison::Text(_) => continue,
            Comparison::Flag | Comparison::Null => {
                (["true", "false"].iter().any(|w| text.eq_ignore_ascii_case(w)), "`true` nor `false`")
            }
            Comparison::Number => (text.trim().parse::<f64>().is_ok(), "a number"),
            Comparison::Date => (is_date(text), "a date such as `2026-11-29T00:00:00Z`"),
            Comparison::Address => (is_address(text), "an address or a range such as `203.0.113.0/24`"),
            Comparison::Arn => (is_arn(text), "an ARN"),
            Comparison::Binary => (is_base64(text), "Base64"),
        };
        if !fits {
            let neither = if what.starts_with('`') { "neither" } else { "not" };
            let message = format!("`{}` of `{}` is {neither} {what}", short(text), short(test.key));
            found.add(RuleId::AwsOperatorValue, value.start, message);
        }
        if operator.comparison == Comparison::Address
            && test.key.eq_ignore_ascii_case("aws:SourceIp")
            && is_private(text)
        {
            let message = format!("`{}` is private, and requests come from public addresses", short(text));
            found.add(RuleId::AwsPrivateSourceIp, value.start, message);
        }
    }
    if operator.comparison == Comparison::Flag && test.values.len() > 1 {
        let message = format!("`{}` has {} values under `Bool`, which takes one", short(test.key), test.values.len());
        found.add(RuleId::AwsOperatorValue, test.key_at, message);
    }
}

fn is_date(text: &str) -> bool {
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if digits(&text.replacen('.', "", 1)) {
        return true;
    }
    let (date, time) = text.split_once(['T', 't']).unwrap_or((text, ""));
    let full = if time.is_empty() { "00:00:00Z".to_owned() } else { time.to_owned() };
    let full =
        if full.matches(':').count() == 1 && !full.contains(['+', '-']) { full.replacen('Z', ":00Z", 1) } else { full };
    let date = match date.len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date.to_owned(),
    };
    let zoned = format!("{date}T{full}");
    schemas::Time::parse(&zoned).is_ok() || schemas::Time::parse(&format!("{zoned}Z")).is_ok()
}

fn is_address(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    let Ok(address) = address.parse::<std::net::IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|p| p.parse::<u8>().is_ok_and(|bits| bits <= most))
}

fn is_private(text: &str) -> bool {
    let address = text.split('/').next().unwrap_or_default();
    address.parse::<std::net::Ipv4Addr>().is_ok_and(|a| a.is_private() || a.is_loopback() || a.is_link_local())
}

fn is_arn(text: &str) -> bool {
    text.bytes().all(|b| b == b'*')
        || text.starts_with("arn:") && (text.matches(':').count() >= 5 || text.contains('*'))
}

fn is_base64(text: &str) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).is_ok()
}

/// Whether operator and key are of one type.
fn types(operator: &Operator, test: &Test<'_>, found: &mut Found) {
    let Some(kind) = keys::kind(test.key) else { return };
    let fits = match operator.comparison {
        Comparison::Null => true,
        // Texts are compared as texts whatever they mean, which is right for flags, ARNs and accounts in full.
        Comparison::Text(_) => !matches!(kind, Type::Address | Type::Date | Type::Number),
        Comparison::Number => matches!(kind, Type::Number) || test.key.eq_ignore_ascii_case("aws:EpochTime"),
        Comparison::Date => matches!(kind, Type::Date),
        Comparison::Flag => matches!(kind, Type::Flag),
        Comparison::Binary => false,
        Comparison::Address => matches!(kind, Type::Address),
        // Tags and encryption contexts may hold ARNs, and AWS's own policies compare them so.
        Comparison::Arn => matches!(kind, Type::Arn) || keys::is_open(test.key),
    };
    if !fits {
        let message =
            format!("`{}` does not compare values such as those of `{}`", short(test.operator), short(test.key));
        found.add(RuleId::AwsOperatorKey, test.operator_at, message);
    }
}

/// `ForAllValues` and `ForAnyValue`.
fn sets(operator: &Operator, statement: &Statement<'_>, test: &Test<'_>, found: &mut Found) {
    let many = keys::has_many(test.key);
    let key = short(test.key);
    match (operator.set, many) {
        (Set::None, Some(true)) if operator.comparison != Comparison::Null => {
            let message = format!("`{key}` has several values and `{}` takes one", short(test.operator));
            found.add(RuleId::AwsMissingSetOperator, test.operator_at, message);
        }
        (Set::All | Set::Any, Some(false)) => {
            let message = format!("`{key}` has one value, and `{}` is about several", short(test.operator));
            found.add(RuleId::AwsSetOperatorSingle, test.operator_at, message);
        }
        _ => {}
    }
    if operator.set == Set::All && statement.allow && !requires(statement, test.key) {
        let message = format!("`{}` also holds when `{key}` is absent", short(test.operator));
        found.add(RuleId::AwsForAllValuesAllow, test.operator_at, message);
    }
    if operator.set == Set::Any && operator.negated {
        let message = format!("`{}` holds as soon as one value of `{key}` is not listed", short(test.operator));
        found.add(RuleId::AwsForAnyValueNegated, test.operator_at, message);
    }
}

/// What `Null` says of a key, if anything: `true` for absent.
fn null<'s>(statement: &'s Statement<'_>, key: &str) -> impl Iterator<Item = &'s str> {
    let of = |t: &&Test<'_>| t.operator.eq_ignore_ascii_case("Null") && t.key.eq_ignore_ascii_case(key);
    let tests: Vec<&Test<'_>> = statement.tests.iter().filter(of).collect();
    tests.into_iter().flat_map(|t| t.values).filter_map(Node::scalar)
}

/// Whether the statement requires that a key is present.
fn requires(statement: &Statement<'_>, key: &str) -> bool {
    null(statement, key).any(|value| value.eq_ignore_ascii_case("false"))
}

fn pitfalls(operator: &Operator, statement: &Statement<'_>, test: &Test<'_>, found: &mut Found) {
    let key = short(test.key);
    if test.key.eq_ignore_ascii_case("aws:MultiFactorAuthPresent") && operator.comparison == Comparison::Flag {
        let asked = test.values.iter().any(|v| v.scalar().is_some_and(|t| t.eq_ignore_ascii_case("true")));
        if statement.allow && asked && operator.if_exists {
            let message = "allows without MFA whoever signs with an access key: the key is absent then";
            found.add(RuleId::AwsMfaAbsent, test.operator_at, message);
        } else if !statement.allow && !asked && !operator.if_exists {
            let message = "does not deny whoever signs with an access key: the key is absent then";
            found.add(RuleId::AwsMfaAbsent, test.operator_at, message);
        }
    }
    let wants_value = !operator.negated && !operator.if_exists && operator.set != Set::All;
    let absent = null(statement, test.key).any(|value| value.eq_ignore_ascii_case("true"));
    if operator.comparison != Comparison::Null && wants_value && absent {
        let message = format!("`{key}` must be absent and have a value: the statement never applies");
        found.add(RuleId::AwsNullContradiction, test.key_at, message);
    }
    for value in test.values {
        let Some(text) = value.text() else { continue };
        let literal = operator.comparison == Comparison::Text(false);
        if literal && text.replace("${*}", "").replace("${?}", "").contains('*') {
            let message = format!("`{}` is compared literally by `{}`", short(text), short(test.operator));
            found.add(RuleId::AwsWildcardInEquals, value.start, message);
        }
        let all = match operator.comparison {
            Comparison::Address => text == "0.0.0.0/0" || text == "::/0",
            Comparison::Text(true) | Comparison::Arn => !text.is_empty() && text.bytes().all(|b| b == b'*'),
            _ => false,
        };
        // Under `StringLike` it still says that the key is present, which is what is meant where the key may be absent.
        let certain = operator.comparison == Comparison::Address || operator.if_exists || operator.set == Set::All;
        if all && certain && !operator.negated {
            found.add(RuleId::AwsConditionAlways, value.start, format!("`{}` is every value of `{key}`", short(text)));
        }
    }
}

/// Dates that are past: what was to end has ended, and what was to begin holds for good.
fn times(operator: &Operator, test: &Test<'_>, as_of: Option<Time>, found: &mut Found) {
    let now = ["aws:CurrentTime", "aws:EpochTime", "aws:TokenIssueTime"];
    let of_now = now.iter().any(|key| key.eq_ignore_ascii_case(test.key));
    let (Some(as_of), [value], true) = (as_of, test.values, of_now) else { return };
    let Some(past) = value.text().and_then(|text| Time::parse(text).ok()).filter(|time| *time <= as_of) else { return };
    // Session tokens live for 36 hours at most, so that one of before is none.
    let gone =
        !test.key.eq_ignore_ascii_case("aws:TokenIssueTime") || past + std::time::Duration::from_secs(129_600) <= as_of;
    let name = test.operator.to_ascii_lowercase();
    if name.contains("datelessthan") && gone {
        found.add(RuleId::AwsConditionOver, value.start, format!("it ended on {}", past.date()));
    } else if name.contains("dategreaterthan") && !operator.if_exists && gone {
        let message = format!("it holds of every request since {}", past.date());
        found.add(RuleId::AwsConditionAlways, value.start, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_operators_do() {
        for date in ["2026", "2026-11", "2026-11-29", "2026-11-29T10:00Z", "2026-11-29T10:00:00.5+01:00", "1796000000"]
        {
            assert!(is_date(date), "{date}");
        }
        for date in ["yesterday", "2026-13-01", "29.11.2026", ""] {
            assert!(!is_date(date), "{date}");
        }
        assert!(is_address("2001:db8::/32") && is_address("10.0.0.1") && !is_address("10.0.0.0/33"));
        assert!(is_arn("arn:aws:s3:::b") && is_arn("*") && is_arn("arn:aws:iam::*") && !is_arn("role/x"));
    }
}
