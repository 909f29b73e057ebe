//! Agreement with what others make of the same records: Amazon Security Lake's own OCSF output, and plaso's fields.

use std::io::Read;
use std::path::{Path, PathBuf};

use expect_test::expect;
use schemas::{AccessEvent, Outcome, Provider, identity};
use serde_json::Value;

use crate::providers::testing;

/// One field, as they have it and as we do; `None` where they say nothing, which is not compared.
struct Compared {
    field: &'static str,
    theirs: Option<String>,
    ours: String,
}

fn compared(field: &'static str, theirs: Option<impl Into<String>>, ours: Option<&str>) -> Compared {
    Compared { field, theirs: theirs.map(Into::into), ours: ours.unwrap_or("-").to_owned() }
}

fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty() && *text != "''")
}

/// Their fields beside ours.
fn beside(ocsf: &Value, event: &AccessEvent) -> Vec<Compared> {
    let uid = text(ocsf, "/actor/user/uid").filter(|uid| uid.starts_with("AIDA") || uid.starts_with("AROA"));
    let generation = event.identity_generation.as_deref().unwrap_or_default();
    let our_uid = match &event.session_name {
        Some(session) => format!("{generation}:{session}"),
        None => generation.to_owned(),
    };
    let of_arn = |path| text(ocsf, path).and_then(identity::aws_of_arn).map(|id| id.to_string());
    let service = text(ocsf, "/api/service/name")
        .map(|host| permissions::aws::iam_prefix(host).unwrap_or(host.split('.').next().unwrap()));
    let status = text(ocsf, "/status").filter(|status| *status != "Other");
    let mfa = ocsf.pointer("/mfa").or(ocsf.pointer("/actor/session/mfa")).and_then(Value::as_bool);
    let mfa = mfa.or_else(|| ocsf.pointer("/actor/session/mfa").and_then(Value::as_bool));
    let unmapped = |key: &str| {
        let pairs = ocsf["unmapped"].as_array().into_iter().flatten();
        pairs.filter(|pair| pair[0] == key).find_map(|pair| pair[1].as_str()).map(str::to_owned)
    };
    let resources: Vec<&str> = event.resources.iter().map(|resource| resource.id.as_str()).collect();
    let n_theirs = unmapped("resources[].ARN").map(|arns| arns.split(',').count()).unwrap_or_default();
    let time = ocsf["time"].as_i64().map(|ms| (ms * 1000).to_string());
    let error = text(ocsf, "/api/response/error");
    vec![
        compared("time", time, Some(&event.time.0.to_string())),
        compared("operation", text(ocsf, "/api/operation"), Some(&event.operation)),
        compared("service", service, Some(&event.service)),
        compared("region", text(ocsf, "/cloud/region"), event.region.as_deref()),
        compared("account", unmapped("recipientAccountId"), Some(&event.account_id)),
        compared("identity", of_arn("/actor/user/uuid"), Some(&event.identity_id)),
        compared("identity by issuer", of_arn("/actor/session/issuer"), Some(&event.identity_id)),
        compared("identity uid", uid, Some(&our_uid)),
        compared("identity name", text(ocsf, "/actor/user/name"), event.identity_name.as_deref()),
        compared("identity account", text(ocsf, "/actor/user/account_uid"), event.identity_account.as_deref()),
        compared("credential", text(ocsf, "/actor/user/credential_uid"), event.credential_id.as_deref()),
        compared("mfa", mfa.map(|mfa| mfa.to_string()), event.mfa.map(|mfa| mfa.to_string()).as_deref()),
        compared("invoked by", text(ocsf, "/actor/invoked_by"), event.source_service.as_deref()),
        compared("source ip", text(ocsf, "/src_endpoint/ip"), event.source_ip.as_deref()),
        compared("source name", text(ocsf, "/src_endpoint/domain"), event.source_service.as_deref()),
        compared("outcome", status, Some(if event.outcome == Outcome::Success { "Success" } else { "Failure" })),
        compared("error", error, event.error_code.as_deref()),
        compared("call", text(ocsf, "/api/request/uid"), event.call_id.as_deref()),
        compared("record", text(ocsf, "/metadata/uid"), event.provider_event_id.as_deref()),
        compared("user agent", text(ocsf, "/http_request/user_agent"), event.user_agent.as_deref()),
        compared("resources", unmapped("resources[].ARN"), Some(&resources[..n_theirs.min(resources.len())].join(","))),
    ]
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn pairs(folder: &Path, found: &mut Vec<(PathBuf, PathBuf)>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if entry.is_dir() {
            pairs(&entry, found);
        } else if let Some(raw) = name.strip_suffix(".ocsf.json") {
            found.push((folder.join("input").join(raw), entry));
        }
    }
}

