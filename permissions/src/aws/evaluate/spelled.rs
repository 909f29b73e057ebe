//! A compiled policy spelled out for one identity, for what is granted on the whole: which statements may hold, on what
//! they rest, and their resources with the variables replaced.

use schemas::Text;
use smol_str::SmolStr;

use super::PolicyKind;
use super::context::Context;
use super::glob::{ANY, Glob, ONE};
use super::identity::Identity;
use super::named::Naming;
use super::policy::CompiledPolicy;
use super::statement::{Resources, Statement};
use super::variables::{Part, Pattern, Resolved};
use crate::truth::{Doubts, Truth};

/// Longest pattern with variables replaced; AWS takes 2,048 characters.
const MAX_PATTERN_BYTES: usize = 8192;

/// A statement that holds or may hold for an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spelled {
    /// Its place among what the pipeline keeps of the policy; `None` for what could not be read of the document at all.
    pub(crate) at: Option<usize>,
    pub(crate) denies: bool,
    /// Whether it names the identity itself, or anybody, so that no boundary limits what it allows.
    pub(crate) is_direct: bool,
    pub(crate) resources: Named,
    /// What it rests on and is not known: context keys, what could not be read. Empty when it holds for certain.
    pub(crate) doubts: Vec<Text>,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    These(Vec<SmolStr>),
    AllBut(Vec<SmolStr>),
}

impl CompiledPolicy {
    /// Spells the statements out that hold or may hold; `n_kept` of them are kept by the pipeline, the others stand for what
    /// could not be read. A flawed `Allow` grants nothing and is left out.
    pub(crate) fn spell(&self, n_kept: usize, identity: Option<&Identity>, context: &Context) -> Vec<Spelled> {
        // An account that a resource's policy names hands the decision to its own policies.
        let least = if self.kind() == PolicyKind::Resource { Naming::Behind } else { Naming::Account };
        let asks = Asks { identity, context, least };
        let all = self.statements().iter().enumerate();
        all.filter_map(|(at, statement)| spell(statement, (at < n_kept).then_some(at), &asks)).collect()
    }

    /// Whether what it says may differ from identity to identity: a condition, a variable, a principal.
    pub(crate) fn asks_who(&self) -> bool {
        self.statements().iter().any(Statement::asks_who)
    }
}

/// For whom a policy is spelled out.
struct Asks<'a> {
    identity: Option<&'a Identity>,
    context: &'a Context,
    /// How directly an allow has to name the identity.
    least: Naming,
}

fn spell(statement: &Statement, at: Option<usize>, asks: &Asks<'_>) -> Option<Spelled> {
    let Asks { identity, context, least } = *asks;
    if statement.flaw.is_some() && !statement.denies {
        return None;
    }
    let mut doubts = Doubts::default();
    let naming = identity.map_or(Naming::Itself, |identity| statement.who.allows(identity));
    let about = match (identity, statement.denies) {
        (Some(identity), true) => statement.who.denies(identity),
        (Some(_), false) => Truth::of(naming >= least),
        (None, _) => Truth::True,
    };
    let holds = match &statement.condition {
        Some(condition) => condition.holds(context, &mut doubts),
        None => Truth::True,
    };
    if about == Truth::False || holds == Truth::False {
        return None;
    }
    let mut names: Vec<Text> = doubts.into_names().into_iter().map(Text::from).collect();
    if about == Truth::Unknown {
        names.push("principal".into());
    }
    names.extend(statement.flaw.clone());
    let resources = match &statement.resources {
        Resources::All => Named::These(vec![SmolStr::new_static("*")]),
        Resources::These(patterns) => Named::These(patterns_of(patterns, context, &mut names)),
        Resources::AllBut(patterns) => Named::AllBut(patterns_of(patterns, context, &mut names)),
    };
    names.sort_unstable();
    names.dedup();
    Some(Spelled { at, denies: statement.denies, is_direct: naming == Naming::Itself, resources, doubts: names })
}

/// The patterns as text. One with a variable that nobody knows stands for whatever it could match, and is doubted; one with
/// a variable that is absent matches nothing.
fn patterns_of(patterns: &[Pattern], context: &Context, doubts: &mut Vec<Text>) -> Vec<SmolStr> {
    let mut spelled = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        match pattern {
            Pattern::Fixed(glob) => spelled.push(of_glob(glob)),
            Pattern::Template(parts) => match pattern.resolve(context, MAX_PATTERN_BYTES) {
                Resolved::Known(bytes) => spelled.push(text(&bytes)),
                Resolved::Absent | Resolved::TooLong => {}
                Resolved::Unknown(key) => {
                    doubts.push(Text::from(key));
                    spelled.push(at_most(parts));
                }
            },
        }
    }
    spelled.sort_unstable();
    spelled.dedup();
    spelled
}

fn of_glob(glob: &Glob) -> SmolStr {
    match glob {
        Glob::All => SmolStr::new_static("*"),
        Glob::Exact(bytes) | Glob::Wild(bytes) => text(bytes),
        Glob::Prefix(bytes) => SmolStr::from(format!("{}*", text(bytes))),
    }
}

/// Compiled bytes as a pattern; a literal `*` becomes a wildcard, because a text has no other way to say it.
fn text(bytes: &[u8]) -> SmolStr {
    let plain: Vec<u8> = bytes
        .iter()
        .map(|byte| match *byte {
            ANY => b'*',
            ONE => b'?',
            byte => byte,
        })
        .collect();
    SmolStr::from(String::from_utf8_lossy(&plain))
}

fn at_most(parts: &[Part]) -> SmolStr {
    let of = |part: &Part| match part {
        Part::Text(bytes) => text(bytes).to_string(),
        Part::Variable { .. } => "*".to_owned(),
    };
    SmolStr::from(parts.iter().map(of).collect::<String>())
}
