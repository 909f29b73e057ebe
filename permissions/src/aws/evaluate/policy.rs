//! A policy document, compiled once for many requests.

use std::collections::BTreeMap;

use schemas::{Policy, Text};
use serde_json::Value;
use smol_str::SmolStr;

use super::PolicyKind;
use super::actions::{Action, Names};
use super::kept;
use super::named::Naming;
use super::places::Places;
use super::request::Request;
use super::statement::{Dialect, Statement};
use crate::aws::policy::decode;
use crate::truth::{Doubts, Truth};

/// Statements per document beyond which the rest is not read.
const MAX_STATEMENTS: usize = 4096;

/// A policy that can be asked. Statements are found by the request's service.
#[derive(Clone, Debug, PartialEq)]
pub struct CompiledPolicy {
    name: Text,
    kind: PolicyKind,
    statements: Vec<Statement>,
    allow: Index,
    deny: Index,
    /// Whether a statement allows everything to everybody: `FullAWSAccess`, which is at most levels.
    allows_all: bool,
    errors: Vec<Text>,
}

/// Where the statements of one effect are found.
#[derive(Clone, Debug, Default, PartialEq)]
struct Index {
    services: Vec<ServiceStatements>,
    places: Places,
    /// Statements that may be about any service, by their place.
    general: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq)]
struct ServiceStatements {
    service: SmolStr,
    statements: Vec<(usize, Names)>,
}

impl CompiledPolicy {
    /// Compiles a document: JSON, or JSON that is URL-encoded as the IAM API returns it. `name` is what the policy is called
    /// in verdicts. Never fails: what cannot be read is in [`Self::errors`], grants nothing, and where it may deny makes
    /// the verdict conditional on it.
    #[must_use]
    pub fn compile(name: &str, kind: PolicyKind, document: &[u8]) -> Self {
        match decode(document) {
            Ok(value) => Self::of_value(name, kind, &value),
            Err(why) => Self::of_statements(name, kind, vec![unread(name, &why)]),
        }
    }

    /// As [`Self::compile`], of a document that is JSON already.
    #[must_use]
    pub fn of_value(name: &str, kind: PolicyKind, document: &Value) -> Self {
        let element = |name: &str| {
            let map = document.as_object()?;
            map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let list = match element("Statement") {
            Some(Value::Array(list)) => list.as_slice(),
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            Some(_) => {
                let why = "`Statement` is neither an object nor a list";
                return Self::of_statements(name, kind, vec![unread(name, why)]);
            }
            None => return Self::of_statements(name, kind, vec![unread(name, "field `Statement` is missing")]),
        };
        let dialect = Dialect { kind, variables: element("Version").and_then(Value::as_str) == Some("2012-10-17") };
        let mut statements: Vec<Statement> = list
            .iter()
            .take(MAX_STATEMENTS)
            .enumerate()
            .map(|(at, entry)| Statement::parse(entry, at, dialect))
            .collect();
        name_flaws(name, &mut statements);
        if list.len() > MAX_STATEMENTS {
            statements.push(unread(name, &format!("{} statements, more than {MAX_STATEMENTS}", list.len())));
        }
        Self::of_statements(name, kind, statements)
    }

    /// Compiles what the pipeline keeps of a document. That has no version, so policy variables count; what could not be
    /// read then may deny now.
    #[must_use]
    pub fn of_policy(name: &str, kind: PolicyKind, policy: &Policy) -> Self {
        let dialect = Dialect { kind, variables: true };
        let read = policy.statements.iter().take(MAX_STATEMENTS).enumerate();
        let mut statements: Vec<Statement> =
            read.map(|(at, statement)| Statement::parse(&kept::as_json(statement), at, dialect)).collect();
        name_flaws(name, &mut statements);
        statements.extend(policy.errors.iter().map(|why| unread(name, why)));
        Self::of_statements(name, kind, statements)
    }

    /// A policy that is known to be there, but not what it says: it may allow and may deny anything, and every verdict that
    /// rests on it is conditional on its name.
    #[must_use]
    pub fn unknown(name: &str, kind: PolicyKind) -> Self {
        let deny = Statement::unread(Text::from(name));
        let mut allow = deny.clone();
        allow.denies = false;
        let only = |at| Index { general: vec![at], ..Index::default() };
        let statements = vec![deny, allow];
        let (allow, deny) = (only(1), only(0));
        Self { name: Text::from(name), kind, statements, allow, deny, allows_all: false, errors: Vec::new() }
    }

    /// What it is called in verdicts.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What kind of policy it is.
    #[must_use]
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// What could not be read, each with the policy's name and the statement's place.
    #[must_use]
    pub fn errors(&self) -> &[Text] {
        &self.errors
    }

    /// In the document's order, what could not be read behind them.
    pub(super) fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Whether a statement allows anything to anybody.
    pub(super) fn has_allow(&self) -> bool {
        self.statements.iter().any(|statement| !statement.denies)
    }

    /// Whether a statement denies anything to anybody, or may.
    pub(super) fn has_deny(&self) -> bool {
        !self.deny.is_empty()
    }

    /// Whether a statement allows the request, naming who asks at least so directly.
    pub(super) fn allows<'p>(&'p self, request: Request<'_>, least: Naming, doubts: &mut Doubts<'p>) -> Truth {
        if self.allows_all {
            return Truth::True;
        }
        doubts.any(self.about(&self.allow, request.action), |at, doubts| {
            allows(&self.statements[at], request, least, doubts)
        })
    }

