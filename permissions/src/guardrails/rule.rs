//! A checked rule.

use roaring::RoaringBitmap;
use schemas::{IdentityKind, Provider, Severity, Time};
use smol_str::SmolStr;

use super::Holder;
use crate::catalogue::pattern;

/// What may never be held.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Never {
    /// The actions.
    pub(super) actions: RoaringBitmap,
    /// Whether only all of them together break the rule.
    pub(super) all: bool,
}

/// An exception, which ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    pub(super) who: String,
    pub(super) accounts: Vec<String>,
    pub(super) until: String,
    pub(super) ends: Time,
    pub(super) reason: String,
}

impl Exception {
    /// Whom it excepts: a pattern of ids or names.
    #[must_use]
    pub fn who(&self) -> &str {
        &self.who
    }

    /// Its last day, `2027-01-31`.
    #[must_use]
    pub fn until(&self) -> &str {
        &self.until
    }

    /// Why it was made.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether its last day is past.
    #[must_use]
    pub fn is_over(&self, as_of: Time) -> bool {
        as_of >= self.ends
    }

    fn excepts(&self, holder: &Holder, as_of: Time) -> bool {
        let here = self.accounts.is_empty() || any(&self.accounts, &holder.account);
        !self.is_over(as_of) && here && (like(&self.who, &holder.id) || like(&self.who, &holder.name))
    }
}

/// A checked rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its stable id.
    pub id: SmolStr,
    /// What it says.
    pub title: String,
    /// How soon somebody should look.
    pub severity: Severity,
    /// The controls that it serves.
    pub controls: Vec<String>,
    /// Why it is there.
    pub reason: String,
    pub(super) kinds: Vec<IdentityKind>,
    pub(super) ids: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) except: Vec<String>,
    pub(super) providers: Vec<Provider>,
    pub(super) accounts: Vec<String>,
    pub(super) except_accounts: Vec<String>,
    /// By provider, in the order of `Provider::ALL`.
    pub(super) never: [Never; 3],
    pub(super) whole_only: bool,
    pub(super) unconditional_only: bool,
    pub(super) exceptions: Vec<Exception>,
}

impl Rule {
    /// Its exceptions, those that are over included.
    #[must_use]
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// The clouds it is for.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    pub(super) fn never(&self, provider: Provider) -> &Never {
        &self.never[provider as usize]
    }

    /// Whether it is about a holder on a day.
    pub(super) fn is_about(&self, holder: &Holder, as_of: Time) -> bool {
        let who = (self.kinds.is_empty() || self.kinds.contains(&holder.kind))
            && (self.ids.is_empty() || any(&self.ids, &holder.id))
            && (self.names.is_empty() || any(&self.names, &holder.name))
            && !any(&self.except, &holder.id)
            && !any(&self.except, &holder.name);
        let place = self.providers.contains(&holder.provider)
            && (self.accounts.is_empty() || any(&self.accounts, &holder.account))
            && !any(&self.except_accounts, &holder.account);
        who && place && !self.exceptions.iter().any(|exception| exception.excepts(holder, as_of))
    }
}

/// Whether a text is like a pattern, `*` for any text, in any case.
fn like(pattern_text: &str, text: &str) -> bool {
    pattern::matches(pattern_text.as_bytes(), text.as_bytes(), false, true)
}

fn any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern_text| like(pattern_text, text))
}
