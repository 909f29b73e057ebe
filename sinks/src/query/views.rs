//! What people ask: every noun's table in its newest revisions, `_current` views, and flat views of an event's lists.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::common::UnnestOptions;
use datafusion::prelude::SessionContext;

use super::QueryError;
use super::provider::StoredTable;
use crate::LAKE;
use crate::lake::state::LakeState;
use crate::lake::table::{self, REVISION, ROW_KEY, TABLES, Table};

/// A name and what it stands for.
pub(super) type View = (String, Arc<dyn TableProvider>);

/// Every table and view over a state's files. They are planned in a session of their own, so that the stored
/// revisions and the hidden columns have no name that a question could use.
pub(super) async fn all(root: &Path, state: &LakeState) -> Result<Vec<View>, QueryError> {
    let planner = SessionContext::new();
    let mut views = Vec::new();
    for table in TABLES {
        let files = state.files(table.name);
        let stored = StoredTable::new(root, table, files)?;
        planner.register_table(stored_name(table), Arc::new(stored)).map_err(QueryError::of)?;
        let schema = table::schema(table.name).map_err(|error| error.into_fault(LAKE))?;
        let sql = if table.changes && files.len() > 1 { newest(table, &schema) } else { plain(table, &schema) };
        add(&planner, &mut views, table.name, &sql).await?;
        if let Some(sql) = current(table, &schema) {
            add(&planner, &mut views, &format!("{}_current", table.name), &sql).await?;
        }
        if table.name == "access_event" {
            unnest(&planner, "uses").await?;
            add(&planner, &mut views, "access_event_use", &uses(&schema)).await?;
            unnest(&planner, "resources").await?;
            add(&planner, &mut views, "access_event_resource", &resources(&schema)).await?;
        }
    }
    Ok(views)
}

async fn add(planner: &SessionContext, views: &mut Vec<View>, name: &str, sql: &str) -> Result<(), QueryError> {
    let view = planner.sql(sql).await.map_err(QueryError::of)?.into_view();
    planner.register_table(name, Arc::clone(&view)).map_err(QueryError::of)?;
    views.push((name.to_owned(), view));
    Ok(())
}

fn stored_name(table: &Table) -> String {
    format!("_stored_{}", table.name)
}

fn columns(schema: &Schema) -> String {
    let names: Vec<String> = schema.fields().iter().map(|field| format!("\"{}\"", field.name())).collect();
    names.join(", ")
}

/// All rows: those of a table that never changes, or of a single file, which has each key once.
fn plain(table: &Table, schema: &Schema) -> String {
    format!("SELECT {} FROM {}", columns(schema), stored_name(table))
}

/// The highest revision of each key. Parts of the key stand beside it, so that filters on them go below the choice.
fn newest(table: &Table, schema: &Schema) -> String {
    let mut key = vec![ROW_KEY];
    key.extend(table.key_parts);
    let (columns, key, stored) = (columns(schema), key.join(", "), stored_name(table));
    format!(
        "SELECT {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {REVISION} DESC) AS _place \
         FROM {stored}) WHERE _place = 1"
    )
}

/// What stands now: rows that were not deleted, and of a series the latest.
fn current(table: &Table, schema: &Schema) -> Option<String> {
    schema.field_with_name("deleted_at").ok()?;
    let (name, columns) = (table.name, columns(schema));
    Some(if name == "pci" {
        format!(
            "SELECT {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY scope_kind, scope_id, account_id \
             ORDER BY time DESC) AS _place FROM {name}) WHERE _place = 1 AND deleted_at IS NULL"
        )
    } else {
        format!("SELECT {columns} FROM {name} WHERE deleted_at IS NULL")
    })
}

/// One row per used permission, and one with nulls for an event without any.
fn uses(schema: &Schema) -> String {
    let column = |name: &str| match name {
        "resources" => None,
        "action" => Some("u['action'] AS action".to_owned()),
        "uses" => Some(
            "u['resource_id'] AS resource_id, u['resource_account'] AS resource_account, u['granted'] AS granted, \
             u['how'] AS how"
                .to_owned(),
        ),
        plain => Some(format!("\"{plain}\"")),
    };
    flat("uses", schema, column)
}

/// One row per touched resource, and one with nulls for an event without any.
fn resources(schema: &Schema) -> String {
    let column = |name: &str| match name {
        "uses" => None,
        "resources" => {
            Some("u['id'] AS resource_id, u['kind'] AS resource_kind, u['account_id'] AS resource_account".to_owned())
        }
        plain => Some(format!("\"{plain}\"")),
    };
    flat("resources", schema, column)
}

fn flat(list: &str, schema: &Schema, column: impl Fn(&str) -> Option<String>) -> String {
    let columns: Vec<String> = schema.fields().iter().filter_map(|field| column(field.name())).collect();
    format!("SELECT {} FROM _flat_{list}", columns.join(", "))
}

/// Makes `_flat_<list>`: events with one element of the list as `u`, which is null where the list is empty. SQL's own
/// `unnest` would drop such events.
async fn unnest(planner: &SessionContext, list: &str) -> Result<(), QueryError> {
    let sql = format!("SELECT *, CASE WHEN empty(\"{list}\") THEN NULL ELSE \"{list}\" END AS u FROM access_event");
    let options = UnnestOptions::new().with_preserve_nulls(true);
    let frame = planner.sql(&sql).await.and_then(|frame| frame.unnest_columns_with_options(&["u"], options));
    let view = frame.map_err(QueryError::of)?.into_view();
    planner.register_table(format!("_flat_{list}"), view).map_err(QueryError::of)?;
    Ok(())
}