/// Every difference is listed with a reason:
/// - `DeleteRole`: a hand-edited sample whose ARN has no session and names `ADMIN` while its session issuer is `ADDMIN`.
///   The user guide calls `sessionIssuer` "the source of the credentials", and for an assumed role that is the role; it
///   is the only one of the two with the role's own ARN.
#[test]
fn we_agree_with_security_lake() {
    let Some(folder) = testing::shared("normalization/security-lake-ocsf-validation/samples") else { return };
    let mut found = Vec::new();
    pairs(&folder, &mut found);
    let (mut n_compared, mut n_events, mut differing) = (0, 0, String::new());
    for (raw, expected) in found {
        let records: Value = serde_json::from_slice(&unpacked(&raw)).unwrap();
        let ocsf: Value = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
        for (record, ocsf) in records["Records"].as_array().unwrap().iter().zip(ocsf.as_array().unwrap()) {
            n_events += 1;
            for Compared { field, theirs, ours } in beside(ocsf, &testing::event(Provider::Aws, &record.to_string())) {
                let Some(theirs) = theirs else { continue };
                n_compared += 1;
                if theirs != ours {
                    let name = raw.file_stem().unwrap().to_string_lossy();
                    differing.push_str(&format!("{name} {field}: theirs `{theirs}`, ours `{ours}`\n"));
                }
            }
        }
    }
    let n_differing = differing.lines().count();
    assert!(n_differing * 50 <= n_compared, "more than 2 % differ: {n_differing} of {n_compared}\n{differing}");
    expect![[r#"
        21 events, 307 fields, 1 differ
        DeleteRole.test identity: theirs `aws:1234567891011:role/ADMIN`, ours `aws:1234567891011:role/ADDMIN`
    "#]]
    .assert_eq(&format!("{n_events} events, {n_compared} fields, {n_differing} differ\n{differing}"));
}

#[test]
fn we_agree_with_plaso() {
    let Some(folder) = testing::shared("normalization/plaso") else { return };
    let expected: Value =
        serde_json::from_slice(&std::fs::read(folder.join("aws_cloudtrail_log.expected.json")).unwrap()).unwrap();
    let lines = std::fs::read_to_string(folder.join("test_data/jsonl/aws_cloudtrail.jsonl")).unwrap();
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let event = testing::event(Provider::Aws, line["CloudTrailEvent"].as_str().unwrap());
    let theirs = &expected[0];
    let ours = [
        ("access_key", event.credential_id.as_deref().unwrap().to_owned()),
        ("event_name", event.operation.to_string()),
        ("event_source", format!("{}.amazonaws.com", event.service)),
        ("source_ip", event.source_ip.as_deref().unwrap().to_owned()),
        ("username", event.identity_name.as_deref().unwrap().to_owned()),
    ];
    for (field, ours) in ours {
        assert_eq!(text(theirs, &format!("/{field}")), Some(ours.as_str()), "{field}");
    }
    assert_eq!(text(theirs, "/user_identity_arn").and_then(identity::aws_of_arn), Some(event.identity_id.clone()));
    let recorded = schemas::Time::parse(text(theirs, "/recorded_time").unwrap()).unwrap();
    // Theirs is `EventTime` of the `LookupEvents` envelope; the record inside carries the same second.
    assert_eq!(recorded, event.time);
}
