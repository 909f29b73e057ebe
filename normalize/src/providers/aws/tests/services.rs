//! Calls that services make: for somebody, with a role of their own, or as themselves.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;

use expect_test::expect;
use schemas::{AccessEvent, Outcome, Provider};
use serde_json::Value;

use crate::providers::{Normalized, testing};

/// All real records; `None` where they are absent.
fn records() -> Option<Vec<Value>> {
    let folder = testing::shared("raw/aws-cloudtrail")?;
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path| {
        let mut bytes = Vec::new();
        flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
        let mut file: Value = serde_json::from_slice(&bytes).unwrap();
        file["Records"].as_array_mut().unwrap().drain(..).collect::<Vec<Value>>()
    };
    Some(paths.into_iter().flat_map(read).collect())
}

fn by_a_service(record: &Value) -> bool {
    let host = |key: &str| record[key].as_str().is_some_and(|text| text.ends_with(".amazonaws.com"));
    record["userIdentity"]["invokedBy"].is_string() || host("sourceIPAddress")
}

/// Whose permissions were used, through whom, and from where.
fn line(event: &AccessEvent) -> String {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let address = if event.source_ip.is_some() { " with an address" } else { "" };
    let (from, tool) = (or_dash(event.source_service.as_deref()), or_dash(event.tool.as_deref()));
    let counts = if event.counts_as_use { "counts" } else { "does not count" };
    let kind = event.identity_kind;
    format!("{kind} from {from}{address} by {tool}: {} {}, {counts}", event.service, event.operation)
}

/// The record's own `userIdentity`, read as a tree, is the oracle of who acts.
#[test]
fn a_service_uses_the_permissions_of_whom_it_calls_for() {
    let Some(records) = records() else { return };
    let (mut lines, mut n_called_for) = (BTreeMap::<String, usize>::new(), 0);
    for record in records.iter().filter(|record| by_a_service(record)) {
        let Ok(Normalized::Event(event)) = testing::read(Provider::Aws, &record.to_string()) else { continue };
        *lines.entry(line(&event)).or_default() += 1;
        let identity = &record["userIdentity"];
        let invoked_by = identity["invokedBy"].as_str().or(record["sourceIPAddress"].as_str());
        assert_eq!(event.source_service.as_deref(), invoked_by);
        if identity["type"] == "AssumedRole" {
            n_called_for += 1;
            // The issuer's ARN and not its `userName`, which a hand-made record has otherwise.
            let issuer = identity["sessionContext"]["sessionIssuer"]["arn"].as_str().unwrap_or_default();
            let role = issuer.rsplit('/').next().unwrap();
            let session = identity["arn"].as_str().unwrap().rsplit('/').next().unwrap();
            let is_person = role.starts_with("AWSReservedSSO_");
            let name = if is_person { session } else { role };
            assert_eq!(event.identity_name.as_deref(), Some(name));
            assert_eq!(event.counts_as_use, event.outcome != Outcome::Denied);
        }
    }
    let mut text = format!("{n_called_for} calls with a role\n");
    for (line, n) in lines {
        writeln!(text, "{n} {line}").unwrap();
    }
    expect![[r#"
        16 calls with a role
        1 role from autoscaling.amazonaws.com by autoscaling.amazonaws.com: ec2 RunInstances, counts
        1 role from cloudformation.amazonaws.com by cloudformation.amazonaws.com: ecr SetRepositoryPolicy, counts
        1 role from cloudformation.amazonaws.com by cloudformation.amazonaws.com: iam CreateRole, counts
        1 role from cloudformation.amazonaws.com by cloudformation.amazonaws.com: iam DeleteRole, counts
        1 role from cloudformation.amazonaws.com by cloudformation.amazonaws.com: iam RemoveRoleFromInstanceProfile, counts
        1 role from cloudformation.amazonaws.com with an address by browser: cloudtrail DeleteRule, counts
        2 role from cloudformation.amazonaws.com with an address by browser: cloudtrail DeleteTrail, counts
        1 role from cloudformation.amazonaws.com with an address by browser: cloudtrail DescribeTrail, counts
        1 role from cloudformation.amazonaws.com with an address by browser: iam PutPolicy, counts
        1 role from config.amazonaws.com by config.amazonaws.com: autoscaling DescribeLaunchConfigurations, counts
        1 role from eks-nodegroup.amazonaws.com by eks-nodegroup.amazonaws.com: ec2 RunInstances, counts
        1 role from trustedadvisor.amazonaws.com by trustedadvisor.amazonaws.com: ses GetSendQuota, counts
        2 root from signin.amazonaws.com with an address by console: iam CreateAccessKey, counts
        1 service from config.amazonaws.com by config.amazonaws.com: sts AssumeRole, counts
        1 service from ec2.amazonaws.com by ec2.amazonaws.com: ec2 SharedSnapshotVolumeCreated, counts
        1 service from lambda.amazonaws.com by lambda.amazonaws.com: sts AssumeRole, counts
        1 user from signin.amazonaws.com with an address by console: support CreateCase, counts
        1 workforce from bedrock.amazonaws.com with an address by bedrock.amazonaws.com: aws-marketplace GetListingView, counts
        1 workforce from bedrock.amazonaws.com with an address by bedrock.amazonaws.com: aws-marketplace SearchAgreements, counts
        1 workforce from rds.amazonaws.com with an address by rds.amazonaws.com: rds DescribeDBProxies, counts
    "#]].assert_eq(&text);
}

/// What detection needs in order not to take a service for its caller's tool, or its network for theirs.
#[test]
fn a_calling_service_is_its_own_tool() {
    for (name, from, tool, has_address) in [
        ("fas_athena_reads_a_table_for_a_user", "athena.amazonaws.com", "athena.amazonaws.com", false),
        ("fas_with_an_address", "athena.amazonaws.com", "athena.amazonaws.com", true),
        ("fas_for_a_person_by_role", "rds.amazonaws.com", "rds.amazonaws.com", false),
        ("fas_s3_decrypts_for_a_role", "AWS Internal", "aws-internal", false),
        ("stack_with_a_service_role", "cloudformation.amazonaws.com", "cloudformation.amazonaws.com", false),
        ("service_linked_role_calls", "autoscaling.amazonaws.com", "autoscaling.amazonaws.com", false),
        ("service_assumes_role", "lambda.amazonaws.com", "lambda.amazonaws.com", false),
        ("console_calls_for_a_user", "signin.amazonaws.com", "console", true),
    ] {
        let event = testing::event(Provider::Aws, &testing::fixture(&format!("aws/{name}.json")));
        assert_eq!(event.source_service.as_deref(), Some(from), "{name}");
        assert_eq!(event.tool.as_deref(), Some(tool), "{name}");
        assert_eq!(event.source_ip.is_some(), has_address, "{name}");
        assert!(event.counts_as_use, "{name}");
    }
}
