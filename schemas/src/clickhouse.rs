//! The tables and views of ClickHouse, and the migrations that make them.
//!
//! Columns are read off the Avro schemas, as the Arrow ones are; [`layout`] says how rows lie. The migrations in
//! `clickhouse/` are committed text, since what was applied somewhere must never change: `0001` and `0002` were written
//! by `cargo run -p schemas --example clickhouse_ddl`, and a test holds all of them together equal to the nouns, so that a
//! field that is added to a noun without a new migration is noticed, and told in the words that the migration needs.

mod column;
pub mod layout;
mod view;

pub use self::column::{Column, ColumnError, literal};
pub use self::layout::Table;

/// One step, applied once, in order, by its whole text.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its file's name without the ending.
    pub name: &'static str,
    /// Its statements, each ended by a semicolon at the end of a line.
    pub sql: &'static str,
    /// Whether it makes users: an engine without any, such as an embedded one, goes on without it.
    pub needs_users: bool,
}

macro_rules! migration {
    ($name:literal, $needs_users:literal) => {
        Migration {
            name: $name,
            sql: include_str!(concat!("../clickhouse/", $name, ".sql")),
            needs_users: $needs_users,
        }
    };
}

/// Every migration, in order. One that was released never changes; a new one is a file and a line here.
pub const MIGRATIONS: &[Migration] = &[
    migration!("0001_tables", false),
    migration!("0002_views", false),
    migration!("0003_analyst", true),
    migration!("0004_dead_letters", false),
    migration!("0005_entitlement_history", false),
    migration!("0006_guardrails", false),
];

impl Migration {
    /// Its statements, without comment lines.
    pub fn statements(&self) -> impl Iterator<Item = String> {
        let lines = self.sql.lines().filter(|line| !line.starts_with("--"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let statements: Vec<String> =
            text.split(";\n").map(|part| part.trim().trim_end_matches(';').to_owned()).collect();
        statements.into_iter().filter(|statement| !statement.is_empty())
    }
}

/// Why a table cannot be described; a test keeps that from happening.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A name that is no noun's.
    #[error("no table is called `{0}`")]
    NoTable(String),
    /// A field without a column type.
    #[error(transparent)]
    Column(#[from] ColumnError),
}

/// The columns of a noun's table, without the hidden ones.
///
/// # Errors
/// When there is no such noun, or a field has no type here.
pub fn columns_of(name: &str) -> Result<Vec<Column>, TableError> {
    crate::for_each_noun!(N => {
        if <N as crate::Noun>::NAME == name {
            return Ok(column::of(&crate::avro::schema::<N>())?);
        }
    });
    Err(TableError::NoTable(name.to_owned()))
}

/// The hidden column of a table that was made before its noun had a revision: an engine's version is named for good.
const REVISION_COPY: &str =
    "`_revision` UInt64 MATERIALIZED toUInt64(greatest(revision, 0)) CODEC(ZSTD(1)) COMMENT 'The revision.'";

/// The statement that makes a table.
///
/// Three columns are hidden, since `SELECT *` leaves out what is materialized: `_revision` for rows that never change and
/// have none of their own, `_is_deleted` for tombstones (a row with `deleted_at` still tells what was; it is no tombstone),
/// and `_inserted_at`, from which retention counts.
///
/// # Errors
/// When the table is no noun's, or a field has no type here.
pub fn create(table: &Table) -> Result<String, TableError> {
    let columns = columns_of(table.name)?;
    let has_revision = columns.iter().any(|column| column.name == "revision");
    let mut lines: Vec<String> = columns.iter().map(Column::definition).collect();
    if !has_revision {
        lines.push("`_revision` UInt64 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Its rows never change.'".to_owned());
    } else if table.is_versioned_by_copy {
        lines.push(REVISION_COPY.to_owned());
    }
    lines.push("`_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.'".to_owned());
    lines.push(
        "`_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) \
         COMMENT 'When it was stored; retention counts from here.'"
            .to_owned(),
    );
    let index = |index: &layout::Index| {
        let layout::Index { name, over } = index;
        format!("INDEX {name} {over} TYPE bloom_filter(0.01) GRANULARITY 1")
    };
    lines.extend(table.indexes.iter().map(index));
    let revision = if has_revision && !table.is_versioned_by_copy { "revision" } else { "_revision" };
    let partition = table.partition_by.map(|day| format!("PARTITION BY {day}\n")).unwrap_or_default();
    let kept = if table.kept_days == 0 { String::new() } else { format!("TTL {}\n", ttl(table.kept_days)) };
    Ok(format!(
        "CREATE TABLE IF NOT EXISTS {}\n(\n    {}\n)\nENGINE = ReplacingMergeTree({revision}, _is_deleted)\n{partition}\
         ORDER BY ({})\n{kept}SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1\nCOMMENT {};\n",
        table.name,
        lines.join(",\n    "),
        table.order_by.join(", "),
        literal(&doc_of(table.name)),
    ))
}

/// The expression of a retention of so many days.
#[must_use]
pub fn ttl(days: u32) -> String {
    format!("_inserted_at + toIntervalDay({days})")
}

/// The statements of the first migration as they would be written now.
///
/// # Errors
/// When a field of a noun has no type here.
pub fn create_tables() -> Result<String, TableError> {
    Ok(layout::TABLES.iter().map(create).collect::<Result<Vec<_>, _>>()?.join("\n"))
}

/// The statements that make every view, as they would be written now.
///
/// # Errors
/// When a field of a noun has no type here.
pub fn create_views() -> Result<String, TableError> {
    Ok(view::all(layout::TABLES)?.join("\n"))
}

fn doc_of(name: &str) -> String {
    crate::for_each_noun!(N => {
        if let (true, apache_avro::Schema::Record(record)) =
            (<N as crate::Noun>::NAME == name, crate::avro::schema::<N>())
        {
            return column::one_line(&record.doc.unwrap_or_default());
        }
    });
    String::new()
}

#[cfg(test)]
mod tests;