    /// Whether a statement denies the request.
    pub(super) fn denies<'p>(&'p self, request: Request<'_>, doubts: &mut Doubts<'p>) -> Truth {
        doubts.any(self.about(&self.deny, request.action), |at, doubts| denies(&self.statements[at], request, doubts))
    }

    /// The names of the statements that allow, or may allow, in the document's order.
    pub(super) fn allowing(&self, request: Request<'_>, least: Naming, truth: Truth) -> Vec<Text> {
        self.named(&self.allow, request, |statement| allows(statement, request, least, &mut Doubts::default()) == truth)
    }

    /// The names of the statements that deny, in the document's order.
    pub(super) fn denying(&self, request: Request<'_>) -> Vec<Text> {
        self.named(&self.deny, request, |statement| denies(statement, request, &mut Doubts::default()) == Truth::True)
    }

    fn named(&self, index: &Index, request: Request<'_>, wanted: impl Fn(&Statement) -> bool) -> Vec<Text> {
        let about = self.about(index, request.action);
        let mut places: Vec<usize> = about.filter(|at| wanted(&self.statements[*at])).collect();
        places.sort_unstable();
        places.into_iter().map(|at| self.statements[at].name.clone()).collect()
    }

    /// The places of the statements whose actions contain the request's.
    fn about<'p>(&'p self, index: &'p Index, action: &Action) -> impl Iterator<Item = usize> {
        let of_service = action.place(&index.places, |at| &index.services[at].service);
        let of_service = of_service.map(|at| index.services[at].statements.as_slice()).unwrap_or_default();
        let special = of_service.iter().filter(|(_, names)| names.contains(action));
        let about = |at: &usize| {
            let statement = &self.statements[*at];
            statement.actions.contains(action) != statement.not_actions
        };
        special.map(|(at, _)| *at).chain(index.general.iter().copied().filter(about))
    }

    fn of_statements(name: &str, kind: PolicyKind, statements: Vec<Statement>) -> Self {
        let errors = statements.iter().filter_map(|statement| statement.flaw.clone()).collect();
        let of = |denies| {
            let usable =
                move |statement: &&Statement| statement.denies == denies && (denies || statement.flaw.is_none());
            Index::of(statements.iter().enumerate().filter(move |(_, statement)| usable(statement)))
        };
        let (allow, deny) = (of(false), of(true));
        let allows_all = statements.iter().any(Statement::allows_all);
        Self { name: Text::from(name), kind, allow, deny, allows_all, errors, statements }
    }
}

impl Index {
    fn is_empty(&self) -> bool {
        self.services.is_empty() && self.general.is_empty()
    }

    fn of<'s>(statements: impl Iterator<Item = (usize, &'s Statement)>) -> Self {
        let (mut services, mut general) = (BTreeMap::<SmolStr, Vec<(usize, Names)>>::new(), Vec::new());
        for (at, statement) in statements {
            if statement.not_actions || statement.actions.is_general() {
                general.push(at);
                continue;
            }
            for known in &statement.actions.services {
                services.entry(known.service.clone()).or_default().push((at, known.names.clone()));
            }
        }
        let places = Places::of(services.keys());
        let services = services.into_iter().map(|(service, statements)| ServiceStatements { service, statements });
        Self { services: services.collect(), places, general }
    }
}

fn allows<'p>(statement: &'p Statement, request: Request<'_>, least: Naming, doubts: &mut Doubts<'p>) -> Truth {
    if statement.who.allows(request.identity) < least {
        return Truth::False;
    }
    statement.fits(request.resource, request.context, doubts)
}

fn denies<'p>(statement: &'p Statement, request: Request<'_>, doubts: &mut Doubts<'p>) -> Truth {
    let from = doubts.mark();
    let named = match statement.who.denies(request.identity) {
        Truth::Unknown => doubts.add("CanonicalUser"),
        known => known,
    };
    doubts.then(named, from, |doubts| statement.fits(request.resource, request.context, doubts))
}

fn name_flaws(name: &str, statements: &mut [Statement]) {
    for statement in statements {
        statement.flaw = statement.flaw.take().map(|flaw| Text::from(format!("`{name}` {flaw}")));
    }
}

fn unread(name: &str, why: &str) -> Statement {
    Statement::unread(Text::from(format!("`{name}`: {why}")))
}
