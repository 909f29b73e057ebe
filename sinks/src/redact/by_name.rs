//! The last resort for bytes that are no JSON: every listed name in quotes, with a colon and a string behind it,
//! whatever stands around.

use std::ops::Range;

use super::scan::end_of_string;
use super::{Edit, MAX_NAME_BYTES, REDACTED, Redaction};

/// Searches a part of `bytes` and adds what is to be replaced.
pub(crate) fn search(list: &Redaction, bytes: &[u8], part: Range<usize>, edits: &mut Vec<Edit>) {
    let bytes = &bytes[..part.end];
    let mut at = part.start;
    while let Some(skip) = bytes.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) {
        at += skip + 1;
        if let Some(value) = value_of_listed_name(list, bytes, at) {
            at = value.end;
            edits.push(Edit { range: value, with: REDACTED });
        }
    }
}

/// The bytes of the string behind the name that starts at `at`, when the name is listed.
fn value_of_listed_name(list: &Redaction, bytes: &[u8], at: usize) -> Option<Range<usize>> {
    // One byte more for the backslash of an escaped quote.
    let window = bytes.get(at..)?;
    let window = &window[..window.len().min(MAX_NAME_BYTES + 1)];
    let quote = memchr::memchr(b'"', window)?;
    let name = &window[..quote];
    let name = name.strip_suffix(b"\\").unwrap_or(name);
    if !list.ends_with(name) {
        return None;
    }
    let mut next = skip_space(bytes, at + quote + 1);
    if bytes.get(next) != Some(&b':') {
        return None;
    }
    next = skip_space(bytes, next + 1);
    let is_escaped = bytes.get(next) == Some(&b'\\');
    next += usize::from(is_escaped);
    if bytes.get(next) != Some(&b'"') {
        return None;
    }
    let start = next + 1;
    let end = if is_escaped { end_of_escaped(bytes, start) } else { end_of_string(bytes, start) };
    Some(start..end)
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

/// The end of a string whose quotes are escaped once: before the next `\"` that no further backslash escapes.
fn end_of_escaped(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(skip) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += skip;
        match &bytes[at..] {
            // An escape inside the escaped string: its two backslashes and what they escape, itself escaped or not.
            [b'\\', b'\\', b'\\', _, ..] => at += 4,
            [b'\\', b'\\', ..] => at += 3,
            [b'\\', b'"', ..] | [b'"', ..] => return at,
            _ => at += 2,
        }
    }
    bytes.len()
}
