//! Made-up and hostile input, against `serde_json`.

use super::*;

fn json(depth: u32) -> BoxedStrategy<Value> {
    let text = prop_oneof![any::<String>(), "[\\\\\"{}\\[\\],:\n\t a]{0,12}", Just("},{\"eventVersion\"".to_owned()),];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from)
    ];
    leaf.prop_recursive(depth, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..5)
                .prop_map(|list| Value::Object(list.into_iter().collect())),
        ]
    })
    .boxed()
}

fn record() -> impl Strategy<Value = Value> {
    (json(4), json(2)).prop_map(|(x, y)| serde_json::json!({"eventVersion": y, "eventSource": "s", "x": x}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn made_up_records_split_as_serde_json_parses_them(
        records in prop::collection::vec(record(), 1..6), form in 0..6, sizes in prop::collection::vec(1_usize..40, 1..4),
    ) {
        let lines: Vec<String> = records.iter().map(Value::to_string).collect();
        let pretty: Vec<String> = records.iter().map(|record| serde_json::to_string_pretty(record).unwrap()).collect();
        let text = match form {
            0 => lines.join("\n"),
            1 => format!("{{\"Records\":[{}]}}", lines.join(" ,\n")),
            2 => format!("[ {} ]\n", pretty.join(",")),
            3 => pretty.join("\n"),
            4 => serde_json::to_string_pretty(&serde_json::json!({"Records": records})).unwrap(),
            _ => lines.iter().map(|line| format!("{{\"Records\":[{line},{line}]}}\r\n")).collect(),
        };
        let wanted = if form == 5 { records.iter().flat_map(|r| [r.clone(), r.clone()]).collect() } else { records };
        prop_assert_eq!(bodies(split(Cut::new(text.as_bytes(), &sizes), None, "x")), wanted);
    }

    #[test]
    fn no_bytes_panic_and_cuts_do_not_change_what_is_found(
        bytes in prop::collection::vec(prop_oneof![
            Just(b"{\"eventVersion\":1,\"eventSource\":2}".to_vec()), Just(b"{\"Records\":[".to_vec()), Just(b"]}".to_vec()),
            Just(b"\n".to_vec()), Just(b",".to_vec()), Just(b"\"".to_vec()), Just(b"{".to_vec()), Just(b"}".to_vec()), Just(b"[".to_vec()),
            Just(b"\\".to_vec()), Just(b"\"a\":".to_vec()), prop::collection::vec(any::<u8>(), 0..4),
        ], 0..30), sizes in prop::collection::vec(1_usize..9, 1..4),
    ) {
        let bytes = bytes.concat();
        let whole: Vec<Item> = split(Cursor::new(&bytes), None, "x").collect();
        prop_assert_eq!(split(Cut::new(&bytes, &sizes), None, "x").collect::<Vec<_>>(), whole.clone());
        let may_be_empty = bytes.iter().any(|byte| matches!(byte, b'[' | b'{'));
        prop_assert!(may_be_empty || !whole.is_empty());
    }
}

/// Quadratic work would take hours here.
#[test]
fn hostile_input_costs_no_more_than_its_length() {
    let n = 400_000;
    let first = aws(0);
    for text in [
        format!("[{first},{}}}", r#"{"eventVersion":["#.repeat(n)),
        format!("[{first},{}", r#"{"eventVersion":" "#.repeat(n)),
        format!("{{\"Records\":[{first}],\"{}", "k".repeat(6 << 20)),
        format!("{{\"{}", "k".repeat(6 << 20)),
        "{\"a\":1,\n{\n".repeat(n),
        "[[{".repeat(n),
        format!("{{\"value\":[{}", "{},".repeat(n)),
    ] {
        assert!(split(Cut::new(text.as_bytes(), &[4096]), None, "x").count() > 0);
    }
}
