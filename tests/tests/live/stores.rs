//! A sample and real logs of three clouds through Kafka into both stores in one run: the lake and ClickHouse answer what
//! one process answers.

use std::path::{Path, PathBuf};

use tests::servers::Kafka;

use super::clickhouse::Database;
use super::kafka::same_rows_but;
use super::settings;
use crate::overgrant::{count, done, query, run, sample};

/// What was rejected, whole. The id of a letter is that of its place in a topic.
const LETTERS: &str =
    "SELECT room, reason, provider, n_bytes, body FROM dead_letter ORDER BY room, reason, provider, n_bytes, body";

/// Tables that are not compared row by row. Of a tally the sums are, of letters what they hold; models of the real logs, which are a few records
/// strewn over ten years, depend on the steps in which time moves on, and nothing that is told by them does.
const BY_STEPS: &[&str] = &["tally", "dead_letter", "model"];

/// What became of the records of each cloud. Rows of a tally name the partition that they were counted in; their sums do not.
const SUMS: &str = "SELECT provider, sum(n_read) AS n_read, sum(n_events) AS n_events, sum(n_copies) AS n_copies, \
                    sum(n_not_access) AS n_not_access, sum(n_dead_letters) AS n_dead_letters \
                    FROM tally GROUP BY provider ORDER BY provider";

/// The real logs, where they are.
fn real_logs() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/raw");
    if !folder.exists() {
        println!("`../shared/data/raw` is absent: the sample alone");
        return None;
    }
    Some(folder)
}

#[test]
fn both_stores_have_the_rows_of_one_process_for_a_sample_and_real_logs() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (kafka, database) = (Kafka::start().unwrap(), runtime.block_on(Database::start()));
    let folder = tempfile::tempdir().unwrap();
    let (_, mut inputs) = sample(&folder.path().join("input"), 4, 24, 1);
    let n_sample = inputs.len();
    inputs.extend(real_logs());
    let (calm, store) = (folder.path().join("calm"), folder.path().join("store"));
    done(run(&inputs, &calm, None));
    let clickhouse = settings::clickhouse(&database, "");
    let config = settings::write(folder.path(), "both", 3, &settings::quick(kafka.bootstrap()), &clickhouse);
    done(run(&inputs, &store, Some(&config)));

    let (address, _) = database.address();
    for store in [&store, Path::new(&address)] {
        same_rows_but(store, &calm, BY_STEPS);
        for sql in [SUMS, LETTERS] {
            assert_eq!(query(store, sql), query(&calm, sql), "{}", store.display());
        }
        let clouds = count(store, "SELECT count(DISTINCT provider) FROM access_event");
        assert_eq!(clouds, 3, "{}", store.display());
        if inputs.len() > n_sample {
            let n = count(store, "SELECT count(*) FROM raw_record WHERE origin.file LIKE '%stratus-red-team%'");
            assert!(n > 100, "{n} real records in {}", store.display());
        }
    }
}
