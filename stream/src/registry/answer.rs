//! What a registry answers, and what is said when the answer is no good.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::{Body, http};

/// How large an answer may be: a schema is some 20 KB.
const MAX_ANSWER_BYTES: u64 = 4 << 20;
/// How much of an answer that is no JSON is shown.
const SHOWN_CHARS: usize = 200;

/// Why a registry gave no answer of use.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The settings' address.
    #[error("`{url}` is no address of a schema registry: {why}")]
    Url {
        /// The address, without a secret.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The settings' certificates.
    #[error("the certificates for the schema registry cannot be read: {0}")]
    Certificates(String),
    /// Nobody answers.
    #[error("the schema registry `{url}` gave no answer in {tries} tries")]
    Unreachable {
        /// The address.
        url: String,
        /// How often it was tried.
        tries: u32,
        /// Why not, the last time.
        source: Box<ureq::Error>,
    },
    /// It does not know us, or does not let us.
    #[error("the schema registry refused `{asked}` with status {status}; check its user, password or token")]
    Forbidden {
        /// What was asked.
        asked: String,
        /// 401 or 403.
        status: u16,
    },
    /// It does not have what was asked for.
    #[error("the schema registry has no answer to `{asked}`: {message}")]
    NotFound {
        /// What was asked.
        asked: String,
        /// What it said.
        message: String,
    },
    /// The schema breaks its subject's compatibility.
    #[error("the schema registry does not take the schema for `{subject}`: {message}; a break is a topic `.v2`")]
    Incompatible {
        /// The subject.
        subject: String,
        /// What it said.
        message: String,
    },
    /// It refuses.
    #[error("the schema registry refused `{asked}` with status {status}: {message}")]
    Refused {
        /// What was asked.
        asked: String,
        /// The status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// Its answer is not what a registry answers.
    #[error("the answer to `{asked}` is not a schema registry's: {why}")]
    Answer {
        /// What was asked.
        asked: String,
        /// What is wrong with it.
        why: String,
    },
}

/// An answer of any status.
pub(super) struct Answer {
    /// The method and the address, which hold no secret.
    pub(super) asked: String,
    pub(super) status: u16,
    /// The pause it asks for.
    pub(super) retry_after: Option<Duration>,
    text: String,
}

impl Answer {
    pub(super) fn of(asked: String, mut response: http::Response<Body>) -> Result<Self, ureq::Error> {
        let text = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).lossy_utf8(true).read_to_string()?;
        let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Self { asked, status: response.status().as_u16(), retry_after: seconds.map(Duration::from_secs), text })
    }

    /// Whether another try may be answered otherwise.
    pub(super) fn is_passing(&self) -> bool {
        self.status == 429 || self.status >= 500
    }

    /// Reads an answer of success.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, RegistryError> {
        if !(200..300).contains(&self.status) {
            return Err(self.refused());
        }
        serde_json::from_str(&self.text)
            .map_err(|error| RegistryError::Answer { why: error.to_string(), asked: self.asked })
    }

    /// The error that an answer of no success is.
    pub(super) fn refused(self) -> RegistryError {
        let message = self.message();
        let Self { asked, status, .. } = self;
        match status {
            401 | 403 => RegistryError::Forbidden { asked, status },
            404 => RegistryError::NotFound { asked, message },
            _ => RegistryError::Refused { asked, status, message },
        }
    }

    /// What it says, for people: the registry's own message, else the beginning of its text.
    pub(super) fn message(&self) -> String {
        #[derive(Deserialize)]
        struct Said {
            error_code: i64,
            message: String,
        }
        match serde_json::from_str::<Said>(&self.text) {
            Ok(said) => format!("{} ({})", said.message, said.error_code),
            Err(_) => self.text.chars().take(SHOWN_CHARS).collect(),
        }
    }
}
