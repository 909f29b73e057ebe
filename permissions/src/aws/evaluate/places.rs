//! Texts found by hash: services and names of actions, context keys.

use hashbrown::HashTable;
use smol_str::SmolStr;

/// Where the texts of a list are.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(HashTable<(u64, usize)>);

impl PartialEq for Places {
    fn eq(&self, other: &Self) -> bool {
        let is_there = |entry: &(u64, usize)| other.0.find(entry.0, |known| known == entry).is_some();
        self.0.len() == other.0.len() && self.0.iter().all(is_there)
    }
}

impl Eq for Places {}

impl Places {
    /// Of texts that are all different.
    pub(super) fn of<'t>(texts: impl Iterator<Item = &'t SmolStr>) -> Self {
        let mut places = HashTable::new();
        for (at, text) in texts.enumerate() {
            let hash = hash(text);
            places.insert_unique(hash, (hash, at), |(hash, _)| *hash);
        }
        Self(places)
    }

    /// The place of a text whose hash is known; `at` tells the text of a place.
    pub(super) fn find<'t>(&self, hash: u64, text: &str, at: impl Fn(usize) -> &'t str) -> Option<usize> {
        let is = |(known, place): &(u64, usize)| *known == hash && at(*place) == text;
        self.0.find(hash, is).map(|(_, place)| *place)
    }
}

/// FNV-1a: the texts are a dozen bytes or two, and only compared within this process.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
