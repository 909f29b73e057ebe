//! What lies in the same bucket besides the calls of the company's identities: root sign-ins, the services' own calls,
//! Insights, digests.

use serde_json::{Value, json};

use crate::{
    aws::{events::trail_path, resources::REGIONS},
    error::SampleError,
    ids::{civil, iso_seconds, mix, mixed, pick, uuid},
    network,
    params::DAY_US,
    truth::RecordCounts,
    world::{AWS_ORG, Account, Cloud, World, accounts},
    writer::{Writer, encode},
};

/// Now and then: root signs in, CloudTrail finds an unusual rate, a digest is delivered.
pub(super) fn write(world: &World, writer: &Writer, counts: &mut RecordCounts) -> Result<(), SampleError> {
    for (idx, account) in accounts(Cloud::Aws).iter().enumerate() {
        let mut day = world.span.0;
        while day < world.span.1 {
            let noise = mix(mix(world.seed, 0x65_78), mix(idx as u64, day as u64));
            write_day(account, day, noise, writer, counts)?;
            day += DAY_US;
        }
    }
    Ok(())
}

fn write_day(
    account: &Account,
    day: i64,
    noise: u64,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    let tail = mixed(noise, 1, 16);
    let mut others = service_calls(account, day, noise);
    if pick(noise, 3, 21) == 0 {
        others.push(root_sign_in(account, day, noise));
    }
    let path = trail_path(account.id, "CloudTrail", REGIONS[2], day, 24 * 60 - 2, &tail);
    envelope(writer, &path, &others)?;
    counts.n_events += others.len() as u64;
    counts.n_by_others += others.len() as u64;
    counts.n_files += 1;
    if pick(noise, 4, 6) == 0 {
        let path = trail_path(account.id, "CloudTrail-Insight", REGIONS[0], day, 610, &tail);
        envelope(writer, &path, &["Start", "End"].map(|state| insight(account, day, noise, state)))?;
        counts.n_not_access += 2;
        counts.n_files += 1;
    }
    if pick(noise, 5, 4) == 0 {
        let path = trail_path(account.id, "CloudTrail-Digest", REGIONS[0], day, 720, &tail);
        writer.lines(&path, &[encode(&digest(account, day, noise))?])?;
        counts.n_not_access += 1;
        counts.n_files += 1;
    }
    Ok(())
}

fn envelope(writer: &Writer, path: &str, records: &[Value]) -> Result<(), SampleError> {
    let bytes: Vec<Vec<u8>> = records.iter().map(encode).collect::<Result<_, _>>()?;
    writer.envelope(path, "Records", &bytes)
}

/// CloudTrail looks at its bucket four times a day, Config lists instances once, KMS turns a key once a month.
fn service_calls(account: &Account, day: i64, noise: u64) -> Vec<Value> {
    let mut out = Vec::new();
    for quarter in 0..4 {
        let at = day + quarter * 6 * 3_600_000_000 + 1_000_000 * (mix(noise, quarter as u64) % 900) as i64;
        let request =
            json!({ "bucketName": "hg-org-trail", "acl": "", "Host": "hg-org-trail.s3.eu-central-1.amazonaws.com" });
        let resources =
            json!([{ "accountId": account.id, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::hg-org-trail" }]);
        let mut record =
            service_call(account, "cloudtrail", ("s3", "GetBucketAcl"), at, mix(noise, 50 + quarter as u64));
        record["requestParameters"] = request;
        record["resources"] = resources;
        out.push(record);
    }
    out.push(service_call(account, "config", ("ec2", "DescribeInstances"), day + 5 * 3_600_000_000, mix(noise, 60)));
    if civil(day).day() == 3 {
        let mut record = service_call(account, "kms", ("kms", "RotateKey"), day + 4 * 3_600_000_000, mix(noise, 61));
        record["eventType"] = json!("AwsServiceEvent");
        record["readOnly"] = json!(false);
        record["serviceEventDetails"] = json!({ "keyId": uuid(noise, 62), "rotationType": "AUTOMATIC" });
        out.push(record);
    }
    out
}

fn service_call(account: &Account, by: &str, (service, name): (&str, &str), at: i64, noise: u64) -> Value {
    let host = format!("{by}.amazonaws.com");
    json!({
        "eventVersion": "1.11",
        "userIdentity": { "type": "AWSService", "invokedBy": host },
        "eventTime": iso_seconds(at),
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name,
        "awsRegion": REGIONS[0],
        "sourceIPAddress": host,
        "userAgent": host,
        "requestParameters": null,
        "responseElements": null,
        "requestID": uuid(noise, 0xe4),
        "eventID": uuid(noise, 0xe1),
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account.id,
        "sharedEventID": uuid(noise, 0xe3),
        "eventCategory": "Management",
    })
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
