//! One call as Azure logs it: Activity start and end, the same as `az monitor activity-log list` prints it, storage and
//! key vault resource logs, Entra sign-ins.

use serde_json::{Map, Value, json};

use crate::{
    azure::{
        entitlements::assignments,
        events::correlation_id,
        resources::{LOCATION, activity_id, id, name, secret_name},
    },
    ids::{digits, hex, iso_fraction, mix, uuid, word},
    network,
    ops::Op,
    params::DAY_US,
    simulate::{Call, Outcome, Session},
    world::{Account, Cloud, Identity, Kind, Start, Subject, TENANT},
};

/// The application behind a person's sign-in: Azure's own command line.
const CLI_APP: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const PORTAL_APP: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";

/// One call on its way to becoming a record.
pub(super) struct View<'a> {
    pub(super) op: &'a Op,
    pub(super) call: &'a Call,
    pub(super) session: &'a Session,
    pub(super) me: &'a Identity,
    pub(super) account: &'a Account,
}

impl View<'_> {
    /// When the operation ended.
    pub(super) fn end_at(&self) -> i64 {
        self.call.at + 400_000 + (mix(self.call.noise, 21) % 9_000_000) as i64
    }

    fn status(&self, end: bool) -> (&'static str, &'static str, &'static str) {
        match (end, self.call.outcome) {
            (false, _) => ("Start", "Started.", "Started"),
            (true, Outcome::Denied) => ("Failure", "Failed.Forbidden", "Failed"),
            (true, Outcome::Success) => ("Success", "Succeeded.OK", "Succeeded"),
            (true, _) => ("Failure", "Failed.NotFound", "Failed"),
        }
    }

    fn ip(&self) -> String {
        network::of_call(self.me, self.session, self.call, Cloud::Azure).0
    }

    fn activity_id(&self) -> String {
        activity_id(
            self.op.target,
            self.op.name,
            self.account,
            self.call.res,
            self.call.noise,
        )
    }

    /// An Activity record as Event Hubs deliver it, upper case where the service shouts.
    pub(super) fn activity(&self, end: bool) -> Value {
        let at = if end { self.end_at() } else { self.call.at };
        let (result, signature, _) = self.status(end);
        let id = self.activity_id();
        json!({
            "RoleLocation": "West Europe",
            "time": iso_fraction(at, self.call.noise, 7),
            "resourceId": id.to_uppercase(),
            "operationName": self.op.name.to_uppercase(),
            "category": "Administrative",
            "resultType": result,
            "resultSignature": signature,
            "durationMs": if end { ((at - self.call.at) / 1000).to_string() } else { "0".to_owned() },
            "callerIpAddress": self.ip(),
            "correlationId": correlation_id(self.call),
            "identity": { "authorization": self.authorization(&id), "claims": self.claims() },
            "level": if result == "Failure" { "Error" } else { "Information" },
            "location": "global",
            "properties": self.properties(&id, end),
            "tenantId": TENANT,
        })
    }

    fn properties(&self, id: &str, end: bool) -> Value {
        let mut out = Map::new();
        if end {
            let code = match self.call.outcome {
                Outcome::Success => "OK",
                Outcome::Denied => "Forbidden",
                _ => "NotFound",
            };
            out.insert("statusCode".into(), json!(code));
            out.insert(
                "serviceRequestId".into(),
                json!(uuid(self.call.noise, 0x51)),
            );
            if self.call.outcome == Outcome::Denied {
                out.insert("statusMessage".into(), json!(self.refusal()));
            }
        } else if self.op.key == "role.write" {
            out.insert("requestbody".into(), json!(self.granted_role()));
        }
        out.insert("eventCategory".into(), json!("Administrative"));
        out.insert("entity".into(), json!(id));
        out.insert("message".into(), json!(self.op.name));
        out.insert(
            "hierarchy".into(),
            json!(format!("{TENANT}/{}", self.account.id)),
        );
        Value::Object(out)
    }

    fn refusal(&self) -> String {
        let text = format!(
            "The client `{}` may not perform `{}`.",
            self.me.unique, self.op.name
        );
        json!({ "error": { "code": "AuthorizationFailed", "message": text } }).to_string()
    }

    fn granted_role(&self) -> String {
        let owner = format!(
            "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
            self.account.id
        );
        let scope = format!("/subscriptions/{}", self.account.id);
        json!({ "Id": uuid(self.call.noise, 0x72), "Properties": {
            "PrincipalId": self.me.unique, "RoleDefinitionId": owner, "Scope": scope,
        } })
        .to_string()
    }

    fn authorization(&self, id: &str) -> Value {
        let mut out = json!({ "scope": id, "action": self.op.name });
        if self.call.outcome == Outcome::Denied {
            return out;
        }
        // The assignment that let it through: the first of the identity's that covers the action.
        if let Some(by) = assignments(self.me)
            .into_iter()
            .find(|a| a.covers(self.op.name))
        {
            out["evidence"] = json!({
                "role": by.role.name,
                "roleAssignmentScope": by.scope,
                "roleAssignmentId": by.name.replace('-', ""),
                "roleDefinitionId": by.role.guid.replace('-', ""),
                "principalId": by.principal_id.replace('-', ""),
                "principalType": by.principal_type,
            });
        }
        out
    }

    fn app_id(&self) -> String {
        if self.me.persona.subject == Subject::User {
            return if self.session.console {
                PORTAL_APP
            } else {
                CLI_APP
            }
            .to_owned();
        }
        uuid(self.me.noise, 0x61)
    }

    fn claims(&self) -> Value {
        let user = self.me.persona.subject == Subject::User;
        let issued = self.session.at / 1_000_000;
        let sts = format!("https://sts.windows.net/{TENANT}/");
        let mut out = Map::new();
        let mut put = |key: &str, value: String| out.insert(key.to_owned(), json!(value));
        put("aud", "https://management.core.windows.net/".to_owned());
        put("iss", sts.clone());
        put("iat", issued.to_string());
        put("nbf", issued.to_string());
        put("exp", (issued + 4_500).to_string());
        put("aio", word(self.session.noise, 0x62, 44));
        put("appid", self.app_id());
        put("appidacr", if user { "0" } else { "2" }.to_owned());
        if user {
            put(
                "http://schemas.microsoft.com/claims/authnclassreference",
                "1".to_owned(),
            );
            put(
                "http://schemas.microsoft.com/claims/authnmethodsreferences",
                "pwd,mfa".to_owned(),
            );
            put("ipaddr", self.ip());
            put("name", self.me.display.clone());
            put(
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
                self.me.email.clone(),
            );
            put(
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
                self.me.email.clone(),
            );
        } else {
            put(
                "http://schemas.microsoft.com/identity/claims/identityprovider",
                sts,
            );
            put("idtyp", "app".to_owned());
        }
        put(
            "http://schemas.microsoft.com/identity/claims/objectidentifier",
            self.me.unique.clone(),
        );
        put(
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
            self.me.unique.clone(),
        );
        put(
            "http://schemas.microsoft.com/identity/claims/tenantid",
            TENANT.to_owned(),
        );
        put("uti", word(self.session.noise, 0x63, 22));
        put("ver", "1.0".to_owned());
        put("xms_tcdt", "1487320455".to_owned());
        if self.me.persona.subject == Subject::ManagedIdentity {
            put(
                "xms_mirid",
                format!(
                    "/subscriptions/{}/resourcegroups/rg-identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}",
                    self.account.id, self.me.name
                ),
            );
        }
        Value::Object(out)
    }

    /// The same record as the command line prints it: nested names, camel case.
    pub(super) fn listed(&self, end: bool) -> Value {
        let at = if end { self.end_at() } else { self.call.at };
        let (_, _, status) = self.status(end);
        let both = |text: &str| json!({ "localizedValue": text, "value": text });
        let id = self.activity_id();
        let event = uuid(self.call.noise, if end { 0x82 } else { 0x81 });
        let user = self.me.persona.subject == Subject::User;
        let provider = self.op.service;
        let kind: String = self
            .op
            .name
            .rsplit_once('/')
            .map_or("", |(head, _)| head)
            .trim_end_matches("/start")
            .into();
        json!({
            "authorization": self.authorization(&id),
            "caller": if user { &self.me.email } else { &self.me.unique },
            "category": both("Administrative"),
            "channels": "Operation",
            "claims": self.claims(),
            "correlationId": correlation_id(self.call),
            "description": "",
            "eventDataId": event,
            "eventName": both(if end { "EndRequest" } else { "BeginRequest" }),
            "eventTimestamp": iso_fraction(at, self.call.noise, 7),
            "httpRequest": {
                "clientIpAddress": self.ip(),
                "clientRequestId": uuid(self.call.noise, 0x83),
                "method": if self.op.name.ends_with("/delete") { "DELETE" } else if self.op.name.ends_with("/write") { "PUT" } else { "POST" },
            },
            "id": format!("{id}/events/{event}/ticks/{}", 621_355_968_000_000_000 + at * 10),
            "level": if status == "Failed" { "Error" } else { "Informational" },
            "operationId": correlation_id(self.call),
            "operationName": both(self.op.name),
            "properties": self.properties(&id, end),
            "resourceGroupName": id.split('/').nth(4).unwrap_or_default(),
            "resourceId": id,
            "resourceProviderName": both(provider),
            "resourceType": both(&kind),
            "status": both(status),
            "subStatus": both(match (end, self.call.outcome) {
                (true, Outcome::Success) => "OK",
                (true, Outcome::Denied) => "Forbidden",
                (true, _) => "NotFound",
                _ => "",
            }),
            "submissionTimestamp": iso_fraction(at + 90_000_000, self.call.noise, 7),
            "subscriptionId": self.account.id,
            "tenantId": TENANT,
        })
    }

    /// A record of a storage account's own log.
    pub(super) fn storage(&self) -> Value {
        let (account, noise) = (
            name(Kind::Storage, self.account, self.call.res),
            self.call.noise,
        );
        let id = id(Kind::Storage, self.account, self.call.res);
        let object = format!(
            "/{account}/inbox/2026/{:02}/{}.json",
            1 + noise % 10,
            hex(noise, 0x91, 8)
        );
        let (status, text) = match self.call.outcome {
            Outcome::Success => (200, "Success"),
            Outcome::Denied => (403, "AuthorizationPermissionMismatch"),
            _ => (404, "BlobNotFound"),
        };
        let object = if self.op.name == "ListBlobs" {
            format!("/{account}/inbox")
        } else {
            object
        };
        json!({
            "time": iso_fraction(self.call.at, noise, 7),
            "resourceId": format!("{id}/blobServices/default"),
            "category": self.op.extra,
            "operationName": self.op.name,
            "operationVersion": "2025-05-05",
            "schemaVersion": "1.0",
            "statusCode": status,
            "statusText": text,
            "durationMs": 3 + noise % 60,
            "callerIpAddress": format!("{}:{}", self.ip(), 40_000 + noise % 20_000),
            "correlationId": correlation_id(self.call),
            "identity": {
                "type": "OAuth",
                "tokenHash": hex(self.session.noise, 0x92, 64).to_uppercase(),
                "authorization": [{
                    "action": self.op.actions.first(),
                    "denyAssignmentId": "",
                    "principals": [{ "id": self.me.unique, "type": "ServicePrincipal" }],
                    "reason": if status == 403 { "NoApplicablePolicy" } else { "Policy" },
                    "result": if status == 403 { "Denied" } else { "Granted" },
                    "roleAssignmentId": assignments(self.me).first().map(|a| a.name.clone()),
                    "roleDefinitionId": assignments(self.me).first().map(|a| a.role.guid),
                    "type": "RBAC",
                }],
                "requester": {
                    "appId": self.app_id(),
                    "audience": "https://storage.azure.com/",
                    "objectId": self.me.unique,
                    "tenantId": TENANT,
                    "tokenIssuer": format!("https://sts.windows.net/{TENANT}/"),
                },
                "delegatedResource": { "resourceId": "", "objectId": "", "tenantId": "" },
            },
            "location": LOCATION,
            "properties": {
                "accountName": account,
                "serviceType": "blob",
                "objectKey": object,
                "userAgentHeader": "azsdk-net-Storage.Blobs/12.25.0 (.NET 8.0.19; Linux)",
                "clientRequestId": uuid(noise, 0x93),
                "etag": format!("0x8DD{}", hex(noise, 0x94, 12).to_uppercase()),
                "responseBodySize": noise % 400_000,
                "tlsVersion": "TLS 1.3",
            },
            "uri": format!("https://{account}.blob.core.windows.net{}", object.trim_start_matches(&format!("/{account}"))),
            "protocol": "HTTPS",
            "resourceType": "Microsoft.Storage/storageAccounts/blobServices",
        })
    }

    /// A record of a key vault's own log.
    pub(super) fn vault(&self) -> Value {
        let id = id(Kind::VaultSecret, self.account, self.call.res);
        let vault = name(Kind::VaultSecret, self.account, self.call.res);
        let (code, signature, result) = match self.call.outcome {
            Outcome::Success => (200, "OK", "Success"),
            Outcome::Denied => (403, "Forbidden", "Failure"),
            _ => (404, "Not Found", "Failure"),
        };
        let mut uri = format!("https://{vault}.vault.azure.net/secrets");
        if self.op.name != "SecretList" {
            uri = format!("{uri}/{}", secret_name(self.call.res));
        }
        let mut claim = json!({
            "http://schemas.microsoft.com/identity/claims/objectidentifier": self.me.unique,
            "appid": self.app_id(),
        });
        if self.me.persona.subject == Subject::User {
            claim["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] =
                json!(self.me.email);
        }
        json!({
            "time": iso_fraction(self.call.at, self.call.noise, 7),
            "category": "AuditEvent",
            "operationName": self.op.name,
            "resultType": result,
            "resultSignature": signature,
            "durationMs": (10 + self.call.noise % 70).to_string(),
            "callerIpAddress": self.ip(),
            "correlationId": correlation_id(self.call),
            "identity": { "claim": claim },
            "properties": {
                "id": uri,
                "clientInfo": network::of_call(self.me, self.session, self.call, Cloud::Azure).1,
                "requestUri": format!("{uri}?api-version=7.4"),
                "httpStatusCode": code,
                "tlsVersion": "TLS1_3",
            },
            "resourceId": id.to_uppercase(),
            "operationVersion": "7.4",
            "tenantId": TENANT,
        })
    }

    /// An Entra sign-in of a person or a workload.
    pub(super) fn sign_in(&self) -> Value {
        let noise = self.call.noise;
        let (user, ip) = (self.me.persona.subject == Subject::User, self.ip());
        let at = iso_fraction(self.call.at, noise, 7);
        let category = match self.me.persona.subject {
            Subject::User => "SignInLogs",
            Subject::ManagedIdentity => "ManagedIdentitySignInLogs",
            _ => "ServicePrincipalSignInLogs",
        };
        let mut properties = json!({
            "id": uuid(noise, 0xa1),
            "createdDateTime": at.replace('Z', "+00:00"),
            "appId": self.app_id(),
            "ipAddress": ip,
            "status": { "errorCode": 0 },
            "correlationId": correlation_id(self.call),
            "conditionalAccessStatus": if user { "success" } else { "notApplied" },
            "resourceDisplayName": "Azure Resource Manager",
            "resourceId": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            "uniqueTokenIdentifier": word(self.session.noise, 0x63, 22),
            "isInteractive": user,
            "location": { "city": "Utrecht", "countryOrRegion": "NL" },
        });
        if user {
            properties["userDisplayName"] = json!(self.me.display);
            properties["userPrincipalName"] = json!(self.me.email);
            properties["userId"] = json!(self.me.unique);
            properties["appDisplayName"] = json!(if self.session.console {
                "Azure Portal"
            } else {
                "Microsoft Azure CLI"
            });
            properties["clientAppUsed"] = json!("Browser");
            properties["userAgent"] = json!(network::BROWSER);
            properties["authenticationRequirement"] = json!("multiFactorAuthentication");
            properties["userType"] = json!("Member");
        } else {
            properties["servicePrincipalId"] = json!(self.me.unique);
            properties["servicePrincipalName"] = json!(self.me.name);
            let web = self.me.persona.start == Start::Web;
            properties["clientCredentialType"] = json!(if web {
                "federatedIdentityCredential"
            } else {
                "certificate"
            });
        }
        json!({
            "time": at,
            "resourceId": format!("/tenants/{TENANT}/providers/Microsoft.aadiam"),
            "operationName": "Sign-in activity",
            "operationVersion": "1.0",
            "category": category,
            "tenantId": TENANT,
            "resultType": "0",
            "resultSignature": if user { "SUCCESS" } else { "None" },
            "durationMs": 0,
            "callerIpAddress": ip,
            "correlationId": correlation_id(self.call),
            "identity": if user { &self.me.display } else { &self.me.name },
            "Level": 4,
            "location": "NL",
            "properties": properties,
        })
    }
}

