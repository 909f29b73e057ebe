//! Real logs that nobody here wrote: nothing is lost, and what becomes of each file is a golden file.

use std::fmt::Write as _;
use std::path::Path;

use expect_test::expect_file;

use super::overgrant::{done, query, run};

#[test]
fn real_logs_add_up() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.join("raw").exists() {
        println!("skipped: `../shared/data/raw` is absent");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    done(run(&[data.join("raw"), data.join("entitlements")], &store, None));
    let tallies = query(
        &store,
        "SELECT provider, file, n_read, n_events, n_copies, n_not_access, n_dead_letters, n_known, n_assumed, n_none_needed, n_unknown FROM tally ORDER BY provider, file",
    );
    let mut table = String::from("read = events + copies + not access + dead | known assumed none unknown | file\n");
    for row in &tallies {
        let n = |name: &str| row[name].as_i64().unwrap();
        assert_eq!(n("n_read"), n("n_events") + n("n_copies") + n("n_not_access") + n("n_dead_letters"), "{row}");
        let (provider, file) = (row["provider"].as_str().unwrap_or("?"), row["file"].as_str().unwrap());
        writeln!(
            table,
            "{:>4} = {:>4} + {} + {} + {:>2} | {:>4} {:>3} {:>3} {:>3} | {provider} {file}",
            n("n_read"),
            n("n_events"),
            n("n_copies"),
            n("n_not_access"),
            n("n_dead_letters"),
            n("n_known"),
            n("n_assumed"),
            n("n_none_needed"),
            n("n_unknown")
        )
        .unwrap();
    }
    table.push_str("\ndead letters\n");
    for row in query(
        &store,
        "SELECT room, provider, reason, count(*) AS n FROM dead_letter GROUP BY room, provider, reason ORDER BY 1, 2, 3",
    ) {
        writeln!(
            table,
            "{:>4} {} {} {}",
            row["n"],
            row["room"].as_str().unwrap(),
            row["provider"].as_str().unwrap_or("?"),
            row["reason"].as_str().unwrap()
        )
        .unwrap();
    }
    expect_file!["../../golden/real_logs.txt"].assert_eq(&table);
}
