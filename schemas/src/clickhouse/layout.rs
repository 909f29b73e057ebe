//! How each noun's rows are laid out in ClickHouse: partitions, sorting key, skip indexes, retention.

/// A skip index: granules that cannot hold a value are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name: `by_` and what it finds.
    pub name: &'static str,
    /// The expression it is over.
    pub over: &'static str,
}

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its noun's name.
    pub name: &'static str,
    /// The day that a row lies in, a function of the sorting key alone, so that two revisions of a row never lie in two
    /// partitions; `None` for small tables, and for those whose rows have no day that stays.
    pub partition_by: Option<&'static str>,
    /// The sorting key, which ends in the row's id and holds the whole row key: rows with an equal one are one row.
    pub order_by: &'static [&'static str],
    /// What else rows are looked up by.
    pub indexes: &'static [Index],
    /// For how many days after it was stored a row stays by default; 0 is for good. The settings may change it.
    pub kept_days: u32,
    /// Whether it was made before its noun had a revision, so that its engine's version is a hidden copy of it.
    pub is_versioned_by_copy: bool,
}

/// The time of a raw record in which ingest saw none is the epoch, not when we read it: a second reading must find the
/// same partition.
const RAW_TIME: &str = "ifNull(time, toDateTime64(0, 6, 'UTC'))";

const fn by(name: &'static str, over: &'static str) -> Index {
    Index { name, over }
}

const fn by_day(name: &'static str, day: &'static str, order_by: &'static [&'static str]) -> Table {
    Table { name, partition_by: Some(day), order_by, indexes: &[], kept_days: 400, is_versioned_by_copy: false }
}

const fn whole(name: &'static str, order_by: &'static [&'static str]) -> Table {
    Table { name, partition_by: None, order_by, indexes: &[], kept_days: 0, is_versioned_by_copy: false }
}

/// Every table, in the order of DESIGN.md. Retention counts from when a row was stored, not from its event time, or
/// logs of years ago would be gone as soon as they are read; a year and a month covers a yearly job.
pub const TABLES: &[Table] = &[
    Table {
        indexes: &[by("by_record", "record_id"), by("by_account", "account_id")],
        kept_days: 90,
        ..by_day("raw_record", "toDate(ifNull(time, toDateTime64(0, 6, 'UTC')))", &["provider", RAW_TIME, "record_id"])
    },
    Table {
        indexes: &[
            by("by_event", "event_id"),
            by("by_action", "uses.action"),
            by("by_main_action", "action"),
            by("by_resource", "resources.id"),
            by("by_credential", "credential_id"),
            by("by_address", "source_ip"),
            by("by_call", "call_id"),
        ],
        ..by_day("access_event", "toDate(time)", &["identity_id", "time", "event_id"])
    },
    // A late record may show that a session began earlier: no day stays.
    Table {
        indexes: &[by("by_identity", "identity_id"), by("by_origin", "chain")],
        kept_days: 400,
        ..whole("session", &["credential_id"])
    },
    whole("policy", &["policy_hash"]),
    Table {
        indexes: &[by("by_policy", "policy_hashes"), by("by_group", "groups")],
        ..whole("entitlement", &["identity_id", "account_id", "source", "valid_from"])
    },
    whole("inventory", &["provider", "account_id", "kind"]),
    Table {
        indexes: &[by("by_action", "action"), by("by_resource", "resource_id")],
        ..by_day(
            "usage",
            "toDate(window_start)",
            &["identity_id", "action", "resource_id", "account_id", "window_start", "window_us"],
        )
    },
    Table { kept_days: 0, ..by_day("pci", "toDate(time)", &["scope_kind", "scope_id", "account_id", "time"]) },
    Table { indexes: &[by("by_scope", "scope_id")], ..whole("finding", &["account_id", "finding_id"]) },
    Table {
        indexes: &[by("by_anomaly", "anomaly_id"), by("by_event", "event_ids")],
        // A late event may be the first of the hour, and so its time; the hour is part of the id.
        ..by_day("anomaly", "toDate(time)", &["identity_id", "toStartOfHour(time)", "anomaly_id"])
    },
    Table { indexes: &[by("by_event", "event_ids")], ..whole("alert", &["identity_id", "alert_id"]) },
    whole("model", &["model_id"]),
    // Its time is when we read the record, and a record that is read again has another: no day stays.
    Table { kept_days: 90, is_versioned_by_copy: true, ..whole("dead_letter", &["room", "dead_letter_id"]) },
    whole("tally", &["room", "partition", "ifNull(provider, '')", "topic", "file"]),
];

/// Finds a table by its noun's name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}
