//! Whom a resource or trust policy names (AWS JSON policy elements: Principal,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>).

use super::Document;
use crate::aws::arn::Arn;
use crate::lint::json::Node;
use crate::lint::nearest::hint;
use crate::lint::{Found, Kind, RuleId, short};

const KINDS: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    if matches!(document.kind, Kind::AwsIdentity | Kind::AwsBoundary | Kind::AwsSession | Kind::AwsScp) {
        return;
    }
    for statement in &document.statements {
        for element in statement.principal.iter().chain(&statement.not_principal) {
            principal(element, statement.principal.is_some(), found);
        }
    }
}

fn principal(element: &Node, positive: bool, found: &mut Found) {
    match element.text() {
        Some("*") => return,
        Some(text) => {
            let message = format!("`Principal` is `{}`, neither `*` nor an object", short(text));
            return found.add(RuleId::AwsPrincipalInvalid, element.start, message);
        }
        None if !element.is_object() || element.members().is_empty() => {
            let message = format!("`Principal` is {} that names nobody", element.kind());
            return found.add(RuleId::AwsPrincipalInvalid, element.start, message);
        }
        None => {}
    }
    for member in element.members() {
        if !KINDS.contains(&member.key.as_str()) {
            let hint = hint(&member.key, KINDS);
            let message = format!("no kind of principal is called `{}`{hint}", short(&member.key));
            found.add(RuleId::AwsPrincipalInvalid, member.start, message);
            continue;
        }
        for value in member.value.many() {
            let Some(text) = value.text() else {
                let message = format!("a principal is {}, not a string", value.kind());
                found.add(RuleId::AwsPrincipalInvalid, value.start, message);
                continue;
            };
            one(&member.key, text, value.start, positive, found);
        }
    }
}

fn one(kind: &str, text: &str, at: u32, positive: bool, found: &mut Found) {
    let mut invalid = |why: &str| found.add(RuleId::AwsPrincipalInvalid, at, format!("`{}` {why}", short(text)));
    match kind {
        "AWS" if text == "*" || is_account(text) => {}
        "AWS" if is_unique_id(text) => {
            let message = format!("`{}` is the unique id of an identity that was deleted", short(text));
            found.add(RuleId::AwsPrincipalUniqueId, at, message);
        }
        "AWS" => match Arn::parse(text) {
            Some(arn) if matches!(arn.service, "iam" | "sts") && arn.account.is_some_and(is_account) => {
                if text.contains(['*', '?']) && positive {
                    invalid("has a wildcard: name identities in full, or use a condition on `aws:PrincipalArn`");
                }
            }
            // CloudFront's origin access identities have the account `cloudfront`.
            Some(arn) if arn.account == Some("cloudfront") => {}
            _ => invalid("is neither an account nor the ARN of an identity"),
        },
        "Service" if text.contains(['*', '?']) => invalid("has a wildcard: name the service in full"),
        "Service" if !text.contains('.') => invalid("is not a service such as `lambda.amazonaws.com`"),
        "CanonicalUser" if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            invalid("is not a canonical user id of 64 hexadecimal digits");
        }
        "Federated" if text != "*" && !text.starts_with("arn:") && !text.contains('.') => {
            invalid("is neither an identity provider's ARN nor its host name");
        }
        _ => {}
    }
}

/// Whether a text is an account id.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `AIDA…`, `AROA…`: what an ARN becomes when its identity is deleted.
fn is_unique_id(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    text.len() >= 16 && plain && ["AIDA", "AROA", "AGPA"].iter().any(|head| text.starts_with(head))
}
