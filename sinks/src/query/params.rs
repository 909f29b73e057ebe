//! Parameters of questions: `{name:Type}` in the text, values beside it, never put into the text.
//!
//! The types are `String`, `Int64`, `Float64` and `Time`. ClickHouse takes the form as it is, DataFusion gets `$name`. A
//! `Time` is RFC 3339, or a span such as `90d`, `12h` or `30m` before the store's own time.

use datafusion::common::ScalarValue;
use schemas::Time;

use super::QueryError;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// A whole number.
    Int64,
    /// A number.
    Float64,
    /// A time.
    Time,
}

/// A parameter with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// A value of one of the types.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    String(String),
    Int64(i64),
    Float64(f64),
    Time(Time),
}

/// A piece of a question's text.
#[derive(Debug, PartialEq)]
enum Piece<'s> {
    Text(&'s str),
    Param { name: &'s str, kind: &'s str },
}

/// Cuts a text at its parameters; what stands in quotes or comments is text.
fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    let bytes = sql.as_bytes();
    while at < bytes.len() {
        let rest = &sql[at..];
        if let Some((param, len)) = param_at(rest) {
            pieces.push(Piece::Text(&sql[start..at]));
            pieces.push(param);
            at += len;
            start = at;
        } else {
            at += skip(rest);
        }
    }
    pieces.push(Piece::Text(&sql[start..]));
    pieces
}

/// How many bytes to go on by: over a whole quoted text or comment, or one letter.
fn skip(rest: &str) -> usize {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    match rest.as_bytes() {
        [b'-', b'-', ..] => rest.find('\n').unwrap_or(rest.len()),
        [quote @ (b'\'' | b'"' | b'`'), ..] => rest[1..].find(*quote as char).map_or(rest.len(), |end| end + 2),
        _ => first,
    }
}

fn param_at(rest: &str) -> Option<(Piece<'_>, usize)> {
    let inner = rest.strip_prefix('{')?;
    let end = inner.find('}')?;
    let (name, kind) = inner[..end].split_once(':')?;
    let (name, kind) = (name.trim(), kind.trim());
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_word(name) && is_word(kind)).then_some((Piece::Param { name, kind }, end + 2))
}

/// The parameters of a text, each once, in order.
///
/// # Errors
/// When one has an unknown type, or two types.
pub fn of(sql: &str) -> Result<Vec<(String, Kind)>, QueryError> {
    let mut found: Vec<(String, Kind)> = Vec::new();
    for piece in pieces(sql) {
        let Piece::Param { name, kind } = piece else { continue };
        let kind = match kind {
            "String" => Kind::String,
            "Int64" => Kind::Int64,
            "Float64" => Kind::Float64,
            "Time" => Kind::Time,
            other => {
                let what =
                    format!("parameter `{name}` has the type `{other}`; there are String, Int64, Float64 and Time");
                return Err(QueryError::Sql(what));
            }
        };
        match found.iter().find(|(known, _)| known == name) {
            Some((_, known)) if *known != kind => {
                return Err(QueryError::Sql(format!("parameter `{name}` has two types")));
            }
            Some(_) => {}
            None => found.push((name.to_owned(), kind)),
        }
    }
    Ok(found)
}

/// Binds values to the parameters of a text. `as_of` is what spans count back from, in microseconds.
///
/// # Errors
/// When one is missing, unknown, or not of its type.
pub fn bind(sql: &str, given: &[(String, String)], as_of: Option<i64>) -> Result<Vec<Bound>, QueryError> {
    let wanted = of(sql)?;
    let names = || wanted.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    if let Some((name, _)) = given.iter().find(|(name, _)| !wanted.iter().any(|(known, _)| known == name)) {
        return Err(QueryError::Sql(format!("no parameter is called `{name}`; there are: {}", names())));
    }
    let bound = wanted.iter().map(|(name, kind)| {
        let text = given.iter().rev().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
        let text =
            text.ok_or_else(|| QueryError::Sql(format!("parameter `{name}` is missing; say --param {name}=…")))?;
        let wrong = |what: &str| QueryError::Sql(format!("parameter `{name}`: `{text}` is {what}"));
        let value = match kind {
            Kind::String => Value::String(text.to_owned()),
            Kind::Int64 => Value::Int64(text.parse().map_err(|_| wrong("no whole number"))?),
            Kind::Float64 => Value::Float64(text.parse().map_err(|_| wrong("no number"))?),
            Kind::Time => {
                Value::Time(time(text, as_of).ok_or_else(|| wrong("no time such as `2026-10-31T12:00:00Z` or `90d`"))?)
            }
        };
        Ok(Bound { name: name.clone(), value })
    });
    bound.collect()
}

