//! Hashes of values, and of objects and arrays as their values come.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_128;

/// Odd constants from the digits of π, as in other multiplicative hashes; any would do, but changing one changes every
/// `event_id`.
const KEYS: [u64; 6] = [
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7345,
    0xa409_3822_299f_31d1,
    0x082e_fa98_ec4e_6c89,
    0x4528_21e6_38d0_1377,
    0xbe54_66cf_34e9_0c6d,
];

/// A hash of 128 bits in two lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash(u64, u64);

impl Hash {
    /// Of an unescaped string.
    pub(super) fn of_string(bytes: &[u8]) -> Self {
        Self::of(STRING, bytes)
    }

    /// Of a number, or of `true`, `false` or `null`.
    pub(super) fn of_plain(bytes: &[u8]) -> Self {
        Self::of(PLAIN, bytes)
    }

    fn of(kind: u64, bytes: &[u8]) -> Self {
        let hash = xxh3_128(bytes);
        Self(hash as u64 ^ kind, (hash >> 64) as u64)
    }

    fn with(self, other: Self) -> Self {
        Self(
            fold(self.0 ^ other.1.rotate_left(32) ^ KEYS[0], other.0 ^ KEYS[1]),
            fold(self.1 ^ other.0.rotate_left(17) ^ KEYS[2], other.1 ^ KEYS[3]),
        )
    }

    pub(super) fn joined(self) -> u128 {
        (u128::from(self.1) << 64) | u128::from(self.0)
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The kinds of a value, so that `"1"`, `1`, `[1]` and `{"1":1}` differ.
const STRING: u64 = KEYS[4];
const PLAIN: u64 = KEYS[5];
const OBJECT: Hash = Hash(KEYS[0], KEYS[4]);
const ARRAY: Hash = Hash(KEYS[1], KEYS[5]);

/// An object or array that is open.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) is_object: bool,
    /// The name of the member that comes next: its hash, its place, and whether it holds no escape.
    pub(super) key: Hash,
    pub(super) name: Range<usize>,
    pub(super) is_plain: bool,
    sum: Hash,
    n: u64,
}

impl Frame {
    pub(super) fn new(is_object: bool) -> Self {
        Self { is_object, key: Hash(0, 0), name: 0..0, is_plain: true, sum: Hash(0, 0), n: 0 }
    }

    pub(super) fn add(&mut self, value: Hash) {
        self.n += 1;
        if self.is_object {
            let member = self.key.with(value);
            self.sum = Hash(self.sum.0.wrapping_add(member.0), self.sum.1.wrapping_add(member.1));
        } else {
            self.sum = self.sum.with(value);
        }
    }

    pub(super) fn close(&self) -> Hash {
        let kind = if self.is_object { OBJECT } else { ARRAY };
        kind.with(Hash(self.sum.0 ^ self.n, self.sum.1))
    }
}
