//! The records that are read: those of a generated sample, or of any folder of real logs.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use ingest::Item;
use sample::SampleParams;
use schemas::{Message, Noun, Provider};

/// Whatever keeps a bench from running.
pub type BenchError = Box<dyn Error>;

/// The most dead letters of `ingest` among the files of a corpus, in hundredths of its records: more of them, and the
/// bench would measure how fast records are refused.
const MAX_REFUSED_PERCENT: usize = 5;

/// All raw log records of one cloud, as `ingest` hands them on.
#[derive(Debug)]
pub struct Corpus {
    /// The cloud.
    pub provider: Provider,
    /// The records; every one is a [`Message::RawRecord`].
    pub records: Vec<Message>,
    /// The bytes of their bodies.
    pub n_bytes: usize,
}

impl Corpus {
    /// The logs of a sample of 30 days and 200 identities, for each cloud; the same in every run.
    ///
    /// # Errors
    /// When the sample cannot be written to a folder for temporary files, or read back.
    pub fn of_sample() -> Result<Vec<Self>, BenchError> {
        let folder = tempfile::tempdir()?;
        sample::generate(&SampleParams::default(), folder.path())?;
        Self::of_folder(folder.path())
    }

    /// The logs below a folder, for each cloud of which there are some. Entitlement files are passed over.
    ///
    /// # Errors
    /// When a file cannot be read, or more than a few records are refused.
    pub fn of_folder(folder: &Path) -> Result<Vec<Self>, BenchError> {
        let mut files = Vec::new();
        walk(folder, &mut files)?;
        files.sort();
        let mut corpora = [Provider::Aws, Provider::Azure, Provider::Gcp].map(Self::empty);
        let (mut n_read, mut n_refused) = (0, 0);
        for path in &files {
            for item in ingest::split(File::open(path)?, None, "bench") {
                match item {
                    Item::Log(raw) => {
                        n_read += 1;
                        if let Some(corpus) = corpora.iter_mut().find(|corpus| corpus.provider == raw.provider) {
                            corpus.n_bytes += raw.body.0.len();
                            corpus.records.push(raw.into_message());
                        }
                    }
                    Item::Rejected(_) => n_refused += 1,
                    Item::Grant(_) => {}
                }
            }
        }
        if n_refused * 100 > n_read * MAX_REFUSED_PERCENT {
            return Err(format!("{n_refused} records are refused beside {n_read} that are read").into());
        }
        Ok(corpora.into_iter().filter(|corpus| !corpus.records.is_empty()).collect())
    }

    fn empty(provider: Provider) -> Self {
        Self { provider, records: Vec::new(), n_bytes: 0 }
    }
}

/// The bytes of a raw record.
pub(crate) fn body(message: &Message) -> &[u8] {
    match message {
        Message::RawRecord(raw) => &raw.body.0,
        _ => &[],
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), BenchError> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
