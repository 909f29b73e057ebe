//! Role assignments and deny assignments, compiled.
//!
//! Sources: Understand Azure role assignments (<https://learn.microsoft.com/azure/role-based-access-control/role-assignments>),
//! Understand Azure deny assignments (<https://learn.microsoft.com/azure/role-based-access-control/deny-assignments>).

use std::sync::Arc;

use schemas::Text;
use serde_json::Value;
use smol_str::SmolStr;

use super::condition::Condition;
use super::json::Object;
use super::request::Request;
use super::role::{Block, CompiledRole, condition};
use super::scope::Scope;
use crate::truth::{Doubts, Truth};

/// Whom a deny assignment names to mean everybody (deny assignments, «System-Defined Principal»).
pub(super) const EVERYONE: &str = schemas::identity::AZURE_EVERYBODY;

/// A role at a scope for one identity or group.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RoleAssignment {
    pub(super) name: Text,
    pub(super) identity: SmolStr,
    pub(super) scope: Scope,
    role: Role,
    condition: Option<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
enum Role {
    Known(Arc<CompiledRole>),
    /// What to say of one whose definition nobody gave.
    NotKnown(Text),
}

/// What some may not do at a scope.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DenyAssignment {
    pub(super) name: Text,
    /// `None` when it could not be read.
    scope: Option<Scope>,
    here_only: bool,
    /// In lower case.
    pub(super) identities: Vec<SmolStr>,
    excluded: Vec<SmolStr>,
    /// Whether an identity, or one that is excluded, could not be read.
    identities_flawed: bool,
    excluded_flawed: bool,
    blocks: Vec<Block>,
    blocks_flawed: bool,
    /// What a doubt about it is called: what could not be read.
    flaw: Text,
}

impl RoleAssignment {
    /// Reads one; `role` finds compiled roles.
    pub(super) fn compile(
        value: &Value,
        place: &str,
        role: impl Fn(&str) -> Option<Arc<CompiledRole>>,
        errors: &mut Vec<Text>,
    ) -> Result<Self, String> {
        let object = Object::new(value)?;
        let name = Text::from(object.name(&[]).unwrap_or(place));
        let scope = Scope::parse(object.needed("scope")?).map_err(|why| format!("`scope`: {why}"))?;
        let id = object.needed("roleDefinitionId")?;
        let not_known = || Role::NotKnown(format!("role definition `{}` of `{name}`", super::short(id)).into());
        Ok(Self {
            identity: SmolStr::from(object.needed("principalId")?.to_lowercase()),
            role: role(id).map_or_else(not_known, Role::Known),
            condition: condition(object, &mut |why| errors.push(format!("{place}: {why}").into())),
            scope,
            name,
        })
    }

    /// The role's name for people.
    pub(super) fn role_name(&self) -> Text {
        match &self.role {
            Role::Known(role) => role.name().clone(),
            Role::NotKnown(what) => what.clone(),
        }
    }

    /// Whether its role has the action, whatever conditions say.
    pub(super) fn names(&self, request: &Request) -> bool {
        match &self.role {
            Role::Known(role) => role.names(&request.action),
            Role::NotKnown(_) => true,
        }
    }

    /// Whether it grants what is asked to whom it is assigned.
    pub(super) fn grants<'p>(&'p self, request: &Request, doubts: &mut Doubts<'p>) -> Truth {
        let from = doubts.mark();
        let reaches = self.scope.reaches(&request.resource, doubts);
        let granted = doubts.then(reaches, from, |doubts| match &self.role {
            Role::Known(role) => role.grants(&request.action, doubts),
            Role::NotKnown(what) => doubts.add(what),
        });
        doubts.then(granted, from, |doubts| match &self.condition {
            Some(condition) => condition.is_met(&request.action, doubts),
            None => Truth::True,
        })
    }
}

impl DenyAssignment {
    /// Reads one. Never fails: what cannot be read is in `errors`, and may deny.
    pub(super) fn compile(value: &Value, place: &str, errors: &mut Vec<Text>) -> Self {
        let n_errors = errors.len();
        let mut wrong = |why: String| errors.push(Text::from(format!("{place}: {why}")));
        let object = Object::new(value).unwrap_or_else(|why| {
            wrong(why);
            Object::empty()
        });
        let scope = object.needed("scope").and_then(Scope::parse).map_err(|why| wrong(format!("`scope`: {why}")));
        let here_only = object.flag("doNotApplyToChildScopes").unwrap_or_else(|why| {
            wrong(why);
            false
        });
        let (identities, identities_flawed) = ids(object, "principals", &mut wrong);
        let (mut excluded, excluded_flawed) = ids(object, "excludePrincipals", &mut wrong);
        if excluded.iter().any(|id| id == EVERYONE) {
            wrong("`excludePrincipals` cannot name everyone".to_owned());
            excluded.retain(|id| id != EVERYONE);
        }
        let list = object.list("permissions").map_err(&mut wrong);
        let blocks = list.unwrap_or_default().iter().enumerate();
        let blocks = blocks.map(|(at, block)| Block::compile(block, at, &mut wrong)).collect();
        let name = Text::from(object.name(&["denyAssignmentName"]).unwrap_or(place));
        let flaw = errors.get(n_errors).cloned().unwrap_or_default();
        Self {
            name,
            scope: scope.ok(),
            here_only,
            identities,
            excluded,
            identities_flawed,
            excluded_flawed,
            blocks,
            blocks_flawed: list.is_err(),
            flaw,
        }
    }

