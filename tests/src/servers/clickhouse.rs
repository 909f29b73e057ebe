//! The ClickHouse engine behind a server's HTTP interface; `infra/servers/clickhouse_front.py` says what it cannot do.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::home::Home;
use super::process::{Call, Process};
use super::{Server, answers, fetch, infra, life_of, named};

/// A ClickHouse server: see [`servers`](super).
#[derive(Debug)]
pub struct ClickHouse {
    server: Server,
    url: String,
    user: String,
    password: String,
}

impl ClickHouse {
    /// Who may only read, within `readonly = 1`; known to servers of ours alone.
    pub const READER: &'static str = "analyst";
    /// The password of [`READER`](Self::READER).
    pub const READER_PASSWORD: &'static str = "only-for-questions";

    /// Starts an empty one, or takes the one that `OVERGRANT_TEST_CLICKHOUSE` names. An error when it cannot be
    /// fetched, does not start, or does not answer.
    pub fn start() -> Result<Self> {
        Self::start_slow(Duration::ZERO)
    }

    /// The same; one of ours takes so much longer for each insertion of rows.
    pub fn start_slow(delay: Duration) -> Result<Self> {
        if let Some(named) = named("OVERGRANT_TEST_CLICKHOUSE") {
            let (url, user, password) =
                parts_of(&named).context("`OVERGRANT_TEST_CLICKHOUSE` is no `http://user:password@host:port`")?;
            if !answers(&format!("{url}/ping")) {
                bail!("no ClickHouse answers at `{url}`, which `OVERGRANT_TEST_CLICKHOUSE` names");
            }
            return Ok(Self { server: Server::Named, url, user, password });
        }
        let installed = fetch("clickhouse")?;
        let home = Home::new(&installed.with_file_name("run"), "clickhouse", 1)?;
        let url = format!("http://127.0.0.1:{}", home.port(0));
        let (user, password) = ("overgrant".to_owned(), "only-for-tests".to_owned());
        let front = infra().join("servers/clickhouse_front.py").display().to_string();
        let call = Call {
            program: installed.join("bin/python"),
            arguments: [&front, "--port", &home.port(0).to_string(), "--data", "data"].map(str::to_owned).to_vec(),
            environment: vec![
                ("FRONT_USER", user.clone()),
                ("FRONT_PASSWORD", password.clone()),
                ("FRONT_READER", Self::READER.to_owned()),
                ("FRONT_READER_PASSWORD", Self::READER_PASSWORD.to_owned()),
                ("FRONT_INSERT_DELAY_MS", delay.as_millis().to_string()),
                ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ],
        };
        let mut clickhouse = Self { server: Server::Ours(Process::new("clickhouse", call, home)), url, user, password };
        clickhouse.run()?;
        Ok(clickhouse)
    }

    /// Where it listens, without credentials and without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The user who may do everything.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password of [`user`](Self::user).
    pub fn password(&self) -> &str {
        &self.password
    }

    fn run(&mut self) -> Result<()> {
        let ping = format!("{}/ping", self.url);
        self.server.ours()?.start(|| answers(&ping))
    }
}

life_of!(ClickHouse);

/// Takes `http://user:password@host:port` apart; user and password may be absent, and then are a server's defaults.
fn parts_of(url: &str) -> Option<(String, String, String)> {
    let (scheme, rest) = url.trim_end_matches('/').split_once("://")?;
    let (credentials, place) = rest.rsplit_once('@').unwrap_or(("default", rest));
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    Some((format!("{scheme}://{place}"), user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::parts_of;

    #[test]
    fn an_address_is_taken_apart() {
        let parts = |url| parts_of(url).unwrap();
        let expected = |url: &str, user: &str, password: &str| (url.to_owned(), user.to_owned(), password.to_owned());
        assert_eq!(parts("http://a:b:c@host:1/"), expected("http://host:1", "a", "b:c"));
        assert_eq!(parts("http://host:1"), expected("http://host:1", "default", ""));
        assert_eq!(parts_of("host:1"), None);
    }
}
