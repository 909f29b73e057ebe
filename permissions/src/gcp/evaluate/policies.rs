//! Every policy that bears on requests, compiled once and found by where it is attached.

use std::collections::HashMap;
use std::sync::Arc;

use schemas::Text;
use serde_json::Value;
use smol_str::SmolStr;

use super::permission::CompiledRole;
use super::policy::{Binding, DenyRule};
use super::request::{Level, Request, attach_point};
use crate::truth::Truth;

/// Bindings or rules per policy beyond which the rest is not read; Google takes 1,500 members and 500 rules.
const MAX_ENTRIES: usize = 16_384;

/// A policy and where it is attached.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'d> {
    /// `organizations/1`, `projects/p`, `//storage.googleapis.com/b`.
    pub resource: &'d str,
    /// The policy, as `gcloud … get-iam-policy` or `gcloud iam policies get` print it.
    pub policy: &'d Value,
}

/// Compiled policies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policies {
    points: HashMap<SmolStr, Point>,
    errors: Vec<Text>,
}

/// What is attached at one place.
#[derive(Clone, Debug, Default, PartialEq)]
struct Point {
    bindings: Vec<Binding>,
    denies: Vec<DenyRule>,
}

impl Policies {
    /// Compiles custom roles, as `gcloud iam roles describe` prints them, allow policies and deny policies. Never fails:
    /// what cannot be read is in [`Self::errors`], grants nothing, and where it may deny makes verdicts conditional on it.
    #[must_use]
    pub fn compile(roles: &[Value], allow: &[Attached<'_>], deny: &[Attached<'_>]) -> Self {
        let mut this = Self::default();
        let roles = custom_roles(roles, &mut this.errors);
        for (at, policy) in allow.iter().enumerate() {
            this.add_allow(at, policy, &roles);
        }
        for (at, policy) in deny.iter().enumerate() {
            this.add_deny(at, policy);
        }
        this
    }

    /// What could not be read, each with its place.
    #[must_use]
    pub fn errors(&self) -> &[Text] {
        &self.errors
    }

    /// The bindings on a request's path with where they are attached, the organization's first.
    pub(super) fn bindings<'p>(&'p self, request: &'p Request) -> impl Iterator<Item = (Level, &'p Binding)> {
        let points = request.path.names().iter().filter_map(|name| Some((Level::of(name), self.points.get(name)?)));
        points.flat_map(|(level, point)| point.bindings.iter().map(move |binding| (level, binding)))
    }

    /// The deny rules on a request's path, the organization's first.
    pub(super) fn denies<'p>(&'p self, request: &'p Request) -> impl Iterator<Item = &'p DenyRule> {
        request.path.names().iter().filter_map(|name| self.points.get(name)).flat_map(|point| &point.denies)
    }

    /// Whether who asks has a basic role on a project, for the convenience members of the policies of its resources. A
    /// role that is bound above the project, or on a condition, may count; so may any on a project that is not on the path.
    pub(super) fn holds(&self, request: &Request, role: &str, project: &str) -> Truth {
        let names = request.path.names();
        let Some(place) = names.iter().position(|name| name.strip_prefix("projects/") == Some(project)) else {
            return Truth::Unknown;
        };
        let mut held = Truth::False;
        for (at, point) in
            names[..=place].iter().enumerate().filter_map(|(at, name)| Some((at, self.points.get(name)?)))
        {
            let bound = point.bindings.iter().filter(|binding| binding.role_name == role);
            for binding in bound.filter(|binding| binding.members.names(&request.identity)) {
                let is_certain = at == place && binding.condition.is_none();
                held = held.max(if is_certain { Truth::True } else { Truth::Unknown });
            }
        }
        held
    }

    fn add_allow(&mut self, at: usize, attached: &Attached<'_>, roles: &HashMap<SmolStr, Arc<CompiledRole>>) {
        let name = attach_point(attached.resource);
        let policy = Text::from(name.as_str());
        let place = format!("`allow_policies[{at}]`");
        let find = |role: &str| {
            let own = roles.get(role).map(Arc::clone);
            own.or_else(|| CompiledRole::predefined(role).map(Arc::new))
        };
        let point = self.points.entry(name).or_default();
        for (n, value) in entries(attached.policy, "bindings", &place, &mut self.errors) {
            let place = format!("{place}: `bindings[{n}]`");
            point.bindings.extend(Binding::compile(value, &policy, n, &place, find, &mut self.errors));
        }
    }

    fn add_deny(&mut self, at: usize, attached: &Attached<'_>) {
        let place = format!("`deny_policies[{at}]`");
        let name = attached.policy.get("name").or_else(|| attached.policy.get("displayName"));
        let name = name.and_then(Value::as_str).map(|name| name.rsplit('/').next().unwrap_or(name));
        let policy = Text::from(name.unwrap_or(&format!("deny_policies[{at}]")));
        let point = self.points.entry(attach_point(attached.resource)).or_default();
        let n_errors = self.errors.len();
        for (n, value) in entries(attached.policy, "rules", &place, &mut self.errors) {
            let rule = DenyRule::compile(value, &policy, n, &format!("{place}: `rules[{n}]`"), &mut self.errors);
            point.denies.push(rule);
        }
        if attached.policy.get("rules").is_some_and(|rules| !rules.is_array()) {
            // Rules that cannot be read may deny anything to anybody.
            let mut said = self.errors.split_off(n_errors);
            point.denies.push(DenyRule::compile(&Value::Null, &policy, 0, &place, &mut said));
            said.truncate(1);
            self.errors.append(&mut said);
        }
    }
}

fn custom_roles(roles: &[Value], errors: &mut Vec<Text>) -> HashMap<SmolStr, Arc<CompiledRole>> {
    let mut found = HashMap::new();
    for (at, role) in roles.iter().enumerate() {
        let place = format!("`roles[{at}]`");
        match role.get("name").and_then(Value::as_str) {
            Some(name) => {
                found.insert(SmolStr::new(name), Arc::new(CompiledRole::compile(role, &place, errors)));
            }
            None => errors.push(format!("{place}: field `name` is missing or not a string").into()),
        }
    }
    found
}

fn entries<'d>(
    policy: &'d Value,
    key: &str,
    place: &str,
    errors: &mut Vec<Text>,
) -> impl Iterator<Item = (usize, &'d Value)> + use<'d> {
    let list = match policy.get(key) {
        None | Some(Value::Null) if policy.is_object() => &[],
        Some(Value::Array(list)) => list.as_slice(),
        None => {
            errors.push(format!("{place}: the policy is not an object").into());
            &[]
        }
        Some(_) => {
            errors.push(format!("{place}: `{key}` is not a list").into());
            &[]
        }
    };
    if list.len() > MAX_ENTRIES {
        errors.push(format!("{place}: `{key}` has {} entries, more than {MAX_ENTRIES}", list.len()).into());
    }
    list.iter().take(MAX_ENTRIES).enumerate()
}
