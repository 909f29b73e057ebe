//! The clouds, one file each: from a raw record's text to what it says.

use schemas::{AccessEvent, Provider};

use crate::context::Context;
use crate::error::Reject;
use crate::tool::Agents;

mod address;
mod aws;
mod azure;
mod gcp;
mod loose;
#[cfg(test)]
mod testing;
mod when;

/// What a record says. One record is at most one event, so that the sum of the tally holds.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every record is an event, and a box would be moved into an Arc next"
)]
pub(crate) enum Normalized {
    /// An access. The room sets its `event_id` from `provider_event_id` and the record's canonical hash.
    Event(AccessEvent),
    /// No access, by kind: `insight`, `digest`, `service_health`, `other_cloud` …
    NotAccess(&'static str),
}

/// The providers with what they remember between records: caches only, which change no answer.
#[derive(Debug, Default)]
pub(crate) struct Providers {
    aws: aws::Memo,
    agents: Agents,
}

impl Providers {
    /// Reads one record. The text is valid JSON of a bounded depth.
    pub(crate) fn normalize(
        &mut self,
        provider: Provider,
        body: &str,
        ctx: &Context<'_>,
    ) -> Result<Normalized, Reject> {
        match provider {
            Provider::Aws => aws::normalize(body, ctx, &mut self.aws, &mut self.agents),
            Provider::Azure => azure::normalize(body, ctx, &mut self.agents),
            Provider::Gcp => gcp::normalize(body, ctx, &mut self.agents),
        }
    }
}
