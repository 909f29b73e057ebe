//! The AWS policy language: a document to statements.

use percent_encoding::percent_decode_str;
use schemas::{Action, Effect, ResourceId, Statement, Text};
use serde_json::{Map, Value};

/// Documents longer than this are refused: AWS's own limit is 10,240 characters for the largest kind; whole-organization
/// exports and resource policies stay below 100 KB.
const MAX_BYTES: usize = 1 << 20;
/// Entries per statement beyond which the rest is dropped with an error.
const MAX_ENTRIES: usize = 8192;
/// Statements per document beyond which the rest is dropped with an error.
const MAX_STATEMENTS: usize = 4096;

/// What a statement may consist of, in lower case (Grammar of the IAM JSON policy language). Something else is a misspelt
/// element, and a statement without what it stands for would be another one.
pub(super) const ELEMENTS: [&str; 9] =
    ["sid", "effect", "principal", "notprincipal", "action", "notaction", "resource", "notresource", "condition"];

/// What could be read of a policy document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedPolicy {
    /// The statements in the document's order.
    pub statements: Vec<Statement>,
    /// What could not be read, each with its place; a malformed statement does not hide the others.
    pub errors: Vec<Text>,
}

/// Reads a policy document: JSON, or JSON that is URL-encoded as the IAM API returns it. A string stands for a list of
/// one everywhere the language allows it. Trust and resource policies are read too: their principals go to `identities`.
#[must_use]
pub fn parse_policy(document: &[u8]) -> ParsedPolicy {
    let mut parsed = ParsedPolicy::default();
    match decode(document) {
        Ok(value) => statements(&value, &mut parsed),
        Err(error) => parsed.errors.push(Text::from(error)),
    }
    parsed
}

pub(super) fn decode(document: &[u8]) -> Result<Value, String> {
    if document.len() > MAX_BYTES {
        return Err(format!("the document has {} bytes, more than {MAX_BYTES}", document.len()));
    }
    let text = std::str::from_utf8(document)
        .map_err(|e| format!("the document is not UTF-8 after byte {}", e.valid_up_to()))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let value: Value = if text.starts_with('%') {
        let plain =
            percent_decode_str(text).decode_utf8().map_err(|_| "the URL-encoded document is not UTF-8".to_owned())?;
        serde_json::from_str(&plain)
    } else {
        serde_json::from_str(text)
    }
    .map_err(|e| format!("the document is not JSON: {e}"))?;
    // Some exports carry the document as a string within the JSON.
    match value {
        Value::String(inner) if inner.trim_start().starts_with(['{', '%']) => decode(inner.as_bytes()),
        other => Ok(other),
    }
}

fn statements(document: &Value, parsed: &mut ParsedPolicy) {
    let list = match field(document, "Statement") {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        Some(_) => return parsed.errors.push(Text::from("`Statement` is neither an object nor a list")),
        None => return parsed.errors.push(Text::from("field `Statement` is missing")),
    };
    let has_variables = field(document, "Version").and_then(Value::as_str) == Some("2012-10-17");
    for (at, entry) in list.iter().enumerate().take(MAX_STATEMENTS) {
        match statement(entry).map(|statement| if has_variables { statement } else { without_variables(statement) }) {
            Ok(statement) => parsed.statements.push(statement),
            Err(error) => parsed.errors.push(Text::from(format!("`Statement[{at}]`: {error}"))),
        }
    }
    if list.len() > MAX_STATEMENTS {
        parsed.errors.push(Text::from(format!("{} statements, more than {MAX_STATEMENTS}", list.len())));
    }
}

/// A statement in the words of the newest version: before 2012-10-17 `${aws:username}` was text and no variable, and
/// `${$}{aws:username}` is that text now.
fn without_variables(mut statement: Statement) -> Statement {
    let plain = |text: &str| text.replace("${", "${$}{");
    for resource in statement.resources.iter_mut().chain(&mut statement.not_resources) {
        if resource.contains("${") {
            *resource = ResourceId::from(plain(resource));
        }
    }
    if let Some(condition) = statement.condition.take() {
        statement.condition = Some(if condition.contains("${") { Text::from(plain(&condition)) } else { condition });
    }
    statement
}

fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let map = value.as_object()?;
    map.get(name).or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn statement(entry: &Value) -> Result<Statement, String> {
    let map = entry.as_object().ok_or("not an object")?;
    if let Some(key) = map.keys().find(|key| !ELEMENTS.iter().any(|known| key.eq_ignore_ascii_case(known))) {
        return Err(format!("unknown element `{}`", short(key)));
    }
    let effect = match field(entry, "Effect").and_then(Value::as_str) {
        Some(word) if word.eq_ignore_ascii_case("Allow") => Effect::Allow,
        Some(word) if word.eq_ignore_ascii_case("Deny") => Effect::Deny,
        Some(word) => return Err(format!("`Effect` is `{}`, neither `Allow` nor `Deny`", short(word))),
        None => return Err("field `Effect` is missing".to_owned()),
    };
    let actions: Vec<Action> = texts(entry, "Action")?;
    let not_actions: Vec<Action> = texts(entry, "NotAction")?;
    if actions.is_empty() && not_actions.is_empty() {
        return Err("neither `Action` nor `NotAction` is there".to_owned());
    }
    let resources: Vec<ResourceId> = texts(entry, "Resource")?;
    let not_resources: Vec<ResourceId> = texts(entry, "NotResource")?;
    let condition =
        field(entry, "Condition").filter(|c| c.as_object().is_none_or(|map| !map.is_empty()) && !c.is_null());
    Ok(Statement {
        sid: field(entry, "Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()).map(Text::from),
        effect,
        actions,
        not_actions,
        data_actions: Vec::new(),
        not_data_actions: Vec::new(),
        role: None,
        resources,
        not_resources,
        identities: identities(entry, "Principal")?,
        not_identities: identities(entry, "NotPrincipal")?,
        condition: condition.map(|c| Text::from(c.to_string())),
    })
}

/// A string, a list of strings, or nothing.
fn texts<T: From<String>>(entry: &Value, name: &str) -> Result<Vec<T>, String> {
    let wrong = || format!("`{name}` is neither a string nor a list of strings");
    match field(entry, name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![T::from(one.trim().to_owned())]),
        Some(Value::Array(list)) if list.len() > MAX_ENTRIES => {
            Err(format!("`{name}` has more than {MAX_ENTRIES} entries"))
        }
        Some(Value::Array(list)) => {
            list.iter().map(|v| v.as_str().map(|s| T::from(s.trim().to_owned())).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// `"*"`, or kinds with one or many: `{"AWS": […], "Service": "…"}` becomes `AWS:…`, `Service:…`.
fn identities(entry: &Value, name: &str) -> Result<Vec<Text>, String> {
    match field(entry, name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![Text::from(one.as_str())]),
        Some(Value::Object(kinds)) => of_kinds(kinds),
        Some(_) => Err(format!("`{name}` is neither `*` nor an object")),
    }
}

fn of_kinds(kinds: &Map<String, Value>) -> Result<Vec<Text>, String> {
    let mut found = Vec::new();
    for (kind, value) in kinds {
        let list = match value {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for one in list.iter().take(MAX_ENTRIES) {
            let text = one.as_str().ok_or_else(|| format!("a principal of kind `{}` is not a string", short(kind)))?;
            found.push(Text::from(format!("{kind}:{text}")));
        }
    }
    Ok(found)
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_stands_for_a_list_everywhere() {
        let one = br#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        let list = br#"{"Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["*"],"Condition":{}}]}"#;
        assert_eq!(parse_policy(one), parse_policy(list));
        assert_eq!(parse_policy(one).statements.len(), 1);
    }

    #[test]
    fn variables_of_an_old_version_are_text() {
        let old = parse_policy(
            br#"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"b/${aws:username}",
                "Condition":{"StringLike":{"s3:prefix":"${aws:username}"}}}}"#,
        );
        assert_eq!(old.statements[0].resources[0].as_str(), "b/${$}{aws:username}");
        let condition = old.statements[0].condition.as_ref().unwrap();
        assert_eq!(condition.as_str(), r#"{"StringLike":{"s3:prefix":"${$}{aws:username}"}}"#);
    }

    #[test]
    fn a_misspelt_element_is_an_error_and_not_left_out() {
        let parsed = parse_policy(br#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Conditions":{}}}"#);
        assert_eq!(parsed.errors, ["`Statement[0]`: unknown element `Conditions`"]);
        assert!(parsed.statements.is_empty());
    }

    #[test]
    fn a_url_encoded_document_is_read() {
        let encoded = b"%7B%22Statement%22%3A%7B%22Effect%22%3A%22Deny%22%2C%22NotAction%22%3A%22iam%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D";
        let parsed = parse_policy(encoded);
        assert_eq!(parsed.errors, Vec::<Text>::new());
        assert_eq!(parsed.statements[0].not_actions[0].as_str(), "iam:*");
        assert_eq!(parsed.statements[0].effect, Effect::Deny);
    }

    #[test]
    fn a_malformed_statement_does_not_hide_the_rest() {
        let parsed = parse_policy(
            br#"{"Statement":[{"Effect":"Perhaps","Action":"*"},{"Effect":"Allow","Action":7},7,{"Effect":"Allow"},
                {"Effect":"Allow","Action":"ec2:*","Resource":"*","Principal":{"AWS":"*","Service":["a","b"]}}]}"#,
        );
        expect_test::expect![[r"
            `Statement[0]`: `Effect` is `Perhaps`, neither `Allow` nor `Deny`
            `Statement[1]`: `Action` is neither a string nor a list of strings
            `Statement[2]`: not an object
            `Statement[3]`: neither `Action` nor `NotAction` is there"]]
        .assert_eq(&parsed.errors.iter().map(|e| e.as_str()).collect::<Vec<_>>().join("\n"));
        let names: Vec<&str> = parsed.statements.iter().flat_map(|s| &s.identities).map(|i| i.as_str()).collect();
        assert_eq!(names, ["AWS:*", "Service:a", "Service:b"]);
    }

    #[test]
    fn what_is_no_policy_is_said() {
        for bytes in [&b"\xff"[..], b"", b"7", b"{}", b"{\"Statement\":7}", b"%FF", b"\"{\""] {
            let parsed = parse_policy(bytes);
            assert!(parsed.statements.is_empty());
            assert_eq!(parsed.errors.first().map(|_| parsed.errors.len()).unwrap(), 1, "{bytes:?}");
        }
    }
}

#[cfg(test)]
mod hostile {
    use proptest::prelude::*;

    use super::parse_policy;

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            prop::sample::select(vec!["Allow", "Deny", "*", "s3:*", "{\"Statement\":[]}", "%7B", "é"])
                .prop_map(Into::into),
        ];
        let keys = prop::sample::select(vec![
            "Statement",
            "Effect",
            "Action",
            "NotAction",
            "Resource",
            "Principal",
            "Condition",
            "x",
        ]);
        leaf.prop_recursive(4, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|map| serde_json::Value::Object(
                    map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let parsed = parse_policy(&bytes);
            prop_assert!(!parsed.errors.is_empty() || !parsed.statements.is_empty());
        }

        #[test]
        fn no_shape_panics_and_every_entry_is_read_or_reported(document in json()) {
            let parsed = parse_policy(document.to_string().as_bytes());
            if let Some(list) = document.get("Statement").and_then(|s| s.as_array()) {
                prop_assert_eq!(parsed.statements.len() + parsed.errors.len(), list.len());
            }
        }
    }
}
