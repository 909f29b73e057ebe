//! Synthetic people: stationary Poisson traffic of personas over two accounts, and an intruder to plant among them.

use schemas::{AccessEvent, AccessLevel, AccountId, Id128, IdentityKind, Time, Use, example};

use super::house::Dice;

/// The first day of the town: a Monday.
pub(super) const START: Time = Time(1_767_571_200_000_000);

const PERSONAS: [(&str, AccessLevel, [&str; 8]); 3] = [
    (
        "dev",
        AccessLevel::Read,
        [
            "s3:GetObject",
            "s3:ListBucket",
            "dynamodb:Query",
            "lambda:GetFunction",
            "lambda:InvokeFunction",
            "logs:GetLogEvents",
            "sqs:SendMessage",
            "sqs:ReceiveMessage",
        ],
    ),
    (
        "ops",
        AccessLevel::List,
        [
            "ec2:DescribeInstances",
            "ec2:RunInstances",
            "ec2:StopInstances",
            "autoscaling:DescribeAutoScalingGroups",
            "cloudwatch:GetMetricData",
            "ec2:CreateTags",
            "elasticloadbalancing:DescribeLoadBalancers",
            "ec2:DescribeVolumes",
        ],
    ),
    (
        "audit",
        AccessLevel::List,
        [
            "iam:ListUsers",
            "iam:ListRoles",
            "config:DescribeConfigRules",
            "cloudtrail:LookupEvents",
            "iam:GetRole",
            "s3:ListAllMyBuckets",
            "kms:ListKeys",
            "iam:ListPolicies",
        ],
    ),
];

/// One call of one person.
#[expect(clippy::too_many_arguments, reason = "a call in a test is one line")]
pub(super) fn call(
    who: &str,
    account: &str,
    time: Time,
    action: &str,
    level: AccessLevel,
    resource: &str,
    ip: &str,
    tool: &str,
) -> AccessEvent {
    let place = format!("{who}|{account}|{}|{action}|{resource}|{ip}", time.0);
    let service = action.split(':').next().unwrap_or_default();
    let used =
        Use { action: action.into(), resource_id: Some(resource.into()), ..example::access_event().uses[0].clone() };
    AccessEvent {
        event_id: Id128::of_parts(&[place.as_bytes()]),
        time,
        account_id: AccountId::from(account),
        identity_id: format!("aws:{account}:user/{who}").into(),
        identity_kind: IdentityKind::User,
        identity_name: Some(who.into()),
        service: service.into(),
        operation: action.split(':').nth(1).unwrap_or_default().into(),
        action: Some(action.into()),
        access_level: Some(level),
        uses: vec![used],
        resources: Vec::new(),
        source_ip: Some(ip.into()),
        tool: Some(tool.into()),
        ..example::access_event()
    }
}

/// `n_people` over `n_days` days: on weekdays from 8 to 18, with `rate` calls an hour each; actions of their persona by
/// a Zipf-like law, one of three buckets mostly and one of a long tail now and then, one or two networks.
pub(super) fn people(n_people: usize, n_days: i64, rate: f64, seed: u64) -> Vec<AccessEvent> {
    let mut events = Vec::new();
    for person in 0..n_people {
        let mut dice = Dice(seed.wrapping_mul(1_000_003).wrapping_add(person as u64));
        let (persona, level, actions) = PERSONAS[person % PERSONAS.len()];
        let who = format!("{persona}-{person}");
        let account = ["111111111111", "222222222222"][(person / 3) % 2];
        for day in (0..n_days).filter(|day| day % 7 < 5) {
            let mut at = START.0 + day * Time::DAY + 8 * Time::HOUR;
            loop {
                at += (-dice.unit().ln() / rate * Time::HOUR as f64) as i64;
                if at >= START.0 + day * Time::DAY + 18 * Time::HOUR {
                    break;
                }
                let rank = (dice.unit().powi(2) * 8.0) as usize;
                let bucket = if dice.roll(150) == 0 { 10 + dice.roll(200) } else { dice.roll(3) };
                let resource = format!("arn:aws:s3:::{persona}-{bucket}");
                let network = if dice.roll(8) == 0 { 100 + person } else { 7 };
                let ip = format!("198.{network}.0.{}", dice.roll(250));
                events.push(call(&who, account, Time(at), actions[rank.min(7)], level, &resource, &ip, "aws-cli"));
            }
        }
    }
    events
}

/// A stolen key of `dev-0`: at night, from a new network with a new tool, looks around, reads secrets, makes a key.
pub(super) fn intruder(day: i64) -> Vec<AccessEvent> {
    let night = START.0 + day * Time::DAY + 3 * Time::HOUR;
    let steps = [
        ("sts:GetCallerIdentity", AccessLevel::Read, ""),
        ("iam:ListUsers", AccessLevel::List, ""),
        ("secretsmanager:ListSecrets", AccessLevel::List, ""),
        (
            "secretsmanager:GetSecretValue",
            AccessLevel::Read,
            "arn:aws:secretsmanager:eu-central-1:111111111111:secret:db-1",
        ),
        ("iam:CreateAccessKey", AccessLevel::Permissions, "arn:aws:iam::111111111111:user/ops-1"),
    ];
    let at = |n: usize| Time(night + n as i64 * 90_000_000);
    let one = |(n, (action, level, resource)): (usize, (&str, AccessLevel, &str))| {
        call("dev-0", "111111111111", at(n), action, level, resource, "203.0.113.66", "python-requests")
    };
    steps.into_iter().enumerate().map(one).collect()
}