/// A health alert, which is no access.
pub(super) fn health(account: &Account, day: i64, noise: u64) -> Value {
    let service = noise.is_multiple_of(2);
    let category = if service {
        "ServiceHealth"
    } else {
        "ResourceHealth"
    };
    let at = day + (noise % DAY_US as u64) as i64;
    let properties = if service {
        json!({
            "title": "Storage latency in West Europe",
            "service": "Storage",
            "region": "West Europe",
            "communication": "Some requests took longer than usual. Engineers have put it right.",
            "incidentType": "Incident",
            "trackingId": format!("{}-{}", hex(noise, 5, 4).to_uppercase(), digits(noise, 5, 3)),
            "stage": "Resolved",
        })
    } else {
        json!({
            "title": "Degraded",
            "details": "The machine was slow to answer for four minutes.",
            "currentHealthStatus": "Available",
            "previousHealthStatus": "Degraded",
            "type": "Downtime",
            "cause": "PlatformInitiated",
        })
    };
    json!({
        "time": iso_fraction(at, noise, 7),
        "resourceId": id(Kind::Vm, account, (noise % 12) as u16).to_uppercase(),
        "correlationId": uuid(noise, 0xb1),
        "operationName": if service { "Microsoft.ServiceHealth/incident/action" } else { "Microsoft.Resourcehealth/healthevent/Resolved/action" },
        "level": "Information",
        "resultType": if service { "Resolved" } else { "Updated" },
        "category": category,
        "properties": { "eventCategory": category, "eventProperties": properties },
    })
}
