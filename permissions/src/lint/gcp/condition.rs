//! Conditions: whether they are CEL, and whether they can ever hold.

use cel::parser::PrattParser;
use schemas::Time;

/// Longer expressions and deeper ones are not read, as the evaluator does not.
const MAX_BYTES: usize = 8192;
const MAX_BRACKETS: usize = 32;

/// Why an expression cannot be read.
pub(super) fn broken(expression: &str) -> Option<String> {
    if expression.trim().is_empty() {
        return Some("the expression is empty".to_owned());
    }
    if expression.len() > MAX_BYTES {
        return Some(format!("the expression has {} bytes, more than {MAX_BYTES}", expression.len()));
    }
    if expression.matches(['(', '[', '{', '!', '-', '?']).count() > MAX_BRACKETS * 8 {
        return Some("the expression is nested too deep to be read".to_owned());
    }
    let why = PrattParser::new().parse(expression).err()?.to_string();
    Some(why.lines().next().unwrap_or_default().trim().to_owned())
}

/// Why an expression never holds, where that can be seen: a conjunction with a constant false, with one attribute equal
/// to two values, or whose time is over. `||` is not looked into.
pub(super) fn never(expression: &str, as_of: Option<Time>) -> Option<String> {
    if expression.contains("||") || expression.contains('?') {
        return None;
    }
    let mut equal: Vec<(&str, &str)> = Vec::new();
    for part in expression.split("&&").map(|part| part.trim().trim_matches(['(', ')']).trim()) {
        if part == "false" {
            return Some("`false` never holds".to_owned());
        }
        if let Some(end) = over(part).filter(|end| as_of.is_some_and(|now| *end <= now)) {
            return Some(format!("it ended on {}", end.date()));
        }
        let Some((name, value)) = part.split_once("==").map(|(n, v)| (n.trim(), v.trim())) else { continue };
        if !value.starts_with(['"', '\'']) || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_')
        {
            continue;
        }
        match equal.iter().find(|(known, other)| *known == name && *other != value) {
            Some((_, other)) => return Some(format!("`{name}` cannot be both {other} and {value}")),
            None => equal.push((name, value)),
        }
    }
    None
}

/// The end in `request.time < timestamp("…")`.
fn over(part: &str) -> Option<Time> {
    let rest = part.strip_prefix("request.time")?.trim_start().strip_prefix('<')?;
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim();
    let text = rest.strip_prefix("timestamp(")?.trim().trim_end_matches(')').trim().trim_matches(['"', '\'']);
    Time::parse(text).ok()
}