/// RFC 3339, or a span before `as_of`; a store without a time has nothing after the epoch.
fn time(text: &str, as_of: Option<i64>) -> Option<Time> {
    if let Ok(time) = Time::parse(text) {
        return Some(time);
    }
    let unit = match text.chars().last()? {
        'd' => Time::DAY,
        'h' => Time::HOUR,
        'm' => Time::HOUR / 60,
        _ => return None,
    };
    let n: u32 = text[..text.len() - 1].parse().ok()?;
    Some(Time(as_of.unwrap_or_default().saturating_sub(i64::from(n).saturating_mul(unit))))
}

/// The text as DataFusion reads it, with `$name`.
pub(crate) fn for_datafusion(sql: &str) -> String {
    let write = |piece: Piece<'_>| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Param { name, .. } => format!("${name}"),
    };
    pieces(sql).into_iter().map(write).collect()
}

/// The values as DataFusion takes them.
pub(crate) fn datafusion_values(bound: &[Bound]) -> Vec<(String, ScalarValue)> {
    let value = |bound: &Bound| match &bound.value {
        Value::String(text) => ScalarValue::Utf8(Some(text.clone())),
        Value::Int64(n) => ScalarValue::Int64(Some(*n)),
        Value::Float64(n) => ScalarValue::Float64(Some(*n)),
        Value::Time(time) => ScalarValue::TimestampMicrosecond(Some(time.0), Some("UTC".into())),
    };
    bound.iter().map(|one| (one.name.clone(), value(one))).collect()
}

/// The text as ClickHouse reads it: only `Time` is not a type of its own.
#[cfg(feature = "clickhouse")]
pub(crate) fn for_clickhouse(sql: &str) -> String {
    let write = |piece: Piece<'_>| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Param { name, kind: "Time" } => format!("{{{name}:DateTime64(6, 'UTC')}}"),
        Piece::Param { name, kind } => format!("{{{name}:{kind}}}"),
    };
    pieces(sql).into_iter().map(write).collect()
}

/// The values as ClickHouse takes them.
#[cfg(feature = "clickhouse")]
pub(crate) fn clickhouse_values(bound: &[Bound]) -> Vec<(String, String)> {
    let value = |bound: &Bound| match &bound.value {
        Value::String(text) => text.clone(),
        Value::Int64(n) => n.to_string(),
        Value::Float64(n) => n.to_string(),
        Value::Time(time) => crate::clickhouse::read::time_text(*time),
    };
    bound.iter().map(|one| (one.name.clone(), value(one))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str =
        "SELECT '{no:String}', \"{no:Int64}\" -- {no:Time}\nFROM t WHERE a = {a:String} AND t >= {since:Time}";

    #[test]
    fn parameters_are_found_outside_of_quotes_and_comments() {
        assert_eq!(of(SQL).unwrap(), [("a".to_owned(), Kind::String), ("since".to_owned(), Kind::Time)]);
        assert!(for_datafusion(SQL).ends_with("a = $a AND t >= $since"));
        assert!(of("SELECT {a:Strin}").unwrap_err().to_string().contains("there are String"));
        assert!(of("SELECT '{a:String").unwrap().is_empty());
    }

    #[test]
    fn values_are_checked_against_their_types() {
        let given = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let bound = bind(SQL, &given(&[("a", "x'y"), ("since", "2d")]), Some(3 * Time::DAY)).unwrap();
        assert_eq!(bound[1].value, Value::Time(Time(Time::DAY)));
        let wrong = |pairs: &[(&str, &str)]| bind(SQL, &given(pairs), None).unwrap_err().to_string();
        assert_eq!(wrong(&[("a", "x")]), "parameter `since` is missing; say --param since=…");
        assert_eq!(wrong(&[("b", "x")]), "no parameter is called `b`; there are: a, since");
        assert!(wrong(&[("a", "x"), ("since", "yesterday")]).contains("`yesterday` is no time"));
    }
}
