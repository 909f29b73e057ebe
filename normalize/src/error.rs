//! What can be wrong: with the settings, and with a record.

use bytesize::ByteSize;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A bound of nothing.
    #[error("setting `normalize.{0}` must be at least 1")]
    Zero(&'static str),
    /// A record bound that no record fits.
    #[error("`{0}` for `normalize.max_record` is less than `1 KiB`, which no record fits")]
    SmallRecord(ByteSize),
    /// An account that is none.
    #[error("`{0}` in `normalize.own_accounts` is no AWS account id, which has 12 digits")]
    NoAccount(String),
}

/// Why a record cannot be used: the reason of its dead letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reject {
    #[error("the record has {n_bytes} bytes, more than `normalize.max_record` allows")]
    TooLarge { n_bytes: usize },
    #[error("byte {at} is not valid UTF-8")]
    NotUtf8 { at: usize },
    #[error("byte {at} is not valid JSON: expected {expected}")]
    NotJson { at: usize, expected: &'static str },
    #[error("the JSON is nested deeper than {max} levels")]
    TooDeep { max: usize },
    #[error("the record cannot be read: {0}")]
    Unreadable(String),
    #[error("the record is no JSON object")]
    NotAnObject,
    #[error("field `{0}` is missing")]
    Missing(&'static str),
    #[error("field `{field}` has type {found}, expected text")]
    WrongType { field: &'static str, found: &'static str },
    #[error("field `{field}` is no time: `{text}`")]
    NotATime { field: &'static str, text: String },
    #[error("{0}")]
    Other(String),
}

impl Reject {
    /// A time that cannot be read; the text is cut at 64 characters.
    pub(crate) fn not_a_time(field: &'static str, text: &str) -> Self {
        Self::NotATime { field, text: text.chars().take(64).collect() }
    }
}

impl From<sonic_rs::Error> for Reject {
    /// Keeps the parser's message without its excerpt of the record, which may hold anything.
    fn from(error: sonic_rs::Error) -> Self {
        let text = error.to_string();
        Self::Unreadable(text.lines().next().unwrap_or_default().chars().take(200).collect())
    }
}
