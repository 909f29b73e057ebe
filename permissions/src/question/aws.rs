//! AWS: rows as the policies that bear on a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{Entitlement, EntitlementKind, IdentityKind};

use super::{Answer, Asker, Holdings, Question};
use crate::aws::evaluate::{
    Action, CompiledPolicy, Context, Identity, Policies, PolicyKind, Request, Unnamed, explain,
};

/// What bears on a request and is in no snapshot.
const NOT_READ: &[&str] = &["session policies", "VPC endpoint policies"];
/// The same where no snapshot tells of the resource's policy.
const NOR_RESOURCE: &[&str] = &["resource policies", "session policies", "VPC endpoint policies"];
/// What an answer rests on where the policy of the resource must allow and nobody has read it.
const OF_RESOURCE: &str = "the resource's policy";

pub(super) fn ask(asker: &mut Asker<'_>, holdings: &Holdings<'_>, question: &Question) -> Result<Answer, String> {
    let first = holdings.own.first().ok_or("nothing is known of the identity")?;
    let (identity, knows_arn) = identity(first, &holdings.own)?;
    let action = Action::parse(&question.action)?;
    let of_resource = of_resource(holdings, &action);
    let policies = policies(asker, holdings, question, of_resource, (&identity, &action));
    let context = context(question, &identity, first, knows_arn);
    let request = Request {
        identity: &identity,
        action: &action,
        resource: &question.resource,
        resource_account: owner(question, of_resource),
        context: &context,
    };
    let explained = explain(request, &policies);
    let mut errors: Vec<_> = policies.iter().flat_map(|policy| policy.errors().iter().cloned()).collect();
    errors.sort_unstable();
    errors.dedup();
    Ok(Answer {
        verdict: explained.decision.verdict,
        rule: explained.decision.rule.to_string(),
        statements: explained.statements,
        conditional_on: explained.decision.conditional_on,
        could_activate: Vec::new(),
        outside: Vec::new(),
        errors,
        not_read: if of_resource.is_some() { NOT_READ } else { NOR_RESOURCE },
    })
}

/// Who asks, and whether its ARN is known with its path.
fn identity(first: &Entitlement, rows: &[&Entitlement]) -> Result<(Identity, bool), String> {
    let says = |row: &&&Entitlement| row.kind == EntitlementKind::Identity;
    let arn = rows.iter().filter(says).find_map(|row| row.scopes.first()).filter(|arn| arn.starts_with("arn:"));
    if let Some(arn) = arn {
        return Identity::parse(arn).map(|identity| (identity, true));
    }
    if first.identity_kind == IdentityKind::Anonymous {
        return Identity::parse("anonymous").map(|identity| (identity, true));
    }
    let (account, name) = first
        .identity_id
        .strip_prefix("aws:")
        .and_then(|rest| rest.split_once(':'))
        .ok_or_else(|| format!("`{}` is no identity of AWS", first.identity_id))?;
    // People of Identity Center act through roles, whose grants they have.
    let name = match name.strip_prefix("workforce/") {
        Some(person) => format!("role/{person}"),
        None => name.to_owned(),
    };
    Identity::parse(&format!("arn:aws:iam::{account}:{name}")).map(|identity| (identity, false))
}

fn context(question: &Question, identity: &Identity, first: &Entitlement, knows_arn: bool) -> Context {
    let mut context = Context::new(Unnamed::Unknown);
    for (key, values) in &question.context {
        context.set(key, values.iter().map(String::as_str));
    }
    let named = |key: &str| question.context.iter().any(|(name, _)| name.eq_ignore_ascii_case(key));
    if !knows_arn && !named("aws:PrincipalArn") {
        context.set_unknown("aws:PrincipalArn");
    }
    if let Some(at) = question.at {
        context.set_not_before(at);
        if !named("aws:CurrentTime") {
            context.set("aws:CurrentTime", [at.to_string()]);
        }
        if !named("aws:EpochTime") {
            context.set("aws:EpochTime", [(at.0 / 1_000_000).to_string()]);
        }
    }
    if let Some(org_id) = first.org_id.as_ref().filter(|_| !named("aws:PrincipalOrgID")) {
        context.set("aws:PrincipalOrgID", [org_id.as_str()]);
    }
    context.fill_in(identity);
    context
}

/// What an identity has and what limits it.
pub(super) fn own_policies(asker: &mut Asker<'_>, holdings: &Holdings<'_>) -> Policies {
    let mut policies = Policies::default();
    for row in &holdings.own {
        match row.kind {
            EntitlementKind::IdentityPolicy | EntitlementKind::GroupPolicy => {
                policies.identity.extend(asker.compiled(row, PolicyKind::Identity));
            }
            EntitlementKind::Boundary => policies.boundary = asker.compiled(row, PolicyKind::Boundary).pop(),
            _ => {}
        }
    }
    policies.scps = levels(asker, &holdings.limits, EntitlementKind::Scp, PolicyKind::Scp);
    policies.rcps = levels(asker, &holdings.limits, EntitlementKind::Rcp, PolicyKind::Rcp);
    policies
}

fn policies(
    asker: &mut Asker<'_>,
    holdings: &Holdings<'_>,
    question: &Question,
    of_resource: Option<&Entitlement>,
    (identity, action): (&Identity, &Action),
) -> Policies {
    let mut policies = own_policies(asker, holdings);
    if let Some(row) = of_resource {
        policies.resource = asker.compiled(row, PolicyKind::Resource).pop();
        return policies;
    }
    let is_ours = |row: &&Entitlement| row.identity_kind != IdentityKind::Root;
    let is_elsewhere = owner(question, None).is_some_and(|owner| Some(owner) != identity.account());
    let must_allow = is_elsewhere || action.service() == "kms" && question.resource.contains(":key/");
    if must_allow && holdings.own.first().is_some_and(is_ours) {
        policies.resource = Some(Arc::new(CompiledPolicy::unknown(OF_RESOURCE, PolicyKind::Resource)));
    }
    policies
}

/// The row of the policy that an action on the resource asks: the trust policy of a role for STS, and otherwise its own.
fn of_resource<'h>(holdings: &Holdings<'h>, action: &Action) -> Option<&'h Entitlement> {
    let kind = if action.service() == "sts" { EntitlementKind::Trust } else { EntitlementKind::ResourcePolicy };
    holdings.of_resource.iter().find(|row| row.kind == kind).copied()
}

/// The account that owns the resource: as asked, as its name or the row of its policy says.
fn owner<'q>(question: &'q Question, of_resource: Option<&'q Entitlement>) -> Option<&'q str> {
    let named = || question.resource.split(':').nth(4).filter(|owner| !owner.is_empty());
    let said = || of_resource.map(|row| row.account_id.as_str());
    question.resource_account.as_deref().or_else(named).or_else(said)
}

/// The policies of each level, the uppermost first; a row is one target of a level.
fn levels(
    asker: &mut Asker<'_>,
    rows: &[&Entitlement],
    of: EntitlementKind,
    kind: PolicyKind,
) -> Vec<Vec<Arc<CompiledPolicy>>> {
    let mut levels: BTreeMap<&str, Vec<Arc<CompiledPolicy>>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.kind == of) {
        let level = row.source.split(':').nth(1).unwrap_or_default();
        levels.entry(level).or_default().extend(asker.compiled(row, kind));
    }
    levels.into_values().collect()
}
