//! Tests of questions over a store.
use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use schemas::{Granted, How, Message, Outcome, Pci, Resource, Time, Use, example};
use stream::{Batch, Sink, SinkState};
use tempfile::TempDir;

use super::*;
use crate::format::{self, Format};
use crate::{Config, LAKE, Lake};

/// The time of all examples.
const NOON: Time = Time(1_793_448_000_000_000);

fn used(action: &str, resource: Option<&str>) -> Use {
    Use {
        action: action.into(),
        resource_id: resource.map(Into::into),
        resource_account: None,
        granted: Granted::Yes,
        how: How::Mapped,
    }
}

fn event(id: u128, uses: Vec<Use>, resources: &[&str]) -> Message {
    let resource = |id: &&str| Resource { id: (*id).into(), kind: None, account_id: Some("1".into()) };
    let action = uses.first().map(|used| used.action.clone());
    let outcome = if id == 3 { Outcome::Denied } else { Outcome::Success };
    let resources = resources.iter().map(resource).collect();
    AccessEvent { event_id: Id128(id), action, uses, resources, outcome, ..example::access_event() }.into_message()
}

fn pci(scope: &str, hour: i64, score: f64) -> Message {
    Pci { scope_id: scope.into(), time: Time(NOON.0 + hour * Time::HOUR), score, ..example::pci() }.into_message()
}

async fn stored(messages: Vec<Message>) -> (TempDir, Store) {
    stored_with(messages, ReadOptions::default()).await
}

async fn stored_with(messages: Vec<Message>, options: ReadOptions) -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let mut lake = Lake::new(dir.path(), Config::default().validate().unwrap());
    lake.restore(SinkState::Null).await.unwrap();
    let mut state = SinkState::Null;
    // Two commits, so that the newest revisions have to be chosen.
    for (epoch, part) in messages.chunks(messages.len().div_ceil(2).max(1)).enumerate() {
        lake.write(Batch::of(0, 0, part.to_vec())).await.unwrap();
        state = lake.commit(epoch as u64 + 1).await.unwrap();
    }
    let sinks = BTreeMap::from([(LAKE.to_owned(), state)]);
    Manifest { epoch: 2, sinks, as_of: Some(7), ..Manifest::default() }.write(dir.path()).unwrap();
    let store = Store::open_with(dir.path(), options).await.unwrap();
    (dir, store)
}

async fn house() -> (TempDir, Store) {
    let messages = vec![
        event(1, vec![used("s3:GetObject", Some("arn:aws:s3:::a/1")), used("kms:Decrypt", None)], &["arn:a", "arn:b"]),
        event(2, vec![], &[]),
        event(3, vec![used("s3:PutObject", None)], &["arn:a"]),
        pci("x", 0, 10.0),
        pci("x", 2, 30.0),
        pci("x", 1, 20.0),
        pci("y", 0, 5.0),
    ];
    stored(messages).await
}

async fn check(sql: &str, expected: Expect) {
    let (_dir, store) = house().await;
    let mut out = Vec::new();
    match store.sql(sql).await {
        Ok(answer) => format::write(&mut out, &answer.schema, &answer.batches, Format::Table, None).unwrap(),
        Err(error) => out.extend_from_slice(error.to_string().as_bytes()),
    }
    expected.assert_eq(&String::from_utf8(out).unwrap());
}

