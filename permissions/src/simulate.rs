//! One case a line: a request and its policies in, a verdict out. The shape that `overgrant simulate` reads and writes.

pub mod azure;
pub mod gcp;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::Text;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::aws::evaluate::{
    Action, CompiledPolicy, Context, Identity, OwnedRequest, Policies, PolicyKind, Unnamed, explain, is_account, short,
};
use crate::azure::tiers::Outside;
use crate::decision::{Deciding, Explanation, Verdict};

/// Longest line that is read; AWS's own limits keep all policies that bear on one request below a tenth of it.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// Longest resource ARN; AWS's limit is 2,048 characters.
const MAX_RESOURCE_BYTES: usize = 8192;
/// Keys and values of a context together; AWS fills in a few dozen. This and the next bound, with [`MAX_LINE_BYTES`], the time
/// that a case can take: seconds for what is made to be slow.
const MAX_CONTEXT_VALUES: usize = 512;
/// Bytes of all values of a context together.
const MAX_CONTEXT_BYTES: usize = 8 << 10;

/// Why a line has no answer.
#[derive(Debug, Error)]
pub enum Error {
    /// It is longer than [`MAX_LINE_BYTES`].
    #[error("the case has {0} bytes, more than {MAX_LINE_BYTES}")]
    TooLong(usize),
    /// It is not JSON, or of another shape.
    #[error("the case is not of the documented shape")]
    Shape(#[from] serde_json::Error),
    /// The request names something that cannot be.
    #[error("`request.{field}`: {why}")]
    Request {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// A case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Whatever tells it from others; the answer has the same.
    pub id: Value,
    /// What is asked.
    pub request: CaseRequest,
    /// Inline and attached policies of the identity, and those of its groups.
    #[serde(default)]
    pub identity_policies: Vec<NamedDocument>,
    /// The identity's permissions boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Value>,
    /// What was passed when the session was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_policy: Option<Value>,
    /// SCPs of the identity's account: a list per level, the organization's root first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scps: Vec<Vec<Value>>,
    /// RCPs of the resource's account, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rcps: Vec<Vec<Value>>,
    /// The resource's policy; the trust policy of a role that is assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_policy: Option<Value>,
    /// Policies of the VPC endpoints that the request comes through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoint_policies: Vec<Value>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRequest {
    /// Who asks, see [`Identity::parse`].
    pub principal: String,
    /// The action, such as `s3:GetObject`.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// The account that owns it, see [`crate::aws::evaluate::Request::resource_account`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_account: Option<String>,
    /// The context as it is: a key that is not named here is not in the request.
    #[serde(default)]
    pub context: BTreeMap<String, Vec<String>>,
    /// Keys that may have several values, whatever they have here; keys that have several are among them in any case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub multivalued_keys: Vec<String>,
}

/// A policy of the identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedDocument {
    /// What it is called in the answer.
    pub name: String,
    /// The document.
    pub document: Value,
}

/// The answer to a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The case's.
    pub id: Value,
    /// Whether the request is allowed.
    pub verdict: Verdict,
    /// The statements that decided. Policies without a name are called by their place in the case: `scps[0][1]`.
    pub statements: Vec<Deciding>,
    /// What the verdict is conditional on; here only statements that could not be read and may deny.
    pub conditional_on: Vec<Text>,
    /// Azure: eligible assignments that do or may grant it once activated; not there when none does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub could_activate: Vec<Deciding>,
    /// Azure: what the identity holds outside of role assignments, and classic administrators; not there when nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<Outside>,
    /// Statements that could not be read, each with its place; not there when all could.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Text>,
}

/// Which cloud a case is about: without a word it is AWS.
#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    provider: Option<String>,
}

/// Answers one line: a [`Case`] of AWS, an [`azure::Case`] or a [`gcp::Case`], by its `provider`.
///
/// # Errors
/// When the line is too long, not of the shape of a [`Case`], or its request names something that cannot be. A malformed
/// policy is no error: it is in [`Answer::errors`].
pub fn simulate(line: &str) -> Result<Answer, Error> {
    if line.len() > MAX_LINE_BYTES {
        return Err(Error::TooLong(line.len()));
    }
    let which: Which = serde_json::from_str(line)?;
    match which.provider.as_deref() {
        Some("azure") => serde_json::from_str::<azure::Case>(line)?.answer(),
        Some("gcp") => serde_json::from_str::<gcp::Case>(line)?.answer(),
        _ => serde_json::from_str::<Case>(line)?.answer(),
    }
}

