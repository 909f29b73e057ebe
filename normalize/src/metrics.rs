//! What the room counts since it started. `read = events + copies + not access + dead letters`.

stream::counters! {
    /// Counters of the room, each named as its metric.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Metrics {
        /// Raw records read.
        pub normalize_records_total,
        /// Their bytes.
        pub normalize_read_bytes,
        /// Access events emitted.
        pub normalize_events_total,
        /// Copies dropped.
        pub normalize_copies_total,
        /// Records that are no access.
        pub normalize_not_access_total,
        /// Records rejected.
        pub normalize_dead_letters_total,
        /// Events with an earlier one's provider id and other bytes.
        pub normalize_id_collisions_total,
        /// Event ids forgotten at the bound, so that a copy of theirs would be an event again.
        pub normalize_forgotten_ids_total,
        /// Raw grant objects and marks read.
        pub normalize_grants_total,
    }
}
