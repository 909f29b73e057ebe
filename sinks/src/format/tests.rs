//! Tests of the forms of answers.
use std::sync::Arc;

use arrow::array::{BinaryArray, Float64Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use expect_test::{Expect, expect};

use super::*;

fn batch() -> RecordBatch {
    let columns: [(&str, ArrayRef); 6] = [
        ("name", Arc::new(StringArray::from(vec![Some("a,\"b\"\u{1b}[31m"), None]))),
        ("n", Arc::new(Int64Array::from(vec![12, 3]))),
        ("score", Arc::new(Float64Array::from(vec![Some(4.25), None]))),
        (
            "time",
            Arc::new(
                TimestampMicrosecondArray::from(vec![1_793_448_000_000_000, 1_793_448_000_123_456])
                    .with_timezone("UTC"),
            ),
        ),
        ("body", Arc::new(BinaryArray::from(vec![Some(b"{\"x\": \xff}".as_slice()), None]))),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), Some(2)]), None]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn check(format: Format, width: Option<usize>, expected: Expect) {
    let mut out = Vec::new();
    let batch = batch();
    write(&mut out, &batch.schema(), &[batch.slice(0, 1), batch.slice(1, 1)], format, width).unwrap();
    expected.assert_eq(&String::from_utf8(out).unwrap());
}

#[test]
fn json_is_one_array() {
    check(
        Format::Json,
        None,
        expect![[r#"
        [{"name":"a,\"b\"\u001b[31m","n":12,"score":4.25,"time":"2026-10-31T12:00:00Z","body":"{\"x\": �}","list":[1,2]},
         {"name":null,"n":3,"score":null,"time":"2026-10-31T12:00:00.123456Z","body":null,"list":null}]
    "#]],
    );
}

#[test]
fn ndjson_has_a_line_a_row() {
    check(
        Format::Ndjson,
        None,
        expect![[r#"
        {"name":"a,\"b\"\u001b[31m","n":12,"score":4.25,"time":"2026-10-31T12:00:00Z","body":"{\"x\": �}","list":[1,2]}
        {"name":null,"n":3,"score":null,"time":"2026-10-31T12:00:00.123456Z","body":null,"list":null}
    "#]],
    );
}

#[test]
fn csv_quotes_what_needs_it() {
    check(
        Format::Csv,
        None,
        expect![[r#"
        name,n,score,time,body,list
        "a,""b""[31m",12,4.25,2026-10-31T12:00:00Z,"{""x"": �}","[1,2]"
        ,3,,2026-10-31T12:00:00.123456Z,,
    "#]],
    );
}

#[test]
fn a_table_is_cut_to_the_terminal() {
    check(
        Format::Table,
        Some(100),
        expect![[r#"
        ┌────────────┬────┬───────┬─────────────────────────────┬──────────┬───────┐
        │ name       ┆  n ┆ score ┆ time                        ┆ body     ┆ list  │
        ╞════════════╪════╪═══════╪═════════════════════════════╪══════════╪═══════╡
        │ a,"b"·[31m ┆ 12 ┆  4.25 ┆ 2026-10-31T12:00:00Z        ┆ {"x": �} ┆ [1,2] │
        │            ┆  3 ┆       ┆ 2026-10-31T12:00:00.123456Z ┆          ┆       │
        └────────────┴────┴───────┴─────────────────────────────┴──────────┴───────┘
    "#]],
    );
}

#[test]
fn without_a_terminal_a_table_is_plain_and_whole() {
    check(
        Format::Table,
        None,
        expect![[r#"
         name         n  score  time                         body      list
         a,"b"·[31m  12   4.25  2026-10-31T12:00:00Z         {"x": �}  [1,2]
                      3         2026-10-31T12:00:00.123456Z
    "#]],
    );
}

#[test]
fn too_many_columns_become_blocks() {
    check(
        Format::Table,
        Some(40),
        expect![[r#"
        ── row 1 ───────────────────────────────
         name  a,"b"·[31m
            n  12
        score  4.25
         time  2026-10-31T12:00:00Z
         body  {"x": �}
         list  [1,2]
        ── row 2 ───────────────────────────────
            n  3
         time  2026-10-31T12:00:00.123456Z
    "#]],
    );
}

#[test]
fn no_rows_are_still_valid() {
    let schema = batch().schema();
    let text = |format| {
        let mut out = Vec::new();
        write(&mut out, &schema, &[], format, None).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(text(Format::Json), "[]\n");
    assert_eq!(text(Format::Ndjson), "");
    assert_eq!(text(Format::Csv), "name,n,score,time,body,list\n");
    assert!(text(Format::Table).starts_with("name"));
}

#[test]
fn a_wrong_word_names_the_right_ones() {
    assert_eq!(
        "xml".parse::<Format>().unwrap_err().to_string(),
        "unknown format `xml`; there are table, json, ndjson and csv"
    );
    assert_eq!("csv".parse(), Ok(Format::Csv));
}
