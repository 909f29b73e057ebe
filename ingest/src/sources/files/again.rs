//! A file that is read once more, for the dead letters that came of it.

use std::path::PathBuf;

use schemas::{DeadLetter, Origin, Time};

use super::index::Bytes;
use super::{FileSource, find, index};
use crate::Split;
use crate::split::N_VALUES;

/// How many values of its file a dead letter of ingest is of; they stand one behind another from its offset on.
#[must_use]
pub fn n_values(letter: &DeadLetter) -> i64 {
    let header = letter.headers.iter().find(|header| header.name == N_VALUES);
    let text = header.and_then(|header| std::str::from_utf8(&header.value.0).ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(1)
}

impl FileSource {
    /// The event time that an answer over what was read so far is as of.
    #[must_use]
    pub fn as_of(&self) -> Time {
        Time(self.answer_as_of())
    }

    /// Opens the file of an origin, from its beginning: its items have the offsets that they had.
    ///
    /// # Errors
    /// For people: when it is in none of the inputs, is no file, or is not what was read then.
    pub fn again(&self, origin: &Origin, now: Time) -> Result<Split<Bytes>, String> {
        let Some(full_name) = origin.file.as_deref() else { return Err("it came from no file".to_owned()) };
        let (name, generation) = match full_name.rsplit_once('#') {
            Some((name, n)) if n.parse::<u32>().is_ok_and(|n| n > 0) => (name, n.parse().unwrap_or_default()),
            _ => (full_name, 0),
        };
        let path = self.path_of(name)?;
        let stamp = |prefix| find::stamp(&path, prefix).map_err(|error| format!("cannot read `{name}`: {error}"));
        let known = self.cursor.known.get(name);
        let was_replaced = match known {
            Some(known) if known.stamp.n_bytes > 0 => {
                stamp(Some(known.stamp.prefix_bytes))?.prefix != known.stamp.prefix || known.generation != generation
            }
            Some(known) => known.generation != generation,
            None => false,
        };
        if was_replaced {
            return Err(format!("`{name}` was replaced since"));
        }
        let collected_at = find::date_in(name).unwrap_or(stamp(None)?.modified);
        let collected_at = collected_at.min(now.0).min(self.answer_as_of());
        let bytes = index::open(&path, 0, None).map_err(|error| format!("cannot read `{name}`: {error}"))?;
        Ok(Split::new(bytes, self.reading.options(full_name, &path, now.0, collected_at)))
    }

    fn path_of(&self, name: &str) -> Result<PathBuf, String> {
        if name == "-" {
            return Err("it came over standard input, which cannot be read again".to_owned());
        }
        let found = find::all(&self.inputs, self.reading.config.max_files).map_err(|error| error.to_string())?;
        match found.get(name) {
            Some(file) if matches!(file.what, find::What::File) => Ok(file.path.clone()),
            Some(_) => Err(format!("`{name}` is no file that can be read again")),
            None => Err(format!("`{name}` is below no `--input`; name the inputs that the run had")),
        }
    }
}
