//! What the room counts; read by the command line while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

use stream::metrics::{Reading, Value};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident),+ $(,)?) => {
        /// Counters that only grow, shared with whoever shows them.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[doc = $doc])+ pub $name: Counter),+
        }

        impl Metrics {
            /// Tells every counter.
            pub(crate) fn tell(&self, out: &mut dyn FnMut(Reading)) {
                $(out(Reading { name: stringify!($name), help: concat!($($doc),+), value: Value::Count(self.$name.get()) });)+
            }

            /// Every counter with its name, in order.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get())),+]
            }
        }
    };
}

/// One counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Its value.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

counters!(
    /// Files found that were not read before.
    ingest_found_files,
    /// Their bytes on disk.
    ingest_found_bytes,
    /// Files whose times were looked up.
    ingest_indexed_files,
    /// Their bytes on disk.
    ingest_indexed_bytes,
    /// Files read whole.
    ingest_read_files,
    /// Their bytes on disk.
    ingest_read_bytes,
    /// Log records handed out.
    ingest_log_records,
    /// Raw grants and marks handed out.
    ingest_grant_records,
    /// Dead letters handed out.
    ingest_rejected_records,
    /// Records of accounts beyond `ingest.max_accounts`.
    ingest_untracked_records,
);
