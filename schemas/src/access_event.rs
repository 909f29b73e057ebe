//! One access: who did what to what, when, from where, with which permissions, and how it ended.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::enums::words;
use crate::topic::PartitionBy;
use crate::{
    AccessLevel, AccountId, Action, Category, Granted, Id128, IdentityId, IdentityKind, Message, Noun, OrgId, Origin,
    Provider, ResourceId, Text, Time,
};

words!(
    /// How an event ended.
    Outcome {
        /// It was done.
        Success => "success",
        /// It was refused for want of a permission: no use.
        Denied => "denied",
        /// It failed for another reason: use, unless the code is listed as failing before authorization.
        Error => "error",
    }
);

words!(
    /// How sure we are of an event's action.
    ActionKnown {
        /// The record names the permission.
        Logged => "logged",
        /// A table or a special case of ours maps the operation to it.
        Mapped => "mapped",
        /// The operation has the name of an action of that service.
        Assumed => "assumed",
        /// The operation needs no permission.
        NoneNeeded => "none_needed",
        /// Nothing is known.
        Unknown => "unknown",
    }
);

words!(
    /// Where a used permission's name comes from.
    How {
        /// The record names it.
        Logged => "logged",
        /// The operation maps to it.
        Mapped => "mapped",
        /// The parameters imply it, such as a role that is passed.
        Derived => "derived",
    }
);

words!(
    /// Whose view of a call a record is.
    Vantage {
        /// The only view there is.
        Only => "only",
        /// The caller's account's view.
        Caller => "caller",
        /// The resource owner's account's view.
        Owner => "owner",
    }
);

/// One permission that a call used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AvroSchema)]
pub struct Use {
    /// The permission.
    pub action: Action,
    /// On which resource, as granular as the record says.
    pub resource_id: Option<ResourceId>,
    /// The account that owns the resource, when the record says.
    pub resource_account: Option<AccountId>,
    /// What the cloud said of it.
    pub granted: Granted,
    /// Where the name comes from.
    pub how: How,
}

/// One resource that a call touched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AvroSchema)]
pub struct Resource {
    /// Its id.
    pub id: ResourceId,
    /// Its type: `AWS::S3::Object` as logged or `s3:object`, `Microsoft.Compute/disks`, `gce_network`.
    pub kind: Option<Text>,
    /// The account that owns it.
    pub account_id: Option<AccountId>,
}

/// One access event; OCSF API Activity (6003) names where there is one, flat for columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
pub struct AccessEvent {
    /// The hash of the provider's own id and the record's canonical bytes.
    pub event_id: Id128,
    /// When it happened.
    pub time: Time,
    /// When we read it.
    pub ingested_at: Time,
    /// The cloud.
    pub provider: Provider,
    /// The account in which it happened (the recipient's, for CloudTrail).
    pub account_id: AccountId,
    /// The organization or tenant.
    pub org_id: Option<OrgId>,
    /// The region, zone or location.
    pub region: Option<Text>,
    /// Which of the cloud's logs it comes from.
    pub category: Category,
    /// Who acted: the very id that entitlements use.
    pub identity_id: IdentityId,
    /// What kind of identity.
    pub identity_kind: IdentityKind,
    /// Its name for people.
    pub identity_name: Option<Text>,
    /// The account that the identity belongs to; differs from `account_id` for cross-account calls.
    pub identity_account: Option<AccountId>,
    /// Its unique id (`AROA…`), so that one re-created under the same name is told apart.
    pub identity_generation: Option<Text>,
    /// The session's name, never an identity.
    pub session_name: Option<Text>,
    /// For whom it acted, first the first; only what this record proves.
    pub on_behalf_of: Vec<IdentityId>,
    /// The access key id, token id or key name that signed it.
    pub credential_id: Option<Text>,
    /// Whether a second factor was used.
    pub mfa: Option<bool>,
    /// The service: the part before the colon of AWS actions, an Azure resource provider, a GCP service host.
    pub service: Text,
    /// The API call as logged.
    pub operation: Text,
    /// The permission: the first of `uses`.
    pub action: Option<Action>,
    /// How sure that is.
    pub action_known: ActionKnown,
    /// What the action does.
    pub access_level: Option<AccessLevel>,
    /// Every permission the call used.
    pub uses: Vec<Use>,
    /// Every resource it touched.
    pub resources: Vec<Resource>,
    /// How it ended.
    pub outcome: Outcome,
    /// The provider's code of a denial or error.
    pub error_code: Option<Text>,
    /// Whether this record counts as use: not denied, not failed before authorization, not the second record of a
    /// call, not the owner's view of a call whose caller's view we have.
    pub counts_as_use: bool,
    /// The caller's address; absent when the record has a name there.
    pub source_ip: Option<Text>,
    /// The cloud service that called on the identity's behalf, or the name that stands where an address belongs.
    pub source_service: Option<Text>,
    /// The user agent as logged.
    pub user_agent: Option<Text>,
    /// The tool the user agent tells of: `aws-cli`, `console`, `terraform`, `boto3`, `gcloud`, `az-cli` …
    pub tool: Option<Text>,
    /// What ties the records of one call together.
    pub call_id: Option<Text>,
    /// Whose view this is.
    pub vantage: Vantage,
    /// The provider's own id of the record, not unique.
    pub provider_event_id: Option<Text>,
    /// Where the raw record stood.
    pub origin: Origin,
}

impl Noun for AccessEvent {
    const NAME: &'static str = "access_event";

    fn row_key(&self) -> String {
        self.event_id.to_string()
    }

    fn write_row_key(&self, into: &mut Vec<u8>) {
        self.event_id.write_hex(into);
    }

    fn time(&self) -> Time {
        self.time
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Text(&self.identity_id)
    }

    fn into_message(self) -> Message {
        Message::AccessEvent(self.into())
    }
}
