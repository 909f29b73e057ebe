//! Repeats of one use within a batch become one update, so that a hot identity stalls nobody.

use std::collections::HashMap;
use std::sync::Arc;

use schemas::{AccessEvent, AccountId, Granted, IdentityKind, Outcome, Provider, Time};

use crate::law::Law;
use crate::windows::Counts;

/// What makes two uses repeats: who, where, what, on which container, in which hour, and whether it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Repeat<'b> {
    pub(crate) identity: &'b str,
    pub(crate) account: &'b str,
    /// `None` for an event that used no known permission and yet shows life.
    pub(crate) action: Option<&'b str>,
    pub(crate) container: &'b str,
    pub(crate) hour: i64,
    pub(crate) is_use: bool,
}

/// The repeats of a batch with their counts and one of their events, in order.
pub(crate) fn collapse(events: &[Arc<AccessEvent>]) -> Vec<(Repeat<'_>, Counts, &AccessEvent)> {
    let mut repeats: HashMap<Repeat<'_>, (Counts, &AccessEvent)> = HashMap::new();
    for event in events {
        each_use(event, |action, container, counts| {
            let repeat = Repeat {
                identity: &event.identity_id,
                account: &event.account_id,
                action,
                container,
                hour: event.time.floor(Time::HOUR).0,
                is_use: counts.n_uses > 0,
            };
            let (sum, first) = repeats.entry(repeat).or_insert((Counts::none(event.time), event.as_ref()));
            sum.add(&counts);
            if order(event) < order(first) {
                *first = event.as_ref();
            }
        });
    }
    let mut ordered: Vec<_> = repeats.into_iter().map(|(repeat, (counts, event))| (repeat, counts, event)).collect();
    ordered.sort_unstable_by_key(|(repeat, _, _)| *repeat);
    ordered
}

fn order(event: &AccessEvent) -> (Time, schemas::Id128) {
    (event.time, event.event_id)
}

/// Calls back for each permission that an event used or was denied. Denied use is no use; a permission that the record
/// itself calls granted was not what a denied call was denied for, so it counts as neither.
fn each_use<'b>(event: &'b AccessEvent, mut each: impl FnMut(Option<&'b str>, &'b str, Counts)) {
    let at = Counts::none(event.time);
    for used in &event.uses {
        let denied = match used.granted {
            Granted::No => true,
            Granted::Yes if event.outcome == Outcome::Denied => continue,
            Granted::Unknown | Granted::Yes => event.outcome == Outcome::Denied,
        };
        let container = used.resource_id.as_ref().map_or("", |id| Law::container(event.provider, id));
        if denied {
            each(Some(&used.action), container, Counts { n_denied: 1, ..at });
        } else if event.counts_as_use {
            let n_errors = i64::from(event.outcome == Outcome::Error);
            each(Some(&used.action), container, Counts { n_uses: 1, n_errors, ..at });
        }
    }
    if event.uses.is_empty() && event.counts_as_use && event.outcome != Outcome::Denied {
        each(None, "", Counts { n_uses: 1, ..at });
    }
}

/// The account whose grants an event used: in AWS the identity's own (for people of Identity Center that of the role they
/// act through), elsewhere the one in which it happened.
pub(crate) fn granting_account(event: &AccessEvent) -> AccountId {
    if event.provider != Provider::Aws {
        return event.account_id.clone();
    }
    let of_role = || {
        let role = event.on_behalf_of.iter().find(|id| id.contains(":role/"))?;
        role.strip_prefix("aws:")?.split(':').next().map(AccountId::from)
    };
    let people = event.identity_kind == IdentityKind::Workforce;
    let role_account = if people { of_role() } else { None };
    role_account.or_else(|| event.identity_account.clone()).unwrap_or_else(|| event.account_id.clone())
}
