//! Azure: rows as the documents of a tenant.

use schemas::{Entitlement, EntitlementKind, Policy, Statement};
use serde_json::{Value, json};

use super::{Answer, FindPolicy, Holdings, Question};
use crate::azure::evaluate::{Action, Documents, Identity, Policies, Request, Resource, explain};

/// What bears on a request and is in no snapshot.
const NOT_READ: &[&str] = &["locks", "access policies of key vaults"];
/// The condition of a row whose deny holds at its scope and not below.
const HERE_ONLY: &str = "doNotApplyToChildScopes";
/// The GUID that stands for a role which nobody defines.
const NO_ROLE: &str = "unknown";

pub(super) fn ask(find: &FindPolicy<'_>, holdings: &Holdings<'_>, question: &Question) -> Result<Answer, String> {
    let first = holdings.own.first().ok_or("nothing is known of the identity")?;
    let object_id = first.identity_id.rsplit(':').next().unwrap_or_default();
    let groups: Vec<String> = holdings
        .own
        .iter()
        .flat_map(|row| &row.groups)
        .map(|group| group.rsplit(':').next().unwrap_or_default().to_owned())
        .collect();
    let request = Request {
        identity: Identity::new(object_id, groups.iter().map(String::as_str)),
        action: Action::parse(&question.action, None)?,
        resource: Resource::parse(&question.resource, question.ancestors.as_deref())?,
    };
    let policies = policies(find, holdings, object_id);
    let explained = explain(&request, &policies);
    Ok(Answer {
        verdict: explained.decided.decision.verdict,
        rule: explained.decided.decision.rule.to_string(),
        statements: explained.decided.statements,
        conditional_on: explained.decided.decision.conditional_on,
        could_activate: explained.could_activate,
        outside: explained.outside,
        errors: policies.errors().to_vec(),
        not_read: NOT_READ,
    })
}

fn policies(find: &FindPolicy<'_>, holdings: &Holdings<'_>, object_id: &str) -> Policies {
    let (mut roles, mut active, mut eligible, mut denies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in holdings.own.iter().chain(&holdings.everybody) {
        for hash in &row.policy_hashes {
            let policy = find(hash);
            for scope in &row.scopes {
                let mut document = json!({ "name": row.source, "scope": scope });
                if let Some(condition) = &row.condition {
                    document["condition"] = condition.as_str().into();
                }
                if row.kind == EntitlementKind::DenyAssignment {
                    denies.push(deny(document, row, policy.as_deref()));
                    continue;
                }
                document["principalId"] = object_id.into();
                document["roleDefinitionId"] = role(row, policy.as_deref(), hash, &mut roles).into();
                match row.kind {
                    EntitlementKind::RoleAssignment => active.push(document),
                    EntitlementKind::Eligible => eligible.push(document),
                    _ => {}
                }
            }
        }
    }
    Policies::compile(Documents {
        role_definitions: &roles,
        role_assignments: &active,
        eligible_assignments: &eligible,
        deny_assignments: &denies,
        classic_administrators: &[],
    })
}

/// The id of a row's role; adds its definition, unless it is one of the cloud's own.
fn role(row: &Entitlement, policy: Option<&Policy>, hash: &str, roles: &mut Vec<Value>) -> String {
    let Some(policy) = policy else { return NO_ROLE.to_owned() };
    if let Some(builtin) = policy.statements.iter().find_map(|statement| statement.role.as_ref()) {
        return builtin.to_string();
    }
    if policy.statements.is_empty() && !policy.errors.is_empty() {
        return NO_ROLE.to_owned();
    }
    let name = row.source_name.as_ref().unwrap_or(&row.source);
    let blocks: Vec<Value> = policy.statements.iter().map(block).collect();
    roles.push(json!({ "name": hash, "roleName": name, "permissions": blocks }));
    hash.to_owned()
}

fn block(statement: &Statement) -> Value {
    let mut block = json!({
        "actions": statement.actions,
        "notActions": statement.not_actions,
        "dataActions": statement.data_actions,
        "notDataActions": statement.not_data_actions,
    });
    if let Some(condition) = &statement.condition {
        block["condition"] = condition.as_str().into();
        block["conditionVersion"] = "2.0".into();
    }
    block
}

/// A deny assignment for whom its row is; the statements name whom it spares.
fn deny(mut document: Value, row: &Entitlement, policy: Option<&Policy>) -> Value {
    document["principals"] = json!([{ "id": row.identity_id.rsplit(':').next() }]);
    let statements = policy.map(|policy| policy.statements.as_slice()).unwrap_or_default();
    let spared = statements.iter().flat_map(|statement| &statement.not_identities);
    document["excludePrincipals"] = spared.map(|id| json!({ "id": id })).collect();
    // As the room of grants writes it.
    document["doNotApplyToChildScopes"] = row.condition.iter().any(|text| text.starts_with(HERE_ONLY)).into();
    // A deny whose permissions nobody knows may deny anything: `permissions` that cannot be read say so.
    document["permissions"] = match policy {
        Some(policy) if policy.errors.is_empty() => policy.statements.iter().map(block).collect(),
        _ => "not known".into(),
    };
    document
}
