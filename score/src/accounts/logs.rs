//! Which logs of an account are read, and since when.

use std::collections::BTreeMap;

use schemas::{AccessEvent, AccountId, Message, Noun, Text, Time};
use serde::{Deserialize, Serialize};
use stream::Output;

use crate::facts::LOG;
use crate::law::Law;

/// The first day and the revision of each log kind.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Logs {
    by_account: BTreeMap<AccountId, BTreeMap<Text, (Time, i64)>>,
}

impl Logs {
    /// Tells when an event is the first, or of an earlier day than the first, of its account's log or of one that is off
    /// by default. Accounts and services are few, so they need no bound of their own.
    pub(super) fn event(&mut self, event: &AccessEvent, out: &mut Output<Message>) {
        let day = event.time.floor(Time::DAY);
        let kinds = event.uses.iter().filter_map(|used| Law::proves_log(event.provider, &used.action));
        for kind in kinds.chain([Text::from(LOG)]) {
            let of_account = self.by_account.entry(event.account_id.clone()).or_default();
            let (first, revision) = of_account.entry(kind.clone()).or_insert((Time(i64::MAX), 0));
            if day < *first {
                (*first, *revision) = (day, *revision + 1);
                out.emit(super::fact(event.provider, &event.account_id, kind, day, *revision).into_message());
            }
        }
    }
}
