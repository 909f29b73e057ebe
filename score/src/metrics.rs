//! What this room counts: `score_{noun}_{unit}`.

stream::counters! {
    /// The counters of a stage since it started.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ScoreMetrics {
        /// Events taken.
        pub score_events_total,
        /// Events whose usage window was dropped before they came; they still count as use of their day.
        pub score_late_events_total,
        /// Updates of identities above `max_identities`, left out.
        pub score_identities_overflow_total,
        /// Uses counted as `other` for want of room for their action, container or window.
        pub score_uses_other_total,
        /// Grants left out above `max_grants`.
        pub score_grants_overflow_total,
        /// Policies left out above `max_policies`.
        pub score_policies_overflow_total,
        /// Sessions dropped above `max_sessions`.
        pub score_sessions_overflow_total,
        /// Usage rows emitted.
        pub score_usage_rows_total,
        /// Scores emitted, withdrawals included.
        pub score_pci_rows_total,
        /// Findings emitted, deletions included.
        pub score_finding_rows_total,
        /// Sets weighed.
        pub score_weighings_total,
    }
}
