//! Real servers for live tests: an Apache Kafka broker, a schema registry, the ClickHouse engine.
//!
//! Each `start()` takes the server that the environment names, or fetches one (`infra/servers.sh`), starts it on free
//! ports of the loopback interface, with data below the user's cache, and waits until it answers:
//!
//! | server | environment | example |
//! |---|---|---|
//! | [`Kafka`] | `OVERGRANT_TEST_KAFKA` | `127.0.0.1:9092` |
//! | [`Registry`] | `OVERGRANT_TEST_REGISTRY` | `http://127.0.0.1:8081/apis/ccompat/v7` |
//! | [`ClickHouse`] | `OVERGRANT_TEST_CLICKHOUSE` | `http://user:password@127.0.0.1:8123` |
//!
//! A server of ours can be killed, stopped, paused and started again on the same data and ports. It ends with its
//! value, and with this process however that ends: the kernel kills it when the thread dies that started it, and that
//! thread lives as long as the process (so a server may outlive the test that started it, in a `static`).

mod certificates;
mod clickhouse;
mod home;
mod kafka;
mod process;
mod registry;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub use certificates::Certificates;
pub use clickhouse::ClickHouse;
pub use kafka::{Doors, Kafka};
pub use process::signal;
pub use registry::Registry;

/// Where a server lives: named by the environment, or started by us.
#[derive(Debug)]
enum Server {
    /// Not ours to stop.
    Named,
    Ours(process::Process),
}

impl Server {
    fn ours(&mut self) -> Result<&mut process::Process> {
        match self {
            Self::Named => bail!("the environment names this server, so it is not ours to stop or start"),
            Self::Ours(process) => Ok(process),
        }
    }
}

/// What every server can do, in the words of the one whose `server` field it is.
macro_rules! life_of {
    ($server:ty) => {
        impl $server {
            /// Whether this process started it, and so may kill it.
            pub fn is_ours(&self) -> bool {
                matches!(self.server, crate::servers::Server::Ours(_))
            }

            /// Its process, for measurements; `None` when it is not ours or not running.
            pub fn pid(&self) -> Option<u32> {
                match &self.server {
                    crate::servers::Server::Named => None,
                    crate::servers::Server::Ours(process) => process.pid(),
                }
            }

            /// Kills it without a word (SIGKILL); its data stays. An error when it is not ours.
            pub fn kill(&mut self) -> anyhow::Result<()> {
                self.server.ours()?.kill()
            }

            /// Asks it to leave (SIGTERM), and kills it after 20 s; its data stays. An error when it is not ours.
            pub fn stop(&mut self) -> anyhow::Result<()> {
                self.server.ours()?.stop()
            }

            /// Holds it still (SIGSTOP): connections stay open and nothing is answered. An error when it is not ours.
            pub fn pause(&mut self) -> anyhow::Result<()> {
                self.server.ours()?.signal("STOP")
            }

            /// Lets it go on after [`pause`](Self::pause). An error when it is not ours.
            pub fn resume(&mut self) -> anyhow::Result<()> {
                self.server.ours()?.signal("CONT")
            }

            /// Starts it again on its data and its ports, after stopping it if it runs, and waits until it answers. An
            /// error, with the end of its log, when it does not; or when it is not ours.
            pub fn restart(&mut self) -> anyhow::Result<()> {
                self.server.ours()?.stop()?;
                self.run()
            }

            /// The end of its log; empty when it is not ours.
            pub fn log_tail(&self) -> String {
                match &self.server {
                    crate::servers::Server::Named => String::new(),
                    crate::servers::Server::Ours(process) => process.log_tail(),
                }
            }
        }
    };
}
use life_of;

/// A variable that names a server; `None` when unset or empty.
#[expect(clippy::disallowed_methods, reason = "a run of tests is told by its environment where servers are")]
fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// A client of other people's, fetched where it is absent: `kcat`, or `avro`, which is a Python with Confluent's client. An
/// error when it cannot be fetched.
pub fn client(name: &str) -> Result<std::path::PathBuf> {
    let program = if name == "avro" { "bin/python" } else { name };
    Ok(fetch(name)?.join(program))
}

/// A file of the folder `infra/servers`.
pub fn file(name: &str) -> std::path::PathBuf {
    infra().join("servers").join(name)
}

/// Fetches a server or a client where it is absent; its folder.
fn fetch(name: &str) -> Result<std::path::PathBuf> {
    let output =
        Command::new(infra().join("servers.sh")).arg(name).output().context("`infra/servers.sh` did not run")?;
    if !output.status.success() {
        bail!("`infra/servers.sh {name}` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let printed = String::from_utf8(output.stdout).context("the folder of a server is not UTF-8")?;
    Ok(printed.trim_end().into())
}

/// The folder `infra` of the workspace.
fn infra() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra")
}

/// Asks until the answer is yes; `false` when `limit` is over first.
#[expect(clippy::disallowed_methods, reason = "a server answers by the wall clock")]
fn wait_until(limit: Duration, mut is_so: impl FnMut() -> Result<bool>) -> Result<bool> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if is_so()? {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    Ok(false)
}

/// Whether a `GET` is answered with 200.
fn answers(url: &str) -> bool {
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).build(),
    );
    agent.get(url).call().is_ok()
}
