//! Runs the binary and reads what it stored.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sample::{SampleParams, Truth};
use serde_json::Value;

/// Tables whose rows are compared between runs.
pub(crate) const TABLES: &[&str] = &[
    "access_event",
    "session",
    "policy",
    "entitlement",
    "inventory",
    "usage",
    "pci",
    "finding",
    "anomaly",
    "alert",
    "model",
    "dead_letter",
    "tally",
    "raw_record",
];

/// The binary beside this test's own. It knows the password of the ClickHouse that tests start.
pub(crate) fn overgrant() -> Command {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().and_then(Path::parent).unwrap();
    let binary = folder.join("overgrant");
    assert!(binary.exists(), "{} is missing; run `make test`", binary.display());
    let mut command = Command::new(binary);
    command.env_remove("OVERGRANT_STORE").env("RUST_LOG", "error");
    command.env("OVERGRANT_CLICKHOUSE_PASSWORD", "only-for-tests");
    command
}

pub(crate) fn run(inputs: &[PathBuf], store: &Path, config: Option<&Path>) -> Command {
    let mut command = overgrant();
    command.args(["run", "--once", "--plain", "--store"]).arg(store);
    inputs.iter().for_each(|input| {
        command.arg("--input").arg(input);
    });
    config.iter().for_each(|config| {
        command.arg("--config").arg(config);
    });
    command
}

pub(crate) fn done(mut command: Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The rows of a question, one JSON object each.
pub(crate) fn query(store: &Path, sql: &str) -> Vec<Value> {
    let mut command = overgrant();
    command.args(["query", "--format", "ndjson", "--store"]).arg(store).arg(sql);
    let output = done(command);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn count(store: &Path, sql: &str) -> i64 {
    let rows = query(store, sql);
    rows[0].as_object().unwrap().values().next().unwrap().as_i64().unwrap_or_default()
}

/// The final rows of a table: without what depends on when and how they were read.
pub(crate) fn final_rows(store: &Path, table: &str) -> BTreeSet<String> {
    let plain = |mut row: Value| {
        let object = row.as_object_mut().unwrap();
        for volatile in ["ingested_at", "origin", "revision"] {
            object.remove(volatile);
        }
        if table.starts_with("dead_letter") {
            object.remove("time");
        }
        row.to_string()
    };
    let mut rows = query(store, &format!("SELECT * FROM {table}"));
    if table == "entitlement" {
        // What was told and never held says when it was told, and nothing else.
        rows.retain(|row| row["deleted_at"] != row["valid_from"]);
    }
    let n = rows.len();
    let set: BTreeSet<String> = rows.into_iter().map(plain).collect();
    assert_eq!(set.len(), n, "a row of {table} stands twice");
    set
}

/// A small sample, and the folders to read.
pub(crate) fn sample(folder: &Path, n_days: u32, n_identities: u32, n_attacks: u32) -> (Truth, Vec<PathBuf>) {
    let params = SampleParams { n_days, n_identities, n_attacks, seed: 7, ..SampleParams::default() };
    let truth = ::sample::generate(&params, folder).unwrap();
    (truth, ["aws", "azure", "gcp"].iter().map(|cloud| folder.join(cloud)).collect())
}
