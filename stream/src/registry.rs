//! A client of a Confluent-compatible schema registry: Confluent's own, Apicurio's `ccompat` interface, Karapace, Redpanda.
//!
//! It blocks, since schemas are asked for at start and when a new writer is met, never per record. What fails for a
//! moment (no connection, 429, 5xx) is tried again with growing pauses; what the registry refuses is an error that says
//! what was asked and what it answered. Nothing here prints a secret.

mod answer;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::{Agent, http};

use answer::Answer;
pub use answer::RegistryError;

/// What a subject's name keeps as it is within a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// The longest pause between two tries, whatever the registry asks for.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// A password or token, which never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps one.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// How the client says who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// By name and password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// By a token.
    Bearer(Secret),
}

/// Where a registry is and how to talk to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its address, with a path where it has one: `https://registry.example.com/apis/ccompat/v7`.
    pub url: String,
    /// How the client says who it is.
    pub auth: Auth,
    /// The certificates of the authorities to trust, in PEM; the web's own when there are none.
    pub ca_pem: Option<Vec<u8>>,
    /// How long one try may take in all.
    pub timeout: Duration,
    /// How often something is tried at most.
    pub max_tries: u32,
    /// The pause after the first try; it doubles from try to try, up to ten seconds.
    pub first_pause: Duration,
}

impl Settings {
    /// The usual ones for an address: no secret, ten seconds a try, six tries within some six seconds.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            auth: Auth::None,
            ca_pem: None,
            timeout: Duration::from_secs(10),
            max_tries: 6,
            first_pause: Duration::from_millis(200),
        }
    }
}

/// The client.
pub struct Registry {
    agent: Agent,
    base: String,
    authorization: Option<Secret>,
    max_tries: u32,
    first_pause: Duration,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("base", &self.base).finish_non_exhaustive()
    }
}

/// What is asked of a registry.
struct Ask<'a> {
    method: http::Method,
    /// Below the base, beginning with `/`.
    path: String,
    body: Option<&'a serde_json::Value>,
}

