//! What is asked, and the policies it is asked of.

use std::sync::Arc;

use super::actions::Action;
use super::context::Context;
use super::identity::{Form, Identity, is_account};
use super::policy::CompiledPolicy;

/// A request. It borrows, so that many actions can be asked of one identity in one context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'r> {
    /// Who asks.
    pub identity: &'r Identity,
    /// The action.
    pub action: &'r Action,
    /// The resource's ARN; `*` for actions that have none.
    pub resource: &'r str,
    /// The account that owns the resource. When it is not said, the account in the ARN, and where there is none, as for S3
    /// and for AWS's own managed policies, the account of who asks.
    pub resource_account: Option<&'r str>,
    /// What else is known.
    pub context: &'r Context,
}

impl Request<'_> {
    /// Whether who asks and the resource belong to one account. Who belongs to no account has nothing but the resource's
    /// policy to go by, see [`Self::is_outside`].
    pub(super) fn is_same_account(&self) -> bool {
        let owner = self.resource_account.or_else(|| account_of(self.resource));
        owner.is_none_or(|owner| self.identity.account() == Some(owner))
    }

    /// Whether who asks belongs to no account that has policies for it: services, identity providers, canonical users,
    /// unsigned requests.
    pub(super) fn is_outside(&self) -> bool {
        match self.identity.form() {
            Form::Service | Form::Federated | Form::Canonical | Form::Anonymous => true,
            Form::Root | Form::User | Form::Role | Form::RoleSession | Form::FederatedUser => false,
        }
    }
}

/// The account in an ARN: what stands between the fourth colon and the fifth, if it is an account number.
fn account_of(arn: &str) -> Option<&str> {
    let mut colons = memchr::memchr_iter(b':', arn.as_bytes());
    let (from, to) = (colons.nth(3)? + 1, colons.next()?);
    Some(&arn[from..to]).filter(|account| is_account(account))
}

/// A request that owns what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRequest {
    /// Who asks.
    pub identity: Identity,
    /// The action.
    pub action: Action,
    /// See [`Request::resource`].
    pub resource: String,
    /// See [`Request::resource_account`].
    pub resource_account: Option<String>,
    /// What else is known.
    pub context: Context,
}

impl OwnedRequest {
    /// The request itself.
    #[must_use]
    pub fn as_request(&self) -> Request<'_> {
        Request {
            identity: &self.identity,
            action: &self.action,
            resource: &self.resource,
            resource_account: self.resource_account.as_deref(),
            context: &self.context,
        }
    }
}

/// The policies that bear on a request. Shared: identities that have a policy in common have the compiled one in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policies {
    /// Inline and attached policies of the identity, and those of its groups.
    pub identity: Vec<Arc<CompiledPolicy>>,
    /// The identity's permissions boundary.
    pub boundary: Option<Arc<CompiledPolicy>>,
    /// What was passed when the session was made.
    pub session: Option<Arc<CompiledPolicy>>,
    /// SCPs of the identity's account: a list per level, the organization's root first, the account last. Empty outside an
    /// organization and for its management account.
    pub scps: Vec<Vec<Arc<CompiledPolicy>>>,
    /// RCPs of the resource's account, likewise.
    pub rcps: Vec<Vec<Arc<CompiledPolicy>>>,
    /// The policy of the resource: of the bucket, the key, the role that is assumed.
    pub resource: Option<Arc<CompiledPolicy>>,
    /// Policies of the VPC endpoints that the request comes through.
    pub endpoints: Vec<Arc<CompiledPolicy>>,
}

impl Policies {
    /// Every policy in the order of an explanation.
    pub fn iter(&self) -> impl Iterator<Item = &CompiledPolicy> {
        let organization = self.rcps.iter().flatten().chain(self.scps.iter().flatten());
        let attached = self.endpoints.iter().chain(&self.resource).chain(&self.identity);
        organization.chain(attached).chain(&self.boundary).chain(&self.session).map(|policy| &**policy)
    }
}
