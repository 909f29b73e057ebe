//! What the room counts since it started. `read = events + copies + not access + dead letters`.

/// Counters of the room, each named as its metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Raw records read.
    pub normalize_records_total: u64,
    /// Their bytes.
    pub normalize_read_bytes: u64,
    /// Access events emitted.
    pub normalize_events_total: u64,
    /// Copies dropped.
    pub normalize_copies_total: u64,
    /// Records that are no access.
    pub normalize_not_access_total: u64,
    /// Records rejected.
    pub normalize_dead_letters_total: u64,
    /// Events with an earlier one's provider id and other bytes.
    pub normalize_id_collisions_total: u64,
    /// Event ids forgotten at the bound, so that a copy of theirs would be an event again.
    pub normalize_forgotten_ids_total: u64,
    /// Raw grant objects and marks read.
    pub normalize_grants_total: u64,
}
