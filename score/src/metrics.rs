//! What this room counts: `score_{noun}_{unit}`.

/// The counters of a stage since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScoreMetrics {
    /// Events taken.
    pub score_events_total: u64,
    /// Events whose usage window was dropped before they came; they still count as use of their day.
    pub score_late_events_total: u64,
    /// Updates of identities above `max_identities`, left out.
    pub score_identities_overflow_total: u64,
    /// Uses counted as `other` for want of room for their action, container or window.
    pub score_uses_other_total: u64,
    /// Grants left out above `max_grants`.
    pub score_grants_overflow_total: u64,
    /// Policies left out above `max_policies`.
    pub score_policies_overflow_total: u64,
    /// Sessions dropped above `max_sessions`.
    pub score_sessions_overflow_total: u64,
    /// Usage rows emitted.
    pub score_usage_rows_total: u64,
    /// Scores emitted, withdrawals included.
    pub score_pci_rows_total: u64,
    /// Findings emitted, deletions included.
    pub score_finding_rows_total: u64,
    /// Sets weighed.
    pub score_weighings_total: u64,
}
