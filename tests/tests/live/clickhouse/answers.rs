//! One text, two engines, one answer.

use std::path::Path;
use std::process::Command;

use schemas::{Message, Noun, Pci, Usage};
use serde_json::json;
use sinks::Store;
use sinks::format::Format;
use sinks::questions::QUESTIONS;

use super::{Database, fill};
use crate::overgrant::{count, done, overgrant, run, sample};

/// Every row of a lake, and of those that change an older revision with other values in front.
async fn rows(lake: &Store) -> Vec<Message> {
    let mut messages = Vec::new();
    schemas::for_each_noun!(N => {
        if lake.tables().iter().any(|table| table == N::NAME) {
            messages.extend(lake.rows::<N>().await.unwrap().into_iter().map(Noun::into_message));
        }
    });
    let older: Vec<Message> = messages.iter().filter_map(older).collect();
    older.into_iter().chain(messages).collect()
}

fn older(message: &Message) -> Option<Message> {
    match message {
        Message::Usage(row) => {
            Some(Usage { n_uses: 1_000_000, revision: row.revision - 1, ..Usage::clone(row) }.into_message())
        }
        Message::Pci(row) => Some(Pci { score: 1.0, revision: row.revision - 1, ..Pci::clone(row) }.into_message()),
        _ => None,
    }
}

/// Values for the parameters that have no default, from the data itself.
async fn given(lake: &Store) -> Vec<(String, String)> {
    let first = |sql: &'static str| async move { text(lake, sql).await.trim().to_owned() };
    let mut given = Vec::new();
    for (name, sql) in [
        (
            "action",
            "SELECT action FROM access_event WHERE action IS NOT NULL GROUP BY action ORDER BY count(*) DESC, action LIMIT 1",
        ),
        (
            "identity",
            "SELECT identity_id FROM session GROUP BY identity_id ORDER BY count(*) DESC, identity_id LIMIT 1",
        ),
        (
            "credential",
            "SELECT credential_id FROM access_event WHERE credential_id IS NOT NULL GROUP BY credential_id ORDER BY count(*) DESC, credential_id LIMIT 1",
        ),
        (
            "address",
            "SELECT source_ip FROM access_event WHERE source_ip IS NOT NULL GROUP BY source_ip ORDER BY count(*) DESC, source_ip LIMIT 1",
        ),
        (
            "account",
            "SELECT account_id FROM entitlement_current GROUP BY account_id ORDER BY count(*) DESC, account_id LIMIT 1",
        ),
        ("alert", "SELECT alert_id FROM alert ORDER BY n_events DESC, alert_id LIMIT 1"),
    ] {
        given.push((name.to_owned(), first(sql).await.lines().last().unwrap_or_default().to_owned()));
    }
    given.push(("resource".to_owned(), "arn:aws:s3:::%".to_owned()));
    given
}

async fn text(store: &Store, sql: &str) -> String {
    print(&store.sql(sql).await.unwrap())
}

fn print(answer: &sinks::Answer) -> String {
    let mut out = Vec::new();
    sinks::format::write(&mut out, &answer.schema, &answer.batches, Format::Csv, None).unwrap();
    String::from_utf8(out).unwrap()
}

async fn same_rows(lake: &Store, clickhouse: &Store) {
    schemas::for_each_noun!(N => {
        if lake.tables().iter().any(|table| table == N::NAME) {
            let sorted = |rows: Vec<N>| {
                let mut rows: Vec<(String, N)> = rows.into_iter().map(|row| (row.row_key(), row)).collect();
                rows.sort_by(|a, b| a.0.cmp(&b.0));
                rows
            };
            let (a, b) = (lake.rows::<N>().await.unwrap(), clickhouse.rows::<N>().await.unwrap());
            assert!(sorted(a) == sorted(b), "the rows of `{}` differ", N::NAME);
        }
    });
}

async fn same_answers(lake: &Store, clickhouse: &Store) {
    let all = given(lake).await;
    let mut empty = Vec::new();
    for question in QUESTIONS {
        let names: Vec<String> = question.params().into_iter().map(|param| param.name).collect();
        let given: Vec<(String, String)> = all.iter().filter(|(name, _)| names.contains(name)).cloned().collect();
        let a = question.ask(lake, &given).await.unwrap_or_else(|error| panic!("lake, {}: {error}", question.name));
        let b = question.ask(clickhouse, &given).await;
        let b = b.unwrap_or_else(|error| panic!("ClickHouse, {}: {error}", question.name));
        assert_eq!(print(&a), print(&b), "{}", question.name);
        if a.n_rows() == 0 {
            empty.push(question.name);
        }
    }
    assert!(empty.len() <= 2, "a question without an answer shows nothing: {empty:?}");
}

/// What the binary prints over either store.
fn same_words(database: &Database, lake: &Path, event_id: &str) {
    let (address, password) = database.address();
    let ask = |store: &Path, args: &[&str]| {
        let mut command: Command = overgrant();
        command.env("OVERGRANT_CLICKHOUSE_PASSWORD", password).args(args).arg("--store").arg(store);
        String::from_utf8(done(command).stdout).unwrap()
    };
    for args in [
        &["status"] as &[&str],
        &["status", "--files"],
        &["pci", "--limit", "20"],
        &["pci", "--limit", "20", "--explain"],
        &["pci", "--scope", "account", "--format", "json"],
        &["findings"],
        &["alerts"],
        &["alerts", "--format", "ndjson"],
        &["raw", event_id],
        &["query", "--question", "creep_by_account"],
        &["query", "SELECT provider, count(*) AS n FROM access_event GROUP BY provider ORDER BY provider"],
    ] {
        assert_eq!(ask(lake, args), ask(Path::new(&address), args), "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lake_and_clickhouse_give_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("sample"), 16, 40, 6);
    let store = folder.path().join("store");
    done(run(&inputs, &store, None));
    let lake = Store::open(&store).await.unwrap();
    let database = Database::start().await;
    let mut sink = database.sink(r#"{"rows": 20000}"#);
    stream::Sink::restore(&mut sink, json!(null)).await.unwrap();
    fill(&mut sink, &rows(&lake).await).await;
    let clickhouse = database.store().await;
    same_rows(&lake, &clickhouse).await;
    same_answers(&lake, &clickhouse).await;
    let event_id = text(&lake, "SELECT event_id FROM access_event ORDER BY event_id LIMIT 1").await;
    same_words(&database, &store, event_id.lines().last().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_stores_the_same_rows_in_both() {
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("sample"), 5, 20, 2);
    let database = Database::start().await;
    let config = folder.path().join("overgrant.toml");
    let (url, name, user) = (database.server.url(), database.place.database(), database.server.user());
    let text = format!(
        "[stream]\ncommit_records = 3000\n[sinks.clickhouse]\nurl = \"{url}\"\ndatabase = \"{name}\"\nuser = \"{user}\"\n\
         password_env = \"OVERGRANT_TEST_PASSWORD\"\nrows = 1000\n"
    );
    std::fs::write(&config, text).unwrap();
    let store = folder.path().join("store");
    let mut command = run(&inputs, &store, Some(&config));
    command.env("OVERGRANT_TEST_PASSWORD", database.server.password());
    done(command);
    let lake = Store::open(&store).await.unwrap();
    same_rows(&lake, &database.store().await).await;
    assert!(count(&store, "SELECT count(*) FROM usage") > 0, "a run that stores nothing shows nothing");
}
