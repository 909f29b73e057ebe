//! Tests: no input panics or hangs.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Verdict;
use crate::simulate::simulate;

fn hostile() -> impl Strategy<Value = Value> {
    let words = [
        "Allow",
        "Deny",
        "*",
        "s3:*",
        "2012-10-17",
        "arn:aws:s3:::${aws:username}/*",
        "${",
        "${}",
        "${,''}",
        "arn:::::",
        "111122223333",
        "0.0.0.0/0",
        "2026-01-01",
        "true",
        "é?*",
        "YQ==",
        "-1",
        "{\"Statement\":[]}",
        "%7B",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        prop::sample::select(words.to_vec()).prop_map(Into::into),
    ];
    let keys = prop::sample::select(vec![
        "Version",
        "Statement",
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Principal",
        "NotPrincipal",
        "AWS",
        "Service",
        "CanonicalUser",
        "Condition",
        "StringLike",
        "NumericEquals",
        "DateLessThan",
        "IpAddress",
        "ArnLike",
        "BinaryEquals",
        "Null",
        "ForAllValues:StringEquals",
        "BoolIfExists",
        "aws:username",
        "x",
    ]);
    leaf.prop_recursive(5, 96, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((keys.clone(), inner), 0..7)
                .prop_map(|map| Value::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = simulate(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_text_as_a_field_panics(principal in ".{0,40}", action in ".{0,40}", resource in ".{0,60}", value in ".{0,20}") {
        for (principal, action) in [(principal.as_str(), "s3:GetObject"), ("*", action.as_str()), ("*", "kms:Decrypt")] {
            let request = json!({
                "principal": principal, "action": action, "resource": resource, "context": { value.as_str(): [value] },
            });
            let _ = simulate(&json!({ "id": 1, "request": request }).to_string());
        }
    }

    #[test]
    fn no_shape_of_a_document_panics(one in hostile(), two in hostile(), value in "[0-9:./*a-zé${}-]{0,12}") {
        let statement = json!({ "Statement": [{ "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": one }] });
        let case = json!({
            "id": 1,
            "request": {
                "principal": "arn:aws:iam::111122223333:user/bob", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/a",
                "context": { "aws:username": [value], "x": [value, "y"] },
            },
            "identity_policies": [{ "name": "p", "document": two }],
            "resource_policy": one, "permissions_boundary": statement, "scps": [[two]], "rcps": [[one]],
            "endpoint_policies": [statement],
        });
        let answer = simulate(&case.to_string()).unwrap();
        prop_assert!(answer.verdict != Verdict::Allowed || !answer.errors.is_empty() || !answer.statements.is_empty());
    }
}

/// A line as long as may be, full of what is slowest to read or match, is answered all the same.
#[test]
fn a_hostile_line_does_not_hang() {
    let text = "a".repeat(4_000);
    let fill = |piece: &str, length: usize| piece.repeat(length / piece.len());
    let wild: Vec<Vec<String>> = ["*a", "*a?", "${x}", "*${x, '*'}"]
        .iter()
        .map(|piece| (0..8).map(|n| format!("{}{n}", fill(piece, 50_000))).collect())
        .chain([
            (0..4_000).map(|n| format!("{}{n}", fill("${x}", 200))).collect(),
            (0..4_000).map(|n| format!("{}{n}", fill("${y}", 200))).collect(),
        ])
        .collect();
    let values: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let context = json!({ "x": [text], "y": [""], "k": values });
    for patterns in wild {
        let condition =
            json!({ "ForAnyValue:StringLike": { "k": patterns }, "StringNotEqualsIgnoreCase": { "x": "A" } });
        answer(&json!([{ "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition }]), &context);
        answer(&json!([{ "Effect": "Deny", "Action": "*", "Resource": patterns }]), &context);
    }
    let names = |from: usize| (from..from + 8_000).map(|n| format!("{n:x}:b")).collect::<Vec<_>>();
    let many: Vec<Value> =
        (0..10).map(|n| json!({ "Effect": "Deny", "Action": names(n * 8_000), "Resource": "*" })).collect();
    answer(&json!(many), &context);
}

fn answer(statements: &Value, context: &Value) {
    let case = json!({
        "id": 1,
        "request": {
            "principal": "arn:aws:iam::111122223333:user/bob", "action": "s3:GetObject",
            "resource": "a".repeat(8_000), "context": context,
        },
        "identity_policies": [{ "name": "p", "document": { "Version": "2012-10-17", "Statement": statements } }],
    });
    assert_ne!(simulate(&case.to_string()).unwrap().verdict, Verdict::Allowed);
}
