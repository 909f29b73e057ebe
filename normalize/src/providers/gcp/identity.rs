//! Who acted, from `authenticationInfo`.
//!
//! | the record says | identity | kind |
//! |---|---|---|
//! | an e-mail of `gserviceaccount.com` | the e-mail, lower case | service account; a service where Google owns it |
//! | any other e-mail | the same | user |
//! | no e-mail, a subject `user:` / `serviceAccount:` / `deleted:…?uid=…` | what follows the kind | by the kind |
//! | no e-mail, a subject `principal://…` | the subject | federated |
//! | claims of a third party | `<issuer>/<subject>` | federated |
//! | status 16, nobody named | `gcp:anonymous` | anonymous |
//! | nobody named | `gcp:unknown`: Google redacts callers of some denied reads, and the last record of an operation names none | unknown |
//!
//! `authoritySelector` is left out: Google says that it is what the requestor asked for, not what was allowed.

use schemas::{AccessEvent, AccountId, IdentityId, IdentityKind, Text, identity};

use super::record::{Delegate, ThirdParty, Who};

/// The code of `UNAUTHENTICATED`.
const UNAUTHENTICATED: &str = "16";

/// Fills in who acted.
pub(super) fn fill(event: &mut AccessEvent, who: &Who<'_>, status: Option<&str>) {
    if let Some(found) = of_who(who) {
        event.identity_kind = found.kind;
        event.identity_account = found.account;
        event.identity_name = Some(Text::from(found.name));
        event.identity_id = found.id;
    } else if status == Some(UNAUTHENTICATED) {
        event.identity_id = identity::gcp("anonymous");
        event.identity_kind = IdentityKind::Anonymous;
    } else {
        event.identity_id = identity::gcp("unknown");
        event.identity_kind = IdentityKind::Unknown;
    }
    // The order of the log is that of the delegation: the first is who asked.
    event.on_behalf_of = who.delegation.0.iter().filter_map(of_delegate).collect();
    event.credential_id = who.key_name.text();
}

/// An identity found.
struct Found {
    id: IdentityId,
    kind: IdentityKind,
    name: String,
    account: Option<AccountId>,
}

fn of_who(who: &Who<'_>) -> Option<Found> {
    if let Some(email) = who.email.get() {
        return Some(of_member(email));
    }
    who.subject.get().map(of_member).or_else(|| of_third_party(&who.third_party))
}

fn of_delegate(link: &Delegate<'_>) -> Option<IdentityId> {
    let named = link.first_party.email.get().or_else(|| link.subject.get()).map(of_member);
    named.or_else(|| of_third_party(&link.third_party)).map(|found| found.id)
}

fn of_third_party(somebody: &ThirdParty<'_>) -> Option<Found> {
    let subject = somebody.claims.subject.get()?;
    let name = match somebody.claims.issuer.get() {
        Some(issuer) => format!("{}/{subject}", issuer.trim_end_matches('/')),
        None => subject.to_owned(),
    };
    Some(Found { id: identity::gcp(&name), kind: IdentityKind::Federated, name, account: None })
}

/// An e-mail, or a member as policies write it.
fn of_member(member: &str) -> Found {
    let (kind, name) = match member.split_once(':') {
        Some(("user", name)) => (None, name),
        Some(("serviceAccount", name)) => (Some(IdentityKind::ServiceAccount), name),
        Some(("group" | "domain", name)) => (Some(IdentityKind::Group), name),
        // A deleted member keeps its whole name with the `?uid=`, since its e-mail may belong to somebody else by now.
        Some(("deleted", rest)) if rest.starts_with("serviceAccount:") => (Some(IdentityKind::ServiceAccount), member),
        Some(("deleted", _)) => (Some(IdentityKind::User), member),
        Some(("principal" | "principalSet", _)) => (Some(IdentityKind::Federated), member),
        _ => (None, member),
    };
    let by_name = of_name(name);
    // What a service account's e-mail says is surer than the member's kind: some records call it `user:`.
    let kind = match (kind, by_name) {
        (Some(IdentityKind::ServiceAccount), IdentityKind::User | IdentityKind::Unknown) => {
            IdentityKind::ServiceAccount
        }
        (Some(IdentityKind::ServiceAccount) | None, by_name) => by_name,
        (Some(kind), _) => kind,
    };
    Found { id: identity::gcp(name), kind, name: name.to_owned(), account: project_of(name).map(AccountId::from) }
}

/// The kind that a name tells (cloud.google.com/iam/docs/service-account-types).
fn of_name(name: &str) -> IdentityKind {
    let lower = name.to_ascii_lowercase();
    if lower == "system:anonymous" || lower == "system:unauthenticated" || lower == "allusers" {
        return IdentityKind::Anonymous;
    }
    if let Some(rest) = lower.strip_prefix("system:") {
        // Kubernetes: service accounts of workloads, and the cluster's own parts.
        let workload = rest.strip_prefix("serviceaccount:").is_some_and(|name| !name.starts_with("kube-system:"));
        return if workload { IdentityKind::ServiceAccount } else { IdentityKind::Service };
    }
    let account = lower.split_once("?uid=").map_or(lower.as_str(), |(email, _)| email);
    if account.ends_with("gserviceaccount.com") {
        return if is_googles(account) { IdentityKind::Service } else { IdentityKind::ServiceAccount };
    }
    if account.contains('@') {
        return IdentityKind::User;
    }
    // GKE's workload identity: `<project>.svc.id.goog[<namespace>/<name>]`.
    if account.contains(".svc.id.goog[") { IdentityKind::ServiceAccount } else { IdentityKind::Unknown }
}

