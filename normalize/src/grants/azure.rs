//! Azure: role assignments, those of PIM, deny assignments, classic administrators, role definitions and the members of
//! groups.

mod camel;
mod deny;
mod management;
mod pim;

use std::collections::{BTreeMap, BTreeSet};

use permissions::azure::{builtin_role, role_definition};
use schemas::{
    AccountId, EntitlementKind, IdentityKind, OrgId, Policy, PolicyHash, Provider, ResourceId, Text, Time, identity,
};
use serde_json::Value;

pub(super) use self::camel::camel;
pub(super) use self::management::above;

use super::aws::Reader;
use super::facts::{Assignment, Draft, Fact, Member, draft, items, required, text, time};
use super::lists::base;
use super::read::Read;

/// The role that a classic administrator has in effect (Azure classic subscription administrators,
/// <https://learn.microsoft.com/azure/role-based-access-control/classic-administrators>): Owner.
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

/// The fields of an object: those under `properties` as ARM returns it, else those at the top as the CLI prints it.
fn body(object: &Value) -> &Value {
    object.get("properties").filter(|found| found.is_object()).unwrap_or(object)
}

/// The tenant that an object names.
pub(super) fn tenant(object: &Value) -> Option<OrgId> {
    text(object, "tenantId").or_else(|| text(body(object), "tenantId")).map(|tenant| tenant.to_ascii_lowercase().into())
}

/// Reads one assignment, definition or group.
pub(super) fn object(list: &str, object: &Value, reader: &mut Reader<'_>) -> Result<Read, String> {
    let fact = match base(list) {
        "azure.role_assignments" if !items(body(object), "principals").is_empty() => return deny::read(object, reader),
        "azure.deny_assignments" => return deny::read(object, reader),
        "azure.role_assignments" => assignment(object)?,
        "azure.role_eligibility_schedules" | "azure.role_eligibility_schedule_instances" => {
            return pim::read(object, EntitlementKind::Eligible).map(|found| Read::from(Vec::from_iter(found)));
        }
        "azure.role_assignment_schedules" | "azure.role_assignment_schedule_instances" => {
            return pim::read(object, EntitlementKind::RoleAssignment).map(|found| Read::from(Vec::from_iter(found)));
        }
        "azure.classic_administrators" => {
            let body = body(object);
            Fact::Administrator { email: required(body, "emailAddress")?.into(), role: required(body, "role")?.into() }
        }
        "azure.role_definitions" => definition(object, reader)?,
        "azure.group_members" => return group(object),
        other => return Err(format!("list `{other}` is unknown")),
    };
    Ok(vec![fact].into())
}

fn assignment(object: &Value) -> Result<Fact, String> {
    let id = text(object, "id").or_else(|| text(object, "name")).ok_or("field `id` is missing or no text")?;
    let kind = if id.to_ascii_lowercase().contains("roleeligibility") {
        EntitlementKind::Eligible
    } else {
        EntitlementKind::RoleAssignment
    };
    Ok(Fact::Assignment(made(object, id, kind, vec![holder(body(object))?], None)?))
}

fn holder(body: &Value) -> Result<Member, String> {
    Ok(Member {
        object_id: required(body, "principalId")?.to_ascii_lowercase().into(),
        kind: kind_of(text(body, "principalType").unwrap_or_default()),
        name: text(body, "principalName").map(Text::from),
    })
}

/// The last part of an id, in lower case.
fn last(id: &str) -> Text {
    id.rsplit('/').next().unwrap_or(id).to_ascii_lowercase().into()
}

fn made(
    object: &Value,
    id: &str,
    kind: EntitlementKind,
    principals: Vec<Member>,
    hash: Option<PolicyHash>,
) -> Result<Assignment, String> {
    let body = body(object);
    let role_id = if hash.is_some() { "" } else { required(body, "roleDefinitionId")? };
    Ok(Assignment {
        id: last(id),
        kind,
        principals,
        role_id: last(role_id),
        role_name: text(body, "roleDefinitionName").or_else(|| text(body, "denyAssignmentName")).map(Text::from),
        hash,
        scope: ResourceId::from(required(body, "scope")?),
        condition: text(body, "condition").map(Text::from),
        created_at: time(body, "createdOn"),
    })
}

fn definition(object: &Value, reader: &mut Reader<'_>) -> Result<Fact, String> {
    let role = role_definition(&serde_json::to_vec(object).unwrap_or_default())
        .ok_or("the role definition has no name or no permissions")?;
    let hash = reader.policies.put(Policy::of(Provider::Azure, role.statements, role.errors, reader.at), reader.out);
    // Some tools put the role's name where its GUID belongs; the id has it.
    let by_id = text(object, "id").filter(|id| id.to_ascii_lowercase().contains("/roledefinitions/")).map(last);
    Ok(Fact::Definition { guid: by_id.unwrap_or_else(|| role.guid.into()), name: role.name.into(), hash })
}

