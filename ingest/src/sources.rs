//! The feeds, one file each. The clouds' own feeds (S3 with SQS, Event Hubs, Pub/Sub) get theirs here.

mod arrival;
mod files;

pub use arrival::arrival;
pub use files::{FileSource, FileSourceParams, n_values};
