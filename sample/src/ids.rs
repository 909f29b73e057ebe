//! Deterministic randomness: seeds that depend only on what they name, and the ids and times the providers would print.

use jiff::{Timestamp, civil::DateTime, tz::Offset};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The generator used everywhere: fast, portable, its stream fixed by its crate's version.
pub(crate) type Rng = Xoshiro256PlusPlus;

/// Mixes two numbers into one (the finalizer of SplitMix64), so that neighbouring inputs give unrelated outputs.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a ^ b.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A generator that depends on the seed and the place it is used in, and on nothing else.
pub(crate) fn rng(seed: u64, place: u64, idx: u64) -> Rng {
    Rng::seed_from_u64(mix(mix(seed, place), idx))
}

/// A number of at most `n` choices, taken from noise.
pub(crate) fn pick(noise: u64, salt: u64, n: usize) -> usize {
    (mix(noise, salt) % n.max(1) as u64) as usize
}

/// A version 4 UUID in lower case.
pub(crate) fn uuid(noise: u64, salt: u64) -> String {
    let (a, b) = (mix(noise, salt), mix(noise, salt ^ 0x5bd1_e995));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | (b >> 50),
        b & 0xffff_ffff_ffff
    )
}

/// `n` characters of an alphabet.
fn letters(noise: u64, salt: u64, n: usize, alphabet: &[u8]) -> String {
    let mut state = mix(noise, salt);
    let mut out = String::with_capacity(n);
    for i in 0..n {
        state = mix(state, i as u64);
        out.push(char::from(alphabet[(state % alphabet.len() as u64) as usize]));
    }
    out
}

/// An AWS unique id: prefix (`AKIA`, `ASIA`, `AIDA`, `AROA`, `ANPA`, `AGPA`) and base 32 letters, 20 or 21 in all.
pub(crate) fn aws_id(prefix: &str, noise: u64) -> String {
    let n = if prefix == "AKIA" || prefix == "ASIA" { 16 } else { 17 };
    format!("{prefix}{}", letters(noise, 0xa5, n, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(noise: u64, salt: u64, n: usize) -> String {
    letters(noise, salt, n, b"0123456789abcdef")
}

/// Lower-case letters and digits.
pub(crate) fn word(noise: u64, salt: u64, n: usize) -> String {
    letters(noise, salt, n, b"abcdefghijklmnopqrstuvwxyz0123456789")
}

/// Mixed-case letters and digits, as in CloudTrail's file names.
pub(crate) fn mixed(noise: u64, salt: u64, n: usize) -> String {
    letters(noise, salt, n, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
}

/// Decimal digits, the first not 0.
pub(crate) fn digits(noise: u64, salt: u64, n: usize) -> String {
    let first = letters(noise, salt ^ 1, 1, b"123456789");
    first + &letters(noise, salt, n - 1, b"0123456789")
}

/// The calendar date and time of day, UTC.
pub(crate) fn civil(at_us: i64) -> DateTime {
    Offset::UTC.to_datetime(Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// `2026-10-31T08:15:30Z`, as CloudTrail writes times.
pub(crate) fn iso_seconds(at_us: i64) -> String {
    let t = civil(at_us);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.year(), t.month(), t.day(), t.hour(), t.minute(), t.second())
}

/// `2026-10-31T08:15:30.1234567Z` with `n` digits of fraction, 6 to 9; digits below a microsecond come from noise.
pub(crate) fn iso_fraction(at_us: i64, noise: u64, n: usize) -> String {
    let fraction = format!("{:06}{:03}", at_us.rem_euclid(1_000_000), noise % 1000);
    let seconds = iso_seconds(at_us);
    format!("{}.{}Z", seconds.trim_end_matches('Z'), &fraction[..n.clamp(6, 9)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_providers_forms() {
        let id = uuid(7, 1);
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_eq!(aws_id("AKIA", 3).len(), 20);
        assert_eq!(aws_id("AROA", 3).len(), 21);
        assert_eq!(iso_fraction(1_793_404_800_000_012, 345, 9), "2026-10-31T00:00:00.000012345Z");
    }
}
