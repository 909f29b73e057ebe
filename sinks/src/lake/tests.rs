//! Tests of the lake, by writing and reading it back.
use std::collections::BTreeMap;

use bytesize::ByteSize;
use proptest::prelude::*;
use schemas::{Body, Entitlement, Finding, Noun, Policy, RawRecord, Time, Usage, example};
use stream::manifest::Manifest;
use tempfile::TempDir;

use super::*;
use crate::query::{col, lit};
use crate::{Config, Store};

/// The time of all examples.
const NOON: Time = Time(1_793_448_000_000_000);

/// A lake in a folder of its own, with the manifest that the belt would write.
struct House {
    dir: TempDir,
    lake: Lake,
    epoch: u64,
}

impl House {
    async fn new(config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut lake = Lake::new(dir.path(), config.validate().unwrap());
        lake.restore(SinkState::Null).await.unwrap();
        Self { dir, lake, epoch: 0 }
    }

    async fn write(&mut self, messages: impl IntoIterator<Item = Message>) {
        self.lake.write(Batch::of(0, 0, messages)).await.unwrap();
    }

    /// Commits the sink, without the manifest.
    async fn commit_sink(&mut self) -> SinkState {
        self.epoch += 1;
        self.lake.commit(self.epoch).await.unwrap()
    }

    async fn commit(&mut self) {
        let state = self.commit_sink().await;
        let sinks = BTreeMap::from([(LAKE.to_owned(), state)]);
        Manifest { epoch: self.epoch, sinks, ..Manifest::default() }.write(self.dir.path()).unwrap();
        self.lake.committed(self.epoch).await.unwrap();
    }

    /// The process dies and starts again from the manifest.
    async fn restart(&mut self, config: Config) {
        let manifest = Manifest::read(self.dir.path()).unwrap().unwrap_or_default();
        self.epoch = manifest.epoch;
        self.lake = Lake::new(self.dir.path(), config.validate().unwrap());
        self.lake.restore(manifest.sinks.get(LAKE).cloned().unwrap_or_default()).await.unwrap();
    }

    async fn store(&self) -> Store {
        Store::open(self.dir.path()).await.unwrap()
    }

    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for table in table::TABLES {
            for day in std::fs::read_dir(self.dir.path().join(LAKE).join(table.name)).into_iter().flatten() {
                for file in std::fs::read_dir(day.unwrap().path()).unwrap() {
                    files.push(file.unwrap().path().strip_prefix(self.dir.path()).unwrap().display().to_string());
                }
            }
        }
        files.sort_unstable();
        files
    }
}

fn small() -> Config {
    Config { buffer: ByteSize::kib(64), max_files: 2, keep_epochs: 1, max_days: 2, ..Config::default() }
}

fn usage(name: &str, day: i64, revision: i64, n_uses: i64) -> Usage {
    Usage {
        identity_id: format!("aws:1:user/{name}").into(),
        window_start: Time(NOON.0 + day * Time::DAY),
        n_uses,
        revision,
        ..example::usage()
    }
}

async fn reads_back<N: Noun + std::fmt::Debug>(store: &Store, expected: &Message) {
    let rows = store.rows::<N>().await.unwrap();
    assert_eq!(rows.len(), 1, "{}", N::NAME);
    let message = rows.into_iter().next().unwrap().into_message();
    assert_eq!(message, *expected);
}

#[tokio::test]
async fn every_noun_reads_back_as_it_was_written() {
    let mut house = House::new(Config::default()).await;
    house.write(example::all()).await;
    house.commit().await;
    let store = house.store().await;
    for message in example::all() {
        schemas::for_each_noun!(N => {
            if N::NAME == message.table() && N::NAME != "raw_grant" {
                reads_back::<N>(&store, &message).await;
            }
        });
    }
    assert!(!store.tables().contains(&"raw_grant".to_owned()));
}

#[tokio::test]
async fn an_empty_store_has_all_tables() {
    let mut house = House::new(Config::default()).await;
    house.commit().await;
    let store = house.store().await;
    for table in store.tables() {
        let answer = store.sql(&format!("SELECT * FROM {table}")).await.unwrap();
        assert_eq!(answer.n_rows(), 0, "{table}");
        assert!(!answer.schema.fields().is_empty(), "{table}");
    }
    assert_eq!(store.tables().len(), table::TABLES.len() + 2 + 5);
}

