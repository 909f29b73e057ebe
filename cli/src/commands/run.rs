//! `overgrant run`: the pipeline in one process, or rooms of it on Kafka.

#[cfg(feature = "kafka")]
pub(super) mod kafka;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use schemas::{Message, Time};
use sinks::Store;
use stream::Source;
use stream::clock::{Clock, Stopwatch};
use stream::embedded::{self, Options, Stop};
use stream::metrics::Meters;
use tokio::runtime::Runtime;

use crate::args::RunArgs;
use crate::config::{Config, StreamConfig, ValidConfig};
use crate::telemetry::{Check, Ready};
use crate::{Exit, Mistake, pipeline, show};

use super::status;

/// How long something a run depends on may take to answer a probe.
#[cfg(any(feature = "kafka", feature = "clickhouse"))]
const ASKED_WITHIN: Duration = Duration::from_secs(2);

pub(super) fn run(args: &RunArgs) -> anyhow::Result<Exit> {
    let config = Config::load(args.config.as_deref())?;
    #[cfg(not(feature = "otlp"))]
    config.telemetry.check_build()?;
    #[cfg(not(feature = "clickhouse"))]
    if let Some(place) = config.sinks.clickhouse().place() {
        return Err(super::store::unknown(place).into());
    }
    if let Some(kafka) = &config.kafka {
        #[cfg(feature = "kafka")]
        if args.fused {
            let runtime = Runtime::new().context("cannot start the runtime")?;
            let source = kafka::fused(args, &config, kafka, runtime.handle())?;
            return run_here(args, &config, Box::new(source), &runtime);
        }
        #[cfg(feature = "kafka")]
        return kafka::run(args, &config, kafka);
        #[cfg(not(feature = "kafka"))]
        return Err(Mistake(format!("this build does not know Kafka, which `{}` asks for", kafka.brokers)).into());
    }
    if args.fused {
        return Err(Mistake("`--fused` reads topics; add `[kafka]` to the config".to_owned()).into());
    }
    if args.inputs.is_empty() {
        return Err(Mistake("nothing to read; name files or folders with `--input`".to_owned()).into());
    }
    if let Some(room) = args.rooms.first() {
        return Err(Mistake(format!("room `{room}` alone needs Kafka; add `[kafka]` to the config")).into());
    }
    let source = source(args, &config)?;
    let runtime = Runtime::new().context("cannot start the runtime")?;
    run_here(args, &config, Box::new(source), &runtime)
}

/// All rooms in this process.
fn run_here(
    args: &RunArgs,
    config: &ValidConfig,
    source: Box<dyn Source<Message>>,
    runtime: &Runtime,
) -> anyhow::Result<Exit> {
    let topology = pipeline::build(config.stream.n_partitions, source, config, &args.store);
    if let Some((room, topic)) = topology.unfed() {
        anyhow::bail!("`{room}` reads `{topic}`, which nobody before it writes");
    }
    let options = options(&args.store, &config.stream);
    let meters = Meters::of(topology.names());
    let stop = Stop::default();
    runtime.spawn(stop_on_signal(stop.clone()));
    let ready = Ready::when(depends(args, config, runtime.handle()));
    let server = config.telemetry.serve(&meters, ready, runtime.handle())?;
    let watch = Stopwatch::start();
    let bars = (!args.plain && std::io::stderr().is_terminal()).then(|| Bars::start(runtime, &meters));
    tracing::info!(store = %args.store.display(), inputs = ?args.inputs, "runs in one process");
    let result = embedded::run(topology, &options, runtime.handle(), &stop, &meters);
    tracing::info!(n_commits = meters.n_commits(), is_well = result.is_ok(), "has come to its end");
    if let Some(server) = server {
        server.end(runtime.handle());
    }
    if let Some(bars) = bars {
        bars.clear();
    }
    result?;
    summary(&meters, watch.elapsed(), args)?;
    runtime.block_on(async { status::sums(&Store::open(&args.store).await?).await })?;
    let (dim, store) = (show::DIM, args.store.display());
    writeln!(
        show::out(),
        "\n{dim}next: overgrant pci --store {store}   overgrant alerts --store {store}   overgrant status --store {store}{dim:#}"
    )?;
    Ok(Exit::Done)
}

