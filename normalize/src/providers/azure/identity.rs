//! Who acted.
//!
//! | the record tells | identity | kind |
//! |---|---|---|
//! | an object id | `azure:<tenant>:<object id>` | see `kind_of` |
//! | only a UPN (or `caller` with an `@`) | `azure:<tenant>:upn/<upn>` | external: grants name object ids alone |
//! | only an application id | `azure:<tenant>:app/<app id>` | external, for the same reason |
//! | only a display name | `azure:<tenant>:name/<name>` | unknown |
//! | nothing | `azure:<tenant>:unknown` | unknown |
//! | an anonymous storage request | `azure:anonymous` | anonymous |
//!
//! The tenant is the token's, whose object ids these are: claim, else the record's own, else the token's issuer, else the
//! config's `azure_tenant`, else `unknown`. `evidence.principalId` is never the caller: it is whoever holds the role
//! assignment, often a group.

use schemas::{AccessEvent, AccountId, IdentityId, IdentityKind, OrgId, Text, identity};

use super::record::{Authorization, Claims, Identity, Initiator, Properties, Record};
use crate::json::Str;

/// The object id that Entra writes for users it does not know.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Somebody's ids, as far as a record tells.
#[derive(Debug, Default)]
pub(super) struct Ids<'a> {
    pub(super) object_id: Option<&'a str>,
    pub(super) upn: Option<&'a str>,
    pub(super) app_id: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) kind: Option<IdentityKind>,
    /// The tenant whose object id it is, when the record tells one of its own.
    pub(super) tenant: Option<&'a str>,
}

/// Fills in who acted. `org_id` must be filled in before: it is the tenant that owns the record.
pub(super) fn fill(event: &mut AccessEvent, ids: &Ids<'_>, default_tenant: Option<&str>) {
    let own = event.org_id.as_deref().or(default_tenant).unwrap_or("unknown");
    let tenant = ids.tenant.unwrap_or(own).to_ascii_lowercase();
    // Somebody of another tenant: Lighthouse, guests.
    if event.org_id.as_deref().is_some_and(|own| own != tenant) {
        event.identity_account = Some(AccountId::from(tenant.as_str()));
    }
    let by = |way: &str, name: &str| IdentityId::from(format!("azure:{tenant}:{way}/{}", name.to_lowercase()));
    let object_id = ids.object_id.filter(|id| *id != NOBODY);
    let (id, kind) = match (object_id, ids.upn, ids.app_id, ids.name) {
        (Some(object_id), ..) => (identity::azure(&tenant, object_id), ids.kind.unwrap_or(IdentityKind::Unknown)),
        (None, Some(upn), ..) => (by("upn", upn), IdentityKind::External),
        (None, None, Some(app_id), _) => (by("app", app_id), IdentityKind::External),
        (None, None, None, Some(name)) => (by("name", name), ids.kind.unwrap_or(IdentityKind::Unknown)),
        (None, None, None, None) => (IdentityId::from(format!("azure:{tenant}:unknown")), IdentityKind::Unknown),
    };
    event.identity_id = id;
    event.identity_kind = kind;
    event.identity_name = ids.upn.or(ids.name).or(ids.app_id).map(Text::from);
}

/// The ids of the claims of a record of the Activity Log, of Key Vault or of Storage.
pub(super) fn of_claims<'a>(record: &'a Record<'_>) -> Ids<'a> {
    let claims = claims(record);
    let requester = &record.identity.requester;
    let caller = record.caller.get();
    let mail = |text: &&str| text.contains('@');
    let upn = claims.upn.get().or_else(|| requester.upn.get());
    let upn = upn.or_else(|| claims.name.get().filter(mail)).or_else(|| claims.display_name.get().filter(mail));
    let object_id = claims.object_id.get().or_else(|| requester.object_id.get());
    // Without claims, `caller` is a user's UPN or a service principal's object id.
    let bare = caller.filter(|_| object_id.is_none() && claims.app_id.get().is_none());
    let bare_object = bare.is_some_and(is_guid) || requester.object_id.get().is_some();
    Ids {
        object_id: object_id.or_else(|| bare.filter(|text| is_guid(text))),
        upn: upn.or_else(|| caller.filter(mail)),
        app_id: claims.app_id.get().or_else(|| requester.app_id.get()),
        name: claims
            .display_name
            .get()
            .or_else(|| claims.managed_identity.get().and_then(|id| id.rsplit('/').next()))
            .or(bare),
        kind: Some(kind_of(claims, authorizations(record).first(), upn.is_some(), bare_object)),
        tenant: claims.tenant_id.get().or_else(|| requester.tenant_id.get()).or_else(|| issuer_tenant(claims)),
    }
}

/// The claims, wherever the exporter puts them.
pub(super) fn claims<'r, 'a>(record: &'r Record<'a>) -> &'r Claims<'a> {
    use crate::providers::loose::Object;
    if record.identity.claims.is_object() { &record.identity.claims } else { &record.claims }
}

/// The checks, wherever the exporter puts them.
pub(super) fn authorizations<'r, 'a>(record: &'r Record<'a>) -> &'r [Authorization<'a>] {
    let Identity { authorization, .. } = &record.identity;
    if authorization.0.is_empty() { &record.authorization.0 } else { &authorization.0 }
}

