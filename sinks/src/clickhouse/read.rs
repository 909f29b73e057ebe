//! The reader: SQL in, Arrow out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow_ipc::reader::StreamReader;
use schemas::clickhouse::{columns_of, literal};
use schemas::{Noun, Time};

use super::client::{Ask, Server};
use super::{ClickHouseError, Place, ValidConfig, migrate};
use crate::query::params::{self, Bound};
use crate::query::{Answer, Expr, QueryError, ReadOptions, filter};

/// A question may take so long; past it the server stops it.
const MAX_SECONDS: u64 = 300;
/// And may read so many rows; a bound against mistakes, far above what a partitioned question reads.
const MAX_ROWS_TO_READ: u64 = 20_000_000_000;

/// How a question is understood: as the lake understands it, so that one text has one answer.
const DIALECT: &[(&str, &str)] = &[
    // Of revisions the newest, for tables as for views.
    ("final", "1"),
    // A row's partition is a function of its key, so no two partitions hold the same one.
    ("do_not_merge_across_partitions_select_final", "1"),
    // What a join does not find is NULL, and no empty text.
    ("join_use_nulls", "1"),
    ("aggregate_functions_null_for_empty", "1"),
    ("prefer_column_name_to_alias", "1"),
    ("union_default_mode", "DISTINCT"),
    // Bytes stay bytes: a log may hold what is no UTF-8, and Arrow's text must be.
    ("output_format_arrow_string_as_string", "0"),
    ("output_format_arrow_compression_method", "none"),
];

/// A ClickHouse store, read only.
#[derive(Debug)]
pub(crate) struct ClickHouseStore {
    server: Server,
    options: ReadOptions,
    /// Whether the server lets settings be given: a user whose profile is read-only may not.
    may_set: MaySet,
    tables: Vec<String>,
}

/// What a user may set beside a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MaySet {
    /// Everything.
    All,
    /// Everything but `readonly`, which the server has set.
    ButReadonly,
    /// Nothing: the profile of the user must hold the dialect, as `overgrant migrate` writes it.
    Nothing,
}

impl ClickHouseStore {
    pub(crate) async fn open(config: &ValidConfig, place: &Place, options: ReadOptions) -> Result<Self, QueryError> {
        let server = Server::new(place, config.timeout);
        let may_set = may_set(&server).await?;
        let rows =
            server.lines("SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name").await;
        let tables: Vec<String> = rows.map_err(as_fault)?.into_iter().flatten().collect();
        if !tables.iter().any(|table| table == "access_event") {
            return Err(as_fault(ClickHouseError::not_migrated(place)));
        }
        Ok(Self { server, options, may_set, tables })
    }

    pub(crate) fn tables(&self) -> &[String] {
        &self.tables
    }

    /// The highest event time that is no mistake of a clock: what "now" is for questions.
    pub(crate) async fn as_of(&self) -> Result<Option<i64>, QueryError> {
        let sql = "SELECT toString(toUnixTimestamp64Micro(max(time))), count() FROM access_event \
                   WHERE time <= ingested_at + INTERVAL 15 MINUTE";
        let rows = self.server.lines(sql).await.map_err(as_fault)?;
        let row = rows.into_iter().next().unwrap_or_default();
        let is_empty = row.get(1).is_none_or(|count| count == "0");
        Ok(if is_empty { None } else { row.first().and_then(|time| time.parse().ok()) })
    }

    pub(crate) async fn ask(&self, sql: &str, bound: &[Bound]) -> Result<Answer, QueryError> {
        check_is_question(sql)?;
        let (sql, params) = (params::for_clickhouse(sql), params::clickhouse_values(bound));
        let batches = self.fetch(&sql, &params, Some(self.options.max_rows)).await?;
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let (mut kept, mut left, mut is_cut) = (Vec::new(), self.options.max_rows, false);
        for batch in batches {
            if batch.num_rows() > left {
                kept.push(batch.slice(0, left));
                is_cut = true;
                break;
            }
            left -= batch.num_rows();
            kept.push(batch);
        }
        Ok(Answer { schema, batches: kept, is_cut })
    }

    pub(crate) async fn rows<N: Noun>(&self, table: &str, filter: Option<&Expr>) -> Result<Vec<N>, QueryError> {
        let columns = columns_of(N::NAME).map_err(|error| QueryError::Sql(error.to_string()))?;
        let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
        let filter = filter.map(filter::to_clickhouse).transpose()?;
        let filter = filter.map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
        let sql = format!("SELECT {} FROM `{}`{filter}", names.join(", "), table.replace('`', ""));
        let mut rows = Vec::new();
        for batch in self.fetch(&sql, &[], None).await? {
            let failed = |source| QueryError::Rows { table: table.to_owned(), source: Box::new(source) };
            rows.extend(serde_arrow::from_record_batch::<Vec<N>>(&batch).map_err(failed)?);
        }
        Ok(rows)
    }

