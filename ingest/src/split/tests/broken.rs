//! What is broken is a dead letter, and the rest goes on.

use super::*;

#[test]
fn what_is_broken_is_a_dead_letter_and_the_rest_goes_on() {
    let (a, b, c) = (aws(1), aws(2), aws(3));
    let half = &b[..b.len() - 9];
    check(
        "",
        &expect![[r#"
        0 dead, 0 bytes: the file is empty
    "#]],
    );
    check(
        " \n",
        &expect![[r#"
        0 dead, 0 bytes: the file is empty
    "#]],
    );
    check(
        format!("{a}\n{half}\n{c}\n"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 52 bytes: the line at byte 61 ends within its record; deliver the line again
        2 aws 60 bytes
    "#]],
    );
    check(
        format!("{half}\n{a}\n{c}\n"),
        &expect![[r#"
        0 dead, 52 bytes: the line at byte 0 ends within its record; deliver the line again
        1 aws 60 bytes
        2 aws 60 bytes
    "#]],
    );
    check(
        format!("{a}\n{half}"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 51 bytes: the input ends within the record at byte 61; deliver the file again
    "#]],
    );
    check(
        format!("{{\"Records\":[{a},{half},{c}]}}"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 52 bytes: the record at byte 73 has unbalanced braces, commas or colons
        2 aws 60 bytes
    "#]],
    );
    check(
        format!("{{\"Records\":[{a},{b}"),
        &expect![[r#"
        0 aws 60 bytes
        1 aws 60 bytes
        2 dead, 0 bytes: the list is not closed at byte 133; deliver the file again, its records so far are in
    "#]],
    );
    check(
        format!("{{\"Records\":[{a},{half}"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 51 bytes: the input ends within the record at byte 73; deliver the file again
    "#]],
    );
    check(
        format!("{{\"records\":[{a}]}}\n{{\"records\":[{a},\n{{\"records\":[{b}]}}\n"),
        &expect![[r#"
        0 azure 60 bytes
        1 azure 60 bytes
        2 dead, 0 bytes: the list is not closed at byte 148; deliver the file again, its records so far are in
        3 azure 60 bytes
    "#]],
    );
}

#[test]
fn what_is_no_record_is_a_dead_letter_and_the_rest_goes_on() {
    let (a, b) = (aws(1), aws(2));
    check(
        format!("{a}\nnot json\nnor this\n{b}\n"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 18 bytes: no JSON at byte 61; expected log records, entitlements or an inventory as the clouds write them
        2 aws 60 bytes
    "#]],
    );
    check(
        format!("{a}\n{{\"some\":\"thing\"}}\n{{\"some\":\"more\"}}\n{b}"),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 31 bytes: kind of 2 values not recognised; expected CloudTrail, Azure or GCP audit records, or the output of `aws iam get-account-authorization-details`, `az role assignment list --all`, `az role definition list`, `gcloud projects get-iam-policy`, `gcloud asset search-all-iam-policies`, `gcloud iam roles list`, or an inventory
        3 aws 60 bytes
    "#]],
    );
    check(
        b"\x7fELF\x00\x01\x02\n\x00{[\x00\n",
        &expect![[r#"
        0 dead, 13 bytes: no JSON at byte 0; expected log records, entitlements or an inventory as the clouds write them
    "#]],
    );
    check(
        [a.as_bytes(), b"\n{\"eventVersion\":\"\xff\",\"eventSource\":1}\n", b.as_bytes()].concat(),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 36 bytes: the record at byte 61 is not UTF-8 from its byte 17 on
        2 aws 60 bytes
    "#]],
    );
    check(
        format!("{a}\n{{\"eventVersion\":{}1{}}}\n{b}", "[".repeat(300), "]".repeat(300)),
        &expect![[r#"
        0 aws 60 bytes
        1 dead, 618 bytes: the record at byte 61 is nested deeper than 128 levels
        2 aws 60 bytes
    "#]],
    );
    check(
        r#"{"just":"anything","Records":[{"eventVersion":1}]}"#,
        &expect![[r#"
        0 dead, 50 bytes: kind not recognised; expected CloudTrail, Azure or GCP audit records, or the output of `aws iam get-account-authorization-details`, `az role assignment list --all`, `az role definition list`, `gcloud projects get-iam-policy`, `gcloud asset search-all-iam-policies`, `gcloud iam roles list`, or an inventory
    "#]],
    );
    check(
        r#"{"Events":[{"CloudTrailEvent":5}]}"#,
        &expect![[r#"
        0 dead, 21 bytes: `CloudTrailEvent` of the entry at byte 11 is no string
    "#]],
    );
}

#[test]
fn a_record_of_50_mb_is_a_dead_letter_and_the_rest_goes_on() {
    let large = format!(r#"{{"eventVersion":"1","eventSource":"s","x":"{}"}}"#, "x".repeat(50 << 20));
    for text in [
        format!("{}\n{large}\n{}\n", aws(1), aws(2)),
        format!("[{},{large},{}]", aws(1), aws(2)),
        format!("{{\"Records\":[{},{large},{}]}}", aws(1), aws(2)),
    ] {
        let items: Vec<Item> = split(Cursor::new(&text), None, "x").collect();
        let Item::Rejected(letter) = &items[1] else { panic!("{:?}", items[1]) };
        assert_eq!(letter.n_bytes, large.len() as i64);
        assert_eq!(letter.body.0.len(), DeadLetter::MAX_BODY_BYTES);
        assert!(letter.reason.contains("`ingest.max_record`, 16777216 bytes"), "{}", letter.reason);
        assert_eq!(items.len(), 3);
        assert!(matches!((&items[0], &items[2]), (Item::Log(_), Item::Log(_))));
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

#[test]
fn compressed_files_are_told_by_their_first_bytes() {
    let (a, b) = (format!("{}\n", aws(1)), format!("{}\n", aws(2)));
    let plain: Vec<Item> = split(Cursor::new(format!("{a}{b}")), None, "x").collect();
    let members = [gzip(a.as_bytes()), gzip(b.as_bytes())].concat();
    assert_eq!(split(Cursor::new(members), None, "x").collect::<Vec<_>>(), plain);
    let frames = [zstd::encode_all(a.as_bytes(), 1).unwrap(), zstd::encode_all(b.as_bytes(), 1).unwrap()].concat();
    assert_eq!(split(Cursor::new(frames), None, "x").collect::<Vec<_>>(), plain);
}

#[test]
fn the_records_before_a_break_in_a_compressed_file_count() {
    let text: String = (0..20_000).map(|n| format!("{}\n", aws(n))).collect();
    for whole in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 1).unwrap()] {
        for cut in [whole.len() / 2, whole.len() - 3] {
            let items: Vec<Item> = split(Cursor::new(&whole[..cut]), None, "x").collect();
            let (last, before) = items.split_last().unwrap();
            let Item::Rejected(letter) = last else { panic!("{last:?}") };
            assert!(
                letter.reason.contains("stream ends early") || letter.reason.contains("incomplete frame"),
                "{}",
                letter.reason
            );
            assert!(before.len() > 5_000, "{} before the break", before.len());
            for (n, item) in before.iter().enumerate() {
                let Item::Log(record) = item else { panic!("{item:?}") };
                assert_eq!(record.body.0, aws(n).as_bytes());
            }
        }
    }
}