impl Answer {
    /// What an evaluator explained, without what only some clouds have.
    fn new<R>(id: Value, explained: Explanation<R>, errors: Vec<Text>) -> Self {
        let Explanation { decision, statements } = explained;
        Self {
            id,
            verdict: decision.verdict,
            statements,
            conditional_on: decision.conditional_on,
            could_activate: Vec::new(),
            outside: Vec::new(),
            errors,
        }
    }
}

impl Case {
    /// Answers it.
    ///
    /// # Errors
    /// When its request names something that cannot be.
    pub fn answer(&self) -> Result<Answer, Error> {
        let (request, policies) = (self.request.read()?, self.policies());
        let errors = policies.iter().flat_map(CompiledPolicy::errors).cloned().collect();
        Ok(Answer::new(self.id.clone(), explain(request.as_request(), &policies), errors))
    }

    /// Its policies, compiled.
    #[must_use]
    pub fn policies(&self) -> Policies {
        let one = |name: &str, kind, document: &Value| Arc::new(compile(name, kind, document));
        let levels = |name: &str, kind, levels: &[Vec<Value>]| {
            let level = |(at, level): (usize, &Vec<Value>)| {
                let policy = |(n, document)| one(&format!("{name}[{at}][{n}]"), kind, document);
                level.iter().enumerate().map(policy).collect()
            };
            levels.iter().enumerate().map(level).collect()
        };
        let endpoint = |(at, document)| one(&format!("endpoint_policies[{at}]"), PolicyKind::Endpoint, document);
        let boundary = self.permissions_boundary.as_ref();
        Policies {
            identity: self
                .identity_policies
                .iter()
                .map(|policy| one(&policy.name, PolicyKind::Identity, &policy.document))
                .collect(),
            boundary: boundary.map(|document| one("permissions_boundary", PolicyKind::Boundary, document)),
            session: self.session_policy.as_ref().map(|document| one("session_policy", PolicyKind::Session, document)),
            scps: levels("scps", PolicyKind::Scp, &self.scps),
            rcps: levels("rcps", PolicyKind::Rcp, &self.rcps),
            resource: self.resource_policy.as_ref().map(|doc| one("resource_policy", PolicyKind::Resource, doc)),
            endpoints: self.endpoint_policies.iter().enumerate().map(endpoint).collect(),
        }
    }
}

impl CaseRequest {
    /// Reads it.
    ///
    /// # Errors
    /// When a field names something that cannot be.
    pub fn read(&self) -> Result<OwnedRequest, Error> {
        let wrong = |field, why: String| Error::Request { field, why };
        self.check_context().map_err(|why| wrong("context", why))?;
        if self.resource.is_empty() || self.resource.len() > MAX_RESOURCE_BYTES {
            return Err(wrong("resource", format!("{} bytes, not 1 to {MAX_RESOURCE_BYTES}", self.resource.len())));
        }
        if let Some(account) = self.resource_account.as_deref().filter(|account| !is_account(account)) {
            return Err(wrong("resource_account", format!("`{}` is no account number", short(account))));
        }
        let mut context = Context::new(Unnamed::Absent);
        for (key, values) in &self.context {
            context.set(key, values.iter().map(String::as_str));
        }
        self.multivalued_keys.iter().for_each(|key| context.set_multivalued(key));
        Ok(OwnedRequest {
            identity: Identity::parse(&self.principal).map_err(|why| wrong("principal", why))?,
            action: Action::parse(&self.action).map_err(|why| wrong("action", why))?,
            resource: self.resource.clone(),
            resource_account: self.resource_account.clone(),
            context,
        })
    }

    fn check_context(&self) -> Result<(), String> {
        let n_values = self.context.len() + self.context.values().map(Vec::len).sum::<usize>();
        if n_values > MAX_CONTEXT_VALUES {
            return Err(format!("{n_values} keys and values, more than {MAX_CONTEXT_VALUES}"));
        }
        let n_bytes: usize = self.context.values().flatten().map(String::len).sum();
        if n_bytes > MAX_CONTEXT_BYTES {
            return Err(format!("{n_bytes} bytes of values, more than {MAX_CONTEXT_BYTES}"));
        }
        Ok(())
    }
}

/// A document is an object, or its text as a string.
fn compile(name: &str, kind: PolicyKind, document: &Value) -> CompiledPolicy {
    match document {
        Value::String(text) => CompiledPolicy::compile(name, kind, text.as_bytes()),
        value => CompiledPolicy::of_value(name, kind, value),
    }
}
