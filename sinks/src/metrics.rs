//! What the sinks count.

use std::sync::{Arc, Mutex, PoisonError};

use stream::metrics::{Probe, Reading, Times, Value};

stream::counters! {
    /// Counters since the process started.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Metrics {
        /// Rows taken for a table, before older revisions and copies of the same row are dropped.
        pub sinks_rows_total,
        /// Rows written into new files.
        pub sinks_rows_written_total,
        /// Rows dropped since a stored row has the same key and never changes.
        pub sinks_rows_copies_total,
        /// Files written, without those of compaction.
        pub sinks_files_total,
        /// Bytes of those files.
        pub sinks_files_bytes,
        /// Compactions done.
        pub sinks_compactions_total,
        /// Files that compactions replaced.
        pub sinks_compacted_files_total,
        /// Values that the redaction list replaced.
        pub sinks_redactions_total,
        /// Inserts that ClickHouse acknowledged.
        pub sinks_inserts_total,
        /// Inserts that were tried again.
        pub sinks_insert_retries_total,
        /// Bytes of those inserts, before compression.
        pub sinks_insert_bytes,
        /// Alerts appended to the alert file.
        pub sinks_alerts_total,
    } also {
        /// How long inserts into ClickHouse took, waiting included.
        pub sinks_insert_seconds: Times,
    }
}

impl Metrics {
    /// Tells every number.
    pub(crate) fn tell_all(&self, out: &mut dyn FnMut(Reading)) {
        self.tell(out);
        let help = "How long inserts into ClickHouse took, waiting included.";
        out(Reading { name: "sinks_insert_seconds", help, value: Value::Times(self.sinks_insert_seconds) });
    }
}

/// Numbers that can be read while their sink works.
pub(crate) type Shown = Arc<Mutex<Metrics>>;

/// Asks for them. A panic while the lock was held has stopped the pipeline already; they are still good to read.
pub(crate) fn probe(shown: &Shown) -> Probe {
    let shown = Arc::clone(shown);
    Arc::new(move |out| {
        let metrics = *shown.lock().unwrap_or_else(PoisonError::into_inner);
        metrics.tell_all(out);
    })
}
