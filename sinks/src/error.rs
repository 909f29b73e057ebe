//! What can go wrong in the sinks: all of it is a broken world, since rejected records never get here.

use std::path::PathBuf;

use stream::Fault;

/// Why the lake cannot be written or read back.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// A name that is no table.
    #[error("no table is called `{0}`")]
    NoTable(String),
    /// A noun without an Arrow form.
    #[error(transparent)]
    Schema(#[from] schemas::arrow::ArrowError),
    /// Rows that do not fit their schema, which is a mistake of ours.
    #[error("rows of `{table}` do not become columns")]
    Columns {
        /// The table.
        table: &'static str,
        /// Why not.
        source: Box<serde_arrow::Error>,
    },
    /// Columns that cannot be sorted, joined or cut.
    #[error("columns of `{table}` cannot be put in order")]
    Arrow {
        /// The table.
        table: &'static str,
        /// Why not.
        source: arrow::error::ArrowError,
    },
    /// A Parquet file that cannot be made.
    #[error("a file of `{table}` cannot be made")]
    Encode {
        /// The table.
        table: &'static str,
        /// Why not.
        source: parquet::errors::ParquetError,
    },
    /// A Parquet file that cannot be read back.
    #[error("the file `{path}` cannot be read; it is damaged, or something else changed the store")]
    Decode {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: parquet::errors::ParquetError,
    },
    /// A file or folder.
    #[error("cannot {verb} `{path}`")]
    File {
        /// What was tried.
        verb: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The manifest's words about the lake.
    #[error("what the manifest says of the lake is damaged: {0}")]
    State(String),
    /// A state of a later release.
    #[error("the lake has format {found}, and this release reads up to {known}; use the release that wrote it")]
    Newer {
        /// The format found.
        found: u64,
        /// The newest one known.
        known: u32,
    },
    /// A worker thread that panicked, which is a mistake of ours.
    #[error("writing the lake panicked; please report this, with the message above")]
    Panicked,
}

/// An error and its causes on one line.
#[cfg(feature = "clickhouse")]
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some errors repeat their cause in their own words.
        if !words.iter().any(|said| said.contains(&text)) {
            words.push(text);
        }
        cause = error.source();
    }
    words.join(": ")
}

impl LakeError {
    /// Binds an error of the file system to what was tried.
    pub(crate) fn file(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { verb, path, source }
    }

    /// The fault that stops the belt.
    pub(crate) fn into_fault(self, sink: &'static str) -> Fault {
        match self {
            Self::File { verb, path, source } => Fault::File { verb, path, source },
            other => Fault::edge(sink, other),
        }
    }
}
