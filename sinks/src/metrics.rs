//! What the sinks count.

/// Counters since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Rows taken for a table, before older revisions and copies of the same row are dropped.
    pub sinks_rows_total: u64,
    /// Rows written into new files.
    pub sinks_rows_written_total: u64,
    /// Rows dropped since a stored row has the same key and never changes.
    pub sinks_rows_copies_total: u64,
    /// Files written, without those of compaction.
    pub sinks_files_total: u64,
    /// Bytes of those files.
    pub sinks_files_bytes: u64,
    /// Compactions done.
    pub sinks_compactions_total: u64,
    /// Files that compactions replaced.
    pub sinks_compacted_files_total: u64,
    /// Values that the redaction list replaced.
    pub sinks_redactions_total: u64,
    /// Inserts that ClickHouse acknowledged.
    pub sinks_inserts_total: u64,
    /// Inserts that were tried again.
    pub sinks_insert_retries_total: u64,
    /// Microseconds that inserts took, waiting included.
    pub sinks_insert_us_total: u64,
    /// Bytes of those inserts, before compression.
    pub sinks_insert_bytes: u64,
    /// Alerts appended to the alert file.
    pub sinks_alerts_total: u64,
}
