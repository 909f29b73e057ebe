//! Who asks, and every name by which a policy can mean it.
//!
//! Source: Principal identifiers (<https://cloud.google.com/iam/docs/principal-identifiers>), IAM principals
//! (<https://cloud.google.com/iam/docs/principals-overview>). Allow policies and deny policies spell the same identity
//! differently; here all have the spelling of allow policies.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::member::{Member, member};

/// What an identity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// A Google Account.
    User,
    /// A service account.
    ServiceAccount,
    /// Somebody of a workforce or workload identity pool.
    Federated,
    /// Somebody who is not signed in.
    Anonymous,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    form: Form,
    /// Every name that means it, in the spelling of [`member`].
    names: Vec<SmolStr>,
    /// Of whom the pool's identity is: `//iam.googleapis.com/…/workloadIdentityPools/p`.
    pool: Option<SmolStr>,
    facts: Known,
}

/// Which facts about it are known, so that a name that rests on others is not taken for absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    attributes: bool,
    customer: bool,
    containers: bool,
}

/// What is known of an identity besides its name. `None` is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The addresses of its groups, those that it belongs to through other groups among them.
    pub groups: Vec<String>,
    /// Groups of a pool's identity, as its provider maps them.
    pub pool_groups: Option<Vec<String>>,
    /// Attributes of a pool's identity, as its provider maps them, each with its values.
    pub attributes: Option<BTreeMap<String, Vec<String>>>,
    /// The id of the Google Workspace or Cloud Identity customer that it belongs to.
    pub customer: Option<String>,
    /// The project, folders and organization that it belongs to: `projects/123`, `organizations/1`.
    pub containers: Option<Vec<String>>,
}

impl Identity {
    /// Reads an identity in a spelling of either kind of policy: `user:ann@example.com`, `serviceAccount:…`,
    /// `principal://…/subject/…`; `allUsers` is somebody who is not signed in.
    ///
    /// # Errors
    /// When it is no single identity.
    pub fn parse(text: &str, facts: &Facts) -> Result<Self, String> {
        let wrong = || format!("`{}` is no identity; one is `user:ann@example.com`", super::short(text));
        let Member::Named(name) = member(text) else { return Err(wrong()) };
        let (form, pool) = match name.split_once(':') {
            None if name == "allUsers" => (Form::Anonymous, None),
            Some(("user", _)) => (Form::User, None),
            Some(("serviceAccount", _)) => (Form::ServiceAccount, None),
            Some(("principal", rest)) if rest.contains("/subject/") => {
                (Form::Federated, rest.split_once("/subject/").map(|(pool, _)| SmolStr::new(pool)))
            }
            _ => return Err(wrong()),
        };
        let known = Known {
            attributes: facts.attributes.is_some() && facts.pool_groups.is_some(),
            customer: facts.customer.is_some(),
            containers: facts.containers.is_some(),
        };
        let names = names(form, &name, pool.as_deref(), facts);
        Ok(Self { form, names, pool, facts: known })
    }

    /// What it is.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Every name that means it.
    pub(super) fn names(&self) -> &[SmolStr] {
        &self.names
    }

    /// Whether a name that does not mean it by what is known may yet do so.
    pub(super) fn may_be(&self, name: &str) -> bool {
        if self.form == Form::Anonymous {
            return false;
        }
        if name.starts_with("principalSet://goog/cloudIdentityCustomerId/") {
            return !self.facts.customer && self.form != Form::Federated;
        }
        if let Some(container) = name.strip_prefix("principalSet://cloudresourcemanager.googleapis.com/") {
            let other_form = container.ends_with("/type/ServiceAccount") && self.form != Form::ServiceAccount;
            return !self.facts.containers && !other_form;
        }
        let of_pool = self.pool.as_deref().zip(name.strip_prefix("principalSet:"));
        of_pool.is_some_and(|(pool, set)| !self.facts.attributes && is_below(set, pool))
    }
}

fn is_below(set: &str, pool: &str) -> bool {
    set.strip_prefix(pool).is_some_and(|rest| rest.starts_with('/'))
}

fn names(form: Form, name: &SmolStr, pool: Option<&str>, facts: &Facts) -> Vec<SmolStr> {
    let mut names = vec![name.clone(), SmolStr::new_static("allUsers")];
    if form == Form::Anonymous {
        return names;
    }
    if matches!(form, Form::User | Form::ServiceAccount) {
        names.push("allAuthenticatedUsers".into());
    }
    if let (Form::User, Some((_, domain))) = (form, name.split_once('@')) {
        names.push(format!("domain:{domain}").into());
    }
    names.extend(facts.groups.iter().map(|group| SmolStr::from(format!("group:{}", group.to_lowercase()))));
    if let Some(customer) = &facts.customer {
        names.push(format!("principalSet://goog/cloudIdentityCustomerId/{customer}").into());
    }
    for container in facts.containers.iter().flatten() {
        let set = format!("principalSet://cloudresourcemanager.googleapis.com/{container}");
        if form == Form::ServiceAccount {
            names.push(format!("{set}/type/ServiceAccount").into());
        }
        names.push(set.into());
    }
    if let Some(pool) = pool {
        names.extend(sets(name, pool, facts).into_iter().map(|set| format!("principalSet:{pool}/{set}").into()));
    }
    names
}

/// The sets of a pool that hold an identity of it.
fn sets(name: &str, pool: &str, facts: &Facts) -> Vec<String> {
    let mut sets = vec!["*".to_owned()];
    sets.extend(facts.pool_groups.iter().flatten().map(|group| format!("group/{group}")));
    for (attribute, values) in facts.attributes.iter().flatten() {
        sets.extend(values.iter().map(|value| format!("attribute.{attribute}/{value}")));
    }
    // A workload of Kubernetes: its subject tells its namespace.
    let subject = name.strip_prefix("principal:").and_then(|rest| rest.strip_prefix(pool));
    let namespace = subject.and_then(|rest| rest.strip_prefix("/subject/ns/")).and_then(|rest| rest.split_once("/sa/"));
    sets.extend(namespace.map(|(namespace, _)| format!("namespace/{namespace}")));
    sets
}
