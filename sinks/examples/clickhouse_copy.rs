//! Copies a lake into a ClickHouse database that `overgrant migrate` has prepared.
//!
//! `cargo run -p sinks --features clickhouse --example clickhouse_copy -- STORE http://USER@HOST:8123/DATABASE`; the
//! password is in `OVERGRANT_CLICKHOUSE_PASSWORD`.

use std::error::Error;
use std::io::Write;

use schemas::{Message, Noun};
use sinks::Store;
use sinks::clickhouse::{ClickHouse, Place};
use stream::{Batch, Sink};

/// Rows that are given to the sink at a time.
const BATCH: usize = 10_000;

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "a password comes from the environment")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(store), Some(url)) = (args.next(), args.next()) else { return Err("say STORE and URL".into()) };
    let place = Place::parse(&url).ok_or("the URL is none")??;
    let place = place.with_password(std::env::var("OVERGRANT_CLICKHOUSE_PASSWORD").ok());
    let mut config = sinks::Config::default();
    config.redact.clear();
    let config = config.validate()?;
    let mut sink = ClickHouse::new(&config, &place);
    sink.restore(serde_json::Value::Null).await?;
    let store = Store::open(store).await?;
    schemas::for_each_noun!(N => {
        if store.tables().iter().any(|table| table == N::NAME) {
            let rows: Vec<N> = store.rows().await?;
            let n_rows = rows.len();
            let messages: Vec<Message> = rows.into_iter().map(Noun::into_message).collect();
            for (place, chunk) in messages.chunks(BATCH).enumerate() {
                sink.write(Batch::of(0, (place * BATCH) as u64, chunk.iter().cloned())).await?;
            }
            sink.commit(1).await?;
            writeln!(std::io::stdout(), "{n_rows:>10} {}", N::NAME)?;
        }
    });
    writeln!(std::io::stdout(), "{:#?}", sink.metrics().lock().map(|metrics| *metrics).unwrap_or_default())?;
    Ok(())
}
