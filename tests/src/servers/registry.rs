//! A schema registry: Apicurio Registry, which speaks the Confluent API below a path.

use anyhow::{Result, bail};

use super::home::Home;
use super::process::{Call, Process};
use super::{Server, answers, fetch, life_of, named};

/// Where Apicurio puts the Confluent API.
const API: &str = "/apis/ccompat/v7";
const JVM: &[&str] = &["-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// A schema registry: see [`servers`](super).
#[derive(Debug)]
pub struct Registry {
    server: Server,
    url: String,
}

impl Registry {
    /// Starts an empty registry, or takes the one that `OVERGRANT_TEST_REGISTRY` names. An error when it cannot be
    /// fetched, does not start, or does not answer.
    pub fn start() -> Result<Self> {
        if let Some(url) = named("OVERGRANT_TEST_REGISTRY") {
            let url = url.trim_end_matches('/').to_owned();
            if !answers(&format!("{url}/subjects")) {
                bail!("no schema registry answers at `{url}`, which `OVERGRANT_TEST_REGISTRY` names");
            }
            return Ok(Self { server: Server::Named, url });
        }
        let installed = fetch("registry")?;
        let home = Home::new(&installed.with_file_name("run"), "registry", 1)?;
        let url = format!("http://127.0.0.1:{}{API}", home.port(0));
        let arguments = JVM.iter().copied().map(str::to_owned);
        let call = Call {
            program: installed.join("java"),
            arguments: arguments
                .chain(["-jar".to_owned(), installed.join("runner.jar").display().to_string()])
                .collect(),
            environment: environment(&home),
        };
        let mut registry = Self { server: Server::Ours(Process::new("registry", call, home)), url };
        registry.run()?;
        Ok(registry)
    }

    /// The base of the Confluent API, which has a path, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn run(&mut self) -> Result<()> {
        let subjects = format!("{}/subjects", self.url);
        self.server.ours()?.start(|| answers(&subjects))
    }
}

life_of!(Registry);

fn environment(home: &Home) -> Vec<(&'static str, String)> {
    // On disk at once, so that what was answered survives a kill; without the hook that races with Java's own end.
    let store = format!("jdbc:h2:file:{};WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE", home.folder().join("data").display());
    vec![
        ("QUARKUS_HTTP_HOST", "127.0.0.1".to_owned()),
        ("QUARKUS_HTTP_PORT", home.port(0).to_string()),
        ("QUARKUS_HTTP_ACCESS_LOG_ENABLED", "false".to_owned()),
        ("APICURIO_STORAGE_KIND", "sql".to_owned()),
        ("APICURIO_STORAGE_SQL_KIND", "h2".to_owned()),
        ("APICURIO_DATASOURCE_URL", store),
    ]
}
