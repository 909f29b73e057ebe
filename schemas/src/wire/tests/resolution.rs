//! Writers of other versions: their bytes become what `apache-avro` makes of them.

use std::collections::BTreeMap;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::ResolvedSchema;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::plan::{Plan, plan};
use super::super::read::Input;
use super::super::resolve::Resolving;
use super::super::{DatumError, SchemaIds, WireError};
use super::{runner, values, written};
use crate::{Message, Noun, example};

/// Reads a datum of another schema as the noun.
fn resolved<N: Noun>(plan: &Plan, bytes: &[u8]) -> Result<N, DatumError> {
    let mut input = Input::new(bytes);
    let noun = N::deserialize(Resolving::new(plan, &mut input))?;
    input.end().map(|()| noun)
}

/// Numbers that look random and come from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Puts whole definitions where names stand, so that fields can be moved.
fn expand(schema: &mut Json, known: &mut BTreeMap<String, Json>) {
    match schema {
        Json::String(name) => {
            if let Some(whole) = known.get(name) {
                *schema = whole.clone();
            }
        }
        Json::Array(branches) => branches.iter_mut().for_each(|branch| expand(branch, known)),
        Json::Object(map) => {
            for field in map.get_mut("fields").and_then(Json::as_array_mut).into_iter().flatten() {
                expand(&mut field["type"], known);
            }
            if let Some(items) = map.get_mut("items") {
                expand(items, known);
            }
            if let Some(name) = map.get("name").and_then(Json::as_str) {
                known.insert(name.to_owned(), Json::Object(map.clone()));
            }
        }
        _ => {}
    }
}

/// The other way: a type is defined where it first stands.
fn contract(schema: &mut Json, known: &mut Vec<String>) {
    match schema {
        Json::Array(branches) => branches.iter_mut().for_each(|branch| contract(branch, known)),
        Json::Object(map) => {
            if let Some(name) = map.get("name").and_then(Json::as_str).map(str::to_owned) {
                if known.contains(&name) {
                    *schema = Json::String(name);
                    return;
                }
                known.push(name);
            }
            for field in map.get_mut("fields").and_then(Json::as_array_mut).into_iter().flatten() {
                contract(&mut field["type"], known);
            }
            if let Some(items) = map.get_mut("items") {
                contract(items, known);
            }
        }
        _ => {}
    }
}

/// Makes a schema of another version: fields with a default go, others come, in another order, and words too.
fn change(schema: &mut Json, dice: &mut Dice, n_changes: &mut usize) {
    match schema {
        Json::Array(branches) => branches.iter_mut().for_each(|branch| change(branch, dice, n_changes)),
        Json::Object(map) => {
            if let Some(items) = map.get_mut("items") {
                change(items, dice, n_changes);
            }
            if let Some(symbols) = map.get_mut("symbols").and_then(Json::as_array_mut) {
                let by = dice.roll(symbols.len() as u64) as usize;
                symbols.rotate_left(by);
            }
            if let Some(fields) = map.get_mut("fields").and_then(Json::as_array_mut) {
                fields.iter_mut().for_each(|field| change(&mut field["type"], dice, n_changes));
                fields.retain(|field| field.get("default").is_none() || dice.roll(4) > 0);
                for _ in 0..dice.roll(4) {
                    *n_changes += 1;
                    let place = dice.roll(fields.len() as u64 + 1) as usize;
                    fields
                        .insert(place, json!({"name": format!("new_{n_changes}"), "type": new_type(dice, *n_changes)}));
                }
                let by = dice.roll(fields.len() as u64) as usize;
                fields.rotate_left(by);
            }
        }
        _ => {}
    }
}

fn new_type(dice: &mut Dice, n: usize) -> Json {
    match dice.roll(12) {
        0 => json!("boolean"),
        1 => json!("int"),
        2 => json!("float"),
        3 => json!("double"),
        4 => json!("bytes"),
        5 => json!(["null", "string", "long"]),
        6 => json!({"type": "array", "items": ["null", "double"]}),
        7 => json!({"type": "map", "values": {"type": "array", "items": "string"}}),
        8 => json!({"type": "fixed", "name": format!("Fixed{n}"), "size": 5}),
        9 => json!({"type": "enum", "name": format!("Enum{n}"), "symbols": ["a", "b"]}),
        10 => json!({"type": "record", "name": format!("Record{n}"), "fields": [
            {"name": "x", "type": "string"}, {"name": "nothing", "type": "null"}, {"name": "y", "type": "long"}]}),
        _ => json!({"type": "long", "logicalType": "timestamp-millis"}),
    }
}

fn other_version<N: Noun>(seed: u64) -> Schema {
    let mut schema = serde_json::to_value(crate::avro::schema::<N>()).unwrap();
    expand(&mut schema, &mut BTreeMap::new());
    change(&mut schema, &mut Dice(seed), &mut 0);
    contract(&mut schema, &mut Vec::new());
    Schema::parse(&schema).unwrap()
}

