//! A process with a server of its own, for the test that kills it: prints the server's address and waits.

#![allow(clippy::print_stdout, reason = "the address is what the test reads")]

use std::time::Duration;

use tests::servers::ClickHouse;

fn main() -> anyhow::Result<()> {
    let server = ClickHouse::start()?;
    println!("{}", server.url());
    std::thread::sleep(Duration::from_secs(60));
    Ok(())
}
