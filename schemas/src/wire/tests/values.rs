//! Values of any schema, made up.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::Name;
use apache_avro::types::Value;
use proptest::prelude::*;

/// The fields that hold 32 hexadecimal digits.
const IDS: &[&str] = &[
    "alert_id",
    "anomaly_id",
    "anomaly_ids",
    "body_hash",
    "dead_letter_id",
    "event_id",
    "event_ids",
    "finding_id",
    "record_id",
    "snapshot_id",
];

/// A strategy for the values of a schema; `field` is the name of the field it stands in.
pub(super) fn of(schema: &Schema, names: &HashMap<Name, &Schema>, field: &str) -> BoxedStrategy<Value> {
    match schema {
        Schema::Ref { name } => of(names[name], names, field),
        Schema::Null => Just(Value::Null).boxed(),
        Schema::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Schema::Int => any::<i32>().prop_map(Value::Int).boxed(),
        Schema::Long => any::<i64>().prop_map(Value::Long).boxed(),
        Schema::TimestampMillis => any::<i64>().prop_map(Value::TimestampMillis).boxed(),
        Schema::TimestampMicros => any::<i64>().prop_map(Value::TimestampMicros).boxed(),
        Schema::Float => (-1e6_f32..1e6).prop_map(Value::Float).boxed(),
        Schema::Double => (-1e300..1e300).prop_map(Value::Double).boxed(),
        Schema::Bytes => prop::collection::vec(any::<u8>(), 0..80).prop_map(Value::Bytes).boxed(),
        Schema::String if IDS.contains(&field) => {
            any::<u128>().prop_map(|id| Value::String(format!("{id:032x}"))).boxed()
        }
        Schema::String => {
            let text = prop::collection::vec(any::<char>(), 0..40);
            text.prop_map(|text| Value::String(text.into_iter().collect())).boxed()
        }
        Schema::Enum(schema) => {
            let symbols = schema.symbols.clone();
            (0..symbols.len()).prop_map(move |place| Value::Enum(place as u32, symbols[place].clone())).boxed()
        }
        Schema::Array(schema) => {
            prop::collection::vec(of(&schema.items, names, field), 0..4).prop_map(Value::Array).boxed()
        }
        Schema::Map(schema) => {
            let entries = prop::collection::hash_map("[a-z]{1,3}", of(&schema.types, names, field), 0..3);
            entries.prop_map(Value::Map).boxed()
        }
        Schema::Union(schema) => {
            let branches: Vec<_> = schema.variants().iter().map(|branch| of(branch, names, field)).collect();
            let place = (0..branches.len()).prop_flat_map(move |place| {
                branches[place].clone().prop_map(move |value| Value::Union(place as u32, Box::new(value)))
            });
            place.boxed()
        }
        Schema::Record(schema) => {
            let fields: Vec<_> = schema.fields.iter().map(|field| of(&field.schema, names, &field.name)).collect();
            let field_names: Vec<_> = schema.fields.iter().map(|field| field.name.clone()).collect();
            fields.prop_map(move |values| Value::Record(field_names.iter().cloned().zip(values).collect())).boxed()
        }
        Schema::Fixed(schema) => {
            let size = schema.size;
            prop::collection::vec(any::<u8>(), size).prop_map(move |bytes| Value::Fixed(size, bytes)).boxed()
        }
        other => panic!("no values for {other:?}"),
    }
}
