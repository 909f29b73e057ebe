//! Functions of conditions.

use std::borrow::Cow;

use super::expression::{Arithmetic, Fault};
use super::value::{SECOND, Value, duration, part, time, zone_seconds};

/// What a function returns.
pub(super) enum Called {
    Value(Value),
    /// It has no such arguments.
    Fault,
    /// It needs what is not here: the table of a time zone.
    NotKnown,
}

/// Whether a function of that many arguments is evaluated here, the value it is called on counted.
pub(super) fn is_known(name: &str, n_arguments: usize) -> bool {
    match name {
        "size" | "timestamp" | "duration" => n_arguments == 1,
        "startsWith" | "endsWith" | "contains" | "extract" | "hasOnly" => n_arguments == 2,
        _ if name.starts_with("get") && part(0, name).is_some() => matches!(n_arguments, 1 | 2),
        _ => false,
    }
}

pub(super) fn call(name: &str, arguments: &[Cow<'_, Value>]) -> Called {
    let [first, rest @ ..] = arguments else { return Called::Fault };
    let found = match (name, &**first, rest) {
        ("size", Value::Text(text), []) => i64::try_from(text.chars().count()).ok().map(Value::Int),
        ("size", Value::List(list), []) => i64::try_from(list.len()).ok().map(Value::Int),
        ("timestamp", Value::Time(time), []) => Some(Value::Time(*time)),
        ("timestamp", Value::Text(text), []) => time(text).map(Value::Time),
        ("duration", Value::Duration(nanos), []) => Some(Value::Duration(*nanos)),
        ("duration", Value::Text(text), []) => duration(text).map(Value::Duration),
        ("startsWith", Value::Text(text), [with]) => with.text().map(|with| Value::Bool(text.starts_with(with))),
        ("endsWith", Value::Text(text), [with]) => with.text().map(|with| Value::Bool(text.ends_with(with))),
        ("contains", Value::Text(text), [with]) => with.text().map(|with| Value::Bool(text.contains(with))),
        ("extract", Value::Text(text), [template]) => template.text().and_then(|t| extract(text, t)),
        ("hasOnly", Value::List(list), [only]) => has_only(list, only),
        (_, Value::Time(time), []) => part(*time, name).map(Value::Int),
        (_, Value::Time(time), [zone]) => match zone.text().map(zone_seconds) {
            Some(Some(offset)) => part(time + i128::from(offset) * SECOND, name).map(Value::Int),
            Some(None) => return Called::NotKnown,
            None => None,
        },
        _ => None,
    };
    found.map_or(Called::Fault, Called::Value)
}

pub(super) fn arithmetic(operator: Arithmetic, left: &Value, right: &Value) -> Result<Value, Fault> {
    let found = match (operator, left, right) {
        (Arithmetic::Add, Value::Int(left), Value::Int(right)) => left.checked_add(*right).map(Value::Int),
        (Arithmetic::Subtract, Value::Int(left), Value::Int(right)) => left.checked_sub(*right).map(Value::Int),
        (Arithmetic::Add, Value::Text(left), Value::Text(right)) => Some(Value::Text(format!("{left}{right}").into())),
        (Arithmetic::Add, Value::Time(time), Value::Duration(by))
        | (Arithmetic::Add, Value::Duration(by), Value::Time(time)) => time.checked_add(*by).map(Value::Time),
        (Arithmetic::Subtract, Value::Time(time), Value::Duration(by)) => time.checked_sub(*by).map(Value::Time),
        (Arithmetic::Subtract, Value::Time(left), Value::Time(right)) => left.checked_sub(*right).map(Value::Duration),
        (Arithmetic::Add, Value::Duration(left), Value::Duration(right)) => {
            left.checked_add(*right).map(Value::Duration)
        }
        (Arithmetic::Subtract, Value::Duration(left), Value::Duration(right)) => {
            left.checked_sub(*right).map(Value::Duration)
        }
        _ => None,
    };
    found.ok_or(Fault)
}

/// What stands where the template has `{name}`: behind the first place of what is before it, up to the next of what is
/// behind it, or to the end. Empty where the template does not fit (Attribute reference, «Extract»).
fn extract(text: &str, template: &str) -> Option<Value> {
    let (before, rest) = template.split_once('{')?;
    let (_, after) = rest.split_once('}')?;
    let found = text.find(before).map(|at| &text[at + before.len()..]).and_then(|rest| match after {
        "" => Some(rest),
        after => rest.find(after).map(|end| &rest[..end]),
    });
    Some(Value::Text(found.unwrap_or_default().into()))
}

/// Whether a list has no element but those of another (Attribute reference, «API attributes»).
fn has_only(list: &[Value], only: &Value) -> Option<Value> {
    match only {
        Value::List(only) => Some(Value::Bool(list.iter().all(|value| only.contains(value)))),
        _ => None,
    }
}
