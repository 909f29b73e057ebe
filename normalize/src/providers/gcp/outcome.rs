//! How a call ended, from `status` and what was granted.

use schemas::{Outcome, Text};

use super::record::Audit;

/// The names of `google.rpc.Code`, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

const PERMISSION_DENIED: usize = 7;
const UNAUTHENTICATED: usize = 16;
/// Codes that the front end answers before it asks IAM, unless the record says that a permission was granted: quota
/// (8) and overload (14).
const BEFORE_AUTHORIZATION: [usize; 2] = [8, 14];

/// How a call ended.
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) error_code: Option<Text>,
    /// Whether the permissions were checked and granted, so that they were used even if the call then failed.
    pub(super) used: bool,
}

/// Reads how a call ended. A call whose permissions all were refused is denied, whatever its status says: a caller's
/// agent may answer for it (in the real data, Deployment Manager writes no status).
pub(super) fn of(audit: &Audit<'_>) -> End {
    let code = audit.status.code.get_or_number().and_then(|code| code.parse::<usize>().ok()).unwrap_or_default();
    let checks = || audit.authorization.0.iter().filter(|check| check.permission.get().is_some());
    let granted = checks().any(|check| check.granted.0 == Some(true));
    let refused = checks().next().is_some() && checks().all(|check| check.granted.0 == Some(false));
    let outcome = match code {
        PERMISSION_DENIED | UNAUTHENTICATED => Outcome::Denied,
        _ if refused => Outcome::Denied,
        0 => Outcome::Success,
        _ => Outcome::Error,
    };
    let error_code =
        (code != 0).then(|| CODES.get(code).map_or_else(|| Text::from(code.to_string()), |name| Text::from(*name)));
    let used = outcome != Outcome::Denied && (granted || !BEFORE_AUTHORIZATION.contains(&code));
    End { outcome, error_code, used }
}