#[tokio::test]
async fn the_highest_revision_wins_in_whatever_order_they_come() {
    let mut house = House::new(Config { max_files: 100, ..Config::default() }).await;
    house.write([usage("a", 0, 2, 20).into_message(), usage("a", 0, 1, 10).into_message()]).await;
    house.commit().await;
    house.write([usage("a", 0, 1, 11).into_message(), usage("b", 0, 1, 5).into_message()]).await;
    house.commit().await;
    let mut rows = house.store().await.rows::<Usage>().await.unwrap();
    rows.sort_by(|a, b| a.identity_id.cmp(&b.identity_id));
    assert_eq!(rows, [usage("a", 0, 2, 20), usage("b", 0, 1, 5)]);
    let filter = col("identity_id").eq(lit("aws:1:user/a"));
    assert_eq!(house.store().await.rows_where::<Usage>("usage", Some(filter)).await.unwrap(), [usage("a", 0, 2, 20)]);
}

#[tokio::test]
async fn what_was_deleted_is_history_and_not_current() {
    let mut house = House::new(Config::default()).await;
    let gone = Entitlement { deleted_at: Some(Time(NOON.0 + 1)), revision: 2, ..example::entitlement() };
    let back = Finding { deleted_at: None, revision: 3, ..example::finding() };
    house
        .write([
            example::entitlement().into_message(),
            Finding { deleted_at: Some(NOON), revision: 2, ..example::finding() }.into_message(),
        ])
        .await;
    house.commit().await;
    house.write([gone.clone().into_message(), back.clone().into_message()]).await;
    house.commit().await;
    let store = house.store().await;
    assert_eq!(store.rows::<Entitlement>().await.unwrap(), [gone]);
    assert_eq!(store.rows_where::<Entitlement>("entitlement_current", None).await.unwrap(), []);
    assert_eq!(store.rows_where::<Finding>("finding_current", None).await.unwrap(), [back]);
}

#[tokio::test]
async fn a_row_that_never_changes_is_stored_once() {
    let mut house = House::new(small()).await;
    let policy = |n: i64| Policy { time: Time(n), policy_hash: "same".into(), ..example::policy() }.into_message();
    house.write([example::access_event().into_message(), example::access_event().into_message(), policy(1)]).await;
    house.commit().await;
    house.restart(small()).await;
    house.write([example::access_event().into_message(), policy(2)]).await;
    house.commit().await;
    let store = house.store().await;
    assert_eq!(store.sql("SELECT * FROM access_event").await.unwrap().n_rows(), 1);
    assert_eq!(store.rows::<Policy>().await.unwrap()[0].time, Time(1));
    assert_eq!(house.lake.metrics().sinks_rows_copies_total, 2);
}

#[tokio::test]
async fn without_a_manifest_nothing_is_visible_and_the_next_start_removes_it() {
    let mut house = House::new(small()).await;
    house.write([usage("a", 0, 1, 1).into_message()]).await;
    house.commit().await;
    let named = house.files();
    house.write((0..3000).map(|n| usage(&format!("u{n}"), n % 5, 1, 1).into_message())).await;
    assert!(house.files().len() > named.len(), "the buffer's bound writes early");
    assert_eq!(house.store().await.rows::<Usage>().await.unwrap().len(), 1);
    house.commit_sink().await;
    assert_eq!(house.store().await.rows::<Usage>().await.unwrap().len(), 1);
    let foreign = house.dir.path().join(LAKE).join("usage/day=2026-10-31/notes.txt");
    std::fs::write(&foreign, "not ours").unwrap();

    house.restart(small()).await;
    assert_eq!(house.store().await.rows::<Usage>().await.unwrap().len(), 1);
    std::fs::remove_file(&foreign).unwrap();
    assert_eq!(house.files(), named);
}

#[tokio::test]
async fn a_reader_of_an_older_manifest_goes_on_reading_it() {
    let mut house = House::new(Config { keep_epochs: 2, ..small() }).await;
    for n in 0..3 {
        house.write([usage("a", 0, n, n).into_message()]).await;
        house.commit().await;
    }
    let older = house.store().await;
    house.write([usage("a", 0, 3, 3).into_message()]).await;
    house.commit().await;
    assert!(house.lake.metrics().sinks_compactions_total > 0);
    assert_eq!(older.rows::<Usage>().await.unwrap(), [usage("a", 0, 2, 2)]);
    for n in 4..9 {
        house.write([usage("a", 0, n, n).into_message()]).await;
        house.commit().await;
    }
    // Its files are gone by now, so it looks at the newest manifest instead of failing.
    assert_eq!(older.rows::<Usage>().await.unwrap(), [usage("a", 0, 8, 8)]);
    assert!(house.files().len() < 6, "{:?}", house.files());
}

