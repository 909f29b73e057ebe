//! Tests: rows become what the evaluators take, and answer as the clouds' documentation says of such policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{
    AccountId, Entitlement, EntitlementKind, IdentityId, IdentityKind, Policy, PolicyHash, Provider, ResourceId,
    Statement, Text, Time,
};

use super::{Asker, Holdings, Question};
use crate::{aws, azure, gcp};

const OF_RESOURCE: &[EntitlementKind] = &[EntitlementKind::Trust, EntitlementKind::ResourcePolicy];

/// Rows and the policies that they name.
#[derive(Default)]
struct World {
    rows: Vec<Entitlement>,
    policies: BTreeMap<PolicyHash, Arc<Policy>>,
}

/// What a row is of.
struct Of<'t> {
    who: (&'t str, IdentityKind),
    kind: EntitlementKind,
    source: &'t str,
    scope: Option<&'t str>,
    condition: Option<&'t str>,
}

impl World {
    fn row(&mut self, provider: Provider, of: &Of<'_>, statements: Vec<Statement>) {
        let policy = Policy::of(provider, statements, Vec::new(), Time(0));
        let policy_hashes = vec![policy.policy_hash.clone()];
        self.policies.insert(policy.policy_hash.clone(), Arc::new(policy));
        self.rows.push(Entitlement {
            identity_id: IdentityId::from(of.who.0),
            account_id: AccountId::from("a"),
            source: Text::from(of.source),
            kind: of.kind,
            source_name: None,
            provider,
            org_id: None,
            identity_kind: of.who.1,
            identity_name: None,
            identity_generation: None,
            identity_created_at: None,
            identity_last_used_at: None,
            policy_hashes,
            groups: Vec::new(),
            scopes: of.scope.map(ResourceId::from).into_iter().collect(),
            condition: of.condition.map(Text::from),
            valid_from: Time(0),
            valid_until: None,
            deleted_at: None,
            revision: 1,
        });
    }

    fn aws(&mut self, kind: EntitlementKind, source: &str, document: &str) {
        let who = ("aws:111122223333:user/bob", IdentityKind::User);
        let statements = aws::parse_policy(document.as_bytes()).statements;
        self.row(Provider::Aws, &Of { who, kind, source, scope: None, condition: None }, statements);
    }

    /// The verdict, the rule, what decided and what it rests on, a line each question.
    fn ask(&self, questions: &[Question]) -> String {
        let find = |hash: &PolicyHash| self.policies.get(hash).cloned();
        let mut asker = Asker::new(&find);
        let is = |row: &&Entitlement, kinds: &[EntitlementKind]| kinds.contains(&row.kind);
        let limits = [EntitlementKind::Scp, EntitlementKind::Rcp];
        let everyone = "azure:t:00000000-0000-0000-0000-000000000000";
        let is_everybody =
            |row: &&Entitlement| row.identity_kind == IdentityKind::Anonymous || row.identity_id.as_str() == everyone;
        let own = |row: &&Entitlement| !is(row, &limits) && !is(row, OF_RESOURCE) && !is_everybody(row);
        let holdings = Holdings {
            own: self.rows.iter().filter(own).collect(),
            everybody: self.rows.iter().filter(is_everybody).collect(),
            limits: self.rows.iter().filter(|row| is(row, &limits)).collect(),
            of_resource: self.rows.iter().filter(|row| is(row, OF_RESOURCE)).collect(),
        };
        let mut lines = Vec::new();
        for question in questions {
            let answer = asker.ask(&holdings, question).unwrap();
            let of = |list: &[crate::decision::Deciding]| {
                list.iter().map(|one| format!(" {}#{}", one.policy, one.statement)).collect::<String>()
            };
            let names: String = answer.conditional_on.iter().map(|name| format!(" ?{name}")).collect();
            let could = if answer.could_activate.is_empty() { "" } else { " could activate" };
            lines.push(format!(
                "{} {}: {} ({}){}{names}{could}{}",
                question.action,
                question.resource,
                answer.granted().as_str(),
                answer.rule,
                of(&answer.statements),
                of(&answer.could_activate)
            ));
        }
        lines.join("\n")
    }
}

fn question(action: &str, resource: &str) -> Question {
    Question { action: action.to_owned(), resource: resource.to_owned(), ..Question::default() }
}

