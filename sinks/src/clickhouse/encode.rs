//! Rows to the bytes of one insert, and the token by which the server knows that it has them.
//!
//! The format is Arrow's stream: the lake's columns are Arrow already, and it costs the server a third of what RowBinary
//! does (see the README for the figures of this repository's own measurement). Native costs it a fifth less still, but
//! would need an encoder of ours for every type.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_ipc::writer::StreamWriter;
use bytes::Bytes;
use schemas::{Id128, Message};

use super::ClickHouseError;
use crate::lake::encode;
use crate::lake::table::{self, Table};

/// The rows of one insert.
#[derive(Debug)]
pub(crate) struct Block {
    /// `INSERT INTO … FORMAT ArrowStream`.
    pub(crate) sql: String,
    pub(crate) bytes: Bytes,
    /// What the server tells a repeated insert by.
    pub(crate) token: String,
    pub(crate) n_rows: usize,
}

/// The first and the last offset of each partition that a block's rows come from.
pub(crate) type Span = BTreeMap<u32, (u64, u64)>;

/// Encodes rows of one table; of a key that is there twice the newest revision stays.
pub(crate) fn block(table: &'static Table, messages: &[Message], span: &Span) -> Result<Block, ClickHouseError> {
    let ours = |error: crate::LakeError| ClickHouseError::Ours(crate::error::chain(&error));
    let columns = encode::to_columns(table, messages).map_err(ours)?;
    let rows = encode::tidy(table, &columns, |_| false).map_err(ours)?;
    let rows = visible(&rows);
    let failed = |error: arrow::error::ArrowError| ClickHouseError::Ours(format!("rows of `{}`: {error}", table.name));
    let rows = with_dictionaries(table, &rows).map_err(failed)?;
    let mut writer = StreamWriter::try_new(Vec::new(), rows.schema_ref()).map_err(failed)?;
    writer.write(&rows).map_err(failed)?;
    let bytes = Bytes::from(writer.into_inner().map_err(failed)?);
    let names: Vec<String> = rows.schema_ref().fields().iter().map(|field| format!("`{}`", field.name())).collect();
    Ok(Block {
        sql: format!("INSERT INTO {} ({}) FORMAT ArrowStream", table.name, names.join(", ")),
        token: token(table, span, &bytes),
        n_rows: rows.num_rows(),
        bytes,
    })
}

/// The columns without the lake's own two.
fn visible(rows: &RecordBatch) -> RecordBatch {
    let is_hidden = |name: &str| name == table::ROW_KEY || name == table::REVISION;
    let shown: Vec<usize> =
        (0..rows.num_columns()).filter(|place| !is_hidden(rows.schema_ref().field(*place).name())).collect();
    rows.project(&shown).expect("places of its own columns")
}

/// Columns with few values as dictionaries, which ClickHouse takes over as its own.
fn with_dictionaries(table: &Table, rows: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let kinds = schemas::clickhouse::columns_of(table.name).unwrap_or_default();
    let few = |name: &str| kinds.iter().any(|column| column.name == name && column.kind.starts_with("LowCardinality"));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        if few(field.name()) && field.data_type() == &DataType::Utf8 {
            columns.push(arrow::compute::cast(column, &dictionary)?);
            fields.push(Arc::new(Field::new(field.name(), dictionary.clone(), field.is_nullable())));
        } else {
            columns.push(Arc::clone(column));
            fields.push(Arc::clone(field));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// Table, partitions, offsets, and a hash of the bytes: offsets alone start again in a process that starts again, and a
/// token that two different blocks share would lose one.
fn token(table: &Table, span: &Span, bytes: &[u8]) -> String {
    let places: Vec<String> =
        span.iter().map(|(partition, (first, last))| format!("{partition}:{first}-{last}")).collect();
    let hash = Id128::of_parts(&[places.join(",").as_bytes(), bytes]);
    match places.as_slice() {
        [place] => format!("{}/{place}/{hash}", table.name),
        many => format!("{}/{} partitions/{hash}", table.name, many.len()),
    }
}
