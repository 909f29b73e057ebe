//! The read side: SQL and typed rows over a store, whichever it is.

mod error;
#[cfg(feature = "clickhouse")]
pub(crate) mod filter;
mod lake;
pub mod params;
mod provider;
mod views;

use std::path::Path;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
pub use datafusion::prelude::{Expr, col, lit};
use schemas::{AccessEvent, Id128, Noun, RawRecord, Time};
use stream::manifest::Manifest;

pub use self::error::QueryError;
use self::lake::LakeStore;
use self::params::Bound;
#[cfg(feature = "clickhouse")]
use crate::clickhouse::read::ClickHouseStore;

/// A time, to compare a column with.
#[must_use]
pub fn time(time: Time) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(time.0), Some("UTC".into())))
}

/// What a reader may use.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// How many rows an answer to SQL has at most; the rest is cut off, and the answer says so.
    pub max_rows: usize,
    /// How many bytes of memory a query may hold for sorting, grouping and joining; past it, it spills or is refused.
    pub memory_bytes: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { max_rows: 100_000, memory_bytes: 1 << 30 }
    }
}

/// The answer to a question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its columns.
    pub schema: SchemaRef,
    /// Its rows.
    pub batches: Vec<RecordBatch>,
    /// Whether rows were cut off at `max_rows`.
    pub is_cut: bool,
}

impl Answer {
    /// How many rows it has.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The numbers and times (in microseconds) of its first row; `None` for what is neither, and for what is absent.
    #[must_use]
    pub fn first_row(&self) -> Vec<Option<i64>> {
        let Some(batch) = self.batches.iter().find(|batch| batch.num_rows() > 0) else { return Vec::new() };
        let first = |column: &ArrayRef| {
            let numbers = arrow::compute::cast(&column.slice(0, 1), &DataType::Int64).ok()?;
            let numbers = numbers.as_any().downcast_ref::<Int64Array>()?;
            numbers.is_valid(0).then(|| numbers.value(0))
        };
        batch.columns().iter().map(first).collect()
    }
}

/// A store that answers: a lake as of one manifest (what a running pipeline writes later is not seen; open it again for
/// that), or a ClickHouse database as it is.
#[derive(Debug)]
pub struct Store {
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Lake(Box<LakeStore>),
    #[cfg(feature = "clickhouse")]
    ClickHouse(Box<ClickHouseStore>),
}

impl Store {
    /// Opens a lake.
    ///
    /// # Errors
    /// When there is no manifest in the folder, or it cannot be read.
    pub async fn open(dir: impl AsRef<Path>) -> Result<Self, QueryError> {
        Self::open_with(dir, ReadOptions::default()).await
    }

    /// Opens a lake with bounds of one's own.
    ///
    /// # Errors
    /// When there is no manifest in the folder, or it cannot be read.
    pub async fn open_with(dir: impl AsRef<Path>, options: ReadOptions) -> Result<Self, QueryError> {
        let lake = LakeStore::open(dir.as_ref(), options).await?;
        Ok(Self { backend: Backend::Lake(Box::new(lake)) })
    }

    /// Opens a ClickHouse store; nothing is ever written through it.
    ///
    /// # Errors
    /// When the server cannot be reached, does not let the user in, or lacks the tables.
    #[cfg(feature = "clickhouse")]
    pub async fn clickhouse(
        config: &crate::clickhouse::ValidConfig,
        place: &crate::clickhouse::Place,
        options: ReadOptions,
    ) -> Result<Self, QueryError> {
        let store = ClickHouseStore::open(config, place, options).await?;
        Ok(Self { backend: Backend::ClickHouse(Box::new(store)) })
    }

    /// The manifest that a lake's reader reads: epoch, progress, and as of which event time the last finished run
    /// answered; `None` for a store without manifests.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        match &self.backend {
            Backend::Lake(lake) => Some(lake.manifest()),
            #[cfg(feature = "clickhouse")]
            Backend::ClickHouse(_) => None,
        }
    }

    /// The store's own time, in microseconds, from which spans count back: of a lake that of its last finished run, or
    /// how far the furthest feed was read; of ClickHouse the latest event. `None` when the store is empty.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn as_of(&self) -> Result<Option<i64>, QueryError> {
        match &self.backend {
            Backend::Lake(lake) => {
                let manifest = lake.manifest();
                Ok(manifest.as_of.or_else(|| manifest.progress.iter().map(|said| said.through).max()))
            }
            #[cfg(feature = "clickhouse")]
            Backend::ClickHouse(store) => store.as_of().await,
        }
    }

    /// The names of all tables and views, in order.
    #[must_use]
    pub fn tables(&self) -> &[String] {
        match &self.backend {
            Backend::Lake(lake) => lake.tables(),
            #[cfg(feature = "clickhouse")]
            Backend::ClickHouse(store) => store.tables(),
        }
    }

    /// Answers a question in SQL. Only questions: whatever would change something is refused.
    ///
    /// # Errors
    /// When the SQL is wrong, not a question, or needs more memory than it may.
    pub async fn sql(&self, sql: &str) -> Result<Answer, QueryError> {
        self.ask(sql, &[]).await
    }

    /// Answers a question with parameters (see [`params`]), in SQL that both engines read.
    ///
    /// # Errors
    /// As [`Self::sql`], or when a parameter is missing, unknown or of another type.
    pub async fn sql_with(&self, sql: &str, given: &[(String, String)]) -> Result<Answer, QueryError> {
        let as_of = self.as_of().await?;
        self.ask(sql, &params::bind(sql, given, as_of)?).await
    }

    async fn ask(&self, sql: &str, bound: &[Bound]) -> Result<Answer, QueryError> {
        match &self.backend {
            Backend::Lake(lake) => lake.ask(sql, bound).await,
            #[cfg(feature = "clickhouse")]
            Backend::ClickHouse(store) => store.ask(sql, bound).await,
        }
    }

    /// All rows of a noun's table, each in its newest revision, in no particular order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn rows<N: Noun>(&self) -> Result<Vec<N>, QueryError> {
        self.rows_where(N::NAME, None).await
    }

    /// Rows of a noun's table or of a view with the same columns, such as `pci_current`, that a filter lets through:
    /// `rows_where::<Pci>("pci_current", Some(col("account_id").eq(lit("123456789012"))))`.
    ///
    /// # Errors
    /// When the store cannot be read, or the view or the filter does not fit the noun. ClickHouse is asked with
    /// comparisons of columns with values, `AND`, `OR`, `NOT` and `IS NULL`.
    pub async fn rows_where<N: Noun>(&self, table: &str, filter: Option<Expr>) -> Result<Vec<N>, QueryError> {
        match &self.backend {
            Backend::Lake(lake) => lake.rows(table, filter).await,
            #[cfg(feature = "clickhouse")]
            Backend::ClickHouse(store) => store.rows(table, filter.as_ref()).await,
        }
    }

    /// An event by its id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn event(&self, event_id: Id128) -> Result<Option<AccessEvent>, QueryError> {
        let filter = col("event_id").eq(lit(event_id.to_string()));
        Ok(self.rows_where(AccessEvent::NAME, Some(filter)).await?.pop())
    }

    /// The raw record behind an event, or behind a raw record's own id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn raw(&self, id: Id128) -> Result<Option<RawRecord>, QueryError> {
        let record_id = self.event(id).await?.map_or(id, |event| RawRecord::id_at(&event.origin));
        let filter = col("record_id").eq(lit(record_id.to_string()));
        Ok(self.rows_where(RawRecord::NAME, Some(filter)).await?.pop())
    }
}

#[cfg(test)]
mod tests;
