//! A broken world: what stops a pipeline with nothing committed. Bad data is no fault but a dead letter.

use std::path::PathBuf;

/// State that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A room without state was given some.
    #[error("found {0} bytes of state for a room that keeps none")]
    Unexpected(usize),
    /// The format is newer than this release.
    #[error("the state has format {found}, and this release reads up to {known}; use the release that wrote it")]
    Newer {
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// The bytes do not add up.
    #[error("the state is damaged: {0}")]
    Damaged(String),
}

/// A fault.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file or folder.
    #[error("cannot {verb} `{path}`")]
    File {
        /// What was tried: read, write …
        verb: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The object store of snapshots.
    #[error("cannot {verb} object `{name}`")]
    Object {
        /// What was tried.
        verb: &'static str,
        /// Which one.
        name: String,
        /// Why not.
        source: object_store::Error,
    },
    /// A room's state.
    #[error("room `{room}`, partition {partition}")]
    State {
        /// The room.
        room: String,
        /// Its partition.
        partition: u32,
        /// Why.
        source: StateError,
    },
    /// The manifest.
    #[error("the manifest `{path}` {what}")]
    Manifest {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Another process uses the store.
    #[error("the store `{0}` is in use by another process")]
    Locked(PathBuf),
    /// The store was written by another pipeline.
    #[error("the store was written with {was}, and now there is {is}; use the same settings or another store")]
    Shape {
        /// What the manifest has.
        was: String,
        /// What the topology has.
        is: String,
    },
    /// A room or an edge ended before its time.
    #[error("`{0}` ended early; its own message comes first")]
    Ended(String),
    /// A room panicked, which is a mistake of ours.
    #[error("`{0}` panicked; please report this, with the message above")]
    Panicked(String),
    /// The brokers, or what they hold.
    #[error("{what}{}", why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Kafka {
        /// What was tried.
        what: String,
        /// Why not.
        why: Option<String>,
        /// Whether the task may try again from its last commit.
        is_passing: bool,
    },
    /// An edge's own fault.
    #[error("{room}")]
    Edge {
        /// The source or sink.
        room: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Fault {
    /// Wraps an edge's own error.
    pub fn edge(room: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Edge { room, source: source.into() }
    }
}
