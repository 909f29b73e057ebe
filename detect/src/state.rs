//! Snapshots: a little-endian format version, then postcard.

use serde::Serialize;
use serde::de::DeserializeOwned;
use stream::StateError;

/// The format of all states of this room; goes up when one of them changes.
const FORMAT: u32 = 1;

/// Writes a state.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write<S: Serialize>(state: &S) -> Result<Vec<u8>, StateError> {
    postcard::to_extend(state, FORMAT.to_le_bytes().to_vec()).map_err(|e| StateError::Damaged(e.to_string()))
}

/// Reads a state.
///
/// # Errors
/// When the bytes are of a newer format, cut short, or too long.
pub(crate) fn read<S: DeserializeOwned>(bytes: &[u8]) -> Result<S, StateError> {
    let Some((head, body)) = bytes.split_first_chunk::<4>() else {
        return Err(StateError::Damaged(format!("it has {} bytes", bytes.len())));
    };
    match u32::from_le_bytes(*head) {
        FORMAT => {}
        found if found > FORMAT => return Err(StateError::Newer { found, known: FORMAT }),
        found => return Err(StateError::Damaged(format!("there is no format {found}"))),
    }
    match postcard::take_from_bytes(body) {
        Ok((state, [])) => Ok(state),
        Ok((_, rest)) => Err(StateError::Damaged(format!("{} bytes are left over", rest.len()))),
        Err(e) => Err(StateError::Damaged(e.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_or_damaged_state_is_a_fault() {
        let good = write(&(7_u32, "x".to_owned())).unwrap_or_default();
        assert!(matches!(read::<(u32, String)>(&good), Ok((7, _))));
        let mut newer = good.clone();
        newer[0] = 9;
        assert!(matches!(read::<(u32, String)>(&newer), Err(StateError::Newer { found: 9, known: 1 })));
        for cut in 0..good.len() {
            assert!(matches!(read::<(u32, String)>(&good[..cut]), Err(StateError::Damaged(_))), "{cut}");
        }
        assert!(matches!(read::<(u32, String)>(&[good, vec![0]].concat()), Err(StateError::Damaged(_))));
    }
}
