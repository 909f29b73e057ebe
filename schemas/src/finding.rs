//! A standing risk.

use serde::{Deserialize, Serialize};

use crate::enums::words;
use crate::topic::PartitionBy;
use crate::{AccountId, Id128, IdentityKind, Message, Noun, Provider, ScopeKind, Severity, Text, Time};

words!(
    /// What kind of risk.
    FindingKind {
        /// Nothing was used in the window.
        InactiveIdentity => "inactive_identity",
        /// Active, with a large unused grant.
        OverprovisionedIdentity => "overprovisioned_identity",
        /// May do everything on everything.
        SuperIdentity => "super_identity",
        /// Holds a path to administrator.
        PrivilegeEscalation => "privilege_escalation",
        /// May read secrets, and does not.
        UnusedSecretAccess => "unused_secret_access",
        /// May switch off logs and guards, and does not.
        UnusedSecurityToolAdministration => "unused_security_tool_administration",
        /// A group whose members use nothing of it.
        InactiveGroup => "inactive_group",
        /// A role that an outside account may assume.
        ExternalAccess => "external_access",
        /// A policy that cannot be read in part.
        UnreadablePolicy => "unreadable_policy",
        /// A grant that a guardrail forbids.
        Guardrail => "guardrail",
        /// A word that this version does not have.
        Unknown => "unknown",
    }
);

/// A standing risk of one scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct Finding {
    /// The hash of kind, scope and account, and of the guardrail where one is broken.
    pub finding_id: Id128,
    /// What kind of risk.
    pub kind: FindingKind,
    /// The cloud.
    pub provider: Provider,
    /// In which account.
    pub account_id: AccountId,
    /// The guardrail that is broken, by its id.
    pub rule: Option<Text>,
    /// What it is about.
    pub scope_kind: ScopeKind,
    /// Which one.
    pub scope_id: Text,
    /// Its name for people.
    pub scope_name: Option<Text>,
    /// What kind of identity, for identities.
    pub identity_kind: Option<IdentityKind>,
    /// How soon somebody should look.
    pub severity: Severity,
    /// One line for people.
    pub title: Text,
    /// What it rests on.
    pub evidence: Vec<Text>,
    /// What to do.
    pub advice: Text,
    /// The controls that the guardrail serves: CIS and NIST by catalogue, version and number, or the rule file's own.
    pub controls: Vec<Text>,
    /// When it was first true, by event time.
    pub first_seen_at: Time,
    /// When it was last found true.
    pub time: Time,
    /// When it stopped being true.
    pub deleted_at: Option<Time>,
    /// Counts up with each change.
    pub revision: i64,
}

impl Finding {
    /// The id of a finding; `rule` is the guardrail that is broken.
    #[must_use]
    pub fn id_of(kind: FindingKind, rule: Option<&str>, account: &str, scope_id: &str) -> Id128 {
        let parts = [kind.as_str().as_bytes(), account.as_bytes(), scope_id.as_bytes()];
        Id128::of_parts(&parts.into_iter().chain(rule.map(str::as_bytes)).collect::<Vec<_>>())
    }
}

impl Noun for Finding {
    const NAME: &'static str = "finding";

    fn row_key(&self) -> String {
        self.finding_id.to_string()
    }

    #[expect(clippy::misnamed_getters, reason = "a row's day must not change while the finding stands")]
    fn time(&self) -> Time {
        self.first_seen_at
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    fn raise(&mut self, by: i64) {
        self.revision = self.revision.saturating_add(by);
    }

    fn deleted_at(&self) -> Option<Time> {
        self.deleted_at
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Text(&self.scope_id)
    }

    fn into_message(self) -> Message {
        Message::Finding(self.into())
    }
}
