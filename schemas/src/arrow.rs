//! The Arrow schema of each noun, read off its Avro schema: what the lake's files and DataFusion's tables have.

use std::sync::Arc;

use apache_avro::Schema as Avro;
use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};

use crate::Noun;

/// A type of an Avro schema that no noun should use.
#[derive(Debug, thiserror::Error)]
#[error("no Arrow type for Avro `{0}`")]
pub struct ArrowError(String);

/// The Arrow schema of a noun's table.
///
/// # Errors
/// When the noun has a field whose type has no Arrow form here; a test keeps that from happening.
pub fn schema<N: Noun>() -> Result<Arc<Schema>, ArrowError> {
    fields(&crate::avro::schema::<N>()).map(|fields| Arc::new(Schema::new(fields)))
}

fn fields(record: &Avro) -> Result<Fields, ArrowError> {
    let Avro::Record(record) = record else { return Err(ArrowError(format!("{record:?}"))) };
    record.fields.iter().map(|field| to_field(&field.name, &field.schema)).collect()
}

fn to_field(name: &str, avro: &Avro) -> Result<Arc<Field>, ArrowError> {
    let (inner, nullable) = match avro {
        Avro::Union(union) => {
            let inner = union.variants().iter().find(|variant| !matches!(variant, Avro::Null));
            (inner.ok_or_else(|| ArrowError(format!("{avro:?}")))?, true)
        }
        plain => (plain, false),
    };
    Ok(Arc::new(Field::new(name, to_type(inner)?, nullable)))
}

fn to_type(avro: &Avro) -> Result<DataType, ArrowError> {
    Ok(match avro {
        Avro::Boolean => DataType::Boolean,
        Avro::Int => DataType::Int32,
        Avro::Long => DataType::Int64,
        Avro::Double => DataType::Float64,
        Avro::String | Avro::Enum(_) => DataType::Utf8,
        Avro::Bytes => DataType::Binary,
        Avro::TimestampMicros => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Avro::Array(array) => DataType::List(to_field("item", &array.items)?),
        Avro::Record(_) => DataType::Struct(fields(avro)?),
        // A type that was defined earlier in the same schema; all such types here are enums.
        Avro::Ref { .. } => DataType::Utf8,
        other => return Err(ArrowError(format!("{other:?}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_noun_has_an_arrow_schema_with_its_avro_fields() {
        crate::for_each_noun!(N => {
            let arrow = schema::<N>().unwrap();
            let Avro::Record(avro) = crate::avro::schema::<N>() else { panic!("{} is a record", N::NAME) };
            let names: Vec<_> = avro.fields.iter().map(|field| field.name.as_str()).collect();
            assert_eq!(arrow.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), names);
        });
    }

    #[test]
    fn no_reference_stands_for_a_record() {
        crate::for_each_noun!(N => {
            let text = crate::avro::text::<N>();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            let mut records = Vec::new();
            collect_records(&value, &mut records);
            for record in &records {
                assert_eq!(text.matches(&format!("\"{record}\"")).count(), 1, "{record} is used twice in {}", N::NAME);
            }
        });
    }

    fn collect_records(value: &serde_json::Value, names: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                if map.get("type").is_some_and(|kind| kind == "record") {
                    names.push(map["name"].as_str().unwrap().to_owned());
                }
                map.values().for_each(|value| collect_records(value, names));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|value| collect_records(value, names)),
            _ => {}
        }
    }
}
