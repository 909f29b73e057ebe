use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;

#[test]
fn only_what_is_said_counts() {
    let plain = r#"{"a":"Aé","b":[1,{"c":null}],"d":true}"#;
    let other = " {\"d\" : true,\n\"b\":[ 1 , {\"c\":null}] , \"a\":\"\\u0041\\u00e9\" } ";
    assert_eq!(hash(plain).unwrap(), hash(other).unwrap());
    assert_eq!(hash(r#""\ud83d\ude00\/\n""#).unwrap(), hash("\"😀/\\u000a\"").unwrap());
    let all = [
        "1",
        "1.0",
        "\"1\"",
        "[1]",
        "[[1]]",
        r#"{"1":1}"#,
        "{}",
        "[]",
        "null",
        "\"null\"",
        "[1,2]",
        "[2,1]",
        r#"{"a":"b"}"#,
        r#"{"b":"a"}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a":1}"#,
        r#"{"a":{"b":1},"c":2}"#,
        r#"{"a":{"c":2},"b":1}"#,
        "[[1],2]",
        "[1,[2]]",
    ];
    let mut hashes: Vec<_> = all.iter().map(|text| hash(text).unwrap()).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), all.len());
}

#[test]
fn what_is_no_json_is_said_with_its_place() {
    let check = |text: &str, expected: &str| assert_eq!(hash(text).unwrap_err().to_string(), expected, "{text}");
    check("", "byte 0 is not valid JSON: expected more, but the record ends");
    check("{\"a\":1", "byte 6 is not valid JSON: expected more, but the record ends");
    check("{\"a\" 1}", "byte 5 is not valid JSON: expected `:`");
    check("{a:1}", "byte 1 is not valid JSON: expected a member's name");
    check("[1 2]", "byte 3 is not valid JSON: expected `,` or `]`");
    check("[1,]", "byte 3 is not valid JSON: expected a value");
    check("{} x", "byte 3 is not valid JSON: expected the end of the record");
    check("\"abc", "byte 3 is not valid JSON: expected a closing quote");
    check("\"\\u12G4\"", "byte 1 is not valid JSON: expected four hexadecimal digits");
    let bomb = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    check(&bomb, "the JSON is nested deeper than 128 levels");
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-c\"\\\\]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::btree_map("[a-d\u{e9}\"]{0,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().rev().map(|(k, v)| (k.clone(), reversed(v))).collect::<Map<_, _>>())
        }
        leaf => leaf.clone(),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    let mut in_string = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                in_string = !in_string;
                out.push(c);
            }
            '\\' => {
                out.push(c);
                out.extend(chars.next());
            }
            c if in_string => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")))
            }
            c => out.push(c),
        }
    }
    out
}

proptest! {
    #[test]
    fn spacing_order_and_escapes_do_not_matter(value in json()) {
        let plain = hash(&value.to_string()).unwrap();
        let pretty = serde_json::to_string_pretty(&reversed(&value)).unwrap();
        prop_assert_eq!(plain, hash(&pretty).unwrap());
        prop_assert_eq!(plain, hash(&escaped(&value.to_string())).unwrap());
    }

    #[test]
    fn other_values_have_other_hashes(a in json(), b in json()) {
        let (a, b) = (a.to_string(), b.to_string());
        if a != b && serde_json::from_str::<Value>(&a).unwrap() != serde_json::from_str::<Value>(&b).unwrap() {
            prop_assert_ne!(hash(&a).unwrap(), hash(&b).unwrap());
        } else if a == b {
            prop_assert_eq!(hash(&a).unwrap(), hash(&b).unwrap());
        }
    }

    #[test]
    fn no_text_panics_and_all_json_is_read(text in "[\\[\\]{}\":,\\\\u0-9a-f tn\u{e9}-]{0,40}") {
        let ours = hash(&text);
        if serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok() {
            prop_assert!(ours.is_ok());
        }
    }
}
