//! Prints the tables and views of ClickHouse as the nouns want them now, to write a migration from.
//!
//! `cargo run -p schemas --example clickhouse_ddl -- tables` or `-- views`.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = match std::env::args().nth(1).as_deref() {
        Some("tables") => schemas::clickhouse::create_tables()?,
        Some("views") => schemas::clickhouse::create_views()?,
        _ => return Err("say `tables` or `views`".into()),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