    /// Asks, and reads the answer's columns; the first batch is there even when there are no rows.
    async fn fetch(
        &self,
        sql: &str,
        params: &[(String, String)],
        max_rows: Option<usize>,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let settings = self.settings(max_rows);
        let answer =
            self.server.fetch(sql, "ArrowStream", Ask { settings: &settings, params }, self.options.memory_bytes).await;
        let bytes = match answer {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(QueryError::Memory(format!("{} bytes", self.options.memory_bytes))),
            Err(error) => return Err(self.explain(error, sql).await),
        };
        decode(bytes).map_err(|error| QueryError::Sql(format!("an answer of ClickHouse cannot be read: {error}")))
    }

    fn settings(&self, max_rows: Option<usize>) -> Vec<(&'static str, String)> {
        if self.may_set == MaySet::Nothing {
            return Vec::new();
        }
        let mut settings: Vec<(&'static str, String)> =
            DIALECT.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        settings.push(("max_execution_time", MAX_SECONDS.to_string()));
        settings.push(("max_rows_to_read", MAX_ROWS_TO_READ.to_string()));
        settings.push(("max_memory_usage", self.options.memory_bytes.to_string()));
        if let Some(max_rows) = max_rows {
            // One more than is shown, by which a cut is noticed. The server cuts between blocks.
            settings.push(("max_result_rows", max_rows.saturating_add(1).to_string()));
            settings.push(("result_overflow_mode", "break".to_owned()));
        }
        if self.may_set == MaySet::All {
            settings.push(("readonly", "1".to_owned()));
        }
        settings
    }

    /// A server's refusal in the words of the lake's.
    async fn explain(&self, error: ClickHouseError, sql: &str) -> QueryError {
        let ClickHouseError::Refused { code, text, .. } = &error else { return as_fault(error) };
        let name = named(text);
        match code {
            60 => QueryError::unknown_table(name.rsplit('.').next().unwrap_or_default(), &self.tables),
            47 => match self.columns_in(sql).await {
                Ok(columns) => QueryError::unknown_column(name.rsplit('.').next().unwrap_or_default(), columns),
                Err(error) => error,
            },
            164 | 497 => QueryError::ReadOnly(text.split_whitespace().take(12).collect::<Vec<_>>().join(" ")),
            241 | 307 => QueryError::Memory(text.clone()),
            158 | 159 => {
                QueryError::Sql(format!("the question takes too long; ask for less time or fewer rows: {text}"))
            }
            _ => QueryError::Sql(text.clone()),
        }
    }

    /// The columns of the tables that a question names.
    async fn columns_in(&self, sql: &str) -> Result<Vec<String>, QueryError> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let words: Vec<&str> = sql.split(|letter| !is_part(letter)).collect();
        let named = self.tables.iter().filter(|table| words.contains(&table.as_str()));
        let names: Vec<String> = named.map(|table| literal(table)).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let columns = format!(
            "SELECT DISTINCT name FROM system.columns WHERE database = currentDatabase() AND NOT startsWith(name, '_') \
             AND table IN ({}) ORDER BY name",
            names.join(", ")
        );
        Ok(self.server.lines(&columns).await.map_err(as_fault)?.into_iter().flatten().collect())
    }
}

/// Finds out what the user may set. One who may set nothing, and whose profile lacks the dialect, would get other answers.
async fn may_set(server: &Server) -> Result<MaySet, QueryError> {
    const DECIDING: [&str; 4] = ["readonly", "final", "join_use_nulls", "output_format_arrow_compression_method"];
    let wanted = DECIDING.map(|name| format!("toString(getSetting('{name}'))")).join(", ");
    let rows = match server.lines(&format!("SELECT {wanted}")).await {
        Err(ClickHouseError::Refused { code: migrate::UNKNOWN_DATABASE, .. }) => {
            return Err(as_fault(ClickHouseError::not_migrated(&server.place)));
        }
        rows => rows.map_err(as_fault)?,
    };
    let row: Vec<&str> = rows.first().into_iter().flatten().map(String::as_str).collect();
    let is_on = |value: &&str| ["1", "true"].contains(value);
    match row.as_slice() {
        ["1", rest @ .., compression] if rest.iter().all(is_on) && *compression == "none" => Ok(MaySet::Nothing),
        ["1", ..] => Err(as_fault(ClickHouseError::Dialect { place: server.place.to_string() })),
        ["2", ..] => Ok(MaySet::ButReadonly),
        _ => Ok(MaySet::All),
    }
}

fn as_fault(error: ClickHouseError) -> QueryError {
    QueryError::Fault(error.into_fault())
}

/// The name that an error is about: the first one in quotes or behind `identifier`.
fn named(text: &str) -> &str {
    if let Some(name) = text.split(['`', '\'']).nth(1) {
        return name;
    }
    let behind = text.split_once("identifier ").or_else(|| text.split_once("Table ")).map_or(text, |(_, rest)| rest);
    behind.split_whitespace().next().unwrap_or_default()
}

