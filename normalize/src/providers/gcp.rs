//! Not read yet.

use super::Normalized;
use crate::context::Context;
use crate::error::Reject;

/// Reads one record.
pub(crate) fn normalize(_body: &str, _ctx: &Context<'_>) -> Result<Normalized, Reject> {
    Err(Reject::Other("this cloud's records are not read yet".to_owned()))
}