/// The files to read. With Kafka, a process that runs other rooms has none.
fn source(args: &RunArgs, config: &ValidConfig) -> anyhow::Result<ingest::FileSource> {
    let as_of = args.as_of.as_deref().map(Time::parse).transpose().map_err(|error| Mistake(error.to_string()))?;
    let params = ingest::FileSourceParams {
        inputs: args.inputs.clone(),
        once: args.once,
        as_of,
        provider: None,
        config: config.ingest.clone(),
    };
    Ok(ingest::FileSource::new(params, Clock::system())?)
}

/// The stores that a run depends on.
fn depends(args: &RunArgs, config: &ValidConfig, handle: &tokio::runtime::Handle) -> Vec<(&'static str, Check)> {
    let folder: (&'static str, Check) = ("store", folder(&args.store));
    std::iter::once(folder).chain(clickhouse(config, handle)).collect()
}

/// The server, where the settings name one.
#[cfg(feature = "clickhouse")]
fn clickhouse(config: &ValidConfig, handle: &tokio::runtime::Handle) -> Option<(&'static str, Check)> {
    let place = config.sinks.clickhouse().place()?;
    let place = place.clone().with_password(super::password(config.sinks.clickhouse()));
    let handle = handle.clone();
    let ask = move || handle.block_on(sinks::clickhouse::reach(&place, ASKED_WITHIN));
    Some(("clickhouse", Box::new(move || ask().map_err(|error| error.to_string()))))
}

/// A build without it has refused such settings before.
#[cfg(not(feature = "clickhouse"))]
fn clickhouse(_: &ValidConfig, _: &tokio::runtime::Handle) -> Option<(&'static str, Check)> {
    None
}

/// Whether a folder can be read; it is made by whoever writes to it first.
fn folder(path: &std::path::Path) -> Check {
    let path = path.to_owned();
    Box::new(move || std::fs::read_dir(&path).map(|_| ()).map_err(|error| error.to_string()))
}

/// How the pipeline runs in one process.
pub(super) fn options(store: &Path, config: &StreamConfig) -> Options {
    Options {
        store: store.to_owned(),
        channel_batches: config.channel_batches,
        batch_records: config.batch_records,
        commit_records: config.commit_records,
        commit_every: config.commit_every,
    }
}

/// The first interrupt or SIGTERM drains and commits.
async fn stop_on_signal(stop: Stop) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
    stop.now();
}

fn summary(meters: &Meters, took: Duration, args: &RunArgs) -> anyhow::Result<()> {
    counters(meters)?;
    let (n_commits, seconds) = (meters.n_commits(), took.as_secs_f64());
    writeln!(show::out(), "\n{n_commits} commits, {seconds:.1} s; store `{}`\n", args.store.display())?;
    Ok(())
}

/// What each room read and passed on.
fn counters(meters: &Meters) -> anyhow::Result<()> {
    let mut out = show::out();
    let bold = show::BOLD;
    writeln!(out, "{bold}{:<10} {:>12} {:>12} {:>10} {:>9}{bold:#}", "room", "read", "emitted", "rejected", "busy s")?;
    for room in meters.rooms() {
        let busy = Duration::from_micros(room.busy_us()).as_secs_f64();
        let (n_read, n_emitted, n_rejected) = (room.n_read(), room.n_emitted(), room.n_rejected());
        writeln!(out, "{:<10} {n_read:>12} {n_emitted:>12} {n_rejected:>10} {busy:>9.2}", room.room)?;
    }
    Ok(())
}

/// One line a room, redrawn while the pipeline runs.
struct Bars {
    all: MultiProgress,
    ticker: tokio::task::JoinHandle<()>,
}

impl Bars {
    fn start(runtime: &Runtime, meters: &Meters) -> Self {
        let all = MultiProgress::new();
        let style = ProgressStyle::with_template("{spinner:.green} {prefix:<10} {pos:>10} records {per_sec:>14} {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bars: Vec<_> = meters
            .rooms()
            .map(|room| all.add(ProgressBar::no_length()).with_style(style.clone()).with_prefix(room.room.clone()))
            .collect();
        let meters = meters.clone();
        let ticker = runtime.spawn(async move {
            let mut every = tokio::time::interval(Duration::from_millis(100));
            loop {
                every.tick().await;
                for (bar, room) in bars.iter().zip(meters.rooms()) {
                    bar.set_position(room.n_read().max(room.n_emitted()));
                    bar.tick();
                }
            }
        });
        Self { all, ticker }
    }

    fn clear(self) {
        self.ticker.abort();
        // A terminal that cannot be cleared still has its answer below.
        let _ = self.all.clear();
    }
}
