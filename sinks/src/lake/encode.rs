//! Rows to columns to a Parquet file's bytes.

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{SortColumn, lexsort_to_indices, take_record_batch};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use schemas::{Message, Noun};

use super::table::{self, Table};
use crate::LakeError;

/// Rows of a row group: small enough that skipping one saves something, large enough that its dictionary pays.
const ROW_GROUP_ROWS: usize = 64 * 1024;
/// A row group of large bodies ends earlier, so that a reader that wants one body does not hold a gigabyte.
const ROW_GROUP_BYTES: usize = 32 << 20;
/// Zstandard's own default: about a tenth of the bytes for audit logs, at some 200 MB/s per core.
const ZSTD_LEVEL: i32 = 3;
/// How often the filter over row keys says *perhaps* for nothing: the few hundred rows of a live commit then seldom
/// make anybody read a file's keys.
const KEY_FPP: f64 = 0.001;

/// The noun inside a message, when it is one of that type.
fn as_noun<N: Noun>(message: &Message) -> Option<&N> {
    schemas::with_noun!(message, noun => (noun as &dyn Any).downcast_ref::<Arc<N>>().map(Arc::as_ref))
}

/// Turns rows of one table into columns, with the two hidden ones behind.
pub(crate) fn to_columns(table: &'static Table, messages: &[Message]) -> Result<RecordBatch, LakeError> {
    schemas::for_each_noun!(N => {
        if N::NAME == table.name {
            return columns_of::<N>(table, messages);
        }
    });
    Err(LakeError::NoTable(table.name.to_owned()))
}

fn columns_of<N: Noun>(table: &'static Table, messages: &[Message]) -> Result<RecordBatch, LakeError> {
    let rows: Vec<&N> = messages.iter().filter_map(as_noun::<N>).collect();
    let schema = table::schema(table.name)?;
    let columns = serde_arrow::to_record_batch(schema.fields(), &rows)
        .map_err(|source| LakeError::Columns { table: table.name, source: Box::new(source) })?;
    let keys: StringArray = rows.iter().map(|row| Some(row.row_key())).collect();
    let revisions: Int64Array = rows.iter().map(|row| Some(row.revision())).collect();
    let mut arrays = columns.columns().to_vec();
    arrays.push(Arc::new(keys));
    arrays.push(Arc::new(revisions));
    RecordBatch::try_new(table::stored_schema(table.name)?, arrays)
        .map_err(|source| LakeError::Arrow { table: table.name, source })
}

/// The row keys of columns that `to_columns` made or a file of ours holds.
pub(crate) fn row_keys(batch: &RecordBatch) -> Option<&StringArray> {
    batch.column_by_name(table::ROW_KEY)?.as_any().downcast_ref()
}

fn revisions(batch: &RecordBatch) -> Option<&Int64Array> {
    batch.column_by_name(table::REVISION)?.as_any().downcast_ref()
}

/// The lowest and highest revision; zeros for no rows.
pub(crate) fn revision_range(batch: &RecordBatch) -> (i64, i64) {
    let values = revisions(batch).map(|column| column.values().as_ref()).unwrap_or_default();
    (values.iter().copied().min().unwrap_or_default(), values.iter().copied().max().unwrap_or_default())
}

/// Keeps one row of each key, the highest revision, and puts them in the table's order. Of equal revisions the last
/// one stays, or the first where rows never change. `is_dropped` names keys that are not wanted at all.
pub(crate) fn tidy(
    table: &'static Table,
    batch: &RecordBatch,
    is_dropped: impl Fn(&str) -> bool,
) -> Result<RecordBatch, LakeError> {
    let failed = |source| LakeError::Arrow { table: table.name, source };
    let kept = newest_rows(table, batch, is_dropped);
    let batch = take_record_batch(batch, &UInt32Array::from(kept)).map_err(failed)?;
    let names = table.sort.iter().chain([&table::ROW_KEY]);
    let by: Vec<SortColumn> = names
        .filter_map(|name| batch.column_by_name(name))
        .map(|values: &ArrayRef| SortColumn { values: Arc::clone(values), options: None })
        .collect();
    let order = lexsort_to_indices(&by, None).map_err(failed)?;
    take_record_batch(&batch, &order).map_err(failed)
}

fn newest_rows(table: &Table, batch: &RecordBatch, is_dropped: impl Fn(&str) -> bool) -> Vec<u32> {
    let (Some(keys), Some(revisions)) = (row_keys(batch), revisions(batch)) else { return Vec::new() };
    let mut newest: HashMap<&str, u32> = HashMap::with_capacity(keys.len());
    for place in 0..keys.len() {
        let key = keys.value(place);
        if is_dropped(key) {
            continue;
        }
        let row = u32::try_from(place).unwrap_or(u32::MAX);
        match newest.entry(key) {
            Entry::Vacant(free) => {
                free.insert(row);
            }
            Entry::Occupied(mut held) => {
                let (old, new) = (revisions.value(*held.get() as usize), revisions.value(place));
                if table.changes && new >= old {
                    held.insert(row);
                }
            }
        }
    }
    let mut rows: Vec<u32> = newest.into_values().collect();
    rows.sort_unstable();
    rows
}

/// The bytes of a Parquet file.
pub(crate) fn to_parquet(table: &'static Table, batch: &RecordBatch) -> Result<Vec<u8>, LakeError> {
    let failed = |source| LakeError::Encode { table: table.name, source };
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties(table, batch)?)).map_err(failed)?;
    writer.write(batch).map_err(failed)?;
    writer.into_inner().map_err(failed)
}

fn properties(table: &'static Table, batch: &RecordBatch) -> Result<WriterProperties, LakeError> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(|source| LakeError::Encode { table: table.name, source })?;
    let n_rows = batch.num_rows().clamp(1, ROW_GROUP_ROWS) as u64;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_created_by("overgrant".to_owned());
    // Whole bodies as dictionary entries or as bounds would only cost space.
    properties = properties
        .set_column_dictionary_enabled(ColumnPath::from("body"), false)
        .set_column_statistics_enabled(ColumnPath::from("body"), EnabledStatistics::None);
    if !table.changes {
        let key = ColumnPath::from(table::ROW_KEY);
        properties = properties
            .set_column_bloom_filter_enabled(key.clone(), true)
            .set_column_bloom_filter_fpp(key.clone(), KEY_FPP)
            .set_column_bloom_filter_max_ndv(key, n_rows);
    }
    for column in table.bloom {
        properties = properties
            .set_column_bloom_filter_enabled(ColumnPath::from(*column), true)
            .set_column_bloom_filter_max_ndv(ColumnPath::from(*column), n_rows);
    }
    Ok(properties.build())
}
