//! Topics: who reads and writes which, and making those that are missing.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;

use super::Options;
use crate::clock::Stopwatch;
use crate::{Fault, Topology};

/// The largest record: room for a raw record of 16 MiB with its headers.
pub(super) const MAX_RECORD_BYTES: &str = "20971520";
/// How long a journal is kept, and how long a compacted topic keeps what newer records replace: a state that is older
/// cannot be brought up to date, and is rebuilt from the store.
const REPLAYABLE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long brokers may take to show a topic that was just made.
const VISIBLE_WITHIN: Duration = Duration::from_secs(20);

/// What becomes of old records of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// The newest record of each key stays.
    Compact,
    /// Every record stays for so long.
    Delete(Duration),
}

/// One topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name, without the prefix.
    pub name: &'static str,
    /// Whether every task of its readers reads all of it. Such a topic has one partition.
    pub is_broadcast: bool,
    /// What becomes of old records.
    pub cleanup: Cleanup,
}

/// Who writes which topic, with how many tasks, and what rooms read.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    writers: BTreeMap<&'static str, Vec<(&'static str, u32)>>,
    read_by_rooms: Vec<&'static str>,
    /// Rooms and the source, with their numbers of tasks.
    pub(super) rooms: Vec<(&'static str, u32)>,
}

impl Plan {
    pub(super) fn of<P>(topology: &Topology<P>) -> Self {
        let mut plan = Self::default();
        plan.note(topology.source_name, 1, &topology.source_writes);
        for room in &topology.rooms {
            plan.note(room.name, room.n_partitions, &room.writes);
            plan.read_by_rooms.extend(&room.reads);
        }
        plan
    }

    fn note(&mut self, room: &'static str, n: u32, writes: &[&'static str]) {
        self.rooms.push((room, n));
        for topic in writes {
            self.writers.entry(topic).or_default().push((room, n));
        }
    }

    /// Everybody who writes a topic and stands left of a reader, by the name that control records carry.
    pub(super) fn writers(&self, topic: &str, reader: &str) -> Vec<String> {
        let place = |room: &str| self.rooms.iter().position(|(name, _)| *name == room).unwrap_or(usize::MAX);
        let of = self.writers.get(topic).into_iter().flatten().filter(|(room, _)| place(room) < place(reader));
        of.flat_map(|(room, n)| (0..*n).map(move |partition| writer_name(room, partition))).collect()
    }

    /// The topics that a room writes.
    pub(super) fn written_by(&self, room: &str) -> Vec<&'static str> {
        let writes = |writers: &[(&str, u32)]| writers.iter().any(|(name, _)| *name == room);
        self.writers.iter().filter(|(_, writers)| writes(writers)).map(|(topic, _)| *topic).collect()
    }

    /// Whether event time must travel on a topic.
    pub(super) fn is_read_by_rooms(&self, topic: &str) -> bool {
        self.read_by_rooms.contains(&topic)
    }
}

pub(super) fn writer_name(room: &str, partition: u32) -> String {
    format!("{room}/{partition}")
}

/// The topic partitions that a task reads.
pub(super) fn inputs(
    options: &Options,
    reads: &[&'static str],
    partition: u32,
    n_tasks: u32,
) -> Vec<(&'static str, i32)> {
    let mut found = Vec::new();
    for topic in reads {
        let n = options.n_partitions_of(topic);
        if n == n_tasks && n_tasks > 1 {
            found.push((*topic, i32::try_from(partition).unwrap_or(i32::MAX)));
        } else {
            found.extend((0..i32::try_from(n).unwrap_or(i32::MAX)).map(|partition| (*topic, partition)));
        }
    }
    found
}

/// Makes the topics that are missing, checks the others.
pub(super) async fn prepare<P>(topology: &Topology<P>, options: &Options) -> Result<(), Fault> {
    let plan = Plan::of(topology);
    let mut wanted: Vec<(String, u32, Cleanup)> = options
        .topics
        .iter()
        .map(|spec| (options.topic(spec.name), options.n_partitions_of(spec.name), spec.cleanup))
        .collect();
    wanted.extend(plan.rooms.iter().map(|(room, n)| (options.journal(room), *n, Cleanup::Delete(REPLAYABLE))));
    for room in &topology.rooms {
        let fits = room.n_partitions == 1 || room.n_partitions == options.n_partitions;
        if !fits {
            let what = format!("has {} tasks, and topics have {} partitions", room.n_partitions, options.n_partitions);
            return Err(Fault::Kafka { what: format!("room `{}` {what}", room.name), why: None, is_passing: false });
        }
    }
    let admin: AdminClient<DefaultClientContext> =
        options.client.admin().create().map_err(|error| fault("cannot make a client", error))?;
    make(&admin, options, &wanted).await?;
    check(&admin, &wanted)
}

async fn make(
    admin: &AdminClient<DefaultClientContext>,
    options: &Options,
    wanted: &[(String, u32, Cleanup)],
) -> Result<(), Fault> {
    let lag_ms = REPLAYABLE.as_millis().to_string();
    let kept: Vec<String> = wanted
        .iter()
        .map(|(_, _, cleanup)| match cleanup {
            Cleanup::Compact => lag_ms.clone(),
            Cleanup::Delete(kept) => kept.as_millis().to_string(),
        })
        .collect();
    let new = wanted.iter().zip(&kept).map(|((name, n, cleanup), kept)| {
        let n = i32::try_from(*n).unwrap_or(i32::MAX);
        let topic = NewTopic::new(name, n, TopicReplication::Fixed(options.replication))
            .set("max.message.bytes", MAX_RECORD_BYTES);
        match cleanup {
            Cleanup::Compact => topic.set("cleanup.policy", "compact").set("min.compaction.lag.ms", kept),
            Cleanup::Delete(_) => topic.set("cleanup.policy", "delete").set("retention.ms", kept),
        }
    });
    let new: Vec<NewTopic<'_>> = new.collect();
    let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(30)));
    let made = admin.create_topics(&new, &options).await.map_err(|error| fault("cannot make topics", error))?;
    for result in made {
        match result {
            Ok(name) => tracing::info!(topic = name, "made"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => {
                return Err(Fault::Kafka {
                    what: format!("cannot make topic `{name}`: {code}"),
                    why: None,
                    is_passing: false,
                });
            }
        }
    }
    Ok(())
}

/// Topics that were made a moment ago show up a moment later.
fn check(admin: &AdminClient<DefaultClientContext>, wanted: &[(String, u32, Cleanup)]) -> Result<(), Fault> {
    let asked = Stopwatch::start();
    for (name, n, _) in wanted {
        loop {
            let metadata = admin
                .inner()
                .fetch_metadata(Some(name), Duration::from_secs(30))
                .map_err(|error| fault("cannot look at topics", error))?;
            let topic = metadata.topics().iter().find(|topic| topic.name() == name);
            match topic.map_or(0, |topic| topic.partitions().len()) {
                found if found == *n as usize => break,
                0 if asked.elapsed() < VISIBLE_WITHIN => std::thread::sleep(Duration::from_millis(100)),
                found => {
                    let what = format!(
                        "topic `{name}` has {found} partitions, and the settings say {n}; the number changes by a \
                         repartition alone"
                    );
                    return Err(Fault::Kafka { what, why: None, is_passing: false });
                }
            }
        }
    }
    Ok(())
}

pub(super) fn fault(what: &str, source: rdkafka::error::KafkaError) -> Fault {
    Fault::Kafka { what: what.to_owned(), why: Some(source.to_string()), is_passing: true }
}
