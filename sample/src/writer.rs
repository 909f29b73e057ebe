//! Files: folders made on the way, gzip without a timestamp, records streamed one by one.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use serde::Serialize;

use crate::error::SampleError;

/// Writes below one folder.
#[derive(Debug)]
pub(crate) struct Writer {
    root: PathBuf,
}

impl Writer {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn create(&self, path: &str) -> Result<(PathBuf, BufWriter<File>), SampleError> {
        let full = self.root.join(path);
        let fault = |source| SampleError::Write { path: full.clone(), source };
        if let Some(folder) = full.parent() {
            fs::create_dir_all(folder).map_err(fault)?;
        }
        let file = File::create(&full).map_err(fault)?;
        Ok((full, BufWriter::new(file)))
    }

    /// One JSON document, indented as the command line tools print it.
    pub(crate) fn pretty<T: Serialize>(&self, path: &str, what: &'static str, value: &T) -> Result<(), SampleError> {
        let mut text = serde_json::to_vec_pretty(value).map_err(|source| SampleError::Encode { what, source })?;
        text.push(b'\n');
        self.bytes(path, &text)
    }

    /// Raw bytes.
    pub(crate) fn bytes(&self, path: &str, bytes: &[u8]) -> Result<(), SampleError> {
        let (full, mut file) = self.create(path)?;
        let written = file.write_all(bytes).and_then(|()| file.flush());
        written.map_err(|source| SampleError::Write { path: full, source })
    }

    /// `{"<key>":[…]}`, or a bare array when the key is empty; gzip when the name says so.
    pub(crate) fn envelope(&self, path: &str, key: &str, records: &[Vec<u8>]) -> Result<(), SampleError> {
        let (open, close) = if key.is_empty() { ("[".to_owned(), "]") } else { (format!("{{\"{key}\":["), "]}") };
        self.joined(path, &open, b",", close, records)
    }

    /// One record a line.
    pub(crate) fn lines(&self, path: &str, records: &[Vec<u8>]) -> Result<(), SampleError> {
        self.joined(path, "", b"\n", "\n", records)
    }

    fn joined(
        &self,
        path: &str,
        open: &str,
        between: &[u8],
        close: &str,
        records: &[Vec<u8>],
    ) -> Result<(), SampleError> {
        let (full, file) = self.create(path)?;
        let done = if path.ends_with(".gz") {
            let mut out = GzEncoder::new(file, Compression::fast());
            join(&mut out, open, between, close, records).and_then(|()| out.finish()?.flush())
        } else {
            let mut out = file;
            join(&mut out, open, between, close, records).and_then(|()| out.flush())
        };
        done.map_err(|source| SampleError::Write { path: full, source })
    }
}

fn join(out: &mut impl Write, open: &str, between: &[u8], close: &str, records: &[Vec<u8>]) -> std::io::Result<()> {
    out.write_all(open.as_bytes())?;
    for (i, record) in records.iter().enumerate() {
        if i > 0 {
            out.write_all(between)?;
        }
        out.write_all(record)?;
    }
    out.write_all(close.as_bytes())
}

/// A record as compact bytes.
pub(crate) fn encode(record: &serde_json::Value) -> Result<Vec<u8>, SampleError> {
    serde_json::to_vec(record).map_err(|source| SampleError::Encode { what: "log record", source })
}
