//! What a provider knows besides the record's own text.

use schemas::{
    AccessEvent, AccountId, ActionKnown, Category, Id128, IdentityId, IdentityKind, Outcome, RawRecord, Text, Time,
    Vantage,
};

use crate::ValidConfig;
use crate::canonical::Member;

/// The raw record around the text, and the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) raw: &'a RawRecord,
    pub(crate) config: &'a ValidConfig,
    /// Where the members of the record stand in its text.
    pub(crate) members: &'a [Member],
}

impl Context<'_> {
    /// An event of which nothing is known but its time and account; a provider fills it in. The room sets `event_id`.
    pub(crate) fn blank(&self, time: Time, account_id: AccountId) -> AccessEvent {
        AccessEvent {
            event_id: Id128::default(),
            time,
            ingested_at: self.raw.ingested_at,
            provider: self.raw.provider,
            account_id,
            org_id: None,
            region: None,
            category: Category::Management,
            identity_id: IdentityId::default(),
            identity_kind: IdentityKind::Unknown,
            identity_name: None,
            identity_account: None,
            identity_generation: None,
            session_name: None,
            on_behalf_of: Vec::new(),
            credential_id: None,
            mfa: None,
            service: Text::default(),
            operation: Text::default(),
            action: None,
            action_known: ActionKnown::Unknown,
            access_level: None,
            uses: Vec::new(),
            resources: Vec::new(),
            outcome: Outcome::Success,
            error_code: None,
            counts_as_use: true,
            source_ip: None,
            source_service: None,
            user_agent: None,
            tool: None,
            call_id: None,
            vantage: Vantage::Only,
            provider_event_id: None,
            origin: self.raw.origin.clone(),
        }
    }
}
