//! How a record ended, in the words of every exporter.

use schemas::{Outcome, Text};

use super::record::Record;

/// How a record ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) error_code: Option<Text>,
    /// Whether the permission was checked and granted, in a record that is the last of its call.
    pub(super) used: bool,
}

impl End {
    /// It was done.
    pub(super) const DONE: Self = Self { outcome: Outcome::Success, error_code: None, used: true };
}

/// Codes of a failed authorization that do not come as 403, or whose record lost the 403.
const DENIED: [&str; 8] = [
    "authorizationfailed",
    "linkedauthorizationfailed",
    "authorizationfailure",
    "authorizationpermissionmismatch",
    "insufficientaccountpermissions",
    "accessdenied",
    "forbidden",
    "forbiddenbyrbac",
];

/// Codes of 403 that come after the permission was granted: Azure Policy and what the subscription's state forbids
/// (learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors).
const REFUSED_AFTERWARDS: [&str; 4] =
    ["requestdisallowedbypolicy", "requestdisallowedbyazure", "scopelocked", "readonlydisabledsubscription"];

/// Codes of calls that failed before their permission was asked: the caller was not recognised, or turned away.
const BEFORE_AUTHORIZATION: [&str; 9] = [
    "authenticationfailed",
    "expiredauthenticationtoken",
    "invalidauthenticationinfo",
    "invalidauthenticationtoken",
    "invalidauthenticationtokentenant",
    "noauthenticationinformation",
    "subscriptionrequeststhrottled",
    "toomanyrequests",
    "unauthorized",
];

/// HTTP statuses by the names that .NET gives them.
const STATUSES: [(&str, u16); 10] = [
    ("unauthorized", 401),
    ("forbidden", 403),
    ("notfound", 404),
    ("conflict", 409),
    ("badrequest", 400),
    ("toomanyrequests", 429),
    ("preconditionfailed", 412),
    ("internalservererror", 500),
    ("serviceunavailable", 503),
    ("gatewaytimeout", 504),
];

/// Reads how a record of the Activity Log or a resource log ended.
pub(super) fn of(record: &Record<'_>) -> End {
    let properties = &record.properties;
    let word = record.result_type.get_or_number().or_else(|| record.status.get());
    let word = word.or_else(|| record.status_text.get()).unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    // ARM's "Started", "Accepted" and their like: the call goes on, and a later record tells its end.
    if matches!(
        word.as_str(),
        "start" | "started" | "accept" | "accepted" | "begin" | "in progress" | "inprogress" | "active"
    ) {
        return End { outcome: Outcome::Success, error_code: None, used: false };
    }
    let signature = record.result_signature.get_or_number().or_else(|| record.sub_status.get()).unwrap_or_default();
    let signature = signature.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let codes = [
        signature,
        properties.status_code.get_or_number().unwrap_or_default(),
        properties.http_status_code.get_or_number().unwrap_or_default(),
        record.status_code.get_or_number().unwrap_or_default(),
        word.as_str(),
    ];
    let status = codes.iter().find_map(|code| http_status(code)).unwrap_or_default();
    let failed =
        matches!(word.as_str(), "failure" | "failed" | "clienterror" | "servererror" | "error") || status >= 400;
    if !failed {
        return End::DONE;
    }
    let message = message_code(properties.status_message.get().unwrap_or_default());
    let plain = [record.status_text.get().unwrap_or_default(), signature].into_iter().find(|code| !code.is_empty());
    let code = message.or_else(|| plain.map(str::to_owned)).unwrap_or_else(|| codes[1].to_owned());
    failure(status, &code)
}

