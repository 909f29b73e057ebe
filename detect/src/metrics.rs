//! The room's counters; plain numbers that whoever runs the room reads and publishes.

use std::collections::BTreeMap;

use schemas::{AccountId, Time};

stream::counters! {
    /// What a [`crate::Detector`] counted since it was made.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct DetectorMetrics {
        /// Events taken in.
        pub detect_events_read,
        /// Events seen before, by their id.
        pub detect_events_repeated,
        /// Events behind the closed hours, scored and learned all the same.
        pub detect_events_late,
        /// Events older than closed hours are remembered, left out.
        pub detect_events_too_late,
        /// Events scored before their time since too many were pending.
        pub detect_events_early,
        /// Candidate rows emitted, each revision.
        pub detect_anomalies_emitted,
        /// Identities forgotten since too many were known.
        pub detect_identities_evicted,
        /// Values (actions, resources, networks, tools) forgotten since an identity had too many.
        pub detect_values_evicted,
        /// Candidates that share a row since an identity had too many in an hour.
        pub detect_candidates_folded,
        /// Models taken in.
        pub detect_models_read,
    }
    also {
        /// For each account of the newest model, the event time until which it is being learned.
        pub detect_learning_until: BTreeMap<AccountId, Time>,
    }
}

stream::counters! {
    /// What [`crate::PeerModels`] counted since it was made.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct PeersMetrics {
        /// Daily usage rows taken in.
        pub peers_rows_read,
        /// Rows left out since too many were waiting for their day to close.
        pub peers_rows_dropped,
        /// Models published.
        pub peers_models_published,
        /// Identities forgotten since too many were known.
        pub peers_identities_evicted,
        /// Actions left out of models to keep their size.
        pub peers_actions_cut,
        /// Clusterings that failed, for which one group was used.
        pub peers_fits_failed,
    }
}

stream::counters! {
    /// What a [`crate::Triage`] counted since it was made.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct TriageMetrics {
        /// Candidate rows taken in, each revision.
        pub triage_anomalies_read,
        /// Candidates left out since too many were waiting.
        pub triage_anomalies_dropped,
        /// Looks at a session, each a test.
        pub triage_tests_made,
        /// New alerts.
        pub triage_alerts_raised,
        /// New alerts held back by the suppression list.
        pub triage_alerts_suppressed,
        /// New alerts held back by the budget.
        pub triage_alerts_over_budget,
    }
}
