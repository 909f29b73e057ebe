//! What entitlements say of an identity: since when it exists and since when it holds something.

use std::collections::BTreeMap;

use schemas::{Entitlement, EntitlementKind, Text, Time};
use serde::{Deserialize, Serialize};

/// Sources remembered per identity and account; past it the newest are left out, since the oldest matter.
const MAX_SOURCES: usize = 256;

/// One source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Grant {
    revision: i64,
    from: Time,
    until: Option<Time>,
    /// Whether it grants anything.
    gives: bool,
}

/// The grants of one identity in one account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grants {
    by_source: BTreeMap<Text, Grant>,
    created: Option<Time>,
}

impl Grants {
    /// Takes a row in, if it is newer than what is known.
    pub(crate) fn put(&mut self, row: &Entitlement) {
        use EntitlementKind::{Binding, GroupPolicy, IdentityPolicy, RoleAssignment};
        let gives = matches!(row.kind, IdentityPolicy | GroupPolicy | RoleAssignment | Binding);
        let ends = [row.valid_until, row.deleted_at].into_iter().flatten().min();
        let grant = Grant { revision: row.revision, from: row.valid_from, until: ends, gives };
        self.created = self.created.into_iter().chain(row.identity_created_at).min();
        // A source has a row for each content that it had.
        let source = Text::from(format!("{}|{}", row.source, row.valid_from.0));
        if self.by_source.get(&source).is_some_and(|known| known.revision > row.revision) {
            return;
        }
        self.by_source.insert(source, grant);
        if self.by_source.len() > MAX_SOURCES
            && let Some(newest) = self.by_source.iter().max_by_key(|(source, grant)| (grant.from, *source))
        {
            let newest = newest.0.clone();
            self.by_source.remove(&newest);
        }
    }

    /// When the identity was created.
    pub(crate) fn created(&self) -> Option<Time> {
        self.created
    }

    /// The start of the oldest grant that holds at a time.
    pub(crate) fn oldest(&self, at: Time) -> Option<Time> {
        let holds = |grant: &&Grant| grant.gives && grant.from <= at && grant.until.is_none_or(|until| until > at);
        self.by_source.values().filter(holds).map(|grant| grant.from).min()
    }
}

#[cfg(test)]
mod tests {
    use schemas::example;

    use super::*;

    #[test]
    fn the_oldest_grant_that_holds_is_told_and_the_bound_holds() {
        let mut grants = Grants::default();
        for n in 0..1000_i64 {
            let source = Text::from(format!("inline:{n}"));
            grants.put(&Entitlement {
                source,
                valid_from: Time(n),
                valid_until: (n < 5).then_some(Time(50)),
                ..example::entitlement()
            });
        }
        assert_eq!(grants.by_source.len(), MAX_SOURCES);
        assert_eq!((grants.oldest(Time(10)), grants.oldest(Time(50))), (Some(Time(0)), Some(Time(5))));
        assert_eq!(grants.oldest(Time(-1)), None);
    }
}
