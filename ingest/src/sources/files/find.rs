//! Finds the files of an input: a file, a folder (all below it, hidden ones left out), a pattern, `-`.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use xxhash_rust::xxh3::xxh3_64;

use super::cursor::Stamp;
use crate::IngestError;

/// How many of a file's first bytes tell it from another that was moved to its place. A log's first 4 KiB hold ids.
const PREFIX_BYTES: u64 = 4096;

/// One input as it was asked for.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// `-`.
    Stdin,
    /// A file, folder or pipe.
    Path(PathBuf),
    /// A pattern with `*`, `?` or `[`.
    Glob(String),
}

/// One file found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) what: What,
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) enum What {
    File,
    Stream,
    Trouble(String),
}

impl Input {
    /// Reads an input's name.
    ///
    /// # Errors
    /// When it names nothing that is there.
    pub(super) fn parse(text: &str) -> Result<Self, IngestError> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        let path = PathBuf::from(text);
        match path.metadata() {
            Ok(_) => Ok(Self::Path(path)),
            Err(_) if text.contains(['*', '?', '[']) => Self::pattern(text),
            Err(source) => Err(IngestError::Input { path, source }),
        }
    }

    fn pattern(text: &str) -> Result<Self, IngestError> {
        let mut matches =
            glob::glob(text).map_err(|source| IngestError::Pattern { pattern: text.to_owned(), source })?;
        if matches.next().is_none() {
            return Err(IngestError::NoMatch(text.to_owned()));
        }
        Ok(Self::Glob(text.to_owned()))
    }
}

/// Every file of the inputs by its stable name: its path below its input. A name that a later input has too is told
/// apart by the input's number; a file that two inputs name is found once.
pub(super) fn all(inputs: &[Input], max_files: usize) -> Result<BTreeMap<String, Found>, IngestError> {
    let mut found = BTreeMap::new();
    let mut paths = std::collections::BTreeSet::new();
    for (input, number) in inputs.iter().zip(1..) {
        each(input, &mut |name: String, file: Found| {
            let real = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
            if !paths.insert(real) {
                return Ok(());
            }
            let name = if found.contains_key(&name) { format!("input-{number}/{name}") } else { name };
            found.insert(name, file);
            if found.len() > max_files { Err(IngestError::TooManyFiles(max_files)) } else { Ok(()) }
        })?;
    }
    Ok(found)
}

type Take<'a> = &'a mut dyn FnMut(String, Found) -> Result<(), IngestError>;

fn each(input: &Input, take: Take<'_>) -> Result<(), IngestError> {
    match input {
        Input::Stdin => take("-".to_owned(), Found { path: PathBuf::from("-"), what: What::Stream }),
        Input::Path(path) if path.is_dir() => below(path, path, take),
        Input::Path(path) => one(path, path.parent().unwrap_or(path), take),
        Input::Glob(pattern) => {
            let root = fixed_part(pattern);
            let matches =
                glob::glob(pattern).map_err(|source| IngestError::Pattern { pattern: pattern.clone(), source })?;
            for path in matches {
                match path {
                    Ok(path) if path.is_dir() => below(&path, &root, take)?,
                    Ok(path) => one(&path, &root, take)?,
                    Err(error) => {
                        let trouble = What::Trouble(error.error().to_string());
                        take(name_of(error.path(), &root), Found { path: error.path().to_owned(), what: trouble })?;
                    }
                }
            }
            Ok(())
        }
    }
}

fn one(path: &Path, root: &Path, take: Take<'_>) -> Result<(), IngestError> {
    let what = match path.metadata() {
        Ok(about) if about.is_file() => What::File,
        Ok(_) => What::Stream,
        Err(error) => What::Trouble(error.to_string()),
    };
    take(name_of(path, root), Found { path: path.to_owned(), what })
}

fn below(folder: &Path, root: &Path, take: Take<'_>) -> Result<(), IngestError> {
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let walk = walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                take(name_of(entry.path(), root), Found { path: entry.into_path(), what: What::File })?;
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                let reason = error
                    .io_error()
                    .map_or_else(|| "a link leads back to its own folder".to_owned(), ToString::to_string);
                take(name_of(&path, root), Found { path, what: What::Trouble(reason) })?;
            }
        }
    }
    Ok(())
}

/// The folders of a pattern before its first wild one.
fn fixed_part(pattern: &str) -> PathBuf {
    let wild = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    let fixed = pattern.get(..wild).unwrap_or_default();
    PathBuf::from(fixed.rfind('/').and_then(|slash| fixed.get(..slash)).unwrap_or_default())
}

fn name_of(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// How a file looks now. `prefix_bytes` says how much of its start to hash; `None` takes the usual amount.
pub(super) fn stamp(path: &Path, prefix_bytes: Option<u64>) -> std::io::Result<Stamp> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    let wanted = prefix_bytes.unwrap_or_else(|| about.len().min(PREFIX_BYTES));
    let mut head = Vec::new();
    file.take(wanted).read_to_end(&mut head)?;
    Ok(Stamp {
        n_bytes: about.len(),
        modified: modified(&about),
        prefix_bytes: head.len() as u64,
        prefix: xxh3_64(&head),
    })
}

/// When a file was last written, in microseconds since the epoch.
fn modified(about: &Metadata) -> i64 {
    let since = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// A date that a path names, such as `2026-10-31` or `20261031T120000Z`, nearest to the file's own name.
pub(super) fn date_in(name: &str) -> Option<i64> {
    name.rsplit('/').find_map(|part| (0..part.len()).find_map(|from| date_at(part.get(from..)?)))
}

fn date_at(text: &str) -> Option<i64> {
    let shape = |n: usize| -> Option<String> {
        let part = text.get(..n)?;
        Some(part.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect())
    };
    let utc =
        |civil: jiff::civil::DateTime| jiff::tz::Offset::UTC.to_timestamp(civil).ok().map(|at| at.as_microsecond());
    if shape(16).as_deref() == Some("00000000T000000Z") {
        return utc(jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text.get(..16)?).ok()?);
    }
    if shape(10).as_deref() == Some("0000-00-00") {
        let date: jiff::civil::Date = text.get(..10)?.parse().ok()?;
        return utc(date.at(0, 0, 0, 0));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_name_a_date() {
        let day = Some(1_793_404_800_000_000);
        assert_eq!(date_in("aws/2026-10-31/x.json"), day);
        assert_eq!(date_in("aws/2020-01-01/roles-20261031T000000Z.json"), day);
        assert_eq!(date_in("a/111122223333/y.json"), None);
        assert_eq!(date_in("2026-13-31/ü.json"), None);
    }
}
