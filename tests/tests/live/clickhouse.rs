//! The ClickHouse store against a real engine: migrations, the sink through kills and restarts, and the reader beside the
//! lake's.

mod answers;
mod outage;

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use schemas::{Anomaly, Message, Noun, Session, Time};
use serde_json::json;
use sinks::clickhouse::{ClickHouse as Sink, Place, Step, ValidConfig, migrate};
use sinks::{Metrics, QueryError, ReadOptions, Store};
use stream::{Batch, Sink as _};
use tests::servers::ClickHouse;

/// Rows that a batch of the belt has.
const BATCH: usize = 1000;

/// A database of its own on a server.
pub(super) struct Database {
    pub(super) server: ClickHouse,
    pub(super) place: Place,
}

impl Database {
    /// A server with an empty database that was migrated.
    pub(super) async fn start() -> Self {
        Self::empty().migrated().await
    }

    /// The same on a server that takes so much longer for each insertion of rows.
    pub(super) async fn start_slow(delay: Duration) -> Self {
        Self::empty_on(ClickHouse::start_slow(delay).unwrap()).migrated().await
    }

    async fn migrated(self) -> Self {
        migrate(&self.settings(), &self.place).await.unwrap();
        self
    }

    fn empty() -> Self {
        Self::empty_on(ClickHouse::start().unwrap())
    }

    fn empty_on(server: ClickHouse) -> Self {
        let name = format!("og_{}_{:x}", std::process::id(), rand::random::<u32>());
        let place = Place::of(server.url(), &name, server.user()).unwrap();
        let place = place.with_password(Some(server.password().to_owned()));
        Self { server, place }
    }

    /// The default settings for this place.
    pub(super) fn settings(&self) -> ValidConfig {
        self.config("{}").clickhouse().clone()
    }

    /// Settings from JSON of the section `[sinks.clickhouse]`.
    pub(super) fn config(&self, json: &str) -> sinks::ValidConfig {
        let clickhouse: serde_json::Value = serde_json::from_str(json).unwrap();
        let config: sinks::Config = serde_json::from_value(json!({ "redact": [], "clickhouse": clickhouse })).unwrap();
        config.validate().unwrap()
    }

    pub(super) fn sink(&self, json: &str) -> Sink {
        Sink::new(&self.config(json), &self.place)
    }

    pub(super) async fn store(&self) -> Store {
        self.store_with(ReadOptions::default()).await
    }

    async fn store_with(&self, options: ReadOptions) -> Store {
        Store::clickhouse(&self.settings(), &self.place, options).await.unwrap()
    }

    /// The first value of an answer.
    pub(super) async fn value(&self, sql: &str) -> String {
        let client = clickhouse::Client::default().with_url(self.server.url()).with_user(self.server.user());
        let client = client.with_password(self.server.password()).with_database(self.place.database());
        let mut lines = client.query(sql).fetch_bytes("TabSeparatedRaw").unwrap();
        String::from_utf8(lines.collect().await.unwrap().to_vec()).unwrap().trim_end().to_owned()
    }

    /// The address and the password as the binary takes them.
    pub(super) fn address(&self) -> (String, &str) {
        (self.place.to_string(), self.server.password())
    }
}

pub(super) fn counts(sink: &Sink) -> Metrics {
    *sink.metrics().lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives rows to a sink and commits them.
pub(super) async fn fill(sink: &mut Sink, messages: &[Message]) {
    for (place, rows) in messages.chunks(BATCH).enumerate() {
        sink.write(Batch::of(0, (place * BATCH) as u64, rows.iter().cloned())).await.unwrap();
    }
    sink.commit(1).await.unwrap();
}

/// One example of each noun that is stored.
fn examples() -> BTreeMap<&'static str, Message> {
    let stored = |message: &Message| schemas::clickhouse::layout::find(message.table()).is_some();
    schemas::example::all().into_iter().filter(stored).map(|message| (message.table(), message)).collect()
}

