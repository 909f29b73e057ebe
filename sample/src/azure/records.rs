//! One call on its way to becoming a record of Azure's logs, and what all of those share.

use crate::{
    calls::{Call, Session},
    ids::{mix, uuid},
    network,
    ops::Op,
    world::{Account, Cloud, Identity, Subject},
};

/// The application behind a person's sign-in: Azure's own command line.
const CLI_APP: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const PORTAL_APP: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";

/// One call on its way to becoming a record.
pub(super) struct View<'a> {
    pub(super) op: &'a Op,
    pub(super) call: &'a Call,
    pub(super) session: &'a Session,
    pub(super) me: &'a Identity,
    pub(super) account: &'a Account,
}

impl View<'_> {
    /// When the operation ended.
    pub(super) fn end_at(&self) -> i64 {
        self.call.at + 400_000 + (mix(self.call.noise, 21) % 9_000_000) as i64
    }

    /// The caller's address.
    pub(super) fn ip(&self) -> String {
        network::of_call(self.me, self.session, self.call, Cloud::Azure).0
    }

    /// The application behind the token.
    pub(super) fn app_id(&self) -> String {
        if self.me.persona.subject == Subject::User {
            return if self.session.console { PORTAL_APP } else { CLI_APP }.to_owned();
        }
        uuid(self.me.noise, 0x61)
    }
}
