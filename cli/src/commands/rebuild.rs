//! `overgrant rebuild-state` and `overgrant repartition`: states made anew from the store.

mod archive;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use schemas::Message;
use stream::bodies::BodyStore;
use stream::kafka::{Codec, Options, Rebuilt, Repartitioned};
use stream::{Joined, Topology};
use tokio::runtime::Runtime;

use self::archive::StoreArchive;
use super::run::kafka as house;
use super::store;
use crate::args::{RebuildArgs, RepartitionArgs, WhereArgs};
use crate::config::{Config, ValidConfig};
use crate::kafka::KafkaConfig;
use crate::{Exit, Mistake, pipeline, show};

/// What both commands work on.
struct House {
    runtime: Runtime,
    config: ValidConfig,
    kafka: KafkaConfig,
    options: Options,
    codec: Arc<dyn Codec<Message>>,
    at: WhereArgs,
}

impl House {
    fn open(at: &WhereArgs) -> anyhow::Result<Self> {
        let config = Config::load(at.config.as_deref())?;
        let Some(kafka) = config.kafka.clone() else {
            let why = "there is no `[kafka]` in the config: a run in one process keeps its states beside its store";
            return Err(Mistake(why.to_owned()).into());
        };
        let runtime = Runtime::new().context("cannot start the runtime")?;
        let options = house::options(Path::new(""), true, &config, &kafka)?;
        let bodies = BodyStore::in_folder(kafka.bodies.clone(), runtime.handle().clone())?;
        let codec = Arc::new(house::codec(&kafka, bodies)?);
        Ok(Self { runtime, config, kafka, options, codec, at: at.clone() })
    }

    /// The rooms, split into so many partitions. They run nothing here.
    fn topology(&self, n_partitions: u32) -> Topology<Message> {
        pipeline::build(n_partitions, Box::new(Joined::none()), &self.config, Path::new(""))
    }

    fn archive(&self) -> anyhow::Result<StoreArchive> {
        let (_, place) = store::place(self.at.store.as_deref(), self.at.config.as_deref())?;
        let sink = if place.is_some() { "clickhouse" } else { sinks::LAKE };
        let store = self.runtime.block_on(store::open(&self.at))?;
        Ok(StoreArchive::new(store, sink, self.runtime.handle().clone()))
    }
}

pub(super) fn rebuild(args: &RebuildArgs) -> anyhow::Result<Exit> {
    let house = House::open(&args.at)?;
    let topology = house.topology(house.kafka.n_partitions);
    check_names(args, &topology)?;
    stream::kafka::prepare(&topology, &house.options, house.runtime.handle())?;
    let wanted = |room: &str, partition: u32| {
        (args.rooms.is_empty() || args.rooms.iter().any(|name| name == room))
            && args.partition.is_none_or(|wanted| wanted == partition)
    };
    let (codec, handle) = (Arc::clone(&house.codec), house.runtime.handle());
    let rebuilt = stream::kafka::rebuild(&topology, &house.options, codec, handle, &wanted, &mut house.archive()?)?;
    if rebuilt.is_empty() {
        return Err(Mistake(format!("no room has a partition {}", args.partition.unwrap_or_default())).into());
    }
    tell(&rebuilt)?;
    Ok(Exit::Done)
}

fn check_names(args: &RebuildArgs, topology: &Topology<Message>) -> Result<(), Mistake> {
    let rooms: Vec<&str> = topology.room_names().collect();
    match args.rooms.iter().find(|name| !rooms.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Mistake(format!("no room with a state is called `{name}`; there are {}", rooms.join(", ")))),
    }
}

pub(super) fn repartition(args: &RepartitionArgs) -> anyhow::Result<Exit> {
    let house = House::open(&args.at)?;
    let handle = house.runtime.handle();
    let done = stream::kafka::repartition(
        &|n| house.topology(n),
        &house.options,
        &house.codec,
        handle,
        &mut house.archive()?,
    )?;
    let to = house.kafka.n_partitions;
    let mut out = show::out();
    let Some(Repartitioned { from, rebuilt, n_moved }) = done else {
        writeln!(out, "there are {to} partitions already")?;
        return Ok(Exit::Done);
    };
    tell(&rebuilt)?;
    writeln!(out, "\n{from} partitions became {to}; {n_moved} records moved")?;
    Ok(Exit::Done)
}

fn tell(rebuilt: &[Rebuilt]) -> anyhow::Result<()> {
    let mut out = show::out();
    let bold = show::BOLD;
    writeln!(out, "{bold}{:<12} {:>9} {:>14} {:>14}{bold:#}", "room", "partition", "rows given", "state bytes")?;
    for Rebuilt { room, partition, n_given, n_bytes } in rebuilt {
        writeln!(out, "{room:<12} {partition:>9} {n_given:>14} {n_bytes:>14}")?;
    }
    Ok(())
}