/// What a failure means by its HTTP status (0 when unknown) and code.
pub(super) fn failure(status: u16, code: &str) -> End {
    let lower = code.to_ascii_lowercase();
    let is = |list: &[&str]| list.contains(&lower.as_str());
    let denied = (status == 403 || is(&DENIED)) && !is(&REFUSED_AFTERWARDS);
    let outcome = if denied { Outcome::Denied } else { Outcome::Error };
    let before = matches!(status, 401 | 429) || is(&BEFORE_AUTHORIZATION);
    let error_code = Some(code).filter(|code| !code.is_empty()).map(Text::from);
    End { outcome, error_code, used: !denied && !before }
}

fn http_status(code: &str) -> Option<u16> {
    if let Ok(number) = code.parse::<u16>() {
        return Some(number).filter(|number| (100..600).contains(number));
    }
    STATUSES.iter().find(|(name, _)| name.eq_ignore_ascii_case(code)).map(|(_, number)| *number)
}

/// The code within a `statusMessage`: `{"error":{"code":"AuthorizationFailed","message":…}}`.
fn message_code(message: &str) -> Option<String> {
    if !message.starts_with('{') {
        return None;
    }
    let paths: [&[&str]; 4] = [&["error", "code"], &["code"], &["Code"], &["error", "Code"]];
    let found = paths.iter().find_map(|path| {
        let value = sonic_rs::get(message, path.iter()).ok()?;
        sonic_rs::from_str::<String>(value.as_raw_str()).ok()
    });
    found.filter(|code| !code.is_empty() && code.len() <= 128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exporters_words_are_understood() {
        let refused = r#"\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"…\"}"#;
        let policy = r#"\"error\":{\"code\":\"RequestDisallowedByPolicy\"}"#;
        for (record, expected) in [
            (r#"{"resultType":"Success","resultSignature":"Succeeded.OK"}"#.to_owned(), "success - true"),
            (r#"{"resultType":"Start","resultSignature":"Started."}"#.to_owned(), "success - false"),
            (r#"{"resultType":"Accept","resultSignature":"Accepted.Accepted"}"#.to_owned(), "success - false"),
            (r#"{"status":{"value":"Started"},"subStatus":{"value":""}}"#.to_owned(), "success - false"),
            (r#"{"status":{"value":"Succeeded"},"subStatus":{"value":"Created"}}"#.to_owned(), "success - true"),
            (r#"{"status":{"value":"Failed"},"subStatus":{"value":"Forbidden"}}"#.to_owned(), "denied Forbidden false"),
            (r#"{"resultType":"Failed","resultSignature":"403"}"#.to_owned(), "denied 403 false"),
            (r#"{"resultType":"Failure","resultSignature":"Failed.NotFound"}"#.to_owned(), "error NotFound true"),
            (r#"{"resultType":"Failed","resultSignature":409}"#.to_owned(), "error 409 true"),
            (
                format!(r#"{{"resultType":"Failure","properties":{{"statusMessage":"{{{refused}}}"}}}}"#),
                "denied AuthorizationFailed false",
            ),
            (
                format!(
                    r#"{{"resultType":"Failure","resultSignature":"Failed.Forbidden","properties":{{"statusMessage":"{{{policy}}}"}}}}"#
                ),
                "error RequestDisallowedByPolicy true",
            ),
            (
                r#"{"statusCode":403,"statusText":"AuthorizationPermissionMismatch"}"#.to_owned(),
                "denied AuthorizationPermissionMismatch false",
            ),
            (r#"{"statusCode":200,"statusText":"Success"}"#.to_owned(), "success - true"),
            (
                r#"{"resultType":"Success","resultSignature":"Unauthorized","properties":{"httpStatusCode":401}}"#
                    .to_owned(),
                "error Unauthorized false",
            ),
            (r#"{"statusCode":503,"statusText":"ServerBusy"}"#.to_owned(), "error ServerBusy true"),
            ("{}".to_owned(), "success - true"),
        ] {
            let end = of(&sonic_rs::from_str(&record).unwrap());
            let found = format!("{} {} {}", end.outcome, end.error_code.as_deref().unwrap_or("-"), end.used);
            assert_eq!(found, expected, "{record}");
        }
    }
}
