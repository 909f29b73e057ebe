//! What records look like, and which of other producers' are understood.

use expect_test::{Expect, expect};

use super::super::{Encoded, SchemaIds, Wire, WireError, decode, encode, noun_of};
use super::{there_and_back, wire, written};
use crate::{Message, Noun, Origin, RawRecord, Time, example};

fn check(message: &Message, expected: &Expect) {
    let mut encoded = Encoded::default();
    encode(message, &SchemaIds::reserved(), "overgrant/normalize", &mut encoded).unwrap();
    let mut shown = format!("key {}\n", String::from_utf8_lossy(&encoded.key));
    let value = encoded.value.unwrap();
    shown += &format!("value {} bytes, {:02x?} …\n", value.len(), &value[..5]);
    for (name, value) in encoded.headers {
        shown += &format!("{name}: {}\n", value.escape_ascii());
    }
    expected.assert_eq(&shown);
}

#[test]
fn an_event_has_the_classic_header_and_is_a_cloud_event() {
    check(
        &example::access_event().into_message(),
        &expect![[r#"
            key 00000000000000000000000000000002
            value 455 bytes, [00, 7f, 00, 00, 01] …
            ce_specversion: 1.0
            ce_type: overgrant.access_event.v1
            ce_source: overgrant/normalize
            ce_id: 00000000000000000000000000000002#0
            ce_time: 2026-10-31T12:00:00Z
            content-type: application/avro
        "#]],
    );
}

#[test]
fn a_raw_record_keeps_its_bytes_and_a_row_that_is_gone_stays_a_record() {
    check(
        &example::raw_record().into_message(),
        &expect![[r#"
        key 9ced91f670541040d3c87ba5af60527b
        value 25 bytes, [7b, 22, 65, 76, 65] …
        ce_specversion: 1.0
        ce_type: overgrant.raw_record.v1
        ce_source: overgrant/normalize
        ce_id: 9ced91f670541040d3c87ba5af60527b#0
        ce_time: 2026-10-31T12:00:00Z
        content-type: application/json
        overgrant_raw: \x00\x7f\x00\x00\x0c@9ced91f670541040d3c87ba5af60527b\x00$raw.aws.cloudtrail\x00\x0e\x02\x1atrail.json.gz\x02\x18123456789012\x02\x80\xc0\xb4\xef\xb4\xc8\xaf\x06\x80\xc0\xb4\xef\xb4\xc8\xaf\x06\x00\x00
    "#]],
    );
    let gone = crate::Finding { deleted_at: Some(Time(7)), revision: 12, ..example::finding() };
    check(
        &gone.into_message(),
        &expect![[r#"
            key 45091cacd547d1b6a5f391fa693ea416
            value 227 bytes, [00, 7f, 00, 00, 06] …
            ce_specversion: 1.0
            ce_type: overgrant.finding.v1
            ce_source: overgrant/normalize
            ce_id: 45091cacd547d1b6a5f391fa693ea416#12
            ce_time: 2026-10-31T12:00:00Z
            content-type: application/avro
        "#]],
    );
}

#[test]
fn buffers_are_used_again_and_leave_nothing_behind() {
    let mut encoded = Encoded::default();
    for _ in 0..2 {
        for message in example::all() {
            assert_eq!(there_and_back(&message, &mut encoded), message);
        }
    }
    let mark = crate::RawGrant { body: crate::Body::default(), ..example::raw_grant() }.into_message();
    assert_eq!(there_and_back(&mark, &mut encoded), mark);
    assert_eq!(encoded.value.as_deref(), Some(&[][..]));
}

#[test]
fn a_tombstone_is_nothing() {
    let encoded = Encoded::default();
    for topic in ["entitlement.v1", "raw.aws.iam"] {
        assert_eq!(decode(&wire(topic, &encoded), &SchemaIds::reserved()), Ok(None));
    }
}

fn foreign<'a>(topic: &'a str, value: &'a [u8]) -> Wire<'a> {
    let headers = Vec::new();
    Wire { topic, partition: 2, offset: 41, timestamp_ms: Some(1_000), key: None, value: Some(value), headers }
}

#[test]
fn a_plain_log_record_of_any_producer_is_a_raw_record() {
    let body = br#"{"eventName":"GetObject"}"#;
    let Ok(Some(Message::RawRecord(raw))) = decode(&foreign("raw.aws.cloudtrail", body), &SchemaIds::default()) else {
        panic!("a raw record")
    };
    let origin = Origin { topic: "raw.aws.cloudtrail".into(), partition: 2, offset: 41, file: None };
    assert_eq!(raw.record_id, RawRecord::id_at(&origin));
    assert_eq!((raw.provider, &raw.account_id, raw.time), (crate::Provider::Aws, &None, None));
    assert_eq!((raw.ingested_at, raw.n_redacted), (Time(1_000_000), 0));
    assert_eq!((&raw.origin, raw.body.0.as_ref()), (&origin, &body[..]));
}

#[test]
fn a_raw_record_that_cannot_be_placed_is_refused() {
    let ids = SchemaIds::reserved();
    let grant = decode(&foreign("raw.aws.iam", b"{}"), &ids).unwrap_err();
    assert_eq!(grant.to_string(), "the record of raw topic `raw.aws.iam` has no header `overgrant_raw`");
    let timeless = Wire { timestamp_ms: None, ..foreign("raw.aws.cloudtrail", b"{}") };
    assert!(matches!(decode(&timeless, &ids), Err(WireError::Raw { .. })));
    let mut encoded = Encoded::default();
    encode(&example::raw_grant().into_message(), &ids, "test", &mut encoded).unwrap();
    let misplaced = decode(&wire("raw.aws.cloudtrail", &encoded), &ids).unwrap_err();
    let said = "the record of raw topic `raw.aws.cloudtrail` has a header `overgrant_raw` of another noun";
    assert_eq!(misplaced.to_string(), said);
}

#[test]
fn ids_in_headers_are_read_in_all_their_forms() {
    let message = example::usage().into_message();
    let datum = written(&example::usage());
    let text = crate::avro::text::<crate::Usage>();
    let guid = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128;
    let mut ids = SchemaIds::of(vec![("usage", 77)]);
    let mut with_guid = vec![1];
    with_guid.extend(guid.to_be_bytes());
    let read = |id: &[u8], value: &[u8], ids: &SchemaIds| {
        let headers = vec![("__key_schema_id", &b"?"[..]), ("__value_schema_id", id)];
        decode(&Wire { headers, ..foreign("usage.v1", value) }, ids)
    };
    assert_eq!(read(&[0, 0, 0, 0, 77], &datum, &ids), Ok(Some(message.clone())));
    assert_eq!(read(&[0, 0, 0, 77], &datum, &ids), Ok(Some(message.clone())));
    assert_eq!(read(&with_guid, &datum, &ids), Err(WireError::UnknownGuid(guid)));
    ids.add_guid(guid, "usage", &text).unwrap();
    assert_eq!(read(&with_guid, &datum, &ids), Ok(Some(message.clone())));
    let mut prefixed = with_guid.clone();
    prefixed.extend(&datum);
    assert_eq!(decode(&foreign("usage.v1", &prefixed), &ids), Ok(Some(message)));
    assert!(matches!(read(&[1, 2, 3], &datum, &ids), Err(WireError::Frame(_))));
    assert!(matches!(read(b"77", &datum, &ids), Err(WireError::Frame(_))));
}

#[test]
fn what_is_not_in_the_wire_format_is_refused() {
    let ids = SchemaIds::reserved();
    for value in [&b""[..], b"\0\0\0", b"\x01\0", b"{\"eventName\":1}"] {
        assert!(matches!(decode(&foreign("usage.v1", value), &ids), Err(WireError::Frame(_))), "{value:?}");
    }
    assert_eq!(decode(&foreign("usage.v1", b"\0\0\0\0\x01"), &ids), Err(WireError::UnknownId(1)));
}

#[test]
fn a_noun_without_an_id_is_not_written() {
    let ids = SchemaIds::of(vec![("usage", 1), ("no_noun", 2)]);
    let mut encoded = Encoded::default();
    let session = example::session().into_message();
    assert_eq!(encode(&session, &ids, "test", &mut encoded), Err(WireError::NoId("session")));
    assert_eq!((ids.id_of("usage"), ids.id_of("session"), ids.id_of("no_noun")), (Some(1), None, None));
}

#[test]
fn places_are_those_of_the_list_of_nouns() {
    let places: Vec<_> = example::all().iter().map(Message::place).collect();
    assert_eq!(places, (0..places.len()).collect::<Vec<_>>());
    for message in example::all() {
        assert_eq!(super::super::ids::nouns()[message.place()].name, message.table());
    }
}

#[test]
fn a_topic_says_which_noun_travels_on_it() {
    for message in example::all() {
        assert_eq!(noun_of(message.topic()), Some(message.table()));
        assert_eq!(noun_of(&format!("prod.eu.{}", message.topic())), Some(message.table()));
    }
    assert_eq!((noun_of("usage"), noun_of("other.v1"), noun_of("raw.aws")), (None, None, None));
}
