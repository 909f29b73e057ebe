//! Numbers as conditions compare them: whole or with a decimal point, exactly.

/// Digits behind the point that are kept.
const SCALE: u32 = 18;
/// Digits before it; with [`SCALE`] they fit into the number.
const MAX_DIGITS: usize = 19;

/// A decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decimal(i128);

impl Decimal {
    /// Reads `-12.50`; `None` when it is no such number or has more digits than are kept.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit()) && !unsigned.ends_with('.');
        if !is_number || whole.len() > MAX_DIGITS || fraction.len() > SCALE as usize {
            return None;
        }
        let mut value: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            value = value * 10 + i128::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        }
        value *= 10_i128.pow(SCALE - u32::try_from(fraction.len()).ok()?);
        Some(Self(if text.starts_with('-') { -value } else { value }))
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn numbers_are_compared_exactly() {
        let read = |text| Decimal::parse(text).unwrap();
        assert_eq!(read("10"), read("+010.00"));
        assert_eq!(read("-0"), read("0"));
        assert!(read("-1.5") < read("-1.4"));
        assert!(read("9007199254740993") > read("9007199254740992"));
        assert!(read("0.1") > read("0.09"));
        for text in ["", "-", ".5", "5.", "1e3", "0x1", "NaN", "1.2.3", "1_0", "²", "99999999999999999999"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
