//! CloudTrail: one file for each account, region and day, at most 2000 records in each, delivered roughly in order.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    aws::{identity, parameters::Scene, resources::REGIONS},
    error::SampleError,
    ids::{civil, iso_seconds, mix, mixed, pick, uuid},
    network,
    ops::{Op, Ops},
    params::DAY_US,
    simulate::{Call, NOBODY, Outcome, Session, Traffic},
    truth::RecordCounts,
    world::{AWS_ORG, Account, Cloud, Identity, Kind, Subject, World, accounts},
    writer::{Writer, encode},
};

/// Records in one file, so that a reader never needs more than a few megabytes at once.
const RECORDS_A_FILE: usize = 2_000;
/// One record in so many is delivered twice.
const COPY_ONE_IN: u64 = 900;

/// The `eventID` of a call's record.
pub(crate) fn event_id(call: &Call) -> String {
    uuid(call.noise, 0xe1)
}

/// Writes the trail files, the Insights files and the digests, and counts what it wrote.
pub(crate) fn write(
    world: &World,
    ops: &Ops,
    traffic: &Traffic,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    let Some(calls) = traffic.calls.get(&Cloud::Aws) else {
        return write_extras(world, writer, counts);
    };
    let mut from = 0;
    while from < calls.len() {
        let day = calls[from].at.div_euclid(DAY_US);
        let to = from + calls[from..].partition_point(|call| call.at.div_euclid(DAY_US) == day);
        write_day(
            world,
            ops,
            traffic,
            &calls[from..to],
            day * DAY_US,
            writer,
            counts,
        )?;
        from = to;
    }
    write_extras(world, writer, counts)
}

type Files = BTreeMap<(usize, &'static str), Vec<(i64, Vec<u8>)>>;

fn write_day(
    world: &World,
    ops: &Ops,
    traffic: &Traffic,
    calls: &[Call],
    day: i64,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    let mut files = Files::new();
    let mut copies = Files::new();
    for call in calls {
        let session = &traffic.sessions[call.session as usize];
        let me = world.identity(session.who);
        let (op, account) = (ops.get(call.op), usize::from(call.account));
        let view = View {
            world,
            op,
            call,
            session,
            me,
            account: &accounts(Cloud::Aws)[account],
        };
        let region = view.region();
        let bytes = encode(&view.record(false))?;
        // Delivery is a little out of order: each record is late by up to a minute and a half.
        let arrived = call.at + (mix(call.noise, 31) % 90_000_000) as i64;
        if mix(call.noise, 32).is_multiple_of(COPY_ONE_IN) {
            copies
                .entry((account, region))
                .or_default()
                .push((arrived, bytes.clone()));
            counts.n_copies += 1;
        }
        files
            .entry((account, region))
            .or_default()
            .push((arrived, bytes));
        counts.n_events += 1;
        if let Some(owner) = view.other_account() {
            let bytes = encode(&view.record(true))?;
            files
                .entry((owner, region))
                .or_default()
                .push((arrived, bytes));
            counts.n_events += 1;
            counts.n_second_views += 1;
        }
    }
    write_files(files, day, 23 * 60 + 55, writer, counts)?;
    write_files(copies, day, 24 * 60 - 1, writer, counts)
}

fn write_files(
    files: Files,
    day: i64,
    minute: i64,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    for ((account, region), mut records) in files {
        records.sort();
        let bytes: Vec<Vec<u8>> = records.into_iter().map(|(_, bytes)| bytes).collect();
        let id = accounts(Cloud::Aws)[account].id;
        for (part, chunk) in bytes.chunks(RECORDS_A_FILE).enumerate() {
            let noise = mix(
                mix(day as u64, account as u64),
                mix(part as u64, mix(region.len() as u64, minute as u64)),
            );
            let path = trail_path(
                id,
                "CloudTrail",
                region,
                day,
                minute,
                &mixed(noise, u64::from(region.as_bytes()[3]), 16),
            );
            writer.envelope(&path, "Records", chunk)?;
            counts.n_files += 1;
        }
    }
    Ok(())
}

fn trail_path(
    account: &str,
    folder: &str,
    region: &str,
    day: i64,
    minute: i64,
    tail: &str,
) -> String {
    let t = civil(day);
    let (year, month, date) = (t.year(), t.month(), t.day());
    format!(
        "aws/AWSLogs/{AWS_ORG}/{account}/{folder}/{region}/{year:04}/{month:02}/{date:02}/\
         {account}_{folder}_{region}_{year:04}{month:02}{date:02}T{:02}{:02}Z_{tail}.json.gz",
        minute / 60,
        minute % 60
    )
}

/// One call on its way to becoming a record.
struct View<'a> {
    world: &'a World,
    op: &'a Op,
    call: &'a Call,
    session: &'a Session,
    me: &'a Identity,
    account: &'a Account,
}

