//! The sum of all nouns: what the belt carries between rooms.

use std::sync::Arc;

use crate::topic::PartitionBy;
use crate::{
    AccessEvent, Alert, Anomaly, DeadLetter, Entitlement, Finding, Inventory, Model, Noun, Pci, Policy, Provider,
    RawGrant, RawRecord, Session, Tally, Time, Usage,
};

/// Declares the sum. A new noun is one word here and in the two macros below; a test counts them.
macro_rules! nouns {
    ($($noun:ident),+ $(,)?) => {
        /// One record of any noun, cheap to clone for every room that reads it.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Message {
            $(#[doc = concat!("[`", stringify!($noun), "`].")] $noun(Arc<$noun>)),+
        }

        impl Message {
            /// The noun's name, which is its table's.
            #[must_use]
            pub fn table(&self) -> &'static str {
                match self { $(Self::$noun(_) => $noun::NAME),+ }
            }

            /// The noun's place among all nouns, from 0, in the order of [`crate::for_each_noun`].
            pub(crate) fn place(&self) -> usize {
                enum Place { $($noun),+ }
                match self { $(Self::$noun(_) => Place::$noun as usize),+ }
            }

            /// See [`Noun::write_row_key`].
            pub fn write_row_key(&self, into: &mut Vec<u8>) {
                match self { $(Self::$noun(noun) => noun.write_row_key(into)),+ }
            }

            /// See [`Noun::row_key`].
            #[must_use]
            pub fn row_key(&self) -> String {
                match self { $(Self::$noun(noun) => noun.row_key()),+ }
            }

            /// See [`Noun::time`].
            #[must_use]
            pub fn time(&self) -> Time {
                match self { $(Self::$noun(noun) => noun.time()),+ }
            }

            /// See [`Noun::revision`].
            #[must_use]
            pub fn revision(&self) -> i64 {
                match self { $(Self::$noun(noun) => noun.revision()),+ }
            }

            /// See [`Noun::raise`].
            pub fn raise(&mut self, by: i64) {
                match self { $(Self::$noun(noun) => Arc::make_mut(noun).raise(by)),+ }
            }

            /// See [`Noun::partition_by`].
            #[must_use]
            pub fn partition_by(&self) -> PartitionBy<'_> {
                match self { $(Self::$noun(noun) => noun.partition_by()),+ }
            }

            /// The row as JSON, for people: times in RFC 3339, bytes as text.
            #[must_use]
            pub fn to_json(&self) -> serde_json::Value {
                match self { $(Self::$noun(noun) => crate::json::to_value(noun.as_ref())),+ }
            }
        }
    };
}

nouns!(
    RawRecord,
    RawGrant,
    AccessEvent,
    Session,
    Policy,
    Entitlement,
    Inventory,
    Usage,
    Pci,
    Finding,
    Anomaly,
    Alert,
    Model,
    DeadLetter,
    Tally,
);

/// Runs a block once per noun, with the name before `=>` naming its type.
#[macro_export]
macro_rules! for_each_noun {
    (@each $T:ident $body:block $($noun:ident),+) => {
        $({ type $T = $crate::$noun; $body })+
    };
    ($T:ident => $body:block) => {
        $crate::for_each_noun!(@each $T $body
            RawRecord, RawGrant, AccessEvent, Session, Policy, Entitlement, Inventory, Usage, Pci, Finding, Anomaly, Alert,
            Model, DeadLetter, Tally)
    };
}

/// Matches a message and runs one expression for whichever noun it holds, bound to the name before `=>`.
#[macro_export]
macro_rules! with_noun {
    (@arms $message:expr, $bound:ident, $body:expr, $($noun:ident),+) => {
        match $message { $($crate::Message::$noun($bound) => $body),+ }
    };
    ($message:expr, $bound:ident => $body:expr) => {
        $crate::with_noun!(@arms $message, $bound, $body,
            RawRecord, RawGrant, AccessEvent, Session, Policy, Entitlement, Inventory, Usage, Pci, Finding, Anomaly, Alert,
            Model, DeadLetter, Tally)
    };
}

impl Message {
    /// The topic it travels on.
    #[must_use]
    pub fn topic(&self) -> &'static str {
        match self {
            Self::RawRecord(raw) => raw_log_topic(raw.provider),
            Self::RawGrant(raw) => raw_grant_topic(raw.provider),
            Self::AccessEvent(_) => "access_event.v1",
            Self::Session(_) => "session.v1",
            Self::Policy(_) => "policy.v1",
            Self::Entitlement(_) => "entitlement.v1",
            Self::Inventory(_) => "inventory.v1",
            Self::Usage(_) => "usage.v1",
            Self::Pci(_) => "pci.v1",
            Self::Finding(_) => "finding.v1",
            Self::Anomaly(_) => "anomaly.v1",
            Self::Alert(_) => "alert.v1",
            Self::Model(_) => "model.v1",
            Self::DeadLetter(_) => "dead_letter.v1",
            Self::Tally(_) => "tally.v1",
        }
    }
}

/// The raw log topic of a cloud.
#[must_use]
pub fn raw_log_topic(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => "raw.aws.cloudtrail",
        Provider::Azure => "raw.azure.activity",
        Provider::Gcp => "raw.gcp.audit",
    }
}

/// The raw grant topic of a cloud.
#[must_use]
pub fn raw_grant_topic(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => "raw.aws.iam",
        Provider::Azure => "raw.azure.rbac",
        Provider::Gcp => "raw.gcp.iam",
    }
}
