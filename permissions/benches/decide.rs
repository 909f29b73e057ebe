//! Decisions a second on AWS's own managed policies: distinct requests of every kind, no cache of verdicts.
//!
//! `cargo bench -p permissions --bench decide`. The managed policies are read from the shared data beside the project;
//! without them there is nothing to measure.

#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, reason = "a bench that cannot start should say so")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use permissions::Catalogue;
use permissions::aws::evaluate::{
    Action, CompiledPolicy, Context, Identity, Policies, PolicyKind, Request, Unnamed, Verdict, decide,
};
use schemas::Provider;
use serde_json::{Value, json};

const POLICIES: &str = "../../shared/data/catalogs/aws_managed_policies.moto-5.2.5.Apache-2.0.json.gz";

fn managed() -> Option<BTreeMap<String, Value>> {
    let file = std::fs::File::open(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(POLICIES)).ok()?;
    Some(serde_json::from_reader(std::io::BufReader::new(GzDecoder::new(file))).unwrap())
}

fn policies(managed: &BTreeMap<String, Value>) -> Policies {
    let of = |kind, name: &str| Arc::new(CompiledPolicy::of_value(name, kind, &managed[name]["Document"]));
    let own = |kind, document: Value| Arc::new(CompiledPolicy::of_value("own", kind, &document));
    let full = || own(PolicyKind::Scp, json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}));
    let region = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "NotAction": ["iam:*", "sts:*", "organizations:*", "support:*", "cloudfront:*"], "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}},
    }});
    let lock = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": ["cloudtrail:StopLogging", "cloudtrail:Delete*", "config:Delete*"], "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:iam::*:role/security-*",
         "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/security-*"}}},
    ]});
    Policies {
        identity: ["ReadOnlyAccess", "AmazonS3FullAccess", "AmazonEC2FullAccess", "AWSLambda_FullAccess"]
            .iter()
            .map(|name| of(PolicyKind::Identity, name))
            .collect(),
        boundary: Some(of(PolicyKind::Boundary, "PowerUserAccess")),
        scps: vec![vec![full(), own(PolicyKind::Scp, region)], vec![full(), own(PolicyKind::Scp, lock)]],
        ..Policies::default()
    }
}

/// One request for every action of the catalogue, each on a resource of its own, all by one session in one context.
fn requests() -> (Identity, Context, Vec<(Action, String)>) {
    let identity = Identity::parse("arn:aws:sts::111122223333:assumed-role/app/session").unwrap();
    let mut context = Context::new(Unnamed::Absent);
    context.fill_in(&identity);
    context.set("aws:RequestedRegion", ["eu-west-1"]);
    context.set("aws:SourceIp", ["203.0.113.7"]);
    context.set("aws:SecureTransport", ["true"]);
    let actions = Catalogue::bundled().provider(Provider::Aws);
    let request = |(n, name): (usize, &str)| {
        let resource = match name.split_once(':').unwrap().0 {
            "s3" => format!("arn:aws:s3:::bucket-{n}/folder/object"),
            service => format!("arn:aws:{service}:eu-west-1:111122223333:thing/{n}"),
        };
        (Action::parse(name).unwrap(), resource)
    };
    let all = actions.iter().map(|(_, info)| info.name.as_str()).enumerate().map(request).collect();
    (identity, context, all)
}

fn bench(c: &mut Criterion) {
    let Some(managed) = managed() else {
        eprintln!("skipped: the shared data is not here");
        return;
    };
    let policies = policies(&managed);
    let (identity, context, all) = requests();
    let request = |(action, resource): &'_ (Action, String)| {
        let (identity, context) = (&identity, &context);
        let request = Request { identity, action, resource, resource_account: None, context };
        decide(black_box(request), &policies).verdict == Verdict::Allowed
    };
    eprintln!("{} requests, {} allowed", all.len(), all.iter().filter(|one| request(one)).count());
    let mut group = c.benchmark_group("aws");
    group.throughput(Throughput::Elements(all.len() as u64));
    group.bench_function("decide", |b| b.iter(|| all.iter().filter(|one| request(one)).count()));
    let large = ["s3", "ec2", "iam", "lambda", "dynamodb"];
    let large: Vec<_> = all.iter().filter(|(action, _)| large.contains(&action.service())).collect();
    group.throughput(Throughput::Elements(large.len() as u64));
    group.bench_function("decide, large services", |b| b.iter(|| large.iter().filter(|one| request(one)).count()));
    group.throughput(Throughput::Elements(managed.len() as u64));
    group.sample_size(10);
    group.bench_function("compile every managed policy", |b| {
        b.iter(|| {
            managed
                .iter()
                .map(|(name, policy)| CompiledPolicy::of_value(name, PolicyKind::Identity, &policy["Document"]))
                .filter(|policy| policy.errors().is_empty())
                .count()
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
