//! People of Identity Center: one identity across their `AWSReservedSSO_*` roles, whose grants they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemas::{
    AccessEvent, AccountId, Entitlement, EntitlementKind, IdentityId, IdentityKind, Message, Noun, Provider,
    ResourceId, Text, Time,
};
use serde::{Deserialize, Serialize};
use stream::Output;

use crate::facts::people_kind;
use crate::sources::{Sources, Taken};

/// What a role's name begins with when it stands for a permission set.
const RESERVED: &str = ":role/AWSReservedSSO_";
/// What a derived grant's source begins with.
const DERIVED: &str = "role:";

/// The roles that stand for permission sets, with their grants and the people seen to act through them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct People {
    roles: BTreeMap<IdentityId, Role>,
    n_people: usize,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Role {
    sources: Sources,
    people: BTreeSet<IdentityId>,
}

/// Whether a grant is one that this stage wrote.
pub(super) fn is_derived(row: &Entitlement) -> bool {
    row.identity_kind == IdentityKind::Workforce && row.source.starts_with(DERIVED)
}

impl People {
    /// Learns who acts through a role.
    pub(super) fn event(&mut self, event: &AccessEvent, max_people: usize, out: &mut Output<Message>) {
        if event.identity_kind != IdentityKind::Workforce || event.provider != Provider::Aws {
            return;
        }
        for role_id in event.on_behalf_of.iter().filter(|id| id.contains(":role/")) {
            let Some(account) = account_of(role_id) else { continue };
            let role = self.roles.entry(role_id.clone()).or_default();
            if self.n_people >= max_people || !role.people.insert(event.identity_id.clone()) {
                continue;
            }
            self.n_people += 1;
            let revision = i64::try_from(role.people.len()).unwrap_or(i64::MAX);
            let row = super::fact(Provider::Aws, &account, people_kind(role_id), Time(0), revision);
            out.emit(super::listing(row, role.people.iter().map(|id| ResourceId::from(id.as_str()))));
            for row in role.sources.iter() {
                derive(row, &event.identity_id, out);
            }
        }
    }

    /// Learns what a role grants.
    pub(super) fn entitlement(&mut self, row: &Arc<Entitlement>, max_grants: usize, out: &mut Output<Message>) {
        if row.provider != Provider::Aws || !row.identity_id.contains(RESERVED) || row.kind == EntitlementKind::Trust {
            return;
        }
        let role = self.roles.entry(row.identity_id.clone()).or_default();
        if role.sources.take(row, max_grants) == Taken::New {
            for person in &role.people {
                derive(row, person, out);
            }
        }
    }
}

fn account_of(role: &str) -> Option<AccountId> {
    role.strip_prefix("aws:")?.split(':').next().map(AccountId::from)
}

/// Writes a role's grant as a person's. Its revision is the role's row's, so that each replay writes the same one.
fn derive(row: &Entitlement, person: &IdentityId, out: &mut Output<Message>) {
    let role = row.identity_id.rsplit('/').next().unwrap_or_default();
    let name = person.split_once("workforce/").map(|(_, name)| Text::from(name));
    let derived = Entitlement {
        identity_id: person.clone(),
        source: Text::from(format!("{DERIVED}{role}/{}", row.source)),
        identity_kind: IdentityKind::Workforce,
        identity_name: name,
        identity_generation: None,
        identity_created_at: None,
        identity_last_used_at: None,
        groups: Vec::new(),
        ..row.clone()
    };
    out.emit(derived.into_message());
}
