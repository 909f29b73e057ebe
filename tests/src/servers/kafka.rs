//! An Apache Kafka broker that is its own controller.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::certificates::Certificates;
use super::home::Home;
use super::process::{Call, Process, log_file};
use super::{Server, fetch, infra, life_of, named};

/// Small, since the tests that it serves want memory too; the broker's weight is the kernel's cache of its files.
const JVM: &[&str] = &["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
/// Any 16 bytes in base64 will do: nothing else answers to the name.
const CLUSTER_ID: &str = "b3ZlcmdyYW50LXRlc3RzIQ";

/// A broker: see [`servers`](super).
#[derive(Debug)]
pub struct Kafka {
    server: Server,
    bootstrap: String,
    doors: Option<Doors>,
}

/// Listeners of a broker of ours that ask who comes, or speak TLS: `host:port` each.
#[derive(Debug)]
pub struct Doors {
    /// SASL without TLS: [`USER`](Kafka::USER) by PLAIN and SCRAM, anybody by OAUTHBEARER with an unsigned token.
    pub sasl: String,
    /// TLS, for anybody.
    pub tls: String,
    /// TLS, for clients with a certificate of the authority's.
    pub mutual: String,
    /// [`USER`](Kafka::USER) by SCRAM over TLS.
    pub sasl_tls: String,
    /// Who signed for the broker, and who may come in.
    pub certificates: Certificates,
}

impl Kafka {
    /// Who may come in where a name is asked for: see [`Doors`].
    pub const USER: &'static str = "overgrant";
    /// The password of [`USER`](Self::USER).
    pub const PASSWORD: &'static str = "only-for-tests";

    /// Starts a broker of its own without any topic, or takes the one that `OVERGRANT_TEST_KAFKA` names. An error when
    /// it cannot be fetched, does not start, or does not answer.
    pub fn start() -> Result<Self> {
        if let Some(bootstrap) = named("OVERGRANT_TEST_KAFKA") {
            if !Probe::new(&bootstrap)?.answers() {
                bail!("no broker answers at `{bootstrap}`, which `OVERGRANT_TEST_KAFKA` names");
            }
            return Ok(Self { server: Server::Named, bootstrap, doors: None });
        }
        let installed = fetch("kafka")?;
        let home = Home::new(&installed.with_file_name("run"), "kafka", 6)?;
        let [bootstrap, sasl, tls, mutual, sasl_tls] =
            [0, 1, 2, 3, 4].map(|idx| format!("127.0.0.1:{}", home.port(idx)));
        let certificates = Certificates::make(home.folder().join("certificates"))?;
        let doors = Doors { sasl, tls, mutual, sasl_tls, certificates };
        write_properties(&home, &bootstrap, &doors)?;
        let java = |main: &str, arguments: &[&str]| Call {
            program: installed.join("java"),
            arguments: JVM
                .iter()
                .copied()
                .map(str::to_owned)
                .chain([
                    format!("-Dlog4j2.configurationFile={}", infra().join("servers/log4j2.properties").display()),
                    "-cp".to_owned(),
                    format!("{}/*", installed.join("libs").display()),
                    main.to_owned(),
                ])
                .chain(arguments.iter().copied().map(str::to_owned))
                .collect(),
            environment: Vec::new(),
        };
        format_data(&home, &java("kafka.tools.StorageTool", &[]))?;
        let process = Process::new("kafka", java("kafka.Kafka", &["server.properties"]), home);
        let mut kafka = Self { server: Server::Ours(process), bootstrap, doors: Some(doors) };
        kafka.run()?;
        Ok(kafka)
    }

    /// Where clients without credentials come in: `host:port`, several with commas between.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Its other listeners. `None` when the environment names the broker.
    pub fn doors(&self) -> Option<&Doors> {
        self.doors.as_ref()
    }

    fn run(&mut self) -> Result<()> {
        let probe = Probe::new(&self.bootstrap)?;
        self.server.ours()?.start(|| probe.answers())
    }
}

life_of!(Kafka);

/// Writes `server.properties`: what every broker of ours has, and what only this one has.
fn write_properties(home: &Home, plain: &str, doors: &Doors) -> Result<()> {
    let path = infra().join("servers/kafka.properties");
    let all = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let Doors { sasl, tls, mutual, sasl_tls, certificates } = doors;
    let controller = format!("127.0.0.1:{}", home.port(5));
    let open = format!("PLAINTEXT://{plain},SASL://{sasl},TLS://{tls},MUTUAL://{mutual},SASL_TLS://{sasl_tls}");
    let own = format!(
        "
listeners={open},CONTROLLER://{controller}
\
         advertised.listeners={open}
\
         controller.quorum.voters=1@{controller}
\
         ssl.keystore.location={}
\
         ssl.truststore.location={}
\
         log.dirs={}
",
        certificates.broker_with_key().display(),
        certificates.authority().display(),
        home.folder().join("data").display()
    );
    std::fs::write(home.folder().join("server.properties"), all + &own).context("cannot write `server.properties`")
}

/// Makes the data folder one of a broker, with the users that SCRAM knows.
fn format_data(home: &Home, tool: &Call) -> Result<()> {
    let mut command = Command::new(&tool.program);
    command.args(&tool.arguments).args(["format", "-t", CLUSTER_ID, "-c", "server.properties"]);
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let user = format!("{mechanism}=[name={},password={}]", Kafka::USER, Kafka::PASSWORD);
        command.args(["--add-scram", &user]);
    }
    let output = command.current_dir(home.folder()).stderr(log_file(home)?).output()?;
    if !output.status.success() {
        bail!("kafka could not format its folder: {}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(())
}

/// A client that only asks whether there is a broker.
struct Probe(BaseConsumer);

impl Probe {
    fn new(bootstrap: &str) -> Result<Self> {
        let client = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            // Without it the client waits up to 10 s between attempts.
            .set("reconnect.backoff.max.ms", "100")
            .create()
            .context("no client for kafka")?;
        Ok(Self(client))
    }

    /// A broker that has been let into its cluster names itself.
    fn answers(&self) -> bool {
        self.0.fetch_metadata(None, Duration::from_secs(2)).is_ok_and(|metadata| !metadata.brokers().is_empty())
    }
}
