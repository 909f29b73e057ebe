use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use proptest::prelude::*;
use schemas::{Body, KindCount, Origin, Tally, Text, Time};
use serde_json::value::RawValue;

use super::*;
use crate::Config;

mod coverage;

fn normalizer() -> Normalizer {
    Normalizer::new(Config::default().validate().unwrap())
}

fn raw(provider: Provider, file: &str, offset: i64, body: impl Into<Vec<u8>>) -> Message {
    let topic = Text::from(schemas::message::raw_log_topic(provider));
    let origin = Origin { topic, partition: 0, offset, file: Some(Text::from(file)) };
    let record = RawRecord {
        record_id: RawRecord::id_at(&origin),
        provider,
        origin,
        account_id: None,
        time: None,
        ingested_at: Time(0),
        body: Body(Bytes::from(body.into())),
        n_redacted: 0,
        redriven_at: None,
    };
    Message::RawRecord(record.into())
}

fn event_json(id: &str, day: u32, name: &str) -> String {
    format!(
        r#"{{"eventTime":"2026-01-{day:02}T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"{name}","eventID":"{id}","recipientAccountId":"111122223333","userIdentity":{{"type":"Root","accountId":"111122223333"}}}}"#
    )
}

/// The final rows: for each key the one of the highest revision, whose revision itself does not matter.
fn final_rows(out: Vec<Message>) -> BTreeMap<(String, String), serde_json::Value> {
    let mut rows: BTreeMap<(String, String), (i64, serde_json::Value)> = BTreeMap::new();
    for message in out {
        let mut json = message.to_json();
        if let Some(row) = json.as_object_mut() {
            row.remove("revision");
        }
        let row = rows.entry((message.table().to_owned(), message.row_key())).or_insert((-1, serde_json::Value::Null));
        if message.revision() >= row.0 {
            *row = (message.revision(), json);
        }
    }
    rows.into_iter().map(|(key, (_, json))| (key, json)).collect()
}

fn all(out: Output<Message>) -> Vec<Message> {
    out.emitted.into_iter().chain(out.rejected).collect()
}

/// A batch, and a commit.
fn take(room: &mut Normalizer, batch: Batch<Message>, out: &mut Output<Message>) {
    room.apply(batch, out);
    room.settle(out);
}

#[test]
fn every_record_is_counted_once() {
    let spaced = event_json("a", 1, "StopInstances").replace(':', " : ");
    let bodies = [
        event_json("a", 1, "StopInstances"),
        spaced.replace("00 : 00 : 00Z", "00:00:00Z"),
        event_json("a", 2, "StopInstances"),
        event_json("b", 1, "GetCallerIdentity"),
        r#"{"eventCategory":"Insight"}"#.to_owned(),
        r#"{"eventCategory":"Insight","eventID":"x"}"#.to_owned(),
        r#"{"eventName":"#.to_owned(),
        r#"{"eventName":"X"}"#.to_owned(),
    ];
    let batch = Batch::of(0, 0, bodies.into_iter().zip(0..).map(|(body, place)| raw(Provider::Aws, "f", place, body)));
    let (mut room, mut out) = (normalizer(), Output::default());
    take(&mut room, batch, &mut out);
    let tally = out.emitted.iter().find_map(|message| match message {
        Message::Tally(tally) => Some(Tally::clone(tally)),
        _ => None,
    });
    let tally = tally.unwrap();
    assert_eq!(
        (tally.n_read, tally.n_events, tally.n_copies, tally.n_not_access, tally.n_dead_letters, tally.n_id_collisions),
        (8, 3, 1, 2, 2, 1)
    );
    assert_eq!(tally.not_access, [KindCount { kind: Text::from("insight"), n: 2 }]);
    assert_eq!(tally.time, Time::parse("2026-01-02T00:00:00Z").unwrap());
    assert_eq!(tally.n_known + tally.n_assumed + tally.n_none_needed + tally.n_unknown, tally.n_events);
    let metrics = room.metrics();
    assert_eq!(metrics.normalize_records_total, 8);
    assert_eq!(
        (metrics.normalize_events_total, metrics.normalize_copies_total, metrics.normalize_dead_letters_total),
        (3, 1, 2)
    );
    assert_eq!(out.rejected.len(), 2);
}

#[test]
fn a_redriven_record_is_counted_once_whatever_becomes_of_it() {
    let mut room = normalizer();
    let mut apply = |message: Message| {
        let mut out = Output::default();
        take(&mut room, Batch::of(0, 0, [message]), &mut out);
        let tally = out.emitted.iter().find_map(|message| match message {
            Message::Tally(tally) => Some((tally.n_read, tally.n_events, tally.n_dead_letters)),
            _ => None,
        });
        let letter = out.rejected.pop().map(|message| match message {
            Message::DeadLetter(letter) => DeadLetter::clone(&letter),
            other => panic!("{other:?}"),
        });
        (tally.unwrap(), letter)
    };
    let broken = event_json("a", 1, "");
    let (tally, letter) = apply(raw(Provider::Aws, "f", 0, broken.clone()));
    assert_eq!(tally, (1, 0, 1));
    let first = letter.unwrap();
    // Nothing was mended: the letter is open again, above the revision that closed it.
    let again = first.record(first.body.clone(), Time(5)).unwrap();
    let (tally, letter) = apply(again.into_message());
    let second = letter.unwrap();
    assert_eq!((tally, second.dead_letter_id), ((1, 0, 1), first.dead_letter_id));
    assert!(second.revision > first.closed(Time(5)).revision);
    let mended = Body(Bytes::from(event_json("a", 1, "StopInstances")));
    let (tally, letter) = apply(second.record(mended, Time(9)).unwrap().into_message());
    assert_eq!((tally, letter), ((1, 1, 0), None));
}