impl View<'_> {
    fn region(&self) -> &'static str {
        if self.op.global {
            REGIONS[2]
        } else {
            REGIONS[usize::from(self.call.region)]
        }
    }

    /// For a role assumed across accounts: the account that owns it, whose trail holds the call too.
    fn other_account(&self) -> Option<usize> {
        let role = (self.op.extra == "assume" && self.call.aux != NOBODY)
            .then(|| self.world.identity(self.call.aux))?;
        (role.account != usize::from(self.call.account)).then_some(role.account)
    }

    /// The record, or with `owner` the same call as the owning account's trail sees it.
    fn record(&self, owner: bool) -> Value {
        let (call, op) = (self.call, self.op);
        let scene = Scene {
            world: self.world,
            op,
            call,
            session: self.session,
            me: self.me,
            account: self.account,
        };
        let mut elements = scene.elements();
        if call.outcome != Outcome::Success {
            elements.response = Value::Null;
        }
        let service = matches!(op.extra, "service");
        let host = identity::service_host(self.me);
        let (ip, agent) = network::of_call(self.me, self.session, call, Cloud::Aws);
        let (ip, agent) = if service {
            (host.clone(), host)
        } else {
            (ip, agent.to_owned())
        };
        let mut out = Map::with_capacity(26);
        out.insert(
            "eventVersion".into(),
            json!(if op.name == "ConsoleLogin" {
                "1.09"
            } else {
                "1.11"
            }),
        );
        out.insert("userIdentity".into(), self.user_identity(owner));
        out.insert("eventTime".into(), json!(iso_seconds(call.at)));
        out.insert(
            "eventSource".into(),
            json!(format!("{}.amazonaws.com", op.service)),
        );
        out.insert("eventName".into(), json!(op.name));
        out.insert("awsRegion".into(), json!(self.region()));
        out.insert("sourceIPAddress".into(), json!(ip));
        out.insert("userAgent".into(), json!(agent));
        self.error(&mut out);
        out.insert("requestParameters".into(), elements.request);
        out.insert("responseElements".into(), elements.response);
        if let Some(extra) = self.additional() {
            out.insert("additionalEventData".into(), extra);
        }
        if op.service != "signin" {
            out.insert("requestID".into(), json!(request_id(op, call)));
        }
        let event = if owner {
            uuid(call.noise, 0xe2)
        } else {
            event_id(call)
        };
        out.insert("eventID".into(), json!(event));
        out.insert("readOnly".into(), json!(op.read));
        if let Some(resources) = elements.resources {
            out.insert("resources".into(), resources);
        }
        self.tail(&mut out, owner);
        Value::Object(out)
    }

    fn user_identity(&self, owner: bool) -> Value {
        if owner {
            let caller = self.world.identity(self.call.who);
            return json!({ "type": "AWSAccount", "principalId": caller.unique, "accountId": caller.account().id });
        }
        if self.call.who == NOBODY {
            return identity::of_start(self.op.extra, self.me, self.session, self.call);
        }
        let source = (self.session.caller != NOBODY)
            .then(|| self.world.identity(self.session.caller).name.as_str());
        identity::of_session(self.me, self.session, source)
    }

    fn error(&self, out: &mut Map<String, Value>) {
        let (code, message) = match self.call.outcome {
            Outcome::Success => return,
            Outcome::Throttled if self.op.service == "ec2" => (
                "Client.RequestLimitExceeded",
                "Request limit exceeded.".to_owned(),
            ),
            Outcome::Throttled => ("ThrottlingException", "Rate exceeded".to_owned()),
            Outcome::Missing => missing(self.op),
            Outcome::Denied => {
                let code = if self.op.service == "ec2" {
                    "Client.UnauthorizedOperation"
                } else {
                    "AccessDenied"
                };
                let who = self.user_identity(false)["arn"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let action = self.op.actions.first().copied().unwrap_or_default();
                (
                    code,
                    format!(
                        "User: {who} is not authorized to perform: {action} because no identity-based policy allows the {action} action"
                    ),
                )
            }
        };
        out.insert("errorCode".into(), json!(code));
        out.insert("errorMessage".into(), json!(message));
    }

    fn additional(&self) -> Option<Value> {
        match self.op.service {
            "signin" => Some(json!({
                "LoginTo": "https://console.aws.amazon.com/console/home",
                "MobileVersion": "No",
                "MFAUsed": if self.session.mfa { "Yes" } else { "No" },
            })),
            "s3" => Some(json!({
                "SignatureVersion": "SigV4",
                "CipherSuite": "TLS_AES_128_GCM_SHA256",
                "bytesTransferredIn": 0,
                "bytesTransferredOut": if self.op.read { mix(self.call.noise, 40) % 900_000 } else { 0 },
                "AuthenticationMethod": "AuthHeader",
            })),
            _ => None,
        }
    }

    fn tail(&self, out: &mut Map<String, Value>, owner: bool) {
        let op = self.op;
        let kind = if op.service == "signin" {
            "AwsConsoleSignIn"
        } else {
            "AwsApiCall"
        };
        out.insert("eventType".into(), json!(kind));
        out.insert("managementEvent".into(), json!(!op.data));
        let owner_id = if owner {
            self.world.identity(self.call.aux).account().id
        } else {
            self.account.id
        };
        out.insert("recipientAccountId".into(), json!(owner_id));
        if self.other_account().is_some() || op.extra == "vendor" || op.extra == "service" {
            out.insert("sharedEventID".into(), json!(uuid(self.call.noise, 0xe3)));
        }
        out.insert(
            "eventCategory".into(),
            json!(if op.data { "Data" } else { "Management" }),
        );
        if op.extra != "service" && op.service != "signin" {
            out.insert(
                "tlsDetails".into(),
                json!({
                    "tlsVersion": "TLSv1.3",
                    "cipherSuite": "TLS_AES_128_GCM_SHA256",
                    "clientProvidedHostHeader": format!("{}.{}.amazonaws.com", op.service, self.region()),
                }),
            );
        }
        if self.session.console
            && self.me.persona.subject == Subject::User
            && op.service != "signin"
        {
            out.insert("sessionCredentialFromConsole".into(), json!("true"));
        }
    }
}

