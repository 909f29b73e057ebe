//! Tests over real policies and roles, read in place: what the clouds themselves wrote has no error but those that are
//! explained here, and in an account made to measure linters the risks are found where they are.

use std::collections::BTreeMap;

use super::{Kind, Options, Severity, lint};
use crate::calibration::shared;

const POLICIES: &str = "catalogs/aws_managed_policies.moto-5.2.5.Apache-2.0.json.gz";

/// Errors that are right of the text and harmless to AWS, whose own policies are not bound as customers' are.
const EXPLAINED: [(&str, &str); 2] = [
    // AWS's own policies may be longer than a customer's.
    ("aws-size", ""),
    // It grants on `arn:aws:organizations::*:`, which names no resource; its other entries do what is meant.
    ("aws-arn-malformed", "AmazonDevOpsGuruOrganizationsAccess"),
];

#[test]
fn aws_own_policies_have_no_error() {
    let Some(text) = shared(POLICIES) else { return };
    let policies: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&text).unwrap();
    let options = Options { kind: Some(Kind::AwsIdentity), ..Options::default() };
    let mut errors = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, policy) in &policies {
        for finding in lint(policy["Document"].to_string().as_bytes(), &options).findings {
            let rule = finding.rule.rule();
            *counts.entry(rule.id).or_default() += 1;
            let explained = EXPLAINED.iter().any(|(id, of)| *id == rule.id && (of.is_empty() || of == name));
            if rule.severity == Severity::Error && !explained {
                errors.push(format!("{name}: {} {}", rule.id, finding.message));
            }
        }
    }
    eprintln!("{} policies: {counts:?}", policies.len());
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn azure_own_roles_have_no_error() {
    let Some(text) = shared("catalogs/azure_builtin_roles.iam-dataset.MIT.json.gz") else { return };
    let report = lint(&text, &Options::default());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    report.findings.iter().for_each(|f| *counts.entry(f.rule.rule().id).or_default() += 1);
    eprintln!("{} roles: {counts:?}", report.documents.len());
    assert!(report.documents.len() > 900);
    let errors = report.findings.iter().filter(|f| f.severity() == Severity::Error);
    // Two of Microsoft's own roles end an action with a blank.
    let errors: Vec<_> = errors.map(|f| f.message.as_str()).filter(|m| !m.contains("virtualNetworks/read `")).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

/// Cloudsplaining's account: policies called `fn…` hold a risk that must be found, `fp…` none. Two of them are about
/// several policies together, which is not for a look at one file: `fn1-privesc3-partial` and `fp2-allow-all`.
#[test]
fn risks_are_found_where_they_are() {
    const RISKS: [&str; 8] = [
        // Of a condition that always holds: `fn3`.
        "aws-condition-always",
        "aws-administrator",
        "aws-allow-not-action",
        "aws-credentials",
        "aws-escalation",
        "aws-exfiltration",
        "aws-pass-role",
        "aws-permissions",
    ];
    let Some(text) = shared("entitlements/cloudsplaining/examples/files/example.json") else { return };
    let account: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let as_of = Some(schemas::Time::parse("2026-11-29T00:00:00Z").unwrap());
    let report = lint(&text, &Options { as_of, ..Options::default() });
    let mut flagged: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|f| RISKS.contains(&f.rule.rule().id)) {
        let mut parts = finding.place.pointer.split('/').skip(1);
        if let (Some("Policies"), Some(at)) = (parts.next(), parts.next()) {
            let name = account["Policies"][at.parse::<usize>().unwrap()]["PolicyName"].as_str().unwrap();
            flagged.entry(name).or_default().push(finding.rule.rule().id);
        }
    }
    let labelled: Vec<_> =
        flagged.iter().filter(|(name, _)| name.starts_with("fn") || name.starts_with("fp")).collect();
    eprintln!("{labelled:?}");
    for policy in account["Policies"].as_array().unwrap() {
        let name = policy["PolicyName"].as_str().unwrap();
        if matches!(name, "fn1-privesc3-partial" | "fp2-allow-all") {
            continue;
        }
        let is = flagged.contains_key(name);
        assert!(!name.starts_with("fn") || is, "{name} holds a risk that is not found");
        assert!(!name.starts_with("fp") || !is, "{name}: {:?}", flagged[name]);
    }
}

/// 94 recorded answers of `getIamPolicy`. Two members of theirs are made up by whoever anonymized them.
#[test]
fn recorded_policies_of_google_have_no_error() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/entitlements/cloud-custodian");
    let mut folders = vec![root];
    let (mut n_policies, mut errors) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(answer) = serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path).unwrap()) {
                if !answer["body"]["bindings"].is_array() {
                    continue;
                }
                n_policies += 1;
                let findings = lint(answer["body"].to_string().as_bytes(), &Options::default()).findings;
                let made_up = |m: &str| ["`abcdefg`", "`group:dummyGroup1`"].iter().any(|name| m.contains(name));
                let wrong = findings.into_iter().filter(|f| f.severity() == Severity::Error && !made_up(&f.message));
                errors.extend(wrong.map(|f| format!("{}: {}", path.display(), f.message)));
            }
        }
    }
    eprintln!("{n_policies} policies");
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}
