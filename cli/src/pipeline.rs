//! Who reads what from whom: the whole house as one topology.

use std::path::Path;

use schemas::Message;
use schemas::topic::{PartitionBy, TOPICS};
use stream::{Source, Topology, Wiring};

use crate::config::ValidConfig;

pub(crate) const LOGS: &[&str] = &["raw.aws.cloudtrail", "raw.azure.activity", "raw.gcp.audit"];

pub(crate) const GRANTS: &[&str] = &["raw.aws.iam", "raw.azure.rbac", "raw.gcp.iam"];

const DEAD: &str = "dead_letter.v1";

/// Routes by each noun's own partition key.
pub(crate) fn wiring() -> Wiring<Message> {
    Wiring {
        topic: Message::topic,
        key: |message, buffer| match message.partition_by() {
            PartitionBy::Text(text) => {
                buffer.extend_from_slice(text.as_bytes());
                true
            }
            PartitionBy::Salted(text, salt) => {
                buffer.extend_from_slice(text.as_bytes());
                buffer.extend_from_slice(&salt.to_le_bytes());
                true
            }
            PartitionBy::Broadcast => false,
        },
        raise: Message::raise,
    }
}

/// Builds the rooms, left to right, in so many partitions.
pub(crate) fn build(n: u32, source: Box<dyn Source<Message>>, config: &ValidConfig, store: &Path) -> Topology<Message> {
    let from_ingest: Vec<_> = LOGS.iter().chain(GRANTS).copied().chain([DEAD]).collect();
    let stored: Vec<_> = TOPICS.iter().filter(|topic| topic.table.is_some()).map(|topic| topic.name).collect();
    let (normalize, score, detect) = (config.normalize.clone(), config.score.clone(), config.detect.clone());
    let grants = config.normalize.clone();
    let (accounts, scopes) = (config.score.clone(), config.score.clone());
    let (peers, triage) = (config.detect.clone(), config.detect.clone());
    let topology = Topology::new(wiring(), "ingest", &from_ingest, source)
        .room("normalize", LOGS, &["access_event.v1", "tally.v1", DEAD], n, move |partition| {
            Box::new(normalize::Normalizer::new(normalize.clone()).of_partition(partition))
        })
        .room(
            "grants",
            &[GRANTS, &["access_event.v1"]].concat(),
            &["policy.v1", "entitlement.v1", "inventory.v1", DEAD],
            1,
            move |_| Box::new(normalize::GrantReader::new(&grants)),
        )
        .room(
            "accounts",
            &["access_event.v1", "policy.v1", "entitlement.v1"],
            &["inventory.v1", "entitlement.v1", "session.v1", DEAD],
            1,
            move |_| Box::new(score::Accounts::new(&accounts)),
        )
        .room(
            "score",
            &["access_event.v1", "policy.v1", "entitlement.v1", "inventory.v1"],
            &["usage.v1", "pci.v1", "finding.v1", DEAD],
            n,
            move |_| Box::new(score::Scorer::new(&score)),
        )
        .room("scopes", &["pci.v1", "entitlement.v1"], &["pci.v1", "finding.v1", DEAD], 1, move |_| {
            Box::new(score::ScopeScorer::new(&scopes))
        })
        .room("peers", &["usage.v1"], &["model.v1"], 1, move |_| Box::new(detect::PeerModels::new(peers.clone())))
        .room("detect", &["access_event.v1", "entitlement.v1", "model.v1"], &["anomaly.v1", DEAD], n, move |_| {
            Box::new(detect::Detector::new(detect.clone()))
        })
        .room("triage", &["anomaly.v1", "pci.v1"], &["alert.v1"], 1, move |_| {
            Box::new(detect::Triage::new(triage.clone()))
        })
        .sink(sinks::LAKE, &stored, Box::new(sinks::Lake::new(store, config.sinks.clone())))
        .sink(sinks::ALERTS, &["alert.v1"], Box::new(sinks::AlertFile::new(store)));
    with_clickhouse(topology, &stored, config)
}

/// Adds ClickHouse where the settings name one; a build without it has refused them before.
fn with_clickhouse(topology: Topology<Message>, stored: &[&'static str], config: &ValidConfig) -> Topology<Message> {
    #[cfg(feature = "clickhouse")]
    if let Some(place) = config.sinks.clickhouse().place() {
        let place = place.clone().with_password(crate::commands::password(config.sinks.clickhouse()));
        let sink = sinks::clickhouse::ClickHouse::new(&config.sinks, &place);
        return topology.sink(sinks::clickhouse::CLICKHOUSE, stored, Box::new(sink));
    }
    #[cfg(not(feature = "clickhouse"))]
    let _ = (stored, config);
    topology
}
