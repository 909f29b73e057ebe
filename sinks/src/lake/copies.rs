//! Finds which of some new rows a table that never changes has already, without holding its keys in memory.
//!
//! Every file of such a table has a Bloom filter over its row keys, which says *no* for sure and *perhaps* for one in
//! a thousand others. Only where it says *perhaps* is the column of keys read.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::state::StoredFile;
use super::{encode, table};
use crate::LakeError;

/// The row keys of `columns` that one of the files has.
pub(crate) fn find<'f>(
    root: &Path,
    files: impl Iterator<Item = &'f StoredFile>,
    columns: &RecordBatch,
) -> Result<BTreeSet<String>, LakeError> {
    let mut found = BTreeSet::new();
    let Some(keys) = encode::row_keys(columns) else { return Ok(found) };
    let keys: BTreeSet<&str> = keys.iter().flatten().collect();
    for file in files {
        let path = root.join(&file.path);
        let open = File::open(&path).map_err(LakeError::file("read", &path))?;
        find_in(open, &keys, &mut found).map_err(|source| LakeError::Decode { path, source })?;
    }
    Ok(found)
}

fn find_in(file: File, keys: &BTreeSet<&str>, found: &mut BTreeSet<String>) -> Result<(), ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let schema = builder.parquet_schema();
    let columns = schema.columns();
    let Some(key_column) = columns.iter().position(|column| column.path().string() == table::ROW_KEY) else {
        return Ok(());
    };
    let mask = ProjectionMask::leaves(schema, [key_column]);
    let mut row_groups = Vec::new();
    for row_group in 0..builder.metadata().num_row_groups() {
        let filter = builder.get_row_group_column_bloom_filter(row_group, key_column)?;
        if filter.is_none_or(|filter| keys.iter().any(|key| filter.check(*key))) {
            row_groups.push(row_group);
        }
    }
    if row_groups.is_empty() {
        return Ok(());
    }
    for batch in builder.with_projection(mask).with_row_groups(row_groups).build()? {
        let batch = batch?;
        let stored = encode::row_keys(&batch).into_iter().flatten().flatten();
        found.extend(stored.filter(|key| keys.contains(key)).map(str::to_owned));
    }
    Ok(())
}
