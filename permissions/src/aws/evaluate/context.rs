//! What is known of a request besides who, what and where: its context keys.

use schemas::{Text, Time};
use smol_str::SmolStr;

use super::condition::date::Instant;
use super::identity::{Form, Identity};
use super::places::hash;

/// What a key that is not named counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unnamed {
    /// Not in the request, as AWS sees a key that it did not fill in. For questions about one given request.
    #[default]
    Absent,
    /// Not known. For questions about any request that could be made: who can, how much of a grant is real.
    Unknown,
}

/// The context keys of a request, each present, absent or unknown. A key is the same in any case (IAM JSON policy
/// elements: Condition).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// In order of hash.
    entries: Vec<(u64, SmolStr, Entry)>,
    unnamed: Unnamed,
    not_before: Option<Time>,
}

/// Longest life of a session's token, in seconds (AWS STS API reference: `GetSessionToken`, `GetFederationToken`: 36 hours).
const MAX_SESSION_SECONDS: i64 = 129_600;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Values { values: Vec<Text>, multivalued: bool },
    Absent,
    Unknown,
}

/// What a context says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held<'c> {
    /// The values, at least one.
    Values {
        values: &'c [Text],
        multivalued: bool,
    },
    Absent,
    Unknown,
}

impl Context {
    /// A context that names no key.
    #[must_use]
    pub fn new(unnamed: Unnamed) -> Self {
        Self { entries: Vec::new(), unnamed, not_before: None }
    }

    /// Says that a key has values; none is the same as absent. A key with several values is multivalued.
    pub fn set<V: Into<Text>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let values: Vec<Text> = values.into_iter().map(Into::into).collect();
        let multivalued = values.len() > 1;
        self.put(key, if values.is_empty() { Entry::Absent } else { Entry::Values { values, multivalued } });
    }

    /// Says that a key may have several values, whatever it has now: such a key needs `ForAllValues` or `ForAnyValue`,
    /// and is no policy variable.
    pub fn set_multivalued(&mut self, key: &str) {
        if let Ok(at) = self.place(&Key::new(key))
            && let Entry::Values { multivalued, .. } = &mut self.entries[at].2
        {
            *multivalued = true;
        }
    }

    /// Says that a key is not in the request.
    pub fn set_absent(&mut self, key: &str) {
        self.put(key, Entry::Absent);
    }

    /// Says that nobody knows whether a key is in the request, and with what value.
    pub fn set_unknown(&mut self, key: &str) {
        self.put(key, Entry::Unknown);
    }

    /// Says that the request is not made before a time. Then a condition on the time of the request, or of its session's token,
    /// is known not to hold once what it asks for is over, though the time itself is not known.
    pub fn set_not_before(&mut self, time: Time) {
        self.not_before = Some(time);
    }

    /// What the value of a key, in lower case, cannot lie before.
    pub(super) fn not_before(&self, lower: &str) -> Option<Instant> {
        let at = self.not_before?;
        match lower {
            "aws:currenttime" | "aws:epochtime" => Some(Instant::before(at, 0)),
            "aws:tokenissuetime" => Some(Instant::before(at, MAX_SESSION_SECONDS)),
            _ => None,
        }
    }

    /// Names the keys that AWS fills in from who asks, unless they are named already (AWS global condition context keys,
    /// «Properties of the principal»). A session's ARN does not tell the path of its role: who knows it names
    /// `aws:PrincipalArn` first.
    pub fn fill_in(&mut self, identity: &Identity) {
        let is_service = identity.form() == Form::Service;
        self.unless_named("aws:PrincipalIsAWSService", Some(if is_service { "true" } else { "false" }.into()));
        self.unless_named("aws:PrincipalServiceName", is_service.then(|| identity.text().into()));
        self.unless_named("aws:PrincipalAccount", identity.account().map(Into::into));
        self.unless_named("aws:PrincipalArn", identity.principal_arn());
        self.unless_named("aws:PrincipalType", identity.principal_type().map(Into::into));
        if identity.form() == Form::Anonymous {
            self.unless_named("aws:PrincipalOrgID", None);
            self.unless_named("aws:PrincipalOrgPaths", None);
        }
        self.unless_named("aws:username", (identity.form() == Form::User).then(|| identity.name().into()));
    }

    pub(super) fn get(&self, key: &Key) -> Held<'_> {
        match self.place(key).map(|at| &self.entries[at].2) {
            Ok(Entry::Values { values, multivalued }) => Held::Values { values, multivalued: *multivalued },
            Ok(Entry::Absent) => Held::Absent,
            Ok(Entry::Unknown) => Held::Unknown,
            Err(_) if self.unnamed == Unnamed::Unknown => Held::Unknown,
            Err(_) => Held::Absent,
        }
    }

    fn unless_named(&mut self, key: &str, value: Option<SmolStr>) {
        if self.place(&Key::new(key)).is_err() {
            self.set(key, value.map(|value| Text::from(value.as_str())));
        }
    }

    fn put(&mut self, key: &str, entry: Entry) {
        let key = Key::new(key);
        match self.place(&key) {
            Ok(at) => self.entries[at].2 = entry,
            Err(at) => self.entries.insert(at, (key.hash, key.lower, entry)),
        }
    }

    /// Where a key is, or would be.
    fn place(&self, key: &Key) -> Result<usize, usize> {
        let mut at = self.entries.partition_point(|(hash, ..)| *hash < key.hash);
        while let Some((hash, lower, _)) = self.entries.get(at)
            && *hash == key.hash
        {
            if *lower == key.lower {
                return Ok(at);
            }
            at += 1;
        }
        Err(at)
    }
}

/// A key as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) written: SmolStr,
    pub(super) lower: SmolStr,
    hash: u64,
}

impl Key {
    pub(super) fn new(written: &str) -> Self {
        let lower = SmolStr::from(written.to_ascii_lowercase());
        Self { written: written.into(), hash: hash(&lower), lower }
    }
}
