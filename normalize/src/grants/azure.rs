//! Azure: role assignments, deny assignments, role definitions and the members of groups.

use std::collections::BTreeMap;

use permissions::azure::{builtin_role, role_definition};
use schemas::{
    AccountId, EntitlementKind, IdentityKind, OrgId, Policy, PolicyHash, Provider, ResourceId, Text, identity,
};
use serde_json::Value;

use super::aws::Reader;
use super::facts::{Assignment, Draft, Fact, Member, draft, items, required, text, time};

/// The fields of an object: those under `properties` as ARM returns it, else those at the top as the CLI prints it.
fn body(object: &Value) -> &Value {
    object.get("properties").filter(|found| found.is_object()).unwrap_or(object)
}

/// The tenant that an object names.
pub(super) fn tenant(object: &Value) -> Option<OrgId> {
    text(object, "tenantId").or_else(|| text(body(object), "tenantId")).map(|tenant| tenant.to_ascii_lowercase().into())
}

/// Reads one assignment, definition or group.
pub(super) fn object(list: &str, object: &Value, reader: &mut Reader<'_>) -> Result<Fact, String> {
    match list {
        "azure.role_assignments" => assignment(object, reader),
        "azure.role_definitions" => definition(object, reader),
        "azure.group_members" => group(object),
        other => Err(format!("list `{other}` is unknown")),
    }
}

fn assignment(object: &Value, reader: &mut Reader<'_>) -> Result<Fact, String> {
    let body = body(object);
    let id = text(object, "id").or_else(|| text(object, "name")).ok_or("field `id` is missing or no text")?;
    let denied: Vec<Member> = items(body, "principals").iter().filter_map(member).collect();
    if !denied.is_empty() {
        let hash = role_definition(&serde_json::to_vec(object).unwrap_or_default()).map(|role| {
            reader.policies.put(Policy::of(Provider::Azure, role.statements, role.errors, reader.at), reader.out)
        });
        return made(object, id, EntitlementKind::DenyAssignment, denied, hash);
    }
    let principal = Member {
        object_id: required(body, "principalId")?.to_ascii_lowercase().into(),
        kind: kind_of(text(body, "principalType").unwrap_or_default()),
        name: text(body, "principalName").map(Text::from),
    };
    let kind = if id.to_ascii_lowercase().contains("roleeligibility") {
        EntitlementKind::Eligible
    } else {
        EntitlementKind::RoleAssignment
    };
    made(object, id, kind, vec![principal], None)
}

fn made(
    object: &Value,
    id: &str,
    kind: EntitlementKind,
    principals: Vec<Member>,
    hash: Option<PolicyHash>,
) -> Result<Fact, String> {
    let body = body(object);
    let role_id = if hash.is_some() { "" } else { required(body, "roleDefinitionId")? };
    Ok(Fact::Assignment(Assignment {
        id: id.rsplit('/').next().unwrap_or(id).to_ascii_lowercase().into(),
        kind,
        principals,
        role_id: role_id.rsplit('/').next().unwrap_or(role_id).to_ascii_lowercase().into(),
        role_name: text(body, "roleDefinitionName").or_else(|| text(body, "denyAssignmentName")).map(Text::from),
        hash,
        scope: ResourceId::from(required(body, "scope")?),
        condition: text(body, "condition").map(Text::from),
        created_at: time(body, "createdOn"),
    }))
}

fn definition(object: &Value, reader: &mut Reader<'_>) -> Result<Fact, String> {
    let role = role_definition(&serde_json::to_vec(object).unwrap_or_default())
        .ok_or("the role definition has no name or no permissions")?;
    let hash = reader.policies.put(Policy::of(Provider::Azure, role.statements, role.errors, reader.at), reader.out);
    Ok(Fact::Definition { guid: role.guid.into(), name: role.name.into(), hash })
}