#[tokio::test]
async fn uses_are_one_row_each_and_absent_is_null() {
    check(
        "SELECT right(event_id, 1) AS id, action, resource_id, granted, how, operation FROM access_event_use \
         ORDER BY id, action DESC",
        expect![[r#"
            id  action        resource_id       granted  how     operation
            1   s3:GetObject  arn:aws:s3:::a/1  yes      mapped  HeadObject
            1   kms:Decrypt                     yes      mapped  HeadObject
            2                                                    HeadObject
            3   s3:PutObject                    yes      mapped  HeadObject
        "#]],
    )
    .await;
}

#[tokio::test]
async fn resources_are_one_row_each_and_absent_is_null() {
    check(
        "SELECT right(event_id, 1) AS id, action, resource_id, resource_kind, resource_account \
         FROM access_event_resource ORDER BY id, resource_id",
        expect![[r#"
            id  action        resource_id  resource_kind  resource_account
            1   s3:GetObject  arn:a                       1
            1   s3:GetObject  arn:b                       1
            2
            3   s3:PutObject  arn:a                       1
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_series_has_a_current_row_per_scope() {
    check(
        "SELECT scope_id, time, score FROM pci_current ORDER BY scope_id",
        expect![[r#"
         scope_id  time                  score
         x         2026-10-31T14:00:00Z   30.0
         y         2026-10-31T12:00:00Z    5.0
    "#]],
    )
    .await;
    check(
        "SELECT count(*) AS n FROM pci",
        expect![[r#"
         n
         4
    "#]],
    )
    .await;
}

#[tokio::test]
async fn filters_on_lists_and_times_work() {
    check(
        "SELECT right(event_id, 1) AS id FROM access_event WHERE uses[1]['action'] = 's3:GetObject' \
         AND time >= '2026-10-31' AND time < TIMESTAMP '2026-11-01T00:00:00Z'",
        expect![[r#"
             id
             1
        "#]],
    )
    .await;
    check(
        "SELECT count(*) AS n FROM access_event WHERE time < '2026-10-31'",
        expect![[r#"
         n
         0
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_wrong_question_is_told_what_is_right() {
    check("SELECT * FROM access_evnt", expect!["no table is called `access_evnt`; did you mean `access_event`? tables: access_event, access_event_resource, access_event_use, alert, anomaly, dead_letter, dead_letter_current, entitlement, entitlement_current, finding, finding_current, inventory, inventory_current, model, pci, pci_current, policy, raw_record, session, tally, usage"]).await;
    check("SELECT scope FROM pci_current", expect!["no column is called `scope`; did you mean `score`? columns: account_id, bucket, capacity, catalogue_version, cause, change, contributions, deleted_at, escalation, exposure, exposure_lo, identity_kind, ignored, last_used_at, model_version, n_granted, n_unknowable, n_unused, n_used, provider, provisional, revision, scope_id, scope_kind, scope_name, score, score_lo, time, window_us, young"]).await;
    check("SELEC 1", expect!["expected: an SQL statement, found: SELEC at Line: 1, Column: 1"]).await;
    check("SELECT * FROM _stored_pci", expect!["no table is called `_stored_pci`; tables: access_event, access_event_resource, access_event_use, alert, anomaly, dead_letter, dead_letter_current, entitlement, entitlement_current, finding, finding_current, inventory, inventory_current, model, pci, pci_current, policy, raw_record, session, tally, usage"]).await;
    check("SELECT 1; SELECT 2", expect!["one statement at a time, please"]).await;
}

#[tokio::test]
async fn what_would_change_something_is_refused() {
    let (dir, store) = house().await;
    for sql in [
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/'",
        "DROP TABLE pci",
        "DROP VIEW pci",
        "INSERT INTO pci SELECT * FROM pci",
        "UPDATE pci SET score = 1",
        "DELETE FROM pci",
        "COPY pci TO 'x.parquet'",
        "COPY (SELECT 1) TO 'x.csv' STORED AS CSV",
        "SET datafusion.execution.batch_size = 1",
        "EXPLAIN ANALYZE INSERT INTO pci SELECT * FROM pci",
        "PREPARE p AS SELECT 1",
        "BEGIN",
    ] {
        let error = store.sql(sql).await.map(|answer| answer.n_rows()).unwrap_err();
        assert!(matches!(error, QueryError::ReadOnly(_)), "{sql}: {error:?}");
    }
    let error = store.sql("SELECT * FROM '/etc/passwd'").await.unwrap_err();
    assert!(matches!(error, QueryError::UnknownTable { .. }), "{error:?}");
    drop(dir);
}

#[tokio::test]
async fn reading_the_catalogue_is_a_question() {
    let (_dir, store) = house().await;
    for sql in [
        "SHOW TABLES",
        "DESCRIBE access_event",
        "EXPLAIN SELECT * FROM pci",
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a",
    ] {
        assert!(store.sql(sql).await.unwrap().n_rows() > 0, "{sql}");
    }
}

#[tokio::test]
async fn long_answers_are_cut_and_say_so() {
    let options = ReadOptions { max_rows: 2, ..ReadOptions::default() };
    let (_dir, store) = stored_with((0..5).map(|n| event(n, vec![], &[])).collect(), options).await;
    let answer = store.sql("SELECT * FROM access_event").await.unwrap();
    assert_eq!((answer.n_rows(), answer.is_cut), (2, true));
    let answer = store.sql("SELECT * FROM access_event LIMIT 2").await.unwrap();
    assert_eq!((answer.n_rows(), answer.is_cut), (2, false));
    assert_eq!(store.rows::<AccessEvent>().await.unwrap().len(), 5, "rows for rooms are never cut");
}

#[tokio::test]
async fn an_event_leads_to_its_bytes() {
    let mut raw = example::raw_record();
    let event = example::access_event();
    raw.record_id = RawRecord::id_at(&event.origin);
    let event_id = event.event_id;
    let (_dir, store) = stored(vec![event.into_message(), raw.clone().into_message()]).await;
    assert_eq!(store.raw(event_id).await.unwrap(), Some(raw.clone()));
    assert_eq!(store.raw(raw.record_id).await.unwrap(), Some(raw));
    assert_eq!(store.raw(Id128(99)).await.unwrap(), None);
    assert_eq!(store.manifest().unwrap().as_of, Some(7));
}

#[tokio::test]
async fn a_folder_without_a_store_says_how_to_make_one() {
    let dir = tempfile::tempdir().unwrap();
    let error = Store::open(dir.path()).await.unwrap_err().to_string();
    assert!(error.starts_with("no store in `") && error.contains("overgrant run --once"), "{error}");
}

#[tokio::test]
async fn filters_reach_the_files() {
    let (_dir, store) = house().await;
    let plan = |sql: &str| format!("EXPLAIN FORMAT INDENT {sql}");
    for (sql, expected) in [
        ("SELECT identity_id FROM access_event WHERE event_id = 'x'", "predicate=event_id"),
        ("SELECT score FROM pci WHERE scope_id = 'x'", "predicate=scope_id"),
        ("SELECT action FROM access_event_use WHERE identity_id = 'x'", "predicate=identity_id"),
    ] {
        let answer = store.sql(&plan(sql)).await.unwrap();
        let mut out = Vec::new();
        format::write(&mut out, &answer.schema, &answer.batches, Format::Csv, None).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(expected), "{sql}:\n{text}");
    }
}

#[tokio::test]
async fn a_query_past_its_memory_is_refused_and_says_so() {
    let options = ReadOptions { memory_bytes: 1 << 20, ..ReadOptions::default() };
    let (_dir, store) = stored_with((0..400).map(|n| pci(&format!("scope {n}"), 0, 1.0)).collect(), options).await;
    let sql = "SELECT array_agg(DISTINCT a.scope_id || b.scope_id) FROM pci a CROSS JOIN pci b";
    let error = store.sql(sql).await.unwrap_err();
    assert!(matches!(error, QueryError::Memory(_)), "{error:?}");
    assert!(error.to_string().starts_with("the query needs more memory than it may use"), "{error}");
}
