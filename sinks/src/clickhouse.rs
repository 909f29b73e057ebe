//! The ClickHouse store: migrations, the sink that fills it, and the reader behind [`crate::Store`].
//!
//! The server is reached over HTTP. Rows go in as Arrow, in blocks of tens of thousands; answers come back as Arrow, so
//! that both stores give the same [`crate::Answer`]. What the tables are is in [`schemas::clickhouse`].

mod config;

#[cfg(feature = "clickhouse")]
mod client;
#[cfg(feature = "clickhouse")]
mod encode;
#[cfg(feature = "clickhouse")]
mod error;
#[cfg(feature = "clickhouse")]
mod migrate;
#[cfg(feature = "clickhouse")]
pub(crate) mod read;
#[cfg(feature = "clickhouse")]
mod retry;
#[cfg(feature = "clickhouse")]
mod sink;

pub use config::{Config, Kept, Place, ValidConfig};

#[cfg(feature = "clickhouse")]
pub use self::{
    error::{CLICKHOUSE, ClickHouseError},
    migrate::{Step, migrate, statements},
    sink::ClickHouse,
};

/// Whether the server answers in time.
///
/// # Errors
/// When it does not, or refuses us.
#[cfg(feature = "clickhouse")]
pub async fn reach(place: &Place, within: std::time::Duration) -> Result<(), ClickHouseError> {
    client::Server::new(place, within).execute("SELECT 1").await
}
