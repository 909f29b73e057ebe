//! Who reads which topics: the pipeline as data, checked before anything runs.

use crate::{Sink, Source, Transform, partition};

/// What the belt must know of a payload to route it.
#[derive(Debug)]
pub struct Wiring<P> {
    /// The topic a payload travels on.
    pub topic: fn(&P) -> &'static str,
    /// The bytes its partition is computed from, appended to a buffer; `false` sends it to every partition.
    pub key: fn(&P, &mut Vec<u8>) -> bool,
    /// Adds to a payload's revision, if it has one: rows of a state that was made anew win over those before.
    pub raise: fn(&mut P, i64),
}

impl<P> Clone for Wiring<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Wiring<P> {}

impl<P> Wiring<P> {
    /// The partition of a payload, or `None` for all of them.
    pub(crate) fn partition(&self, payload: &P, n_partitions: u32, buffer: &mut Vec<u8>) -> Option<u32> {
        buffer.clear();
        let keyed = (self.key)(payload, buffer);
        keyed.then(|| partition::of_key(buffer, n_partitions))
    }
}

type Build<P> = Box<dyn Fn(u32) -> Box<dyn Transform<P>> + Send>;

pub(crate) struct Room<P> {
    pub(crate) name: &'static str,
    pub(crate) reads: Vec<&'static str>,
    pub(crate) writes: Vec<&'static str>,
    pub(crate) n_partitions: u32,
    pub(crate) build: Build<P>,
}

pub(crate) struct Drain<P> {
    pub(crate) name: &'static str,
    pub(crate) reads: Vec<&'static str>,
    pub(crate) sink: Box<dyn Sink<P>>,
}

/// A source, rooms and sinks, joined by topics. Declared left to right: a room reads only what stands before it.
pub struct Topology<P> {
    pub(crate) wiring: Wiring<P>,
    pub(crate) source_name: &'static str,
    pub(crate) source_writes: Vec<&'static str>,
    pub(crate) source: Box<dyn Source<P>>,
    pub(crate) rooms: Vec<Room<P>>,
    pub(crate) sinks: Vec<Drain<P>>,
}

impl<P> Topology<P> {
    /// Begins with the source and the topics it writes.
    #[must_use]
    pub fn new(wiring: Wiring<P>, name: &'static str, writes: &[&'static str], source: Box<dyn Source<P>>) -> Self {
        let (rooms, sinks) = (Vec::new(), Vec::new());
        Self { wiring, source_name: name, source_writes: writes.to_vec(), source, rooms, sinks }
    }

    /// Reads from another source.
    #[must_use]
    pub fn with_source(self, source: Box<dyn Source<P>>) -> Self {
        Self { source, ..self }
    }

    /// Adds a room, one instance for each partition.
    #[must_use]
    pub fn room(
        mut self,
        name: &'static str,
        reads: &[&'static str],
        writes: &[&'static str],
        n_partitions: u32,
        build: impl Fn(u32) -> Box<dyn Transform<P>> + Send + 'static,
    ) -> Self {
        let (reads, writes) = (reads.to_vec(), writes.to_vec());
        self.rooms.push(Room { name, reads, writes, n_partitions: n_partitions.max(1), build: Box::new(build) });
        self
    }

    /// Adds a sink.
    #[must_use]
    pub fn sink(mut self, name: &'static str, reads: &[&'static str], sink: Box<dyn Sink<P>>) -> Self {
        self.sinks.push(Drain { name, reads: reads.to_vec(), sink });
        self
    }

    /// The names of the source, the rooms and the sinks, left to right.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let rooms = self.rooms.iter().map(|room| room.name);
        std::iter::once(self.source_name).chain(rooms).chain(self.sinks.iter().map(|sink| sink.name))
    }

    /// The names of the rooms.
    pub fn room_names(&self) -> impl Iterator<Item = &'static str> {
        self.rooms.iter().map(|room| room.name)
    }

    /// What a stored state fits: the rooms and their numbers of partitions.
    pub(crate) fn shape(&self) -> String {
        let rooms = self.rooms.iter().map(|room| format!("{}:{}", room.name, room.n_partitions));
        std::iter::once(self.source_name.to_owned()).chain(rooms).collect::<Vec<_>>().join(" ")
    }

    /// The first room or sink that reads a topic nobody before it writes, with that topic.
    #[must_use]
    pub fn unfed(&self) -> Option<(&'static str, &'static str)> {
        let mut written = self.source_writes.clone();
        for room in &self.rooms {
            if let Some(topic) = room.reads.iter().find(|topic| !written.contains(topic)) {
                return Some((room.name, topic));
            }
            written.extend(&room.writes);
        }
        let unfed =
            |sink: &Drain<P>| sink.reads.iter().find(|topic| !written.contains(topic)).map(|topic| (sink.name, *topic));
        self.sinks.iter().find_map(unfed)
    }
}
