//! The statements that the pipeline keeps, as the JSON they were.

use schemas::{Effect, Statement, Text};
use serde_json::{Map, Value};

/// The JSON of a kept statement. A condition that is no JSON stays a string, which no condition can be.
pub(super) fn as_json(statement: &Statement) -> Value {
    let mut map = Map::new();
    let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
    if let Some(sid) = &statement.sid {
        put("Sid", sid.as_str().into());
    }
    put("Effect", if statement.effect == Effect::Deny { "Deny" } else { "Allow" }.into());
    for (name, list) in [("Action", &statement.actions), ("NotAction", &statement.not_actions)] {
        if !list.is_empty() {
            put(name, list.iter().map(|action| Value::from(action.as_str())).collect());
        }
    }
    for (name, list) in [("Resource", &statement.resources), ("NotResource", &statement.not_resources)] {
        if !list.is_empty() {
            put(name, list.iter().map(|resource| Value::from(resource.as_str())).collect());
        }
    }
    for (name, list) in [("Principal", &statement.identities), ("NotPrincipal", &statement.not_identities)] {
        if !list.is_empty() {
            put(name, principal(list));
        }
    }
    if let Some(condition) = &statement.condition {
        put("Condition", serde_json::from_str(condition).unwrap_or_else(|_| condition.as_str().into()));
    }
    Value::Object(map)
}

/// `*`, or `AWS:…`, `Service:…` by kind.
fn principal(list: &[Text]) -> Value {
    if let [one] = list
        && !one.contains(':')
    {
        return one.as_str().into();
    }
    let mut kinds = Map::new();
    for entry in list {
        let (kind, name) = entry.split_once(':').unwrap_or(("AWS", entry));
        if let Value::Array(names) = kinds.entry(kind).or_insert_with(|| Value::Array(Vec::new())) {
            names.push(name.into());
        }
    }
    Value::Object(kinds)
}
