//! What can stop a generation: wrong parameters or a folder that cannot be written.

use std::{io, path::PathBuf};

/// Why no sample was written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A parameter is outside its bounds; the text names it, its value and the bounds.
    #[error("{0}")]
    Params(String),
    /// A file or folder could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The path that was being written.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// A value could not be turned into JSON.
    #[error("cannot encode `{what}` as JSON")]
    Encode {
        /// What was being encoded.
        what: &'static str,
        /// What the encoder said.
        source: serde_json::Error,
    },
}
