//! The one topic table: what travels where, keyed how, kept how long.

/// What a record's partition is computed from. The Kafka key is the full row key all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionBy<'a> {
    /// The hash of a text: an identity, an account, a scope.
    Text(&'a str),
    /// The hash of a text and of the record itself, so that one large account spreads over all partitions.
    Salted(&'a str, u128),
    /// Every partition gets a copy.
    Broadcast,
}

/// How long a topic keeps its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The newest record of each key, for good.
    Compacted,
    /// Every record for so many hours.
    Hours(u32),
}

/// One topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// The table its records are stored in; `None` where they are not stored.
    pub table: Option<&'static str>,
    /// How long it keeps them.
    pub kept: Kept,
    /// Whether every reader reads all of it.
    pub broadcast: bool,
}

const fn topic(name: &'static str, table: Option<&'static str>, kept: Kept) -> Topic {
    Topic { name, table, kept, broadcast: false }
}

const fn broadcast(name: &'static str, table: Option<&'static str>) -> Topic {
    Topic { name, table, kept: Kept::Compacted, broadcast: true }
}

/// Every topic.
pub const TOPICS: &[Topic] = &[
    topic("raw.aws.cloudtrail", Some("raw_record"), Kept::Hours(7 * 24)),
    topic("raw.azure.activity", Some("raw_record"), Kept::Hours(7 * 24)),
    topic("raw.gcp.audit", Some("raw_record"), Kept::Hours(7 * 24)),
    topic("raw.aws.iam", None, Kept::Compacted),
    topic("raw.azure.rbac", None, Kept::Compacted),
    topic("raw.gcp.iam", None, Kept::Compacted),
    topic("access_event.v1", Some("access_event"), Kept::Hours(7 * 24)),
    topic("session.v1", Some("session"), Kept::Hours(36)),
    broadcast("policy.v1", Some("policy")),
    topic("entitlement.v1", Some("entitlement"), Kept::Compacted),
    broadcast("inventory.v1", Some("inventory")),
    topic("usage.v1", Some("usage"), Kept::Hours(90 * 24)),
    topic("pci.v1", Some("pci"), Kept::Compacted),
    topic("finding.v1", Some("finding"), Kept::Compacted),
    topic("anomaly.v1", Some("anomaly"), Kept::Hours(7 * 24)),
    topic("alert.v1", Some("alert"), Kept::Hours(30 * 24)),
    broadcast("model.v1", Some("model")),
    topic("dead_letter.v1", Some("dead_letter"), Kept::Hours(14 * 24)),
    topic("tally.v1", Some("tally"), Kept::Compacted),
];

/// Finds a topic by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Noun, example};

    #[test]
    fn every_noun_travels_on_a_topic_of_the_table_that_names_its_table() {
        for message in example::all() {
            let topic = find(message.topic()).unwrap_or_else(|| panic!("{} is in the table", message.topic()));
            assert!(topic.table.is_none_or(|table| table == message.table()), "{topic:?}");
            let is_broadcast = message.partition_by() == PartitionBy::Broadcast;
            assert_eq!(topic.broadcast, is_broadcast, "{}", topic.name);
        }
    }

    #[test]
    fn names_are_used_once() {
        let mut tables = Vec::new();
        crate::for_each_noun!(N => { tables.push(N::NAME); });
        let n_tables = tables.len();
        tables.sort_unstable();
        tables.dedup();
        assert_eq!(tables.len(), n_tables);
    }
}
