use schemas::{RawRecord, example};

use super::*;

struct Written {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
}

fn written(codec: &AvroCodec, message: &Message) -> Written {
    let mut written = None;
    let take = &mut |parts: Parts<'_>| {
        let headers = parts.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        written = Some(Written { key: parts.key.to_vec(), value: parts.value.map(<[u8]>::to_vec), headers });
        Ok(())
    };
    codec.encode(message, take).unwrap();
    written.unwrap()
}

fn read(codec: &AvroCodec, topic: &str, written: &Written) -> Decoded<Message> {
    let incoming = Incoming {
        topic,
        partition: 5,
        offset: 77,
        timestamp_ms: Some(1_000),
        key: Some(&written.key),
        value: written.value.as_deref(),
        headers: written.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect(),
    };
    codec.decode(&incoming).unwrap()
}

fn letter(decoded: Decoded<Message>) -> DeadLetter {
    let (Decoded::Rejected(Message::DeadLetter(letter)) | Decoded::Payload(Message::DeadLetter(letter))) = decoded
    else {
        panic!("it is a dead letter: {decoded:?}")
    };
    DeadLetter::clone(&letter)
}

fn plain(ask: Option<Ask>) -> AvroCodec {
    AvroCodec::new(SchemaIds::reserved(), "test".to_owned(), ask)
}

fn with_bodies(folder: &std::path::Path, runtime: &tokio::runtime::Runtime) -> AvroCodec {
    plain(None).with_bodies(BodyStore::in_folder(folder.to_owned(), runtime.handle().clone()).unwrap())
}

fn folder() -> std::path::PathBuf {
    static N: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let n = N.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    std::env::temp_dir().join(format!("overgrant-wire-{}-{n}", std::process::id()))
}

#[test]
fn a_large_record_travels_as_a_pointer_and_reads_back_as_it_was() {
    let (folder, runtime) = (folder(), tokio::runtime::Runtime::new().unwrap());
    let codec = with_bodies(&folder, &runtime);
    let large = RawRecord { body: Body(vec![b'x'; 1_000_000].into()), ..example::raw_record() }.into_message();
    let out = written(&codec, &large);
    assert!(out.value.as_ref().is_some_and(|value| value.len() < 200), "the topic has a pointer");
    assert_eq!(read(&codec, "raw.aws.cloudtrail", &out), Decoded::Payload(large));
    std::fs::remove_dir_all(&folder).unwrap();
    let letter = letter(read(&codec, "raw.aws.cloudtrail", &out));
    assert!(letter.reason.contains("is not in the folder of bodies"), "{}", letter.reason);
    assert!(letter.headers.iter().any(|header| header.name == "overgrant_object"), "it can be sent again");
}

#[test]
fn a_large_dead_letter_has_its_beginning_and_all_of_it_as_an_object() {
    let (folder, runtime) = (folder(), tokio::runtime::Runtime::new().unwrap());
    let codec = with_bodies(&folder, &runtime);
    let raw = RawRecord { body: Body(vec![b'x'; 1_000_000].into()), ..example::raw_record() };
    let whole = DeadLetter::of_record("normalize", "too large", &raw);
    let out = written(&codec, &whole.clone().into_message());
    let read = letter(read(&codec, "dead_letter.v1", &out));
    assert_eq!((read.body.0.len(), read.n_bytes), (DeadLetter::MAX_BODY_BYTES, 1_000_000));
    let object = read.body_object.as_deref().unwrap();
    assert_eq!(codec.bodies.as_ref().unwrap().get(object).unwrap().unwrap(), raw.body.0);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_record_that_is_sent_again_keeps_its_place_and_opens_its_own_letter_again() {
    let codec = plain(None);
    let broken = Written {
        key: b"k".to_vec(),
        value: Some(b"{}".to_vec()),
        headers: vec![("overgrant_raw".to_owned(), vec![9])],
    };
    let first = letter(read(&codec, "raw.aws.cloudtrail", &broken));
    assert_eq!((first.room.as_str(), first.origin.partition, first.origin.offset), ("stream", 5, 77));
    assert_eq!(first.key, Some(Body::from("k")));
    let redrive = Redrive::of(&first, first.redriven_at(Time(50)));
    let header = (redrive::HEADER.to_owned(), redrive.write());
    let again = Written {
        key: broken.key.clone(),
        value: broken.value.clone(),
        headers: [broken.headers, vec![header.clone()]].concat(),
    };
    let mut at = first.origin.clone();
    at.offset = 77;
    let second = letter(read(&codec, "raw.aws.cloudtrail", &again));
    assert_eq!((second.dead_letter_id, &second.origin), (first.dead_letter_id, &at));
    assert!(second.revision > first.closed(redrive.at).revision);
    assert_eq!(second.headers, first.headers, "the header of the redrive is none of the record's own");

    // Without the header that broke it, it is a record of another producer, at the place where it stood first.
    let mended = Written { headers: vec![header], ..again };
    let Decoded::Payload(Message::RawRecord(raw)) = read(&codec, "raw.aws.cloudtrail", &mended) else {
        panic!("it is read")
    };
    assert_eq!((raw.origin.clone(), raw.redriven_at, raw.ingested_at), (first.origin, None, first.time));
}

#[test]
fn the_mark_of_a_redriven_record_travels() {
    let codec = plain(None);
    let raw = RawRecord { redriven_at: Some(Time(9)), ..example::raw_record() }.into_message();
    assert_eq!(read(&codec, "raw.aws.cloudtrail", &written(&codec, &raw)), Decoded::Payload(raw));
}

#[test]
fn a_schema_that_is_named_by_a_guid_is_asked_for_once() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let ask: Ask = Box::new(move |name| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok((name == SchemaName::Guid(7)).then(|| schemas::avro::text_of("access_event").unwrap()))
    });
    let codec = plain(Some(ask));
    let event = example::access_event().into_message();
    let mut out = written(&codec, &event);
    let datum = out.value.take().unwrap()[5..].to_vec();
    for (guid, is_known) in [(7u128, true), (8, false)] {
        out.value = Some([&[1], guid.to_be_bytes().as_slice(), &datum].concat());
        for _ in 0..2 {
            let decoded = read(&codec, "access_event.v1", &out);
            assert_eq!(decoded == Decoded::Payload(event.clone()), is_known, "{decoded:?}");
        }
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 2);
}