#[test]
fn aws_rows_are_asked_with_what_limits_them() {
    let mut world = World::default();
    let all = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    world.aws(
        EntitlementKind::IdentityPolicy,
        "inline:p",
        r#"{"Version":"2012-10-17","Statement":[
            {"Sid":"Own","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*"},
            {"Sid":"Queue","Effect":"Allow","Action":["sqs:*","kms:Decrypt","sts:AssumeRole"],"Resource":"*",
             "Condition":{"DateLessThan":{"aws:CurrentTime":"2026-06-01T00:00:00Z"}}}]}"#,
    );
    world.aws(EntitlementKind::Scp, "scp:00:r-1", all);
    world.aws(
        EntitlementKind::Scp,
        "scp:01:123",
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"NoDelete","Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]}"#,
    );
    world.aws(
        EntitlementKind::Trust,
        "trust",
        r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"111122223333"}}}"#,
    );
    let on = |day: &str, question: Question| Question { at: Some(Time::parse(day).unwrap()), ..question };
    let answers = world.ask(&[
        question("s3:GetObject", "arn:aws:s3:::b/bob/x"),
        question("s3:GetObject", "arn:aws:s3:::b/eve/x"),
        question("s3:DeleteObject", "arn:aws:s3:::b/bob/x"),
        question("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q"),
        on("2026-05-01T00:00:00Z", question("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q")),
        on("2026-07-01T00:00:00Z", question("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q")),
        on("2026-05-01T00:00:00Z", question("sts:AssumeRole", "arn:aws:iam::111122223333:role/r")),
        on("2026-05-01T00:00:00Z", question("sqs:SendMessage", "arn:aws:sqs:eu-west-1:999988887777:q")),
    ]);
    expect_test::expect![[r#"
        s3:GetObject arn:aws:s3:::b/bob/x: yes (allowed by identity policy) inline:p#Own
        s3:GetObject arn:aws:s3:::b/eve/x: no (not allowed by identity policy)
        s3:DeleteObject arn:aws:s3:::b/bob/x: no (denied by SCP) scp:01:123#NoDelete
        sqs:SendMessage arn:aws:sqs:eu-west-1:111122223333:q: unknown (allowed by identity policy) inline:p#Queue ?aws:CurrentTime
        sqs:SendMessage arn:aws:sqs:eu-west-1:111122223333:q: yes (allowed by identity policy) inline:p#Queue
        sqs:SendMessage arn:aws:sqs:eu-west-1:111122223333:q: no (not allowed by identity policy)
        sts:AssumeRole arn:aws:iam::111122223333:role/r: yes (delegated by key or trust policy) trust#0 inline:p#Queue
        sqs:SendMessage arn:aws:sqs:eu-west-1:999988887777:q: unknown (allowed by both accounts) the resource's policy#? inline:p#Queue ?the resource's policy"#]]
    .assert_eq(&answers);
}

/// Policy evaluation logic: within an account one of both sides is enough, across accounts both must allow, keys always; an
/// explicit deny of either side ends it.
#[test]
fn the_policy_of_a_resource_counts_beside_those_of_who_asks() {
    let own = r#"{"Statement":{"Sid":"Own","Effect":"Allow","Action":["s3:PutObject","kms:Decrypt"],"Resource":"*"}}"#;
    let bucket = r#"{"Statement":[
        {"Sid":"Bob","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"},
        {"Sid":"Tls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;
    let key = r#"{"Statement":{"Sid":"Root","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}}"#;
    let ask = |owner: &str, document: Option<&str>, action: &str, resource: &str, secure: &str| {
        let mut world = World::default();
        world.aws(EntitlementKind::IdentityPolicy, "inline:p", own);
        world.aws(EntitlementKind::ResourcePolicy, "policy", document.unwrap_or(own));
        let row = world.rows.last_mut().unwrap();
        row.account_id = AccountId::from(owner);
        if document.is_none() {
            row.policy_hashes.clear();
        }
        let secure = ("aws:SecureTransport".to_owned(), vec![secure.to_owned()]);
        world.ask(&[Question { context: vec![secure], ..question(action, resource) }])
    };
    let (ours, theirs) = ("111122223333", "999988887777");
    let answers = [
        ask(ours, Some(bucket), "s3:GetObject", "arn:aws:s3:::b/x", "true"),
        ask(ours, Some(bucket), "s3:DeleteObject", "arn:aws:s3:::b/x", "true"),
        ask(ours, Some(bucket), "s3:PutObject", "arn:aws:s3:::b/x", "false"),
        ask(ours, None, "s3:PutObject", "arn:aws:s3:::b/x", "true"),
        ask(theirs, Some(bucket), "s3:GetObject", "arn:aws:s3:::b/x", "true"),
        ask(theirs, Some(bucket), "s3:PutObject", "arn:aws:s3:::b/x", "true"),
        ask(theirs, None, "s3:PutObject", "arn:aws:s3:::b/x", "true"),
        ask(ours, Some(key), "kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/k", "true"),
        ask(ours, Some(key), "kms:Encrypt", "arn:aws:kms:eu-west-1:111122223333:key/k", "true"),
    ];
    expect_test::expect![[r#"
        s3:GetObject arn:aws:s3:::b/x: yes (named by the resource policy) policy#Bob
        s3:DeleteObject arn:aws:s3:::b/x: no (not allowed by identity policy)
        s3:PutObject arn:aws:s3:::b/x: no (denied by resource policy) policy#Tls
        s3:PutObject arn:aws:s3:::b/x: yes (allowed by identity policy) inline:p#Own
        s3:GetObject arn:aws:s3:::b/x: no (not allowed by identity policy)
        s3:PutObject arn:aws:s3:::b/x: yes (allowed by both accounts) policy#Bob inline:p#Own
        s3:PutObject arn:aws:s3:::b/x: no (not allowed by resource policy)
        kms:Decrypt arn:aws:kms:eu-west-1:111122223333:key/k: yes (delegated by key or trust policy) policy#Root inline:p#Own
        kms:Encrypt arn:aws:kms:eu-west-1:111122223333:key/k: no (not allowed by identity policy)"#]]
    .assert_eq(&answers.join("\n"));
}

#[test]
fn azure_rows_are_asked_with_denies_and_what_could_be_activated() {
    let mut world = World::default();
    let who = ("azure:t:00000000-0000-0000-0000-00000000000a", IdentityKind::User);
    let role = |name: &str| azure::builtin_role(name).unwrap().statements.clone();
    let group = "/subscriptions/s/resourceGroups/g";
    let of = |kind, source, scope| Of { who, kind, source, scope: Some(scope), condition: None };
    world.row(
        Provider::Azure,
        &of(EntitlementKind::RoleAssignment, "assignment:1", group),
        role("Virtual Machine Contributor"),
    );
    world.row(Provider::Azure, &of(EntitlementKind::Eligible, "eligible:2", "/subscriptions/s"), role("Owner"));
    let mut deny = role("Reader").remove(0);
    deny.actions = vec!["Microsoft.Compute/virtualMachines/delete".into()];
    world.row(Provider::Azure, &of(EntitlementKind::DenyAssignment, "deny:3", group), vec![deny]);
    let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm";
    let answers = world.ask(&[
        question("Microsoft.Compute/virtualMachines/start/action", vm),
        question("Microsoft.Compute/virtualMachines/delete", vm),
        question("Microsoft.Authorization/roleAssignments/write", "/subscriptions/s"),
    ]);
    expect_test::expect![[r"
        Microsoft.Compute/virtualMachines/start/action /subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm: yes (allowed by role at the resource group) assignment:1#assignment:1 could activate eligible:2#eligible:2
        Microsoft.Compute/virtualMachines/delete /subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm: no (denied by deny assignment) deny:3#0
        Microsoft.Authorization/roleAssignments/write /subscriptions/s: no (no role assigned) could activate eligible:2#eligible:2"]]
    .assert_eq(&answers);
}

/// Understand Azure deny assignments: «System-Defined Principal» is everybody, `excludePrincipals` are spared, and
/// `doNotApplyToChildScopes` is about the scope alone.
#[test]
fn what_azure_denies_to_everybody_is_denied_but_to_whom_it_spares() {
    let ann = ("azure:t:00000000-0000-0000-0000-00000000000a", IdentityKind::User);
    let everyone = ("azure:t:00000000-0000-0000-0000-000000000000", IdentityKind::Group);
    let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm";
    let ask = |spared: &[&str], condition: Option<&str>| {
        let mut world = World::default();
        let of = |who, kind, source, condition| Of { who, kind, source, scope: Some("/subscriptions/s"), condition };
        let owner = azure::builtin_role("Owner").unwrap().statements.clone();
        world.row(Provider::Azure, &of(ann, EntitlementKind::RoleAssignment, "assignment:1", None), owner.clone());
        let mut deny = owner;
        deny[0].not_identities = spared.iter().map(|id| Text::from(*id)).collect();
        world.row(Provider::Azure, &of(everyone, EntitlementKind::DenyAssignment, "deny:2", condition), deny);
        let answer = world.ask(&[question("Microsoft.Compute/virtualMachines/delete", vm)]);
        answer.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(ask(&[], None), "no (denied by deny assignment) deny:2#0");
    let granted = "yes (allowed by role at the subscription) assignment:1#assignment:1";
    assert_eq!(ask(&["00000000-0000-0000-0000-00000000000a"], None), granted);
    assert_eq!(ask(&[], Some("doNotApplyToChildScopes")), granted);
}

/// Deny policies: `exceptionPrincipals` are spared, be it through a group.
#[test]
fn what_gcp_denies_to_everybody_is_denied_but_to_whom_it_spares() {
    let project = "//cloudresourcemanager.googleapis.com/projects/p";
    let ask = |spared: &str| {
        let mut world = World::default();
        let of = |who, kind, source| Of { who, kind, source, scope: Some(project), condition: None };
        let mut allow = gcp::role(br#"{"name":"roles/storage.admin"}"#).unwrap().statement;
        allow.role = Some("roles/storage.admin".into());
        let mut deny = allow.clone();
        deny.role = None;
        deny.actions = vec!["storage.googleapis.com/buckets.delete".into()];
        deny.not_identities = vec![spared.into()];
        let ann = ("gcp:ann@example.com", IdentityKind::User);
        world.row(Provider::Gcp, &of(ann, EntitlementKind::Binding, "roles/storage.admin"), vec![allow]);
        world.rows[0].groups = vec![IdentityId::from("gcp:ops@example.com")];
        let all = ("gcp:allusers", IdentityKind::Anonymous);
        world.row(Provider::Gcp, &of(all, EntitlementKind::DenyRule, "deny"), vec![deny]);
        let question = Question {
            ancestors: Some(vec!["projects/p".to_owned()]),
            ..question("storage.buckets.delete", "//storage.googleapis.com/b")
        };
        world.ask(&[question]).split_once(": ").unwrap().1.split(' ').next().unwrap().to_owned()
    };
    assert_eq!(ask("principal://goog/subject/eve@example.com"), "no");
    assert_eq!(ask("principal://goog/subject/ann@example.com"), "yes");
    assert_eq!(ask("principalSet://goog/group/ops@example.com"), "yes");
}

#[test]
fn gcp_rows_are_asked_with_denies_time_and_everybody() {
    let mut world = World::default();
    let ann = ("gcp:ann@example.com", IdentityKind::User);
    let everybody = ("gcp:allUsers", IdentityKind::Anonymous);
    let project = "//cloudresourcemanager.googleapis.com/projects/p";
    let role = |name: &str| {
        let mut statement = gcp::role(format!(r#"{{"name":"{name}"}}"#).as_bytes()).unwrap().statement;
        statement.role = Some(Text::from(name));
        vec![statement]
    };
    let binding = EntitlementKind::Binding;
    let until = Some(r#"request.time < timestamp("2026-06-01T00:00:00Z")"#);
    let of = |who, kind, source, scope, condition| Of { who, kind, source, scope: Some(scope), condition };
    world.row(Provider::Gcp, &of(ann, binding, "roles/storage.admin", project, until), role("roles/storage.admin"));
    world.row(
        Provider::Gcp,
        &of(everybody, binding, "public", "//storage.googleapis.com/b", None),
        role("roles/storage.objectViewer"),
    );
    let mut deny = role("roles/viewer");
    deny[0].role = None;
    deny[0].actions = vec!["storage.googleapis.com/buckets.*".into()];
    deny[0].not_actions = vec!["storage.googleapis.com/buckets.get".into()];
    world.row(Provider::Gcp, &of(ann, EntitlementKind::DenyRule, "deny", project, None), deny);
    let at = |day: &str, action: &str, resource: &str| Question {
        at: Some(Time::parse(day).unwrap()),
        ancestors: Some(vec!["projects/p".to_owned()]),
        ..question(action, resource)
    };
    let bucket = "//storage.googleapis.com/b";
    let answers = world.ask(&[
        at("2026-05-01T00:00:00Z", "storage.objects.delete", bucket),
        at("2026-07-01T00:00:00Z", "storage.objects.delete", bucket),
        at("2026-07-01T00:00:00Z", "storage.objects.get", bucket),
        at("2026-05-01T00:00:00Z", "storage.buckets.delete", bucket),
        at("2026-05-01T00:00:00Z", "storage.buckets.get", bucket),
        Question { ancestors: Some(vec!["projects/p".to_owned()]), ..question("storage.objects.delete", bucket) },
    ]);
    expect_test::expect![[r#"
        storage.objects.delete //storage.googleapis.com/b: yes (allowed by binding at the project) projects/p#roles/storage.admin
        storage.objects.delete //storage.googleapis.com/b: no (condition not met)
        storage.objects.get //storage.googleapis.com/b: yes (allowed by binding at the resource) //storage.googleapis.com/b#public
        storage.buckets.delete //storage.googleapis.com/b: no (denied by deny policy) deny#0
        storage.buckets.get //storage.googleapis.com/b: yes (allowed by binding at the project) projects/p#roles/storage.admin
        storage.objects.delete //storage.googleapis.com/b: unknown (allowed by binding at the project) projects/p#roles/storage.admin ?request.time"#]]
    .assert_eq(&answers);
}
