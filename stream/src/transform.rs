//! A room: a pure, synchronous step between topics.

use crate::metrics::Reading;
use crate::{Batch, StateError, Watermarks};

/// What a room hands back: records for the topics on its right, and records it had to reject.
#[derive(Debug, PartialEq, Eq)]
pub struct Output<P> {
    /// Records that go on.
    pub emitted: Vec<P>,
    /// Dead letters, each with its reason and its bytes, one for each record that could not be used.
    pub rejected: Vec<P>,
}

impl<P> Default for Output<P> {
    fn default() -> Self {
        Self { emitted: Vec::new(), rejected: Vec::new() }
    }
}

impl<P> Output<P> {
    /// Passes a record on.
    pub fn emit(&mut self, payload: impl Into<P>) {
        self.emitted.push(payload.into());
    }

    /// Rejects a record, as its dead letter.
    pub fn reject(&mut self, dead_letter: impl Into<P>) {
        self.rejected.push(dead_letter.into());
    }
}

/// What a room's state is made anew from, when no snapshot of it is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remade {
    /// What it read is given again.
    FromInputs,
    /// What it wrote is recalled: that holds its state, or its inputs are kept nowhere as they were.
    FromOutputs,
    /// What it wrote is recalled first, then what it read is given again.
    FromBoth,
}

/// One room, or one stage of it. It does no I/O, asks no clock and cannot fail: what it cannot use it rejects.
///
/// The belt calls `apply` for records and `advance` when event time has moved on, in the order of the data; then `settle`,
/// and after it `snapshot` and the commit. After a crash it calls `restore` on a fresh room and gives it again every record
/// after that snapshot, so what a room emits must be a function of its state and its input alone.
pub trait Transform<P>: Send {
    /// Takes a batch. How records are cut into batches must not change the answer.
    fn apply(&mut self, batch: Batch<P>, out: &mut Output<P>);

    /// Event time has moved on: closes windows.
    fn advance(&mut self, watermarks: &Watermarks, out: &mut Output<P>) {
        let _ = (watermarks, out);
    }

    /// Records were taken in, and a commit or the end follows: says what need not be said after each batch, and what they
    /// tell on answers that no event time may follow any more, such as grants on scores while no log goes on.
    fn settle(&mut self, out: &mut Output<P>) {
        let _ = out;
    }

    /// All inputs have ended: emits, as provisional where a window is still open, what is known as of a time
    /// (microseconds since the epoch). State stays as it is, since a later run may go on from it.
    fn finish(&mut self, as_of: i64, out: &mut Output<P>) {
        let _ = (as_of, out);
    }

    /// Writes the whole state, with a format version of its own. A room without state writes nothing.
    ///
    /// # Errors
    /// When the state cannot be written.
    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        Ok(Vec::new())
    }

    /// Reads a state that `snapshot` wrote, perhaps in an earlier release.
    ///
    /// # Errors
    /// When the bytes are damaged or of a newer format. It is a fault: a room never starts afresh silently.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        if bytes.is_empty() { Ok(()) } else { Err(StateError::Unexpected(bytes.len())) }
    }

    /// What its state is made anew from.
    fn remade(&self) -> Remade {
        Remade::FromInputs
    }

    /// Takes rows back that it wrote before, as a store has them. Called on a fresh room, before anything else.
    fn recall(&mut self, written: Batch<P>) {
        let _ = written;
    }

    /// Everything was recalled and given again: takes back what it wrote and would write no more.
    fn recalled(&mut self, out: &mut Output<P>) {
        let _ = out;
    }

    /// Tells what it has counted since it was made, for whoever watches; see [`crate::counters`]. Nothing of it is state.
    fn metrics(&self, out: &mut dyn FnMut(Reading)) {
        let _ = out;
    }
}