    /// Whether it has to be looked at for whoever asks, because whom it names could not be read.
    pub(super) fn is_for_anybody(&self) -> bool {
        self.identities_flawed || self.identities.iter().any(|id| id == EVERYONE)
    }

    /// Whether it denies what is asked.
    pub(super) fn denies<'p>(&'p self, request: &Request, doubts: &mut Doubts<'p>) -> Truth {
        let from = doubts.mark();
        let mut truth = self.known_if(self.names(request), doubts);
        for part in [Self::is_not_excluded, Self::reaches, Self::is_about] {
            truth = doubts.then(truth, from, |doubts| part(self, request, doubts));
        }
        truth
    }

    /// The blocks that deny for certain, by their place.
    pub(super) fn denying(&self, request: &Request) -> Vec<Text> {
        let blocks = self.blocks.iter().enumerate();
        let certain =
            blocks.filter(|(_, block)| self.block_denies(block, request, &mut Doubts::default()) == Truth::True);
        certain.map(|(at, _)| Text::from(at.to_string())).collect()
    }

    fn names(&self, request: &Request) -> Truth {
        let named = |id: &SmolStr| id == EVERYONE || request.identity.is(id);
        match (self.identities.iter().any(named), self.identities_flawed) {
            (true, _) => Truth::True,
            (false, flawed) => {
                if flawed {
                    Truth::Unknown
                } else {
                    Truth::False
                }
            }
        }
    }

    fn is_not_excluded<'p>(&'p self, request: &Request, doubts: &mut Doubts<'p>) -> Truth {
        match (self.excluded.iter().any(|id| request.identity.is(id)), self.excluded_flawed) {
            (true, _) => Truth::False,
            (false, flawed) => self.known_if(if flawed { Truth::Unknown } else { Truth::True }, doubts),
        }
    }

    fn reaches<'p>(&'p self, request: &Request, doubts: &mut Doubts<'p>) -> Truth {
        match &self.scope {
            None => doubts.add(&self.flaw),
            Some(scope) if self.here_only => Truth::of(scope.is_exactly(&request.resource)),
            Some(scope) => scope.reaches(&request.resource, doubts),
        }
    }

    fn is_about<'p>(&'p self, request: &Request, doubts: &mut Doubts<'p>) -> Truth {
        if self.blocks_flawed {
            return doubts.add(&self.flaw);
        }
        doubts.any(&self.blocks, |block, doubts| self.block_denies(block, request, doubts))
    }

    fn block_denies<'p>(&'p self, block: &'p Block, request: &Request, doubts: &mut Doubts<'p>) -> Truth {
        let from = doubts.mark();
        let holds = self.known_if(block.set(&request.action).holds(&request.action), doubts);
        doubts.then(holds, from, |doubts| match block.condition() {
            Some(condition) => condition.is_met(&request.action, doubts),
            None => Truth::True,
        })
    }

    fn known_if<'p>(&'p self, truth: Truth, doubts: &mut Doubts<'p>) -> Truth {
        if truth == Truth::Unknown { doubts.add(&self.flaw) } else { truth }
    }
}

/// The ids of a list of `{"id", "type"}`, in lower case, and whether one could not be read.
fn ids(object: Object<'_>, key: &str, wrong: &mut impl FnMut(String)) -> (Vec<SmolStr>, bool) {
    let list = match object.list(key) {
        Ok(list) => list,
        Err(why) => {
            wrong(why);
            return (Vec::new(), true);
        }
    };
    let id = |entry: &Value| entry.get("id").and_then(Value::as_str).map(|id| SmolStr::from(id.to_lowercase()));
    let found: Vec<SmolStr> = list.iter().filter_map(id).collect();
    let is_flawed = found.len() < list.len();
    if is_flawed {
        wrong(format!("`{key}` has an entry without an `id`"));
    }
    (found, is_flawed)
}