fn group(object: &Value) -> Result<Read, String> {
    let id = ["groupId", "id"].iter().find_map(|key| text(object, key)).ok_or("field `id` is missing")?;
    let mut read = Read::default();
    let members = members(object, "members", &mut read);
    read.facts.push(Fact::Group { id: id.to_ascii_lowercase().into(), members });
    Ok(read)
}

fn members(object: &Value, list: &str, read: &mut Read) -> Vec<Member> {
    let mut members = Vec::new();
    for (at, value) in items(object, list).iter().enumerate() {
        match member(value) {
            Some(member) => members.push(member),
            None => read.wrong(format!("`{list}[{at}]`: field `id` is missing or no text")),
        }
    }
    members
}

/// A directory object, or its id alone.
fn member(value: &Value) -> Option<Member> {
    let id = value.as_str().or_else(|| text(value, "id"))?;
    let kind = ["@odata.type", "odata.type", "odataType", "type"].iter().find_map(|key| text(value, key));
    let name = text(value, "userPrincipalName").or_else(|| text(value, "displayName"));
    let kind = kind_of(kind.unwrap_or_default().rsplit('.').next().unwrap_or_default());
    Some(Member { object_id: id.to_ascii_lowercase().into(), kind, name: name.map(Text::from) })
}

fn kind_of(word: &str) -> IdentityKind {
    match word.to_ascii_lowercase().as_str() {
        "user" => IdentityKind::User,
        "group" => IdentityKind::Group,
        "serviceprincipal" => IdentityKind::ServicePrincipal,
        "managedidentity" | "msi" => IdentityKind::ManagedIdentity,
        "foreigngroup" => IdentityKind::External,
        _ => IdentityKind::Unknown,
    }
}

/// What is known of a tenant beside the assignments.
struct Known<'a> {
    account: &'a AccountId,
    tenant: &'a OrgId,
    at: Time,
    roles: BTreeMap<&'a str, (&'a Text, &'a PolicyHash)>,
    groups: BTreeMap<&'a str, &'a Vec<Member>>,
    /// From when and until when PIM lets an assignment hold.
    times: BTreeMap<&'a str, (Option<Time>, Option<Time>)>,
}

/// The rows of one subscription: its assignments, weighed by what is known of roles and groups.
pub(super) fn rows(
    account: &AccountId,
    tenant: &OrgId,
    assignments: &[Fact],
    others: &[&Fact],
    reader: &mut Reader<'_>,
) -> Vec<Draft> {
    let mut known = Known {
        account,
        tenant,
        at: reader.at,
        roles: BTreeMap::new(),
        groups: BTreeMap::new(),
        times: BTreeMap::new(),
    };
    for fact in others {
        match fact {
            Fact::Definition { guid, name, hash } => drop(known.roles.insert(guid.as_str(), (name, hash))),
            Fact::Group { id, members } => drop(known.groups.insert(id.as_str(), members)),
            Fact::Schedule { of: Some(id), from, until, .. } => drop(known.times.insert(id.as_str(), (*from, *until))),
            _ => {}
        }
    }
    let mut rows = Vec::new();
    for fact in assignments {
        match fact {
            Fact::Assignment(assignment) => {
                let times = known.times.get(assignment.id.as_str()).copied().unwrap_or_default();
                known.assignment(assignment, times, &BTreeSet::new(), reader, &mut rows);
            }
            Fact::Schedule { assignment, from, until, .. } => {
                known.assignment(assignment, (*from, *until), &BTreeSet::new(), reader, &mut rows);
            }
            Fact::Deny { assignment, spared } => {
                let spared = deny::all_spared(spared, &known.groups);
                known.assignment(assignment, (None, None), &spared, reader, &mut rows);
            }
            Fact::Administrator { email, role } => known.administrator(email, role, reader, &mut rows),
            _ => {}
        }
    }
    rows
}

