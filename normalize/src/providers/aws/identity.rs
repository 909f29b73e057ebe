//! Who acted: `userIdentity` becomes the very id that entitlements use.
//!
//! | `type` | identity |
//! |---|---|
//! | `IAMUser`, `User` | the user by name; by unique id alone `…:id/AIDA…`, external |
//! | `AssumedRole`, `Role` | the role; the session is its `session_name` |
//! | the same under `AWSReservedSSO_…` | the Identity Center person by session name, on behalf of whom the role acted |
//! | `Root` | the account's root |
//! | `FederatedUser` | the federated user, on behalf of the user or role that issued the session |
//! | `SAMLUser`, `WebIdentityUser` | the outside identity by provider and name, in the account whose role it takes |
//! | `IdentityCenterUser` | the person by directory and user id |
//! | `AWSService`, service events | the service |
//! | `AWSAccount` | what its ARN names, else `…:id/<unique id>`, external; anonymous S3 callers are nobody |
//! | `Directory` | the directory's user |
//! | `Unknown`, others | what the ARN names, else unknown |
//!
//! `invokedBy` never changes who acts. Where a service calls for somebody ("forward access session"), the service called
//! "also checks the permissions of the same IAM principal" (IAM user guide, `access_forward_access_sessions`), so it is that
//! identity's use; where it calls with its service role or service-linked role, it is the role's.

use schemas::{AccountId, IdentityId, IdentityKind, Text, identity};

use super::record::{OnBehalfOf, UserIdentity};

/// What IAM Identity Center names the roles of its permission sets: `AWSReservedSSO_<set>_<hash>`.
const RESERVED_SSO: &str = "AWSReservedSSO_";

/// EC2 itself, which decrypts a volume by the grant on its key and by no permission of the account's (KMS developer guide,
/// `ct-ec2two`). No role of a customer has a colon in its name.
const EC2_INFRASTRUCTURE: &str = "aws:ec2-infrastructure";

/// What stands where a sign-in tried a user that does not exist, since it may be a password.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// An identity with what the record says of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) id: IdentityId,
    pub(super) kind: IdentityKind,
    pub(super) name: Option<Text>,
    pub(super) account: Option<AccountId>,
    pub(super) generation: Option<Text>,
    pub(super) session_name: Option<Text>,
    pub(super) on_behalf_of: Vec<IdentityId>,
    pub(super) credential_id: Option<Text>,
    pub(super) mfa: Option<bool>,
    pub(super) invoked_by: Option<Text>,
}

/// The account of a `userIdentity`, when it names one.
pub(super) fn account(raw: &str) -> Option<AccountId> {
    let identity: UserIdentity<'_> = sonic_rs::from_str(raw).ok()?;
    account_of(&identity)
}

fn account_of(identity: &UserIdentity<'_>) -> Option<AccountId> {
    let named = identity.account_id.get_or_number().or_else(|| arn_part(identity.arn.get()?, 4));
    named.filter(|account| *account != "ANONYMOUS_PRINCIPAL").map(AccountId::from)
}

/// Reads a `userIdentity`. `recipient` is the account of the record; `acting_service` the event source of a service
/// event, which is who acts when the record names nobody.
pub(super) fn read(raw: Option<&str>, recipient: &str, acting_service: Option<&str>) -> Who {
    let parsed: Option<UserIdentity<'_>> = raw.and_then(|raw| sonic_rs::from_str(raw).ok());
    let identity = parsed.unwrap_or_default();
    let own = account_of(&identity);
    let account = own.as_deref().unwrap_or(recipient);
    let mut who = Who {
        id: IdentityId::from(format!("aws:{account}:unknown")),
        kind: IdentityKind::Unknown,
        name: None,
        account: own.clone(),
        generation: generation(identity.principal_id.get()),
        session_name: None,
        on_behalf_of: Vec::new(),
        credential_id: identity.access_key_id.text().or_else(|| identity.credential_id.text()),
        mfa: identity.session.attributes.mfa_authenticated.0,
        invoked_by: identity.invoked_by.text(),
    };
    on_behalf_of(&mut who, &identity, account);
    match identity.kind.get().unwrap_or_default() {
        "Root" => root(&mut who, account),
        "IAMUser" | "User" => user(&mut who, &identity, account),
        "AssumedRole" | "Role" => role(&mut who, &identity, account),
        "FederatedUser" => federated_user(&mut who, &identity, account),
        "SAMLUser" | "WebIdentityUser" => outside(&mut who, &identity, account),
        "IdentityCenterUser" => person(&mut who, &identity, account),
        "Directory" => directory(&mut who, &identity, account),
        "AWSService" => service(&mut who, identity.invoked_by.get().or(acting_service).unwrap_or("unknown")),
        "AWSAccount" => of_account(&mut who, &identity, account),
        _ => other(&mut who, &identity, account, acting_service),
    }
    who
}

