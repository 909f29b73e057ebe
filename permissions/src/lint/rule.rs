//! What a rule is, and the list of all of them.

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Untidy, but does what it says.
    Note,
    /// Grants more, or less, than its author is likely to want.
    Warning,
    /// The cloud refuses it, or the part of it can never take effect.
    Error,
}

impl Severity {
    /// The word that text, JSON and SARIF use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A rule: stable id, severity, and what to do about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable id in kebab case; begins with `json`, `aws`, `azure` or `gcp`.
    pub id: &'static str,
    /// How much its findings matter.
    pub severity: Severity,
    /// What it finds.
    pub title: &'static str,
    /// What to do about it.
    pub advice: &'static str,
    /// The public page behind it.
    pub page: &'static str,
}

/// Declares the rules: a closed enum, so that a rule that is not listed cannot be found, and the list itself.
macro_rules! rules {
    ($($variant:ident $id:literal $severity:ident $title:literal $advice:literal $page:expr;)+) => {
        /// Every rule by its name in the code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each variant is described by its entry in `RULES`")]
        pub enum RuleId { $($variant),+ }

        /// Every rule, in the order of the code.
        pub const RULES: &[Rule] = &[$(Rule {
            id: $id, severity: Severity::$severity, title: $title, advice: $advice, page: $page,
        }),+];
    };
}
pub(super) use rules;