/// Lets only those statements through that ask something. The server is told to be read-only besides.
fn check_is_question(sql: &str) -> Result<(), QueryError> {
    const QUESTIONS: [&str; 8] = ["SELECT", "WITH", "EXPLAIN", "DESCRIBE", "DESC", "SHOW", "EXISTS", "("];
    let text = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    let word = text.split_whitespace().next().unwrap_or_default().to_uppercase();
    let is_question = QUESTIONS.iter().any(|question| word == *question || (*question == "(" && word.starts_with('(')));
    if is_question { Ok(()) } else { Err(QueryError::ReadOnly(word)) }
}

/// Batches of Arrow's stream format, with bytes that are text as text.
fn decode(bytes: Vec<u8>) -> Result<Vec<RecordBatch>, ArrowError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let reader = StreamReader::try_new(std::io::Cursor::new(bytes), None)?;
    let schema = reader.schema();
    let mut batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>()?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    as_text(&batches)
}

/// Columns of bytes become text where all of their values are; a column has one type in every batch.
fn as_text(batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, ArrowError> {
    let n_columns = batches.first().map_or(0, RecordBatch::num_columns);
    let mut columns: Vec<Vec<ArrayRef>> = batches.iter().map(|batch| batch.columns().to_vec()).collect();
    for place in 0..n_columns {
        let texts: Vec<Option<ArrayRef>> = batches.iter().map(|batch| text_of(batch.column(place))).collect();
        if texts.iter().all(Option::is_some) {
            for (columns, text) in columns.iter_mut().zip(texts.into_iter().flatten()) {
                columns[place] = text;
            }
        }
    }
    let rebuild = |(batch, columns): (&RecordBatch, Vec<ArrayRef>)| {
        let fields: Vec<FieldRef> = batch
            .schema_ref()
            .fields()
            .iter()
            .zip(&columns)
            .map(|(field, column)| Arc::new(Field::new(field.name(), column.data_type().clone(), field.is_nullable())))
            .collect();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
    };
    batches.iter().zip(columns).map(rebuild).collect()
}

/// An array with its bytes as text; `None` when some are no UTF-8.
fn text_of(array: &ArrayRef) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::Binary => Some(Arc::new(StringArray::try_from_binary(array.as_binary::<i32>().clone()).ok()?)),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let values = text_of(list.values())?;
            let field = Arc::new(Field::new("item", values.data_type().clone(), true));
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Some(Arc::new(GenericListArray::<i32>::try_new(field, offsets, values, nulls).ok()?))
        }
        DataType::Struct(fields) => {
            let parts = array.as_struct();
            let columns: Vec<ArrayRef> = parts.columns().iter().map(text_of).collect::<Option<_>>()?;
            let fields: Vec<FieldRef> = fields
                .iter()
                .zip(&columns)
                .map(|(field, column)| Arc::new(Field::new(field.name(), column.data_type().clone(), true)))
                .collect();
            Some(Arc::new(StructArray::try_new(fields.into(), columns, parts.nulls().cloned()).ok()?))
        }
        _ => Some(Arc::clone(array)),
    }
}

/// A time as ClickHouse reads it.
pub(crate) fn time_text(time: Time) -> String {
    let text = time.to_string();
    text.trim_end_matches('Z').replace('T', " ")
}

#[cfg(test)]
mod tests {
    use arrow::array::BinaryArray;

    use super::*;

    #[test]
    fn only_questions_pass() {
        for sql in
            ["SELECT 1", " with a as (select 1) select * from a", "-- who\nSELECT 1", "(SELECT 1)", "SHOW TABLES"]
        {
            assert!(check_is_question(sql).is_ok(), "{sql}");
        }
        for sql in ["DROP TABLE usage", "INSERT INTO usage SELECT 1", "-- SELECT\nTRUNCATE usage", ""] {
            assert!(matches!(check_is_question(sql), Err(QueryError::ReadOnly(_))), "{sql}");
        }
    }

    #[test]
    fn bytes_are_text_only_where_all_of_them_are() {
        let batch = |bytes: &[u8]| {
            let column: ArrayRef = Arc::new(BinaryArray::from_vec(vec![bytes]));
            RecordBatch::try_from_iter([("body", column)]).unwrap()
        };
        let kinds = |batches: &[RecordBatch]| -> Vec<DataType> {
            as_text(batches).unwrap().iter().map(|batch| batch.column(0).data_type().clone()).collect()
        };
        assert_eq!(kinds(&[batch(b"a"), batch(b"b")]), [DataType::Utf8, DataType::Utf8]);
        assert_eq!(kinds(&[batch(b"a"), batch(b"\xff")]), [DataType::Binary, DataType::Binary]);
    }

    #[test]
    fn the_name_in_an_error_is_found() {
        assert_eq!(named("Unknown expression identifier `acton` in scope SELECT acton"), "acton");
        assert_eq!(named("Unknown table expression identifier 'og.foo' in scope"), "og.foo");
        assert_eq!(named("Table og.foo does not exist"), "og.foo");
    }
}
