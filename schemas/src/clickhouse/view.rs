//! What people ask: `_current` views of what stands, and flat views of an event's lists, with the very columns that the
//! lake's have.

use super::{Column, Table, TableError, columns_of};

/// Every view, each as one statement.
pub(super) fn all(tables: &[Table]) -> Result<Vec<String>, TableError> {
    let mut views = Vec::new();
    for table in tables {
        let columns = columns_of(table.name)?;
        if let Some(sql) = current(table, &columns) {
            views.push(create(&format!("{}_current", table.name), "What stands now.", &sql));
        }
        if table.name == "access_event" {
            let doc = "One row per permission that an event used, and one with NULL for an event without any.";
            views.push(create("access_event_use", doc, &uses(&columns)));
            let doc = "One row per resource that an event touched, and one with NULL for an event without any.";
            views.push(create("access_event_resource", doc, &resources(&columns)));
        }
    }
    Ok(views)
}

fn create(name: &str, doc: &str, sql: &str) -> String {
    format!("CREATE OR REPLACE VIEW {name} AS\n{sql}\nCOMMENT {};\n", super::literal(doc))
}

fn list(columns: impl Iterator<Item = String>) -> String {
    columns.collect::<Vec<_>>().join(",\n    ")
}

/// Rows that were not deleted, in their newest revision; of a series the latest.
fn current(table: &Table, columns: &[Column]) -> Option<String> {
    columns.iter().find(|column| column.name == "deleted_at")?;
    let names = list(columns.iter().map(|column| format!("`{}`", column.name)));
    let name = table.name;
    Some(if name == "pci" {
        format!(
            "SELECT\n    {names}\nFROM (SELECT * FROM pci FINAL ORDER BY time DESC \
             LIMIT 1 BY scope_kind, scope_id, account_id)\nWHERE deleted_at IS NULL"
        )
    } else {
        format!("SELECT\n    {names}\nFROM {name} FINAL\nWHERE deleted_at IS NULL")
    })
}

/// An element's field, NULL where the list is empty: LEFT ARRAY JOIN would give an empty text.
fn element(list: &str, field: &str, name: &str) -> String {
    format!("if(empty({list}), NULL, element.{field}) AS {name}")
}

fn uses(columns: &[Column]) -> String {
    flat("uses", columns, |name| match name {
        "resources" => Vec::new(),
        "action" => vec![element("uses", "action", "action")],
        "uses" => ["resource_id", "resource_account", "granted", "how"]
            .iter()
            .map(|field| element("uses", field, field))
            .collect(),
        plain => vec![format!("`{plain}`")],
    })
}

fn resources(columns: &[Column]) -> String {
    flat("resources", columns, |name| match name {
        "uses" => Vec::new(),
        "resources" => [("id", "resource_id"), ("kind", "resource_kind"), ("account_id", "resource_account")]
            .iter()
            .map(|(field, name)| element("resources", field, name))
            .collect(),
        plain => vec![format!("access_event.`{plain}` AS `{plain}`")],
    })
}

fn flat(array: &str, columns: &[Column], column: impl Fn(&str) -> Vec<String>) -> String {
    let names = list(columns.iter().flat_map(|of| column(&of.name)));
    format!("SELECT\n    {names}\nFROM access_event FINAL\nLEFT ARRAY JOIN {array} AS element")
}
