//! Tests: each rule of `config/guardrails/default.toml` breaks on a case and not on the one beside it; exceptions end.

use std::collections::BTreeSet;

use schemas::{IdentityKind, Provider, Statement, Time};

use super::*;

fn now() -> Time {
    Time::parse("2026-11-29T00:00:00Z").unwrap()
}

fn holder(provider: Provider, kind: IdentityKind, name: &str) -> Holder {
    Holder { id: format!("{provider}:{name}"), name: name.to_owned(), kind, account: "prod".to_owned(), provider }
}

fn aws(document: &str) -> Vec<Statement> {
    crate::aws::parse_policy(document.as_bytes()).statements
}

fn one(action: &str, resource: &str, condition: &str) -> Vec<Statement> {
    let condition = if condition.is_empty() { "{}" } else { condition };
    aws(&format!(
        r#"{{"Statement":{{"Effect":"Allow","Action":{action:?},"Resource":{resource:?},"Condition":{condition}}}}}"#
    ))
}

fn azure(actions: &str, not: &str, data: &str) -> Vec<Statement> {
    let json = format!(
        r#"{{"name":"r","permissions":[{{"actions":[{actions}],"notActions":[{not}],"dataActions":[{data}]}}]}}"#
    );
    crate::azure::role_definition(json.as_bytes()).unwrap().statements
}

