//! Who gets in: public resource policies, trust in outsiders and identity providers, services that act for anybody.

use super::conditions::limits;
use super::identities::is_account;
use super::{Document, Statement, Test};
use crate::aws::arn::Arn;
use crate::lint::json::Node;
use crate::lint::{Found, Kind, RuleId, short};

/// Keys that say who or from where, so that a wildcard principal is not anybody (Access Analyzer takes the same ones for
/// public access; Amazon S3, "The meaning of public").
const WHO: [&str; 21] = [
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalTag/",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalServiceName",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceOwner",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:userid",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "kms:CallerAccount",
    "s3:DataAccessPointAccount",
    "s3:DataAccessPointArn",
];
/// Keys that say on whose behalf a service acts.
const FOR_WHOM: [&str; 7] = [
    "aws:SourceArn",
    "aws:SourceAccount",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceOwner",
    "aws:PrincipalOrgID",
    "kms:CallerAccount",
];

/// Principals of a kind that are looked at; policies' limits on size keep them far below.
const MAX_PRINCIPALS: usize = 1024;

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    if !matches!(document.kind, Kind::AwsResource | Kind::AwsTrust) {
        return;
    }
    for statement in document.statements.iter().filter(|s| s.allow) {
        if let Some(not) = statement.not_principal {
            let message = "`NotPrincipal` with `Allow` allows everybody who is not listed";
            found.add(RuleId::AwsAllowNotPrincipal, not.start, message);
        }
        if document.kind == Kind::AwsTrust {
            action(statement, found);
        }
        let Some(principal) = statement.principal else { continue };
        if let Some(at) = wildcard(principal).filter(|_| !any(statement, &WHO)) {
            let (rule, message) = match document.kind {
                Kind::AwsTrust => (RuleId::AwsTrustAnyone, "every AWS account may assume the role"),
                _ => (RuleId::AwsPublic, "everybody may, without signing in"),
            };
            found.add(rule, at, message);
        }
        match document.kind {
            Kind::AwsTrust => {
                outsiders(document, statement, principal, found);
                providers(statement, principal, found);
            }
            _ => services(statement, principal, found),
        }
    }
}

/// Whether a test of the statement on one of these keys limits who passes.
fn any(statement: &Statement<'_>, keys: &[&str]) -> bool {
    let of = |test: &Test<'_>, key: &str| {
        let head = test.key.get(..key.len()).unwrap_or_default();
        test.key.eq_ignore_ascii_case(key) || key.ends_with('/') && head.eq_ignore_ascii_case(key)
    };
    statement.tests.iter().any(|test| keys.iter().any(|key| of(test, key)) && limits(test))
}

fn of_kind<'n>(principal: &'n Node, kind: &str) -> &'n [Node] {
    let all = principal.members().iter().find(|m| m.key == kind).map(|m| m.value.many()).unwrap_or_default();
    &all[..all.len().min(MAX_PRINCIPALS)]
}

/// Where a principal is everybody.
fn wildcard(principal: &Node) -> Option<u32> {
    if principal.text() == Some("*") {
        return Some(principal.start);
    }
    let everybody = |value: &&Node| value.text() == Some("*");
    of_kind(principal, "AWS").iter().chain(of_kind(principal, "Federated")).find(everybody).map(|value| value.start)
}

/// A trust policy takes STS's actions alone.
fn action(statement: &Statement<'_>, found: &mut Found) {
    for spot in statement.actions.iter().flatten() {
        let sts = spot.text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("sts:"));
        if !sts {
            found.add(RuleId::AwsTrustAction, spot.at, format!("`{}` is no action of STS", short(spot.text)));
        }
    }
}

/// Other accounts without an external id. Where one's own accounts are not known, only trust in a whole account counts.
fn outsiders(document: &Document<'_>, statement: &Statement<'_>, principal: &Node, found: &mut Found) {
    let limited =
        any(statement, &["sts:ExternalId", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalArn"]);
    if limited || statement.tests.iter().any(|test| test.key.eq_ignore_ascii_case("sts:ExternalId") && limits(test)) {
        return;
    }
    for value in of_kind(principal, "AWS") {
        let Some(text) = value.text() else { continue };
        let arn = Arn::parse(text);
        let account = arn.and_then(|arn| arn.account).unwrap_or(text);
        let whole = is_account(text) || arn.is_some_and(|arn| arn.resource == "root");
        let own = document.options.own_accounts.iter().any(|own| own == account);
        let outside = !own && (whole || !document.options.own_accounts.is_empty());
        if is_account(account) && outside {
            let message = format!("account `{account}` may assume the role without an external id");
            found.add(RuleId::AwsTrustOutsider, value.start, message);
        }
    }
}

/// Identity providers: the subject and the audience of their tokens.
fn providers(statement: &Statement<'_>, principal: &Node, found: &mut Found) {
    for value in of_kind(principal, "Federated") {
        let Some(text) = value.text() else { continue };
        let host = text.split_once("oidc-provider/").map_or(text, |(_, host)| host);
        if host.starts_with("arn:") || !host.contains('.') {
            continue;
        }
        // A pool of Cognito is told by the audience; the others by the subject.
        let cognito = host == "cognito-identity.amazonaws.com";
        let key = |claim: &str| format!("{host}:{claim}");
        let required = if cognito { key("aud") } else { key("sub") };
        let test = statement.tests.iter().find(|t| t.key.eq_ignore_ascii_case(&required));
        match test {
            Some(test) if limits(test) => subject(test, found),
            Some(_) | None => {
                let message =
                    format!("nothing requires `{}`: anybody with a token of the provider may", short(&required));
                found.add(RuleId::AwsOidcSubject, value.start, message);
            }
        }
        if !cognito && !statement.tests.iter().any(|t| t.key.eq_ignore_ascii_case(&key("aud"))) {
            let message = format!("nothing requires `{}`", short(&key("aud")));
            found.add(RuleId::AwsOidcAudience, value.start, message);
        }
    }
}

/// Subjects such as `repo:*`, which every organization has.
fn subject(test: &Test<'_>, found: &mut Found) {
    for value in test.values {
        let Some(text) = value.text() else { continue };
        let name = text.split_once(':').map_or(text, |(_, name)| name);
        let organization = name.split('/').next().unwrap_or_default();
        if text.starts_with(['*', '?']) || text.contains(':') && organization.starts_with(['*', '?']) {
            let message = format!("anybody at the provider can have the subject `{}`", short(text));
            found.add(RuleId::AwsOidcWideSubject, value.start, message);
        }
    }
}

/// Services that act here without a word for whom.
fn services(statement: &Statement<'_>, principal: &Node, found: &mut Found) {
    if any(statement, &FOR_WHOM) {
        return;
    }
    for value in of_kind(principal, "Service") {
        if let Some(text) = value.text() {
            let message = format!("`{}` may act here for any account", short(text));
            found.add(RuleId::AwsConfusedDeputy, value.start, message);
        }
    }
}
