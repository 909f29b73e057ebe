//! A table as DataFusion sees it: exactly the files of one manifest, whatever else lies in the folder.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics, project_schema};
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use crate::lake::state::StoredFile;
use crate::lake::table::{self, Table};
use crate::query::QueryError;

/// The stored rows of one table: every revision, with the hidden columns.
#[derive(Debug)]
pub(crate) struct StoredTable {
    schema: SchemaRef,
    files: Vec<PartitionedFile>,
    statistics: Statistics,
}

impl StoredTable {
    /// A table over files below the lake's folder, which is an absolute path.
    pub(crate) fn new(root: &Path, table: &Table, files: &[StoredFile]) -> Result<Self, QueryError> {
        let schema = table::stored_schema(table.name).map_err(|error| error.into_fault(crate::LAKE))?;
        let partitioned = |file: &StoredFile| {
            let path = object_store::path::Path::from_absolute_path(root.join(&file.path))?;
            let statistics = Arc::new(statistics(&schema, table, file));
            Ok(PartitionedFile::new(path.to_string(), file.n_bytes).with_statistics(statistics))
        };
        let files: Result<Vec<_>> = files.iter().map(partitioned).collect();
        let files = files.map_err(QueryError::of)?;
        let n_rows = files.iter().filter_map(|file| file.statistics.as_ref()?.num_rows.get_value().copied()).sum();
        let statistics = Statistics { num_rows: Precision::Exact(n_rows), ..Statistics::new_unknown(&schema) };
        Ok(Self { schema, files, statistics })
    }
}

/// What the manifest knows of a file, so that it need not be opened to be skipped.
fn statistics(schema: &SchemaRef, table: &Table, file: &StoredFile) -> Statistics {
    let n_rows = usize::try_from(file.n_rows).unwrap_or(usize::MAX);
    let column_statistics = schema.fields().iter().map(|field| {
        let is_time = table.time == Some(field.name().as_str());
        match field.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, zone) if is_time => {
                let value = |time| Precision::Exact(ScalarValue::TimestampMicrosecond(Some(time), zone.clone()));
                ColumnStatistics {
                    min_value: value(file.min_time),
                    max_value: value(file.max_time),
                    null_count: Precision::Exact(0),
                    ..ColumnStatistics::new_unknown()
                }
            }
            _ => ColumnStatistics::new_unknown(),
        }
    });
    Statistics {
        num_rows: Precision::Exact(n_rows),
        total_byte_size: Precision::Inexact(usize::try_from(file.n_memory_bytes).unwrap_or(usize::MAX)),
        column_statistics: column_statistics.collect(),
    }
}

#[async_trait]
impl TableProvider for StoredTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.schema, projection)?)));
        }
        let groups = FileGroup::new(self.files.clone()).split_files(state.config().target_partitions());
        let source = Arc::new(ParquetSource::new(Arc::clone(&self.schema)));
        let scan = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(groups)
            .with_statistics(self.statistics.clone())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        let mut format = ParquetFormat::default();
        format = format.with_options(state.table_options().parquet.clone());
        format.create_physical_plan(state, scan).await
    }

    /// Filters skip files, row groups, pages and rows below, and DataFusion applies what is left of them above.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.statistics.clone())
    }
}
