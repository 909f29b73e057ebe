//! What is wrong with a policy file, before anybody attaches it: grammar, names, conditions, breadth, contradictions.
//!
//! # Layout
//!
//! [`lint`] reads the bytes (`json` keeps the place of everything), `detect` says which documents are inside and of which
//! [`Kind`], one folder per cloud finds, [`write`] prints text, JSON lines or SARIF. [`RULES`] is the list of all rules,
//! each with the public page it follows; `testdata/lint` has for each a document on which it fires and one on which it
//! barely does not.
//!
//! **Invariant:** no bytes make it panic or run away: size, nesting, findings and the work of comparing are bounded, and
//! what is left out is counted.

mod aws;
mod azure;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod cases;
mod detect;
pub(crate) mod documents;
mod gcp;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod hostile;
mod json;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test should panic, and these print what they saw"
)]
mod managed;
pub(crate) mod nearest;
mod rule;
mod rules;
mod write;

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use schemas::Time;

use self::json::{Json, Lines, Node};

pub use rule::{Rule, Severity};
pub use rules::{RULES, RuleId};
pub use write::{write_json, write_sarif, write_text};

/// Longest file that is read. An account's authorization details have some 10 MB at the clouds' own limits.
const MAX_BYTES: usize = 32 << 20;
/// Findings per file; the rest is counted in [`Report::n_left_out`].
const MAX_FINDINGS: usize = 10_000;

/// Names of the catalogue that the patterns of a file may be held against; some seconds.
const MAX_WORK: u64 = 40_000_000;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A policy of an AWS user, group or role, managed or inline.
    AwsIdentity,
    /// An AWS resource-based policy.
    AwsResource,
    /// An AWS role's trust policy.
    AwsTrust,
    /// A service control policy.
    AwsScp,
    /// A resource control policy.
    AwsRcp,
    /// A permissions boundary.
    AwsBoundary,
    /// A session policy.
    AwsSession,
    /// A VPC endpoint policy.
    AwsEndpoint,
    /// An Azure role definition.
    AzureRole,
    /// A GCP custom role.
    GcpRole,
    /// A GCP allow policy.
    GcpAllow,
    /// A GCP deny policy.
    GcpDeny,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::AwsIdentity,
        Self::AwsResource,
        Self::AwsTrust,
        Self::AwsScp,
        Self::AwsRcp,
        Self::AwsBoundary,
        Self::AwsSession,
        Self::AwsEndpoint,
        Self::AzureRole,
        Self::GcpRole,
        Self::GcpAllow,
        Self::GcpDeny,
    ];

    /// The word for it on a command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwsIdentity => "aws-identity",
            Self::AwsResource => "aws-resource",
            Self::AwsTrust => "aws-trust",
            Self::AwsScp => "aws-scp",
            Self::AwsRcp => "aws-rcp",
            Self::AwsBoundary => "aws-boundary",
            Self::AwsSession => "aws-session",
            Self::AwsEndpoint => "aws-endpoint",
            Self::AzureRole => "azure-role",
            Self::GcpRole => "gcp-role",
            Self::GcpAllow => "gcp-allow",
            Self::GcpDeny => "gcp-deny",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a caller knows beyond the file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the documents are; guessed when `None`.
    pub kind: Option<Kind>,
    /// The AWS accounts that are one's own: trust in another one is an outsider's.
    pub own_accounts: Vec<String>,
    /// The day that expiring conditions are held against; without it none is expired.
    pub as_of: Option<Time>,
}

/// Where in the file something is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// The JSON pointer (RFC 6901); of something inside a document that is written as a string, the string's.
    pub pointer: String,
}

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: RuleId,
    /// What is wrong here.
    pub message: String,
    /// Where.
    pub place: Place,
}

impl Finding {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.rule.rule().severity
    }
}

/// All that was found in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was found, in order of place.
    pub findings: Vec<Finding>,
    /// The documents that were looked at, each with its kind and name.
    pub documents: Vec<(Kind, String)>,
    /// How many findings beyond the bound were left out.
    pub n_left_out: usize,
}

impl Report {
    /// The worst severity; `None` when nothing was found.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::severity).max()
    }
}

/// What rules write to: findings by offset.
#[derive(Debug, Default)]
struct Found {
    findings: Vec<(u32, RuleId, String)>,
    n_left_out: usize,
}

impl Found {
    fn add(&mut self, rule: RuleId, at: u32, message: impl Into<String>) {
        // What says that not all was looked at is never left out.
        if self.findings.len() < MAX_FINDINGS || rule == RuleId::TooLarge {
            self.findings.push((at, rule, message.into()));
        } else {
            self.n_left_out += 1;
        }
    }
}

/// Looks at a file.
#[must_use]
pub fn lint(bytes: &[u8], options: &Options) -> Report {
    let mut found = Found::default();
    let text = match text_of(bytes) {
        Ok(text) => text,
        Err((rule, why)) => {
            found.add(rule, 0, why);
            return report(found, None, "", Vec::new());
        }
    };
    let root = match json::parse(text) {
        Ok(root) => root,
        Err(broken) => {
            found.add(RuleId::JsonSyntax, broken.at, broken.why);
            return report(found, None, text, Vec::new());
        }
    };
    duplicates(&root, &mut found);
    let parts = detect::parts(&root, options.kind, &mut found);
    let documents = parts.iter().map(|part| (part.kind, part.name.clone())).collect();
    let mut work = Work::default();
    for part in &parts {
        work.add(&part.node);
        if work.units > MAX_WORK {
            let message = "so many patterns that the rest of the documents is not looked at";
            found.add(RuleId::TooLarge, part.node.start, message);
            break;
        }
        match part.kind {
            Kind::AzureRole => azure::check(part, &mut found),
            Kind::GcpRole => gcp::role::check(part, &mut found),
            Kind::GcpAllow => gcp::allow::check(part, options.as_of, &mut found),
            Kind::GcpDeny => gcp::deny::check(part, &mut found),
            _ => aws::check(part, options, &mut found),
        }
    }
    report(found, Some(&root), text, documents)
}

