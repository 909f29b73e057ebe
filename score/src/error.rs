//! What a setting of this room can have wrong.

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A window or horizon that is not whole days or is out of bounds.
    #[error("`{name}` is {days} days; it must be whole days from {least} to {most}")]
    Days {
        /// The setting.
        name: &'static str,
        /// What it is, rounded down.
        days: u64,
        /// The least allowed.
        least: u64,
        /// The most allowed.
        most: u64,
    },
    /// A bound of zero, with which nothing would be kept.
    #[error("`{0}` is 0; it must be at least 1")]
    Zero(&'static str),
    /// An index that is no index.
    #[error("`{0}` is {1}; it must be from 0 to 100")]
    Index(&'static str, f64),
    /// A rule file that cannot be read.
    #[error("`guardrails`: cannot read `{0}`")]
    Unread(std::path::PathBuf, #[source] std::io::Error),
    /// A rule file that cannot be meant.
    #[error("`guardrails`: `{0}`")]
    Guardrails(std::path::PathBuf, #[source] permissions::guardrails::GuardrailError),
    /// The risk model.
    #[error("`risk`")]
    Risk(#[from] permissions::risk::RiskError),
}
