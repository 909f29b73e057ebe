//! Tests of the redaction list.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed test should panic, a skipped one say so")]

use std::collections::BTreeMap;
use std::io::BufRead;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn list(patterns: &[&str]) -> Redaction {
    Redaction::new(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn check(patterns: &[&str], body: &str, expected: Expect) {
    let text = match list(patterns).apply(body.as_bytes()) {
        Some((bytes, n)) => format!("{n}: {}", String::from_utf8_lossy(&bytes)),
        None => "nothing".to_owned(),
    };
    expected.assert_eq(&text);
}

#[test]
fn only_the_value_changes_and_spaces_stay() {
    check(
        &["requestParameters.password"],
        r#"{ "password" : "keep",  "requestParameters":{"a":[1, 2],"PASSWORD" :  "hun\"ter2" } }"#,
        expect![[r#"1: { "password" : "keep",  "requestParameters":{"a":[1, 2],"PASSWORD" :  "REDACTED" } }"#]],
    );
}

#[test]
fn objects_arrays_and_numbers_below_a_listed_name_go_too() {
    check(
        &["*.secret", "env.*"],
        r#"{"secret":{"a":"x","b":[1,"y",null,true]},"env":{"P":"z","Q":{"r":"s"}},"other":"w"}"#,
        expect![[
            r#"5: {"secret":{"a":"REDACTED","b":[0,"REDACTED",null,true]},"env":{"P":"REDACTED","Q":{"r":"REDACTED"}},"other":"w"}"#
        ]],
    );
}

#[test]
fn a_star_in_the_middle_is_one_name_and_arrays_do_not_count() {
    check(
        &["a.*.c"],
        r#"{"a":{"b":[{"c":"1"}],"c":"2"},"c":"3"}"#,
        expect![[r#"1: {"a":{"b":[{"c":"REDACTED"}],"c":"2"},"c":"3"}"#]],
    );
}

#[test]
fn json_in_a_string_is_looked_into() {
    check(
        &["*.adminPassword"],
        r#"{"properties":{"requestbody":"{\"os\":{\"adminPassword\":\"p\\\"w\",\"n\":1}}","adminPassword2":"k"}}"#,
        expect![[
            r#"1: {"properties":{"requestbody":"{\"os\":{\"adminPassword\":\"REDACTED\",\"n\":1}}","adminPassword2":"k"}}"#
        ]],
    );
}

#[test]
fn broken_json_is_redacted_as_far_as_names_show() {
    check(&["*.password"], r#"{"user":"a","password":"hunter2"#, expect![[r#"1: {"user":"a","password":"REDACTED"#]]);
    check(
        &["*.password"],
        r#"cut","x":1,"password" : "hunter2","b":"c"}"#,
        expect![[r#"1: cut","x":1,"password" : "REDACTED","b":"c"}"#]],
    );
    check(
        &["*.password"],
        r#"junk {\"password\":\"hun\\\"ter2\",\"b\":1}"#,
        expect![[r#"1: junk {\"password\":\"REDACTED\",\"b\":1}"#]],
    );
}

#[test]
fn the_defaults_spare_evidence() {
    let patterns: Vec<_> = DEFAULT.to_vec();
    check(
        &patterns,
        r#"{"requestParameters":{"key":"reports/a.csv","nextToken":"t"},"authorization":{"action":"x"},"responseElements":{"credentials":{"accessKeyId":"ASIA","sessionToken":"s"}}}"#,
        expect![[
            r#"1: {"requestParameters":{"key":"reports/a.csv","nextToken":"t"},"authorization":{"action":"x"},"responseElements":{"credentials":{"accessKeyId":"ASIA","sessionToken":"REDACTED"}}}"#
        ]],
    );
}

#[test]
fn a_million_brackets_are_no_trouble() {
    let mut body = vec![b'['; 1 << 20];
    body.extend_from_slice(br#"{"password":"x"}"#);
    let (bytes, n) = list(&["*.password"]).apply(&body).unwrap();
    assert_eq!(n, 1);
    assert!(bytes.ends_with(br#"{"password":"REDACTED"}"#));
}

/// Counts what differs between a value and its redacted form, by name; anything but a redaction fails.
fn differences(
    name: &str,
    before: &serde_json::Value,
    after: &serde_json::Value,
    counts: &mut BTreeMap<String, usize>,
) {
    use serde_json::Value;
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            assert!(before.keys().eq(after.keys()));
            before.iter().for_each(|(name, value)| differences(name, value, &after[name], counts));
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            before.iter().zip(after).for_each(|(before, after)| differences(name, before, after, counts));
        }
        (before, after) if before == after => {}
        (Value::String(_), Value::String(after)) => {
            assert!(after.contains("REDACTED"), "{name}: {after}");
            *counts.entry(name.to_owned()).or_default() += 1;
        }
        _ => panic!("{name}: {before} became {after}"),
    }
}

#[test]
fn in_real_logs_the_defaults_find_secrets_and_touch_nothing_else() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/logs"));
    if !folder.exists() {
        println!("shared/data is absent: not checked against real logs");
        return;
    }
    let (mut counts, mut n_values, mut n_redacted_before) = (BTreeMap::new(), 0, 0);
    for cloud in ["aws", "azure", "gcp"] {
        let file = std::fs::File::open(folder.join(format!("{cloud}.ndjson.gz"))).unwrap();
        for line in std::io::BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
            let line = line.unwrap();
            let Some((redacted, n)) = list(DEFAULT).apply(line.as_bytes()) else { continue };
            n_values += n;
            n_redacted_before += line.matches(r#""REDACTED""#).count();
            let before = serde_json::from_str(&line).unwrap();
            differences("", &before, &serde_json::from_slice(&redacted).unwrap(), &mut counts);
        }
    }
    // What some logger redacted before us, by our very word, was replaced and does not differ.
    let n_differ = counts.values().sum::<usize>();
    assert!((n_values - n_redacted_before..=n_values).contains(&n_differ), "{n_differ} of {n_values}");
    expect![[r#"
        {
            "TokenValue": 1,
            "masterUserPassword": 2,
            "sessionToken": 17,
            "tokenValue": 3,
        }
    "#]]
    .assert_debug_eq(&counts);
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(serde_json::Value::from),
        "[ -~\n\"\\\\é]{0,12}".prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let name = prop_oneof![Just("password".to_owned()), "[a-d]", Just("req".to_owned())];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::vec((name, inner), 0..4)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// The same rule on parsed values, which the scanner never sees.
fn oracle(value: &mut serde_json::Value, path: &mut Vec<String>, is_listed: bool, n: &mut usize) {
    match value {
        serde_json::Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                path.push(name.clone());
                let is_match = path.ends_with(&["req".into(), "password".into()]);
                oracle(value, path, is_listed || is_match, n);
                path.pop();
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| oracle(item, path, is_listed, n)),
        serde_json::Value::String(text) if is_listed => {
            "REDACTED".clone_into(text);
            *n += 1;
        }
        serde_json::Value::Number(number) if is_listed => {
            *number = 0.into();
            *n += 1;
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn equals_a_redaction_of_the_parsed_value(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
        let (mut expected, mut n_expected) = (value, 0);
        oracle(&mut expected, &mut Vec::new(), false, &mut n_expected);
        let (bytes, n) = list(&["req.password"]).apply(&text).unwrap_or((text, 0));
        prop_assert_eq!(n, n_expected);
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(), expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(
        prop_oneof![Just(b'"'), Just(b'\\'), Just(b'{'), Just(b'}'), Just(b':'), Just(b'p'), any::<u8>()], 0..200)) {
        let _ = list(&["p", "*.p.*"]).apply(&bytes);
    }
}
