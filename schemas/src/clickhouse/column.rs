//! The columns of a table: names, types, codecs and comments, read off a noun's Avro schema.

use apache_avro::Schema as Avro;

/// A type of an Avro schema that no noun should use.
#[derive(Debug, thiserror::Error)]
#[error("no ClickHouse type for Avro `{0}`")]
pub struct ColumnError(String);

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, such as `LowCardinality(Nullable(String))`.
    pub kind: String,
    /// How it is compressed, such as `Delta(8), ZSTD(1)`.
    pub codec: &'static str,
    /// What it means: the doc of the Avro field.
    pub comment: String,
}

impl Column {
    /// The column as CREATE TABLE and ADD COLUMN write it.
    #[must_use]
    pub fn definition(&self) -> String {
        let Self { name, kind, codec, comment } = self;
        format!("`{name}` {kind} CODEC({codec}) COMMENT {}", literal(comment))
    }
}

/// A text as a literal of ClickHouse, which reads backslashes.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A doc as one line.
pub(super) fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Names of text fields with few values beside many rows: a dictionary makes them a tenth of the size and their
/// comparison one of numbers. Ids of identities and resources are none: they fill dictionaries that are of no use.
const FEW_VALUES: &[&str] = &[
    "account_id",
    "action",
    "catalogue_version",
    "channel",
    "detector",
    "error_code",
    "identity_account",
    "kind",
    "model_id",
    "model_version",
    "operation",
    "org_id",
    "region",
    "resource_account",
    "role",
    "room",
    "service",
    "source_service",
    "technique",
    "tool",
    "topic",
];

/// The columns of a noun's record.
pub(super) fn of(record: &Avro) -> Result<Vec<Column>, ColumnError> {
    let Avro::Record(record) = record else { return Err(ColumnError(format!("{record:?}"))) };
    let column = |field: &apache_avro::schema::RecordField| {
        Ok(Column {
            name: field.name.clone(),
            kind: kind(&field.name, &field.schema)?,
            codec: codec(&field.name, &field.schema),
            comment: one_line(field.doc.as_deref().unwrap_or_default()),
        })
    };
    record.fields.iter().map(column).collect()
}

fn inner(avro: &Avro) -> Result<(&Avro, bool), ColumnError> {
    let Avro::Union(union) = avro else { return Ok((avro, false)) };
    let inner = union.variants().iter().find(|variant| !matches!(variant, Avro::Null));
    inner.map(|inner| (inner, true)).ok_or_else(|| ColumnError(format!("{avro:?}")))
}

fn kind(name: &str, avro: &Avro) -> Result<String, ColumnError> {
    let (avro, is_nullable) = inner(avro)?;
    let plain = match avro {
        Avro::Boolean => "Bool",
        Avro::Int => "Int32",
        Avro::Long => "Int64",
        Avro::Double => "Float64",
        Avro::String | Avro::Enum(_) | Avro::Ref { .. } | Avro::Bytes => "String",
        Avro::TimestampMicros => "DateTime64(6, 'UTC')",
        Avro::Array(array) => return Ok(format!("Array({})", kind("", &array.items)?)),
        Avro::Record(record) => {
            let fields =
                record.fields.iter().map(|field| Ok(format!("`{}` {}", field.name, kind(&field.name, &field.schema)?)));
            return Ok(format!("Tuple({})", fields.collect::<Result<Vec<_>, ColumnError>>()?.join(", ")));
        }
        other => return Err(ColumnError(format!("{other:?}"))),
    };
    let kind = if is_nullable { format!("Nullable({plain})") } else { plain.to_owned() };
    // A reference is to an enum: no record is used twice in one schema.
    let has_few = match avro {
        Avro::Enum(_) | Avro::Ref { .. } => true,
        Avro::String => FEW_VALUES.contains(&name),
        _ => false,
    };
    Ok(if has_few { format!("LowCardinality({kind})") } else { kind })
}

/// Times in a part grow slowly, so their differences are small; counts are small and T64 cuts their zero bits; texts
/// take ZSTD, and whole records a higher level, since they are the bulk and are written once.
fn codec(name: &str, avro: &Avro) -> &'static str {
    match inner(avro).map(|(avro, _)| avro) {
        Ok(Avro::TimestampMicros) => "Delta(8), ZSTD(1)",
        Ok(Avro::Int | Avro::Long) => "T64, ZSTD(1)",
        Ok(Avro::Bytes) => "ZSTD(3)",
        _ if name == "body" => "ZSTD(3)",
        _ => "ZSTD(1)",
    }
}
