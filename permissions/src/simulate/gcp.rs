//! GCP's cases: `"provider": "gcp"`, a request, and the policies on the path of its resource in their official forms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Error, MAX_CONTEXT_BYTES};
use crate::gcp::evaluate::{Action, Attached, Context, Facts, Identity, Path, Policies, Request, explain};

/// A case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Tells the clouds apart.
    pub provider: Gcp,
    /// Whatever tells it from others; the answer has the same.
    pub id: Value,
    /// What is asked.
    pub request: CaseRequest,
    /// Allow policies: `gcloud projects get-iam-policy`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_policies: Vec<AttachedPolicy>,
    /// Deny policies: `gcloud iam policies get`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny_policies: Vec<AttachedPolicy>,
    /// Custom roles: `gcloud iam roles describe`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Value>,
}

/// The word `gcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gcp {
    /// The only value.
    Gcp,
}

/// A policy and where it is attached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachedPolicy {
    /// `organizations/1`, `projects/p`, `//storage.googleapis.com/b`.
    pub resource: String,
    /// The policy.
    pub policy: Value,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRequest {
    /// Who asks, see [`Identity::parse`].
    pub principal: String,
    /// The addresses of its groups, those that it belongs to through other groups among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Groups of a pool's identity; not known when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_groups: Option<Vec<String>>,
    /// Attributes of a pool's identity; not known when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<BTreeMap<String, Vec<String>>>,
    /// The customer that the identity belongs to; not known when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The project, folders and organization that the identity belongs to, by number; not known when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<Vec<String>>,
    /// The permission, such as `storage.objects.get`.
    pub action: String,
    /// The resource: `projects/p`, `//storage.googleapis.com/b`.
    pub resource: String,
    /// What is above it, the organization first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ancestors: Vec<String>,
    /// Attributes of the request: `request.time`, `resource.type`; null for one that the service does not have. What is not
    /// here is not known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, Value>,
    /// What `api.getAttribute` finds, likewise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub api_attributes: BTreeMap<String, Value>,
    /// The resource's tags, inherited ones among them: `123456/env` to `prod`; not known when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// The same by id: `tagKeys/1` to `tagValues/2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_ids: Option<BTreeMap<String, String>>,
}

impl Case {
    /// Answers it.
    ///
    /// # Errors
    /// When its request names something that cannot be.
    pub fn answer(&self) -> Result<Answer, Error> {
        let (request, policies) = (self.request.read()?, self.policies());
        Ok(Answer::new(self.id.clone(), explain(&request, &policies), policies.errors().to_vec()))
    }

    /// Its policies, compiled.
    #[must_use]
    pub fn policies(&self) -> Policies {
        Policies::compile(&self.roles, &attached(&self.allow_policies), &attached(&self.deny_policies))
    }
}

fn attached(list: &[AttachedPolicy]) -> Vec<Attached<'_>> {
    list.iter().map(|one| Attached { resource: &one.resource, policy: &one.policy }).collect()
}

impl CaseRequest {
    /// Reads it.
    ///
    /// # Errors
    /// When a field names something that cannot be.
    pub fn read(&self) -> Result<Request, Error> {
        let wrong = |field, why: String| Error::Request { field, why };
        let facts = Facts {
            groups: self.groups.clone(),
            pool_groups: self.pool_groups.clone(),
            attributes: self.attributes.clone(),
            customer: self.customer.clone(),
            containers: self.containers.clone(),
        };
        Ok(Request {
            identity: Identity::parse(&self.principal, &facts).map_err(|why| wrong("principal", why))?,
            action: Action::parse(&self.action).map_err(|why| wrong("action", why))?,
            path: Path::new(&self.ancestors, &self.resource).map_err(|why| wrong("resource", why))?,
            context: self.context()?,
        })
    }

    fn context(&self) -> Result<Context, Error> {
        let wrong = |field, why: String| Error::Request { field, why };
        let values = self.context.values().chain(self.api_attributes.values());
        let n_bytes: usize = values.map(|value| value.to_string().len()).sum();
        if n_bytes > MAX_CONTEXT_BYTES {
            return Err(wrong("context", format!("{n_bytes} bytes of values, more than {MAX_CONTEXT_BYTES}")));
        }
        let mut context = Context::default();
        for (attribute, value) in &self.context {
            context.set(attribute, value).map_err(|why| wrong("context", format!("`{attribute}` {why}")))?;
        }
        for (name, value) in &self.api_attributes {
            context.set_api(name, value).map_err(|why| wrong("api_attributes", format!("`{name}` {why}")))?;
        }
        context.set_tags(self.tags.clone(), self.tag_ids.clone());
        context.fill_in(&self.resource);
        Ok(context)
    }
}