fn gcp(permissions: &str) -> Vec<Statement> {
    let json = format!(r#"{{"name":"r","includedPermissions":[{permissions}]}}"#);
    vec![crate::gcp::role(json.as_bytes()).unwrap().statement]
}

fn broken(guardrails: &Guardrails, holder: &Holder, statements: Vec<Statement>) -> BTreeSet<String> {
    let set = set_of_statements(holder.provider, statements, "p");
    guardrails.check(holder, &set, now()).into_iter().map(|b| b.rule.to_string()).collect()
}

type Case = (&'static str, Holder, Vec<Statement>, Holder, Vec<Statement>);

/// Rule, who and what breaks it, who and what barely does not.
fn cases() -> Vec<Case> {
    use IdentityKind::{Anonymous, External, Role, ServiceAccount, ServicePrincipal, User};
    use Provider::{Aws, Azure, Gcp};
    let all = || one("*", "*", "");
    let mfa = r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
    let role = |name| holder(Aws, Role, name);
    let user = |name| holder(Aws, User, name);
    let logs = || gcp(r#""logging.sinks.delete""#);
    let owner = r#""resourcemanager.projects.setIamPolicy","compute.instances.create","storage.buckets.delete""#;
    vec![
        ("aws-no-standing-administrator", role("dev"), all(), role("break-glass-1"), all()),
        ("aws-no-standing-administrator", role("dev"), all(), role("dev"), one("*", "*", mfa)),
        (
            "aws-users-do-not-administrate",
            user("ann"),
            one("iam:AttachUserPolicy", "*", ""),
            role("ann"),
            one("iam:AttachUserPolicy", "*", ""),
        ),
        ("aws-users-do-not-administrate", user("ann"), one("iam:*", "*", ""), user("ann"), one("iam:Get*", "*", "")),
        (
            "azure-no-standing-owner",
            holder(Azure, User, "ann"),
            azure("\"*\"", "", ""),
            holder(Azure, User, "ann"),
            azure("\"*\"", "\"Microsoft.Authorization/*/Write\"", ""),
        ),
        (
            "gcp-no-standing-owner",
            holder(Gcp, User, "ann"),
            gcp(owner),
            holder(Gcp, User, "ann"),
            gcp("\"compute.instances.create\""),
        ),
        (
            "nobody-stops-logging",
            role("dev"),
            one("cloudtrail:StopLogging", "*", ""),
            role("dev"),
            one("cloudtrail:GetTrail", "*", ""),
        ),
        ("nobody-stops-logging", holder(Gcp, User, "ann"), logs(), holder(Gcp, User, "security-log-admins"), logs()),
        (
            "nobody-stops-logging",
            holder(Azure, User, "ann"),
            azure("\"Microsoft.Insights/diagnosticSettings/delete\"", "", ""),
            holder(Azure, User, "ann"),
            azure("\"Microsoft.Insights/diagnosticSettings/read\"", "", ""),
        ),
        (
            "aws-no-pass-role-on-everything",
            role("ci"),
            one("iam:PassRole", "*", ""),
            role("ci"),
            one("iam:PassRole", "arn:aws:iam::123456789012:role/app", ""),
        ),
        (
            "aws-no-cloudshell-for-all",
            role("dev"),
            one("cloudshell:*", "*", ""),
            role("dev"),
            one("cloudshell:CreateSession", "*", ""),
        ),
        (
            "no-public-grants",
            holder(Aws, Anonymous, "*"),
            one("s3:GetObject", "arn:aws:s3:::b/*", ""),
            holder(Aws, Anonymous, "*"),
            one("s3:GetObject", "arn:aws:s3:::b/*", r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#),
        ),
        (
            "gcp-service-accounts-do-not-administrate",
            holder(Gcp, ServiceAccount, "app"),
            gcp("\"iam.roles.update\""),
            holder(Gcp, User, "app"),
            gcp("\"iam.roles.update\""),
        ),
        (
            "azure-workloads-do-not-administrate",
            holder(Azure, ServicePrincipal, "app"),
            azure("\"Microsoft.Authorization/roleAssignments/write\"", "", ""),
            holder(Azure, ServicePrincipal, "app"),
            azure("\"Microsoft.Authorization/roleAssignments/read\"", "", ""),
        ),
        (
            "no-key-creation",
            role("dev"),
            one("iam:CreateAccessKey", "*", ""),
            role("dev"),
            one("iam:CreateAccessKey", "arn:aws:iam::123456789012:user/${aws:username}", ""),
        ),
        (
            "gcp-users-do-not-impersonate",
            holder(Gcp, User, "ann"),
            gcp("\"iam.serviceAccounts.getAccessToken\""),
            holder(Gcp, User, "ann"),
            gcp("\"iam.serviceAccounts.get\""),
        ),
        (
            "gcp-separate-service-account-duties",
            holder(Gcp, User, "ann"),
            gcp("\"iam.serviceAccounts.create\",\"iam.serviceAccounts.actAs\""),
            holder(Gcp, User, "ann"),
            gcp("\"iam.serviceAccounts.create\""),
        ),
        (
            "no-bulk-reads-outside-data-accounts",
            role("app"),
            one("s3:GetObject", "*", ""),
            Holder { account: "data-lake".to_owned(), ..role("app") },
            one("s3:GetObject", "*", ""),
        ),
        (
            "no-all-secrets-for-workloads",
            role("app"),
            one("secretsmanager:GetSecretValue", "*", ""),
            role("app"),
            one("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-*", ""),
        ),
        (
            "outsiders-do-not-write",
            holder(Aws, External, "partner"),
            one("s3:PutObject", "arn:aws:s3:::b/*", ""),
            holder(Aws, External, "partner"),
            one("s3:GetObject", "arn:aws:s3:::b/*", ""),
        ),
    ]
}

#[test]
fn each_rule_breaks_on_its_case_and_not_beside_it() {
    let guardrails = Guardrails::parse(BUNDLED).unwrap();
    let mut seen = BTreeSet::new();
    for (rule, breaker, bad, other, good) in cases() {
        assert!(broken(&guardrails, &breaker, bad).contains(rule), "{rule} does not break for {}", breaker.name);
        assert!(!broken(&guardrails, &other, good).contains(rule), "{rule} breaks for {}", other.name);
        seen.insert(rule.to_owned());
    }
    let all: BTreeSet<String> = guardrails.rules().iter().map(|rule| rule.id.to_string()).collect();
    assert_eq!(all, seen);
}

#[test]
fn every_control_is_in_the_table_and_every_rule_has_one() {
    for rule in Guardrails::parse(BUNDLED).unwrap().rules() {
        assert!(!rule.controls.is_empty(), "{}", rule.id);
        for tag in &rule.controls {
            assert!(control(tag).is_some_and(|c| !c.title.is_empty() && c.page.starts_with("https://")), "{tag}");
        }
    }
    assert_eq!(control("CIS AWS 3.0.0 9.99"), None);
}

#[test]
fn every_action_named_exists_and_a_breach_says_the_worst_first() {
    let guardrails = Guardrails::parse(BUNDLED).unwrap();
    let dev = holder(Provider::Aws, IdentityKind::Role, "dev");
    let set = set_of_statements(Provider::Aws, one("*", "*", ""), "AdministratorAccess");
    let breaches = guardrails.check(&dev, &set, now());
    let admin = breaches.iter().find(|b| b.rule == "aws-no-standing-administrator").unwrap();
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let named = ["iam:Attach*Policy", "iam:Put*Policy"].map(|pattern| catalogue.expand(pattern).len());
    assert_eq!(admin.n_actions, named.iter().sum::<u64>() + 7);
    assert_eq!((admin.actions.len() as u64, admin.conditional), (admin.n_actions.min(20), false));
    assert_eq!((admin.resources.as_slice(), admin.sources.len()), (["*".into()].as_slice(), 1));
    let risk = |name: &str| Catalogue::bundled().provider(Provider::Aws).find(name).unwrap().risk;
    assert!(admin.actions.windows(2).all(|pair| risk(&pair[0]) >= risk(&pair[1])));
    assert_eq!(admin.controls[0], "CIS AWS 3.0.0 1.16");
}

#[test]
fn an_exception_ends_after_its_last_day() {
    let text = format!(
        "{}\n[[rule]]\nid = \"x\"\ntitle = \"t\"\nseverity = \"low\"\nreason = \"r\"\nnever.actions = [\"s3:*\"]\n\
         [[rule.exception]]\nwho = \"*migration\"\naccounts = [\"prod\"]\nuntil = \"2026-11-29\"\nreason = \"moves\"\n",
        "# only this"
    );
    let guardrails = Guardrails::parse(&text).unwrap();
    let set = set_of_statements(Provider::Aws, one("s3:GetObject", "*", ""), "p");
    let n = |name: &str, account: &str, day: &str| {
        let holder = Holder { account: account.to_owned(), ..holder(Provider::Aws, IdentityKind::Role, name) };
        guardrails.check(&holder, &set, Time::parse(day).unwrap()).len()
    };
    assert_eq!(n("migration", "prod", "2026-11-29T23:59:59Z"), 0);
    assert_eq!(n("migration", "prod", "2026-11-30T00:00:00Z"), 1);
    assert_eq!(n("migration", "test", "2026-11-29T00:00:00Z"), 1);
    assert_eq!(n("other", "prod", "2026-11-29T00:00:00Z"), 1);
    let over: Vec<_> = guardrails.expired(Time::parse("2026-11-30T00:00:00Z").unwrap()).collect();
    assert_eq!(over, [("x", "*migration", "2026-11-29")]);
    assert_eq!(guardrails.expired(now()).count(), 0);
}

#[test]
fn policy_files_are_checked_in_ci() {
    let guardrails = Guardrails::parse(BUNDLED).unwrap();
    let rules = |file: &str, holder: Option<&Holder>| -> Vec<String> {
        let breaches = guardrails.check_policy(file.as_bytes(), holder, now()).unwrap();
        breaches.iter().map(|b| format!("{}: {}", b.holder.name, b.breach.rule)).collect()
    };
    let admin =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cloudtrail:StopLogging","Resource":"*"}}"#;
    assert_eq!(rules(admin, None), [": nobody-stops-logging"]);
    assert_eq!(rules(admin, Some(&holder(Provider::Aws, IdentityKind::Role, "break-glass"))), [] as [&str; 0]);
    let bucket = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}"#;
    assert_eq!(rules(bucket, None), ["anonymous: no-public-grants"]);
    let project = r#"{"bindings":[{"role":"roles/iam.serviceAccountTokenCreator","members":["user:ann@example.com"]},
        {"role":"roles/storage.objectViewer","members":["allUsers"]}]}"#;
    assert_eq!(
        rules(project, None),
        ["allUsers: no-public-grants", "user:ann@example.com: gcp-users-do-not-impersonate"]
    );
    let role = r#"{"Name":"Mine","Actions":["*"],"NotActions":[],"AssignableScopes":["/subscriptions/x"]}"#;
    assert!(rules(role, None).contains(&": azure-no-standing-owner".to_owned()));
    assert!(guardrails.check_policy(b"{", None, now()).unwrap_err().to_string().starts_with("the policy file: line 1"));
    assert!(guardrails.check_policy(b"{}", None, now()).is_err());
}
