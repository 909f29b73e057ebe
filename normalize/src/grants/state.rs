//! The state of the room of grants as bytes.
//!
//! The second format has behind the first what was added to it. The first is read too: what went out of inventories is what
//! each list said, and no organization was read.

use stream::StateError;

use super::inventory::Inventories;
use super::{Grants, More, State};

/// The format of the state.
const FORMAT: u32 = 2;

impl Grants {
    /// Writes the state, with a format version of its own.
    pub(crate) fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        let bytes = FORMAT.to_le_bytes().to_vec();
        postcard::to_extend(&(&self.state, &self.more), bytes).map_err(damaged)
    }

    /// Reads what `snapshot` wrote, of this release or the first.
    pub(crate) fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let Some((version, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(StateError::Damaged(format!("{} bytes of grants are too few", bytes.len())));
        };
        let found = u32::from_le_bytes(*version);
        if found > FORMAT {
            return Err(StateError::Newer { found, known: FORMAT });
        }
        let (mut state, more) = if found < FORMAT {
            let mut state: State = postcard::from_bytes(rest).map_err(damaged)?;
            let told = Inventories::of_lists(&mut state.inventories);
            (state, More { told, ..More::default() })
        } else {
            postcard::from_bytes(rest).map_err(damaged)?
        };
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
    use schemas::{Inventory, Message, Provider};
    use stream::Output;

    use super::super::tests::{bucket_list, grants};
    use super::*;

    fn inventories(out: &Output<Message>) -> Vec<(i64, i64)> {
        let row = |message: &Message| match message {
            Message::Inventory(row) => Some((row.n_resources, row.revision)),
            _ => None,
        };
        out.emitted.iter().filter_map(row).collect()
    }

    #[test]
    fn the_first_format_goes_on_where_it_was() {
        let (mut old, mut out) = (grants(), Output::default());
        bucket_list(10, &["a"]).iter().for_each(|grant| old.apply(grant, &mut out));
        // The first format kept the rows with the revisions under which they went out, and nothing behind the state.
        let revised = |row: &mut Inventory| row.revision = 1;
        old.state.inventories.values_mut().flat_map(|kinds| kinds.values_mut()).for_each(revised);
        let bytes = postcard::to_extend(&old.state, 1_u32.to_le_bytes().to_vec()).unwrap();
        let (mut new, mut out) = (grants(), Output::default());
        new.restore(&bytes).unwrap();
        bucket_list(10, &["a"]).iter().for_each(|grant| new.apply(grant, &mut out));
        assert_eq!(inventories(&out), [], "nothing changed");
        bucket_list(20, &["a", "b"]).iter().for_each(|grant| new.apply(grant, &mut out));
        assert_eq!(inventories(&out), [(2, 2)]);
        assert!(new.state.lists.keys().all(|key| key.0 == Provider::Aws));
    }

    #[test]
    fn a_newer_format_is_no_fresh_start() {
        let bytes = (FORMAT + 1).to_le_bytes();
        assert!(matches!(grants().restore(&bytes), Err(StateError::Newer { found: 3, known: 2 })));
        assert!(matches!(grants().restore(&[1]), Err(StateError::Damaged(_))));
        assert!(matches!(grants().restore(&[2, 0, 0, 0, 7]), Err(StateError::Damaged(_))));
    }
}
