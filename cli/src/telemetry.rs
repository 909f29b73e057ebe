//! The section `[telemetry]`: what the process tells of itself, and to whom.
//!
//! # Layout
//!
//! `server` answers `/metrics`, `/healthz` and `/readyz`; `text` writes the numbers as Prometheus reads them; `ready` asks
//! what the rooms depend on; `traces` sends spans (feature `otlp`).

mod ready;
mod server;
mod text;
#[cfg(feature = "otlp")]
mod traces;

use std::net::SocketAddr;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use stream::metrics::Meters;
use tokio::runtime::Handle;

use crate::Mistake;

pub(crate) use ready::{Check, Ready};
pub(crate) use server::Server;
#[cfg(feature = "otlp")]
pub(crate) use traces::{Traces, layer};

/// A build without the feature `otlp` sends no spans.
#[cfg(not(feature = "otlp"))]
pub(crate) enum Traces {}

#[cfg(not(feature = "otlp"))]
impl Traces {
    /// There is nothing to end.
    pub(crate) fn end(self) {
        match self {}
    }
}

/// A token shorter than this can be guessed.
const MIN_TOKEN: usize = 16;

/// Settings as they are written. Without `listen` nothing is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TelemetryConfig {
    /// Where scrapes and probes are answered: `127.0.0.1:9464`.
    pub(crate) listen: Option<SocketAddr>,
    /// The environment variable of the bearer token that `/metrics` asks for.
    pub(crate) token_env: Option<String>,
    /// Where spans are sent, as OTLP over HTTP: `http://127.0.0.1:4318`.
    pub(crate) otlp: Option<String>,
}

/// What is wrong with the section.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TelemetryConfigError {
    /// Numbers for everybody.
    #[error("`listen` is `{0}`, which others can reach, so `token_env` must name the variable of a token")]
    Open(SocketAddr),
    /// Not a place to send to.
    #[error("`otlp` is `{0}`; write `http://host:4318` or `https://…`, without user and password")]
    Url(String),
}

impl TelemetryConfig {
    /// Checks the settings.
    pub(crate) fn validate(self) -> Result<Self, TelemetryConfigError> {
        if let (Some(listen), None) = (self.listen, &self.token_env)
            && !listen.ip().is_loopback()
        {
            return Err(TelemetryConfigError::Open(listen));
        }
        let is_place = |url: &String| {
            let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
            rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('@'))
        };
        if let Some(url) = self.otlp.as_ref().filter(|url| !is_place(url)) {
            // What stands before an @ is a secret.
            let shown = url.rsplit('@').next().unwrap_or_default();
            return Err(TelemetryConfigError::Url(shown.to_owned()));
        }
        Ok(self)
    }

    /// The token, from its variable.
    #[expect(clippy::disallowed_methods, reason = "secrets come from the environment, and this is the edge")]
    fn token(&self) -> Result<Option<String>, Mistake> {
        let Some(variable) = &self.token_env else { return Ok(None) };
        let token = std::env::var(variable)
            .map_err(|_| Mistake(format!("the environment variable `{variable}` is not set")))?;
        if token.len() < MIN_TOKEN {
            let what = format!("the token in `{variable}` is too short; take {MIN_TOKEN} characters at least");
            return Err(Mistake(what));
        }
        Ok(Some(token))
    }

    /// What the settings ask for and this build does not have.
    #[cfg(not(feature = "otlp"))]
    pub(crate) fn check_build(&self) -> Result<(), Mistake> {
        match &self.otlp {
            None => Ok(()),
            Some(place) => Err(Mistake(format!(
                "this build sends no spans, which `{place}` should get; build it with `--features otlp`"
            ))),
        }
    }

    /// Starts to answer, if the settings say where.
    pub(crate) fn serve(&self, meters: &Meters, ready: Ready, handle: &Handle) -> anyhow::Result<Option<Server>> {
        let Some(listen) = self.listen else { return Ok(None) };
        let token = self.token()?;
        let server = Server::start(listen, token.as_deref(), meters.clone(), ready, handle)
            .with_context(|| format!("cannot listen on `{listen}`"))?;
        tracing::info!(address = %server.address(), "answers scrapes and probes");
        Ok(Some(server))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        let config: TelemetryConfig = toml::from_str(text).unwrap();
        config.validate().map_or_else(|error| error.to_string(), |_| "fine".to_owned())
    }

    #[test]
    fn numbers_are_told_to_others_only_with_a_token() {
        assert_eq!(why("listen = \"127.0.0.1:9464\""), "fine");
        assert_eq!(why("listen = \"[::1]:0\""), "fine");
        assert_eq!(
            why("listen = \"0.0.0.0:9464\""),
            "`listen` is `0.0.0.0:9464`, which others can reach, so `token_env` must name the variable of a token"
        );
        assert_eq!(why("listen = \"0.0.0.0:9464\"\ntoken_env = \"TOKEN\""), "fine");
    }

    #[test]
    fn a_place_for_spans_is_a_url_without_secrets() {
        assert_eq!(why("otlp = \"http://127.0.0.1:4318\""), "fine");
        let said = why("otlp = \"https://me:hunter2@example.com\"");
        assert!(said.starts_with("`otlp` is `example.com`") && !said.contains("hunter2"), "{said}");
    }
}
