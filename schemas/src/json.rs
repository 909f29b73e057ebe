//! Rows as JSON for people: times in RFC 3339, bytes as text. What machines exchange is Avro or Arrow.

use apache_avro::Schema;
use serde_json::Value;

use crate::{Noun, Time};

/// The row as a JSON object, its fields in the schema's order.
#[must_use]
pub fn to_value<N: Noun>(noun: &N) -> Value {
    let mut value = serde_json::to_value(noun).unwrap_or_default();
    for_people(&mut value, &crate::avro::schema::<N>());
    value
}

/// The row as one line without a newline.
#[must_use]
pub fn to_line<N: Noun>(noun: &N) -> String {
    to_value(noun).to_string()
}

fn for_people(value: &mut Value, schema: &Schema) {
    match (schema, &mut *value) {
        (Schema::TimestampMicros, Value::Number(number)) => {
            *value = Value::String(Time(number.as_i64().unwrap_or_default()).to_string());
        }
        (Schema::Bytes, Value::Array(bytes)) => {
            let bytes: Vec<u8> = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            *value = Value::String(String::from_utf8_lossy(&bytes).into_owned());
        }
        (Schema::Union(union), present) if !present.is_null() => {
            if let Some(inner) = union.variants().iter().find(|variant| !matches!(variant, Schema::Null)) {
                for_people(present, inner);
            }
        }
        (Schema::Array(array), Value::Array(items)) => {
            items.iter_mut().for_each(|item| for_people(item, &array.items));
        }
        (Schema::Record(record), Value::Object(map)) => {
            for field in &record.fields {
                if let Some(value) = map.get_mut(&field.name) {
                    for_people(value, &field.schema);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn times_are_readable_at_every_depth() {
        let event = example::access_event();
        let value = to_value(&event);
        assert_eq!(value["time"], "2026-10-31T12:00:00Z");
        assert_eq!(value["error_code"], Value::Null);
        let raw = to_value(&example::raw_record());
        assert_eq!(raw["body"], "{\"eventName\":\"GetObject\"}");
    }
}
