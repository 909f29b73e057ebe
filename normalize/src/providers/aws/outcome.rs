//! How a call ended, and whether its code says that permissions were never asked.

use schemas::{AccessEvent, Outcome, Text};

use super::record::Record;
use crate::json::{Str, object};

/// Parts of codes that say a permission was wanting, in lower case. Services spell it in many ways: `AccessDenied`,
/// `AccessDeniedException`, `Client.UnauthorizedOperation`, `AuthorizationErrorException`, `ForbiddenException`,
/// `VpceAccessDenied`.
const DENIED: [&str; 7] = [
    "accessdenied",
    "unauthorized",
    "notauthorized",
    "authorizationerror",
    "forbidden",
    "insufficientprivileges",
    "authorizationfailure",
];

/// Codes of calls that failed before their permissions were asked, in lower case without `Client.` and `Server.`: the
/// caller was not recognised, or the call was turned away or not understood. From "Common errors" of the service APIs,
/// the EC2 error codes and the S3 error responses. A code that is missing here makes a failed call count as use, which
/// keeps a permission that may not be needed; one too many would take away a permission in use.
const BEFORE_AUTHORIZATION: [&str; 38] = [
    "authfailure",
    "bandwidthlimitexceeded",
    "expiredtoken",
    "expiredtokenexception",
    "incompletesignature",
    "incompletesignatureexception",
    "invalidaccesskeyid",
    "invalidaction",
    "invalidclienttokenid",
    "invalidsecurity",
    "invalidsignatureexception",
    "invalidtoken",
    "invalidtokenid",
    "malformedquerystring",
    "missingaction",
    "missingauthenticationtoken",
    "missingauthenticationtokenexception",
    "missingsecurityheader",
    "notsignedup",
    "optinrequired",
    "priorrequestnotcomplete",
    "requestexpired",
    "requestlimitexceeded",
    "requestthrottled",
    "requestthrottledexception",
    "requesttimetooskewed",
    "signaturedoesnotmatch",
    "slowdown",
    "throttledexception",
    "throttling",
    "throttlingexception",
    "tokenrefreshrequired",
    "toomanyrequests",
    "toomanyrequestsexception",
    "unknownoperationexception",
    "unrecognizedclient",
    "unrecognizedclientexception",
    "unsupportedprotocol",
];

object!(
    /// `responseElements` of a sign-in.
    SignIn<'a> {
        result: Str<'a> = "ConsoleLogin" | "CheckMfa" | "SwitchRole" | "ExitRole" | "RenewRole" | "GetSigninToken" | "UserAuthentication"
            | "CredentialVerification" | "CredentialChallenge",
    }
);

/// Fills `outcome`, `error_code`, and `counts_as_use` for calls that failed before authorization.
pub(super) fn fill(event: &mut AccessEvent, record: &Record<'_>) {
    if let Some(code) = record.error_code.get() {
        event.error_code = Some(Text::from(code));
        let lower = code.to_ascii_lowercase();
        event.outcome = of_code(&lower);
        event.counts_as_use = !before_authorization(&lower);
        return;
    }
    if event.service == "signin" && sign_in_failed(record) {
        event.outcome = Outcome::Error;
        event.error_code = record.error_message.text().or_else(|| Some(Text::from("Failure")));
        event.counts_as_use = false;
    }
}

/// The outcome of a code in lower case.
fn of_code(lower: &str) -> Outcome {
    if DENIED.iter().any(|part| lower.contains(part)) { Outcome::Denied } else { Outcome::Error }
}

/// Whether a code in lower case is one of [`BEFORE_AUTHORIZATION`].
fn before_authorization(lower: &str) -> bool {
    let plain = lower.strip_prefix("client.").or_else(|| lower.strip_prefix("server.")).unwrap_or(lower);
    BEFORE_AUTHORIZATION.binary_search(&plain).is_ok()
}

fn sign_in_failed(record: &Record<'_>) -> bool {
    let answer: Option<SignIn<'_>> = record.response_elements.object().and_then(|raw| sonic_rs::from_str(raw).ok());
    answer.is_some_and(|answer| answer.result.get().is_some_and(|result| result.eq_ignore_ascii_case("Failure")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_how_a_call_ended() {
        assert!(BEFORE_AUTHORIZATION.is_sorted());
        for (code, outcome, before) in [
            ("AccessDenied", Outcome::Denied, false),
            ("Client.UnauthorizedOperation", Outcome::Denied, false),
            ("AuthorizationErrorException", Outcome::Denied, false),
            ("ForbiddenException", Outcome::Denied, false),
            ("NoSuchBucket", Outcome::Error, false),
            ("ThrottlingException", Outcome::Error, true),
            ("Client.RequestLimitExceeded", Outcome::Error, true),
            ("InvalidClientTokenId", Outcome::Error, true),
            ("Client.DryRunOperation", Outcome::Error, false),
        ] {
            let lower = code.to_ascii_lowercase();
            assert_eq!((of_code(&lower), before_authorization(&lower)), (outcome, before), "{code}");
        }
    }
}
