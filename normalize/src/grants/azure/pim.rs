//! Privileged Identity Management: roles that can be activated, and assignments with an end.
//!
//! Source: the REST API's `roleEligibilityScheduleInstances`, `roleEligibilitySchedules`,
//! `roleAssignmentScheduleInstances` and `roleAssignmentSchedules`
//! (<https://learn.microsoft.com/rest/api/authorization/role-assignment-schedule-instances/list-for-scope>). A schedule and its
//! instance have the same source, that of the schedule; an active one has that of the role assignment which it made, so
//! that it is the same row as in the list of role assignments.

use schemas::{EntitlementKind, Text};
use serde_json::Value;

use super::super::facts::{Fact, text, time};
use super::{body, holder, kind_of, last, made};

/// States of a schedule in which it gives nothing any more.
const OVER: [&str; 6] = ["Revoked", "Denied", "Canceled", "Failed", "AdminDenied", "TimedOut"];

/// Reads a schedule or an instance of one; nothing when it is over.
pub(super) fn read(object: &Value, kind: EntitlementKind) -> Result<Option<Fact>, String> {
    let of = body(object);
    if text(of, "status").is_some_and(|status| OVER.contains(&status)) {
        return Ok(None);
    }
    let id = text(object, "name").or_else(|| text(object, "id")).ok_or("field `name` is missing or no text")?;
    let schedule = text(of, "roleEligibilityScheduleId").or_else(|| text(of, "roleAssignmentScheduleId")).unwrap_or(id);
    let origin = text(of, "originRoleAssignmentId").filter(|_| kind == EntitlementKind::RoleAssignment);
    let mut who = holder(of)?;
    let expanded = |what: &str, key: &str| {
        let found = of.get("expandedProperties").and_then(|all| all.get(what));
        found.and_then(|found| text(found, key)).map(Text::from)
    };
    who.name = who.name.or_else(|| expanded("principal", "email")).or_else(|| expanded("principal", "displayName"));
    if text(of, "principalType").is_none() {
        who.kind = kind_of(expanded("principal", "type").as_deref().unwrap_or_default());
    }
    let mut assignment = made(object, origin.unwrap_or(schedule), kind, vec![who], None)?;
    assignment.role_name = assignment.role_name.or_else(|| expanded("roleDefinition", "displayName"));
    let expiration = of.get("scheduleInfo").and_then(|info| info.get("expiration"));
    let from =
        time(of, "startDateTime").or_else(|| of.get("scheduleInfo").and_then(|info| time(info, "startDateTime")));
    let until = time(of, "endDateTime").or_else(|| expiration.and_then(|expiration| time(expiration, "endDateTime")));
    Ok(Some(Fact::Schedule { of: origin.map(last), assignment, from, until }))
}