#[tokio::test]
async fn thinly_filled_days_share_a_folder() {
    let mut house = House::new(small()).await;
    house.write((0..40).map(|day| usage("a", day, 1, day).into_message())).await;
    house.write([usage("b", 7, 1, 0).into_message()]).await;
    house.commit().await;
    let files = house.files();
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files[0].contains("day=2026-11-07") && files[1].contains("day=mixed"), "{files:?}");
    let answer = house.store().await.sql("SELECT * FROM usage WHERE window_start < '2026-11-02'").await.unwrap();
    assert_eq!(answer.n_rows(), 2);
}

#[tokio::test]
async fn secrets_are_not_stored() {
    let mut house = House::new(Config::default()).await;
    let body = Body(bytes::Bytes::from_static(br#"{"requestParameters": {"password": "hunter2"}}"#));
    house.write([RawRecord { body, ..example::raw_record() }.into_message()]).await;
    house.commit().await;
    let raw = house.store().await.rows::<RawRecord>().await.unwrap().remove(0);
    assert_eq!(&raw.body.0[..], br#"{"requestParameters": {"password": "REDACTED"}}"#);
    assert_eq!(raw.n_redacted, 1);
    assert_eq!(house.lake.metrics().sinks_redactions_total, 1);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_a_fault_that_names_the_place() {
    let mut house = House::new(Config::default()).await;
    std::fs::write(house.dir.path().join(LAKE), "a file where the folder should be").unwrap();
    house.write([example::alert().into_message()]).await;
    let fault = house.lake.commit(1).await.unwrap_err();
    assert!(fault.to_string().starts_with("cannot make `"), "{fault}");
}

#[tokio::test]
async fn a_newer_or_damaged_state_is_a_fault() {
    let mut house = House::new(Config::default()).await;
    let newer = house.lake.restore(serde_json::json!({"format": 9})).await.unwrap_err();
    assert!(matches!(newer, Fault::Edge { room: LAKE, .. }), "{newer:?}");
    assert!(house.lake.restore(serde_json::json!({"format": 1, "epoch": "x"})).await.is_err());
}

#[derive(Clone, Debug)]
enum Step {
    Write { name: u8, day: u8, revision: i64 },
    Commit,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6u8, 0..4u8, 0..9i64).prop_map(|(name, day, revision)| Step::Write { name, day, revision }),
        3 => Just(Step::Commit),
        1 => Just(Step::Crash),
    ]
}

type Newest = BTreeMap<(String, i64), i64>;

async fn run(steps: Vec<Step>) -> (Newest, Newest) {
    let mut house = House::new(small()).await;
    let (mut committed, mut pending) = (Newest::new(), Newest::new());
    for step in steps.into_iter().chain([Step::Commit]) {
        match step {
            Step::Write { name, day, revision } => {
                let row = usage(&name.to_string(), day.into(), revision, revision * 10);
                let kept = pending.entry((row.identity_id.to_string(), row.window_start.0)).or_default();
                *kept = revision.max(*kept);
                house.write([row.into_message()]).await;
            }
            Step::Commit => {
                house.commit().await;
                committed = pending.clone();
            }
            Step::Crash => {
                house.restart(small()).await;
                pending = committed.clone();
            }
        }
    }
    let rows = house.store().await.rows::<Usage>().await.unwrap();
    assert!(rows.iter().all(|row| row.n_uses == row.revision * 10), "whole rows");
    let n_rows = rows.len();
    let found: Newest =
        rows.into_iter().map(|row| ((row.identity_id.to_string(), row.window_start.0), row.revision)).collect();
    assert_eq!(found.len(), n_rows, "each key once");
    (found, committed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn commits_merges_and_crashes_do_not_change_the_answer(steps in proptest::collection::vec(step(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (found, expected) = runtime.block_on(run(steps));
        prop_assert_eq!(found, expected);
    }
}
