//! State as bytes: a format version, then postcard.

use serde::Serialize;
use serde::de::DeserializeOwned;
use stream::StateError;

/// Writes a state.
pub(crate) fn write<S: Serialize>(format: u32, state: &S) -> Result<Vec<u8>, StateError> {
    let bytes = format.to_le_bytes().to_vec();
    postcard::to_extend(state, bytes).map_err(|error| StateError::Damaged(error.to_string()))
}

/// Reads a state that [`write`] wrote.
pub(crate) fn read<S: DeserializeOwned>(known: u32, bytes: &[u8]) -> Result<S, StateError> {
    let Some((head, body)) = bytes.split_first_chunk::<4>() else {
        return Err(StateError::Damaged(format!("{} bytes are too few", bytes.len())));
    };
    let found = u32::from_le_bytes(*head);
    if found > known {
        return Err(StateError::Newer { found, known });
    }
    if found < known {
        return Err(StateError::Damaged(format!("format {found} is of before the first release")));
    }
    let (state, rest) = postcard::take_from_bytes(body).map_err(|error| StateError::Damaged(error.to_string()))?;
    if rest.is_empty() { Ok(state) } else { Err(StateError::Damaged(format!("{} bytes are left over", rest.len()))) }
}
