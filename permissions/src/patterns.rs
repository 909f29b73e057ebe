//! Lists of patterns that name actions: the actions of the catalogue that they name, and themselves for what the catalogue
//! lacks. `*` stands for any text.

use roaring::RoaringBitmap;
use schemas::Provider;
use smol_str::SmolStr;

use crate::catalogue::{ActionIdx, Catalogue, pattern};
use crate::truth::Truth;

/// Longest action or pattern; the longest action that is known has 220 characters.
pub(crate) const MAX_BYTES: usize = 512;
/// Patterns per list beyond which the rest is not read; the clouds take a few thousand.
const MAX_PATTERNS: usize = 16_384;

/// A list of patterns, in the case in which actions are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Patterns {
    known: RoaringBitmap,
    texts: Box<[SmolStr]>,
    /// Whether an entry could not be read.
    flawed: bool,
}

impl Patterns {
    pub(crate) fn new(provider: Provider, list: impl IntoIterator<Item = SmolStr>, mut flawed: bool) -> Self {
        let catalogue = Catalogue::bundled().provider(provider);
        let mut known = RoaringBitmap::new();
        let mut texts = Vec::new();
        for text in list {
            if texts.len() == MAX_PATTERNS || text.len() > MAX_BYTES {
                flawed = true;
                continue;
            }
            known |= &*catalogue.expand(&text);
            texts.push(text);
        }
        Self { known, texts: texts.into(), flawed }
    }

    pub(crate) fn known(&self) -> &RoaringBitmap {
        &self.known
    }

    pub(crate) fn is_flawed(&self) -> bool {
        self.flawed
    }

    /// Whether one names an action; unknown when none does that could be read.
    pub(crate) fn name(&self, idx: Option<ActionIdx>, action: &str) -> Truth {
        let named = match idx {
            Some(idx) => self.known.contains(idx.0),
            None => self.texts.iter().any(|text| matches(text, action)),
        };
        match (named, self.flawed) {
            (true, _) => Truth::True,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::False,
        }
    }
}

/// Whether a pattern names an action of the same case.
pub(crate) fn matches(pattern: &str, action: &str) -> bool {
    pattern::matches(pattern.as_bytes(), action.as_bytes(), false, false)
}

/// The oracle of tests: the definition, by recursion.
#[cfg(test)]
pub(crate) fn slow(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|at| slow(rest, &text[at..])),
        Some((first, rest)) => text.first() == Some(first) && slow(rest, &text[1..]),
    }
}
