//! Dead letters of raw grants.

use schemas::{DeadLetter, Message, Noun, RawGrant, Time};
use stream::Output;

use super::{List, ListKey};

/// An object, or the end of its snapshot, could not be used.
pub(super) fn reject(grant: &RawGrant, reason: String, out: &mut Output<Message>) {
    let origin = grant.origin.clone();
    let provider = Some(grant.provider);
    let letter = DeadLetter::of(crate::room::NAME, reason, provider, origin, grant.ingested_at, &grant.body);
    out.reject(read_at(letter, grant.ingested_at).into_message());
}

/// Something of a whole list could not be used.
pub(super) fn reject_list(key: &ListKey, list: &List, reason: String, out: &mut Output<Message>) {
    let origin = list.origin.clone();
    let letter =
        DeadLetter::of(crate::room::NAME, reason, Some(key.0), origin, list.read_at, &schemas::Body::default());
    out.reject(read_at(letter, list.read_at).into_message());
}

/// A list that is read once more, as a redrive does, and fails again opens its letter anew.
fn read_at(letter: DeadLetter, at: Time) -> DeadLetter {
    DeadLetter { revision: at.0, ..letter }
}
