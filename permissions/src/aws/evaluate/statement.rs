//! A statement, compiled.
//!
//! What cannot be read of a statement is never guessed. A flawed `Allow` grants nothing. A flawed `Deny` keeps what could be
//! read, and where that fits a request it *may* deny: the verdict is then conditional on the flaw, which is named.

use schemas::Text;
use serde_json::{Map, Value};

use super::PolicyKind;
use super::actions::ActionSet;
use super::condition::Condition;
use super::context::Context;
use super::named::Who;
use super::short;
use super::variables::{Pattern, Syntax};
use crate::aws::policy::ELEMENTS;
use crate::truth::{Doubts, Truth};

/// Entries per element beyond which it is refused.
const MAX_ENTRIES: usize = 8192;
/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    /// Its `Sid`, or its place counted from 0.
    pub(super) name: Text,
    pub(super) denies: bool,
    pub(super) who: Who,
    pub(super) actions: ActionSet,
    pub(super) not_actions: bool,
    pub(super) resources: Resources,
    pub(super) condition: Option<Condition>,
    /// What could not be read, with its place.
    pub(super) flaw: Option<Text>,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resources {
    /// `*`, or the resource the policy is attached to.
    All,
    These(Box<[Pattern]>),
    AllBut(Box<[Pattern]>),
}

/// How a document is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    pub(super) kind: PolicyKind,
    /// Whether its version knows policy variables.
    pub(super) variables: bool,
}

impl Statement {
    /// Reads a statement; never fails, see [`Self::flaw`].
    pub(super) fn parse(entry: &Value, at: usize, dialect: Dialect) -> Self {
        let empty = Map::new();
        let mut flaws = Flaws::default();
        let map = entry.as_object().unwrap_or_else(|| {
            flaws.add("not an object".to_owned());
            &empty
        });
        let element = |name: &str| {
            map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).filter(|v| !v.is_null())
        };
        if let Some(key) = map.keys().find(|key| !ELEMENTS.iter().any(|known| key.eq_ignore_ascii_case(known))) {
            flaws.add(format!("unknown element `{}`", short(key)));
        }
        let sid = element("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty());
        let denies = flaws.or(effect(element("Effect")), true);
        let (actions, not_actions) = flaws.or(actions(element("Action"), element("NotAction")), everything());
        let resources = flaws.or(resources(element("Resource"), element("NotResource"), dialect), Resources::All);
        let who = flaws.or(who(element("Principal"), element("NotPrincipal"), dialect.kind), Who::Attached);
        let condition = flaws.or(condition(element("Condition"), dialect), None);
        let flaw = flaws.first.map(|why| Text::from(format!("`Statement[{at}]`: {why}")));
        let name = sid.map_or_else(|| Text::from(at.to_string()), Text::from);
        Self { name, denies, who, actions, not_actions, resources, condition, flaw }
    }

    /// A statement that may deny anything, for what a document has that could not be read.
    pub(super) fn unread(flaw: Text) -> Self {
        Self {
            name: Text::from("?"),
            denies: true,
            who: Who::Attached,
            actions: everything().0,
            not_actions: false,
            resources: Resources::All,
            condition: None,
            flaw: Some(flaw),
        }
    }

    /// Whether it allows everything to everybody.
    pub(super) fn allows_all(&self) -> bool {
        let unconditional = self.who == Who::Attached && self.condition.is_none() && self.flaw.is_none();
        let everything = self.actions.is_all() && !self.not_actions && self.resources == Resources::All;
        !self.denies && unconditional && everything
    }

    /// Whether what it says may differ from identity to identity.
    pub(super) fn asks_who(&self) -> bool {
        let varies = match &self.resources {
            Resources::All => false,
            Resources::These(patterns) | Resources::AllBut(patterns) => patterns.iter().any(Pattern::is_template),
        };
        varies || self.condition.is_some() || self.who != Who::Attached
    }

    /// Whether resource and condition fit a request whose action does.
    pub(super) fn fits<'p>(&'p self, resource: &str, context: &Context, doubts: &mut Doubts<'p>) -> Truth {
        let from = doubts.mark();
        let covered = self.covers(resource, context, doubts);
        let fits = match &self.condition {
            Some(condition) => doubts.then(covered, from, |doubts| condition.holds(context, doubts)),
            None => covered,
        };
        match &self.flaw {
            Some(flaw) if fits != Truth::False => doubts.add(flaw),
            _ => fits,
        }
    }

    fn covers<'p>(&'p self, resource: &str, context: &Context, doubts: &mut Doubts<'p>) -> Truth {
        let (patterns, negated) = match &self.resources {
            Resources::All => return Truth::True,
            Resources::These(patterns) => (patterns, false),
            Resources::AllBut(patterns) => (patterns, true),
        };
        let found = doubts.any(&**patterns, |pattern, doubts| pattern.matches(resource.as_bytes(), context, doubts));
        if negated { found.not() } else { found }
    }
}

