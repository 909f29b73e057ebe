//! Nothing is lost and nothing doubled while the server is killed, held and started again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use schemas::{AccessEvent, Id128, IdentityId, Message, Noun, Time};
use serde_json::json;
use stream::{Batch, Sink as _};

use super::{Database, counts};

const N_BATCHES: usize = 60;
const N_ROWS: usize = 500;
/// Small blocks, so that many of them meet the outage.
const SETTINGS: &str = r#"{"rows": 1500, "timeout": "5s", "retry_for": "2m"}"#;

/// Events of twenty identities over forty days.
fn batch(place: usize) -> Vec<Message> {
    let examples = schemas::example::all();
    let event = examples.iter().find_map(|message| match message {
        Message::AccessEvent(event) => Some(AccessEvent::clone(event)),
        _ => None,
    });
    let event = event.unwrap();
    let row = |n: usize| {
        let n = place * N_ROWS + n;
        let event_id = Id128::of_parts(&[&n.to_le_bytes()]);
        let identity_id = IdentityId::from(format!("aws:123456789012:user/u{}", n % 20));
        let time = Time(event.time.0 + (n as i64 % 40) * Time::DAY + n as i64);
        AccessEvent { event_id, identity_id, time, ..event.clone() }.into_message()
    };
    (0..N_ROWS).map(row).collect()
}

fn offsets(place: usize) -> u64 {
    (place * N_ROWS) as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_in_the_middle_loses_nothing_and_doubles_nothing() {
    let mut database = Database::start().await;
    if !database.server.is_ours() {
        println!("the environment names the server, so nobody may kill it: not tested");
        return;
    }
    let n_committed = Arc::new(AtomicUsize::new(0));
    let mut sink = database.sink(SETTINGS);
    let seen = Arc::clone(&n_committed);
    let writer = tokio::spawn(async move {
        sink.restore(json!(null)).await.unwrap();
        for place in 0..N_BATCHES {
            sink.write(Batch::of(0, offsets(place), batch(place))).await.unwrap();
            if place % 4 == 3 {
                sink.commit(place as u64).await.unwrap();
                seen.store((place + 1) * N_ROWS, Ordering::SeqCst);
            }
        }
        counts(&sink)
    });
    // Killed in the middle, away for a while, then held still, then stopped in order.
    while n_committed.load(Ordering::SeqCst) < N_BATCHES * N_ROWS / 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    database.server.kill().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let at_kill = n_committed.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(n_committed.load(Ordering::SeqCst), at_kill, "nothing is acknowledged while the server is away");
    assert!(!writer.is_finished(), "the sink waits");
    database.server.restart().unwrap();
    let n: usize = database.value("SELECT uniqExact(event_id) FROM access_event").await.parse().unwrap();
    assert!(n >= at_kill, "{n} of {at_kill} acknowledged rows survived");
    database.server.pause().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    database.server.resume().unwrap();
    let metrics = writer.await.unwrap();
    assert!(metrics.sinks_insert_retries_total > 0, "{metrics:?}");
    check(&database).await;

    // A process that died before its offsets were committed writes everything again.
    let mut again = database.sink(SETTINGS);
    again.restore(json!(null)).await.unwrap();
    for place in 0..N_BATCHES {
        again.write(Batch::of(0, offsets(place), batch(place))).await.unwrap();
    }
    again.commit(1).await.unwrap();
    check(&database).await;
}

/// Every row is there, once.
async fn check(database: &Database) {
    let n_all = N_BATCHES * N_ROWS;
    let store = database.store().await;
    let rows = store.rows::<AccessEvent>().await.unwrap();
    assert_eq!(rows.len(), n_all);
    let found: std::collections::BTreeSet<Id128> = rows.into_iter().map(|event| event.event_id).collect();
    let wanted: std::collections::BTreeSet<Id128> = (0..n_all).map(|n| Id128::of_parts(&[&n.to_le_bytes()])).collect();
    assert!(found == wanted, "{} of {n_all}", found.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_insert_twice_is_one_insert() {
    let database = Database::start().await;
    for _ in 0..2 {
        let mut sink = database.sink("{}");
        sink.restore(json!(null)).await.unwrap();
        sink.write(Batch::of(0, 0, batch(0))).await.unwrap();
        sink.commit(1).await.unwrap();
    }
    // Without FINAL: the token alone keeps the second one out.
    assert_eq!(database.value("SELECT count() FROM access_event").await, N_ROWS.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_is_a_fault_after_the_bound() {
    let mut database = Database::start().await;
    if !database.server.is_ours() {
        println!("the environment names the server, so nobody may stop it: not tested");
        return;
    }
    let mut sink = database.sink(r#"{"retry_for": "1s", "timeout": "1s"}"#);
    sink.restore(json!(null)).await.unwrap();
    sink.write(Batch::of(0, 0, batch(0))).await.unwrap();
    database.server.stop().unwrap();
    let fault = sink.commit(1).await.unwrap_err();
    let words = std::error::Error::source(&fault).unwrap().to_string();
    assert!(words.contains("cannot be reached"), "{words}");
}