impl Registry {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// When the address is none, carries a secret, or the certificates cannot be read.
    pub fn new(settings: Settings) -> Result<Self, RegistryError> {
        let base = checked_base(&settings.url)?;
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &settings.ca_pem {
            tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates(pem)?)));
        }
        // The environment is read in `cli` only, so a proxy it names is not taken from there.
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(settings.timeout))
            .tls_config(tls.build())
            .build();
        let authorization = match settings.auth {
            Auth::None => None,
            Auth::Basic { user, password } => {
                let pair = format!("{user}:{}", password.0);
                Some(Secret(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))))
            }
            Auth::Bearer(token) => Some(Secret(format!("Bearer {}", token.0))),
        };
        let (max_tries, first_pause) = (settings.max_tries.max(1), settings.first_pause);
        Ok(Self { agent: Agent::new_with_config(config), base, authorization, max_tries, first_pause })
    }

    /// Registers an Avro schema under a subject and returns its id: the same id as before when it is there already.
    ///
    /// # Errors
    /// [`RegistryError::Incompatible`] when the subject's compatibility forbids it; the others as they come.
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        #[derive(Deserialize)]
        struct Registered {
            id: u32,
        }
        let answer = self.post(format!("/subjects/{}/versions", segment(subject)), schema)?;
        if answer.status == 409 {
            return Err(RegistryError::Incompatible { subject: subject.to_owned(), message: answer.message() });
        }
        answer.read::<Registered>().map(|registered| registered.id)
    }

    /// The text of the schema with an id.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] when the registry has none; the others as they come.
    pub fn schema(&self, id: u32) -> Result<String, RegistryError> {
        self.schema_at(format!("/schemas/ids/{id}"))
    }

    /// The text of the schema with a GUID, as newer headers name it. Older registries know no GUIDs.
    ///
    /// # Errors
    /// As [`Self::schema`].
    pub fn schema_by_guid(&self, guid: u128) -> Result<String, RegistryError> {
        let hex = format!("{guid:032x}");
        let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
        self.schema_at(format!("/schemas/guids/{a}-{b}-{c}-{d}-{e}"))
    }

    fn schema_at(&self, path: String) -> Result<String, RegistryError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Found {
            schema: String,
            schema_type: Option<String>,
        }
        let answer = self.ask(&Ask { method: http::Method::GET, path, body: None })?;
        let asked = answer.asked.clone();
        let found: Found = answer.read()?;
        match found.schema_type.as_deref() {
            None | Some("AVRO") => Ok(found.schema),
            Some(other) => Err(RegistryError::Answer { asked, why: format!("the schema is `{other}` and no Avro") }),
        }
    }

    /// Sets which changes a subject allows, such as `FULL_TRANSITIVE`.
    ///
    /// # Errors
    /// As they come.
    pub fn set_compatibility(&self, subject: &str, level: &str) -> Result<(), RegistryError> {
        let body = serde_json::json!({ "compatibility": level });
        let path = format!("/config/{}", segment(subject));
        let answer = self.ask(&Ask { method: http::Method::PUT, path, body: Some(&body) })?;
        answer.read::<serde_json::Value>().map(drop)
    }

    /// Whether a subject would take a schema, by its own compatibility and all of its versions. A subject that is not
    /// there takes any.
    ///
    /// # Errors
    /// As they come.
    pub fn check(&self, subject: &str, schema: &str) -> Result<bool, RegistryError> {
        #[derive(Deserialize)]
        struct Checked {
            is_compatible: bool,
        }
        let answer = self.post(format!("/compatibility/subjects/{}/versions", segment(subject)), schema)?;
        if answer.status == 404 {
            return Ok(true);
        }
        answer.read::<Checked>().map(|checked| checked.is_compatible)
    }

    fn post(&self, path: String, schema: &str) -> Result<Answer, RegistryError> {
        let body = serde_json::json!({ "schema": schema });
        self.ask(&Ask { method: http::Method::POST, path, body: Some(&body) })
    }

    /// Asks until there is an answer that another try would not change.
    fn ask(&self, ask: &Ask<'_>) -> Result<Answer, RegistryError> {
        let mut pause = self.first_pause;
        let mut tries = 1;
        loop {
            let (why, wanted) = match self.try_once(ask) {
                Ok(answer) if !answer.is_passing() => return Ok(answer),
                Ok(answer) if tries == self.max_tries => return Err(answer.refused()),
                Ok(answer) => (format!("status {}", answer.status), answer.retry_after),
                Err(source) if tries == self.max_tries || !is_passing(&source) => {
                    return Err(RegistryError::Unreachable { url: self.base.clone(), tries, source: Box::new(source) });
                }
                Err(source) => (source.to_string(), None),
            };
            tracing::warn!(url = self.base, tries, why, "the schema registry does not answer; trying again");
            std::thread::sleep(wanted.unwrap_or(pause).min(MAX_PAUSE));
            pause = pause.saturating_mul(2);
            tries += 1;
        }
    }

    fn try_once(&self, ask: &Ask<'_>) -> Result<Answer, ureq::Error> {
        let url = format!("{}{}", self.base, ask.path);
        let body = ask.body.map(ToString::to_string).unwrap_or_default();
        let mut request = http::Request::builder().method(&ask.method).uri(&url).header("accept", MEDIA_TYPE);
        if let Some(Secret(authorization)) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let response = match ask.body {
            Some(_) => self.agent.run(request.header("content-type", MEDIA_TYPE).body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        Answer::of(format!("{} {}", ask.method, url), response)
    }
}

/// Whether another try may do better: a configuration that cannot work is not tried again.
fn is_passing(error: &ureq::Error) -> bool {
    use ureq::Error;
    matches!(
        error,
        Error::Io(_) | Error::Timeout(_) | Error::HostNotFound | Error::ConnectionFailed | Error::Protocol(_)
    )
}

/// The address without a slash at its end.
fn checked_base(url: &str) -> Result<String, RegistryError> {
    let refused = |why| RegistryError::Url { url: without_secret(url), why };
    let uri: http::Uri = url.parse().map_err(|_| refused("it is no address"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(refused("it begins with neither `http://` nor `https://`"));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(refused("name and password belong into the settings of their own, not into the address"));
    }
    if uri.query().is_some() {
        return Err(refused("it has a query"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn without_secret(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, RegistryError> {
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(RegistryError::Certificates(error.to_string())),
        }
    }
    if found.is_empty() {
        return Err(RegistryError::Certificates("there are none".to_owned()));
    }
    Ok(found)
}

/// A subject as one segment of a path.
fn segment(subject: &str) -> impl fmt::Display {
    utf8_percent_encode(subject, PLAIN)
}
