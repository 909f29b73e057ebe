//! Plans how a datum of another writer's schema becomes a noun of ours: Avro's schema resolution, done once per schema.
//!
//! Where both schemas say the same the plan is [`Plan::Same`], and the bytes are read by type. `FULL_TRANSITIVE` allows
//! fields that come and go with a default; Avro's promotions, reordered fields, aliases and unions are understood too.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{EnumSchema, Name, RecordField, RecordSchema, ResolvedSchema, UuidSchema};
use serde_json::Value;

use super::write;

/// How deep a writer's schema may nest. Ours nest three deep.
const MAX_DEPTH: usize = 32;
/// How many parts a plan may have, so that a schema whose types use each other cannot grow without bound. Ours have a
/// hundred.
const MAX_PARTS: usize = 10_000;

/// How the bytes of one type become one of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// As they are.
    Same,
    /// A record's fields, in the writer's order.
    Record {
        /// What to do with each of the writer's fields.
        steps: Vec<Step>,
        /// Our fields that the writer does not have: their place and the bytes of their default.
        missing: Vec<(u32, Vec<u8>)>,
    },
    /// The writer has null where we have an option.
    Nothing,
    /// The writer always has a value where we have an option.
    Something(Box<Plan>),
    /// The writer has a union: one plan a branch.
    Branches(Vec<Plan>),
    /// A branch of the writer that we cannot hold.
    Never,
    /// Our place of each of the writer's symbols; `None` for those we do not have.
    Symbols(Vec<Option<u32>>),
    /// An array, item by item.
    Array(Box<Plan>),
    /// An `int` or `long` where we have a `double`.
    Long,
    /// A `float` where we have a `double`.
    Float,
}

/// What to do with a field of the writer's.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is our field at this place.
    Read(u32, Plan),
    /// We do not have it.
    Skip(Skip),
}

/// How to step over bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// So many.
    Bytes(usize),
    /// A number.
    Long,
    /// A length and so many.
    Prefixed,
    /// The blocks of an array; each item has at least one byte.
    Array(Box<Skip>),
    /// The blocks of a map.
    Map(Box<Skip>),
    /// The number of a branch and that branch.
    Branches(Vec<Skip>),
    /// One after another.
    Record(Vec<Skip>),
}

/// Plans how to read what was written with one schema as another; the error says what does not fit.
pub(super) fn plan(writer: &Schema, reader: &Schema) -> Result<Plan, String> {
    let writers = ResolvedSchema::try_from(writer).map_err(|e| e.to_string())?;
    let readers = ResolvedSchema::try_from(reader).map_err(|e| e.to_string())?;
    let mut planner = Planner { writers: writers.get_names(), readers: readers.get_names(), parts_left: MAX_PARTS };
    planner.plan(writer, reader, MAX_DEPTH)
}

struct Planner<'s> {
    writers: &'s HashMap<Name, &'s Schema>,
    readers: &'s HashMap<Name, &'s Schema>,
    parts_left: usize,
}

fn named<'s>(names: &HashMap<Name, &'s Schema>, schema: &'s Schema) -> Result<&'s Schema, String> {
    match schema {
        Schema::Ref { name } => names.get(name).copied().ok_or_else(|| format!("type `{name}` is not defined")),
        plain => Ok(plain),
    }
}

impl<'s> Planner<'s> {
    fn count(&mut self, depth_left: usize) -> Result<usize, String> {
        self.parts_left = self.parts_left.checked_sub(1).ok_or("the schema is too large")?;
        depth_left.checked_sub(1).ok_or_else(|| "the schema nests too deep".to_owned())
    }

