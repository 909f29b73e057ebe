//! Holds the committed migrations equal to the nouns.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::TABLES;
use super::*;

/// The column definitions, without comments, of each table as the migrations leave them: those of CREATE TABLE, then ADD
/// COLUMN and MODIFY COLUMN, one a line. Comments are no migration: `overgrant migrate` sets those that differ.
fn migrated() -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for migration in MIGRATIONS {
        let mut table = String::new();
        for line in migration.sql.lines() {
            if let Some(name) = line.strip_prefix("CREATE TABLE IF NOT EXISTS ") {
                table = name.trim().to_owned();
            } else if line.starts_with("    `") && line.contains(" CODEC(") && !line.starts_with("    `_") {
                tables.entry(table.clone()).or_default().push(without_comment(line));
            } else if let Some(rest) = line.strip_prefix("ALTER TABLE ") {
                alter(&mut tables, rest);
            } else if let Some(rest) = line.strip_prefix("RENAME TABLE ") {
                for (from, to) in renamed(rest) {
                    let columns = tables.remove(&from).unwrap();
                    tables.insert(to, columns);
                }
            } else if let Some(name) = line.strip_prefix("DROP TABLE IF EXISTS ") {
                tables.remove(name.trim_end_matches(';'));
            }
        }
    }
    tables
}

/// `a TO b, c TO d;`
fn renamed(pairs: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| pair.split_once(" TO ").map(|(from, to)| (from.trim().to_owned(), to.trim().to_owned()));
    pairs.trim_end_matches(';').split(',').map(|text| pair(text).unwrap()).collect()
}

/// The statement that made a table as it lies now, under whatever name it was made.
fn made(table: &str) -> String {
    let mut made: BTreeMap<String, String> = BTreeMap::new();
    for statement in MIGRATIONS.iter().flat_map(Migration::statements) {
        if let Some(rest) = statement.strip_prefix("CREATE TABLE IF NOT EXISTS ") {
            made.insert(rest.lines().next().unwrap().to_owned(), statement);
        } else if let Some(rest) = statement.strip_prefix("RENAME TABLE ") {
            for (from, to) in renamed(rest) {
                let sql = made.remove(&from).unwrap();
                made.insert(to, sql);
            }
        }
    }
    made.remove(table).unwrap()
}

fn without_comment(definition: &str) -> String {
    definition.split(" COMMENT ").next().unwrap().trim().trim_end_matches([',', ';']).to_owned()
}

fn alter(tables: &mut BTreeMap<String, Vec<String>>, rest: &str) {
    let (name, change) = rest.split_once(' ').unwrap();
    if change.starts_with("MODIFY COLUMN `_") {
        return;
    }
    let columns = tables.get_mut(name).unwrap();
    if let Some(definition) = change.strip_prefix("ADD COLUMN IF NOT EXISTS ") {
        let (definition, after) = definition.trim_end_matches(';').rsplit_once(" AFTER ").unwrap();
        let place = columns.iter().position(|column| column.starts_with(&format!("{after} "))).unwrap();
        columns.insert(place + 1, without_comment(definition));
    } else if let Some(definition) = change.strip_prefix("MODIFY COLUMN ") {
        let name = definition.split(' ').next().unwrap();
        let place = columns.iter().position(|column| column.starts_with(&format!("{name} "))).unwrap();
        columns[place] = without_comment(definition);
    }
}

#[test]
fn the_migrations_make_the_columns_of_the_nouns() {
    let migrated = migrated();
    for table in TABLES {
        let wanted: Vec<String> =
            columns_of(table.name).unwrap().iter().map(|column| without_comment(&column.definition())).collect();
        let found = migrated.get(table.name).cloned().unwrap_or_default();
        assert_eq!(
            found, wanted,
            "a noun changed: write a new migration with `ALTER TABLE {} ADD COLUMN IF NOT EXISTS … AFTER …;`, and the \
             views anew where they show it",
            table.name
        );
    }
    assert_eq!(migrated.len(), TABLES.len());
}

