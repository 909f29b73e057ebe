//! Tests: the evaluator once more, slow and obvious, straight on JSON.
//!
//! It follows AWS's pages step by step, knows nothing of services, indexes or compiled patterns, and shares only the words
//! of an answer with the fast one. Documents must be well formed.

mod condition;
mod statement;

use std::collections::BTreeSet;

use serde_json::Value;

use self::statement::{Asked, Named, Whom};
use super::{Deciding, PolicyKind, Rule, Unnamed, Verdict};
use crate::simulate::Case;

/// True, false, or unknown because of these keys.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Maybe {
    No,
    Yes,
    Because(BTreeSet<String>),
}

/// No if one is no; else unknown if one is, because of all that are; else yes.
pub(super) fn and(items: impl IntoIterator<Item = Maybe>) -> Maybe {
    let mut keys = BTreeSet::new();
    for item in items {
        match item {
            Maybe::No => return Maybe::No,
            Maybe::Yes => {}
            Maybe::Because(more) => keys.extend(more),
        }
    }
    if keys.is_empty() { Maybe::Yes } else { Maybe::Because(keys) }
}

pub(super) fn not(item: Maybe) -> Maybe {
    match item {
        Maybe::No => Maybe::Yes,
        Maybe::Yes => Maybe::No,
        unknown @ Maybe::Because(_) => unknown,
    }
}

pub(super) fn or(items: impl IntoIterator<Item = Maybe>) -> Maybe {
    not(and(items.into_iter().map(not)))
}

pub(super) fn yes(is: bool) -> Maybe {
    if is { Maybe::Yes } else { Maybe::No }
}

/// A case, and what of its context nobody knows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Open {
    pub(crate) case: Case,
    pub(super) unknown: BTreeSet<String>,
    pub(super) unnamed: Unnamed,
}

/// What the evaluator must say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expected {
    pub(super) verdict: Verdict,
    pub(super) rule: Rule,
    pub(super) statements: Vec<Deciding>,
    /// In lower case.
    pub(super) conditional_on: BTreeSet<String>,
}

/// A policy with its name.
struct Attached<'c> {
    kind: PolicyKind,
    name: String,
    document: &'c Value,
}

/// Decides a case.
pub(super) fn decide(open: &Open) -> Expected {
    let asked = Asked::of(open);
    if needs_no_permission(&asked) {
        return allowed(Rule::NeedsNone, Vec::new(), BTreeSet::new());
    }
    let all = attached(&open.case);
    let applying: Vec<&Attached<'_>> = all.iter().filter(|policy| applies(policy.kind, &asked)).collect();

    // Step 1: an explicit deny in any policy.
    for policy in &applying {
        if denies(policy, &asked) == Maybe::Yes {
            let statements = applying.iter().flat_map(|policy| denying(policy, &asked)).collect();
            let (verdict, rule) = (Verdict::ExplicitlyDenied, Rule::Denied(policy.kind));
            return Expected { verdict, rule, statements, conditional_on: BTreeSet::new() };
        }
    }
    let may_deny = keys_of(or(applying.iter().map(|policy| denies(policy, &asked))));

    // Step 2: RCPs, SCPs and endpoint policies must let through.
    let guardrails = [
        (PolicyKind::Rcp, rcps_let_through(&open.case, &asked)),
        (PolicyKind::Scp, scps_let_through(&open.case, &asked)),
        (PolicyKind::Endpoint, and(open.case.endpoint_policies.iter().map(|d| allows(d, &asked, Named::ByAccount)))),
    ];
    for (kind, through) in &guardrails {
        if *through == Maybe::No {
            return denied(Rule::NotAllowed(*kind), may_deny);
        }
    }
    let through = and(guardrails.into_iter().map(|(_, through)| through));

    // Step 3: somebody must grant.
    let (rule, granted) = grant(&open.case, &asked);
    if granted == Maybe::No {
        return denied(rule, may_deny);
    }
    let mut conditional_on = may_deny;
    conditional_on.extend(keys_of(through));
    conditional_on.extend(keys_of(granted));
    allowed(rule, granting(rule, &all, &asked), conditional_on)
}

fn keys_of(maybe: Maybe) -> BTreeSet<String> {
    match maybe {
        Maybe::Because(keys) => keys,
        Maybe::No | Maybe::Yes => BTreeSet::new(),
    }
}

fn allowed(rule: Rule, statements: Vec<Deciding>, conditional_on: BTreeSet<String>) -> Expected {
    Expected { verdict: Verdict::Allowed, rule, statements, conditional_on }
}

fn denied(rule: Rule, conditional_on: BTreeSet<String>) -> Expected {
    Expected { verdict: Verdict::ImplicitlyDenied, rule, statements: Vec::new(), conditional_on }
}

fn needs_no_permission(asked: &Asked<'_>) -> bool {
    let has_account = asked.account().is_some();
    let own_keys = matches!(asked.whom, Whom::User | Whom::Root);
    asked.action == "sts:getcalleridentity" && has_account || asked.action == "sts:getsessiontoken" && own_keys
}

