//! The end that a condition sets: `request.time < timestamp("2026-12-31T00:00:00Z")`.
//!
//! Source: Configure temporary access (<https://cloud.google.com/iam/docs/configuring-temporary-access>).

use schemas::Time;

/// When a binding ends by its condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) at: Option<Time>,
    /// Whether that is all that the condition says.
    pub(super) is_all: bool,
}

/// Finds the end among the parts that all must be true. A condition with a part that this does not understand, such as an
/// `||` outside of brackets, has none.
pub(super) fn until(condition: &str) -> Ends {
    let Some(parts) = conjuncts(condition) else { return Ends::default() };
    let times: Vec<Option<Time>> = parts.iter().map(|part| end(part)).collect();
    let at = times.iter().flatten().min().copied();
    Ends { at, is_all: times.iter().all(Option::is_some) }
}

/// The parts between `&&` outside of brackets and texts; `None` where another operator stands beside them or nothing closes.
fn conjuncts(condition: &str) -> Option<Vec<&str>> {
    let bytes = condition.as_bytes();
    let (mut parts, mut from, mut depth, mut quote) = (Vec::new(), 0, 0_i32, None);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth -= 1,
            // A comment ends at the line's end, and hides what this would read.
            (None, b'/') if bytes.get(at + 1) == Some(&b'/') => return None,
            (None, b'|' | b'?') if depth == 0 => return None,
            (None, b'&') if depth == 0 => {
                parts.push(condition.get(from..at)?);
                at += usize::from(bytes.get(at + 1) == Some(&b'&'));
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(condition.get(from..)?);
    (depth == 0 && quote.is_none()).then_some(parts)
}

/// The time of `request.time < timestamp("…")`, or of the same with `<=`, which ends at the end of the smallest moment.
fn end(part: &str) -> Option<Time> {
    let mut part = part.trim();
    while let Some(inner) = part.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        part = inner.trim();
    }
    let rest = part.strip_prefix("request.time")?.trim_start().strip_prefix('<')?;
    let (rest, or_at) = rest.strip_prefix('=').map_or((rest, 0), |rest| (rest, 1));
    let rest = rest.trim_start().strip_prefix("timestamp")?.trim_start().strip_prefix('(')?.trim();
    let text = rest.strip_suffix(')')?.trim();
    let text = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))?;
    Time::parse(text).ok().map(|time| Time(time.0.saturating_add(or_at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_ends_a_binding_where_it_says_so_for_certain() {
        let day = "timestamp(\"2026-12-31T00:00:00Z\")";
        let at = Time::parse("2026-12-31T00:00:00Z").ok();
        let later = at.map(|time| Time(time.0 + 1));
        let cases = [
            (format!("request.time < {day}"), at, true),
            ("(request.time<timestamp('2026-12-31T00:00:00Z'))".to_owned(), at, true),
            (format!("request.time <= {day}"), later, true),
            (format!("resource.name == \"a && b\" && request.time < {day}"), at, false),
            (format!("request.time < {day} && request.time < timestamp(\"2027-12-31T00:00:00Z\")"), at, true),
            (format!("request.time < {day} || true"), None, false),
            (format!("x || y && request.time < {day}"), None, false),
            (format!("x ? y : z && request.time < {day}"), None, false),
            (format!("request.time > {day}"), None, false),
            (format!("!(request.time < {day})"), None, false),
            (format!("request.time < {day} ? false : true"), None, false),
            (format!("true // x && request.time < {day}"), None, false),
            (format!("(true || request.time < {day}) && x"), None, false),
            ("request.time < timestamp(\"soon\")".to_owned(), None, false),
            ("\"".to_owned(), None, false),
            (String::new(), None, false),
        ];
        for (condition, at, is_all) in cases {
            assert_eq!(until(&condition), Ends { at, is_all }, "{condition}");
        }
    }
}
