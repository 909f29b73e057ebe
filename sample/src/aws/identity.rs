//! The `userIdentity` element: users, assumed roles, services, identity providers, other accounts.

use serde_json::{Map, Value, json};

use crate::{
    aws::resources::identity_arn,
    calls::{Call, Session},
    ids::{aws_id, hex, iso_seconds, mix},
    world::{Identity, Start, Subject},
};

/// The access key of a user or of a session.
pub(super) fn access_key(me: &Identity, session: &Session) -> String {
    if me.persona.subject == Subject::User && !session.console {
        return aws_id("AKIA", mix(me.noise, 0x6b));
    }
    aws_id("ASIA", session.noise)
}

/// Who made a call with these credentials.
pub(super) fn of_session(me: &Identity, session: &Session, source_identity: Option<&str>) -> Value {
    if me.persona.subject == Subject::User { user(me, session) } else { assumed_role(me, session, source_identity) }
}

fn user(me: &Identity, session: &Session) -> Value {
    let mut out = json!({
        "type": "IAMUser",
        "principalId": me.unique,
        "arn": identity_arn(me),
        "accountId": me.account().id,
        "accessKeyId": access_key(me, session),
        "userName": me.name,
    });
    if session.console || session.mfa {
        out["sessionContext"] = json!({ "attributes": attributes(session) });
    }
    out
}

fn attributes(session: &Session) -> Value {
    json!({
        "creationDate": iso_seconds(session.at),
        "mfaAuthenticated": if session.mfa { "true" } else { "false" },
    })
}

fn assumed_role(me: &Identity, session: &Session, source_identity: Option<&str>) -> Value {
    let account = me.account().id;
    let mut context = Map::new();
    context.insert(
        "sessionIssuer".into(),
        json!({
            "type": "Role",
            "principalId": me.unique,
            "arn": identity_arn(me),
            "accountId": account,
            "userName": me.name,
        }),
    );
    if me.persona.start == Start::Web {
        let provider = format!("arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com");
        context.insert("webIdFederationData".into(), json!({ "federatedProvider": provider, "attributes": {} }));
    }
    context.insert("attributes".into(), attributes(session));
    if let Some(name) = source_identity {
        context.insert("sourceIdentity".into(), json!(name));
    }
    if me.persona.start == Start::Service("ec2") {
        context.insert("ec2RoleDelivery".into(), json!("2.0"));
    }
    json!({
        "type": "AssumedRole",
        "principalId": format!("{}:{}", me.unique, session.name),
        "arn": format!("arn:aws:sts::{account}:assumed-role/{}/{}", me.name, session.name),
        "accountId": account,
        "accessKeyId": access_key(me, session),
        "sessionContext": context,
    })
}

/// The identity of a record that begins a session, by the kind of its operation.
pub(super) fn of_start(extra: &str, me: &Identity, session: &Session, call: &Call) -> Value {
    match extra {
        "service" => json!({ "type": "AWSService", "invokedBy": service_host(me) }),
        "vendor" => json!({
            "type": "AWSAccount",
            "principalId": format!("{}:collector", aws_id("AROA", mix(me.noise, 0x76))),
            "accountId": VENDOR_ACCOUNT,
        }),
        "web" => json!({
            "type": "WebIdentityUser",
            "principalId": format!(
                "arn:aws:iam::{}:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:{}",
                me.account().id,
                subject(me),
            ),
            "userName": subject(me),
            "identityProvider": format!(
                "arn:aws:iam::{}:oidc-provider/token.actions.githubusercontent.com",
                me.account().id
            ),
        }),
        _ => json!({
            "type": "SAMLUser",
            "principalId": format!("{}:{}", hex(call.noise, 8, 27), session.name),
            "userName": session.name,
            "identityProvider": hex(me.noise, 9, 27),
        }),
    }
}

/// The monitoring company's account.
pub(super) const VENDOR_ACCOUNT: &str = "640173958820";

/// The host name of the service that acts with a role.
pub(super) fn service_host(me: &Identity) -> String {
    match me.persona.start {
        Start::Service(name) => format!("{name}.amazonaws.com"),
        _ => "sts.amazonaws.com".to_owned(),
    }
}

/// The subject of a pipeline's token.
pub(super) fn subject(me: &Identity) -> String {
    format!("repo:harrowgate/{}:ref:refs/heads/main", me.name.trim_end_matches("-deploy"))
}