fn applied(steps: &[Step]) -> Vec<&str> {
    let mut names = Vec::new();
    for step in steps {
        if let Step::Applied(name) = step {
            names.push(name.as_str());
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrating_twice_changes_nothing_and_retention_follows_the_settings() {
    let database = Database::empty();
    let unready = Store::clickhouse(&database.settings(), &database.place, ReadOptions::default()).await;
    assert!(format!("{:?}", unready.unwrap_err()).contains("NotMigrated"));
    assert!(format!("{:?}", database.sink("{}").restore(json!(null)).await.unwrap_err()).contains("NotMigrated"));

    let first = migrate(&database.settings(), &database.place).await.unwrap();
    assert!(applied(&first).contains(&"0001_tables") && applied(&first).contains(&"0002_views"), "{first:?}");
    let again = migrate(&database.settings(), &database.place).await.unwrap();
    assert_eq!(applied(&again), Vec::<&str>::new(), "nothing is left to do");
    database.sink("{}").restore(json!(null)).await.unwrap();

    let shorter = database.config(r#"{"kept": {"usage": "30days", "session": "0s"}}"#).clickhouse().clone();
    let changed = migrate(&shorter, &database.place).await.unwrap();
    assert_eq!(applied(&changed), ["session is kept for good", "usage is kept for 30 days"]);
    let engine = |table| {
        format!("SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = '{table}'")
    };
    assert!(database.value(&engine("usage")).await.contains("TTL _inserted_at + toIntervalDay(30)"));
    assert!(!database.value(&engine("session")).await.contains("TTL"));

    database.value("INSERT INTO overgrant_migration (name, checksum) VALUES ('0001_tables', 'another')").await;
    let error = migrate(&database.settings(), &database.place).await.unwrap_err().to_string();
    assert!(error.starts_with("migration `0001_tables` was applied with other words"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_noun_comes_back_as_it_was_written() {
    let database = Database::start().await;
    let examples = examples();
    let messages: Vec<Message> = examples.values().cloned().collect();
    let mut sink = database.sink("{}");
    sink.restore(json!(null)).await.unwrap();
    fill(&mut sink, &messages).await;
    let store = database.store().await;
    schemas::for_each_noun!(N => {
        if let Some(message) = examples.get(N::NAME) {
            let rows: Vec<Message> = store.rows::<N>().await.unwrap().into_iter().map(Noun::into_message).collect();
            assert_eq!(&rows, std::slice::from_ref(message));
        }
    });
    let columns = "SELECT countIf(comment = '') FROM system.columns WHERE database = currentDatabase() AND \
                   table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')";
    assert_eq!(database.value(columns).await, "0", "every column says what it is");
}

/// A late record may show that a session or the first event of an hour was earlier.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_whose_time_is_corrected_is_still_one_row() {
    let database = Database::start().await;
    let mut sink = database.sink("{}");
    sink.restore(json!(null)).await.unwrap();
    for message in examples().into_values() {
        let corrected = match &message {
            Message::Session(row) => {
                let issued_at = row.issued_at + Duration::from_secs(86_400);
                Session { issued_at, revision: row.revision - 1, ..Session::clone(row) }.into_message()
            }
            Message::Anomaly(row) => {
                let hour = row.time.0.div_euclid(3_600_000_000) * 3_600_000_000;
                let time = Time(if row.time.0 == hour { hour + 1 } else { hour });
                Anomaly { time, revision: row.revision - 1, ..Anomaly::clone(row) }.into_message()
            }
            _ => continue,
        };
        fill(&mut sink, &[corrected]).await;
        fill(&mut sink, &[message]).await;
    }
    assert_eq!(database.store().await.rows::<Session>().await.unwrap().len(), 1);
    assert_eq!(database.store().await.rows::<Anomaly>().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_at_once() {
    let database = Database::start().await;
    let wrong = database.place.clone().with_password(Some("wrong".to_owned()));
    let mut sink = Sink::new(&database.config("{}"), &wrong);
    let told = tokio::time::timeout(Duration::from_secs(20), sink.restore(json!(null))).await;
    let fault = told.expect("nobody waits for a password to come right").unwrap_err();
    let words = std::error::Error::source(&fault).unwrap().to_string();
    assert!(words.contains("does not let the user in") && !words.contains("wrong"), "{words}");
    let place = database.place.clone().with_password(None);
    let store = Store::clickhouse(&database.settings(), &place, ReadOptions::default()).await;
    assert!(matches!(store, Err(QueryError::Fault(_))), "{store:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_only_reads_and_says_what_is_wrong() {
    let database = Database::start().await;
    let store = database.store_with(ReadOptions { max_rows: 10, ..ReadOptions::default() }).await;
    let answer = store.sql("SELECT number AS n FROM system.numbers LIMIT 100000").await.unwrap();
    assert_eq!((answer.n_rows(), answer.is_cut), (10, true));
    let said = |sql: &'static str| {
        let store = &store;
        async move { store.sql(sql).await.unwrap_err().to_string() }
    };
    assert!(said("DROP TABLE usage").await.starts_with("`DROP` is refused: a query only reads"));
    assert!(said("WITH 1 AS n INSERT INTO model SELECT 1").await.len() > 5);
    assert!(said("SELECT * FROM access_evnt").await.contains("did you mean `access_event`?"));
    let words = said("SELECT identity_i FROM access_event").await;
    assert!(words.contains("did you mean `identity_id`?") && !words.contains("window_start"), "{words}");
    assert!(said("SELECT 1 +").await.to_lowercase().contains("syntax"));
    assert_eq!(database.value("SELECT count() FROM usage").await, "0", "the table is still there");

    let reader = Place::of(database.server.url(), database.place.database(), ClickHouse::READER).unwrap();
    let reader = reader.with_password(Some(ClickHouse::READER_PASSWORD.to_owned()));
    if database.server.is_ours() {
        let store = Store::clickhouse(&database.settings(), &reader, ReadOptions::default()).await;
        assert!(format!("{:?}", store.unwrap_err()).contains("Dialect"), "the answers of such a user would be others");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redriven_letter_is_gone_and_one_that_failed_again_is_back_whatever_came_last() {
    let database = Database::start().await;
    let first = schemas::example::dead_letter();
    let closed = first.closed(schemas::Time(7));
    let again = schemas::DeadLetter { revision: 8, ..first.clone() };
    let open = "SELECT count() FROM dead_letter_current";
    // The highest revision counts, and not the one that was stored last.
    for (letters, n_open) in [(vec![&closed, &first], "0"), (vec![&again, &closed], "1")] {
        for letter in letters {
            let mut sink = database.sink("{}");
            sink.restore(serde_json::Value::Null).await.unwrap();
            fill(&mut sink, &[letter.clone().into_message()]).await;
        }
        assert_eq!(database.value(open).await, n_open);
        database.value("OPTIMIZE TABLE dead_letter FINAL").await;
        assert_eq!(database.value(open).await, n_open);
    }
}

/// The small front before the engine has no users, so these statements run nowhere here; what the engine makes of them is
/// what it would run.
#[tokio::test]
async fn the_engine_reads_what_makes_the_analyst() {
    let database = Database::start().await;
    let sql = include_str!("../../../schemas/clickhouse/0003_analyst.sql").replace("{database}", "overgrant");
    let plain: String = sql.lines().filter(|line| !line.starts_with("--")).flat_map(|line| [line, "\n"]).collect();
    let statements: Vec<&str> = plain.split(';').map(str::trim).filter(|text| !text.is_empty()).collect();
    assert_eq!(statements.len(), 6);
    for statement in statements {
        let quoted = statement.replace('\\', "\\\\").replace('\'', "\\'");
        let read = database.value(&format!("SELECT formatQuerySingleLine('{quoted}')")).await;
        let words = |text: &str| text.replace(['`', '\''], "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(&read), words(statement));
    }
}
