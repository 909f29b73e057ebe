//! Activity records: as Event Hubs deliver them, and as `az monitor activity-log list` prints them.

use serde_json::{Map, Value, json};

use crate::{
    azure::{entitlements::assignments, events::correlation_id, records::View, resources::activity_id},
    calls::Outcome,
    ids::{iso_fraction, uuid, word},
    world::{Subject, TENANT},
};

impl View<'_> {
    fn status(&self, end: bool) -> (&'static str, &'static str, &'static str) {
        match (end, self.call.outcome) {
            (false, _) => ("Start", "Started.", "Started"),
            (true, Outcome::Denied) => ("Failure", "Failed.Forbidden", "Failed"),
            (true, Outcome::Success) => ("Success", "Succeeded.OK", "Succeeded"),
            (true, _) => ("Failure", "Failed.NotFound", "Failed"),
        }
    }

    fn activity_id(&self) -> String {
        activity_id(self.op.target, self.op.name, self.account, self.call.res, self.call.noise)
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
            out.insert("serviceRequestId".into(), json!(uuid(self.call.noise, 0x51)));
            if self.call.outcome == Outcome::Denied {
                out.insert("statusMessage".into(), json!(self.refusal()));
            }
        } else if self.op.key == "role.write" {
            out.insert("requestbody".into(), json!(self.granted_role()));
        }
        out.insert("eventCategory".into(), json!("Administrative"));
        out.insert("entity".into(), json!(id));
        out.insert("message".into(), json!(self.op.name));
        out.insert("hierarchy".into(), json!(format!("{TENANT}/{}", self.account.id)));
        Value::Object(out)
    }

    fn refusal(&self) -> String {
        let text = format!("The client `{}` may not perform `{}`.", self.me.unique, self.op.name);
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
        if let Some(by) = assignments(self.me).into_iter().find(|a| a.covers(self.op.name)) {
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
            put("http://schemas.microsoft.com/claims/authnclassreference", "1".to_owned());
            put("http://schemas.microsoft.com/claims/authnmethodsreferences", "pwd,mfa".to_owned());
            put("ipaddr", self.ip());
            put("name", self.me.display.clone());
            put("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", self.me.email.clone());
            put("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", self.me.email.clone());
        } else {
            put("http://schemas.microsoft.com/identity/claims/identityprovider", sts);
            put("idtyp", "app".to_owned());
        }
        put("http://schemas.microsoft.com/identity/claims/objectidentifier", self.me.unique.clone());
        put("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", self.me.unique.clone());
        put("http://schemas.microsoft.com/identity/claims/tenantid", TENANT.to_owned());
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
        let parts: Vec<&str> = self.op.name.split('/').collect();
        let verb = if self.op.name.ends_with("/action") { 2 } else { 1 };
        let kind = parts[..parts.len().saturating_sub(verb)].join("/");
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
}
