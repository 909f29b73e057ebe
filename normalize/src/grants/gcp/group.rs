//! Groups and those who hold what a group is given.
//!
//! Sources: `gcloud identity groups memberships list`
//! (<https://cloud.google.com/sdk/gcloud/reference/identity/groups/memberships/list>), members.list of the Directory API
//! (<https://developers.google.com/workspace/admin/directory/reference/rest/v1/members>).

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    AccountId, EntitlementKind, IdentityId, IdentityKind, OrgId, PolicyHash, Provider, ResourceId, Text, Time, identity,
};
use serde_json::Value;

use super::super::facts::{Draft, Fact, draft, items, required, text};
use super::super::read::Read;
use super::of_member;

/// Reads a group with its members, in the spelling of bindings.
pub(super) fn read(object: &Value) -> Result<Read, String> {
    let email = required(object, "id").ok().filter(|id| id.contains('@'));
    let email = email.ok_or("nothing says which group it is: name the file by the group's address")?;
    let mut read = Read::default();
    let mut members = Vec::new();
    for (at, value) in items(object, "members").iter().enumerate() {
        match member(value) {
            Some(found) => members.push(found),
            None => read.wrong(format!("`members[{at}]`: neither `preferredMemberKey.id` nor `email` is there")),
        }
    }
    read.facts.push(Fact::GcpGroup { email: email.to_lowercase().into(), members });
    Ok(read)
}

fn member(value: &Value) -> Option<Text> {
    let key = value.get("preferredMemberKey");
    let key = key.map(|key| key.get(0).unwrap_or(key)).and_then(|key| text(key, "id"));
    let email = key.or_else(|| text(value, "email"))?;
    Some(match text(value, "type").unwrap_or_default() {
        "GROUP" => format!("group:{email}").into(),
        "SERVICE_ACCOUNT" => format!("serviceAccount:{email}").into(),
        _ if email.starts_with("principal") => email.into(),
        _ => format!("user:{email}").into(),
    })
}

/// The groups that are known, by their address.
#[derive(Debug, Default)]
pub(super) struct Groups<'a>(BTreeMap<&'a str, &'a [Text]>);

/// One who holds what a member is given, and the group through which.
#[derive(Debug)]
pub(super) struct Held<'a> {
    pub(super) id: IdentityId,
    kind: IdentityKind,
    name: &'a str,
    group: Option<&'a str>,
}

/// What is given, whoever holds it.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) kind: EntitlementKind,
    pub(super) source: String,
    pub(super) name: Option<Text>,
    pub(super) hash: PolicyHash,
    pub(super) resource: ResourceId,
    pub(super) condition: Option<Text>,
    pub(super) until: Option<Time>,
    pub(super) org_id: Option<OrgId>,
}

impl<'a> Groups<'a> {
    pub(super) fn insert(&mut self, email: &'a str, members: &'a [Text]) {
        self.0.insert(email, members);
    }

    /// The member itself, and whom it stands for when it is a group; a group within a group is opened once.
    pub(super) fn spread(&self, member: &'a str) -> Vec<Held<'a>> {
        let (id, kind, name) = of_member(member);
        let mut all = vec![Held { id, kind, name, group: None }];
        let mut seen = BTreeSet::from([name.to_lowercase()]);
        let mut open = if member.starts_with("group:") { vec![name] } else { Vec::new() };
        while let Some(group) = open.pop() {
            for inner in self.0.get(group.to_lowercase().as_str()).copied().unwrap_or_default() {
                let (id, kind, inner_name) = of_member(inner);
                if !seen.insert(inner_name.to_lowercase()) {
                    continue;
                }
                // Not every answer says which of its members are groups.
                let is_group = kind == IdentityKind::Group || self.0.contains_key(inner_name.to_lowercase().as_str());
                let kind = if is_group { IdentityKind::Group } else { kind };
                all.push(Held { id, kind, name: inner_name, group: Some(name) });
                open.extend(is_group.then_some(inner_name));
            }
        }
        all
    }
}

impl Held<'_> {
    /// The rows of one who holds a grant.
    pub(super) fn rows(&self, account: &AccountId, at: Time, grant: &Grant, rows: &mut Vec<Draft>) {
        let make = |kind, source| {
            let mut made = draft(Provider::Gcp, account, at, (self.id.clone(), self.kind), kind, source);
            made.row.org_id.clone_from(&grant.org_id);
            made.row.identity_name = Some(self.name.into());
            made
        };
        rows.push(make(EntitlementKind::Identity, "identity".to_owned()));
        let source = match self.group {
            Some(group) => format!("group:{}/{}", group.to_lowercase(), grant.source),
            None => grant.source.clone(),
        };
        let mut made = make(grant.kind, source);
        made.row.source_name.clone_from(&grant.name);
        made.row.policy_hashes.push(grant.hash.clone());
        made.row.groups.extend(self.group.map(identity::gcp));
        made.row.scopes.push(grant.resource.clone());
        made.row.condition.clone_from(&grant.condition);
        made.row.valid_until = grant.until;
        rows.push(made);
    }
}
