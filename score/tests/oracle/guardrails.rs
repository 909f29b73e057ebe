//! Stories of guardrails: each that is broken is a finding, from the day of the grant to its end.

use expect_test::expect;
use schemas::{Entitlement, Message, Noun, Policy};
use score::ScoreConfig;

use crate::Pipeline;
use crate::stories::{ALICE, at, check, event, findings, grant, policy, run};

/// The settings with a rule file of its own, which is gone once they are checked.
fn run_with(rules: &str, messages: Vec<Message>, until: &str) -> Pipeline {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), rules).unwrap();
    run(ScoreConfig { guardrails: file.path().to_owned(), ..ScoreConfig::default() }, messages, until)
}

/// Alice may delete a queue from the 5th on.
fn queues() -> Vec<Message> {
    let (read, delete) = (policy(&["sqs:GetQueueUrl"], "*"), policy(&["sqs:DeleteQueue"], "arn:aws:sqs:*:*:orders"));
    vec![
        grant(ALICE, &read, "2026-01-01T00:00:00Z").into_message(),
        deleting(&delete).into_message(),
        read.into_message(),
        delete.into_message(),
        event(1, ALICE, "sqs:GetQueueUrl", "2026-01-02T00:00:00Z").into_message(),
    ]
}

fn deleting(policy: &Policy) -> Entitlement {
    Entitlement {
        source: "attached:arn:aws:iam::123456789012:policy/Queues".into(),
        source_name: Some("Queues".into()),
        ..grant(ALICE, policy, "2026-01-05T00:00:00Z")
    }
}

const RULE: &str = r#"
    [[rule]]
    id = "no-deletes"
    title = "users delete no queues"
    severity = "high"
    reason = "what waits in them is lost"
    who.kinds = ["user"]
    never.actions = ["sqs:DeleteQueue"]
    where.providers = ["aws"]
    controls = ["own 7"]
"#;

#[test]
fn a_broken_guardrail_is_a_finding_from_the_grant_to_its_end() {
    let mut standing = run_with(RULE, queues(), "2026-01-15T00:00:00Z");
    check(
        &findings(&standing),
        &expect![[r#"
        high guardrail 2026-01-05..now: `alice` breaks a guardrail: users delete no queues [Text("1 actions: sqs:DeleteQueue"), Text("on arn:aws:sqs:*:*:orders"), Text("granted by `Queues`")]
    "#]],
    );
    let mut rows = standing.rows.values();
    let row = rows.find_map(|row| match row {
        Message::Finding(row) if row.rule.is_some() => Some(row.as_ref().clone()),
        _ => None,
    });
    let row = row.unwrap();
    check(
        &format!("{:?} {:?} {} {}", row.rule, row.controls, row.advice, row.revision),
        &expect![[
            r#"Some(Text("no-deletes")) [Text("own 7")] take it away, or except it until a day; what waits in them is lost 1"#
        ]],
    );
    let delete = policy(&["sqs:DeleteQueue"], "arn:aws:sqs:*:*:orders");
    let ended = Entitlement { deleted_at: Some(at("2026-01-20T00:00:00Z")), revision: 2, ..deleting(&delete) };
    standing.step(vec![ended.into_message()], Some(at("2026-01-25T00:00:00Z").0));
    check(
        &findings(&standing),
        &expect![[r#"
        high guardrail 2026-01-05..2026-01-20: `alice` breaks a guardrail: users delete no queues [Text("1 actions: sqs:DeleteQueue"), Text("on arn:aws:sqs:*:*:orders"), Text("granted by `Queues`")]
    "#]],
    );
}

#[test]
fn an_exception_that_ends_makes_a_finding_the_day_after() {
    let since = |who: &str, asked: &str| {
        let exception = format!("[[rule.exception]]\nwho = \"{who}\"\nuntil = \"2026-01-10\"\nreason = \"moves\"\n");
        let found = run_with(&format!("{RULE}\n{exception}"), queues(), asked);
        found.rows.values().find_map(|row| match row {
            Message::Finding(row) if row.rule.is_some() => Some(row.first_seen_at.date()),
            _ => None,
        })
    };
    assert_eq!(since("alice", "2026-01-09T00:00:00Z"), None);
    assert_eq!(since("alice", "2026-01-25T00:00:00Z").as_deref(), Some("2026-01-11"));
    assert_eq!(since("bob", "2026-01-25T00:00:00Z").as_deref(), Some("2026-01-05"));
}

#[test]
fn without_rules_nothing_is_broken_and_without_a_file_the_bundled_ones_count() {
    let admin = policy(&["*"], "*");
    let messages = || {
        vec![
            grant(ALICE, &admin, "2026-01-01T00:00:00Z").into_message(),
            admin.clone().into_message(),
            event(1, ALICE, "sqs:GetQueueUrl", "2026-01-02T00:00:00Z").into_message(),
        ]
    };
    check(
        &findings(&run_with("", messages(), "2026-01-05T00:00:00Z")),
        &expect![[r#"
        critical super_identity 2026-01-03..now: `alice` may do everything on everything [Text("reports")]
    "#]],
    );
    check(
        &findings(&run(ScoreConfig::default(), messages(), "2026-01-05T00:00:00Z")),
        &expect![[r#"
        critical guardrail 2026-01-03..now: `alice` breaks a guardrail: no IAM user manages permissions of the whole account [Text("108 actions: iam:AddUserToGroup, iam:AttachGroupPolicy, iam:AttachRolePolicy, iam:AttachUserPolicy, iam:CreateAccessKey"), Text("on *"), Text("granted by `reports`")]
        critical guardrail 2026-01-03..now: `alice` breaks a guardrail: nobody but break-glass holds an administrator's actions on everything [Text("13 actions: iam:AttachGroupPolicy, iam:AttachRolePolicy, iam:AttachUserPolicy, iam:PassRole, iam:PutGroupPolicy"), Text("on *"), Text("granted by `reports`")]
        critical super_identity 2026-01-03..now: `alice` may do everything on everything [Text("reports")]
        high guardrail 2026-01-03..now: `alice` breaks a guardrail: nobody but break-glass can stop, narrow or delete audit logs [Text("8 actions: cloudtrail:DeleteEventDataStore, cloudtrail:DeleteTrail, config:DeleteConfigurationRecorder, ec2:DeleteFlowLogs, guardduty:DeleteDetector"), Text("on *"), Text("granted by `reports`")]
        high guardrail 2026-01-03..now: `alice` breaks a guardrail: nobody makes long-lived keys for others [Text("2 actions: iam:CreateAccessKey, iam:CreateServiceSpecificCredential"), Text("on *"), Text("granted by `reports`")]
        high guardrail 2026-01-03..now: `alice` breaks a guardrail: nobody passes every role to every service [Text("1 actions: iam:PassRole"), Text("on *"), Text("granted by `reports`")]
        medium guardrail 2026-01-03..now: `alice` breaks a guardrail: nobody has every action of CloudShell [Text("11 actions: cloudshell:DeleteEnvironment, cloudshell:CreateEnvironment, cloudshell:CreateSession, cloudshell:GetFileDownloadUrls, cloudshell:GetFileUploadUrls"), Text("on *"), Text("granted by `reports`")]
    "#]],
    );
}
