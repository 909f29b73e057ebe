//! Tests: the calibration table of the design on real policies, and the laws of exposure.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use flate2::read::GzDecoder;
use proptest::prelude::*;
use roaring::RoaringBitmap;
use schemas::{
    AccountId, Effect, Entitlement, EntitlementKind, IdentityId, IdentityKind, Policy, PolicyHash, Provider,
    ResourceId, Statement, Text, Time,
};
use serde_json::Value;

use crate::catalogue::{ActionIdx, Catalogue};
use crate::escalation::Targets;
use crate::exposure::{Exposure, Reach, Scale};
use crate::grants::{Area, GrantSet, Grants};
use crate::risk::RiskModel;
use crate::{aws, azure, gcp};

/// Reads a file of the shared data; prints a line and returns `None` when it is absent.
pub(crate) fn shared(path: &str) -> Option<Vec<u8>> {
    let full = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(path);
    match std::fs::read(&full) {
        Ok(bytes) if path.ends_with(".gz") => {
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut GzDecoder::new(&bytes[..]), &mut text).unwrap();
            Some(text)
        }
        Ok(bytes) => Some(bytes),
        Err(_) => {
            eprintln!("skipped: shared data `{path}` is not here");
            None
        }
    }
}

/// The set of one identity with one source of the given statements at the given scopes.
pub(crate) fn set_of(provider: Provider, statements: Vec<Statement>, scopes: &[&str]) -> Arc<GrantSet> {
    let policy = Arc::new(Policy::of(provider, statements, Vec::new(), Time(0)));
    let entitlement = entitlement(provider, &policy.policy_hash, scopes);
    let lookup = |_: &PolicyHash| Some(Arc::clone(&policy));
    Grants::new().build(provider, [&entitlement], &lookup, Catalogue::bundled())
}

fn entitlement(provider: Provider, hash: &PolicyHash, scopes: &[&str]) -> Entitlement {
    let kind = if provider == Provider::Aws { EntitlementKind::IdentityPolicy } else { EntitlementKind::Binding };
    let (account, user) = (AccountId::from("a"), (IdentityId::from("i"), IdentityKind::User));
    Entitlement {
        policy_hashes: vec![hash.clone()],
        scopes: scopes.iter().map(|s| ResourceId::from(*s)).collect(),
        ..Entitlement::of(provider, account, user, kind, Text::from("attached:test"), Time(0))
    }
}

fn one_of_200(_: &Area, _: &str) -> Reach {
    Reach { matching: 1, known: 200 }
}

fn measure(set: &GrantSet, used: &RoaringBitmap) -> (Exposure, f64) {
    let model = RiskModel::default();
    let scale = Scale { catalogue: Catalogue::bundled(), model: &model, reach: &one_of_200 };
    let exposure = scale.exposure(set, used, &RoaringBitmap::new(), &Targets::alone(IdentityKind::User));
    let pci = model.pci(exposure.hi, scale.capacity(set.provider()));
    (exposure, pci)
}

fn aws_set(document: &str) -> Arc<GrantSet> {
    let parsed = aws::parse_policy(document.as_bytes());
    assert_eq!(parsed.errors, Vec::<Text>::new());
    set_of(Provider::Aws, parsed.statements, &[])
}

fn actions(names: &[&str]) -> RoaringBitmap {
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    names.iter().map(|name| catalogue.lookup(name).unwrap().0).collect()
}

/// Thirty calls of an everyday administrator.
const EVERYDAY: [&str; 30] = [
    "ec2:DescribeInstances",
    "ec2:DescribeVpcs",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
    "ec2:RunInstances",
    "ec2:StartInstances",
    "ec2:StopInstances",
    "ec2:CreateTags",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "s3:GetObject",
    "s3:PutObject",
    "s3:GetBucketLocation",
    "iam:ListRoles",
    "iam:ListUsers",
    "iam:GetRole",
    "iam:GetUser",
    "iam:PassRole",
    "cloudwatch:GetMetricData",
    "cloudwatch:DescribeAlarms",
    "logs:DescribeLogGroups",
    "logs:FilterLogEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:CreateStack",
    "lambda:ListFunctions",
    "lambda:GetFunction",
    "rds:DescribeDBInstances",
    "kms:ListKeys",
    "kms:Decrypt",
    "sts:AssumeRole",
];