    fn plan(&mut self, writer: &'s Schema, reader: &'s Schema, depth_left: usize) -> Result<Plan, String> {
        let depth_left = self.count(depth_left)?;
        let (writer, reader) = (named(self.writers, writer)?, named(self.readers, reader)?);
        match (writer, reader) {
            (Schema::Union(union), _) => {
                let mut branches = Vec::new();
                for branch in union.variants() {
                    branches.push(self.plan(branch, reader, depth_left).unwrap_or(Plan::Never));
                }
                if branches.iter().all(|plan| *plan == Plan::Never) {
                    return Err("no branch of the union fits".to_owned());
                }
                let same = [Plan::Nothing, Plan::Something(Box::new(Plan::Same))];
                Ok(if branches == same { Plan::Same } else { Plan::Branches(branches) })
            }
            (_, Schema::Union(union)) => match (writer, union.variants()) {
                (Schema::Null, [Schema::Null, _]) => Ok(Plan::Nothing),
                (_, [Schema::Null, some]) => Ok(Plan::Something(Box::new(self.plan(writer, some, depth_left)?))),
                _ => Err("our union is not `[\"null\", T]`".to_owned()),
            },
            (Schema::Record(writer), Schema::Record(reader)) => self.record(writer, reader, depth_left),
            (Schema::Enum(writer), Schema::Enum(reader)) => symbols(writer, reader),
            (Schema::Array(writer), Schema::Array(reader)) => {
                self.refuse_empty_items(&writer.items)?;
                Ok(match self.plan(&writer.items, &reader.items, depth_left)? {
                    Plan::Same => Plan::Same,
                    item => Plan::Array(Box::new(item)),
                })
            }
            (writer, reader) => scalar(writer, reader),
        }
    }

    fn record(&mut self, writer: &'s RecordSchema, reader: &'s RecordSchema, depth: usize) -> Result<Plan, String> {
        let aliases = reader.aliases.iter().flatten().map(|alias| alias.name());
        same_name(writer.name.name(), reader.name.name(), aliases)?;
        let mut steps = Vec::new();
        let mut found = vec![false; reader.fields.len()];
        for field in &writer.fields {
            let in_field = |why| format!("field `{}`: {why}", field.name);
            steps.push(match reader.fields.iter().position(|ours| is_field(field, ours)) {
                Some(place) => {
                    found[place] = true;
                    let plan = self.plan(&field.schema, &reader.fields[place].schema, depth).map_err(in_field)?;
                    Step::Read(place as u32, plan)
                }
                None => Step::Skip(self.skip(&field.schema, depth).map_err(in_field)?),
            });
        }
        let mut missing = Vec::new();
        for (place, field) in reader.fields.iter().enumerate().filter(|(place, _)| !found[*place]) {
            let value = field.default.as_ref();
            let value = value.ok_or_else(|| format!("field `{}` is missing and has no default", field.name))?;
            let mut bytes = Vec::new();
            self.default(value, &field.schema, &mut bytes).map_err(|why| format!("field `{}`: {why}", field.name))?;
            missing.push((place as u32, bytes));
        }
        let in_order = |(place, step): (usize, &Step)| *step == Step::Read(place as u32, Plan::Same);
        let same = missing.is_empty() && steps.iter().enumerate().all(in_order);
        Ok(if same { Plan::Same } else { Plan::Record { steps, missing } })
    }

    /// An array whose items have no bytes would take forever to read, in time and in memory.
    fn refuse_empty_items(&mut self, items: &'s Schema) -> Result<(), String> {
        match self.skip(items, MAX_DEPTH)? {
            Skip::Bytes(0) => Err("the items of an array have no bytes".to_owned()),
            _ => Ok(()),
        }
    }