/// The unique id of a user or role; other forms of `principalId` are account numbers and names.
fn generation(principal_id: Option<&str>) -> Option<Text> {
    let id = principal_id?.split(':').next()?;
    (id.starts_with("AIDA") || id.starts_with("AROA")).then(|| Text::from(id))
}

/// What the record proves of those behind the identity, the first one first.
fn on_behalf_of(who: &mut Who, identity: &UserIdentity<'_>, account: &str) {
    if let Some((id, _)) = propagated(&identity.on_behalf_of) {
        who.on_behalf_of.push(id);
    }
    if let Some(source) = identity.session.source_identity.get() {
        who.on_behalf_of.push(named(account, "source", source));
    }
}

/// The Identity Center user that `onBehalfOf` names, with its directory.
fn propagated<'a>(person: &'a OnBehalfOf<'_>) -> Option<(IdentityId, &'a str)> {
    let user = person.user_id.get()?;
    let store = person.identity_store_arn.get()?.rsplit('/').next()?;
    Some((named(store, "workforce", user), user))
}

/// An id of a name that may hold slashes, which `identity::aws` would take for a path.
fn named(account: &str, kind: &str, name: &str) -> IdentityId {
    if name.contains('/') {
        return IdentityId::from(format!("aws:{account}:{kind}/{name}"));
    }
    identity::aws(account, kind, name)
}

fn set(who: &mut Who, kind: IdentityKind, id: IdentityId, name: &str) {
    who.kind = kind;
    who.id = id;
    who.name = Some(Text::from(name));
}

fn root(who: &mut Who, account: &str) {
    set(who, IdentityKind::Root, identity::aws_root(account), "root");
}

fn user(who: &mut Who, identity: &UserIdentity<'_>, account: &str) {
    let of_arn = identity.arn.get().filter(|arn| arn.contains(":user/")).and_then(|arn| arn.rsplit('/').next());
    match of_arn.or_else(|| identity.user_name.get()) {
        Some(HIDDEN) => {}
        Some(name) => set(who, IdentityKind::User, identity::aws(account, "user", name), name),
        None => by_unique_id(who, identity, account),
    }
}

fn role(who: &mut Who, identity: &UserIdentity<'_>, account: &str) {
    let issuer = &identity.session.issuer;
    let arn = identity.arn.get().unwrap_or_default();
    let (of_arn, session) = assumed_role(arn).unwrap_or_default();
    let of_issuer = issuer.arn.get().filter(|arn| arn.contains(":role/")).and_then(|arn| arn.rsplit('/').next());
    let of_role_arn = || arn.split_once(":role/").and_then(|(_, path)| path.rsplit('/').next());
    let named_role = of_issuer.or((!of_arn.is_empty()).then_some(of_arn)).or_else(of_role_arn);
    who.generation = generation(issuer.principal_id.get()).or(who.generation.take());
    let of_principal = || identity.principal_id.get().and_then(|id| id.split_once(':')).map(|(_, session)| session);
    let session = Some(session).filter(|session| !session.is_empty()).or_else(of_principal);
    who.session_name = session.map(Text::from);
    let Some(role) = named_role.or_else(|| issuer.user_name.get()) else { return by_unique_id(who, identity, account) };
    if role == EC2_INFRASTRUCTURE {
        return service(who, "ec2.amazonaws.com");
    }
    let of_role = issuer.account_id.get_or_number().unwrap_or(account);
    let role_id = identity::aws(of_role, "role", role);
    match session {
        Some(session) if role.starts_with(RESERVED_SSO) => {
            who.on_behalf_of.push(role_id);
            who.generation = None;
            set(who, IdentityKind::Workforce, named(of_role, "workforce", session), session);
        }
        _ => set(who, IdentityKind::Role, role_id, role),
    }
}

