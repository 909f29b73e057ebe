//! What can be wrong with a record of a topic.

use serde::{de, ser};

/// Why a message has no bytes, or bytes are no message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The writer's schema is not known yet: ask the registry, then [`crate::wire::SchemaIds::add_writer`], then again.
    #[error("schema id {0} is unknown; is the registry the one its writer uses?")]
    UnknownId(u32),
    /// The same for a schema that is named by a GUID: [`crate::wire::SchemaIds::add_guid`].
    #[error("schema GUID `{0:032x}` is unknown; is the registry the one its writer uses?")]
    UnknownGuid(u128),
    /// The noun was given no id to write.
    #[error("noun `{0}` has no schema id; register its schema first")]
    NoId(&'static str),
    /// The name is of no noun.
    #[error("`{0}` is no noun")]
    NoNoun(String),
    /// The value is not in the wire format.
    #[error("the value is not in the Confluent wire format: {0}")]
    Frame(&'static str),
    /// The bytes after the schema id are not what the schema says.
    #[error("the bytes are no `{noun}`")]
    Datum {
        /// What they should have been.
        noun: &'static str,
        /// Why they are not.
        source: DatumError,
    },
    /// A writer's schema that cannot be read as ours.
    #[error("schema {id} cannot be read as `{noun}`: {why}")]
    Schema {
        /// Its id in decimal, or its GUID.
        id: String,
        /// The noun.
        noun: String,
        /// What does not fit.
        why: String,
    },
    /// A record of a raw topic says too little of itself.
    #[error("the record of raw topic `{topic}` {what}")]
    Raw {
        /// The topic.
        topic: String,
        /// What is wrong.
        what: &'static str,
    },
}

/// Why bytes are no Avro datum of a type.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatumError {
    /// They end early.
    #[error("they end early")]
    Ends,
    /// Something follows.
    #[error("{0} bytes are left over")]
    Left(usize),
    /// A number of more than ten bytes, or too large for its type.
    #[error("a number is too large")]
    Number,
    /// A length or count that is negative or larger than what follows.
    #[error("a length of {0} is not possible here")]
    Length(i64),
    /// A boolean that is neither 0 nor 1.
    #[error("{0} is no boolean")]
    Boolean(u8),
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    Text,
    /// A branch that the union does not have, or that our schema cannot hold.
    #[error("branch {0} of a union cannot be read")]
    Branch(i64),
    /// A symbol that our schema does not have and has no default for.
    #[error("symbol {0} of an enum is not known here")]
    Symbol(i64),
    /// A type that no schema of ours has: a mistake of ours.
    #[error("a `{0}` has no form here")]
    Type(&'static str),
    /// What the type itself says.
    #[error("{0}")]
    Custom(String),
}

impl ser::Error for DatumError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

impl de::Error for DatumError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}
