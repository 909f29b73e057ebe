//! Breadth: what a statement allows on everything and without a condition.

use roaring::RoaringBitmap;
use schemas::RiskClass;

use super::{Document, Statement, is_whole};
use crate::lint::{Found, Kind, RuleId, short, some};

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    let denied = denied(document);
    for statement in document.statements.iter().filter(|s| s.allow) {
        // What only limits grants nothing, whatever it allows.
        if matches!(document.kind, Kind::AwsScp | Kind::AwsRcp | Kind::AwsBoundary | Kind::AwsEndpoint) {
            continue;
        }
        negations(statement, found);
        if document.kind != Kind::AwsIdentity && document.kind != Kind::AwsSession {
            continue;
        }
        pass_role(document, statement, &denied, found);
        if statement.on_everything() && statement.condition.is_none() {
            unconstrained(document, statement, &denied, found);
        }
    }
}

/// What the document itself denies on everything, whatever else is true.
fn denied(document: &Document<'_>) -> RoaringBitmap {
    let mut denied = RoaringBitmap::new();
    let whole = |s: &&Statement<'_>| !s.allow && s.on_everything() && s.condition.is_none();
    document.statements.iter().filter(whole).for_each(|s| denied |= s.expanded(document.catalogue));
    denied
}

fn negations(statement: &Statement<'_>, found: &mut Found) {
    if statement.actions.is_none() && statement.not_actions.is_some() {
        let message = "allows every action that is not listed";
        found.add(RuleId::AwsAllowNotAction, statement.at(), message);
    }
    if statement.resources.is_none() && statement.not_resources.is_some() {
        let message = "allows it on every resource that is not listed";
        found.add(RuleId::AwsAllowNotResource, statement.at(), message);
    }
}

/// `iam:PassRole` on every role, to whatever service.
fn pass_role(document: &Document<'_>, statement: &Statement<'_>, denied: &RoaringBitmap, found: &mut Found) {
    let Some(idx) = document.catalogue.lookup("iam:PassRole").filter(|idx| !denied.contains(idx.0)) else { return };
    let names = |text: &str| document.catalogue.expand(text).contains(idx.0);
    let Some(spot) = statement.actions.iter().flatten().find(|spot| names(spot.text)) else { return };
    let every_role = |text: &str| is_whole(text) || text.starts_with("arn:") && text.ends_with(":role/*");
    let wide = statement.resources.iter().flatten().any(|r| every_role(r.text));
    let to = |key: &str| {
        key.eq_ignore_ascii_case("iam:PassedToService") || key.eq_ignore_ascii_case("iam:AssociatedResourceArn")
    };
    if wide && !statement.tests.iter().any(|test| to(test.key)) && !is_whole(spot.text) {
        let message = format!("`{}` passes every role to every service", short(spot.text));
        found.add(RuleId::AwsPassRole, spot.at, message);
    }
}

/// The categories that reviewers ask about, one finding each.
fn unconstrained(document: &Document<'_>, statement: &Statement<'_>, denied: &RoaringBitmap, found: &mut Found) {
    let everything = statement.actions.iter().flatten().find(|s| matches!(s.text, "*" | "*:*"));
    if let Some(spot) = everything.filter(|_| denied.is_empty()) {
        return found.add(RuleId::AwsAdministrator, spot.at, "allows every action on every resource");
    }
    for spot in statement.actions.iter().flatten() {
        if let Some(service) = spot.text.strip_suffix(":*").filter(|s| !s.contains('*')) {
            let message = format!("every action of `{}` on every resource", short(service));
            found.add(RuleId::AwsServiceWildcard, spot.at, message);
        }
    }
    let actions = statement.expanded(document.catalogue) - denied;
    let of = |classes: &[RiskClass]| {
        let mut union = RoaringBitmap::new();
        classes.iter().for_each(|class| union |= document.catalogue.of_risk(*class));
        union & &actions
    };
    let categories = [
        (RuleId::AwsCredentials, "credentials and secrets", of(&[RiskClass::CredentialAccess])),
        (RuleId::AwsExfiltration, "data", of(&[RiskClass::DataExfiltration])),
        (RuleId::AwsPermissions, "permissions", of(&[RiskClass::PermissionsManagement, RiskClass::Escalation])),
        (RuleId::AwsWrites, "changes", of(&[RiskClass::Write, RiskClass::Delete])),
    ];
    let at = statement.actions.iter().flatten().next().map_or(statement.at(), |spot| spot.at);
    for (rule, what, held) in categories {
        if !held.is_empty() {
            let infos = held.iter().filter_map(|idx| document.catalogue.get(crate::ActionIdx(idx)));
            let names: Vec<&str> = infos.map(|info| info.name.as_str()).collect();
            found.add(rule, at, format!("{what} of every resource: {}", some(names)));
        }
    }
}
