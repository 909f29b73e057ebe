//! Against real servers: Apache Kafka, a schema registry, the ClickHouse engine. They are fetched and started by the
//! tests themselves, or named by the environment; see `tests::servers`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed test should panic, a passed one may say what it saw"
)]

#[path = "house/overgrant.rs"]
mod overgrant;
#[path = "house/scrape.rs"]
mod scrape;

mod live {
    mod batch;
    mod belt;
    mod bounds;
    mod clickhouse;
    mod clients;
    mod dead_letters;
    mod foreign;
    mod issuer;
    mod kafka;
    mod rebuild;
    mod registry;
    mod security;
    mod servers;
    mod settings;
    mod soak;
    mod stores;
    mod telemetry;
    mod waves;
}
