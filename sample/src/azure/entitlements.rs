//! `az role assignment list --all`, `az role definition list`, and the members of the groups that hold roles.

use serde_json::{Value, json};

use crate::{
    azure::{
        resources::own_scope,
        roles::{ROLES, RoleDefinition, role},
    },
    error::SampleError,
    ids::{mix, uuid},
    world::{Account, Cloud, Grant, Identity, Kind, Subject, World, accounts, wildcard},
    writer::Writer,
};

/// One role given to somebody at a scope.
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) role: &'static RoleDefinition,
    pub(super) scope: String,
    pub(super) principal_id: String,
    pub(super) principal_type: &'static str,
    principal_name: String,
}

impl Assignment {
    /// Whether this assignment lets a control-plane action through.
    pub(super) fn covers(&self, action: &str) -> bool {
        let any = |patterns: &[&str]| patterns.iter().any(|pattern| wildcard(pattern, action));
        any(self.role.actions) && !any(self.role.not_actions)
    }
}

fn group_id(group: &str) -> String {
    uuid(group.len() as u64, 0x67)
}

/// The assignments by which an identity holds its roles, its groups' among them.
pub(super) fn assignments(me: &Identity) -> Vec<Assignment> {
    let subscription = format!("/subscriptions/{}", me.account().id);
    let kind = if me.persona.subject == Subject::User { "User" } else { "ServicePrincipal" };
    let own = |salt: u64, name: &str, scope: String| {
        role(name).map(|role| Assignment {
            name: uuid(mix(me.noise, salt), 0x61),
            role,
            scope,
            principal_id: me.unique.clone(),
            principal_type: kind,
            principal_name: if kind == "User" { me.email.clone() } else { uuid(me.noise, 0x61) },
        })
    };
    let mut out = Vec::new();
    for (salt, grant) in me.persona.grants.iter().enumerate() {
        out.extend(match grant {
            Grant::Role(name) => own(salt as u64, name, subscription.clone()),
            Grant::RoleAt(name, scope) => own(salt as u64, name, own_scope(scope.kind(), me)),
            Grant::RoleByGroup(name, group) => by_group(name, group, me.account()),
            _ => None,
        });
    }
    out
}

fn by_group(name: &str, group: &str, account: &Account) -> Option<Assignment> {
    role(name).map(|role| Assignment {
        name: uuid(mix(account.id.len() as u64, u64::from(account.id.as_bytes()[0])), 0x62),
        role,
        scope: format!("/subscriptions/{}", account.id),
        principal_id: group_id(group),
        principal_type: "Group",
        principal_name: group.to_owned(),
    })
}

/// Writes the three files of every subscription.
pub(crate) fn write(world: &World, writer: &Writer) -> Result<(), SampleError> {
    for (idx, account) in accounts(Cloud::Azure).iter().enumerate() {
        let people: Vec<&Identity> = world.of_account(Cloud::Azure, idx).collect();
        let mut list: Vec<Assignment> = people.iter().flat_map(|me| assignments(me)).collect();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list.dedup_by(|a, b| a.name == b.name);
        let rows: Vec<Value> = list.iter().map(|a| assignment(a, account)).collect();
        let folder = format!("azure/entitlements/{}", account.id);
        writer.pretty(&format!("{folder}/role-assignments.json"), "role assignments", &rows)?;
        let roles: Vec<Value> = ROLES.iter().map(|r| definition(r, account)).collect();
        writer.pretty(&format!("{folder}/role-definitions.json"), "role definitions", &roles)?;
        let members: Vec<Value> = people.iter().filter(|me| in_group(me)).map(|me| member(me)).collect();
        let groups = json!([{
            "id": group_id("engineering"), "displayName": "engineering", "securityEnabled": true, "members": members,
        }]);
        writer.pretty(&format!("{folder}/group-members.json"), "group members", &groups)?;
    }
    Ok(())
}

fn in_group(me: &Identity) -> bool {
    me.persona.grants.iter().any(|grant| matches!(grant, Grant::RoleByGroup(..)))
}

fn member(me: &Identity) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.user",
        "id": me.unique,
        "displayName": me.display,
        "userPrincipalName": me.email,
    })
}

fn definition_id(role: &RoleDefinition, account: &Account) -> String {
    format!("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}", account.id, role.guid)
}

fn assignment(a: &Assignment, account: &Account) -> Value {
    let group = if a.scope.contains("/resourceGroups/") { a.scope.split('/').nth(4) } else { None };
    json!({
        "condition": null,
        "conditionVersion": null,
        "createdBy": uuid(1, 0x63),
        "createdOn": "2025-02-11T08:21:37.412875+00:00",
        "delegatedManagedIdentityResourceId": null,
        "description": null,
        "id": format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", a.scope, a.name),
        "name": a.name,
        "principalId": a.principal_id,
        "principalName": a.principal_name,
        "principalType": a.principal_type,
        "resourceGroup": group,
        "roleDefinitionId": definition_id(a.role, account),
        "roleDefinitionName": a.role.name,
        "scope": a.scope,
        "type": "Microsoft.Authorization/roleAssignments",
        "updatedBy": uuid(1, 0x63),
        "updatedOn": "2025-02-11T08:21:37.412875+00:00",
    })
}

fn definition(role: &RoleDefinition, account: &Account) -> Value {
    let scopes = if role.custom { format!("/subscriptions/{}", account.id) } else { "/".to_owned() };
    json!({
        "assignableScopes": [scopes],
        "createdBy": null,
        "createdOn": "2015-02-02T21:55:09.880642+00:00",
        "description": role.about,
        "id": definition_id(role, account),
        "name": role.guid,
        "permissions": [{
            "actions": role.actions,
            "condition": null,
            "conditionVersion": null,
            "dataActions": role.data_actions,
            "notActions": role.not_actions,
            "notDataActions": [],
        }],
        "roleName": role.name,
        "roleType": if role.custom { "CustomRole" } else { "BuiltInRole" },
        "type": "Microsoft.Authorization/roleDefinitions",
        "updatedBy": null,
        "updatedOn": "2025-01-24T18:12:44.330172+00:00",
    })
}

impl crate::world::Scope {
    fn kind(self) -> Kind {
        match self {
            Self::Storage => Kind::Storage,
            Self::Vault => Kind::Vault,
        }
    }
}
