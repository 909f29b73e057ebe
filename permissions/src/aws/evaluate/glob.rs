//! Wildcards, compiled: `*` is any text, `?` one character, anything else is itself.
//!
//! A compiled pattern is bytes in which two values that no UTF-8 text has stand for the wildcards, so that a `*` out of a
//! policy variable stays a `*`. Matching goes from star to star and never back, so it is linear but for `?`.

use memchr::memmem;

/// Stands for `*` in a compiled pattern.
pub(super) const ANY: u8 = 0xFF;
/// Stands for `?` in a compiled pattern.
pub(super) const ONE: u8 = 0xFE;

/// A pattern, by what it takes to match it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Glob {
    /// `*`.
    All,
    /// No wildcard.
    Exact(Box<[u8]>),
    /// A text and one `*` behind it.
    Prefix(Box<[u8]>),
    /// Anything else, compiled.
    Wild(Box<[u8]>),
}

impl Glob {
    /// A pattern in which `*` and `?` are wildcards.
    pub(super) fn of(text: &str) -> Self {
        Self::compiled(text.bytes().map(wildcard).collect())
    }

    /// Sorts a compiled pattern by what it takes.
    pub(super) fn compiled(mut pattern: Vec<u8>) -> Self {
        pattern.dedup_by(|a, b| *a == ANY && *b == ANY);
        match pattern.iter().position(|byte| *byte >= ONE) {
            None => Self::Exact(pattern.into()),
            Some(0) if pattern == [ANY] => Self::All,
            Some(at) if at + 1 == pattern.len() && pattern[at] == ANY => {
                pattern.truncate(at);
                Self::Prefix(pattern.into())
            }
            Some(_) => Self::Wild(pattern.into()),
        }
    }

    pub(super) fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Exact(exact) => **exact == *text,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Wild(pattern) => wild(pattern, text),
        }
    }
}

/// The compiled form of one byte of a pattern.
pub(super) fn wildcard(byte: u8) -> u8 {
    match byte {
        b'*' => ANY,
        b'?' => ONE,
        other => other,
    }
}

/// Whether a compiled pattern matches the whole of a text.
pub(super) fn wild(pattern: &[u8], text: &[u8]) -> bool {
    let Some(first) = memchr::memchr(ANY, pattern) else { return at_start(pattern, text) == Some(text.len()) };
    let last = memchr::memrchr(ANY, pattern).unwrap_or(first);
    let Some(mut at) = at_start(&pattern[..first], text) else { return false };
    let Some(end) = at_end(&pattern[last + 1..], text) else { return false };
    for piece in pattern[first..last].split(|byte| *byte == ANY).filter(|piece| !piece.is_empty()) {
        match text.get(at..end).and_then(|rest| find(piece, rest)) {
            Some(after) => at += after,
            None => return false,
        }
    }
    at <= end
}

/// Where the text goes on behind a piece without `*` at its start.
fn at_start(piece: &[u8], text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for &byte in piece {
        match (byte, text.get(at)?) {
            (ONE, here) if !is_continuation(*here) => {
                at += 1;
                at += text[at..].iter().take_while(|byte| is_continuation(**byte)).count();
            }
            (byte, here) if byte == *here => at += 1,
            _ => return None,
        }
    }
    Some(at)
}

/// Where a piece without `*` begins that ends with the text.
fn at_end(piece: &[u8], text: &[u8]) -> Option<usize> {
    let mut at = text.len();
    for &byte in piece.iter().rev() {
        at = at.checked_sub(1)?;
        if byte == ONE {
            while is_continuation(text[at]) {
                at = at.checked_sub(1)?;
            }
        } else if byte != text[at] {
            return None;
        }
    }
    Some(at)
}

/// Where the text goes on behind the first place of a piece without `*`.
fn find(piece: &[u8], text: &[u8]) -> Option<usize> {
    if memchr::memchr(ONE, piece).is_none() {
        return memmem::find(text, piece).map(|at| at + piece.len());
    }
    (0..text.len()).find_map(|from| at_start(piece, &text[from..]).map(|length| from + length))
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Glob;

    /// The oracle: the definition, by recursion over characters.
    fn slow(p: &[char], t: &[char]) -> bool {
        match (p.first(), t.first()) {
            (None, None) => true,
            (Some('*'), _) => slow(&p[1..], t) || (!t.is_empty() && slow(p, &t[1..])),
            (Some('?'), Some(_)) => slow(&p[1..], &t[1..]),
            (Some(a), Some(b)) if a == b => slow(&p[1..], &t[1..]),
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn a_match_is_what_the_definition_says(p in "[aé*?]{0,8}", t in "[aé]{0,10}") {
            let (pattern, text): (Vec<char>, Vec<char>) = (p.chars().collect(), t.chars().collect());
            prop_assert_eq!(Glob::of(&p).matches(t.as_bytes()), slow(&pattern, &text), "{} {}", p, t);
        }
    }

    #[test]
    fn many_stars_do_not_hang() {
        assert!(!Glob::of(&"*a".repeat(50_000)).matches("a".repeat(40_000).as_bytes()));
        assert!(!Glob::of(&format!("{}b", "*a?".repeat(3_000))).matches("a".repeat(8_000).as_bytes()));
    }
}