impl Known<'_> {
    fn assignment(
        &self,
        assignment: &Assignment,
        (from, until): (Option<Time>, Option<Time>),
        spared: &BTreeSet<&Text>,
        reader: &mut Reader<'_>,
        rows: &mut Vec<Draft>,
    ) {
        let (name, hash) = match (&assignment.hash, self.roles.get(assignment.role_id.as_str())) {
            (Some(hash), _) => (assignment.role_name.clone(), hash.clone()),
            (None, Some((name, hash))) => (Some(Text::clone(name)), PolicyHash::clone(hash)),
            (None, None) => role(assignment, reader),
        };
        let first = rows.len();
        for principal in &assignment.principals {
            let to = Target { known: self, assignment, name: &name, hash: &hash, spared };
            to.spread(principal, rows);
        }
        for made in rows.iter_mut().skip(first).filter(|made| made.row.kind != EntitlementKind::Identity) {
            made.row.valid_until = until;
            if let Some(from) = from {
                made.row.valid_from = from;
                made.own_time = true;
            }
        }
    }

    /// Classic administrators are named by their address alone: who is known by it, else somebody outside.
    fn administrator(&self, email: &Text, roles: &Text, reader: &mut Reader<'_>, rows: &mut Vec<Draft>) {
        let is_it = |member: &&Member| member.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(email));
        let found = self.groups.values().flat_map(|members| members.iter()).find(is_it).cloned();
        let who = found.unwrap_or_else(|| Member {
            object_id: email.to_ascii_lowercase().into(),
            kind: IdentityKind::External,
            name: Some(email.clone()),
        });
        for role in roles.split(';').filter(|role| matches!(*role, "ServiceAdministrator" | "CoAdministrator")) {
            let assignment = Assignment {
                id: Text::from(format!("classic:{role}")),
                kind: EntitlementKind::RoleAssignment,
                principals: vec![who.clone()],
                role_id: OWNER.into(),
                role_name: None,
                hash: None,
                scope: ResourceId::from(format!("/subscriptions/{}", self.account)),
                condition: None,
                created_at: None,
            };
            self.assignment(&assignment, (None, None), &BTreeSet::new(), reader, rows);
        }
    }
}

/// A role that the snapshot does not define: one of the cloud's own, else unknown.
fn role(assignment: &Assignment, reader: &mut Reader<'_>) -> (Option<Text>, PolicyHash) {
    match builtin_role(&assignment.role_id) {
        Some(role) => {
            let hash = reader.policies.role(Provider::Azure, &assignment.role_id, reader.at, reader.out);
            (Some(Text::new(&role.name)), hash)
        }
        None => {
            let hash = reader.policies.unknown(Provider::Azure, &assignment.role_id, reader.at, reader.out);
            (assignment.role_name.clone(), hash)
        }
    }
}

/// What is given to whom.
struct Target<'a> {
    known: &'a Known<'a>,
    assignment: &'a Assignment,
    name: &'a Option<Text>,
    hash: &'a PolicyHash,
    spared: &'a BTreeSet<&'a Text>,
}

impl Target<'_> {
    /// The principal's own rows, and those of its members when it is a group; a group within a group is opened once. A deny
    /// gives no row to those whom it spares.
    fn spread(&self, principal: &Member, rows: &mut Vec<Draft>) {
        self.give(principal, None, rows);
        let mut open = vec![principal];
        let mut seen = BTreeSet::from([&principal.object_id]);
        while let Some(group) = open.pop() {
            for member in self.known.groups.get(group.object_id.as_str()).into_iter().flat_map(|members| members.iter())
            {
                if seen.insert(&member.object_id) {
                    self.give(member, Some(principal), rows);
                    open.push(member);
                }
            }
        }
    }

    fn give(&self, who: &Member, group: Option<&Member>, rows: &mut Vec<Draft>) {
        let Known { account, tenant, at, .. } = self.known;
        let id = identity::azure(tenant, &who.object_id);
        let make = |kind, source| {
            let mut made = draft(Provider::Azure, account, *at, (id.clone(), who.kind), kind, source);
            made.row.org_id = Some(OrgId::clone(tenant));
            made.row.identity_name.clone_from(&who.name);
            made
        };
        rows.push(make(EntitlementKind::Identity, "identity".to_owned()));
        if self.spared.contains(&who.object_id) {
            return;
        }
        let source = match group {
            Some(group) => format!("group:{}/assignment:{}", group.object_id, self.assignment.id),
            None => format!("assignment:{}", self.assignment.id),
        };
        let mut made = make(self.assignment.kind, source);
        made.row.source_name.clone_from(self.name);
        made.row.policy_hashes.push(self.hash.clone());
        made.row.groups.extend(group.map(|group| identity::azure(tenant, &group.object_id)));
        made.row.scopes.push(self.assignment.scope.clone());
        made.row.condition.clone_from(&self.assignment.condition);
        if let Some(created_at) = self.assignment.created_at {
            made.row.valid_from = created_at;
            made.own_time = true;
        }
        rows.push(made);
    }
}