/// An estimate of what a file's patterns cost. Each text is expanded once and remembered.
#[derive(Default)]
struct Work {
    seen: HashSet<u64>,
    units: u64,
}

impl Work {
    fn add(&mut self, node: &Node) {
        match &node.value {
            Json::Text(text) if text.contains(['*', '?']) => {
                let mut hasher = DefaultHasher::new();
                text.hash(&mut hasher);
                if self.seen.insert(hasher.finish()) {
                    // What begins with a service's name is held against its names alone.
                    let anchored = text.find(['*', '?']).is_some_and(|at| at > 3) || text.len() == 1;
                    // A resource is held against no names of actions.
                    self.units += match (text.starts_with("arn:"), anchored) {
                        (true, _) => 10,
                        (false, true) => 500,
                        (false, false) => 20_000,
                    };
                }
            }
            Json::List(list) => list.iter().for_each(|item| self.add(item)),
            Json::Object(members) => members.iter().for_each(|member| self.add(&member.value)),
            _ => {}
        }
    }
}

fn text_of(bytes: &[u8]) -> Result<&str, (RuleId, String)> {
    if bytes.len() > MAX_BYTES {
        return Err((RuleId::TooLarge, format!("{} bytes, more than {MAX_BYTES}", bytes.len())));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| (RuleId::JsonSyntax, format!("not UTF-8 after byte {}", e.valid_up_to())))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn report(found: Found, root: Option<&Node>, text: &str, documents: Vec<(Kind, String)>) -> Report {
    let lines = Lines::new(text);
    let Found { mut findings, n_left_out } = found;
    findings.sort();
    findings.dedup();
    let finding = |(at, rule, message): (u32, RuleId, String)| {
        let (line, column) = lines.place(at);
        let pointer = root.map(|root| root.pointer(at)).unwrap_or_default();
        Finding { rule, message, place: Place { line, column, pointer } }
    };
    Report { findings: findings.into_iter().map(finding).collect(), documents, n_left_out }
}

/// Keys that stand twice in one object.
fn duplicates(node: &Node, found: &mut Found) {
    match &node.value {
        Json::List(list) => list.iter().for_each(|item| duplicates(item, found)),
        Json::Object(members) => {
            let mut seen = HashSet::new();
            for member in members {
                if !seen.insert(member.key.as_str()) {
                    let message = format!("`{}` stands twice in this object", short(&member.key));
                    found.add(RuleId::JsonDuplicateKey, member.start, message);
                }
                duplicates(&member.value, found);
            }
        }
        _ => {}
    }
}

/// The beginning of a text from outside, for messages.
fn short(text: &str) -> String {
    let mut short: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(80).collect();
    if text.chars().nth(80).is_some() {
        short.push('…');
    }
    short
}

/// The first few names and how many more there are: "`a`, `b` and 7 more".
fn some<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{}`", short(name))).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_one_stable_id_and_a_page() {
        let mut ids = std::collections::BTreeSet::new();
        for rule in RULES {
            assert!(ids.insert(rule.id), "{} stands twice", rule.id);
            assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", rule.id);
            assert!(rule.page.starts_with("https://"), "{}", rule.id);
            for text in [rule.title, rule.advice] {
                assert!(
                    !text.ends_with('.') && !text.starts_with(char::is_uppercase) || text.starts_with("ASCII"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_finding_has_line_column_and_pointer() {
        let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": [\"s3:GetObject\", \"s3:GetObjectX\"], \"Resource\": \"*\"}\n  ]\n}\n";
        let report = lint(text.as_bytes(), &Options::default());
        let finding = report.findings.iter().find(|f| f.rule == RuleId::AwsUnknownAction).unwrap();
        assert_eq!((finding.place.line, finding.place.column), (4, 52));
        assert_eq!(finding.place.pointer, "/Statement/0/Action/1");
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(value.pointer(&finding.place.pointer).unwrap(), "s3:GetObjectX");
        assert_eq!(finding.message, "no action is called `s3:GetObjectX`; did you mean `s3:GetObject`?");
    }

    #[test]
    fn a_document_in_a_string_is_found_at_the_string() {
        let inner = r#"{"Statement":[{"Effect":"Allow","Action":"s3:GetObjectX","Resource":"*"}]}"#;
        let outer = serde_json::json!({ "PolicyName": "p", "PolicyDocument": inner }).to_string();
        let report = lint(outer.as_bytes(), &Options::default());
        let finding = report.findings.iter().find(|f| f.rule == RuleId::AwsUnknownAction).unwrap();
        assert_eq!(finding.place.pointer, "/PolicyDocument");
        assert_eq!(report.documents, [(Kind::AwsIdentity, "p".to_owned())]);
    }

    #[test]
    fn what_is_no_policy_is_said() {
        let ids = |bytes: &[u8]| -> Vec<&str> {
            lint(bytes, &Options::default()).findings.iter().map(|f| f.rule.rule().id).collect()
        };
        assert_eq!(ids(b"\xff"), ["json-syntax"]);
        assert_eq!(ids(b"{\"a\":1,}"), ["json-syntax"]);
        assert_eq!(ids(b"{\"a\":1}"), ["json-unknown-document"]);
        assert_eq!(ids(b"7"), ["json-unknown-document"]);
    }
}