/// Whether a service account is one of Google's own, a service agent, which acts for a service and not for a workload of
/// the customer's (cloud.google.com/iam/docs/service-agents).
fn is_googles(email: &str) -> bool {
    let (name, domain) = email.split_once('@').unwrap_or((email, email));
    let agents_name = name.strip_prefix("service-").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let domain = domain.trim_end_matches(".gserviceaccount.com").trim_end_matches(".iam");
    agents_name
        || domain.starts_with("gcp-sa-")
        || matches!(domain, "cloudservices" | "system" | "compute-system" | "container-engine-robot")
}

/// The project that a service account's e-mail names.
pub(super) fn project_of(email: &str) -> Option<&str> {
    let (name, domain) = email.split_once("?uid=").map_or(email, |(email, _)| email).split_once('@')?;
    if of_name(email) != IdentityKind::ServiceAccount {
        return None;
    }
    match domain.strip_suffix(".gserviceaccount.com")? {
        "appspot" => Some(name),
        other => other.strip_suffix(".iam").filter(|project| !project.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table of cases")]
    fn names_tell_kinds() {
        for (member, id, kind, project) in [
            ("Alice@Example.com", "gcp:alice@example.com", IdentityKind::User, None),
            ("user:a@x.com", "gcp:a@x.com", IdentityKind::User, None),
            (
                "user:robot@p.iam.gserviceaccount.com",
                "gcp:robot@p.iam.gserviceaccount.com",
                IdentityKind::ServiceAccount,
                Some("p"),
            ),
            (
                "serviceAccount:robot@p.iam.gserviceaccount.com",
                "gcp:robot@p.iam.gserviceaccount.com",
                IdentityKind::ServiceAccount,
                Some("p"),
            ),
            (
                "123-compute@developer.gserviceaccount.com",
                "gcp:123-compute@developer.gserviceaccount.com",
                IdentityKind::ServiceAccount,
                None,
            ),
            (
                "my-app@appspot.gserviceaccount.com",
                "gcp:my-app@appspot.gserviceaccount.com",
                IdentityKind::ServiceAccount,
                Some("my-app"),
            ),
            (
                "12@cloudservices.gserviceaccount.com",
                "gcp:12@cloudservices.gserviceaccount.com",
                IdentityKind::Service,
                None,
            ),
            (
                "service-12@compute-system.iam.gserviceaccount.com",
                "gcp:service-12@compute-system.iam.gserviceaccount.com",
                IdentityKind::Service,
                None,
            ),
            (
                "p12-34@gcp-sa-logging.iam.gserviceaccount.com",
                "gcp:p12-34@gcp-sa-logging.iam.gserviceaccount.com",
                IdentityKind::Service,
                None,
            ),
            (
                "service-account@p.iam.gserviceaccount.com",
                "gcp:service-account@p.iam.gserviceaccount.com",
                IdentityKind::ServiceAccount,
                Some("p"),
            ),
            ("system:anonymous", "gcp:system:anonymous", IdentityKind::Anonymous, None),
            ("system:kube-scheduler", "gcp:system:kube-scheduler", IdentityKind::Service, None),
            (
                "system:serviceaccount:kube-system:gc",
                "gcp:system:serviceaccount:kube-system:gc",
                IdentityKind::Service,
                None,
            ),
            (
                "system:serviceaccount:shop:web",
                "gcp:system:serviceaccount:shop:web",
                IdentityKind::ServiceAccount,
                None,
            ),
            ("serviceAccount:p.svc.id.goog[ns/ksa]", "gcp:p.svc.id.goog[ns/ksa]", IdentityKind::ServiceAccount, None),
            (
                "deleted:serviceAccount:r@p.iam.gserviceaccount.com?uid=7",
                "gcp:deleted:serviceaccount:r@p.iam.gserviceaccount.com?uid=7",
                IdentityKind::ServiceAccount,
                Some("p"),
            ),
            ("deleted:user:a@x.com?uid=7", "gcp:deleted:user:a@x.com?uid=7", IdentityKind::User, None),
            (
                "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/subject/s",
                "gcp:principal://iam.googleapis.com/projects/1/locations/global/workloadidentitypools/pool/subject/s",
                IdentityKind::Federated,
                None,
            ),
            ("somebody", "gcp:somebody", IdentityKind::Unknown, None),
        ] {
            let found = of_member(member);
            let project = project.map(AccountId::from);
            assert_eq!((found.id.as_str(), found.kind, found.account), (id, kind, project), "{member}");
        }
    }
}
