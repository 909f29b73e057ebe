//! A bounded cache from texts to what is computed from them alone.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use xxhash_rust::xxh3::xxh3_64;

/// How many entries each cache holds; past it, it starts afresh. A busy account has some thousand sessions a day, a few
/// hundred operations and user agents, so this costs some megabytes and is seldom reached.
pub(crate) const MAX_CACHED: usize = 8192;

/// The longest key that is kept; a longer one is computed each time.
const MAX_KEY_BYTES: usize = 4096;

/// Values by the hash of their key. The key is kept and compared, so that two keys of one hash are never mixed up.
#[derive(Debug)]
pub(crate) struct Cache<V> {
    max: usize,
    entries: HashMap<u64, (Box<str>, V)>,
    /// The last value whose key was too long.
    spare: Option<V>,
    key: String,
}

impl<V> Cache<V> {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, entries: HashMap::new(), spare: None, key: String::new() }
    }

    /// The value of a key of several parts. `make` must be a function of those parts alone.
    pub(crate) fn get_or_make(&mut self, parts: &[&str], make: impl FnOnce() -> V) -> &V {
        self.key.clear();
        for part in parts {
            self.key.push_str(part);
            self.key.push('\n');
        }
        if self.key.len() > MAX_KEY_BYTES {
            return self.spare.insert(make());
        }
        let hash = xxh3_64(self.key.as_bytes());
        if self.entries.len() >= self.max && !self.entries.contains_key(&hash) {
            self.entries.clear();
        }
        match self.entries.entry(hash) {
            Entry::Occupied(entry) if *entry.get().0 == *self.key => &entry.into_mut().1,
            Entry::Occupied(entry) => {
                let kept = entry.into_mut();
                *kept = (self.key.as_str().into(), make());
                &kept.1
            }
            Entry::Vacant(entry) => &entry.insert((self.key.as_str().into(), make())).1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_and_the_cache_stays_bounded() {
        let mut cache = Cache::new(2);
        assert_eq!(*cache.get_or_make(&["a", "b"], || 1), 1);
        assert_eq!(*cache.get_or_make(&["a", "b"], || 2), 1);
        assert_eq!(*cache.get_or_make(&["ab", ""], || 3), 3);
        assert_eq!(*cache.get_or_make(&["c"], || 4), 4);
        assert!(cache.entries.len() <= 2);
        let long = "x".repeat(MAX_KEY_BYTES);
        assert_eq!(*cache.get_or_make(&[&long], || 5), 5);
        assert_eq!(*cache.get_or_make(&[&long], || 6), 6);
    }
}
