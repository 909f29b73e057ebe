//! A raw object of an entitlement snapshot: one user, role, group, policy, assignment or binding.
//!
//! Lists beside those that [`RawGrant::list`] names: `aws.organizations`, `aws.credential_report`,
//! `aws.service_last_accessed`, `azure.deny_assignments`, `azure.role_eligibility_schedules` and `…_schedule_instances`,
//! `azure.role_assignment_schedules` and `…_schedule_instances`, `azure.classic_administrators`,
//! `azure.management_groups`, `azure.management_entities`, `gcp.asset_iam_policies`, `gcp.deny_policies`,
//! `gcp.group_members`, `gcp.service_accounts`, `gcp.service_account_keys`, `gcp.ancestors`. Where a command answers for one
//! group, policy, parent or identity alone, the list is a part: `<list>/<which>`, and deletes nothing of the other parts.

use serde::{Deserialize, Serialize};

use crate::enums::words;
use crate::topic::PartitionBy;
use crate::{AccountId, Body, Id128, Message, Noun, Origin, Provider, Text, Time};

words!(
    /// Where in its snapshot an object stands.
    Mark {
        /// The snapshot begins; no body.
        Begin => "begin",
        /// One object.
        Object => "object",
        /// The snapshot is complete: what it did not name is gone.
        End => "end",
        /// The snapshot broke off: nothing may be deleted because of it.
        Abort => "abort",
    }
);

/// One object of a snapshot of grants, or a mark around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct RawGrant {
    /// The cloud.
    pub provider: Provider,
    /// The account whose grants these are: what the snapshot covers.
    pub account_id: AccountId,
    /// What the snapshot lists, so that a snapshot of one list deletes nothing of another:
    /// `aws.authorization_details`, `azure.role_assignments`, `azure.role_definitions`, `azure.group_members`,
    /// `gcp.iam_policy`, `gcp.search_all_iam_policies`, `gcp.roles`, `aws.resources`, `azure.resources`, `gcp.resources`.
    pub list: Text,
    /// The snapshot this belongs to.
    pub snapshot_id: Id128,
    /// The object's place in its snapshot, from 0; marks have -1 (begin) and the number of objects (end, abort).
    pub place: i64,
    /// Where in the snapshot it stands.
    pub mark: Mark,
    /// What kind of object: `user`, `role`, `group`, `policy`, `assignment`, `definition`, `binding`, `resource` …;
    /// empty for marks.
    pub object_kind: Text,
    /// The object's own id; empty for marks.
    pub object_id: Text,
    /// The object's bytes; empty for marks.
    pub body: Body,
    /// When the snapshot was taken: the time it says of itself, else the file's own.
    pub collected_at: Time,
    /// When we read it.
    pub ingested_at: Time,
    /// Where it stood.
    pub origin: Origin,
}

impl Noun for RawGrant {
    const NAME: &'static str = "raw_grant";

    fn row_key(&self) -> String {
        format!("{}|{}|{}|{}|{}", self.provider, self.account_id, self.list, self.object_kind, self.object_id)
    }

    fn time(&self) -> Time {
        self.collected_at
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Text(&self.account_id)
    }

    fn into_message(self) -> Message {
        Message::RawGrant(self.into())
    }
}
