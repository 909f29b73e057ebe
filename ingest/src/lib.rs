//! Ingest: reads files of three clouds into raw records and raw grants, their bytes untouched.
mod codec;
mod grants;
mod split;
pub use split::{Item, Split, SplitOptions, split};
