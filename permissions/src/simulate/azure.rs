//! Azure's cases: `"provider": "azure"`, a request, and the tenant's documents in their official forms.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Error};
use crate::azure::evaluate::{Action, Documents, Explanation, Identity, Policies, Request, Resource, explain};

/// A case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Tells the clouds apart.
    pub provider: Azure,
    /// Whatever tells it from others; the answer has the same.
    pub id: Value,
    /// What is asked.
    pub request: CaseRequest,
    /// Role assignments: `az role assignment list --all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub role_assignments: Vec<Value>,
    /// Eligible assignments: `roleEligibilityScheduleInstances`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eligible_assignments: Vec<Value>,
    /// Deny assignments: `denyAssignments`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny_assignments: Vec<Value>,
    /// Custom roles: `az role definition list --custom-role-only`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub role_definitions: Vec<Value>,
    /// Classic administrators: `classicAdministrators`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classic_administrators: Vec<Value>,
}

/// The word `azure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Azure {
    /// The only value.
    Azure,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRequest {
    /// The object id of who asks.
    pub principal: String,
    /// The object ids of its groups, those that it belongs to through other groups among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Its active Entra directory roles, by name or id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directory_roles: Vec<String>,
    /// Its app roles of Microsoft Graph, by name or id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub app_roles: Vec<String>,
    /// The action, such as `Microsoft.Compute/virtualMachines/read`.
    pub action: String,
    /// Whether it is a data action, see [`Action::parse`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_data_action: Option<bool>,
    /// The resource's id: `/subscriptions/…`, or `/` for the tenant.
    pub resource: String,
    /// The management groups above it, the root first; not known when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_groups: Option<Vec<String>>,
}

impl Case {
    /// Answers it.
    ///
    /// # Errors
    /// When its request names something that cannot be.
    pub fn answer(&self) -> Result<Answer, Error> {
        let (request, policies) = (self.request.read()?, self.policies());
        let errors = policies.errors().to_vec();
        let Explanation { decided, could_activate, outside } = explain(&request, &policies);
        Ok(Answer { could_activate, outside, ..Answer::new(self.id.clone(), decided, errors) })
    }

    /// Its documents, compiled.
    #[must_use]
    pub fn policies(&self) -> Policies {
        Policies::compile(Documents {
            role_definitions: &self.role_definitions,
            role_assignments: &self.role_assignments,
            eligible_assignments: &self.eligible_assignments,
            deny_assignments: &self.deny_assignments,
            classic_administrators: &self.classic_administrators,
        })
    }
}

impl CaseRequest {
    /// Reads it.
    ///
    /// # Errors
    /// When a field names something that cannot be.
    pub fn read(&self) -> Result<Request, Error> {
        let wrong = |field, why: String| Error::Request { field, why };
        if self.principal.is_empty() {
            return Err(wrong("principal", "is empty".to_owned()));
        }
        let identity = Identity::new(&self.principal, self.groups.iter().map(String::as_str));
        Ok(Request {
            identity: identity.with_roles(&self.directory_roles, &self.app_roles),
            action: Action::parse(&self.action, self.is_data_action).map_err(|why| wrong("action", why))?,
            resource: Resource::parse(&self.resource, self.management_groups.as_deref())
                .map_err(|why| wrong("resource", why))?,
        })
    }
}