#[test]
fn the_last_migration_of_a_view_is_what_the_nouns_say() {
    let mut views: BTreeMap<String, String> = BTreeMap::new();
    let name_of =
        |sql: &str| sql.strip_prefix("CREATE OR REPLACE VIEW ").map(|rest| rest.split(' ').next().unwrap().to_owned());
    for statement in MIGRATIONS.iter().flat_map(Migration::statements) {
        if let Some(name) = name_of(&statement) {
            views.insert(name, statement);
        }
    }
    let wanted = create_views().unwrap();
    let wanted: BTreeMap<String, String> = wanted
        .split(";\n")
        .map(str::trim)
        .filter(|sql| !sql.is_empty())
        .map(|sql| (name_of(sql).unwrap(), sql.to_owned()))
        .collect();
    assert_eq!(views, wanted);
}

#[test]
fn the_migrations_lay_tables_out_as_the_layout_says() {
    let behind = |sql: &str| sql.split_once("\nENGINE").map(|(_, behind)| behind.to_owned()).unwrap();
    for table in TABLES {
        assert_eq!(behind(&made(table.name)), behind(create(table).unwrap().trim().trim_end_matches(';')));
    }
}

#[test]
fn clickhouse_has_exactly_the_tables_of_the_topic_table() {
    let topics: BTreeSet<_> = crate::topic::TOPICS.iter().filter_map(|topic| topic.table).collect();
    let tables: BTreeSet<_> = TABLES.iter().map(|table| table.name).collect();
    assert_eq!(tables, topics);
}

#[test]
fn nothing_is_kept_for_less_time_than_its_topic_keeps_it() {
    for topic in crate::topic::TOPICS {
        let Some(table) = topic.table.and_then(layout::find) else { continue };
        let hours = match topic.kept {
            crate::topic::Kept::Compacted => u32::MAX,
            crate::topic::Kept::Hours(hours) => hours,
        };
        let kept = if table.kept_days == 0 { u32::MAX } else { table.kept_days * 24 };
        assert!(kept >= hours, "`{}` is kept for {kept} h, its topic for {hours} h", table.name);
    }
}

#[test]
fn every_name_in_a_layout_is_a_column() {
    for table in TABLES {
        let columns: BTreeSet<String> = columns_of(table.name).unwrap().into_iter().map(|column| column.name).collect();
        let named = table.order_by.iter().copied().chain(table.indexes.iter().map(|index| index.over));
        for name in named.chain(table.partition_by) {
            let plain = name.rsplit('(').next().unwrap_or(name);
            let plain = if name.contains("ifNull(") { name.split("ifNull(").nth(1).unwrap() } else { plain };
            let plain = plain.split([',', ')', '.']).next().unwrap();
            assert!(columns.contains(plain), "`{plain}` of `{}`", table.name);
        }
    }
}

/// Every field that a row's key depends on: changing it alone changes the key.
fn key_fields<N: crate::Noun>(example: &N) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    let whole = serde_json::to_value(example).unwrap();
    for (name, value) in whole.as_object().unwrap() {
        let others = match value {
            // Ids are hexadecimal, words come from closed lists, and everything else takes any text.
            serde_json::Value::String(text) => {
                let words = ["gcp", "aws", "resource", "account", "0123456789abcdef0123456789abcdef"];
                words.iter().map(|word| (*word).into()).chain([format!("{text}x").into()]).collect()
            }
            serde_json::Value::Number(number) => vec![(number.as_i64().unwrap_or_default() + 1).into()],
            _ => Vec::<serde_json::Value>::new(),
        };
        for other in others {
            let mut changed = whole.clone();
            changed[name] = other;
            if serde_json::from_value::<N>(changed).is_ok_and(|changed| changed.row_key() != example.row_key()) {
                fields.insert(name.clone());
            }
        }
    }
    fields
}

#[test]
fn the_sorting_key_holds_the_row_key() {
    for message in crate::example::all() {
        let Some(table) = layout::find(message.table()) else { continue };
        let fields = crate::with_noun!(&message, noun => key_fields(noun.as_ref()));
        for field in &fields {
            let is_sorted = table.order_by.iter().any(|by| by == field || by.contains(&format!("({field},")));
            assert!(is_sorted, "`{field}` of `{}` tells rows apart, and its sorting key does not", table.name);
        }
        let is_hash =
            ["raw_record", "access_event", "finding", "anomaly", "alert", "dead_letter"].contains(&table.name);
        assert!(!fields.is_empty() || is_hash, "{}", table.name);
    }
}

#[test]
fn a_literal_cannot_be_left() {
    assert_eq!(literal(r"it's a \' trick"), r"'it\'s a \\\' trick'");
}