#[test]
fn other_versions_become_what_apache_avro_makes_of_them() {
    crate::for_each_noun!(N => {
        let ours = crate::avro::schema::<N>();
        for seed in 0..40 {
            let theirs = other_version::<N>(seed);
            let plan = plan(&theirs, &ours).unwrap_or_else(|why| panic!("{} {seed}: {why}", N::NAME));
            let names = ResolvedSchema::try_from(&theirs).unwrap();
            let writer = GenericDatumWriter::builder(&theirs).build().unwrap();
            let oracle = GenericDatumReader::builder(&theirs).reader_schema(&ours).build().unwrap();
            let run = runner(5).run(&values::of(&theirs, names.get_names(), ""), |value| {
                let bytes = writer.write_value_to_vec(value).unwrap();
                let by_apache: N = apache_avro::from_value(&oracle.read_value(&mut bytes.as_slice()).unwrap()).unwrap();
                prop_assert_eq!(resolved::<N>(&plan, &bytes).unwrap(), by_apache);
                for cut in [bytes.len() / 3, bytes.len() - 1] {
                    prop_assert!(resolved::<N>(&plan, &bytes[..cut]).is_err());
                }
                Ok(())
            });
            run.unwrap_or_else(|error| panic!("{} {seed}: {error}", N::NAME));
        }
    });
}

#[test]
fn damaged_bytes_of_other_versions_do_no_harm() {
    crate::for_each_noun!(N => {
        let ours = crate::avro::schema::<N>();
        for seed in 0..10 {
            let theirs = other_version::<N>(seed);
            let plan = plan(&theirs, &ours).unwrap();
            let run = runner(60).run(&prop::collection::vec(any::<u8>(), 0..300), |bytes| {
                if let Ok(noun) = resolved::<N>(&plan, &bytes) {
                    prop_assert!(!written(&noun).is_empty());
                }
                Ok(())
            });
            run.unwrap_or_else(|error| panic!("{} {seed}: {error}", N::NAME));
        }
    });
}

/// A model as somebody else might write it: in a namespace, a `double` that was an `int`, options that always are.
#[test]
fn promotions_and_options_are_understood() {
    let theirs = r#"{"type": "record", "name": "Alert", "namespace": "com.example", "fields": [
        {"name": "reasons", "type": {"type": "array", "items": {"type": "record", "name": "Reason", "fields": [
            {"name": "nats", "type": "float"}, {"name": "text", "type": "bytes"}, {"name": "channel", "type": "string"}]}}},
        {"name": "nats", "type": ["int", "double"]},
        {"name": "identity_name", "type": "string"},
        {"name": "could", "type": "null"}]}"#;
    let ours = r#"{"type": "record", "name": "Alert", "fields": [
        {"name": "identity_name", "type": ["null", "string"], "default": null},
        {"name": "nats", "type": "double"},
        {"name": "could", "type": ["null", "string"], "default": null},
        {"name": "reasons", "type": {"type": "array", "items": {"type": "record", "name": "Reason", "fields": [
            {"name": "channel", "type": "string"}, {"name": "nats", "type": "double"}, {"name": "text", "type": "string"}]}}},
        {"name": "tags", "type": {"type": "array", "items": "string"}, "default": ["a", "b"]},
        {"name": "open", "type": "boolean", "default": true}]}"#;
    #[derive(Debug, PartialEq, Deserialize)]
    struct Ours {
        identity_name: Option<String>,
        nats: f64,
        could: Option<String>,
        reasons: Vec<crate::Reason>,
        tags: Vec<String>,
        open: bool,
    }
    let plan = plan(&Schema::parse_str(theirs).unwrap(), &Schema::parse_str(ours).unwrap()).unwrap();
    let mut bytes = vec![0x02];
    bytes.extend(0.5_f32.to_le_bytes());
    bytes.extend(b"\x04hi\x02c\x00\x00\x0e\x06bob");
    let read = Ours::deserialize(Resolving::new(&plan, &mut Input::new(&bytes))).unwrap();
    let reasons = vec![crate::Reason { channel: "c".into(), nats: 0.5, text: "hi".into() }];
    let tags = vec!["a".to_owned(), "b".to_owned()];
    let name = Some("bob".to_owned());
    assert_eq!(read, Ours { identity_name: name, nats: 7.0, could: None, reasons, tags, open: true });
}

#[test]
fn a_schema_met_later_is_learned_and_one_that_does_not_fit_is_refused() {
    let Message::Session(session) = example::session().into_message() else { panic!("a session") };
    let text = crate::avro::text::<crate::Session>();
    let mut value = vec![0, 0, 0, 0, 9];
    value.extend(written(session.as_ref()));
    let mut ids = SchemaIds::of(vec![("usage", 8)]);
    assert_eq!(super::super::framed(&value, &ids), Err(WireError::UnknownId(9)));
    ids.add_writer(9, "session", &text).unwrap();
    assert_eq!(super::super::framed(&value, &ids), Ok(Message::Session(session)));
    let refused = ids.add_writer(10, "usage", &text).unwrap_err();
    let said = "schema 10 cannot be read as `usage`: type `Session` stands where `Usage` belongs";
    assert_eq!(refused.to_string(), said);
    assert_eq!(ids.add_writer(11, "sessions", &text), Err(WireError::NoNoun("sessions".to_owned())));
    assert!(ids.add_writer(12, "session", "{").is_err());
}
