//! What holds for every noun, with made-up values, against `apache-avro`; what a record looks like; who else's we read.

mod records;
mod resolution;
mod values;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::ResolvedSchema;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde::Deserialize;

use super::read::Input;
use super::{DatumError, Encoded, SchemaIds, Wire, decode, encode, write};
use crate::{Message, Noun};

/// Reads a datum as ours, and says that nothing is left over.
fn read<N: Noun>(bytes: &[u8]) -> Result<N, DatumError> {
    let mut input = Input::new(bytes);
    let noun = N::deserialize(&mut input)?;
    input.end().map(|()| noun)
}

fn written<N: Noun>(noun: &N) -> Vec<u8> {
    let mut bytes = Vec::new();
    write::datum(noun, &mut bytes).unwrap();
    bytes
}

/// Writes a message and reads it back.
fn there_and_back(message: &Message, encoded: &mut Encoded) -> Message {
    let ids = SchemaIds::reserved();
    encode(message, &ids, "overgrant/test", encoded).unwrap();
    decode(&wire(message.topic(), encoded), &ids).unwrap().unwrap()
}

fn wire<'a>(topic: &'a str, encoded: &'a Encoded) -> Wire<'a> {
    Wire {
        topic,
        partition: 3,
        offset: 14,
        timestamp_ms: Some(1_793_448_000_000),
        key: Some(&encoded.key),
        value: encoded.value.as_deref(),
        headers: encoded.headers.iter().map(|(name, value)| (*name, value.as_slice())).collect(),
    }
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

#[test]
fn bytes_and_nouns_are_those_of_apache_avro() {
    crate::for_each_noun!(N => {
        let schema = crate::avro::schema::<N>();
        let names = ResolvedSchema::try_from(&schema).unwrap();
        let oracle = GenericDatumWriter::builder(&schema).build().unwrap();
        let encoded = std::cell::RefCell::new(Encoded::default());
        let run = runner(100).run(&values::of(&schema, names.get_names(), ""), |value| {
            let noun: N = apache_avro::from_value(&value).unwrap();
            let bytes = oracle.write_value_to_vec(value).unwrap();
            prop_assert_eq!(&oracle.write_ser_to_vec(&noun).unwrap(), &bytes);
            prop_assert_eq!(&written(&noun), &bytes);
            prop_assert_eq!(&read::<N>(&bytes).unwrap(), &noun);
            let message = noun.into_message();
            let mut encoded = encoded.borrow_mut();
            prop_assert_eq!(&there_and_back(&message, &mut encoded), &message);
            prop_assert_eq!(String::from_utf8_lossy(&encoded.key), message.row_key());
            Ok(())
        });
        run.unwrap_or_else(|error| panic!("{}: {error}", N::NAME));
    });
}

/// What an enemy, or a broken disk, may do to bytes.
fn damage() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, prop::sample::Index, Vec<u8>)> {
    let bytes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (bytes, any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..12))
}

#[test]
fn damaged_bytes_are_refused_or_read_as_apache_avro_reads_them() {
    crate::for_each_noun!(N => {
        let schema = crate::avro::schema::<N>();
        let names = ResolvedSchema::try_from(&schema).unwrap();
        let writer = GenericDatumWriter::builder(&schema).build().unwrap();
        let oracle = GenericDatumReader::builder(&schema).build().unwrap();
        let strategy = (values::of(&schema, names.get_names(), ""), damage());
        let n_read = std::cell::Cell::new(0);
        let run = runner(150).run(&strategy, |(value, (changes, cut, tail))| {
            let mut bytes = writer.write_value_to_vec(value).unwrap();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if tail.len() > 6 {
                bytes.truncate(cut.index(bytes.len()));
                bytes.extend(tail);
            }
            if let Ok(noun) = read::<N>(&bytes) {
                n_read.set(n_read.get() + 1);
                let value = oracle.read_value(&mut bytes.as_slice()).unwrap();
                let by_apache: N = apache_avro::from_value(&value).unwrap();
                prop_assert_eq!(written(&noun), written(&by_apache));
            }
            Ok(())
        });
        run.unwrap_or_else(|error| panic!("{}: {error}", N::NAME));
        assert!(n_read.get() > 10, "{}: {} of 150 were read", N::NAME, n_read.get());
    });
}

#[test]
fn no_length_takes_more_than_the_input_holds() {
    let mut long = Vec::new();
    write::long(1 << 40, &mut long);
    let text = String::deserialize(&mut Input::new(&long));
    assert_eq!(text, Err(DatumError::Length(1 << 40)));
    let items = Vec::<i64>::deserialize(&mut Input::new(&long));
    assert_eq!(items, Err(DatumError::Length(1 << 40)));
    let mut negative = Vec::new();
    write::long(-3, &mut negative);
    write::long(i64::MAX, &mut negative);
    assert_eq!(Vec::<i64>::deserialize(&mut Input::new(&negative)), Err(DatumError::Length(i64::MAX)));
    assert_eq!(i64::deserialize(&mut Input::new(&[0xff; 11])), Err(DatumError::Number));
    assert_eq!(i32::deserialize(&mut Input::new(&long)), Err(DatumError::Number));
    assert_eq!(bool::deserialize(&mut Input::new(&[2])), Err(DatumError::Boolean(2)));
}

#[test]
fn an_array_in_several_blocks_with_sizes_is_one_array() {
    // Two items in a block with its size, one in a block without, the end.
    let bytes = [0x03, 0x04, 0x02, 0x04, 0x02, 0x06, 0x00];
    assert_eq!(Vec::<i64>::deserialize(&mut Input::new(&bytes)), Ok(vec![1, 2, 3]));
}
