//! Whom a statement names: `Principal` and `NotPrincipal` (AWS JSON policy elements: Principal,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>; NotPrincipal,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>).

use serde_json::Value;
use smol_str::SmolStr;

use super::identity::{Form, Identity, is_account, is_canonical};
use super::short;
use crate::truth::Truth;

/// Names in one element beyond which it is refused.
const MAX_NAMES: usize = 8192;

/// How directly a statement names who asks, and so what else limits what it grants (Policy evaluation for requests within a
/// single account, «Resource-based policies»).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// It does not.
    None,
    /// By the account, which hands the decision to the account's own policies.
    Account,
    /// By the role of a session, or by the user behind a federated session: boundary and session policy still limit.
    Behind,
    /// By itself, or as anybody: nothing but an explicit deny limits.
    Itself,
}

/// Whom a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// There is no such element: whoever the policy is attached to.
    Attached,
    Named(Box<[Named]>),
    NotNamed(Box<[Named]>),
}

/// One principal of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Everyone,
    Account(SmolStr),
    /// A user, a session or a federated user by the whole ARN; for users also account and name.
    Arn {
        arn: SmolStr,
        user: Option<(SmolStr, SmolStr)>,
    },
    /// A role by account and name: names are unique in an account whatever the path.
    Role {
        account: SmolStr,
        name: SmolStr,
    },
    Service(SmolStr),
    AnyService,
    Federated(SmolStr),
    AnyFederated,
    Canonical(SmolStr),
    /// The id of a user or role that was deleted since: matches nobody.
    Deleted,
}

impl Who {
    /// Reads `"*"`, or an object of kinds.
    ///
    /// # Errors
    /// When a name cannot be one: a part of a name cannot be a wildcard.
    pub(super) fn parse(element: &Value, negated: bool) -> Result<Self, String> {
        let mut names = Vec::new();
        match element {
            Value::String(text) if text == "*" => names.push(Named::Everyone),
            Value::Object(kinds) if !kinds.is_empty() => {
                for (kind, value) in kinds {
                    let list = match value {
                        Value::Array(list) => list.as_slice(),
                        one => std::slice::from_ref(one),
                    };
                    for name in list.iter().take(MAX_NAMES) {
                        let name = name.as_str().ok_or("a principal is not a string")?;
                        names.push(Named::parse(kind, name)?);
                    }
                    if list.len() > MAX_NAMES {
                        return Err(format!("more than {MAX_NAMES} principals"));
                    }
                }
            }
            _ => return Err("the principal is neither `*` nor an object".to_owned()),
        }
        Ok(if negated { Self::NotNamed(names.into()) } else { Self::Named(names.into()) })
    }

    /// How directly an `Allow` names who asks. `NotPrincipal` names everybody whom nothing in it could mean.
    pub(super) fn allows(&self, identity: &Identity) -> Naming {
        match self {
            Self::Attached => Naming::Itself,
            Self::Named(names) => names.iter().map(|name| name.naming(identity)).max().unwrap_or(Naming::None),
            Self::NotNamed(names) => {
                let excepted = names.iter().any(|name| name.naming(identity) > Naming::None || name.may_be(identity));
                if excepted { Naming::None } else { Naming::Itself }
            }
        }
    }

    /// Whether a `Deny` is about who asks. `NotPrincipal` spares whom it names by its own ARN: naming the role does not
    /// spare its sessions, naming the account does not spare its users.
    pub(super) fn denies(&self, identity: &Identity) -> Truth {
        let (names, negated) = match self {
            Self::Attached => return Truth::True,
            Self::Named(names) => (names, false),
            Self::NotNamed(names) => (names, true),
        };
        let least = if negated { Naming::Itself } else { Naming::Account };
        let named = if names.iter().any(|name| name.naming(identity) >= least || negated && name.is(identity)) {
            Truth::True
        } else if names.iter().any(|name| name.may_be(identity)) {
            Truth::Unknown
        } else {
            Truth::False
        };
        if negated { named.not() } else { named }
    }
}

