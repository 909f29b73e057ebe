//! The belt: moves records between rooms, once each, however often the process dies.
//!
//! # Layout
//!
//! A [`Source`] reads the world, a [`Transform`] is a room (pure and synchronous), a [`Sink`] writes the world.
//! A [`Topology`] says who reads which topics. [`embedded::run`] joins them in one process over bounded channels;
//! its one commit point is the [`manifest::Manifest`].
//!
//! # How nothing is lost and nothing counted twice, in one process
//!
//! The source cuts its output with numbered *barriers*. A barrier travels through every channel behind the records
//! it closes off. A room that has the barrier on all of its inputs has seen exactly the records before it, so its
//! state then is a consistent cut: it stores a snapshot and sends the barrier on. A sink makes durable what it was
//! given. When everybody has acknowledged, the manifest is replaced by rename: it names the cursors of the source,
//! the snapshots of the rooms and the files of the sinks. After a crash everything starts from one manifest; what no
//! manifest names is garbage. On Kafka, the same rooms run in a loop of their own whose commit is a transaction with
//! the offsets of its inputs.
//!
//! **Invariants:** this crate knows nothing of ours. A room asks no clock and does no I/O. Every channel has a bound,
//! and a full one stops its sender.

pub mod bodies;
pub mod clock;
pub mod embedded;
mod error;
pub mod failpoint;
mod joined;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod manifest;
pub mod metrics;
pub mod partition;
mod record;
#[cfg(feature = "registry")]
pub mod registry;
mod sink;
pub mod snapshot;
mod source;
mod topology;
mod transform;
mod watermark;

pub use error::{Fault, StateError};
pub use joined::Joined;
pub use record::{Batch, Position, Record};
pub use sink::{Sink, SinkState};
pub use source::{Polled, Source};
pub use topology::{Topology, Wiring};
pub use transform::{Output, Remade, Transform};
pub use watermark::{Progress, Watermarks};
