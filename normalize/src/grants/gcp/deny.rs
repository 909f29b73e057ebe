//! Deny policies.
//!
//! Sources: Deny policies (<https://cloud.google.com/iam/docs/deny-overview>), Principal identifiers
//! (<https://cloud.google.com/iam/docs/principal-identifiers>). Each whom a rule denies has a row, but for those whom it
//! spares. The policy of the row names in its statement all whom it denies (`identities`) and spares (`not_identities`), as
//! the rule writes them: of a rule for everybody, `principalSet://goog/public:all`, the row is that of `allUsers`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemas::{
    AccountId, Action, Effect, EntitlementKind, IdentityId, Policy, Provider, ResourceId, Statement, Text, Time,
};
use serde_json::Value;

use super::super::aws::Reader;
use super::super::facts::{DenyRule, Draft, Fact, items, required, text};
use super::super::read::Read;
use super::group::{Grant, Groups};

/// Reads a policy: each of its rules by itself.
pub(super) fn read(object: &Value, reader: &mut Reader<'_>) -> Result<Read, String> {
    let name = required(object, "name")?;
    let place = name.strip_prefix("policies/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let resource = ResourceId::from(format!("//{}", place.replace("%2F", "/").replace("%2f", "/")));
    let id = name.rsplit('/').next().unwrap_or(name);
    let Some(rules) = object.get("rules").and_then(Value::as_array) else {
        return Err(format!(
            "deny policy `{id}` has no `rules`: lists leave them out, `gcloud iam policies get` has them"
        ));
    };
    let mut read = Read::default();
    for (at, rule) in rules.iter().enumerate() {
        let place = format!("`rules[{at}]`");
        let Some(rule) = rule.get("denyRule").filter(|rule| rule.is_object()) else {
            read.wrong(format!("{place}: field `denyRule` is missing"));
            continue;
        };
        let mut errors = Vec::new();
        let mut list = |key: &str| texts(rule, key, &place, &mut errors);
        let (denied, spared) = (list("deniedPrincipals"), list("exceptionPrincipals"));
        let (actions, not_actions) = (list("deniedPermissions"), list("exceptionPermissions"));
        errors.iter().for_each(|error| read.wrong(error.to_string()));
        let condition = rule.get("denialCondition").filter(|found| !found.is_null());
        let statement = Statement {
            effect: Effect::Deny,
            not_actions: not_actions.iter().map(|name| Action::from(name.as_str())).collect(),
            identities: denied.clone(),
            not_identities: spared.clone(),
            ..Statement::allow(actions.iter().map(|name| Action::from(name.as_str())).collect())
        };
        let policy = Policy::of(Provider::Gcp, vec![statement], errors, reader.at);
        read.facts.push(Fact::Denies(DenyRule {
            id: format!("{id}#{at}").into(),
            name: text(object, "displayName").map(Text::from),
            resource: resource.clone(),
            denied,
            spared,
            hash: reader.policies.put(policy, reader.out),
            condition: condition
                .map(|found| text(found, "expression").map_or_else(|| found.to_string(), str::to_owned).into()),
        }));
    }
    Ok(read)
}

/// The texts of a list; what cannot be read of it is an error of the policy too.
fn texts(rule: &Value, key: &str, place: &str, errors: &mut Vec<Text>) -> Vec<Text> {
    let mut found = Vec::new();
    if rule.get(key).is_some_and(|list| !list.is_array() && !list.is_null()) {
        errors.push(format!("{place}: `{key}` is no list").into());
    }
    for (at, value) in items(rule, key).iter().enumerate() {
        match value.as_str() {
            Some(text) => found.push(text.into()),
            None => errors.push(format!("{place}: `{key}[{at}]` is no text").into()),
        }
    }
    found
}

/// The rows of those whom a rule denies and does not spare.
pub(super) fn rows(account: &AccountId, rule: &DenyRule, groups: &Groups<'_>, at: Time, rows: &mut Vec<Draft>) {
    let grant = Grant {
        kind: EntitlementKind::DenyRule,
        source: format!("deny:{}#{}", rule.resource, rule.id),
        name: rule.name.clone(),
        hash: rule.hash.clone(),
        resource: rule.resource.clone(),
        condition: rule.condition.clone(),
        until: None,
        org_id: None,
    };
    let spared: Vec<Cow<'_, str>> = rule.spared.iter().map(|name| spelled(name)).collect();
    let spared: BTreeSet<IdentityId> =
        spared.iter().flat_map(|member| groups.spread(member)).map(|held| held.id).collect();
    for name in &rule.denied {
        let member = spelled(name);
        for held in groups.spread(&member).into_iter().filter(|held| !spared.contains(&held.id)) {
            held.rows(account, at, &grant, rows);
        }
    }
}

/// An identity of a deny policy in the spelling of bindings, so that both have the same id.
fn spelled(name: &str) -> Cow<'_, str> {
    const FORMS: [(&str, &str); 3] = [
        ("principal://goog/subject/", "user"),
        ("principalSet://goog/group/", "group"),
        ("principal://iam.googleapis.com/projects/-/serviceAccounts/", "serviceAccount"),
    ];
    if name == "principalSet://goog/public:all" {
        return "allUsers".into();
    }
    let form = FORMS.iter().find_map(|(prefix, kind)| Some((kind, name.strip_prefix(prefix)?)));
    form.map_or(Cow::Borrowed(name), |(kind, rest)| format!("{kind}:{rest}").into())
}