#[test]
fn the_index_is_calibrated() {
    let Some(managed) = shared("catalogs/aws_managed_policies.moto-5.2.5.Apache-2.0.json.gz") else { return };
    let managed: BTreeMap<String, Value> = serde_json::from_slice(&managed).unwrap();
    let policy = |name: &str| aws_set(&managed[name]["Document"].to_string());
    let role = |name: &str| {
        let statements = azure::builtin_role(name).unwrap().statements.clone();
        set_of(Provider::Azure, statements, &["/subscriptions/s"])
    };
    let gcp_role = |name: &str| {
        let json = format!(r#"{{"name":"{name}"}}"#);
        let mut statement = gcp::role(json.as_bytes()).unwrap().statement;
        statement.role = Some(Text::from(name));
        set_of(Provider::Gcp, vec![statement], &["//cloudresourcemanager.googleapis.com/projects/p"])
    };
    let s3_on = |resource: &str, action: &str| {
        aws_set(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":["{action}","s3-object-lambda:None"],"Resource":{resource}}}}}"#
        ))
    };
    let bucket = r#"["arn:aws:s3:::b","arn:aws:s3:::b/*"]"#;
    let none = RoaringBitmap::new();
    let admin = policy("AdministratorAccess");
    let everything = admin.actions().clone();
    let rows: Vec<(&str, Arc<GrantSet>, RoaringBitmap, f64, f64)> = vec![
        ("AWS AdministratorAccess", admin.clone(), none.clone(), 95.0, 100.0),
        ("Azure Owner", role("Owner"), none.clone(), 95.0, 100.0),
        ("GCP roles/owner", gcp_role("roles/owner"), none.clone(), 95.0, 100.0),
        ("AWS IAMFullAccess", policy("IAMFullAccess"), none.clone(), 90.0, 100.0),
        ("AWS AdministratorAccess, 30 used", admin.clone(), actions(&EVERYDAY), 90.0, 100.0),
        ("AWS PowerUserAccess", policy("PowerUserAccess"), none.clone(), 67.0, 99.0),
        ("Azure Contributor", role("Contributor"), none.clone(), 67.0, 99.0),
        ("GCP roles/editor", gcp_role("roles/editor"), none.clone(), 67.0, 99.0),
        ("Azure Reader", role("Reader"), none.clone(), 15.0, 66.0),
        ("GCP roles/viewer", gcp_role("roles/viewer"), none.clone(), 15.0, 66.0),
        ("AWS ReadOnlyAccess", policy("ReadOnlyAccess"), none.clone(), 34.0, 66.0),
        ("AWS AmazonS3FullAccess on *", policy("AmazonS3FullAccess"), none.clone(), 20.0, 66.0),
        ("the same on 1 bucket of 200", s3_on(bucket, "s3:*"), none.clone(), 0.0, 33.0),
        ("s3:GetObject on 1 bucket of 200", s3_on(r#""arn:aws:s3:::b/*""#, "s3:GetObject"), none, 0.0, 10.0),
        ("everything granted was used", admin, everything, 0.0, 0.0),
    ];
    let mut table = String::new();
    let mut outside = Vec::new();
    for (name, set, used, low, high) in rows {
        let (exposure, pci) = measure(&set, &used);
        let path = exposure.escalation.map_or("", |path| path.id.as_str());
        writeln!(table, "{name:36} {pci:>6} in {low:>2}–{high:<3} {path} {:?}", set.ignored()).unwrap();
        if pci < low || pci > high {
            outside.push(name);
        }
    }
    eprintln!("{table}");
    assert_eq!(outside, Vec::<&str>::new(), "\n{table}");
}

/// A random policy over a handful of services, with denies, wildcards, conditions and narrow resources.
fn statement() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "s3:Get*",
        "s3:*",
        "iam:*",
        "iam:Put*",
        "iam:PassRole",
        "ec2:Run*",
        "ec2:Describe*",
        "dynamodb:*",
        "lambda:*",
        "sqs:SendMessage",
        "secretsmanager:GetSecretValue",
        "iam:CreatePolicyVersion",
        "kms:Decrypt",
        "*:List*",
        "sts:AssumeRole",
    ]);
    let resources = prop::sample::select(vec![
        "*",
        "arn:aws:s3:::b",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::*",
        "arn:aws:iam::*:role/*",
        "arn:aws:dynamodb:*:*:table/t",
        "arn:aws:lambda:*:*:function:f*",
    ]);
    (prop::collection::vec(names, 1..4), prop::collection::vec(resources, 1..3), 0..10_u8, any::<bool>()).prop_map(
        |(actions, resources, kind, condition)| {
            let mut statement = serde_json::json!({ "Effect": if kind == 0 { "Deny" } else { "Allow" } });
            statement[if kind == 1 { "NotAction" } else { "Action" }] = actions.into();
            statement[if kind == 2 { "NotResource" } else { "Resource" }] = resources.into();
            if condition && kind > 6 {
                statement["Condition"] = serde_json::json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
            }
            statement
        },
    )
}

