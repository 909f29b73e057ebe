//! Reads the world into records.

use futures::future::BoxFuture;

use crate::metrics::Probe;
use crate::{Fault, Progress, StateError};

/// What a source has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled<P> {
    /// Records, and then how far its feeds have read by event time.
    Records(Vec<P>, Vec<Progress>),
    /// Nothing just now; the source has waited a little (it must not spin).
    Idle,
    /// There is nothing more, ever; the answer is as of this event time in microseconds since the epoch.
    End(i64),
}

/// The left end of a pipeline. Asynchronous, since it touches the world.
pub trait Source<P>: Send {
    /// Reads on: at most about `max_records`, so that a batch stays small.
    fn poll(&mut self, max_records: usize) -> BoxFuture<'_, Result<Polled<P>, Fault>>;

    /// Writes its cursors: everything needed to go on after the records handed out so far, in the same order and with
    /// the same offsets.
    ///
    /// # Errors
    /// When they cannot be written.
    fn snapshot(&self) -> Result<Vec<u8>, StateError>;

    /// Goes on from cursors.
    ///
    /// # Errors
    /// When they are damaged or of a newer format.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError>;

    /// Where its numbers can be asked for while it works; asked for once, before the first poll.
    fn probe(&self) -> Option<Probe> {
        None
    }
}
