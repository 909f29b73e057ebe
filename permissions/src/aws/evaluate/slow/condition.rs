//! Conditions, read anew each time.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::statement::{Asked, Key, Mark, like_marked, marked, replace, texts};
use super::{Maybe, and, not, or, yes};

pub(super) fn holds(condition: &Value, asked: &Asked<'_>, variables: bool) -> Maybe {
    let mut tests = Vec::new();
    for (operator, keys) in condition.as_object().unwrap() {
        for (key, values) in keys.as_object().unwrap() {
            tests.push(test(operator, key, &texts(values), asked, variables));
        }
    }
    and(tests)
}

fn test(operator: &str, key: &str, wanted: &[String], asked: &Asked<'_>, variables: bool) -> Maybe {
    let (set, name) = operator.split_once(':').unwrap_or(("", operator));
    let if_exists = name.ends_with("IfExists");
    let name = name.trim_end_matches("IfExists");
    let negated = name.contains("Not");
    let (values, multivalued) = match asked.key(key) {
        Key::Unknown => return Maybe::Because(BTreeSet::from([key.to_lowercase()])),
        Key::Absent if name == "Null" => return yes(wanted.iter().any(|value| value == "true")),
        Key::Absent => return yes(if_exists || set == "ForAllValues" || set.is_empty() && negated),
        Key::Values(..) if name == "Null" => return yes(wanted.iter().any(|value| value == "false")),
        Key::Values(values, multivalued) => (values, multivalued),
    };
    let one = |value: &String| {
        let found = or(wanted.iter().map(|wanted| compare(name, value, wanted, asked, variables)));
        if negated { not(found) } else { found }
    };
    let is_empty = values.iter().all(String::is_empty);
    match set {
        "ForAllValues" if is_empty => Maybe::Yes,
        "ForAllValues" => and(values.iter().map(one)),
        "ForAnyValue" if is_empty => Maybe::No,
        "ForAnyValue" => or(values.iter().map(one)),
        _ if multivalued => Maybe::No,
        _ => one(&values[0]),
    }
}

/// Whether a value of the request is a value of the policy, without regard to `Not`.
fn compare(name: &str, value: &str, wanted: &str, asked: &Asked<'_>, variables: bool) -> Maybe {
    let replaced = |wildcards| replace(wanted, asked, variables, wildcards);
    let with = |pattern: Result<Option<Vec<Mark>>, String>, matches: &dyn Fn(Vec<Mark>) -> bool| match pattern {
        Ok(Some(pattern)) => yes(matches(pattern)),
        Ok(None) => Maybe::No,
        Err(key) => Maybe::Because(BTreeSet::from([key])),
    };
    match name.replace("Not", "").as_str() {
        "StringEquals" => with(replaced(false), &|pattern| pattern == marked(value)),
        "StringLike" => with(replaced(true), &|pattern| like_marked(&pattern, &marked(value))),
        "StringEqualsIgnoreCase" | "Bool" => {
            with(replaced(false), &|pattern| text_of(&pattern).to_lowercase() == value.to_lowercase())
        }
        "ArnEquals" | "ArnLike" => arn(value, wanted, asked, variables),
        "IpAddress" => yes(in_range(value, wanted)),
        "BinaryEquals" => yes(value == wanted),
        other => match other.strip_prefix("Numeric") {
            Some(order) => yes(in_order(order, value.parse::<f64>().ok(), wanted.parse::<f64>().ok())),
            None => yes(in_order(other.strip_prefix("Date").unwrap(), seconds(value), seconds(wanted))),
        },
    }
}

fn text_of(pattern: &[Mark]) -> String {
    pattern.iter().map(|mark| if let Mark::Char(c) = mark { *c } else { '*' }).collect()
}

fn in_order(order: &str, value: Option<f64>, wanted: Option<f64>) -> bool {
    let (Some(value), Some(wanted)) = (value, wanted) else { return false };
    match order {
        "Equals" => value.total_cmp(&wanted).is_eq(),
        "LessThan" => value < wanted,
        "LessThanEquals" => value <= wanted,
        "GreaterThan" => value > wanted,
        "GreaterThanEquals" => value >= wanted,
        _ => panic!("{order}"),
    }
}

/// Seconds since 1970 of a number, `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ssZ`, counted year by year.
#[allow(clippy::cast_precision_loss, reason = "seconds of this century are exact")]
fn seconds(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: u64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let days = years + months[..usize::try_from(month).ok()? - 1].iter().sum::<u64>() + day - 1;
    let clock = text.get(11..).unwrap_or("00:00Z");
    let zone = clock.find(['Z', '+', '-']).unwrap_or(clock.len());
    let of_day = |clock: &str| -> f64 {
        clock.split(':').zip([3600.0, 60.0, 1.0]).map(|(part, unit)| part.parse::<f64>().unwrap_or(0.0) * unit).sum()
    };
    let offset = of_day(clock[zone..].trim_start_matches(['Z', '+', '-']));
    let east = if clock[zone..].starts_with('-') { -1.0 } else { 1.0 };
    Some((days * 86_400) as f64 + of_day(&clock[..zone]) - east * offset)
}

fn in_range(value: &str, range: &str) -> bool {
    let bits = |address: IpAddr| -> Vec<bool> {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1 == 1)).collect()
    };
    let (network, length) = range.split_once('/').unwrap_or((range, "999"));
    let (Ok(value), Ok(network)) = (value.parse(), network.parse()) else { return false };
    let (value, network) = (bits(value), bits(network));
    let length = length.parse::<usize>().unwrap().min(network.len());
    value.len() == network.len() && value[..length] == network[..length]
}

/// Part by part; a colon in a variable's name is not between parts.
fn arn(value: &str, wanted: &str, asked: &Asked<'_>, variables: bool) -> Maybe {
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0);
    for c in wanted.chars() {
        depth += match c {
            '{' if variables && part.ends_with('$') => 1,
            '}' if depth > 0 => -1,
            _ => 0,
        };
        if c == ':' && depth == 0 && parts.len() < 5 {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    let values: Vec<&str> = value.splitn(6, ':').collect();
    if parts.len() != 6 || values.len() != 6 {
        return Maybe::No;
    }
    and(parts.iter().zip(values).map(|(part, value)| match replace(part, asked, variables, true) {
        Ok(Some(pattern)) => yes(like_marked(&pattern, &marked(value))),
        Ok(None) => Maybe::No,
        Err(key) => Maybe::Because(BTreeSet::from([key])),
    }))
}
