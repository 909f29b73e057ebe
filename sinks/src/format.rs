//! Answers as text: a table for people, JSON, NDJSON and CSV for machines.
//!
//! Times are RFC 3339 everywhere, bytes are text. A log may hold anything, so what goes to a terminal has its control
//! characters replaced.

mod cells;
mod table;

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;

use self::cells::{Cells, as_text};

/// A form of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// Comma-separated values with a header line; lists and structs are JSON, a null is an empty field.
    Csv,
}

impl Format {
    /// Every form, in order.
    pub const ALL: [Self; 4] = [Self::Table, Self::Json, Self::Ndjson, Self::Csv];

    /// The word by which it is chosen.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// A word that is no form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`; there are table, json, ndjson and csv")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.as_str() == word).ok_or_else(|| UnknownFormat(word.to_owned()))
    }
}

/// Why an answer was not written.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The other end is gone or full.
    #[error("cannot write the answer")]
    Write(#[from] io::Error),
    /// A type that has no text form.
    #[error("a column has no text form")]
    Cell(#[from] ArrowError),
}

/// Writes rows that were worked out and not read from a table: as a table or CSV the named columns, as JSON all members.
///
/// # Errors
/// When the output breaks.
pub fn rows(
    out: &mut dyn Write,
    columns: &[&str],
    rows: &[serde_json::Value],
    format: Format,
    width: Option<usize>,
) -> Result<(), FormatError> {
    match format {
        Format::Json => {
            let text = serde_json::to_string_pretty(rows).map_err(std::io::Error::other)?;
            Ok(writeln!(out, "{text}")?)
        }
        Format::Ndjson => {
            for row in rows {
                writeln!(out, "{row}")?;
            }
            Ok(())
        }
        Format::Table | Format::Csv => {
            let fields: Vec<Field> = columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
            let schema = Arc::new(Schema::new(fields));
            let column = |name: &&str| -> ArrayRef {
                Arc::new(rows.iter().map(|row| Some(plain(&row[*name]))).collect::<StringArray>())
            };
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns.iter().map(column).collect())?;
            write(out, &schema, &[batch], format, width)
        }
    }
}

fn plain(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Writes rows in a form. `width` is the terminal's, in columns: a table is drawn with lines and cut to it; without
/// one it is plain and whole.
///
/// # Errors
/// When the writer fails, or a column's type has no text form.
pub fn write(
    out: &mut dyn Write,
    schema: &Schema,
    batches: &[RecordBatch],
    format: Format,
    width: Option<usize>,
) -> Result<(), FormatError> {
    match format {
        Format::Table => table::write(out, schema, batches, width),
        Format::Json => json(out, batches),
        Format::Ndjson => objects(out, batches, "\n").and_then(|any| if any { end_line(out) } else { Ok(()) }),
        Format::Csv => csv(out, schema, batches),
    }
}

fn end_line(out: &mut dyn Write) -> Result<(), FormatError> {
    Ok(out.write_all(b"\n")?)
}

fn json(out: &mut dyn Write, batches: &[RecordBatch]) -> Result<(), FormatError> {
    out.write_all(b"[")?;
    objects(out, batches, ",\n ")?;
    out.write_all(b"]\n")?;
    Ok(())
}

/// Writes one object a row with `between` between two; says whether there were any.
fn objects(out: &mut dyn Write, batches: &[RecordBatch], between: &str) -> Result<bool, FormatError> {
    let mut any = false;
    let mut line = Vec::new();
    for batch in batches {
        let names: Vec<String> = batch
            .schema()
            .fields()
            .iter()
            .map(|field| serde_json::Value::from(field.name().as_str()).to_string())
            .collect();
        let texts = as_text(batch)?;
        let mut cells = Cells::new(&texts)?;
        for row in 0..batch.num_rows() {
            line.clear();
            line.extend_from_slice(if any { between.as_bytes() } else { b"" });
            for (column, name) in names.iter().enumerate() {
                line.extend_from_slice(if column == 0 { b"{" } else { b"," });
                line.extend_from_slice(name.as_bytes());
                line.push(b':');
                cells.json(column, row, &mut line);
            }
            line.push(b'}');
            out.write_all(&line)?;
            any = true;
        }
    }
    Ok(any)
}

fn csv(out: &mut dyn Write, schema: &Schema, batches: &[RecordBatch]) -> Result<(), FormatError> {
    let fields: Vec<Field> =
        schema.fields().iter().map(|field| Field::new(field.name(), DataType::Utf8, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(out);
    writer.write(&RecordBatch::new_empty(Arc::clone(&schema)))?;
    for batch in batches {
        let texts = as_text(batch)?;
        let mut cells = Cells::new(&texts)?;
        let columns: Vec<ArrayRef> =
            (0..batch.num_columns()).map(|column| cells.column(column, batch.num_rows())).collect();
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
