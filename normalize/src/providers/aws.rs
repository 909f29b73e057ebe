//! AWS CloudTrail.

use super::Normalized;
use crate::context::Context;
use crate::error::Reject;

/// Caches.
#[derive(Debug, Default)]
pub(crate) struct Memo {}

/// Reads one record.
pub(crate) fn normalize(_body: &str, _ctx: &Context<'_>, _memo: &mut Memo) -> Result<Normalized, Reject> {
    Err(Reject::Missing("eventTime"))
}
