//! The calls that begin a session: a role is assumed by a person, a service, a token, another company.

use serde_json::json;

use crate::{
    aws::{
        identity::subject,
        parameters::{Elements, Scene, console_date},
        resources::identity_arn,
    },
    ids::{aws_id, hex, uuid, word},
    world::Identity,
};

impl Scene<'_> {
    pub(super) fn assume(&self, me: &Identity) -> Elements {
        let role = identity_arn(me);
        let started = self.role_session();
        let mut request = json!({ "roleArn": role, "roleSessionName": started });
        match self.op.extra {
            "vendor" => request["externalId"] = json!(uuid(me.noise, 6)),
            "assume" => request["sourceIdentity"] = json!(self.world.identity(self.call.who).name),
            "saml" => {
                request["principalArn"] = json!(format!(
                    "arn:aws:iam::{}:saml-provider/AWSSSO_{}_DO_NOT_DELETE",
                    me.account().id,
                    hex(77, 1, 16)
                ));
            }
            _ => {}
        }
        request["durationSeconds"] = json!(3600);
        let mut response = json!({
            "credentials": {
                "accessKeyId": aws_id("ASIA", self.session_of_role()),
                "sessionToken": word(self.call.noise, 5, 64),
                "expiration": console_date(self.call.at + 3_600_000_000),
            },
            "assumedRoleUser": {
                "assumedRoleId": format!("{}:{started}", me.unique),
                "arn": format!("arn:aws:sts::{}:assumed-role/{}/{started}", me.account().id, me.name),
            },
        });
        if self.op.extra == "web" {
            response["subjectFromWebIdentityToken"] = json!(subject(me));
            response["audience"] = json!("sts.amazonaws.com");
        }
        let resources = json!([{ "accountId": me.account().id, "type": "AWS::IAM::Role", "ARN": role }]);
        Elements { request, response, resources: Some(resources) }
    }

    /// The name of the session being started: the caller's for a chain, else the one of these credentials.
    fn role_session(&self) -> String {
        if self.op.extra == "assume" {
            self.world.identity(self.call.who).name.clone()
        } else {
            self.session.name.clone()
        }
    }

    /// The noise of the new session's key: a chain's own session is opened just before its caller's.
    fn session_of_role(&self) -> u64 {
        if self.op.extra == "assume" { self.session.parent_noise } else { self.session.noise }
    }
}