fn attached(case: &Case) -> Vec<Attached<'_>> {
    let mut all = Vec::new();
    let mut add = |kind, name: String, document| all.push(Attached { kind, name, document });
    for (kind, name, levels) in [(PolicyKind::Rcp, "rcps", &case.rcps), (PolicyKind::Scp, "scps", &case.scps)] {
        for (at, level) in levels.iter().enumerate() {
            for (n, document) in level.iter().enumerate() {
                add(kind, format!("{name}[{at}][{n}]"), document);
            }
        }
    }
    for (n, document) in case.endpoint_policies.iter().enumerate() {
        add(PolicyKind::Endpoint, format!("endpoint_policies[{n}]"), document);
    }
    if let Some(document) = &case.resource_policy {
        add(PolicyKind::Resource, "resource_policy".to_owned(), document);
    }
    for policy in &case.identity_policies {
        add(PolicyKind::Identity, policy.name.clone(), &policy.document);
    }
    if let Some(document) = &case.permissions_boundary {
        add(PolicyKind::Boundary, "permissions_boundary".to_owned(), document);
    }
    if let Some(document) = &case.session_policy {
        add(PolicyKind::Session, "session_policy".to_owned(), document);
    }
    all
}

fn applies(kind: PolicyKind, asked: &Asked<'_>) -> bool {
    match kind {
        PolicyKind::Rcp => rcps_apply(asked),
        PolicyKind::Scp => asked.account().is_some() && !asked.is_service_linked(),
        PolicyKind::Endpoint => true,
        PolicyKind::Resource => {
            let bucket_policy = ["s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"];
            let locked_out = asked.whom == Whom::Root && asked.same_account();
            !(asked.action.starts_with("iam:") || locked_out && bucket_policy.contains(&asked.action.as_str()))
        }
        PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => {
            asked.account().is_some() && asked.whom != Whom::Root
        }
    }
}

/// Of the services that the cases use, those that RCPs know.
fn rcps_apply(asked: &Asked<'_>) -> bool {
    let known = ["s3:", "sts:", "kms:", "sqs:", "secretsmanager:", "dynamodb:"]
        .iter()
        .any(|service| asked.action.starts_with(service));
    let of_service = asked.resource.contains(":role/aws-service-role/");
    known && asked.action != "kms:retiregrant" && !of_service && !asked.is_service_linked()
}

fn statements(document: &Value) -> Vec<&Value> {
    document["Statement"].as_array().unwrap().iter().collect()
}

fn variables(document: &Value) -> bool {
    document["Version"] == "2012-10-17"
}

fn allows(document: &Value, asked: &Asked<'_>, least: Named) -> Maybe {
    or(statements(document).into_iter().map(|s| statement::allows(s, asked, variables(document), least)))
}

fn denies(policy: &Attached<'_>, asked: &Asked<'_>) -> Maybe {
    let document = policy.document;
    or(statements(document).into_iter().map(|s| statement::denies(s, asked, variables(document))))
}

fn one_allows<'c>(documents: impl IntoIterator<Item = &'c Value>, asked: &Asked<'_>) -> Maybe {
    or(documents.into_iter().map(|document| allows(document, asked, Named::ByAccount)))
}

fn scps_let_through(case: &Case, asked: &Asked<'_>) -> Maybe {
    if !applies(PolicyKind::Scp, asked) {
        return Maybe::Yes;
    }
    and(case.scps.iter().map(|level| one_allows(level, asked)))
}

/// `RCPFullAWSAccess` is in every level, so one that says nothing of what it allows allows everything.
fn rcps_let_through(case: &Case, asked: &Asked<'_>) -> Maybe {
    if !applies(PolicyKind::Rcp, asked) {
        return Maybe::Yes;
    }
    let says = |level: &&Vec<Value>| level.iter().flat_map(statements).any(|s| s["Effect"] == "Allow");
    and(case.rcps.iter().filter(says).map(|level| one_allows(level, asked)))
}

