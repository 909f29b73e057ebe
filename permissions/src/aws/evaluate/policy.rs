//! A policy document, compiled once for many requests.

use schemas::Text;
use serde_json::Value;
use smol_str::SmolStr;

use super::PolicyKind;
use super::actions::{Action, ByService, Names, find};
use super::context::Context;
use super::identity::Identity;
use super::named::Naming;
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
    errors: Vec<Text>,
}

/// Where the statements of one effect are found.
#[derive(Clone, Debug, Default, PartialEq)]
struct Index {
    /// In order of hash and service.
    services: Vec<ServiceStatements>,
    /// Statements that may be about any service, by their place.
    general: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq)]
struct ServiceStatements {
    hash: u64,
    service: SmolStr,
    statements: Vec<(u32, Names)>,
}

impl ByService for ServiceStatements {
    fn service(&self) -> (u64, &str) {
        (self.hash, &self.service)
    }
}

/// What a statement is asked about, with the effect that is looked for.
#[derive(Clone, Copy)]
pub(super) struct Question<'r> {
    pub(super) identity: &'r Identity,
    pub(super) action: &'r Action,
    pub(super) resource: &'r str,
    pub(super) context: &'r Context,
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
        for statement in &mut statements {
            statement.flaw = statement.flaw.take().map(|flaw| Text::from(format!("`{name}` {flaw}")));
        }
        if list.len() > MAX_STATEMENTS {
            statements.push(unread(name, &format!("{} statements, more than {MAX_STATEMENTS}", list.len())));
        }
        Self::of_statements(name, kind, statements)
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

    /// Whether a statement allows anything to anybody.
    pub(super) fn has_allow(&self) -> bool {
        self.statements.iter().any(|statement| !statement.denies)
    }

    /// Whether a statement allows the request, naming who asks at least so directly.
    pub(super) fn allows<'p>(&'p self, question: Question<'_>, least: Naming, doubts: &mut Doubts<'p>) -> Truth {
        doubts.any(self.about(&self.allow, question.action), |statement, doubts| {
            allows(statement, question, least, doubts)
        })
    }

    /// Whether a statement denies the request.
    pub(super) fn denies<'p>(&'p self, question: Question<'_>, doubts: &mut Doubts<'p>) -> Truth {
        if self.deny.general.is_empty() && self.deny.services.is_empty() {
            return Truth::False;
        }
        doubts.any(self.about(&self.deny, question.action), |statement, doubts| denies(statement, question, doubts))
    }

    /// The names of the statements that allow, or may allow, in the document's order.
    pub(super) fn allowing(&self, question: Question<'_>, least: Naming, truth: Truth) -> Vec<Text> {
        self.named(&self.allow, question, |statement| {
            allows(statement, question, least, &mut Doubts::default()) == truth
        })
    }

    /// The names of the statements that deny, in the document's order.
    pub(super) fn denying(&self, question: Question<'_>) -> Vec<Text> {
        self.named(&self.deny, question, |statement| denies(statement, question, &mut Doubts::default()) == Truth::True)
    }

    fn named(&self, index: &Index, question: Question<'_>, wanted: impl Fn(&Statement) -> bool) -> Vec<Text> {
        let about: Vec<&Statement> = self.about(index, question.action).collect();
        let mut places: Vec<usize> = Vec::new();
        for (at, statement) in self.statements.iter().enumerate() {
            if about.iter().any(|other| std::ptr::eq(*other, statement)) && wanted(statement) {
                places.push(at);
            }
        }
        places.into_iter().map(|at| self.statements[at].name.clone()).collect()
    }

    /// The statements whose actions contain the request's.
    fn about<'p>(&'p self, index: &'p Index, action: &Action) -> impl Iterator<Item = &'p Statement> {
        let of_service = find(&index.services, action).map(|at| index.services[at].statements.as_slice());
        let special = of_service.unwrap_or_default().iter().filter(|(_, names)| names.contains(action.name()));
        let general = index.general.iter().map(|at| &self.statements[*at as usize]);
        let general = general.filter(|statement| statement.actions.contains(action) != statement.not_actions);
        special.map(|(at, _)| &self.statements[*at as usize]).chain(general)
    }

    fn of_statements(name: &str, kind: PolicyKind, statements: Vec<Statement>) -> Self {
        let errors = statements.iter().filter_map(|statement| statement.flaw.clone()).collect();
        let (mut allow, mut deny) = (Index::default(), Index::default());
        for (at, statement) in (0..).zip(&statements) {
            match (statement.denies, &statement.flaw) {
                (true, _) => deny.add(at, statement),
                (false, None) => allow.add(at, statement),
                (false, Some(_)) => {}
            }
        }
        Self { name: Text::from(name), kind, statements, allow, deny, errors }
    }
}

impl Index {
    fn add(&mut self, at: u32, statement: &Statement) {
        if statement.not_actions || statement.actions.is_general() {
            return self.general.push(at);
        }
        for known in &statement.actions.services {
            let place = self.services.partition_point(|s| (s.hash, &*s.service) < (known.hash, &*known.service));
            if self.services.get(place).is_none_or(|s| s.service != known.service) {
                let (hash, service) = (known.hash, known.service.clone());
                self.services.insert(place, ServiceStatements { hash, service, statements: Vec::new() });
            }
            self.services[place].statements.push((at, known.names.clone()));
        }
    }
}

fn allows<'p>(statement: &'p Statement, question: Question<'_>, least: Naming, doubts: &mut Doubts<'p>) -> Truth {
    if statement.who.allows(question.identity) < least {
        return Truth::False;
    }
    statement.fits(question.resource, question.context, doubts)
}

fn denies<'p>(statement: &'p Statement, question: Question<'_>, doubts: &mut Doubts<'p>) -> Truth {
    let from = doubts.mark();
    let named = match statement.who.denies(question.identity) {
        Truth::Unknown => doubts.add("CanonicalUser"),
        known => known,
    };
    doubts.then(named, from, |doubts| statement.fits(question.resource, question.context, doubts))
}

fn unread(name: &str, why: &str) -> Statement {
    Statement::unread(Text::from(format!("`{name}`: {why}")))
}
