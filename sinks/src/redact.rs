//! The redaction list: which values of a raw body are replaced before anything is stored.
//!
//! A pattern is a path of JSON names with dots between, compared without regard to case, and matches every value whose
//! path *ends* with it; `*` stands for one name, and in front it changes nothing (`*.password` is `password`). Places
//! in arrays do not count. Of a string the bytes between its quotes become `REDACTED`, a number becomes `0`, and of an
//! object or array so does everything inside. Every other byte of the body stays as it came.
//!
//! JSON inside a JSON string is looked into as well, since Azure logs request bodies that way. Broken JSON is first
//! read as far as it makes sense, and then searched for the names alone: better one value too many.

mod by_name;
mod scan;

use std::collections::HashMap;
use std::ops::Range;

/// What is replaced unless the config says otherwise: names under which the three clouds log secrets. Names that are
/// also harmless (`key`, `token`, `authorization`, `secret`) are not here: S3 keys and Azure scopes are evidence.
pub const DEFAULT: &[&str] = &[
    "*.password",
    "*.masterUserPassword",
    "*.adminPassword",
    "*.administratorLoginPassword",
    "*.newPassword",
    "*.oldPassword",
    "*.currentPassword",
    "*.loginPassword",
    "*.rootPassword",
    "*.passwd",
    "*.secretAccessKey",
    "*.sessionToken",
    "*.tokenValue",
    "*.secretString",
    "*.secretBinary",
    "*.clientSecret",
    "*.secretText",
    "*.privateKey",
    "*.privateKeyData",
    "*.private_key",
    "*.sasToken",
    "*.connectionString",
    "*.primaryConnectionString",
    "*.secondaryConnectionString",
    "*.accountKey",
    "*.sharedAccessKey",
    "*.storageAccountAccessKey",
    "*.accessToken",
    "*.access_token",
    "*.refreshToken",
    "*.refresh_token",
    "*.id_token",
    "*.authToken",
    "*.apiKey",
    "*.api_key",
    "*.plaintext",
    "*.passphrase",
    "*.preSharedKey",
    "*.environment.variables.*",
];

/// What stands where a string was.
pub(crate) const REDACTED: &[u8] = b"REDACTED";
/// Headers that are credentials, whatever the list says: in a body these names may be evidence, in a header never.
const SECRET_HEADERS: &[&str] = &["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];
/// Longer names match nothing, so that they need not be copied.
const MAX_NAME_BYTES: usize = 64;

/// A list of patterns, ready to be applied.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    /// For each last name in lower case (`*` for any), the names before it, the last one first.
    by_last: HashMap<Vec<u8>, Vec<Vec<Vec<u8>>>>,
}

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The bytes that go.
    pub(crate) range: Range<usize>,
    /// What comes in their place.
    pub(crate) with: &'static [u8],
}

impl Redaction {
    /// Reads patterns.
    ///
    /// # Errors
    /// Returns the pattern that names nothing.
    pub fn new(patterns: &[String]) -> Result<Self, String> {
        let mut by_last: HashMap<Vec<u8>, Vec<Vec<Vec<u8>>>> = HashMap::new();
        for pattern in patterns {
            let mut names: Vec<Vec<u8>> =
                pattern.split('.').map(|name| name.to_ascii_lowercase().into_bytes()).collect();
            let leading = names.iter().take_while(|name| *name == b"*").count();
            names.drain(..leading);
            let last = names.pop().filter(|_| !names.iter().any(Vec::is_empty)).unwrap_or_default();
            if last.is_empty() {
                return Err(pattern.clone());
            }
            names.reverse();
            by_last.entry(last).or_default().push(names);
        }
        Ok(Self { by_last })
    }

    /// Replaces what the list names: the new bytes and how many values were replaced, or `None` when there was none.
    #[must_use]
    pub fn apply(&self, body: &[u8]) -> Option<(Vec<u8>, usize)> {
        if self.by_last.is_empty() {
            return None;
        }
        let mut found = scan::scan(self, body, 0);
        if found.is_broken {
            by_name::search(self, body, 0..body.len(), &mut found.edits);
        }
        let edits = in_order(found.edits);
        (!edits.is_empty()).then(|| (replace(body, &edits), edits.len()))
    }

    /// Whether a value under `name` below `parents` (the nearest first) is on the list.
    pub(crate) fn matches<'a>(&self, name: &[u8], parents: impl Iterator<Item = &'a [u8]> + Clone) -> bool {
        let fits = |above: &Vec<Vec<u8>>| {
            let mut parents = parents.clone();
            above.iter().all(|want| parents.next().is_some_and(|name| want == b"*" || name.eq_ignore_ascii_case(want)))
        };
        self.above(name).is_some_and(|patterns| patterns.iter().any(fits))
            || self.by_last.get(b"*".as_slice()).is_some_and(|patterns| patterns.iter().any(fits))
    }

    /// Whether a header's value is a secret: its name is on the list, or one of those that carry credentials anywhere.
    pub(crate) fn is_secret_header(&self, name: &[u8]) -> bool {
        SECRET_HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
            || self.matches(name, std::iter::empty())
    }

    /// Whether some pattern ends with this name.
    pub(crate) fn ends_with(&self, name: &[u8]) -> bool {
        self.above(name).is_some()
    }

    fn above(&self, name: &[u8]) -> Option<&Vec<Vec<Vec<u8>>>> {
        let mut lower = [0; MAX_NAME_BYTES];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.by_last.get(&*lower)
    }
}

/// Sorts edits and drops those that lie in an earlier one.
fn in_order(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    let mut end = 0;
    edits.retain(|edit| {
        let is_new = edit.range.start >= end;
        end = end.max(edit.range.end);
        is_new
    });
    edits
}

fn replace(body: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len());
    let mut at = 0;
    for edit in edits {
        bytes.extend_from_slice(&body[at..edit.range.start]);
        bytes.extend_from_slice(edit.with);
        at = edit.range.end;
    }
    bytes.extend_from_slice(&body[at..]);
    bytes
}

#[cfg(test)]
mod tests;