fn grant(case: &Case, asked: &Asked<'_>) -> (Rule, Maybe) {
    let key_or_role = asked.action.starts_with("kms:") && asked.resource.contains(":key/")
        || (asked.action.starts_with("sts:assumerole") || asked.action == "sts:tagsession")
            && asked.resource.contains(":role/");
    let no_resource = if key_or_role { Rule::NotAllowedByOwnPolicy } else { Rule::NotAllowed(PolicyKind::Resource) };
    let resource = |least| match &case.resource_policy {
        Some(document) if !asked.action.starts_with("iam:") => allows(document, asked, least),
        _ => Maybe::No,
    };
    let of_root = asked.whom == Whom::Root;
    let identity = if of_root {
        Maybe::Yes
    } else {
        one_allows(case.identity_policies.iter().map(|policy| &policy.document), asked)
    };
    let limit = |document: &Option<Value>, without| match document {
        _ if of_root => Maybe::Yes,
        Some(document) => allows(document, asked, Named::ByAccount),
        None => without,
    };
    let boundary = limit(&case.permissions_boundary, Maybe::Yes);
    let session = limit(&case.session_policy, yes(asked.whom != Whom::FederatedUser));
    let own_side = [
        (Rule::NotAllowed(PolicyKind::Identity), identity),
        (Rule::NotAllowed(PolicyKind::Boundary), boundary.clone()),
        (Rule::NotAllowed(PolicyKind::Session), session.clone()),
    ];

    if asked.account().is_none() {
        return first_missing(Rule::NamedByResource, vec![(no_resource, resource(Named::Itself))]);
    }
    if !asked.same_account() {
        let mut needs = vec![(no_resource, resource(Named::ByAccount))];
        needs.extend(own_side);
        return first_missing(Rule::BothAccounts, needs);
    }
    if of_root && !key_or_role {
        return (Rule::Root, Maybe::Yes);
    }
    let direct = first_missing(Rule::NamedByResource, vec![(no_resource, resource(Named::Itself))]);
    let behind = first_missing(
        Rule::NamedBehind,
        vec![
            (no_resource, resource(Named::Behind)),
            (Rule::NotAllowed(PolicyKind::Boundary), boundary),
            (Rule::NotAllowed(PolicyKind::Session), session),
        ],
    );
    let own = if key_or_role {
        let mut needs = vec![(no_resource, resource(Named::ByAccount))];
        needs.extend(own_side);
        first_missing(Rule::Delegated, needs)
    } else {
        first_missing(Rule::Identity, own_side.to_vec())
    };
    best([direct, behind, own])
}

fn first_missing(granted: Rule, needs: Vec<(Rule, Maybe)>) -> (Rule, Maybe) {
    match needs.iter().find(|(_, met)| *met == Maybe::No) {
        Some((missing, _)) => (*missing, Maybe::No),
        None => (granted, and(needs.into_iter().map(|(_, met)| met))),
    }
}

/// The first that grants, else the first that may, because of whatever any of them may rest on; else the last thing missed.
fn best(ways: [(Rule, Maybe); 3]) -> (Rule, Maybe) {
    if let Some(way) = ways.iter().find(|(_, met)| *met == Maybe::Yes) {
        return way.clone();
    }
    if let Some((rule, _)) = ways.iter().find(|(_, met)| *met != Maybe::No) {
        return (*rule, or(ways.iter().map(|(_, met)| met.clone())));
    }
    let order = |rule: &Rule| match rule {
        Rule::NotAllowed(PolicyKind::Session) => 3,
        Rule::NotAllowed(PolicyKind::Boundary) => 2,
        Rule::NotAllowed(PolicyKind::Identity) => 1,
        _ => 0,
    };
    (ways.into_iter().map(|(rule, _)| rule).max_by_key(order).unwrap(), Maybe::No)
}

fn denying(policy: &Attached<'_>, asked: &Asked<'_>) -> Vec<Deciding> {
    named(policy, |s| statement::denies(s, asked, variables(policy.document)) == Maybe::Yes)
}

fn granting(rule: Rule, all: &[Attached<'_>], asked: &Asked<'_>) -> Vec<Deciding> {
    let least = match rule {
        Rule::NamedByResource => Some(Named::Itself),
        Rule::NamedBehind => Some(Named::Behind),
        Rule::Delegated | Rule::BothAccounts => Some(Named::ByAccount),
        _ => None,
    };
    let identities = matches!(rule, Rule::Identity | Rule::Delegated | Rule::BothAccounts) && asked.whom != Whom::Root;
    let of_kind = |kind, least| {
        let of = |wanted: fn(&Maybe) -> bool| -> Vec<Deciding> {
            let policies = all.iter().filter(|policy| policy.kind == kind);
            let allowing = |policy: &Attached<'_>| {
                named(policy, |s| wanted(&statement::allows(s, asked, variables(policy.document), least)))
            };
            policies.flat_map(allowing).collect()
        };
        let certain = of(|met| *met == Maybe::Yes);
        if certain.is_empty() { of(|met| *met != Maybe::No) } else { certain }
    };
    let mut found = least.map_or_else(Vec::new, |least| of_kind(PolicyKind::Resource, least));
    if identities {
        found.extend(of_kind(PolicyKind::Identity, Named::ByAccount));
    }
    found
}

fn named(policy: &Attached<'_>, wanted: impl Fn(&Value) -> bool) -> Vec<Deciding> {
    let name = |at: usize, statement: &Value| match statement["Sid"].as_str() {
        Some(sid) => sid.to_owned(),
        None => at.to_string(),
    };
    let statements = statements(policy.document).into_iter().enumerate().filter(|(_, statement)| wanted(statement));
    statements
        .map(|(at, statement)| Deciding { policy: policy.name.as_str().into(), statement: name(at, statement).into() })
        .collect()
}
