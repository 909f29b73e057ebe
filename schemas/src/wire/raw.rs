//! Raw topics: the provider's own bytes as the value, what we know of them in one header.
//!
//! The header holds the noun without its body, in the same wire format as the values of the other topics, so that it has
//! a schema and evolves like them. Ours is one header since each costs the client a piece of memory. A record without it
//! comes from somebody else's producer: a plain log record is read all the same, by its place in the topic.

use std::sync::Arc;

use bytes::Bytes;

use super::error::WireError;
use super::ids::SchemaIds;
use super::{Wire, framed};
use crate::topic::{TOPICS, Topic};
use crate::{Body, Message, Origin, Provider, RawRecord, Text, Time};

/// The header that holds the rest of the noun.
pub(super) const REST: &str = "overgrant_raw";

/// What the records of a raw topic are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raw {
    Log(Provider),
    Grant,
}

/// Which raw topic a topic is, if it is one; it may have a prefix that ends in a full stop.
pub(super) fn kind(topic: &str) -> Option<Raw> {
    // Almost all topics are no raw ones, and their names end in `.v1`.
    if topic.ends_with(".v1") {
        return None;
    }
    let found = TOPICS.iter().filter(|known| known.name.starts_with("raw.")).find(|known| is_named(topic, known))?;
    let provider = match found.name.split('.').nth(1)? {
        "aws" => Provider::Aws,
        "azure" => Provider::Azure,
        _ => Provider::Gcp,
    };
    Some(if found.table == Some("raw_record") { Raw::Log(provider) } else { Raw::Grant })
}

fn is_named(topic: &str, known: &Topic) -> bool {
    topic.strip_suffix(known.name).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.'))
}

/// The body of a raw noun and the noun without it; `None` for the others.
pub(super) fn parted(message: &Message) -> Option<(&[u8], Message)> {
    match message {
        Message::RawRecord(raw) => {
            let rest = crate::RawRecord { body: Body::default(), ..raw.as_ref().clone() };
            Some((&raw.body.0, Message::RawRecord(Arc::new(rest))))
        }
        Message::RawGrant(raw) => {
            let rest = crate::RawGrant { body: Body::default(), ..raw.as_ref().clone() };
            Some((&raw.body.0, Message::RawGrant(Arc::new(rest))))
        }
        _ => None,
    }
}

/// Joins the value of a raw topic's record with what its header says.
pub(super) fn decode(kind: Raw, wire: &Wire<'_>, value: &[u8], ids: &SchemaIds) -> Result<Message, WireError> {
    let wrong = |what| WireError::Raw { topic: wire.topic.to_owned(), what };
    let body = Body(Bytes::copy_from_slice(value));
    let Some(rest) = wire.header(REST) else {
        let Raw::Log(provider) = kind else { return Err(wrong("has no header `overgrant_raw`")) };
        let read_at = wire.timestamp_ms.ok_or_else(|| wrong("has neither a header `overgrant_raw` nor a timestamp"))?;
        return Ok(Message::RawRecord(Arc::new(foreign(provider, wire, Time::from_millis(read_at), body))));
    };
    match (kind, framed(rest, ids)?) {
        (Raw::Log(_), Message::RawRecord(mut raw)) => {
            Arc::make_mut(&mut raw).body = body;
            Ok(Message::RawRecord(raw))
        }
        (Raw::Grant, Message::RawGrant(mut raw)) => {
            Arc::make_mut(&mut raw).body = body;
            Ok(Message::RawGrant(raw))
        }
        _ => Err(wrong("has a header `overgrant_raw` of another noun")),
    }
}

/// A log record that somebody else's producer wrote: all that is known is where it stands.
fn foreign(provider: Provider, wire: &Wire<'_>, ingested_at: Time, body: Body) -> RawRecord {
    let (topic, partition, offset) = (Text::from(wire.topic), wire.partition, wire.offset);
    let origin = Origin { topic, partition, offset, file: None };
    RawRecord {
        record_id: RawRecord::id_at(&origin),
        provider,
        origin,
        account_id: None,
        time: None,
        ingested_at,
        body,
        n_redacted: 0,
        redriven_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_topics_are_known_by_their_last_part() {
        assert_eq!(kind("raw.aws.cloudtrail"), Some(Raw::Log(Provider::Aws)));
        assert_eq!(kind("prod.raw.azure.activity"), Some(Raw::Log(Provider::Azure)));
        assert_eq!(kind("raw.gcp.iam"), Some(Raw::Grant));
        assert_eq!(kind("straw.gcp.iam"), None);
        assert_eq!(kind("access_event.v1"), None);
    }
}
