//! Names and ARNs of the resources in an AWS account.

use crate::{
    ids::{hex, mix, uuid, word},
    world::{Account, Identity, Kind},
};

/// The company's regions; the first is home, IAM and sign-ins are in the third.
pub(super) const REGIONS: [&str; 3] = ["eu-central-1", "eu-west-1", "us-east-1"];

const TOPIC: [&str; 26] = [
    "orders", "invoices", "images", "clicks", "exports", "reports", "models", "sessions", "labels", "receipts",
    "returns", "prices", "stock", "search", "mail", "audit", "backups", "logs", "features", "events", "quotes",
    "routes", "tickets", "vouchers", "media", "ledger",
];
const USE: [&str; 6] = ["api", "worker", "sync", "digest", "notify", "resize"];

fn topic(idx: u16) -> &'static str {
    TOPIC[usize::from(idx) % TOPIC.len()]
}

/// A number that stands for one resource of one account.
fn noise(kind: Kind, account: &Account, idx: u16) -> u64 {
    let number: u64 = account.id.parse().unwrap_or(0);
    mix(mix(number, kind as u64), u64::from(idx))
}

/// The region a resource lives in: most at home.
pub(super) fn region(kind: Kind, idx: u16) -> &'static str {
    if idx % 7 == 6 && kind != Kind::Trail { REGIONS[1] } else { REGIONS[0] }
}

/// The short name: bucket, function, table, instance id, secret name, queue.
pub(super) fn name(kind: Kind, account: &Account, idx: u16) -> String {
    let (p, t, n) = (account.prefix, topic(idx), noise(kind.container(), account, idx));
    match kind {
        Kind::Bucket | Kind::Object if idx + 1 == kind.pool() => {
            format!("hg-{p}-customer-archive-{}", hex(n, 1, 6))
        }
        Kind::Bucket | Kind::Object => format!("hg-{p}-{t}-{}", hex(n, 1, 6)),
        Kind::Function => format!("{p}-{t}-{}", USE[usize::from(idx) % USE.len()]),
        Kind::LogGroup => format!("/aws/lambda/{p}-{t}-{}", USE[usize::from(idx) % USE.len()]),
        Kind::Instance => format!("i-0{}", hex(n, 1, 16)),
        Kind::Volume => format!("vol-0{}", hex(n, 1, 16)),
        Kind::SecurityGroup => format!("sg-0{}", hex(n, 1, 16)),
        Kind::Secret => format!("{p}/{t}/db"),
        Kind::Parameter => format!("/{p}/{t}/url"),
        Kind::Key => uuid(n, 1),
        Kind::Queue => format!("{p}-{t}-queue"),
        Kind::Trail => "org-trail".to_owned(),
        Kind::Db => format!("{p}-{t}-pg"),
        _ => format!("{p}-{t}"),
    }
}

/// The ARN of a resource.
pub(super) fn arn(kind: Kind, account: &Account, idx: u16) -> String {
    let (name, region, id) = (name(kind, account, idx), region(kind, idx), account.id);
    let n = noise(kind, account, idx);
    match kind {
        Kind::Bucket | Kind::Object => format!("arn:aws:s3:::{name}"),
        Kind::Function => format!("arn:aws:lambda:{region}:{id}:function:{name}"),
        Kind::Table => format!("arn:aws:dynamodb:{region}:{id}:table/{name}"),
        Kind::Instance => format!("arn:aws:ec2:{region}:{id}:instance/{name}"),
        Kind::Volume => format!("arn:aws:ec2:{region}:{id}:volume/{name}"),
        Kind::SecurityGroup => format!("arn:aws:ec2:{region}:{id}:security-group/{name}"),
        Kind::Secret => format!("arn:aws:secretsmanager:{region}:{id}:secret:{name}-{}", word(n, 9, 6)),
        Kind::Parameter => format!("arn:aws:ssm:{region}:{id}:parameter{name}"),
        Kind::Key => format!("arn:aws:kms:{region}:{id}:key/{name}"),
        Kind::Queue => format!("arn:aws:sqs:{region}:{id}:{name}"),
        Kind::LogGroup => format!("arn:aws:logs:{region}:{id}:log-group:{name}"),
        Kind::Repo => format!("arn:aws:ecr:{region}:{id}:repository/{name}"),
        Kind::Stack => format!("arn:aws:cloudformation:{region}:{id}:stack/{name}/{}", uuid(n, 3)),
        Kind::Workgroup => format!("arn:aws:athena:{region}:{id}:workgroup/{name}"),
        Kind::GlueDb => format!("arn:aws:glue:{region}:{id}:database/{name}"),
        Kind::GlueJob => format!("arn:aws:glue:{region}:{id}:job/{name}"),
        Kind::Db => format!("arn:aws:rds:{region}:{id}:db:{name}"),
        Kind::Trail => format!("arn:aws:cloudtrail:{region}:{id}:trail/{name}"),
        _ => format!("arn:aws:iam::{id}:policy/TeamDeveloper"),
    }
}

/// An object's key inside its bucket.
pub(super) fn object_key(noise: u64, idx: u16) -> String {
    let n = mix(noise, 4);
    format!("{}/2026/{:02}/part-{:05}.parquet", topic(idx), 1 + n % 10, n % 4000)
}

/// The path of a role, with both slashes.
pub(super) fn role_path(me: &Identity) -> &'static str {
    use crate::world::Start;
    match me.persona.start {
        Start::Saml => "/aws-reserved/sso.amazonaws.com/",
        Start::Chain => "/ops/",
        Start::Service(_) if me.persona.key == "aws.backup" => "/service-role/",
        _ => "/",
    }
}

/// The ARN of a user or role as IAM names it.
pub(super) fn identity_arn(me: &Identity) -> String {
    let account = me.account().id;
    if me.persona.subject == crate::world::Subject::User {
        return format!("arn:aws:iam::{account}:user/{}", me.name);
    }
    format!("arn:aws:iam::{account}:role{}{}", role_path(me), me.name)
}

/// Fills the templates of an inline policy with the identity's own resources.
pub(super) fn fill(template: &str, me: &Identity) -> String {
    let own = |kind: Kind| arn(kind, me.account(), me.pin(kind));
    match template {
        "{table}" => own(Kind::Table),
        "{bucket}/*" => own(Kind::Bucket) + "/*",
        "{secret}" => own(Kind::Secret),
        "{key}" => own(Kind::Key),
        other => other.to_owned(),
    }
}
