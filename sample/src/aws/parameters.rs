//! What a call asked for and what it got: `requestParameters`, `responseElements`, `resources`.

mod assume;

use serde_json::{Value, json};

use crate::{
    aws::resources::{arn, name, object_key, region},
    calls::{Call, NOBODY, Outcome, Session},
    ids::{aws_id, digits, hex, iso_seconds, mix, pick, uuid},
    ops::Op,
    world::{Account, Cloud, Identity, Kind, Start, Subject, World},
};

/// Everything the parameters of one call can mention.
pub(super) struct Scene<'a> {
    pub(super) world: &'a World,
    pub(super) op: &'a Op,
    pub(super) call: &'a Call,
    pub(super) session: &'a Session,
    /// Whose session it is.
    pub(super) me: &'a Identity,
    pub(super) account: &'a Account,
}

/// The three elements of a record.
pub(super) struct Elements {
    pub(super) request: Value,
    pub(super) response: Value,
    pub(super) resources: Option<Value>,
}

impl Scene<'_> {
    fn name(&self) -> String {
        name(self.op.target, self.account, self.call.res)
    }

    fn arn(&self) -> String {
        arn(self.op.target, self.account, self.call.res)
    }

    /// The other identity the call is about, or the caller itself.
    fn about(&self) -> &Identity {
        if self.call.aux == NOBODY { self.me } else { self.world.identity(self.call.aux) }
    }

    /// A role of this account that fits, or the name one would have.
    fn role_here(&self, fits: impl Fn(&Identity) -> bool) -> String {
        let idx = self.world.people.iter().filter(|i| i.persona.cloud == Cloud::Aws && fits(i));
        let here = idx.filter(|i| i.account().id == self.account.id);
        let all: Vec<&Identity> = here.take(8).collect();
        if all.is_empty() {
            return format!("{}-app-server", self.account.prefix);
        }
        all[pick(self.call.noise, 12, all.len())].name.clone()
    }

    /// Request, response and resources of the call.
    pub(super) fn elements(&self) -> Elements {
        if !self.op.extra.starts_with('-') {
            return self.special();
        }
        let (request, response) = match self.op.service {
            "s3" => (self.s3(), Value::Null),
            "iam" => self.iam(),
            "ec2" => self.ec2(),
            _ => self.other(),
        };
        Elements { request, response, resources: self.resources() }
    }

    fn resources(&self) -> Option<Value> {
        let account = self.account.id;
        match self.op.target {
            Kind::Object => Some(json!([
                { "type": "AWS::S3::Object", "ARN": format!("{}/{}", self.arn(), object_key(self.call.noise, self.call.res)) },
                { "accountId": account, "type": "AWS::S3::Bucket", "ARN": self.arn() },
            ])),
            Kind::Bucket => Some(json!([{ "accountId": account, "type": "AWS::S3::Bucket", "ARN": self.arn() }])),
            Kind::Key => Some(json!([{ "accountId": account, "type": "AWS::KMS::Key", "ARN": self.arn() }])),
            Kind::Table if self.op.data => {
                Some(json!([{ "accountId": account, "type": "AWS::DynamoDB::Table", "ARN": self.arn() }]))
            }
            Kind::Function if self.op.data => {
                Some(json!([{ "accountId": account, "type": "AWS::Lambda::Function", "ARN": self.arn() }]))
            }
            _ => None,
        }
    }

    fn s3(&self) -> Value {
        let host = |bucket: &str| format!("{bucket}.s3.{}.amazonaws.com", region(Kind::Bucket, self.call.res));
        match self.op.target {
            Kind::Object => {
                let bucket = self.name();
                json!({ "bucketName": bucket, "Host": host(&bucket), "key": object_key(self.call.noise, self.call.res) })
            }
            Kind::Bucket => {
                let bucket = self.name();
                let mut out = json!({ "bucketName": bucket, "Host": host(&bucket) });
                match self.op.name {
                    "ListObjects" => {
                        out["list-type"] = json!("2");
                        out["prefix"] = json!("");
                    }
                    "GetBucketPolicy" => out["policy"] = json!(""),
                    "GetBucketAcl" => out["acl"] = json!(""),
                    "GetBucketLocation" => out["location"] = json!(""),
                    _ => {}
                }
                out
            }
            _ => json!({ "Host": "s3.amazonaws.com" }),
        }
    }

    fn iam(&self) -> (Value, Value) {
        let about = self.about();
        let user = json!({ "userName": about.name });
        match self.op.name {
            "CreateAccessKey" => {
                let key = json!({
                    "userName": about.name,
                    "accessKeyId": aws_id("AKIA", self.call.noise),
                    "status": "Active",
                    "createDate": console_date(self.call.at),
                });
                (user, json!({ "accessKey": key }))
            }
            "CreateLoginProfile" => {
                let profile = json!({
                    "userName": about.name,
                    "createDate": console_date(self.call.at),
                    "passwordResetRequired": false,
                });
                (json!({ "userName": about.name, "passwordResetRequired": false }), json!({ "loginProfile": profile }))
            }
            "AttachUserPolicy" => {
                let policy = "arn:aws:iam::aws:policy/AdministratorAccess";
                (json!({ "userName": about.name, "policyArn": policy }), Value::Null)
            }
            "CreatePolicyVersion" => {
                let document =
                    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
                let arn = format!("arn:aws:iam::{}:policy/PlatformTooling", self.account.id);
                let version =
                    json!({ "versionId": "v4", "isDefaultVersion": true, "createDate": console_date(self.call.at) });
                (
                    json!({ "policyArn": arn, "policyDocument": document, "setAsDefault": true }),
                    json!({ "policyVersion": version }),
                )
            }
            "AddUserToGroup" => (json!({ "groupName": "developers", "userName": about.name }), Value::Null),
            "TagUser" => {
                (json!({ "userName": about.name, "tags": [{ "key": "team", "value": "orders" }] }), Value::Null)
            }
            "GetRole" | "ListAttachedRolePolicies" => {
                (json!({ "roleName": self.role_here(|i| i.persona.subject == Subject::Role) }), Value::Null)
            }
            "GetPolicyVersion" => {
                let arn = format!("arn:aws:iam::{}:policy/TeamDeveloper", self.account.id);
                (json!({ "policyArn": arn, "versionId": "v3" }), Value::Null)
            }
            "ListRoles" | "ListPolicies" | "ListUsers" | "ListGroups" => (json!({ "maxItems": 100 }), Value::Null),
            "GetAccountSummary" | "GetCredentialReport" => (Value::Null, Value::Null),
            _ => (user, Value::Null),
        }
    }

    fn ec2(&self) -> (Value, Value) {
        let noise = self.call.noise;
        let items = |id: String| json!({ "items": [{ "instanceId": id }] });
        match self.op.name {
            "StartInstances" | "StopInstances" | "RebootInstances" => {
                let id = self.name();
                (
                    json!({ "instancesSet": items(id.clone()), "force": false }),
                    json!({ "requestId": uuid(noise, 8), "instancesSet": items(id) }),
                )
            }
            "RunInstances" => self.run_instances(),
            "CreateTags" => (
                json!({
                    "resourcesSet": { "items": [{ "resourceId": self.name() }] },
                    "tagSet": { "items": [{ "key": "owner", "value": "platform" }] },
                }),
                json!({ "requestId": uuid(noise, 8), "_return": true }),
            ),
            "CreateSnapshot" => (
                json!({ "volumeId": self.name(), "description": "nightly" }),
                json!({ "requestId": uuid(noise, 8), "snapshotId": format!("snap-0{}", hex(noise, 6, 16)), "status": "pending" }),
            ),
            "DeleteSnapshot" => (
                json!({ "snapshotId": format!("snap-0{}", hex(noise, 6, 16)), "force": false }),
                json!({ "requestId": uuid(noise, 8), "_return": true }),
            ),
            "AuthorizeSecurityGroupIngress" => (
                json!({
                    "groupId": self.name(),
                    "ipPermissions": { "items": [{
                        "ipProtocol": "tcp", "fromPort": 443, "toPort": 443,
                        "ipRanges": { "items": [{ "cidrIp": "10.40.0.0/16" }] },
                    }] },
                }),
                json!({ "requestId": uuid(noise, 8), "_return": true }),
            ),
            "DescribeInstances" => (json!({ "maxResults": 100, "instancesSet": {}, "filterSet": {} }), Value::Null),
            _ => (json!({ "maxResults": 100, "filterSet": {} }), Value::Null),
        }
    }

    fn run_instances(&self) -> (Value, Value) {
        let noise = self.call.noise;
        let account = self.account.id;
        let id = format!("i-0{}", hex(noise, 6, 16));
        let request = json!({
            "instancesSet": { "items": [{ "imageId": format!("ami-0{}", hex(noise, 5, 16)), "minCount": 1, "maxCount": 1 }] },
            "instanceType": "t3.medium",
            "blockDeviceMapping": {},
            "monitoring": { "enabled": false },
            "subnetId": format!("subnet-0{}", hex(mix(noise % 3, 1), 2, 16)),
            "iamInstanceProfile": {
                "arn": format!("arn:aws:iam::{account}:instance-profile/{}", self.role_here(|i| i.persona.start == Start::Service("ec2"))),
            },
            "clientToken": uuid(noise, 7),
            "disableApiTermination": false,
        });
        let response = json!({
            "requestId": uuid(noise, 8),
            "reservationId": format!("r-0{}", hex(noise, 3, 16)),
            "ownerId": account,
            "groupSet": {},
            "instancesSet": { "items": [{ "instanceId": id, "instanceState": { "code": 0, "name": "pending" } }] },
        });
        (request, response)
    }

    fn other(&self) -> (Value, Value) {
        let noise = self.call.noise;
        match (self.op.target, self.op.name) {
            (Kind::None, "StartQuery" | "GetQueryResults") => (json!({ "queryId": uuid(noise, 6) }), Value::Null),
            (Kind::None, "LookupEvents") => (json!({ "maxResults": 50 }), Value::Null),
            (Kind::None, _) => (Value::Null, Value::Null),
            (Kind::Function, "CreateFunction20150331") => (
                json!({
                    "functionName": self.name(), "runtime": "python3.12", "handler": "app.handler",
                    "role": format!("arn:aws:iam::{}:role/{}", self.account.id, self.role_here(|i| i.persona.start == Start::Service("lambda"))),
                }),
                json!({ "functionArn": self.arn(), "version": "$LATEST" }),
            ),
            (Kind::Function, _) => {
                let response =
                    if self.op.read || self.op.data { Value::Null } else { json!({ "functionArn": self.arn() }) };
                (json!({ "functionName": self.name() }), response)
            }
            (Kind::Table, _) => (json!({ "tableName": self.name(), "consistentRead": false }), Value::Null),
            (Kind::Secret, _) => (json!({ "secretId": self.arn() }), Value::Null),
            (Kind::Parameter, _) => (json!({ "name": self.name(), "withDecryption": true }), Value::Null),
            (Kind::Key, _) => (
                json!({ "keyId": self.arn(), "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": { "app": self.account.prefix } }),
                Value::Null,
            ),
            (Kind::Queue, _) => {
                let region = region(Kind::Queue, self.call.res);
                (
                    json!({ "queueUrl": format!("https://sqs.{region}.amazonaws.com/{}/{}", self.account.id, self.name()) }),
                    Value::Null,
                )
            }
            (Kind::LogGroup, _) => (json!({ "logGroupName": self.name() }), Value::Null),
            (Kind::Instance, "SendCommand") => (
                json!({ "documentName": "AWS-RunShellScript", "instanceIds": [self.name()], "parameters": "HIDDEN_DUE_TO_SECURITY_REASONS" }),
                json!({ "command": { "commandId": uuid(noise, 6), "status": "Pending" } }),
            ),
            (Kind::Instance, _) => (json!({ "instanceId": self.name() }), Value::Null),
            (Kind::Repo, _) => (json!({ "registryId": self.account.id, "repositoryName": self.name() }), Value::Null),
            (Kind::Stack, _) => (json!({ "stackName": self.name() }), Value::Null),
            (Kind::Workgroup, "StartQueryExecution") => (
                json!({ "queryString": "HIDDEN_DUE_TO_SECURITY_REASONS", "workGroup": self.name() }),
                json!({ "queryExecutionId": uuid(noise, 6) }),
            ),
            (Kind::Workgroup, _) => (json!({ "queryExecutionId": uuid(noise, 6) }), Value::Null),
            (Kind::GlueDb, "GetTables") => (json!({ "databaseName": self.name() }), Value::Null),
            (Kind::GlueDb, _) => (json!({ "databaseName": self.name(), "name": "daily" }), Value::Null),
            (Kind::GlueJob, _) => {
                (json!({ "jobName": self.name() }), json!({ "jobRunId": format!("jr_{}", hex(noise, 6, 64)) }))
            }
            (Kind::Db, _) => (
                json!({ "dBInstanceIdentifier": self.name(), "dBSnapshotIdentifier": format!("nightly-{}", digits(noise, 6, 8)) }),
                json!({ "dBInstanceIdentifier": self.name(), "status": "creating" }),
            ),
            (Kind::Trail, _) => (json!({ "name": self.arn() }), Value::Null),
            _ => (Value::Null, Value::Null),
        }
    }

    /// Sign-ins and the calls that begin a session.
    fn special(&self) -> Elements {
        let me = self.about();
        let none = Elements { request: Value::Null, response: Value::Null, resources: None };
        match self.op.extra {
            "login" => {
                let result = if self.call.outcome == Outcome::Success { "Success" } else { "Failure" };
                Elements { response: json!({ "ConsoleLogin": result }), ..none }
            }
            "role" => {
                let (request, response) = if self.op.service == "ec2" { self.ec2() } else { self.other() };
                Elements { request, response, resources: None }
            }
            _ => self.assume(me),
        }
    }
}

/// `Oct 31, 2026, 8:15:30 AM`, as IAM and STS print dates in responses.
fn console_date(at_us: i64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let iso = iso_seconds(at_us);
    let number = |from: usize, to: usize| iso[from..to].parse::<usize>().unwrap_or(0);
    let hour = number(11, 13);
    let half = if hour < 12 { "AM" } else { "PM" };
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    format!(
        "{} {}, {}, {twelve}:{} {half}",
        MONTHS[number(5, 7).clamp(1, 12) - 1],
        number(8, 10),
        &iso[..4],
        &iso[14..19]
    )
}
