//! Bindings of allow policies and rules of deny policies, compiled.
//!
//! Sources: Understand allow policies (<https://cloud.google.com/iam/docs/allow-policies>), Deny policies
//! (<https://cloud.google.com/iam/docs/deny-overview>).

use std::sync::Arc;

use schemas::{Provider, Text};
use serde_json::Value;
use smol_str::SmolStr;

use super::condition::{Condition, Kind};
use super::member::Members;
use super::permission::{Action, CompiledRole, from_deny};
use super::request::Request;
use crate::patterns::Patterns;
use crate::truth::{Doubts, Truth};

/// A role for some members.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Binding {
    pub(super) policy: Text,
    /// Its place in the policy.
    pub(super) at: usize,
    pub(super) role_name: SmolStr,
    role: Role,
    pub(super) members: Members,
    pub(super) condition: Option<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
enum Role {
    Known(Arc<CompiledRole>),
    /// What to say of one whose permissions nobody gave.
    NotKnown(Text),
}

/// What some may not do.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DenyRule {
    pub(super) policy: Text,
    pub(super) at: usize,
    members: Members,
    except_members: Members,
    permissions: Patterns,
    except_permissions: Patterns,
    condition: Option<Condition>,
    /// What a doubt is called about permissions that could not be read.
    flaw: Text,
}

impl Binding {
    /// Reads one; `role` finds compiled roles.
    pub(super) fn compile(
        value: &Value,
        policy: &Text,
        at: usize,
        place: &str,
        role: impl Fn(&str) -> Option<Arc<CompiledRole>>,
        errors: &mut Vec<Text>,
    ) -> Option<Self> {
        let mut wrong = |why: String| errors.push(format!("{place}: {why}").into());
        let Some(name) = value.get("role").and_then(Value::as_str) else {
            wrong("field `role` is missing or not a string".to_owned());
            return None;
        };
        let not_known = || Role::NotKnown(format!("role `{}`", super::short(name)).into());
        Some(Self {
            policy: policy.clone(),
            at,
            role: role(name).map_or_else(not_known, Role::Known),
            role_name: name.into(),
            members: Members::compile(list(value, "members"), place, &mut wrong),
            condition: Condition::compile(value.get("condition"), place, &mut wrong),
        })
    }

    /// Whether its role has a permission; true when nobody knows.
    pub(super) fn names(&self, action: &Action) -> bool {
        match &self.role {
            Role::Known(role) => role.has(action),
            Role::NotKnown(_) => true,
        }
    }

    /// Whether it grants what is asked. `holds` says whether who asks has a basic role on a project.
    pub(super) fn grants<'p>(
        &'p self,
        request: &'p Request,
        holds: impl Fn(&str, &str) -> Truth,
        doubts: &mut Doubts<'p>,
    ) -> Truth {
        let from = doubts.mark();
        let has = match &self.role {
            Role::Known(role) => Truth::of(role.has(&request.action)),
            Role::NotKnown(what) => doubts.add(what),
        };
        let means = doubts.then(has, from, |doubts| self.members.mean(&request.identity, holds, doubts));
        doubts.then(means, from, |doubts| match &self.condition {
            Some(condition) => condition.is_met(&request.context, Kind::Allow, doubts),
            None => Truth::True,
        })
    }
}

impl DenyRule {
    /// Reads one. Never fails: what cannot be read is in `errors`, and may deny.
    pub(super) fn compile(value: &Value, policy: &Text, at: usize, place: &str, errors: &mut Vec<Text>) -> Self {
        let n_errors = errors.len();
        let mut wrong = |why: String| errors.push(format!("{place}: {why}").into());
        let empty = Value::Null;
        let rule = value.get("denyRule").unwrap_or_else(|| {
            wrong("field `denyRule` is missing".to_owned());
            &empty
        });
        let is_missing = rule.is_null();
        let permissions = read_permissions(rule, "deniedPermissions", is_missing, &mut wrong);
        let except_permissions = read_permissions(rule, "exceptionPermissions", false, &mut wrong);
        let denied =
            if is_missing { Err("whom it denies is not known".to_owned()) } else { list(rule, "deniedPrincipals") };
        let members = Members::compile(denied, place, &mut wrong);
        let except_members = Members::compile(list(rule, "exceptionPrincipals"), place, &mut wrong);
        let condition = Condition::compile(rule.get("denialCondition"), place, &mut wrong);
        let flaw = errors.get(n_errors).cloned().unwrap_or_default();
        Self { policy: policy.clone(), at, members, except_members, permissions, except_permissions, condition, flaw }
    }

    /// Whether it denies what is asked.
    pub(super) fn denies<'p>(
        &'p self,
        request: &'p Request,
        holds: &impl Fn(&str, &str) -> Truth,
        doubts: &mut Doubts<'p>,
    ) -> Truth {
        let from = doubts.mark();
        let denied = self.about(&self.permissions, &request.action, doubts);
        let truth =
            doubts.then(denied, from, |doubts| self.about(&self.except_permissions, &request.action, doubts).not());
        let truth = doubts.then(truth, from, |doubts| self.mean(&self.members, request, holds, doubts));
        let truth = doubts.then(truth, from, |doubts| self.mean(&self.except_members, request, holds, doubts).not());
        doubts.then(truth, from, |doubts| match &self.condition {
            Some(condition) => condition.is_met(&request.context, Kind::Deny, doubts),
            None => Truth::True,
        })
    }

    fn about<'p>(&'p self, patterns: &Patterns, action: &Action, doubts: &mut Doubts<'p>) -> Truth {
        match patterns.name(action.idx(), action.name()) {
            Truth::Unknown => doubts.add(&self.flaw),
            known => known,
        }
    }

    /// Members that could not be read may be anybody.
    fn mean<'p>(
        &'p self,
        members: &'p Members,
        request: &Request,
        holds: &impl Fn(&str, &str) -> Truth,
        doubts: &mut Doubts<'p>,
    ) -> Truth {
        match (members.mean(&request.identity, holds, doubts), members.flaw()) {
            (Truth::False, Some(flaw)) => doubts.add(flaw),
            (known, _) => known,
        }
    }
}

fn read_permissions(rule: &Value, key: &str, is_missing: bool, wrong: &mut impl FnMut(String)) -> Patterns {
    let entries = match list(rule, key) {
        Ok(entries) => entries,
        Err(why) => {
            wrong(why);
            return Patterns::new(Provider::Gcp, [], true);
        }
    };
    let read: Vec<SmolStr> = entries.iter().filter_map(Value::as_str).filter_map(from_deny).collect();
    let is_flawed = read.len() < entries.len();
    if is_flawed {
        wrong(format!("`{key}` has an entry that is no permission; one is `storage.googleapis.com/objects.get`"));
    }
    Patterns::new(Provider::Gcp, read, is_flawed || is_missing)
}

fn list<'v>(value: &'v Value, key: &str) -> Result<&'v [Value], String> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(format!("`{key}` is not a list")),
    }
}
