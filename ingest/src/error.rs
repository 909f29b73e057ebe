//! What stops ingest: settings and inputs that cannot be, and a broken world.

use std::path::PathBuf;

use bytesize::ByteSize;

/// Settings that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A bound of nothing.
    #[error("`ingest.{setting}` must be above 0")]
    Zero {
        /// Which one.
        setting: &'static str,
    },
    /// A record may not be larger than the snapshot it stands in.
    #[error("`ingest.max_record` {record} is larger than `ingest.max_snapshot` {snapshot}")]
    Larger {
        /// The largest record.
        record: ByteSize,
        /// The largest snapshot.
        snapshot: ByteSize,
    },
}

/// Inputs that cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// An input that was asked for by name.
    #[error("cannot read input `{path}`")]
    Input {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A pattern that is none.
    #[error("input `{pattern}` is no pattern: {source}")]
    Pattern {
        /// Which one.
        pattern: String,
        /// Why not.
        source: glob::PatternError,
    },
    /// A pattern without files.
    #[error("input `{0}` matches no file")]
    NoMatch(String),
    /// More files than the bound.
    #[error("there are more than {0} files; raise `ingest.max_files`")]
    TooManyFiles(usize),
}