/// A managed identity's token names its resource (`xms_mirid`); an application's says `idtyp = app` or, before that claim
/// existed, is about the very object it was issued to; a user's carries a scope or a UPN
/// (learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
fn kind_of(claims: &Claims<'_>, check: Option<&Authorization<'_>>, has_upn: bool, bare_object: bool) -> IdentityKind {
    if claims.managed_identity.get().is_some() {
        return IdentityKind::ManagedIdentity;
    }
    match claims.kind.get() {
        Some("app") => return IdentityKind::ServicePrincipal,
        Some("user") => return IdentityKind::User,
        _ => {}
    }
    if has_upn || claims.scope.get().is_some() {
        return IdentityKind::User;
    }
    let object_id = claims.object_id.get();
    // Without claims an object id is a `caller` or Storage's requester, and both name users by their UPN.
    if bare_object || object_id.is_some() && (object_id == claims.subject.get() || claims.app_id.get().is_some()) {
        return IdentityKind::ServicePrincipal;
    }
    // The holder of the role assignment tells only where it is the caller itself.
    let holder = check.map(|check| &check.evidence).filter(|evidence| {
        let plain = |id: &str| id.replace('-', "").to_ascii_lowercase();
        evidence.principal_id.get().map(plain) == object_id.map(plain) && object_id.is_some()
    });
    match holder.and_then(|evidence| evidence.principal_type.get()) {
        Some("User") => IdentityKind::User,
        Some("ServicePrincipal") => IdentityKind::ServicePrincipal,
        _ => IdentityKind::Unknown,
    }
}

/// The tenant of `https://sts.windows.net/<tenant>/` or `https://login.microsoftonline.com/<tenant>/v2.0`.
fn issuer_tenant<'a>(claims: &'a Claims<'_>) -> Option<&'a str> {
    let path = claims.issuer.get()?.strip_prefix("https://")?;
    path.split('/').nth(1).filter(|tenant| !tenant.is_empty())
}

/// Who signed in, or called Microsoft Graph.
pub(super) fn of_properties<'a>(properties: &'a Properties<'_>, managed: bool) -> Ids<'a> {
    let known = |text: &'a Str<'_>| text.get().filter(|id| *id != NOBODY);
    let managed =
        managed || properties.managed_identity_type.get().is_some_and(|kind| !kind.eq_ignore_ascii_case("none"));
    if let Some(user) = known(&properties.user_id) {
        let (upn, name) = (properties.user_principal_name.get(), properties.user_display_name.get());
        return Ids { object_id: Some(user), upn, name, kind: Some(IdentityKind::User), ..Ids::default() };
    }
    let is_user = properties.token_kind.get().is_some_and(|kind| kind == "user");
    let principal =
        known(&properties.service_principal_id).filter(|_| !is_user).or_else(|| known(&properties.principal_id));
    let kind = match (managed, is_user) {
        (true, _) => IdentityKind::ManagedIdentity,
        (_, true) => IdentityKind::User,
        _ => IdentityKind::ServicePrincipal,
    };
    Ids {
        object_id: principal,
        upn: properties.user_principal_name.get(),
        app_id: properties.app_id.get(),
        name: properties.service_principal_name.get(),
        kind: principal.map(|_| kind),
        tenant: None,
    }
}

/// Who made a change in the directory.
pub(super) fn of_initiator<'a>(user: &'a Initiator<'_>, app: &'a Initiator<'_>) -> Ids<'a> {
    if user.id.get().is_some() || user.upn.get().is_some() {
        let kind = Some(IdentityKind::User);
        return Ids { object_id: user.id.get(), upn: user.upn.get(), name: user.name.get(), kind, ..Ids::default() };
    }
    Ids {
        object_id: app.service_principal_id.get(),
        app_id: app.app_id.get(),
        name: app.name.get().or_else(|| user.name.get()),
        kind: app.service_principal_id.get().map(|_| IdentityKind::ServicePrincipal),
        ..Ids::default()
    }
}

/// The tenant that owns a record.
pub(super) fn tenant_of(record: &Record<'_>, of_resource: Option<&str>) -> Option<OrgId> {
    let properties = &record.properties;
    let named = of_resource.or_else(|| record.tenant_id.get()).or_else(|| properties.tenant_id.get());
    // The management groups from the root on, whose id is the tenant's, down to the subscription. It comes before the
    // claims: a managing tenant's people (Lighthouse) carry their own.
    let root = || properties.hierarchy.get()?.split_once('/').map(|(root, _)| root).filter(|root| is_guid(root));
    let claims = claims(record);
    let claimed = || {
        claims.tenant_id.get().or_else(|| issuer_tenant(claims)).or_else(|| record.identity.requester.tenant_id.get())
    };
    let named = named.or_else(root).or_else(claimed);
    named.map(|tenant| OrgId::from(tenant.to_ascii_lowercase()))
}

/// Whether a text has the form of an object id. Letters past `f` are let through: published examples use them.
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_alphanumeric(),
        })
}
