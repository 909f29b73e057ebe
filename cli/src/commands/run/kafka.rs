//! `overgrant run` with `[kafka]`: the rooms named by `--room`, or all of them, in this process.

mod ids;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use schemas::Message;
use schemas::topic::{Kept, TOPICS};
use schemas::wire::SchemaIds;
use stream::bodies::BodyStore;
use stream::clock::Clock;
use stream::embedded::Stop;
use stream::kafka::{Arrival, ArrivalParams, Arrivals, Brokers, Cleanup, Client, Codec, Options, TopicSpec};
use stream::metrics::Meters;
use stream::registry::{Auth, Registry, RegistryError, Secret, Settings};
use stream::snapshot::SnapshotStore;
use stream::{Joined, Source};

use crate::args::RunArgs;
use crate::config::ValidConfig;
use crate::kafka::KafkaConfig;
use crate::telemetry::{Check, Ready};
use crate::wire::{Ask, AvroCodec, SchemaName};
use crate::{Exit, Mistake, pipeline};

/// Hours are a topic's unit of keeping.
const HOUR_S: u64 = 3_600;
/// How often bodies are looked for that no topic points to any more.
const SWEEP_EVERY: Duration = Duration::from_secs(HOUR_S);
/// How much longer a body is kept than the record that points to it: brokers remove records by the segment.
const KEPT_LONGER: Duration = Duration::from_secs(24 * HOUR_S);

pub(super) fn run(args: &RunArgs, config: &ValidConfig, kafka: &KafkaConfig) -> anyhow::Result<Exit> {
    let rooms = pipeline::build(kafka.n_partitions, Box::new(Joined::none()), config, &args.store);
    check_rooms(args, rooms.names())?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let options = options(&args.store, args.once, config, kafka)?;
    let bodies = BodyStore::in_folder(kafka.bodies.clone(), runtime.handle().clone())?;
    let codec: Arc<dyn Codec<Message>> = Arc::new(codec(kafka, bodies.clone())?);
    let topology = rooms.with_source(Box::new(source(args, config, kafka, &options, &codec)?));
    stream::kafka::prepare(&topology, &options, runtime.handle())?;
    ids::check(&options, kafka.registry.is_some())?;
    let meters = Meters::of(topology.names());
    let stop = Stop::default();
    runtime.spawn(super::stop_on_signal(stop.clone()));
    runtime.spawn(remove_old_bodies(bodies));
    let ready = Ready::when(depends(args, config, &options, runtime.handle())?);
    let server = config.telemetry.serve(&meters, ready, runtime.handle())?;
    tracing::info!(brokers = kafka.brokers, rooms = ?args.rooms, "runs on Kafka");
    let result = stream::kafka::run(topology, &options, codec, &args.rooms, runtime.handle(), &stop, &meters);
    tracing::info!(n_commits = meters.n_commits(), is_well = result.is_ok(), "has come to its end");
    if let Some(server) = server {
        server.end(runtime.handle());
    }
    result?;
    super::counters(&meters)?;
    Ok(Exit::Done)
}

