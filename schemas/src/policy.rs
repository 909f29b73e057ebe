//! A policy's statements, once, by their content hash.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::enums::words;
use crate::topic::PartitionBy;
use crate::{Action, Id128, Message, Noun, PolicyHash, Provider, ResourceId, Text, Time};

words!(
    /// Whether a statement gives or takes.
    Effect {
        /// Gives.
        Allow => "allow",
        /// Takes, and wins over every allow.
        Deny => "deny",
    }
);

/// One statement: an AWS statement, an Azure role definition's permission block, a GCP role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AvroSchema)]
pub struct Statement {
    /// Its own name.
    pub sid: Option<Text>,
    /// Gives or takes.
    pub effect: Effect,
    /// Action patterns. For GCP exact permissions.
    pub actions: Vec<Action>,
    /// AWS `NotAction`, Azure `notActions`.
    pub not_actions: Vec<Action>,
    /// Azure `dataActions`.
    pub data_actions: Vec<Action>,
    /// Azure `notDataActions`.
    pub not_data_actions: Vec<Action>,
    /// A predefined role whose actions the catalogue knows; used when the snapshot does not carry its definition.
    pub role: Option<Text>,
    /// Resource patterns; empty where the grant's scope says it (Azure, GCP).
    pub resources: Vec<ResourceId>,
    /// AWS `NotResource`.
    pub not_resources: Vec<ResourceId>,
    /// Whom a resource or trust policy names, as written.
    pub identities: Vec<Text>,
    /// AWS `NotPrincipal`, as written.
    pub not_identities: Vec<Text>,
    /// The condition as the cloud writes it: JSON, an Azure condition, a CEL expression.
    pub condition: Option<Text>,
}

impl Statement {
    /// One that allows these actions everywhere its grant holds.
    #[must_use]
    pub fn allow(actions: Vec<Action>) -> Self {
        Self {
            sid: None,
            effect: Effect::Allow,
            actions,
            not_actions: Vec::new(),
            data_actions: Vec::new(),
            not_data_actions: Vec::new(),
            role: None,
            resources: Vec::new(),
            not_resources: Vec::new(),
            identities: Vec::new(),
            not_identities: Vec::new(),
            condition: None,
        }
    }
}

/// A policy's statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, apache_avro::AvroSchema)]
pub struct Policy {
    /// The hash of cloud and statements.
    pub policy_hash: PolicyHash,
    /// The cloud.
    pub provider: Provider,
    /// The statements.
    pub statements: Vec<Statement>,
    /// What could not be read, each with its place; such a statement grants nothing here and the score says so.
    pub errors: Vec<Text>,
    /// When it was first seen.
    pub time: Time,
}

impl Policy {
    /// Makes one, with its hash over cloud, statements and errors.
    #[must_use]
    pub fn of(provider: Provider, statements: Vec<Statement>, errors: Vec<Text>, time: Time) -> Self {
        let bytes = serde_json::to_vec(&(provider, &statements, &errors)).unwrap_or_default();
        let policy_hash = PolicyHash::from(Id128::of_parts(&[&bytes]).to_string());
        Self { policy_hash, provider, statements, errors, time }
    }
}

impl Noun for Policy {
    const NAME: &'static str = "policy";

    fn row_key(&self) -> String {
        self.policy_hash.to_string()
    }

    fn time(&self) -> Time {
        self.time
    }

    fn partition_by(&self) -> PartitionBy<'_> {
        PartitionBy::Broadcast
    }

    fn into_message(self) -> Message {
        Message::Policy(self.into())
    }
}