#[test]
fn hostile_bytes_become_dead_letters() {
    let large = format!(r#"{{"eventName":"{}"}}"#, "x".repeat(50_000_000));
    let bomb = "[".repeat(100_000);
    let nested = format!(r#"{{"requestParameters":{}{}}}"#, "{\"a\":".repeat(200), "1".to_owned() + &"}".repeat(200));
    let cases: [(&[u8], &str); 9] = [
        (large.as_bytes(), "the record has 50000016 bytes, more than `normalize.max_record` allows"),
        (b"{\"eventName\":\"\xff\"}", "byte 14 is not valid UTF-8"),
        (b"", "byte 0 is not valid JSON: expected more, but the record ends"),
        (b"null", "the record is no JSON object"),
        (bomb.as_bytes(), "the JSON is nested deeper than 128 levels"),
        (nested.as_bytes(), "the JSON is nested deeper than 128 levels"),
        (
            b"{\"eventTime\":\"2026-01-01T00:00:00Z\",\"eventSource\":{}}",
            "field `eventSource` has type object, expected text",
        ),
        (
            b"{\"eventTime\":\"2026-01-01T00:00:00Z\",\"eventSource\":\"a\",\"eventName\":\"\"}",
            "field `eventName` is missing",
        ),
        (b"{\"eventTime\":1e999}", "the record cannot be read"),
    ];
    for (body, reason) in cases {
        let mut out = Output::default();
        take(&mut normalizer(), Batch::of(0, 0, [raw(Provider::Aws, "f", 0, body)]), &mut out);
        let Some(Message::DeadLetter(letter)) = out.rejected.first() else { panic!("no dead letter: {reason}") };
        assert!(letter.reason.starts_with(reason), "{} {reason}", letter.reason);
        assert_eq!(letter.n_bytes, body.len() as i64);
    }
}

#[test]
fn what_is_no_raw_record_is_not_passed_on() {
    let mut out = Output::default();
    normalizer().apply(
        Batch::of(
            0,
            0,
            schemas::example::all().into_iter().filter(|m| m.table() != "raw_record" && m.table() != "raw_grant"),
        ),
        &mut out,
    );
    assert_eq!(out, Output::default());
}

#[test]
fn other_formats_of_state_are_faults() {
    let mut room = normalizer();
    let mut newer = room.snapshot().unwrap();
    newer[0] = 9;
    assert!(matches!(room.restore(&newer), Err(StateError::Newer { found: 9, known: FORMAT })));
    assert!(matches!(room.restore(&[1, 0]), Err(StateError::Damaged(_))));
    assert!(matches!(room.restore(&[1, 0, 0, 0, 200, 200]), Err(StateError::Damaged(_))));
}

#[test]
fn files_past_the_bound_are_counted_together() {
    let mut room = Normalizer::new(Config { max_tallies: 3, ..Config::default() }.validate().unwrap());
    let mut out = Output::default();
    let records = (0..9).map(|n| raw(Provider::Aws, &format!("f{n}"), 0, "{}"));
    take(&mut room, Batch::of(0, 0, records), &mut out);
    let files: Vec<(String, i64)> = out
        .emitted
        .iter()
        .filter_map(|message| match message {
            Message::Tally(tally) => Some((tally.file.to_string(), tally.n_read)),
            _ => None,
        })
        .collect();
    assert_eq!(files, [("f0".to_owned(), 1), ("f1".to_owned(), 1), ("other".to_owned(), 7)]);
}

/// Records of a few ids and days, so that copies and collisions happen.
fn records() -> impl Strategy<Value = Vec<Message>> {
    let record = (0..4u32, 1..5u32, 0..3usize, 0..2u32);
    prop::collection::vec(record, 0..40).prop_map(|records| {
        let names = ["RunInstances", "GetCallerIdentity", ""];
        let message = |(place, (id, day, name, file)): (usize, (u32, u32, usize, u32))| {
            raw(Provider::Aws, &format!("f{file}"), place as i64, event_json(&format!("id{id}"), day, names[name]))
        };
        records.into_iter().enumerate().map(message).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn batch_boundaries_and_restarts_do_not_change_the_answer(records in records(), cuts in prop::collection::vec((1..7usize, any::<bool>()), 1..12)) {
        let mut whole = Output::default();
        take(&mut normalizer(), Batch::of(0, 0, records.clone()), &mut whole);

        let (mut room, mut out, mut rest) = (normalizer(), Output::default(), records.as_slice());
        for (n, restart) in cuts.iter().copied().cycle() {
            let (batch, later) = rest.split_at(n.min(rest.len()));
            take(&mut room, Batch::of(0, 0, batch.to_vec()), &mut out);
            rest = later;
            if restart {
                let snapshot = room.snapshot().unwrap();
                room = normalizer();
                room.restore(&snapshot).unwrap();
                prop_assert_eq!(&room.snapshot().unwrap(), &snapshot);
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(final_rows(all(whole)), final_rows(all(out)));
    }
}
