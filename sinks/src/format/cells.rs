//! Single values as JSON or as plain text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};

/// A batch whose bytes are text, with how its cells are encoded.
pub(super) struct Texts {
    batch: RecordBatch,
    fields: Vec<FieldRef>,
    options: EncoderOptions,
}

/// Turns columns of bytes into text, broken characters replaced; everything else stays.
pub(super) fn as_text(batch: &RecordBatch) -> Result<Texts, ArrowError> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    let mut fields: Vec<FieldRef> = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let text = match column.data_type() {
            DataType::Binary => lossy(column.as_binary::<i32>().iter()),
            DataType::LargeBinary => lossy(column.as_binary::<i64>().iter()),
            DataType::BinaryView => lossy(column.as_binary_view().iter()),
            _ => {
                columns.push(Arc::clone(column));
                fields.push(Arc::clone(field));
                continue;
            }
        };
        columns.push(Arc::new(text));
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
    }
    let schema = Arc::new(Schema::new(fields.clone()));
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let batch = RecordBatch::try_new_with_options(schema, columns, &options)?;
    Ok(Texts { batch, fields, options: EncoderOptions::default().with_explicit_nulls(true) })
}

fn lossy<'a>(values: impl Iterator<Item = Option<&'a [u8]>>) -> StringArray {
    values.map(|value| value.map(String::from_utf8_lossy)).collect()
}

/// The encoders of a batch's columns.
pub(super) struct Cells<'t> {
    encoders: Vec<NullableEncoder<'t>>,
}

impl<'t> Cells<'t> {
    pub(super) fn new(texts: &'t Texts) -> Result<Self, ArrowError> {
        let columns = texts.fields.iter().zip(texts.batch.columns());
        let encoders = columns.map(|(field, column)| make_encoder(field, column.as_ref(), &texts.options));
        Ok(Self { encoders: encoders.collect::<Result<_, _>>()? })
    }

    /// Appends a value as JSON.
    pub(super) fn json(&mut self, column: usize, row: usize, out: &mut Vec<u8>) {
        match self.encoders.get_mut(column) {
            Some(encoder) if !encoder.is_null(row) => encoder.encode(row, out),
            _ => out.extend_from_slice(b"null"),
        }
    }

    /// A value as text: strings without quotes, lists and structs as JSON; `None` for null.
    pub(super) fn text(&mut self, column: usize, row: usize) -> Option<String> {
        let mut bytes = Vec::new();
        self.json(column, row, &mut bytes);
        match bytes.as_slice() {
            b"null" => None,
            [b'"', ..] => serde_json::from_slice(&bytes).ok(),
            _ => String::from_utf8(bytes).ok(),
        }
    }

    /// A column as text.
    pub(super) fn column(&mut self, column: usize, n_rows: usize) -> ArrayRef {
        Arc::new((0..n_rows).map(|row| self.text(column, row)).collect::<StringArray>())
    }
}