/// S3 writes sixteen letters, EC2 and most others a UUID.
fn request_id(op: &Op, call: &Call) -> String {
    if op.service == "s3" {
        mixed(call.noise, 0xe4, 16).to_uppercase()
    } else {
        uuid(call.noise, 0xe4)
    }
}

fn missing(op: &Op) -> (&'static str, String) {
    match op.target {
        Kind::Object => ("NoSuchKey", "The specified key does not exist.".to_owned()),
        Kind::Bucket => (
            "NoSuchBucket",
            "The specified bucket does not exist".to_owned(),
        ),
        Kind::User | Kind::Role | Kind::Policy => (
            "NoSuchEntityException",
            "The entity cannot be found.".to_owned(),
        ),
        _ => (
            "ResourceNotFoundException",
            "Requested resource not found".to_owned(),
        ),
    }
}

/// Now and then: root signs in, CloudTrail finds an unusual rate, a digest is delivered.
fn write_extras(
    world: &World,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    for (idx, account) in accounts(Cloud::Aws).iter().enumerate() {
        let mut day = world.span.0;
        while day < world.span.1 {
            let noise = mix(mix(world.seed, 0x65_78), mix(idx as u64, day as u64));
            let tail = mixed(noise, 1, 16);
            if pick(noise, 3, 21) == 0 {
                let path = trail_path(
                    account.id,
                    "CloudTrail",
                    REGIONS[2],
                    day,
                    24 * 60 - 2,
                    &tail,
                );
                writer.envelope(
                    &path,
                    "Records",
                    &[encode(&root_sign_in(account, day, noise))?],
                )?;
                (counts.n_events, counts.n_by_others) =
                    (counts.n_events + 1, counts.n_by_others + 1);
                counts.n_files += 1;
            }
            if pick(noise, 4, 6) == 0 {
                let path = trail_path(
                    account.id,
                    "CloudTrail-Insight",
                    REGIONS[0],
                    day,
                    610,
                    &tail,
                );
                let both =
                    ["Start", "End"].map(|state| encode(&insight(account, day, noise, state)));
                writer.envelope(
                    &path,
                    "Records",
                    &both.into_iter().collect::<Result<Vec<_>, _>>()?,
                )?;
                counts.n_not_access += 2;
                counts.n_files += 1;
            }
            if pick(noise, 5, 4) == 0 {
                let path = trail_path(account.id, "CloudTrail-Digest", REGIONS[0], day, 720, &tail);
                writer.lines(&path, &[encode(&digest(account, day, noise))?])?;
                counts.n_not_access += 1;
                counts.n_files += 1;
            }
            day += DAY_US;
        }
    }
    Ok(())
}

