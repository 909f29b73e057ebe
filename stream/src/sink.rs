//! Writes records into the world.

use futures::future::BoxFuture;

use crate::metrics::Probe;
use crate::{Batch, Fault};

/// What a manifest remembers of a sink, such as the names of its files: readable JSON, since readers of the store
/// read it too.
pub type SinkState = serde_json::Value;

/// The right end of a pipeline. Asynchronous, since it touches the world.
pub trait Sink<P>: Send {
    /// Starts from what the last manifest remembers (`null` at the very first start), and removes what earlier runs
    /// left behind that no manifest names.
    fn restore(&mut self, state: SinkState) -> BoxFuture<'_, Result<(), Fault>>;

    /// Whether it wants something remembered between its starts. What does not may run in several processes at once.
    fn keeps_state(&self) -> bool {
        true
    }

    /// Takes a batch; it need not be durable yet.
    fn write(&mut self, batch: Batch<P>) -> BoxFuture<'_, Result<(), Fault>>;

    /// Makes everything durable that was written before, and says what the manifest must remember of it. Until the
    /// manifest is in place nobody may see it.
    fn commit(&mut self, epoch: u64) -> BoxFuture<'_, Result<SinkState, Fault>>;

    /// The manifest of that epoch is in place: the sink may show it and remove what older manifests needed.
    fn committed(&mut self, epoch: u64) -> BoxFuture<'_, Result<(), Fault>> {
        let _ = epoch;
        Box::pin(std::future::ready(Ok(())))
    }

    /// Where its numbers can be asked for while it works, or waits for its store; asked for once, at the start.
    fn probe(&self) -> Option<Probe> {
        None
    }
}
