//! Another number of partitions: more of them, which is what brokers can do.
//!
//! Everybody has come to the end of his topics. The topics grow, and the states are made anew from the store, standing at
//! the topics' ends. Then the records that compacted topics keep move to where their keys belong now, with a tombstone
//! where they were; rooms know them already and take them for the same. Whatever breaks off is begun again: a mark among
//! the states says from which number.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::Message;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use tokio::runtime::Handle;

use super::rebuild::from_archive;
use super::scan::Scanner;
use super::standstill::{self, Stand};
use super::tool::{Tool, incoming};
use super::topics::{Cleanup, fault};
use super::{Archive, Codec, Decoded, Options, Rebuilt, Shared};
use crate::{Fault, Topology};

/// How long the brokers may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many records move in one transaction.
const IN_ONE: usize = 5_000;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repartitioned {
    /// How many partitions there were.
    pub from: u32,
    /// The states.
    pub rebuilt: Vec<Rebuilt>,
    /// How many records of compacted topics moved.
    pub n_moved: u64,
}

/// Brings topics and states to the number of partitions that the options name. `build` makes the topology for a number.
/// `None` when it is that already.
///
/// # Errors
/// When there would be fewer, a process of the house runs, a room or the store is behind the topics, or brokers or store
/// cannot be reached.
pub fn repartition<P: Clone + Send + Sync + 'static>(
    build: &dyn Fn(u32) -> Topology<P>,
    options: &Options,
    codec: &Arc<dyn Codec<P>>,
    handle: &Handle,
    archive: &mut dyn Archive<P>,
) -> Result<Option<Repartitioned>, Fault> {
    let admin: AdminClient<DefaultClientContext> =
        options.client.admin().create().map_err(|error| fault("cannot make a client", error))?;
    let to = options.n_partitions;
    let begun = handle.block_on(options.snapshots.mark())?;
    let from = match begun {
        Some(from) => from,
        None => least(&admin, options)?,
    };
    if from == to {
        return Ok(None);
    }
    if from > to {
        let what = format!("there are {from} partitions, and brokers take none away: {to} are too few");
        return Err(Fault::Kafka { what, why: None, is_passing: false });
    }
    let before = Options { n_partitions: from, ..options.clone() };
    let old = build(from);
    check(&old, &Shared::beside(&old, &before, Arc::clone(codec), handle)?, archive)?;
    handle.block_on(options.snapshots.set_mark(from))?;
    let topology = build(to);
    let shared = Shared::beside(&topology, options, Arc::clone(codec), handle)?;
    let tasks = shared.plan.rooms.iter().filter(|(_, n)| *n == to && to > 1).map(|(room, _)| options.journal(room));
    let topics = options.topics.iter().filter(|spec| !spec.is_broadcast).map(|spec| options.topic(spec.name));
    grow(&admin, &tasks.chain(topics).collect::<Vec<_>>(), to, handle)?;
    let rebuilt = from_archive(&shared, &topology, &|_, _| true, Stand::AtEnds, archive)?;
    let n_moved = move_records(&shared, codec, from)?;
    handle.block_on(options.snapshots.remove_mark())?;
    Ok(Some(Repartitioned { from, rebuilt, n_moved }))
}

/// Nobody runs, and everybody has taken everything.
fn check<P: Clone + Send + Sync + 'static>(
    topology: &Topology<P>,
    shared: &Shared<P>,
    archive: &mut dyn Archive<P>,
) -> Result<(), Fault> {
    let scanner = Scanner::open(&shared.options)?;
    standstill::check(shared, &scanner, archive.sink(), |topic| archive.keeps(topic))?;
    topology.rooms.iter().try_for_each(|room| standstill::check_taken(shared, &scanner, room))
}

/// The least number of partitions that a topic has.
fn least(admin: &AdminClient<DefaultClientContext>, options: &Options) -> Result<u32, Fault> {
    let metadata =
        admin.inner().fetch_metadata(None, PATIENCE).map_err(|error| fault("cannot look at topics", error))?;
    let wanted: BTreeSet<String> =
        options.topics.iter().filter(|spec| !spec.is_broadcast).map(|spec| options.topic(spec.name)).collect();
    let found = metadata.topics().iter().filter(|topic| wanted.contains(topic.name()));
    let least = found.map(|topic| topic.partitions().len()).min().and_then(|n| u32::try_from(n).ok());
    least.ok_or_else(|| Fault::Kafka {
        what: "the topics are not there yet: run the house first".to_owned(),
        why: None,
        is_passing: false,
    })
}

/// Gives topics that have fewer so many partitions.
fn grow(admin: &AdminClient<DefaultClientContext>, topics: &[String], to: u32, handle: &Handle) -> Result<(), Fault> {
    let metadata =
        admin.inner().fetch_metadata(None, PATIENCE).map_err(|error| fault("cannot look at topics", error))?;
    let to = to as usize;
    let small = metadata.topics().iter().filter(|topic| topics.iter().any(|name| name == topic.name()));
    let small: Vec<&str> = small.filter(|topic| topic.partitions().len() < to).map(|topic| topic.name()).collect();
    let new: Vec<NewPartitions<'_>> = small.iter().map(|name| NewPartitions::new(name, to)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    let grown = handle
        .block_on(admin.create_partitions(&new, &options))
        .map_err(|error| fault("cannot give topics more partitions", error))?;
    for result in grown {
        result.map_err(|(topic, code)| Fault::Kafka {
            what: format!("cannot give topic `{topic}` more partitions: {code}"),
            why: None,
            is_passing: false,
        })?;
    }
    Ok(())
}

/// Moves what compacted topics keep to where it belongs now; says how many records moved.
fn move_records<P: Clone + Send + Sync + 'static>(
    shared: &Shared<P>,
    codec: &Arc<dyn Codec<P>>,
    from: u32,
) -> Result<u64, Fault> {
    let options = &shared.options;
    let mut tool = Tool::open(options, Arc::clone(codec), shared.wiring, "repartition")?;
    let scanner = Scanner::open(options)?;
    let (mut n_moved, mut n_open, mut key) = (0, 0, Vec::new());
    let compacted = |spec: &&super::TopicSpec| !spec.is_broadcast && spec.cleanup == Cleanup::Compact;
    for spec in options.topics.iter().filter(compacted) {
        let partitions = 0..i32::try_from(from).unwrap_or(i32::MAX);
        scanner.all(&options.topic(spec.name), partitions, |message| {
            let Some(record) = incoming(message, options.topic_prefix.len()) else { return Ok(()) };
            let Decoded::Payload(payload) = codec.decode(&record)? else { return Ok(()) };
            let belongs = shared.wiring.partition(&payload, options.n_partitions, &mut key).unwrap_or(0);
            let belongs = i32::try_from(belongs).unwrap_or(i32::MAX);
            if belongs == message.partition() {
                return Ok(());
            }
            let key = record.key.unwrap_or_default();
            tool.send_parts(spec.name, belongs, key, record.value, &record.headers)?;
            tool.send_parts(spec.name, message.partition(), key, None, &[])?;
            n_moved += 1;
            n_open += 1;
            if n_open >= IN_ONE {
                tool.commit()?;
                n_open = 0;
            }
            Ok(())
        })?;
    }
    tool.commit()?;
    Ok(n_moved)
}