/// The role and the session of an `assumed-role` ARN.
fn assumed_role(arn: &str) -> Option<(&str, &str)> {
    let (_, rest) = arn.split_once(":assumed-role/")?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

fn federated_user(who: &mut Who, identity: &UserIdentity<'_>, account: &str) {
    let of_arn = identity.arn.get().and_then(|arn| arn.split_once(":federated-user/")).map(|(_, name)| name);
    let of_principal = || identity.principal_id.get().and_then(|id| id.split_once(':')).map(|(_, name)| name);
    if let Some(issuer) = identity.session.issuer.arn.get().and_then(identity::aws_of_arn) {
        who.on_behalf_of.push(issuer);
    }
    let Some(name) = of_arn.or_else(of_principal) else { return };
    who.session_name = Some(Text::from(name));
    set(who, IdentityKind::Federated, named(account, "federated", name), name);
}

fn outside(who: &mut Who, identity: &UserIdentity<'_>, account: &str) {
    let principal = identity.principal_id.get().unwrap_or_default();
    let provider = identity.identity_provider.get().unwrap_or_else(|| principal.split(':').next().unwrap_or_default());
    let provider = ["oidc-provider/", "saml-provider/"]
        .iter()
        .find_map(|kind| provider.split_once(kind))
        .map_or(provider, |(_, name)| name);
    let name = identity.user_name.get().or_else(|| principal.rsplit(':').next()).unwrap_or("unknown");
    let id = if provider.is_empty() { name.to_owned() } else { format!("{provider}:{name}") };
    set(who, IdentityKind::Federated, named(account, "federated", &id), name);
}

fn person(who: &mut Who, identity: &UserIdentity<'_>, account: &str) {
    let name = identity.user_name.get();
    if let Some((id, user)) = propagated(&identity.on_behalf_of) {
        who.on_behalf_of.clear();
        set(who, IdentityKind::Workforce, id, name.unwrap_or(user));
    } else if let Some(user) = name.or(identity.principal_id.get()) {
        set(who, IdentityKind::Workforce, named(account, "workforce", user), user);
    }
}

fn directory(who: &mut Who, identity: &UserIdentity<'_>, account: &str) {
    if let Some(user) = identity.user_name.get().or(identity.principal_id.get()) {
        set(who, IdentityKind::Federated, named(account, "directory", user), user);
    }
}

fn service(who: &mut Who, host: &str) {
    set(who, IdentityKind::Service, identity::aws_service(host), host);
}

fn of_account(who: &mut Who, identity: &UserIdentity<'_>, account: &str) {
    if identity.account_id.get() == Some("ANONYMOUS_PRINCIPAL") {
        who.kind = IdentityKind::Anonymous;
        who.id = IdentityId::from("aws:anonymous");
        return;
    }
    if by_arn(who, identity, account) {
        return;
    }
    by_unique_id(who, identity, account);
    if who.kind == IdentityKind::Unknown {
        set(who, IdentityKind::External, IdentityId::from(format!("aws:{account}:account")), account);
    }
}

fn other(who: &mut Who, identity: &UserIdentity<'_>, account: &str, acting_service: Option<&str>) {
    if by_arn(who, identity, account) {
        return;
    }
    // `AWS Internal` names no service; the event source of a service event does.
    match identity.invoked_by.get().filter(|host| *host != "AWS Internal").or(acting_service) {
        Some(host) => service(who, host),
        _ if matches!(identity.user_name.get(), Some(name) if name != HIDDEN) => user(who, identity, account),
        _ => by_unique_id(who, identity, account),
    }
}

fn by_arn(who: &mut Who, identity: &UserIdentity<'_>, account: &str) -> bool {
    let arn = identity.arn.get().unwrap_or_default();
    match arn_part(arn, 5).map(|rest| rest.split(['/', ':']).next().unwrap_or_default()) {
        Some("assumed-role" | "role") => role(who, identity, account),
        Some("user") => user(who, identity, account),
        Some("root") => root(who, account),
        Some("federated-user") => federated_user(who, identity, account),
        _ => return false,
    }
    true
}

/// A record with only a unique id: the entitlements that have it as their generation resolve it; until then the
/// identity is external.
fn by_unique_id(who: &mut Who, identity: &UserIdentity<'_>, account: &str) {
    let Some(principal) = identity.principal_id.get() else { return };
    let (id, session) = principal.split_once(':').unwrap_or((principal, ""));
    if id.is_empty() || id == account {
        return;
    }
    if !session.is_empty() {
        who.session_name = Some(Text::from(session));
    }
    set(who, IdentityKind::External, named(account, "id", id), id);
}

fn arn_part(arn: &str, place: usize) -> Option<&str> {
    let part = arn.strip_prefix("arn:")?.splitn(5, ':').nth(place - 1)?;
    (!part.is_empty()).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let who = read(Some(json), "111122223333", None);
        let behind: Vec<&str> = who.on_behalf_of.iter().map(|id| id.as_str()).collect();
        let (generation, session) =
            (who.generation.as_deref().unwrap_or("-"), who.session_name.as_deref().unwrap_or("-"));
        assert_eq!(format!("{} {} {generation} {session} {behind:?}", who.id, who.kind), expected, "{json}");
    }

    #[test]
    fn a_role_is_one_identity_however_it_is_written() {
        let expected = "aws:111122223333:role/Admin role AROAEXAMPLE s [\"aws:111122223333:source/ann\"]";
        for json in [
            r#"{"type":"AssumedRole","principalId":"AROAEXAMPLE:s","arn":"arn:aws:sts::111122223333:assumed-role/Admin/s","sessionContext":{"sourceIdentity":"ann"}}"#,
            r#"{"type":"AssumedRole","principalId":"AROAEXAMPLE:s","accountId":"111122223333","sessionContext":{"sourceIdentity":"ann","sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/a/b/Admin"}}}"#,
            r#"{"type":"Role","principalId":"AROAEXAMPLE:s","arn":"arn:aws:iam::111122223333:role/a/Admin","sessionContext":{"sourceIdentity":"ann"}}"#,
            r#"{"type":"Unknown","principalId":"AROAEXAMPLE:s","arn":"arn:aws:sts::111122223333:assumed-role/Admin/s","sessionContext":{"sourceIdentity":"ann"}}"#,
        ] {
            check(json, expected);
        }
        check(
            r#"{"type":"AssumedRole","principalId":"AROAEXAMPLE:s"}"#,
            "aws:111122223333:id/AROAEXAMPLE external AROAEXAMPLE s []",
        );
    }

    #[test]
    fn a_person_is_one_identity_across_roles() {
        for set in ["Admin_0011223344556677", "ReadOnly_8899aabbccddeeff"] {
            let role = format!("AWSReservedSSO_{set}");
            let json = format!(
                r#"{{"type":"AssumedRole","principalId":"AROAEXAMPLE:ann","arn":"arn:aws:sts::111122223333:assumed-role/{role}/ann"}}"#
            );
            check(&json, &format!("aws:111122223333:workforce/ann workforce - ann [\"aws:111122223333:role/{role}\"]"));
        }
    }

    #[test]
    fn what_names_nobody_is_unknown() {
        check("{}", "aws:111122223333:unknown unknown - - []");
        check("[]", "aws:111122223333:unknown unknown - - []");
        check(
            r#"{"type":"IAMUser","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#,
            "aws:111122223333:unknown unknown - - []",
        );
        check(
            r#"{"type":"AWSAccount","accountId":"444455556666","principalId":"444455556666"}"#,
            "aws:444455556666:account external - - []",
        );
        assert_eq!(read(None, "1", Some("sso.amazonaws.com")).id, "aws:service/sso.amazonaws.com");
    }
}
