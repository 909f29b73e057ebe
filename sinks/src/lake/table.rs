//! The lake's tables: how each noun's rows are laid out in files.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use schemas::Noun;

use crate::LakeError;

/// The hidden column that holds a row's whole key.
pub(crate) const ROW_KEY: &str = "_row_key";
/// The hidden column that holds a row's revision.
pub(crate) const REVISION: &str = "_revision";

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its noun's name.
    pub(crate) name: &'static str,
    /// Whether its rows lie in a folder per day. Small tables do not, or thousands of tiny files would arise.
    pub(crate) by_day: bool,
    /// Whether a row may be replaced by a later revision. The others are only written once.
    pub(crate) changes: bool,
    /// The column that `Noun::time` reads, when it is one column that is always there and the same in every copy of a
    /// row: files are pruned by it.
    pub(crate) time: Option<&'static str>,
    /// What rows are sorted by inside a file, so that row groups and pages can be skipped.
    pub(crate) sort: &'static [&'static str],
    /// Columns that people look single values up in, which get a Bloom filter.
    pub(crate) bloom: &'static [&'static str],
    /// Columns that are a part of the row key: a filter on them may go below the choice of the newest revision.
    pub(crate) key_parts: &'static [&'static str],
}

/// A table cut by day whose rows never change.
const fn by_day(name: &'static str, time: Option<&'static str>, sort: &'static [&'static str]) -> Table {
    Table { name, by_day: true, changes: false, time, sort, bloom: &[], key_parts: &[] }
}

/// A table in one folder.
const fn whole(name: &'static str, sort: &'static [&'static str]) -> Table {
    Table { name, by_day: false, changes: true, time: None, sort, bloom: &[], key_parts: &[] }
}

/// Every table, in the order of DESIGN.md.
pub(crate) const TABLES: &[Table] = &[
    // Neighbours in a log are alike, so the order of time makes the bodies small; single records are found by Bloom filter.
    Table { bloom: &["record_id"], ..by_day("raw_record", None, &["ingested_at", "time"]) },
    Table { bloom: &["event_id", "identity_id"], ..by_day("access_event", Some("time"), &["identity_id", "time"]) },
    Table { changes: true, ..by_day("session", Some("issued_at"), &["identity_id", "issued_at"]) },
    Table { changes: false, ..whole("policy", &["policy_hash"]) },
    Table {
        key_parts: &["identity_id", "account_id"],
        ..whole("entitlement", &["identity_id", "account_id", "source", "valid_from"])
    },
    whole("inventory", &["account_id", "kind"]),
    Table {
        changes: true,
        key_parts: &["identity_id", "window_start"],
        ..by_day("usage", Some("window_start"), &["identity_id", "action", "resource_id", "window_start"])
    },
    Table {
        changes: true,
        key_parts: &["scope_id", "time"],
        ..by_day("pci", Some("time"), &["scope_kind", "scope_id", "time"])
    },
    whole("finding", &["account_id", "scope_id"]),
    Table { changes: true, ..by_day("anomaly", Some("time"), &["identity_id", "time"]) },
    whole("alert", &["time"]),
    Table { changes: false, ..whole("model", &["model_id"]) },
    // Its time is when we read it, so a record that is read again has another: no pruning by it.
    Table { changes: true, ..by_day("dead_letter", None, &["time"]) },
    whole("tally", &["topic", "file"]),
];

/// Finds a table by its noun's name; `None` for nouns that are not stored.
pub(crate) fn find(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

/// The schema that the table's users see: the noun's.
pub(crate) fn schema(name: &str) -> Result<SchemaRef, LakeError> {
    schemas::for_each_noun!(N => {
        if N::NAME == name {
            return Ok(schemas::arrow::schema::<N>()?);
        }
    });
    Err(LakeError::NoTable(name.to_owned()))
}

/// The schema of the table's files: the noun's and the two hidden columns.
pub(crate) fn stored_schema(name: &str) -> Result<SchemaRef, LakeError> {
    let mut fields: Vec<_> = schema(name)?.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(ROW_KEY, DataType::Utf8, false)));
    fields.push(Arc::new(Field::new(REVISION, DataType::Int64, false)));
    Ok(Arc::new(Schema::new(fields)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lake_has_exactly_the_tables_of_the_topic_table() {
        let mut topics: Vec<_> = schemas::topic::TOPICS.iter().filter_map(|topic| topic.table).collect();
        topics.sort_unstable();
        topics.dedup();
        let mut tables: Vec<_> = TABLES.iter().map(|table| table.name).collect();
        tables.sort_unstable();
        assert_eq!(tables, topics);
    }

    #[test]
    fn every_column_named_here_is_a_column() {
        for table in TABLES {
            let schema = stored_schema(table.name).unwrap();
            for column in table.sort.iter().chain(table.bloom).chain(table.key_parts).chain(&table.time) {
                schema.field_with_name(column).unwrap_or_else(|_| panic!("`{column}` of `{}`", table.name));
            }
        }
    }
}
