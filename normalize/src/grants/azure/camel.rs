//! One spelling of Azure's members: the SDK for Python prints `principal_id` where the REST API has `principalId`.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Nesting below which members keep their spelling; Azure's own objects end far above it.
const MAX_DEPTH: usize = 16;

/// The object with its members in camel case.
pub(in super::super) fn camel(object: &Value) -> Cow<'_, Value> {
    let is_snake = |value: &Value| value.as_object().is_some_and(|map| map.keys().any(|key| key.contains('_')));
    let is_any = is_snake(object) || object.as_object().is_some_and(|map| map.values().any(is_snake));
    if is_any { Cow::Owned(convert(object, 0)) } else { Cow::Borrowed(object) }
}

fn convert(value: &Value, depth: usize) -> Value {
    match value {
        _ if depth > MAX_DEPTH => value.clone(),
        Value::Object(map) => {
            let members = map.iter().map(|(key, value)| (spelled(key), convert(value, depth + 1)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(|value| convert(value, depth + 1)).collect(),
        other => other.clone(),
    }
}

fn spelled(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    let mut upper = false;
    for letter in key.chars() {
        if letter == '_' && !out.is_empty() {
            upper = true;
        } else {
            out.push(if upper { letter.to_ascii_uppercase() } else { letter });
            upper = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_spellings_are_one() {
        let snake = json!({"principal_id": "p", "permissions": [{"not_actions": ["a_b"]}], "id": 1});
        let expected = json!({"principalId": "p", "permissions": [{"notActions": ["a_b"]}], "id": 1});
        assert_eq!(*camel(&snake), expected);
        assert!(matches!(camel(&expected), Cow::Borrowed(_)));
    }
}
