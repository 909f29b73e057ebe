//! What can go wrong when a catalogue is extended.

/// A listing that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExtendError {
    /// Not JSON, or JSON of another shape.
    #[error("not a listing of `{0}` actions; give what `{1}` prints")]
    Shape(schemas::Provider, &'static str, #[source] serde_json::Error),
}