fn group(object: &Value) -> Result<Fact, String> {
    let id = ["groupId", "group_id", "id"].iter().find_map(|key| text(object, key)).ok_or("field `id` is missing")?;
    let members = items(object, "members").iter().filter_map(member).collect();
    Ok(Fact::Group { id: id.to_ascii_lowercase().into(), members })
}

/// A directory object, or its id alone.
fn member(value: &Value) -> Option<Member> {
    let id = value.as_str().or_else(|| text(value, "id"))?;
    let kind = text(value, "@odata.type").or_else(|| text(value, "odata.type")).or_else(|| text(value, "type"));
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

/// The rows of one subscription: its assignments, weighed by what is known of roles and groups.
pub(super) fn rows(
    account: &AccountId,
    tenant: &OrgId,
    assignments: &[Fact],
    others: &[&Fact],
    reader: &mut Reader<'_>,
) -> Vec<Draft> {
    let mut roles = BTreeMap::new();
    let mut groups = BTreeMap::new();
    for fact in others {
        match fact {
            Fact::Definition { guid, name, hash } => drop(roles.insert(guid.as_str(), (name, hash))),
            Fact::Group { id, members } => drop(groups.insert(id.as_str(), members)),
            _ => {}
        }
    }
    let mut rows = Vec::new();
    for fact in assignments {
        let Fact::Assignment(assignment) = fact else { continue };
        let (name, hash) = match (&assignment.hash, roles.get(assignment.role_id.as_str())) {
            (Some(hash), _) => (assignment.role_name.clone(), hash.clone()),
            (None, Some((name, hash))) => (Some(Text::clone(name)), PolicyHash::clone(hash)),
            (None, None) => role(assignment, reader),
        };
        for principal in &assignment.principals {
            let to = Target { account, tenant, assignment, name: &name, hash: &hash, reader };
            to.spread(principal, &groups, &mut rows);
        }
    }
    rows
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
struct Target<'a, 'r> {
    account: &'a AccountId,
    tenant: &'a OrgId,
    assignment: &'a Assignment,
    name: &'a Option<Text>,
    hash: &'a PolicyHash,
    reader: &'a Reader<'r>,
}

impl Target<'_, '_> {
    /// The principal's own rows, and those of its members when it is a group; a group within a group is opened once.
    fn spread(&self, principal: &Member, groups: &BTreeMap<&str, &Vec<Member>>, rows: &mut Vec<Draft>) {
        self.give(principal, None, rows);
        let mut open = vec![principal];
        let mut seen = std::collections::BTreeSet::from([&principal.object_id]);
        while let Some(group) = open.pop() {
            for member in groups.get(group.object_id.as_str()).into_iter().flat_map(|members| members.iter()) {
                if seen.insert(&member.object_id) {
                    self.give(member, Some(principal), rows);
                    open.push(member);
                }
            }
        }
    }

    fn give(&self, who: &Member, group: Option<&Member>, rows: &mut Vec<Draft>) {
        let id = identity::azure(self.tenant, &who.object_id);
        let at = self.reader.at;
        let make = |kind, source| {
            let mut made = draft(Provider::Azure, self.account, at, (id.clone(), who.kind), kind, source);
            made.row.org_id = Some(self.tenant.clone());
            made.row.identity_name.clone_from(&who.name);
            made
        };
        rows.push(make(EntitlementKind::Identity, "identity".to_owned()));
        let source = match group {
            Some(group) => format!("group:{}/assignment:{}", group.object_id, self.assignment.id),
            None => format!("assignment:{}", self.assignment.id),
        };
        let mut made = make(self.assignment.kind, source);
        made.row.source_name.clone_from(self.name);
        made.row.policy_hashes.push(self.hash.clone());
        made.row.groups.extend(group.map(|group| identity::azure(self.tenant, &group.object_id)));
        made.row.scopes.push(self.assignment.scope.clone());
        made.row.condition.clone_from(&self.assignment.condition);
        if let Some(created_at) = self.assignment.created_at {
            made.row.valid_from = created_at;
            made.own_time = true;
        }
        rows.push(made);
    }
}