fn root_sign_in(account: &Account, day: i64, noise: u64) -> Value {
    json!({
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "Root",
            "principalId": account.id,
            "arn": format!("arn:aws:iam::{}:root", account.id),
            "accountId": account.id,
            "accessKeyId": "",
        },
        "eventTime": iso_seconds(day + 10 * 3_600_000_000 + (noise % 3_600_000_000) as i64),
        "eventSource": "signin.amazonaws.com",
        "eventName": "ConsoleLogin",
        "awsRegion": REGIONS[2],
        "sourceIPAddress": "198.51.100.7",
        "userAgent": network::BROWSER,
        "requestParameters": null,
        "responseElements": { "ConsoleLogin": "Success" },
        "additionalEventData": {
            "LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": "Yes",
        },
        "eventID": uuid(noise, 0xe1),
        "readOnly": false,
        "eventType": "AwsConsoleSignIn",
        "managementEvent": true,
        "recipientAccountId": account.id,
        "eventCategory": "Management",
    })
}

fn insight(account: &Account, day: i64, noise: u64, state: &str) -> Value {
    let minutes = if state == "Start" { 0 } else { 12 };
    json!({
        "eventVersion": "1.09",
        "eventTime": iso_seconds(day + (600 + minutes) * 60_000_000),
        "awsRegion": REGIONS[0],
        "eventID": uuid(noise, if state == "Start" { 0xf1 } else { 0xf2 }),
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": account.id,
        "sharedEventID": uuid(noise, 0xf3),
        "insightDetails": {
            "state": state,
            "eventSource": "ec2.amazonaws.com",
            "eventName": "DescribeInstances",
            "insightType": "ApiCallRateInsight",
            "insightContext": {
                "statistics": { "baseline": { "average": 0.4 }, "insight": { "average": 6.5 }, "insightDuration": 12 },
            },
        },
        "eventCategory": "Insight",
    })
}

fn digest(account: &Account, day: i64, noise: u64) -> Value {
    json!({
        "awsAccountId": account.id,
        "digestStartTime": iso_seconds(day + 11 * 3_600_000_000),
        "digestEndTime": iso_seconds(day + 12 * 3_600_000_000),
        "digestS3Bucket": "hg-org-trail",
        "digestS3Object": format!("AWSLogs/{AWS_ORG}/{}/CloudTrail-Digest/", account.id),
        "digestPublicKeyFingerprint": crate::ids::hex(noise, 6, 32),
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": iso_seconds(day + 12 * 3_600_000_000 - 4_000_000),
        "oldestEventTime": iso_seconds(day + 11 * 3_600_000_000 + 2_000_000),
        "previousDigestSignature": crate::ids::hex(noise, 7, 64),
        "logFiles": [],
    })
}