fn build(statements: &[Value]) -> Arc<GrantSet> {
    aws_set(&serde_json::json!({ "Statement": statements }).to_string())
}

/// A reach that differs by pattern and kind, as an inventory's does.
fn uneven(area: &Area, kind: &str) -> Reach {
    let known = (kind.len() % 7) as u64 * 31;
    let of = |pattern: &str| if pattern.contains('*') { known / 2 } else { known.min(1) };
    let held = if area.resource == "*" { known } else { of(&area.resource) };
    let within = area.within.iter().map(|pattern| of(pattern)).min().unwrap_or(known);
    let out: u64 = area.except.iter().map(|pattern| of(pattern)).sum();
    Reach { matching: held.min(within).saturating_sub(out), known }
}

fn weigh(set: &GrantSet, used: &RoaringBitmap, unknowable: &RoaringBitmap) -> Exposure {
    let model = RiskModel::default();
    let scale = Scale { catalogue: Catalogue::bundled(), model: &model, reach: &uneven };
    scale.exposure(set, used, unknowable, &Targets::alone(IdentityKind::User))
}

/// The sum by its definition: over each granted action, without bitmaps or groups.
fn by_definition(set: &GrantSet, used: &RoaringBitmap) -> u128 {
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let model = RiskModel::default();
    let mut sum = 0_u128;
    for (idx, action) in catalogue.iter().filter(|(idx, _)| !used.contains(idx.0)) {
        let weight = u128::from(model.weight(action.risk));
        let mut part = 0_u128;
        for atom in set.granting(idx) {
            if atom.is_whole() {
                part += weight;
                continue;
            }
            let (mut matching, mut known) = (0, 0);
            let kinds: Vec<&str> = if action.containers.is_empty() {
                vec![""]
            } else {
                action.containers.iter().map(|k| k.as_str()).collect()
            };
            for kind in kinds {
                known += uneven(&atom.area, kind).known;
                matching += uneven(&atom.area, kind).matching;
            }
            part += (weight * u128::from(matching + 1) / u128::from(known + 1)).max(1);
        }
        sum += part.min(weight);
    }
    sum
}

