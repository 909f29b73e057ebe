//! Resource logs of storage accounts and key vaults, and Entra's sign-ins.

use serde_json::{Value, json};

use crate::{
    azure::{
        entitlements::assignments,
        events::correlation_id,
        records::View,
        resources::{LOCATION, arm_id, name, secret_name},
    },
    calls::Outcome,
    ids::{hex, iso_fraction, uuid, word},
    network,
    world::{Cloud, Kind, Start, Subject, TENANT},
};

impl View<'_> {
    /// A record of a storage account's own log.
    pub(super) fn storage(&self) -> Value {
        let (account, noise) = (name(Kind::Storage, self.account, self.call.res), self.call.noise);
        let id = arm_id(Kind::Storage, self.account, self.call.res);
        let object = format!("/{account}/inbox/2026/{:02}/{}.json", 1 + noise % 10, hex(noise, 0x91, 8));
        let (status, text) = match self.call.outcome {
            Outcome::Success => (200, "Success"),
            Outcome::Denied => (403, "AuthorizationPermissionMismatch"),
            _ => (404, "BlobNotFound"),
        };
        let object = if self.op.name == "ListBlobs" { format!("/{account}/inbox") } else { object };
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
        let id = arm_id(Kind::VaultSecret, self.account, self.call.res);
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
            claim["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] = json!(self.me.email);
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
        // 50126: a wrong password.
        let error = if self.call.outcome == Outcome::Success { 0 } else { 50_126 };
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
            "status": { "errorCode": error },
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
            properties["appDisplayName"] =
                json!(if self.session.console { "Azure Portal" } else { "Microsoft Azure CLI" });
            properties["clientAppUsed"] = json!("Browser");
            properties["userAgent"] = json!(network::BROWSER);
            properties["authenticationRequirement"] = json!("multiFactorAuthentication");
            properties["userType"] = json!("Member");
        } else {
            properties["servicePrincipalId"] = json!(self.me.unique);
            properties["servicePrincipalName"] = json!(self.me.name);
            let web = self.me.persona.start == Start::Web;
            properties["clientCredentialType"] = json!(if web { "federatedIdentityCredential" } else { "certificate" });
        }
        json!({
            "time": at,
            "resourceId": format!("/tenants/{TENANT}/providers/Microsoft.aadiam"),
            "operationName": "Sign-in activity",
            "operationVersion": "1.0",
            "category": category,
            "tenantId": TENANT,
            "resultType": error.to_string(),
            "resultSignature": if error != 0 { "FAILURE" } else if user { "SUCCESS" } else { "None" },
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