/// Remembers the first thing that could not be read.
#[derive(Default)]
struct Flaws {
    first: Option<String>,
}

impl Flaws {
    fn add(&mut self, why: String) {
        self.first.get_or_insert(why);
    }

    fn or<T>(&mut self, read: Result<T, String>, otherwise: T) -> T {
        read.unwrap_or_else(|why| {
            self.add(why);
            otherwise
        })
    }
}

fn everything() -> (ActionSet, bool) {
    (ActionSet::of(["*"]), false)
}

/// Whether it denies.
fn effect(element: Option<&Value>) -> Result<bool, String> {
    match element.map(Value::as_str) {
        Some(Some(word)) if word.eq_ignore_ascii_case("Allow") => Ok(false),
        Some(Some(word)) if word.eq_ignore_ascii_case("Deny") => Ok(true),
        Some(Some(word)) => Err(format!("`Effect` is `{}`, neither `Allow` nor `Deny`", short(word))),
        Some(None) => Err("`Effect` is not a string".to_owned()),
        None => Err("field `Effect` is missing".to_owned()),
    }
}

fn actions(action: Option<&Value>, not_action: Option<&Value>) -> Result<(ActionSet, bool), String> {
    let (name, element) =
        one_of(("Action", action), ("NotAction", not_action))?.ok_or("neither `Action` nor `NotAction` is there")?;
    Ok((ActionSet::of(texts(name, element)?), name == "NotAction"))
}

/// A resource-based policy may leave the resource out: a trust policy's is the role itself (Grammar of the IAM JSON policy
/// language; How to use trust policies with IAM roles).
fn resources(resource: Option<&Value>, not: Option<&Value>, dialect: Dialect) -> Result<Resources, String> {
    let Some((name, element)) = one_of(("Resource", resource), ("NotResource", not))? else {
        if dialect.kind == PolicyKind::Resource {
            return Ok(Resources::All);
        }
        return Err("neither `Resource` nor `NotResource` is there".to_owned());
    };
    let mut patterns = Vec::new();
    for text in texts(name, element)? {
        patterns.push(Pattern::parse(text, Syntax { wildcards: true, variables: dialect.variables })?);
    }
    Ok(match name {
        "Resource" if patterns.iter().any(Pattern::is_all) => Resources::All,
        "Resource" => Resources::These(patterns.into()),
        _ => Resources::AllBut(patterns.into()),
    })
}

/// Resource-based policies must name somebody; policies of identities and SCPs must not. An RCP and an endpoint policy may
/// leave out the only name that an RCP can have, `*`.
fn who(principal: Option<&Value>, not: Option<&Value>, kind: PolicyKind) -> Result<Who, String> {
    let element = one_of(("Principal", principal), ("NotPrincipal", not))?;
    match (element, kind) {
        (None, PolicyKind::Resource) => Err("neither `Principal` nor `NotPrincipal` is there".to_owned()),
        (None, _) => Ok(Who::Attached),
        (Some((name, element)), PolicyKind::Resource | PolicyKind::Rcp | PolicyKind::Endpoint) => {
            Who::parse(element, name == "NotPrincipal")
        }
        (Some((name, _)), _) => Err(format!("`{name}` cannot be in a policy of this kind")),
    }
}

fn condition(element: Option<&Value>, dialect: Dialect) -> Result<Option<Condition>, String> {
    match element {
        None => Ok(None),
        Some(Value::Object(map)) if map.is_empty() => Ok(None),
        Some(Value::Object(map)) => Condition::parse(map, dialect.variables).map(Some),
        Some(_) => Err("`Condition` is not an object".to_owned()),
    }
}

type Element<'v> = (&'static str, Option<&'v Value>);

fn one_of<'v>(a: Element<'v>, b: Element<'v>) -> Result<Option<(&'static str, &'v Value)>, String> {
    match (a, b) {
        ((a, Some(_)), (b, Some(_))) => Err(format!("both `{a}` and `{b}` are there")),
        ((name, Some(element)), _) | (_, (name, Some(element))) => Ok(Some((name, element))),
        _ => Ok(None),
    }
}

/// A string, or a list of strings that is not empty.
fn texts<'v>(name: &str, element: &'v Value) -> Result<Vec<&'v str>, String> {
    let list = match element {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    if list.is_empty() || list.len() > MAX_ENTRIES {
        return Err(format!("`{name}` has {} entries, not 1 to {MAX_ENTRIES}", list.len()));
    }
    let wrong = || format!("`{name}` is neither a string nor a list of strings");
    list.iter().map(|value| value.as_str().map(str::trim).ok_or_else(wrong)).collect()
}
