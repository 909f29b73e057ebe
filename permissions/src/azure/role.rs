//! Role definitions: a user's own, and the built-in ones by id.

use std::collections::HashMap;
use std::sync::LazyLock;

use schemas::{Action, Statement, Text};
use serde_json::Value;
use smol_str::SmolStr;

use crate::bundled;

static ROLES: &[u8] = include_bytes!("../../data/azure_roles.tsv.gz");

/// A role definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDefinition {
    /// The definition's GUID, lower case.
    pub guid: SmolStr,
    /// The role's name for people.
    pub name: SmolStr,
    /// One statement per permission block.
    pub statements: Vec<Statement>,
    /// What could not be read.
    pub errors: Vec<Text>,
}

/// Finds a built-in role by GUID, by definition id (`/subscriptions/…/roleDefinitions/<guid>`), or by its exact name.
#[must_use]
pub fn builtin_role(id_or_guid: &str) -> Option<&'static RoleDefinition> {
    let last = id_or_guid.rsplit('/').next().unwrap_or(id_or_guid);
    let roles = &*BUILTIN;
    roles.by_key.get(last.to_ascii_lowercase().as_str()).map(|at| &roles.all[*at])
}

struct Builtin {
    all: Vec<RoleDefinition>,
    by_key: HashMap<SmolStr, usize>,
}

static BUILTIN: LazyLock<Builtin> = LazyLock::new(|| {
    let text = bundled::unpack(ROLES);
    let mut all: Vec<RoleDefinition> = Vec::new();
    for line in bundled::lines(&text) {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            ["N", guid, name] => all.push(RoleDefinition {
                guid: SmolStr::new(guid),
                name: SmolStr::new(name),
                statements: Vec::new(),
                errors: Vec::new(),
            }),
            ["P", condition, actions, not_actions, data_actions, not_data_actions] => {
                let condition = (!condition.is_empty()).then(|| Text::from(*condition));
                let lists = [*actions, *not_actions, *data_actions, *not_data_actions].map(list);
                if let Some(role) = all.last_mut() {
                    role.statements.push(statement(lists, condition));
                }
            }
            _ => {}
        }
    }
    let mut by_key = HashMap::with_capacity(all.len() * 2);
    for (at, role) in all.iter().enumerate() {
        by_key.entry(SmolStr::from(role.name.to_ascii_lowercase())).or_insert(at);
        by_key.insert(role.guid.clone(), at);
    }
    Builtin { all, by_key }
});

fn list(entries: &str) -> Vec<Action> {
    entries.split(',').filter(|entry| !entry.is_empty()).map(Action::from).collect()
}

fn statement(
    [actions, not_actions, data_actions, not_data_actions]: [Vec<Action>; 4],
    condition: Option<Text>,
) -> Statement {
    Statement { not_actions, data_actions, not_data_actions, condition, ..Statement::allow(actions) }
}

/// Reads one role definition in either form: as `az role definition list` prints it (`permissions` at the top) or as ARM
/// returns it (under `properties`). `None` when it has neither a name nor permissions.
#[must_use]
pub fn role_definition(json: &[u8]) -> Option<RoleDefinition> {
    let value: Value = serde_json::from_slice(json).ok()?;
    let body = value.get("properties").filter(|p| p.is_object()).unwrap_or(&value);
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(SmolStr::new);
    let id = text(&value, "name").or_else(|| text(&value, "id"))?;
    let guid = id.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let name = text(body, "roleName").unwrap_or_else(|| SmolStr::new(&guid));
    let mut errors = Vec::new();
    let mut statements = Vec::new();
    for (at, block) in body.get("permissions")?.as_array()?.iter().enumerate() {
        let mut read = |key: &str| {
            strings(block, key).unwrap_or_else(|error| {
                errors.push(Text::from(format!("`permissions[{at}]`: {error}")));
                Vec::new()
            })
        };
        let lists = [read("actions"), read("notActions"), read("dataActions"), read("notDataActions")];
        let condition = block.get("condition").and_then(Value::as_str).filter(|c| !c.is_empty()).map(Text::from);
        statements.push(statement(lists, condition));
    }
    Some(RoleDefinition { guid: SmolStr::from(guid), name, statements, errors })
}

fn strings(block: &Value, key: &str) -> Result<Vec<Action>, String> {
    let wrong = || format!("`{key}` is not a list of strings");
    match block.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(|v| v.as_str().map(Action::from).ok_or_else(wrong)).collect(),
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builtin_role_is_found_by_guid_id_and_name() {
        let owner = builtin_role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635").unwrap();
        assert_eq!(owner.name, "Owner");
        let id =
            "/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/8E3AF657-A8FF-443C-A75C-2FE8C4BCB635";
        assert_eq!(builtin_role(id), Some(owner));
        assert_eq!(builtin_role("owner"), Some(owner));
        assert_eq!(builtin_role("no such role"), None);
        let contributor = builtin_role("Contributor").unwrap();
        let denied: Vec<&str> = contributor.statements[0].not_actions.iter().map(|a| a.as_str()).collect();
        assert!(denied.contains(&"Microsoft.Authorization/*/Write"), "{denied:?}");
    }

    #[test]
    fn both_forms_of_a_definition_read_the_same() {
        let cli = br#"{"name":"ABC","roleName":"Mine","permissions":[{"actions":["A/b/read"],"notActions":[],"dataActions":null}]}"#;
        let arm = br#"{"id":"/x/roleDefinitions/abc","name":"abc","properties":{"roleName":"Mine","permissions":[{"actions":["A/b/read"]}]}}"#;
        assert_eq!(role_definition(cli), role_definition(arm));
        assert_eq!(role_definition(cli).unwrap().guid, "abc");
        let bad = role_definition(br#"{"name":"a","permissions":[{"actions":7},{"actions":["x/y"]}]}"#).unwrap();
        assert_eq!((bad.errors.len(), bad.statements.len()), (1, 2));
        assert_eq!(role_definition(b"[]"), None);
    }
}
