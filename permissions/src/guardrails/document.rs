//! Policy files as grants: each document for whoever will hold it, or for those whom it names.

use std::collections::BTreeMap;

use schemas::{Action, IdentityKind, Provider, Statement, Text, Time};

use super::{Breach, GuardrailError, Guardrails, Holder, set_of_statements};
use crate::lint::Kind;
use crate::lint::documents::{self, Document};

/// A rule that a document breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyBreach {
    /// The document's name, or its kind.
    pub document: String,
    /// Who holds it: the one it was checked for, or whom the document names.
    pub holder: Holder,
    /// What it breaks.
    pub breach: Breach,
}

pub(super) fn check(
    guardrails: &Guardrails,
    bytes: &[u8],
    holder: Option<&Holder>,
    as_of: Time,
) -> Result<Vec<PolicyBreach>, GuardrailError> {
    let documents = documents::read(bytes).map_err(GuardrailError::Policy)?;
    let mut breaches = Vec::new();
    for document in documents {
        let name = if document.name.is_empty() { document.kind.to_string() } else { document.name.clone() };
        let provider = provider(document.kind);
        for (named, statements) in holders(&document, holder, provider) {
            let set = set_of_statements(provider, statements, &name);
            let found = guardrails.check(&named, &set, as_of);
            breaches.extend(found.into_iter().map(|breach| PolicyBreach {
                document: name.clone(),
                holder: named.clone(),
                breach,
            }));
        }
    }
    Ok(breaches)
}

fn provider(kind: Kind) -> Provider {
    match kind {
        Kind::AzureRole => Provider::Azure,
        Kind::GcpRole | Kind::GcpAllow | Kind::GcpDeny => Provider::Gcp,
        _ => Provider::Aws,
    }
}

/// Who holds a document's statements. What only limits (SCPs, boundaries, deny policies) is held by nobody.
fn holders(document: &Document, holder: Option<&Holder>, provider: Provider) -> Vec<(Holder, Vec<Statement>)> {
    let given = || match holder {
        Some(holder) => Holder { provider, ..holder.clone() },
        None => named("", IdentityKind::Unknown, provider),
    };
    let json = document.json.to_string();
    match document.kind {
        Kind::AwsIdentity => vec![(given(), crate::aws::parse_policy(json.as_bytes()).statements)],
        Kind::AwsResource => {
            let parsed = crate::aws::parse_policy(json.as_bytes()).statements;
            let public = |s: &Statement| s.identities.iter().any(|i| matches!(i.as_str(), "*" | "AWS:*"));
            let statements = parsed.into_iter().filter(public).collect();
            vec![(named("anonymous", IdentityKind::Anonymous, provider), statements)]
        }
        Kind::AzureRole => vec![(given(), azure(&document.json))],
        Kind::GcpRole => {
            let permissions = texts(&document.json, "includedPermissions");
            vec![(given(), vec![Statement::allow(permissions)])]
        }
        Kind::GcpAllow => bindings(&document.json),
        _ => Vec::new(),
    }
}

fn named(name: &str, kind: IdentityKind, provider: Provider) -> Holder {
    Holder { id: name.to_owned(), name: name.to_owned(), kind, account: String::new(), provider }
}

/// A key in any case.
fn field<'v>(value: &'v serde_json::Value, key: &str) -> Option<&'v serde_json::Value> {
    value.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value)
}

fn texts(value: &serde_json::Value, key: &str) -> Vec<Action> {
    let list = field(value, key).and_then(serde_json::Value::as_array);
    list.into_iter().flatten().filter_map(serde_json::Value::as_str).map(Action::from).collect()
}

fn azure(json: &serde_json::Value) -> Vec<Statement> {
    let body = field(json, "properties").filter(|p| p.is_object()).unwrap_or(json);
    let blocks = match field(body, "permissions").and_then(serde_json::Value::as_array) {
        Some(blocks) => blocks.as_slice(),
        None => std::slice::from_ref(body),
    };
    let one = |block: &serde_json::Value| {
        let condition = field(block, "condition").and_then(serde_json::Value::as_str).filter(|c| !c.is_empty());
        Statement {
            not_actions: texts(block, "notActions"),
            data_actions: texts(block, "dataActions"),
            not_data_actions: texts(block, "notDataActions"),
            condition: condition.map(Text::from),
            ..Statement::allow(texts(block, "actions"))
        }
    };
    blocks.iter().map(one).collect()
}

/// Each member of an allow policy with all its roles.
fn bindings(json: &serde_json::Value) -> Vec<(Holder, Vec<Statement>)> {
    let mut by_member: BTreeMap<&str, Vec<Statement>> = BTreeMap::new();
    for binding in field(json, "bindings").and_then(serde_json::Value::as_array).into_iter().flatten() {
        let Some(role) = field(binding, "role").and_then(serde_json::Value::as_str) else { continue };
        let condition = field(binding, "condition").filter(|c| c.is_object()).map(|c| Text::from(c.to_string()));
        let members = field(binding, "members").and_then(serde_json::Value::as_array).into_iter().flatten();
        for member in members.filter_map(serde_json::Value::as_str) {
            let statement = Statement {
                role: Some(Text::from(role)),
                condition: condition.clone(),
                ..Statement::allow(Vec::new())
            };
            by_member.entry(member).or_default().push(statement);
        }
    }
    let holder = |member: &str| {
        let kind = match member.split(':').next().unwrap_or_default() {
            "user" => IdentityKind::User,
            "group" => IdentityKind::Group,
            "serviceAccount" => IdentityKind::ServiceAccount,
            "allUsers" | "allAuthenticatedUsers" => IdentityKind::Anonymous,
            "principal" | "principalSet" => IdentityKind::Federated,
            _ => IdentityKind::Unknown,
        };
        named(member, kind, Provider::Gcp)
    };
    by_member.into_iter().map(|(member, statements)| (holder(member), statements)).collect()
}
