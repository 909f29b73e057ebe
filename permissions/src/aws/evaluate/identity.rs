//! Who asks: what a principal's ARN or name says.

use smol_str::SmolStr;

use crate::aws::arn::Arn;

/// What kind of principal asks (AWS JSON policy elements: Principal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// The root user of an account.
    Root,
    /// An IAM user.
    User,
    /// A role, where its sessions do not matter: any of them.
    Role,
    /// A session of a role.
    RoleSession,
    /// A session from `GetFederationToken`.
    FederatedUser,
    /// An AWS service by its host name.
    Service,
    /// Somebody from an identity provider, on the way to a role.
    Federated,
    /// An account by the canonical user id that S3 uses.
    Canonical,
    /// Nobody in particular: an unsigned request.
    Anonymous,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    form: Form,
    text: SmolStr,
    account: SmolStr,
    name: SmolStr,
    service_linked: bool,
}

impl Identity {
    /// Reads a principal: an ARN, an account number (its root user), a service's host name, an identity provider's ARN or
    /// host name, a canonical user id; `*` or `anonymous` is an unsigned request. A host name is a service if it lies in
    /// `amazonaws.com` and does not belong to Cognito, and an identity provider otherwise.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        let of = |form| Ok(Self::new(form, text, "", text));
        match text {
            "*" | "anonymous" => of(Form::Anonymous),
            _ if text.starts_with("arn:") => Self::of_arn(text),
            _ if is_account(text) => Ok(Self::new(Form::Root, &format!("arn:aws:iam::{text}:root"), text, "root")),
            _ if is_canonical(text) => of(Form::Canonical),
            _ if text.starts_with("cognito-identity.") => of(Form::Federated),
            _ if is_service(text) => of(Form::Service),
            _ if text.contains('.') && !text.contains(char::is_whitespace) => of(Form::Federated),
            _ => Err(format!("`{}` is no principal", super::short(text))),
        }
    }

    /// What kind of principal it is.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Its ARN or name; an account number is the ARN of its root user.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The account it belongs to; `None` for services, identity providers and unsigned requests.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        (!self.account.is_empty()).then_some(&*self.account)
    }

    /// The name without its path: of the user, the role, the federated user.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a service-linked role or a session of one, which neither SCPs nor RCPs limit. A session's ARN has no
    /// path, so there the prefix of the name decides, which IAM gives to service-linked roles.
    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        self.service_linked
    }

    /// The value of `aws:PrincipalArn`: the role's ARN for a session of it.
    pub(super) fn principal_arn(&self) -> Option<SmolStr> {
        match self.form {
            Form::RoleSession => {
                let partition = Arn::parse(&self.text)?.partition;
                let path = if self.service_linked { "aws-service-role/" } else { "" };
                Some(SmolStr::from(format!("arn:{partition}:iam::{}:role/{path}{}", self.account, self.name)))
            }
            Form::Root | Form::User | Form::Role | Form::FederatedUser => Some(self.text.clone()),
            Form::Service | Form::Federated | Form::Canonical | Form::Anonymous => None,
        }
    }

    /// The value of `aws:PrincipalType` (IAM policy elements: Variables and tags, «Principal key values»).
    pub(super) fn principal_type(&self) -> Option<&'static str> {
        match self.form {
            Form::Root => Some("Account"),
            Form::User => Some("User"),
            Form::Role | Form::RoleSession => Some("AssumedRole"),
            Form::FederatedUser => Some("FederatedUser"),
            Form::Anonymous => Some("Anonymous"),
            Form::Service | Form::Federated | Form::Canonical => None,
        }
    }

    fn of_arn(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no principal's ARN", super::short(text));
        let arn = Arn::parse(text).ok_or_else(wrong)?;
        let account = arn.account.filter(|account| is_account(account)).ok_or_else(wrong)?;
        let (kind, path) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
        let last = path.rsplit('/').next().unwrap_or_default();
        let (form, name) = match (arn.service, kind) {
            ("iam", "root") if path.is_empty() => return Ok(Self::new(Form::Root, text, account, "root")),
            ("iam", "user") => (Form::User, last),
            ("iam", "role") => (Form::Role, last),
            ("sts", "federated-user") => (Form::FederatedUser, path),
            ("iam", "saml-provider" | "oidc-provider") => {
                return Ok(Self::new(Form::Federated, text, "", path));
            }
            ("sts", "assumed-role") => {
                let (role, session) = path.split_once('/').ok_or_else(wrong)?;
                if session.is_empty() {
                    return Err(wrong());
                }
                (Form::RoleSession, role)
            }
            _ => return Err(wrong()),
        };
        if name.is_empty() {
            return Err(wrong());
        }
        let mut identity = Self::new(form, text, account, name);
        identity.service_linked = match form {
            Form::Role => path.starts_with("aws-service-role/"),
            Form::RoleSession => name.starts_with("AWSServiceRoleFor"),
            _ => false,
        };
        Ok(identity)
    }

    fn new(form: Form, text: &str, account: &str, name: &str) -> Self {
        Self { form, text: text.into(), account: account.into(), name: name.into(), service_linked: false }
    }
}

/// Twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Sixty-four hexadecimal digits (Amazon S3, «Finding the canonical user ID»).
pub(super) fn is_canonical(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `service.amazonaws.com`, with a region or in China.
fn is_service(text: &str) -> bool {
    text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_says_what_it_is() {
        let canonical = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
        for (text, form, account, name) in [
            ("arn:aws:iam::111122223333:root", Form::Root, Some("111122223333"), "root"),
            ("111122223333", Form::Root, Some("111122223333"), "root"),
            ("arn:aws:iam::111122223333:user/team/bob", Form::User, Some("111122223333"), "bob"),
            ("arn:aws-cn:iam::111122223333:role/r", Form::Role, Some("111122223333"), "r"),
            ("arn:aws:sts::111122223333:assumed-role/r/a/b", Form::RoleSession, Some("111122223333"), "r"),
            ("arn:aws:sts::111122223333:federated-user/bob", Form::FederatedUser, Some("111122223333"), "bob"),
            ("arn:aws:iam::111122223333:saml-provider/idp", Form::Federated, None, "idp"),
            ("ec2.amazonaws.com", Form::Service, None, "ec2.amazonaws.com"),
            ("cognito-identity.amazonaws.com", Form::Federated, None, "cognito-identity.amazonaws.com"),
            ("accounts.google.com", Form::Federated, None, "accounts.google.com"),
            (canonical, Form::Canonical, None, canonical),
            ("*", Form::Anonymous, None, "*"),
        ] {
            let identity = Identity::parse(text).unwrap();
            assert_eq!((identity.form(), identity.account(), identity.name()), (form, account, name), "{text}");
        }
        for text in ["", "bob", "arn:aws:iam::1:user/bob", "arn:aws:iam::111122223333:group/g", "arn:", "a b.c"] {
            assert!(Identity::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_service_linked_role_is_known_by_path_or_name() {
        for (text, linked) in [
            ("arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", true),
            ("arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s", true),
            ("arn:aws:iam::111122223333:role/AWSServiceRoleForX", false),
            ("arn:aws:sts::111122223333:assumed-role/r/AWSServiceRoleForX", false),
        ] {
            assert_eq!(Identity::parse(text).unwrap().is_service_linked(), linked, "{text}");
        }
    }
}
