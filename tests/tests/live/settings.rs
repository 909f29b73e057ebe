//! Settings for a run of its own on a broker that others use, too.

use std::path::{Path, PathBuf};

use super::clickhouse::Database;

/// Small steps, so that little data makes many of them.
pub(super) const QUICK: &str =
    "snapshot_every = \"1s\"\ncommit_every = \"50ms\"\ncommit_records = 500\nsession_timeout = \"2s\"\n";

/// Writes a config whose topics, groups and states have a name of their own. `kafka` stands in the section `[kafka]`, and
/// `others` behind it.
pub(super) fn write(folder: &Path, name: &str, n_partitions: u32, kafka: &str, others: &str) -> PathBuf {
    let path = folder.join(format!("{name}.toml"));
    let text = format!(
        "[kafka]\ntopic_prefix = \"{name}.\"\ngroup_prefix = \"{name}\"\nn_partitions = {n_partitions}\n\
         snapshots = \"{}\"\nbodies = \"{}\"\n{kafka}\n[stream]\nbatch_records = 200\n{others}",
        folder.join(format!("{name}-snapshots")).display(),
        folder.join(format!("{name}-bodies")).display(),
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// The brokers, and small steps.
pub(super) fn quick(bootstrap: &str) -> String {
    format!("brokers = \"{bootstrap}\"\n{QUICK}")
}

/// The section `[sinks.clickhouse]` for a database of a test; `more` stands in it.
pub(super) fn clickhouse(database: &Database, more: &str) -> String {
    format!(
        "[sinks.clickhouse]\nurl = \"{}\"\ndatabase = \"{}\"\nuser = \"{}\"\n\
         password_env = \"OVERGRANT_CLICKHOUSE_PASSWORD\"\n{more}",
        database.server.url(),
        database.place.database(),
        database.server.user(),
    )
}
