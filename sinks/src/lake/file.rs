//! One file of the lake: its name, its writing and its reading.

use std::fs::{self, File};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::state::StoredFile;
use super::table::{self, Table};
use super::{disk, encode};
use crate::LakeError;

/// Writes rows that `encode::tidy` has put in order. `(epoch, seq)` names the file, `times` are the earliest and the
/// latest row's, in microseconds.
pub(crate) fn write(
    root: &Path,
    table: &'static Table,
    day: &str,
    (epoch, seq): (u64, u64),
    rows: &RecordBatch,
    (min_time, max_time): (i64, i64),
) -> Result<StoredFile, LakeError> {
    let folder = root.join(table.name).join(format!("day={day}"));
    fs::create_dir_all(&folder).map_err(LakeError::file("make", &folder))?;
    let path = format!("{}/day={day}/{epoch}-{seq}.parquet", table.name);
    let bytes = encode::to_parquet(table, rows)?;
    disk::write_durably(&root.join(&path), &bytes)?;
    let (min_revision, max_revision) = encode::revision_range(rows);
    Ok(StoredFile {
        path,
        day: day.to_owned(),
        n_rows: rows.num_rows() as u64,
        n_bytes: bytes.len() as u64,
        n_memory_bytes: rows.get_array_memory_size() as u64,
        min_revision,
        max_revision,
        min_time,
        max_time,
    })
}

/// The folder of a file, below the lake's.
pub(crate) fn folder(file: &StoredFile) -> String {
    file.path.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned())
}

/// Reads all rows of some files of one table, the files one after another.
pub(crate) fn read(root: &Path, table: &'static Table, files: &[&StoredFile]) -> Result<RecordBatch, LakeError> {
    let schema = table::stored_schema(table.name)?;
    let mut batches = Vec::new();
    for file in files {
        let path = root.join(&file.path);
        let open = File::open(&path).map_err(LakeError::file("read", &path))?;
        let failed = |source: ParquetError| LakeError::Decode { path: path.clone(), source };
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(open).and_then(|builder| builder.build()).map_err(failed)?;
        for batch in reader {
            batches.push(batch.map_err(|error| failed(error.into()))?);
        }
    }
    concat_batches(&schema, &batches).map_err(|source| LakeError::Arrow { table: table.name, source })
}