/// The files that are named here, and the topics that others fill.
fn source(
    args: &RunArgs,
    config: &ValidConfig,
    kafka: &KafkaConfig,
    options: &Options,
    codec: &Arc<dyn Codec<Message>>,
) -> anyhow::Result<Joined<Message>> {
    let topics: Vec<&'static str> = pipeline::LOGS
        .iter()
        .copied()
        .filter(|topic| kafka.filled_by_others.iter().any(|name| name == topic))
        .collect();
    let mut sources: Vec<(&'static str, Box<dyn Source<Message>>)> = Vec::new();
    if topics.is_empty() || !args.inputs.is_empty() {
        sources.push(("files", Box::new(super::source(args, config)?)));
    }
    if !topics.is_empty() {
        let arrivals = arrivals(topics, false, args, config, options, codec);
        sources.push(("topics", Box::new(arrivals)));
    }
    Ok(Joined::of(sources))
}

/// Reads raw topics; records that ingest put there have their time from their files, unless they are handed out.
fn arrivals(
    topics: Vec<&'static str>,
    hands_out: bool,
    args: &RunArgs,
    config: &ValidConfig,
    options: &Options,
    codec: &Arc<dyn Codec<Message>>,
) -> Arrivals<Message> {
    let ingest = config.ingest.clone();
    let arrival: Arrival<Message> = Box::new(move |message| {
        let Message::RawRecord(raw) = message else { return None };
        let (account, time) = ingest::arrival(raw, hands_out, &ingest)?;
        Some((account.to_string(), time.0))
    });
    let params = ArrivalParams {
        topics,
        allowed_lateness: config.ingest.allowed_lateness(),
        idle_after: config.ingest.idle_after(),
        max_accounts: config.ingest.max_accounts(),
        hands_out,
        once: args.once,
    };
    Arrivals::new(params, options, Arc::clone(codec), arrival, Clock::system())
}

/// The raw topics as the source of a run in one process: logs and grants.
pub(super) fn fused(
    args: &RunArgs,
    config: &ValidConfig,
    kafka: &KafkaConfig,
    handle: &tokio::runtime::Handle,
) -> anyhow::Result<Arrivals<Message>> {
    if !args.inputs.is_empty() {
        return Err(
            Mistake("`--fused` reads topics and no files; `--room ingest` brings files there".to_owned()).into()
        );
    }
    let options = options(&args.store, args.once, config, kafka)?;
    let bodies = BodyStore::in_folder(kafka.bodies.clone(), handle.clone())?;
    let codec: Arc<dyn Codec<Message>> = Arc::new(codec(kafka, bodies)?);
    let topics = pipeline::LOGS.iter().chain(pipeline::GRANTS).copied().collect();
    Ok(arrivals(topics, true, args, config, &options, &codec))
}

/// Brokers, the folder of states and, where sinks run, their stores.
fn depends(
    args: &RunArgs,
    config: &ValidConfig,
    options: &Options,
    handle: &tokio::runtime::Handle,
) -> anyhow::Result<Vec<(&'static str, Check)>> {
    let brokers = Brokers::new(options)?;
    let ask = move || brokers.answer(super::ASKED_WITHIN).map_err(|fault| fault.to_string());
    let snapshots = config.kafka.as_ref().map(|kafka| ("snapshots", super::folder(&kafka.snapshots)));
    let is_sink = |room: &String| ["sinks", sinks::LAKE, sinks::ALERTS, "clickhouse"].contains(&room.as_str());
    let has_sinks = args.rooms.is_empty() || args.rooms.iter().any(is_sink);
    let stores = if has_sinks { super::depends(args, config, handle) } else { Vec::new() };
    let brokers: (&'static str, Check) = ("brokers", Box::new(ask));
    Ok(std::iter::once(brokers).chain(snapshots).chain(stores).collect())
}

/// Removes bodies whose records their topics have forgotten; those of compacted topics stay.
async fn remove_old_bodies(bodies: BodyStore) {
    let clock = Clock::system();
    let mut every = tokio::time::interval(SWEEP_EVERY);
    loop {
        every.tick().await;
        for topic in TOPICS {
            let Kept::Hours(hours) = topic.kept else { continue };
            let age = Duration::from_secs(u64::from(hours) * HOUR_S) + KEPT_LONGER;
            match bodies.remove_older(topic.name, age, &clock).await {
                Ok(0) => {}
                Ok(n) => tracing::info!(topic = topic.name, n, "removed old bodies"),
                Err(error) => tracing::warn!(topic = topic.name, %error, "old bodies cannot be removed"),
            }
        }
    }
}

/// A name that no room has is a mistake; it would run nothing.
fn check_rooms<'n>(args: &RunArgs, names: impl Iterator<Item = &'n str>) -> Result<(), Mistake> {
    let names: Vec<&str> = names.chain(["sinks"]).collect();
    match args.rooms.iter().find(|room| !names.contains(&room.as_str())) {
        None => Ok(()),
        Some(room) => Err(Mistake(format!("no room is called `{room}`; there are {}", names.join(", ")))),
    }
}

/// How rooms, and tools beside them, run on Kafka.
pub(in crate::commands) fn options(
    store: &Path,
    once: bool,
    config: &ValidConfig,
    kafka: &KafkaConfig,
) -> anyhow::Result<Options> {
    let topics = TOPICS.iter().map(|topic| TopicSpec {
        name: topic.name,
        is_broadcast: topic.broadcast,
        cleanup: match topic.kept {
            Kept::Compacted => Cleanup::Compact,
            Kept::Hours(hours) => Cleanup::Delete(std::time::Duration::from_secs(u64::from(hours) * HOUR_S)),
        },
    });
    Ok(Options {
        client: client(kafka)?,
        topic_prefix: kafka.topic_prefix.clone(),
        group_prefix: kafka.group_prefix.clone(),
        topics: topics.collect(),
        n_partitions: kafka.n_partitions,
        replication: kafka.replication,
        batch_records: config.stream.batch_records,
        commit_records: kafka.commit_records,
        commit_every: kafka.commit_every,
        snapshot_every: kafka.snapshot_every,
        snapshots: SnapshotStore::in_folder(kafka.snapshots.clone())?,
        store: Some(store.to_owned()),
        session_timeout: kafka.session_timeout,
        once,
    })
}

fn client(kafka: &KafkaConfig) -> Result<Client, Mistake> {
    let mut client = Client::of(&kafka.brokers).with("security.protocol", kafka.security.as_str());
    let file = |path: &std::path::PathBuf| path.display().to_string();
    let settings = [
        ("sasl.mechanism", kafka.sasl_mechanism.clone()),
        ("sasl.username", kafka.user.clone()),
        ("sasl.password", kafka.password_env.as_deref().map(secret).transpose()?),
        ("ssl.ca.location", kafka.ca_file.as_ref().map(file)),
        ("ssl.certificate.location", kafka.certificate_file.as_ref().map(file)),
        ("ssl.key.location", kafka.key_file.as_ref().map(file)),
    ];
    for (name, value) in settings {
        if let Some(value) = value {
            client = client.with(name, value);
        }
    }
    for (name, value) in &kafka.settings {
        client = client.with(name, value.clone());
    }
    for (name, variable) in &kafka.settings_env {
        client = client.with(name, secret(variable)?);
    }
    Ok(client)
}

#[expect(clippy::disallowed_methods, reason = "secrets stand in the environment, and are read here only")]
fn secret(variable: &str) -> Result<String, Mistake> {
    std::env::var(variable).map_err(|_| Mistake(format!("the environment variable `{variable}` is not set")))
}

/// The codec with the registry's ids, after our schemas were registered there, or with ids of our own.
pub(in crate::commands) fn codec(kafka: &KafkaConfig, bodies: BodyStore) -> anyhow::Result<AvroCodec> {
    let source = kafka.group_prefix.clone();
    let Some(url) = &kafka.registry else {
        return Ok(AvroCodec::new(SchemaIds::reserved(), source, None).with_bodies(bodies));
    };
    let auth = match (&kafka.registry_user, &kafka.registry_secret_env) {
        (Some(user), Some(variable)) => Auth::Basic { user: user.clone(), password: Secret::new(secret(variable)?) },
        (None, Some(variable)) => Auth::Bearer(Secret::new(secret(variable)?)),
        _ => Auth::None,
    };
    let registry = Registry::new(Settings { auth, ..Settings::at(url) })?;
    let mut ids = Vec::new();
    for topic in TOPICS.iter().filter(|topic| !topic.name.starts_with("raw.")) {
        let noun = topic.name.trim_end_matches(".v1");
        let subject = format!("{}{}-value", kafka.topic_prefix, topic.name);
        registry.set_compatibility(&subject, "FULL_TRANSITIVE")?;
        ids.push((
            noun,
            registry.register(&subject, &schemas::avro::text_of(noun).context("a topic names its noun")?)?,
        ));
    }
    for noun in ["raw_record", "raw_grant"] {
        let subject = format!("{}{noun}-header", kafka.topic_prefix);
        ids.push((noun, registry.register(&subject, &schemas::avro::text_of(noun).context("a noun has a schema")?)?));
    }
    let ask: Ask = Box::new(move |name| {
        let found = match name {
            SchemaName::Id(id) => registry.schema(id),
            SchemaName::Guid(guid) => registry.schema_by_guid(guid),
        };
        match found {
            Ok(text) => Ok(Some(text)),
            // What it refuses by name is no schema of ours, whatever the name says; an older one knows no GUIDs at all.
            Err(RegistryError::NotFound { .. } | RegistryError::Refused { status: 400..=499, .. }) => Ok(None),
            Err(error) => Err(stream::Fault::edge("registry", error)),
        }
    });
    Ok(AvroCodec::new(SchemaIds::of(ids), source, Some(ask)).with_bodies(bodies))
}
