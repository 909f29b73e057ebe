//! What is read and written, the same for everybody.

use rdkafka::ClientConfig;

/// How many different values there are; they are written in turn.
const N_VALUES: usize = 1000;

/// Every record's key.
pub(crate) const KEY: &str = "01926f3a7be47c1f9d2f4a5b6c7d8e9f";

/// Every record's headers: those that `schemas::wire` writes.
pub(crate) const HEADERS: &[(&str, &str)] = &[
    ("ce_specversion", "1.0"),
    ("ce_type", "overgrant.access_event.v1"),
    ("ce_source", "overgrant/normalize"),
    ("ce_id", "01926f3a7be47c1f9d2f4a5b6c7d8e9f#1"),
    ("ce_time", "2026-10-31T12:00:00.123456Z"),
    ("content-type", "application/avro"),
];

/// As `stream::kafka` reads its inputs.
pub(crate) const READER: &[(&str, &str)] = &[
    ("group.id", "kafka-bench"),
    ("fetch.wait.max.ms", "100"),
    ("fetch.queue.backoff.ms", "20"),
    ("queued.max.messages.kbytes", "16384"),
    ("fetch.message.max.bytes", "4194304"),
    ("check.crcs", "true"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("isolation.level", "read_committed"),
    ("auto.offset.reset", "error"),
];

/// As `stream::kafka` writes its outputs, but for the transactional id.
pub(crate) const WRITER: &[(&str, &str)] = &[
    ("enable.idempotence", "true"),
    ("compression.type", "lz4"),
    ("linger.ms", "20"),
    ("message.max.bytes", "4194304"),
    ("queue.buffering.max.kbytes", "65536"),
    ("queue.buffering.max.messages", "200000"),
];

/// One turn's work.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) brokers: String,
    pub(crate) topic: String,
    pub(crate) n_partitions: i32,
    pub(crate) n: u64,
    /// Bytes of a value.
    pub(crate) size: usize,
}

impl Load {
    pub(crate) fn settings<'l>(&'l self, ours: &[(&'l str, &'l str)]) -> Vec<(&'l str, &'l str)> {
        let mut all = vec![("bootstrap.servers", self.brokers.as_str())];
        all.extend_from_slice(ours);
        all
    }

    pub(crate) fn config(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in self.settings(ours) {
            config.set(name, value);
        }
        config
    }

    /// Text that compresses as records do, to a third or so: half of it random hexadecimals, half words.
    pub(crate) fn values(&self) -> Vec<Vec<u8>> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let one = |next: &mut dyn FnMut() -> u64| {
            let mut value = Vec::with_capacity(self.size + 64);
            while value.len() < self.size {
                value.extend_from_slice(format!("\"request_{}\":\"{:016x}\",", next() % 7, next()).as_bytes());
            }
            value.truncate(self.size);
            value
        };
        (0..N_VALUES).map(|_| one(&mut next)).collect()
    }
}

/// What somebody read: the same for everybody, or somebody has left something out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Sum {
    pub(crate) n: u64,
    pub(crate) n_bytes: u64,
    pub(crate) check: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, partition: i32, offset: i64, key: Option<&[u8]>, value: Option<&[u8]>) {
        let value = value.unwrap_or_default();
        let ends = [value.first(), value.last()].into_iter().flatten().map(|byte| u64::from(*byte)).sum::<u64>();
        self.n += 1;
        self.n_bytes += value.len() as u64;
        self.check += offset as u64 + partition as u64 + key.map_or(0, <[u8]>::len) as u64 + ends;
    }

    pub(crate) fn add_header(&mut self, name: &[u8], value: Option<&[u8]>) {
        self.check += (name.len() + value.map_or(0, <[u8]>::len)) as u64;
    }
}