fn some_of(set: &RoaringBitmap, picks: &[prop::sample::Index]) -> RoaringBitmap {
    if set.is_empty() {
        return RoaringBitmap::new();
    }
    picks.iter().filter_map(|pick| set.select(pick.index(set.len() as usize) as u32)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exposure_is_zero_exactly_when_nothing_granted_is_unused(
        statements in prop::collection::vec(statement(), 0..5),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let set = build(&statements);
        let left = some_of(set.actions(), &picks);
        let used = set.actions() - &left;
        let exposure = weigh(&set, &used, &RoaringBitmap::new());
        prop_assert_eq!(exposure.hi == 0, left.is_empty());
        prop_assert_eq!(exposure.n_unused, left.len());
    }

    #[test]
    fn the_sum_is_what_its_definition_says(
        statements in prop::collection::vec(statement(), 0..5),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let set = build(&statements);
        let used = some_of(set.actions(), &picks);
        let exposure = weigh(&set, &used, &RoaringBitmap::new());
        let sum = by_definition(&set, &used);
        if exposure.escalation.is_none() {
            prop_assert_eq!(exposure.hi, sum);
        } else {
            prop_assert!(exposure.hi >= sum);
        }
    }

    #[test]
    fn granting_more_never_lowers_and_using_more_never_raises(
        statements in prop::collection::vec(statement(), 1..5),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        more in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let set = build(&statements);
        let used = some_of(set.actions(), &picks);
        let none = RoaringBitmap::new();
        let before = weigh(&set, &used, &none);
        // Every allow can be taken away again, in any order, and the exposure only falls.
        for gone in (0..statements.len()).filter(|at| statements[*at]["Effect"] == "Allow") {
            let fewer: Vec<Value> = statements.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, s)| s.clone()).collect();
            let fewer = weigh(&build(&fewer), &used, &none);
            prop_assert!(fewer.hi <= before.hi, "{} > {}", fewer.hi, before.hi);
        }
        let using_more = weigh(&set, &(&used | &some_of(set.actions(), &more)), &none);
        prop_assert!(using_more.hi <= before.hi);
        prop_assert!(using_more.lo <= before.lo);
    }

    #[test]
    fn the_order_of_statements_does_not_matter_and_unknowable_use_is_an_interval(
        statements in prop::collection::vec(statement(), 1..6),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        unseen in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let set = build(&statements);
        let reversed: Vec<Value> = statements.iter().rev().cloned().collect();
        prop_assert_eq!(&*set, &*build(&reversed));
        let (used, unknowable) = (some_of(set.actions(), &picks), some_of(set.actions(), &unseen));
        let exposure = weigh(&set, &used, &unknowable);
        prop_assert!(exposure.lo <= exposure.hi);
        prop_assert_eq!(exposure.hi, weigh(&set, &used, &RoaringBitmap::new()).hi);
        prop_assert_eq!(exposure.lo, weigh(&set, &(&used | &unknowable), &RoaringBitmap::new()).hi);
        prop_assert_eq!(exposure.n_used + exposure.n_unused + exposure.n_unknowable, exposure.n_granted);
    }
}