impl Named {
    fn parse(kind: &str, name: &str) -> Result<Self, String> {
        let unreadable = || format!("`{}` is no `{}` principal", short(name), short(kind));
        let partly_wild = name.contains(['*', '?']) && name != "*";
        match (kind.to_ascii_lowercase().as_str(), name) {
            ("aws", "*") => Ok(Self::Everyone),
            _ if partly_wild || name.is_empty() => Err(unreadable()),
            ("aws", _) => Self::parse_aws(name).ok_or_else(unreadable),
            ("service", "*") => Ok(Self::AnyService),
            ("service", _) => Ok(Self::Service(name.into())),
            ("federated", "*") => Ok(Self::AnyFederated),
            ("federated", _) => Ok(Self::Federated(name.into())),
            ("canonicaluser", _) if is_canonical(name) => Ok(Self::Canonical(name.to_ascii_lowercase().into())),
            _ => Err(unreadable()),
        }
    }

    fn parse_aws(name: &str) -> Option<Self> {
        if is_account(name) {
            return Some(Self::Account(name.into()));
        }
        if name.starts_with(['A']) && name.len() >= 16 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Some(Self::Deleted);
        }
        let identity = Identity::parse(name).ok()?;
        let account: SmolStr = identity.account()?.into();
        Some(match identity.form() {
            Form::Root => Self::Account(account),
            Form::Role => Self::Role { account, name: identity.name().into() },
            Form::User => Self::Arn { arn: name.into(), user: Some((account, identity.name().into())) },
            Form::RoleSession | Form::FederatedUser => Self::Arn { arn: name.into(), user: None },
            Form::Service | Form::Federated | Form::Canonical | Form::Anonymous => return None,
        })
    }

    fn naming(&self, identity: &Identity) -> Naming {
        let (form, direct) = (identity.form(), |is: bool| if is { Naming::Itself } else { Naming::None });
        match self {
            Self::Everyone => Naming::Itself,
            Self::Account(account) if identity.account() != Some(account) => Naming::None,
            Self::Account(_) if form == Form::Root => Naming::Itself,
            Self::Account(_) => Naming::Account,
            Self::Arn { arn, user } => match user {
                _ if arn == identity.text() => Naming::Itself,
                Some((account, name)) if form == Form::FederatedUser && belongs(identity, account, name) => {
                    Naming::Behind
                }
                _ => Naming::None,
            },
            Self::Role { account, name } => {
                let is_role = matches!(form, Form::Role | Form::RoleSession);
                if is_role && belongs(identity, account, name) { Naming::Behind } else { Naming::None }
            }
            Self::Service(name) => direct(form == Form::Service && name == identity.text()),
            Self::AnyService => direct(form == Form::Service),
            Self::Federated(name) => direct(form == Form::Federated && name == identity.text()),
            Self::AnyFederated => direct(form == Form::Federated),
            Self::Canonical(id) => direct(form == Form::Canonical && identity.text().eq_ignore_ascii_case(id)),
            Self::Deleted => Naming::None,
        }
    }

    /// Whether it is this very identity, as `NotPrincipal` counts: a role that asks as itself is its role.
    fn is(&self, identity: &Identity) -> bool {
        matches!(self, Self::Role { .. }) && identity.form() == Form::Role && self.naming(identity) > Naming::None
    }

    /// Whether it might be who asks for all one knows: a canonical user id is an account, but does not say which.
    fn may_be(&self, identity: &Identity) -> bool {
        matches!(self, Self::Canonical(_)) && identity.account().is_some()
            || matches!(self, Self::Account(_)) && identity.form() == Form::Canonical
    }
}

fn belongs(identity: &Identity, account: &str, name: &str) -> bool {
    identity.account() == Some(account) && identity.name() == name
}
