//! Members of bindings and identities of deny rules.

/// What a member of an allow policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Anybody,
    ServiceAccount,
    Other,
    Deleted,
    /// Not a form that Google knows.
    Unknown,
}

/// Reads a member (Principal identifiers, <https://cloud.google.com/iam/docs/principal-identifiers>).
pub(super) fn form(text: &str) -> Form {
    let mail = |rest: &str| rest.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    match text.split_once(':') {
        None if matches!(text, "allUsers" | "allAuthenticatedUsers") => Form::Anybody,
        Some(("deleted", _)) => Form::Deleted,
        Some(("serviceAccount", rest)) if mail(rest) || rest.contains(".svc.id.goog[") => Form::ServiceAccount,
        Some(("user" | "group", rest)) if mail(rest) => Form::Other,
        Some(("domain", rest)) if rest.contains('.') && !rest.contains('@') => Form::Other,
        Some(("projectOwner" | "projectEditor" | "projectViewer", rest)) if !rest.is_empty() => Form::Other,
        Some(("principal" | "principalSet", rest)) if rest.starts_with("//") => Form::Other,
        _ => Form::Unknown,
    }
}

/// Whether a text is an identity of a deny policy.
pub(super) fn is_of_deny(text: &str) -> bool {
    ["principal://", "principalSet://", "deleted:principal"].iter().any(|head| text.starts_with(head))
}