#[test]
fn the_contributions_add_up_to_the_sum() {
    let set = build(&[
        serde_json::json!({"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"}),
        serde_json::json!({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:*:*:table/t"}),
    ]);
    let model = RiskModel::default();
    let scale = Scale { catalogue: Catalogue::bundled(), model: &model, reach: &uneven };
    let all = scale.contributions(&set, &RoaringBitmap::new(), usize::MAX);
    let sum: i64 = all.iter().map(|c| c.exposure).sum();
    assert_eq!(u128::try_from(sum).unwrap(), weigh(&set, &RoaringBitmap::new(), &RoaringBitmap::new()).hi);
    let labels: Vec<&str> = all.iter().take(3).map(|c| c.label.as_str()).collect();
    expect_test::expect![[r#"
        s3: 27 actions of permissions management on *
        sqs: 4 actions of permissions management on *
        s3: 41 actions of write on *"#]]
    .assert_eq(&labels.join("\n"));
    let cut = scale.contributions(&set, &RoaringBitmap::new(), 2);
    assert_eq!(cut, all[..2]);
}

#[test]
fn every_managed_policy_parses_and_expands() {
    let Some(managed) = shared("catalogs/aws_managed_policies.moto-5.2.5.Apache-2.0.json.gz") else { return };
    let managed: BTreeMap<String, Value> = serde_json::from_slice(&managed).unwrap();
    let (mut n_statements, mut empty, mut unmatched) = (0, Vec::new(), BTreeMap::new());
    for (name, entry) in &managed {
        let parsed = aws::parse_policy(entry["Document"].to_string().as_bytes());
        assert_eq!(parsed.errors, Vec::<Text>::new(), "{name}");
        n_statements += parsed.statements.len();
        let allows = parsed.statements.iter().any(|s| s.effect == Effect::Allow);
        let set = set_of(Provider::Aws, parsed.statements, &[]);
        if set.is_empty() && allows && set.unmatched().is_empty() {
            empty.push(name.as_str());
        }
        for pattern in set.unmatched() {
            *unmatched.entry(pattern.clone()).or_insert(0_u32) += 1;
        }
    }
    eprintln!(
        "{} policies, {n_statements} statements, {} patterns name no action of the catalogue",
        managed.len(),
        unmatched.len()
    );
    assert!(managed.len() > 1500);
    assert_eq!(empty, Vec::<&str>::new());
    assert!(unmatched.len() < 1000, "{unmatched:?}");
}

#[test]
fn every_builtin_role_expands() {
    let mut report = String::new();
    for name in [
        "Owner",
        "Contributor",
        "Reader",
        "Storage Blob Data Reader",
        "Key Vault Secrets User",
        "Virtual Machine Contributor",
    ] {
        let set = set_of(
            Provider::Azure,
            azure::builtin_role(name).unwrap().statements.clone(),
            &["/subscriptions/S/resourceGroups/G"],
        );
        writeln!(report, "{name}: {} actions on {}", set.actions().len(), set.atoms()[0].area).unwrap();
    }
    expect_test::expect![[r#"
        Owner: 11163 actions on /subscriptions/s/resourcegroups/g
        Contributor: 11129 actions on /subscriptions/s/resourcegroups/g
        Reader: 4004 actions on /subscriptions/s/resourcegroups/g
        Storage Blob Data Reader: 3 actions on /subscriptions/s/resourcegroups/g
        Key Vault Secrets User: 2 actions on /subscriptions/s/resourcegroups/g
        Virtual Machine Contributor: 292 actions on /subscriptions/s/resourcegroups/g
    "#]]
    .assert_eq(&report);
}

#[test]
fn a_deny_takes_away_what_it_covers() {
    let set = build(&[
        serde_json::json!({"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]}),
        serde_json::json!({"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}),
        serde_json::json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b*"}),
        serde_json::json!({"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::a/secret/*"}),
    ]);
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let verdict =
        |action: &str, resource: &str| set.verdict(catalogue.lookup(action).unwrap(), Some(resource)).as_str();
    assert_eq!(verdict("s3:DeleteObject", "arn:aws:s3:::a/x"), "no");
    assert_eq!(verdict("s3:GetObject", "arn:aws:s3:::a/x"), "yes");
    assert_eq!(verdict("s3:GetObject", "arn:aws:s3:::b/x"), "no");
    assert_eq!(verdict("s3:PutObject", "arn:aws:s3:::a/x"), "yes");
    assert_eq!(verdict("s3:PutObject", "arn:aws:s3:::a/secret/x"), "no");
    assert_eq!(set.ignored(), [""; 0]);
    assert!(set.granting(ActionIdx(0)).next().is_none());
}

#[test]
fn identities_with_the_same_policies_share_a_set() {
    let policy = Arc::new(Policy::of(
        Provider::Aws,
        aws::parse_policy(br#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#).statements,
        Vec::new(),
        Time(0),
    ));
    let mut grants = Grants::new();
    let lookup = |_: &PolicyHash| Some(Arc::clone(&policy));
    let entitlement = entitlement(Provider::Aws, &policy.policy_hash, &[]);
    let mut other = entitlement.clone();
    other.identity_id = IdentityId::from("somebody else");
    let one = grants.build(Provider::Aws, [&entitlement], &lookup, Catalogue::bundled());
    let two = grants.build(Provider::Aws, [&other], &lookup, Catalogue::bundled());
    assert!(Arc::ptr_eq(&one, &two));
    other.condition = Some(Text::from("x"));
    let three = grants.build(Provider::Aws, [&other], &lookup, Catalogue::bundled());
    assert_eq!(three.ignored(), ["condition"]);
    assert!(!Arc::ptr_eq(&one, &three));
}
