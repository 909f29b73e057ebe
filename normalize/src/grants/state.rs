//! The state of the room of grants as bytes.

use stream::StateError;

use super::{Grants, More, State};

/// The format of the state.
const FORMAT: u32 = 2;

impl Grants {
    /// Writes the state, with a format version of its own.
    pub(crate) fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        let bytes = FORMAT.to_le_bytes().to_vec();
        postcard::to_extend(&(&self.state, &self.more), bytes).map_err(damaged)
    }

    /// Reads what `snapshot` wrote.
    pub(crate) fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let Some((version, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(StateError::Damaged(format!("{} bytes of grants are too few", bytes.len())));
        };
        let found = u32::from_le_bytes(*version);
        if found > FORMAT {
            return Err(StateError::Newer { found, known: FORMAT });
        }
        if found < FORMAT {
            return Err(StateError::Damaged(format!("format {found} of grants was never released")));
        }
        let (mut state, more): (State, More) = postcard::from_bytes(rest).map_err(damaged)?;
        state.policies = state.policies.bounded(self.config.max_entitlements);
        (self.state, self.more) = (state, more);
        Ok(())
    }
}

fn damaged(error: postcard::Error) -> StateError {
    StateError::Damaged(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::tests::grants;
    use super::*;

    #[test]
    fn a_newer_format_is_no_fresh_start() {
        let bytes = (FORMAT + 1).to_le_bytes();
        assert!(matches!(grants().restore(&bytes), Err(StateError::Newer { found: 3, known: 2 })));
        assert!(matches!(grants().restore(&[1]), Err(StateError::Damaged(_))));
        assert!(matches!(grants().restore(&[2, 0, 0, 0, 7]), Err(StateError::Damaged(_))));
    }
}
