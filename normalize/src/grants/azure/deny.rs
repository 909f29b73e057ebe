//! Deny assignments.
//!
//! Source: Understand Azure deny assignments
//! (<https://learn.microsoft.com/azure/role-based-access-control/deny-assignments>). Each whom it denies has a row, but for
//! those whom it spares. Everybody is one identity with the id of zeros, and the policy of the row says in its statements
//! whom it names (`identities`) and spares (`not_identities`), by object id. A deny that does not reach below its scope has
//! [`HERE_ONLY`] in its condition, so that who does not know of it takes it for conditional.

use std::collections::{BTreeMap, BTreeSet};

use permissions::azure::role_definition;
use schemas::identity::AZURE_EVERYBODY;
use schemas::{EntitlementKind, IdentityKind, Policy, Provider, Text};
use serde_json::Value;

use super::super::aws::Reader;
use super::super::facts::{Fact, Member, text};
use super::super::read::Read;
use super::{body, made, members};

/// The condition of a deny that holds at its scope and not below.
const HERE_ONLY: &str = "doNotApplyToChildScopes";

/// Reads a deny assignment. What cannot be read of whom it names or spares is told, and the rest denies.
pub(super) fn read(object: &Value, reader: &mut Reader<'_>) -> Result<Read, String> {
    let of = body(object);
    let id = text(object, "id").or_else(|| text(object, "name")).ok_or("field `id` is missing or no text")?;
    let mut read = Read::default();
    let mut denied = members(of, "principals", &mut read);
    let spared = members(of, "excludePrincipals", &mut read);
    for member in denied.iter_mut().filter(|member| member.object_id.as_str() == AZURE_EVERYBODY) {
        (member.kind, member.name) = (IdentityKind::Group, Some("everyone".into()));
    }
    let role =
        role_definition(&serde_json::to_vec(object).unwrap_or_default()).ok_or("field `permissions` is missing")?;
    let names = |members: &[Member]| members.iter().map(|member| member.object_id.clone()).collect::<Vec<Text>>();
    let mut statements = role.statements;
    let errors = role.errors.into_iter().chain(read.trouble().map(Text::from)).collect();
    for statement in &mut statements {
        (statement.identities, statement.not_identities) = (names(&denied), names(&spared));
    }
    let hash = reader.policies.put(Policy::of(Provider::Azure, statements, errors, reader.at), reader.out);
    let mut assignment = made(object, id, EntitlementKind::DenyAssignment, denied, Some(hash))?;
    if of.get(HERE_ONLY).and_then(Value::as_bool) == Some(true) {
        assignment.condition = Some(match &assignment.condition {
            Some(condition) => format!("{HERE_ONLY} && ({condition})").into(),
            None => HERE_ONLY.into(),
        });
    }
    if assignment.principals.is_empty() {
        read.wrong("`principals` names nobody".to_owned());
    }
    read.facts.push(Fact::Deny { assignment, spared });
    Ok(read)
}

/// Whom a deny spares: those it names so, and the members of groups among them.
pub(super) fn all_spared<'a>(spared: &'a [Member], groups: &BTreeMap<&str, &'a Vec<Member>>) -> BTreeSet<&'a Text> {
    let mut all = BTreeSet::new();
    let mut open: Vec<&Member> = spared.iter().collect();
    while let Some(member) = open.pop() {
        if all.insert(&member.object_id) {
            open.extend(groups.get(member.object_id.as_str()).into_iter().flat_map(|members| members.iter()));
        }
    }
    all
}
