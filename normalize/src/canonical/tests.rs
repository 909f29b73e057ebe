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
    fn what_serde_json_takes_is_taken_and_nothing_else(text in "[\\[\\]{}\":,\\\\u0-9a-f tn.eE+\t\u{e9}-]{0,40}") {
        prop_assert_eq!(hash(&text).is_ok(), serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(), "{}", text);
    }

    #[test]
    fn numbers_and_strings_are_checked(text in "(-?[0-9.]{0,4}([eE][+-]?[0-9]{0,2})?|\"([a-z\\\\\"/nu0-9\u{1}\u{1f} ]{0,20})\")") {
        prop_assert_eq!(hash(&text).is_ok(), serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(), "{}", text);
    }

    #[test]
    fn members_stand_where_they_are_said_to(value in prop::collection::btree_map("[a-d\u{e9}\"]{0,4}", json(), 0..5)) {
        for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
            let mut canonical = Canonical::default();
            canonical.hash(&text).unwrap();
            prop_assert_eq!(canonical.members().len(), value.len());
            for (member, (key, expected)) in canonical.members().iter().zip(&value) {
                let name: String = serde_json::from_str(&format!("\"{}\"", &text[member.name.clone()])).unwrap();
                let read: Value = serde_json::from_str(&text[member.value.clone()]).unwrap();
                let expected: Value = serde_json::from_str(&expected.to_string()).unwrap();
                prop_assert_eq!((&name, &read), (key, &expected));
                if member.is_plain {
                    prop_assert_eq!(&name, &text[member.name.clone()]);
                    prop_assert!(read.as_str().is_none_or(|plain| plain == &text[member.value.start + 1..member.value.end - 1]));
                }
            }
        }
    }
}
