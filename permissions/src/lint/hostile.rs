//! Tests: no bytes make it panic or run away, and every place it names is one of the file.

use proptest::prelude::*;

use super::{Kind, MAX_BYTES, Options, RuleId, lint, write_json, write_sarif, write_text};

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        prop::sample::select(vec![
            "Allow",
            "Deny",
            "*",
            "s3:*",
            "s3:Get*",
            "iam:PassRole",
            "arn:aws:s3:::b/*",
            "arn:é::${",
            "{\"Statement\":[]}",
            "%7B",
            "é",
            "2012-10-17",
            "true",
            "10.0.0.0/8",
            "Microsoft.Compute/*/read",
            "roles/owner",
            "allUsers",
            "storage.googleapis.com/*.*",
            "resource.matchTag('a','b')",
            "a == 'b' && a == 'c'",
            "request.time < timestamp(",
            "/subscriptions/x",
            "arn:aws:iam::111122223333:oidc-provider/é.example",
        ])
        .prop_map(Into::into),
    ];
    let keys = prop::sample::select(vec![
        "Statement",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Principal",
        "NotPrincipal",
        "AWS",
        "Federated",
        "Service",
        "Condition",
        "StringLike",
        "ForAllValues:Null",
        "Bool",
        "IpAddress",
        "aws:SourceIp",
        "é",
        "Version",
        "Sid",
        "permissions",
        "properties",
        "actions",
        "notActions",
        "assignableScopes",
        "bindings",
        "role",
        "members",
        "condition",
        "expression",
        "rules",
        "denyRule",
        "deniedPermissions",
        "includedPermissions",
        "Policies",
        "PolicyVersionList",
        "PolicyDocument",
        "UserDetailList",
        "Document",
    ]);
    leaf.prop_recursive(6, 96, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((keys.clone(), inner), 0..7)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

fn all_outputs(bytes: &[u8], options: &Options) {
    let report = lint(bytes, options);
    let texts = [write_text("f", &report), write_json("f", &report), write_sarif("0", [("f", &report)])];
    assert!(texts[2].contains("2.1.0"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        all_outputs(&bytes, &Options::default());
    }

    #[test]
    fn no_shape_panics_and_pointers_point(document in json(), kind in 0..=Kind::ALL.len()) {
        let options = Options { kind: Kind::ALL.get(kind).copied(), ..Options::default() };
        let text = document.to_string();
        all_outputs(text.as_bytes(), &options);
        for finding in lint(text.as_bytes(), &options).findings {
            prop_assert!(document.pointer(&finding.place.pointer).is_some(), "{} {}", finding.place.pointer, text);
        }
    }

    #[test]
    fn a_text_cut_or_changed_anywhere_panics_nowhere(at in any::<prop::sample::Index>(), byte in any::<u8>(), which in any::<prop::sample::Index>()) {
        let documents = super::cases::documents();
        let mut bytes = which.get(&documents).clone().into_bytes();
        bytes.truncate(4096);
        let at = at.index(bytes.len().max(1));
        if let Some(b) = bytes.get_mut(at) {
            *b = byte;
        }
        all_outputs(&bytes, &Options::default());
        all_outputs(&bytes[..at.min(bytes.len())], &Options::default());
    }

    /// The oracle is `serde_json`: the tree with places says what it says.
    #[test]
    fn the_tree_is_what_serde_reads(document in json()) {
        let text = format!("{document:#}");
        let root = super::json::parse(&text).unwrap();
        prop_assert_eq!(root.to_value(), document);
    }
}

#[test]
fn what_is_too_large_is_said() {
    let report = lint(&vec![b' '; MAX_BYTES + 1], &Options::default());
    assert_eq!(report.findings[0].rule, RuleId::TooLarge);
}

#[test]
fn large_nonsense_ends() {
    let many = |entry: &str, n: usize| vec![entry; n].join(",");
    let actions = many("\"s3:*\",\"s3:Nonsense\",\"nonsense:X\"", 20_000);
    let resources = many("\"arn:aws:s3:::*a*a*a*a*a*a*a*a*a*a*b\"", 2000);
    let statement = format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":[{resources}]}}"#);
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    let report = lint(text.as_bytes(), &Options::default());
    assert!(report.n_left_out > 0);
    let statements = many(r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}"#, 3000);
    let _ = lint(format!(r#"{{"Statement":[{statements}]}}"#).as_bytes(), &Options::default());
    let patterns: Vec<String> = (0..3_000).map(|n| format!("\"*{n}*\"")).collect();
    let role = |actions: &str| format!(r#"{{"name":"x","permissions":[{{"actions":[{actions}]}}]}}"#);
    let roles: Vec<String> = patterns.chunks(500).map(|chunk| role(&chunk.join(","))).collect();
    let report = lint(format!("[{}]", roles.join(",")).as_bytes(), &Options::default());
    assert!(report.findings.iter().any(|f| f.rule == RuleId::TooLarge));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(lint(deep.as_bytes(), &Options::default()).findings[0].rule, RuleId::JsonSyntax);
    let cel = format!(
        r#"{{"bindings":[{{"role":"roles/browser","members":[],"condition":{{"expression":"{}"}}}}]}}"#,
        "(".repeat(8000)
    );
    let _ = lint(cel.as_bytes(), &Options::default());
}