    fn skip(&mut self, writer: &'s Schema, depth_left: usize) -> Result<Skip, String> {
        let depth_left = self.count(depth_left)?;
        Ok(match named(self.writers, writer)? {
            Schema::Null => Skip::Bytes(0),
            Schema::Boolean => Skip::Bytes(1),
            Schema::Float => Skip::Bytes(4),
            Schema::Double => Skip::Bytes(8),
            Schema::Fixed(fixed) | Schema::Duration(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => {
                Skip::Bytes(fixed.size)
            }
            Schema::Decimal(decimal) => match &decimal.inner {
                apache_avro::schema::InnerDecimalSchema::Fixed(fixed) => Skip::Bytes(fixed.size),
                apache_avro::schema::InnerDecimalSchema::Bytes => Skip::Prefixed,
            },
            Schema::Bytes | Schema::String | Schema::BigDecimal | Schema::Uuid(_) => Skip::Prefixed,
            Schema::Array(array) => {
                self.refuse_empty_items(&array.items)?;
                Skip::Array(Box::new(self.skip(&array.items, depth_left)?))
            }
            Schema::Map(map) => Skip::Map(Box::new(self.skip(&map.types, depth_left)?)),
            Schema::Union(union) => {
                let branches = union.variants().iter().map(|branch| self.skip(branch, depth_left));
                Skip::Branches(branches.collect::<Result<_, _>>()?)
            }
            Schema::Record(record) => {
                let fields = record.fields.iter().map(|field| self.skip(&field.schema, depth_left));
                let mut fields = fields.collect::<Result<Vec<_>, _>>()?;
                fields.retain(|field| *field != Skip::Bytes(0));
                if fields.is_empty() { Skip::Bytes(0) } else { Skip::Record(fields) }
            }
            // What is left are numbers: `int`, `long`, the times on them, an enum's symbol.
            _ => Skip::Long,
        })
    }

    /// Writes the default of a field of ours as its type reads it.
    fn default(&self, value: &Value, reader: &'s Schema, into: &mut Vec<u8>) -> Result<(), String> {
        let misfit = || format!("default `{value}` does not fit its type");
        match (named(self.readers, reader)?, value) {
            (Schema::Union(union), value) => {
                let branch = usize::from(!value.is_null());
                write::long(branch as i64, into);
                self.default(value, union.variants().get(branch).ok_or_else(misfit)?, into)?;
            }
            (Schema::Null, Value::Null) => {}
            (Schema::Boolean, Value::Bool(yes)) => into.push(u8::from(*yes)),
            (Schema::Int | Schema::Long | Schema::TimestampMicros, value) => {
                write::long(value.as_i64().ok_or_else(misfit)?, into);
            }
            (Schema::Double, value) => into.extend(value.as_f64().ok_or_else(misfit)?.to_le_bytes()),
            (Schema::String, Value::String(text)) => {
                write::long(text.len() as i64, into);
                into.extend_from_slice(text.as_bytes());
            }
            (Schema::Bytes, Value::String(text)) => {
                // Avro writes bytes in JSON as the characters U+0000 to U+00FF.
                let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
                let bytes = bytes.ok_or_else(misfit)?;
                write::long(bytes.len() as i64, into);
                into.extend(bytes);
            }
            (Schema::Enum(schema), Value::String(word)) => {
                let place = schema.symbols.iter().position(|symbol| symbol == word).ok_or_else(misfit)?;
                write::long(place as i64, into);
            }
            (Schema::Array(schema), Value::Array(items)) => {
                if !items.is_empty() {
                    write::long(items.len() as i64, into);
                    items.iter().try_for_each(|item| self.default(item, &schema.items, into))?;
                }
                into.push(0);
            }
            (Schema::Record(schema), Value::Object(map)) => {
                for field in &schema.fields {
                    let value = map.get(&field.name).or(field.default.as_ref()).ok_or_else(misfit)?;
                    self.default(value, &field.schema, into)?;
                }
            }
            _ => return Err(misfit()),
        }
        Ok(())
    }
}

fn same_name<'a>(writer: &str, reader: &str, mut aliases: impl Iterator<Item = &'a str>) -> Result<(), String> {
    // As the specification has it, names are compared without their namespace.
    if writer == reader || aliases.any(|alias| alias == writer) {
        return Ok(());
    }
    Err(format!("type `{writer}` stands where `{reader}` belongs"))
}

fn is_field(writers: &RecordField, ours: &RecordField) -> bool {
    ours.name == writers.name || ours.aliases.contains(&writers.name)
}

fn symbols(writer: &EnumSchema, reader: &EnumSchema) -> Result<Plan, String> {
    same_name(writer.name.name(), reader.name.name(), reader.aliases.iter().flatten().map(|alias| alias.name()))?;
    let place_of = |symbol: &String| reader.symbols.iter().position(|ours| ours == symbol).map(|place| place as u32);
    let default = reader.default.as_ref().and_then(place_of);
    let places: Vec<_> = writer.symbols.iter().map(|symbol| place_of(symbol).or(default)).collect();
    let same = places.iter().enumerate().all(|(place, ours)| *ours == Some(place as u32));
    Ok(if same { Plan::Same } else { Plan::Symbols(places) })
}

