//! The one place that writes identity ids, so that logs and entitlements speak of the same identity.
//!
//! | cloud | id | from |
//! |---|---|---|
//! | AWS | `aws:<account>:<kind>/<name without path>` | an `assumed-role` ARN has no path, so none is kept |
//! | AWS service | `aws:service/<host>` | `invokedBy`, `userIdentity.type = AWSService` |
//! | AWS Identity Center | `aws:<account or directory>:workforce/<name>` | the session name of an `AWSReservedSSO_*` role |
//! | Azure | `azure:<tenant>:<object id>`, lower case | never a UPN or an app id, where an object id is known |
//! | GCP | `gcp:<e-mail>`, lower case | `deleted:` members keep their `?uid=` |

use crate::IdentityId;

/// An AWS identity. `name` may carry a path, which is cut off.
#[must_use]
pub fn aws(account: &str, kind: &str, name: &str) -> IdentityId {
    let name = name.rsplit('/').next().unwrap_or(name);
    IdentityId::from(format!("aws:{account}:{kind}/{name}"))
}

/// The root user of an AWS account.
#[must_use]
pub fn aws_root(account: &str) -> IdentityId {
    IdentityId::from(format!("aws:{account}:root"))
}

/// An AWS service that acts for itself, by its host such as `config.amazonaws.com`.
#[must_use]
pub fn aws_service(host: &str) -> IdentityId {
    IdentityId::from(format!("aws:service/{}", host.to_ascii_lowercase()))
}

/// The identity an AWS ARN names: user, role, group, assumed role (its role), federated user, root; `None` for others.
#[must_use]
pub fn aws_of_arn(arn: &str) -> Option<IdentityId> {
    let mut parts = arn.splitn(6, ':');
    let (scheme, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_region, account, rest) = (parts.next()?, parts.next()?, parts.next()?);
    if scheme != "arn" || !matches!(service, "iam" | "sts") {
        return None;
    }
    if rest == "root" {
        return Some(aws_root(account));
    }
    let (kind, path) = rest.split_once('/')?;
    match kind {
        "user" | "role" | "group" => Some(aws(account, kind, path)),
        "assumed-role" => Some(aws(account, "role", path.split('/').next()?)),
        "federated-user" => Some(aws(account, "federated", path)),
        _ => None,
    }
}

/// The ARN of an AWS identity's id, without the path of its name, which the id does not keep; `None` for other ids.
#[must_use]
pub fn aws_arn(id: &str) -> Option<String> {
    let (account, name) = id.strip_prefix("aws:")?.split_once(':')?;
    Some(format!("arn:aws:iam::{account}:{name}"))
}

/// An Azure identity by its object id.
#[must_use]
pub fn azure(tenant: &str, object_id: &str) -> IdentityId {
    IdentityId::from(format!("azure:{}:{}", tenant.to_ascii_lowercase(), object_id.to_ascii_lowercase()))
}

/// A GCP identity by its e-mail, or by its whole principal (`deleted:…?uid=…`, `principal://…`) where it has none.
#[must_use]
pub fn gcp(email: &str) -> IdentityId {
    IdentityId::from(format!("gcp:{}", email.to_lowercase()))
}

/// The object id by which Azure's deny assignments name everybody.
pub const AZURE_EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Whether denies under an id are meant for everybody of its cloud: Azure's id of zeros, GCP's `allUsers`.
#[must_use]
pub fn is_everybody(id: &str) -> bool {
    let of_azure = |rest: &str| rest.split_once(':').is_some_and(|(_, object)| object == AZURE_EVERYBODY);
    id == "gcp:allusers" || id.strip_prefix("azure:").is_some_and(of_azure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_and_its_sessions_are_one_identity() {
        let role = aws_of_arn("arn:aws:iam::123456789012:role/team/path/Admin");
        let session = aws_of_arn("arn:aws:sts::123456789012:assumed-role/Admin/alice@example.com");
        assert_eq!(role, session);
        assert_eq!(role, Some(IdentityId::from("aws:123456789012:role/Admin")));
    }

    #[test]
    fn what_is_no_identity_has_no_id() {
        assert_eq!(aws_of_arn("arn:aws:s3:::bucket/key"), None);
        assert_eq!(aws_of_arn("AIDAEXAMPLE"), None);
        assert_eq!(aws_of_arn("arn:aws:iam::1:policy/x"), None);
        assert_eq!(aws_of_arn("arn:aws-cn:iam::1:root"), Some(IdentityId::from("aws:1:root")));
    }

    #[test]
    fn azure_and_gcp_ids_ignore_case() {
        assert_eq!(azure("TENANT", "Object"), "azure:tenant:object");
        assert_eq!(gcp("Alice@Example.com"), "gcp:alice@example.com");
    }
}
