//! One call as CloudTrail logs it.

use serde_json::{Map, Value, json};

use crate::{
    aws::{
        identity,
        parameters::Scene,
        resources::{REGIONS, region},
    },
    calls::{Call, NOBODY, Outcome, Session},
    ids::{iso_seconds, mix, mixed, uuid},
    network,
    ops::Op,
    world::{Account, Cloud, Identity, Kind, Subject, World},
};

/// The `eventID` of a call's record.
pub(crate) fn event_id(call: &Call) -> String {
    uuid(call.noise, 0xe1)
}

/// One call on its way to becoming a record.
pub(super) struct View<'a> {
    pub(super) world: &'a World,
    pub(super) op: &'a Op,
    pub(super) call: &'a Call,
    pub(super) session: &'a Session,
    pub(super) me: &'a Identity,
    pub(super) account: &'a Account,
}

impl View<'_> {
    /// Where the call was made: IAM in one region, a resource's calls in the resource's own.
    pub(super) fn region(&self) -> &'static str {
        if self.op.global {
            return REGIONS[2];
        }
        if self.op.target.pool() > 1 {
            region(self.op.target, self.call.res)
        } else {
            REGIONS[usize::from(self.call.region)]
        }
    }

    /// For a role assumed across accounts: the account that owns it, whose trail holds the call too.
    pub(super) fn other_account(&self) -> Option<usize> {
        let role =
            (self.op.extra == "assume" && self.call.aux != NOBODY).then(|| self.world.identity(self.call.aux))?;
        (role.account != usize::from(self.call.account)).then_some(role.account)
    }

    /// The record, or with `owner` the same call as the owning account's trail sees it.
    pub(super) fn record(&self, owner: bool) -> Value {
        let (call, op) = (self.call, self.op);
        let scene = Scene { world: self.world, op, call, session: self.session, me: self.me, account: self.account };
        let mut elements = scene.elements();
        if call.outcome != Outcome::Success && op.service != "signin" {
            elements.response = Value::Null;
        }
        let service = matches!(op.extra, "service");
        let host = identity::service_host(self.me);
        let (ip, agent) = network::of_call(self.me, self.session, call, Cloud::Aws);
        let (ip, agent) = if service { (host.clone(), host) } else { (ip, agent.to_owned()) };
        let mut out = Map::with_capacity(26);
        out.insert("eventVersion".into(), json!(if op.name == "ConsoleLogin" { "1.09" } else { "1.11" }));
        out.insert("userIdentity".into(), self.user_identity(owner));
        out.insert("eventTime".into(), json!(iso_seconds(call.at)));
        out.insert("eventSource".into(), json!(format!("{}.amazonaws.com", op.service)));
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
        let event = if owner { uuid(call.noise, 0xe2) } else { event_id(call) };
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
        let source = (self.session.caller != NOBODY).then(|| self.world.identity(self.session.caller).name.as_str());
        identity::of_session(self.me, self.session, source)
    }

    fn error(&self, out: &mut Map<String, Value>) {
        let (code, message) = match self.call.outcome {
            Outcome::Success => return,
            Outcome::Throttled if self.op.service == "ec2" => {
                ("Client.RequestLimitExceeded", "Request limit exceeded.".to_owned())
            }
            Outcome::Throttled if self.op.service == "s3" => {
                ("SlowDown", "Please reduce your request rate.".to_owned())
            }
            Outcome::Throttled => ("ThrottlingException", "Rate exceeded".to_owned()),
            Outcome::Missing if self.op.service == "signin" => ("", "Failed authentication".to_owned()),
            Outcome::Missing => missing(self.op),
            Outcome::Denied => {
                let code = if self.op.service == "ec2" { "Client.UnauthorizedOperation" } else { "AccessDenied" };
                let who = self.user_identity(false)["arn"].as_str().unwrap_or_default().to_owned();
                let action = self.op.actions.first().copied().unwrap_or_default();
                (
                    code,
                    format!(
                        "User: {who} is not authorized to perform: {action} because no identity-based policy allows the {action} action"
                    ),
                )
            }
        };
        if !code.is_empty() {
            out.insert("errorCode".into(), json!(code));
        }
        out.insert("errorMessage".into(), json!(message));
    }

    fn additional(&self) -> Option<Value> {
        match self.op.service {
            "signin" => Some(json!({
                "LoginTo": "https://console.aws.amazon.com/console/home",
                "MobileVersion": "No",
                "MFAUsed": if self.session.mfa && self.call.outcome == Outcome::Success { "Yes" } else { "No" },
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
        let kind = if op.service == "signin" { "AwsConsoleSignIn" } else { "AwsApiCall" };
        out.insert("eventType".into(), json!(kind));
        out.insert("managementEvent".into(), json!(!op.data));
        let owner_id = if owner { self.world.identity(self.call.aux).account().id } else { self.account.id };
        out.insert("recipientAccountId".into(), json!(owner_id));
        if self.other_account().is_some() || op.extra == "vendor" || op.extra == "service" {
            out.insert("sharedEventID".into(), json!(uuid(self.call.noise, 0xe3)));
        }
        out.insert("eventCategory".into(), json!(if op.data { "Data" } else { "Management" }));
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
        if self.session.console && self.me.persona.subject == Subject::User && op.service != "signin" {
            out.insert("sessionCredentialFromConsole".into(), json!("true"));
        }
    }
}

/// S3 writes sixteen letters, EC2 and most others a UUID.
fn request_id(op: &Op, call: &Call) -> String {
    if op.service == "s3" { mixed(call.noise, 0xe4, 16).to_uppercase() } else { uuid(call.noise, 0xe4) }
}

fn missing(op: &Op) -> (&'static str, String) {
    match op.target {
        Kind::Object => ("NoSuchKey", "The specified key does not exist.".to_owned()),
        Kind::Bucket => ("NoSuchBucket", "The specified bucket does not exist".to_owned()),
        Kind::User | Kind::Role | Kind::Policy => ("NoSuchEntityException", "The entity cannot be found.".to_owned()),
        _ => ("ResourceNotFoundException", "Requested resource not found".to_owned()),
    }
}