fn scalar(writer: &Schema, reader: &Schema) -> Result<Plan, String> {
    match (writer, reader) {
        (Schema::Boolean, Schema::Boolean) | (Schema::Double, Schema::Double) => Ok(Plan::Same),
        // `int` and `long`, and `string` and `bytes`, are the same bytes.
        (Schema::Int, Schema::Int | Schema::Long | Schema::TimestampMicros) => Ok(Plan::Same),
        (Schema::Long | Schema::TimestampMicros, Schema::Long | Schema::TimestampMicros) => Ok(Plan::Same),
        (Schema::String | Schema::Bytes | Schema::Uuid(UuidSchema::String), Schema::String | Schema::Bytes) => {
            Ok(Plan::Same)
        }
        (Schema::Int | Schema::Long, Schema::Double) => Ok(Plan::Long),
        (Schema::Float, Schema::Double) => Ok(Plan::Float),
        (writer, reader) => Err(format!("`{}` cannot be read as `{}`", kind(writer), kind(reader))),
    }
}

fn kind(schema: &Schema) -> String {
    let text = serde_json::to_string(schema).unwrap_or_default();
    text.chars().take(80).filter(|c| *c != '"').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Noun;

    fn of(writer: &str, reader: &str) -> Result<Plan, String> {
        plan(&Schema::parse_str(writer).unwrap(), &Schema::parse_str(reader).unwrap())
    }

    #[test]
    fn what_is_ours_needs_no_plan_whatever_its_documentation_says() {
        crate::for_each_noun!(N => {
            let ours = crate::avro::schema::<N>();
            let bare = ours.canonical_form();
            assert_eq!(plan(&Schema::parse_str(&bare).unwrap(), &ours), Ok(Plan::Same), "{}", N::NAME);
        });
    }

    #[test]
    fn a_field_without_a_default_cannot_be_missing() {
        let empty = r#"{"type": "record", "name": "A", "fields": []}"#;
        let full = r#"{"type": "record", "name": "A", "fields": [{"name": "x", "type": "string"}]}"#;
        assert_eq!(of(empty, full), Err("field `x` is missing and has no default".to_owned()));
        assert_eq!(of(full, empty), Ok(Plan::Record { steps: vec![Step::Skip(Skip::Prefixed)], missing: vec![] }));
    }

    #[test]
    fn types_that_hold_themselves_or_grow_without_bound_are_refused() {
        let reader = r#"{"type": "record", "name": "A", "fields": []}"#;
        let list = r#"{"type": "record", "name": "A", "fields": [{"name": "next", "type": ["null", "A"]}]}"#;
        assert_eq!(of(list, reader), Err("field `next`: the schema nests too deep".to_owned()));
        let mut nested = r#"{"type": "record", "name": "R0", "fields": [{"name": "x", "type": "int"}]}"#.to_owned();
        for level in 1..20 {
            let before = format!("R{}", level - 1);
            nested = format!(
                r#"{{"type": "record", "name": "R{level}", "fields": [
                    {{"name": "a", "type": {nested}}}, {{"name": "b", "type": "{before}"}}]}}"#
            );
        }
        let wide = format!(r#"{{"type": "record", "name": "A", "fields": [{{"name": "wide", "type": {nested}}}]}}"#);
        assert_eq!(of(&wide, reader), Err("field `wide`: the schema is too large".to_owned()));
    }

    #[test]
    fn an_array_of_nothing_is_refused() {
        let reader = r#"{"type": "record", "name": "A", "fields": []}"#;
        let nulls = r#"{"type": "record", "name": "A", "fields": [{"name": "x", "type":
            {"type": "array", "items": {"type": "record", "name": "E", "fields": [{"name": "n", "type": "null"}]}}}]}"#;
        assert_eq!(of(nulls, reader), Err("field `x`: the items of an array have no bytes".to_owned()));
    }

    #[test]
    fn milliseconds_are_not_read_as_microseconds() {
        let millis = r#"{"type": "long", "logicalType": "timestamp-millis"}"#;
        let micros = r#"{"type": "long", "logicalType": "timestamp-micros"}"#;
        assert!(of(millis, micros).is_err());
        assert_eq!(of(r#""long""#, micros), Ok(Plan::Same));
    }
}
