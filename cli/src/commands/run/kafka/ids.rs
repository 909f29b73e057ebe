//! A topic holds schema ids of one kind: a registry's, or those of our own that need none.
//!
//! Ours mean nothing to a registry, and its mean nothing without it, so a topic with both can be read by nobody whole.

use std::collections::BTreeMap;

use schemas::topic::TOPICS;
use schemas::wire::SchemaIds;
use stream::Fault;
use stream::kafka::{Incoming, Options, look};

/// Refuses topics whose first or last records have ids of the other kind than the settings write.
pub(super) fn check(options: &Options, has_registry: bool) -> Result<(), Fault> {
    let topics: Vec<&str> = TOPICS.iter().map(|topic| topic.name).filter(|name| !name.starts_with("raw.")).collect();
    let mut found = BTreeMap::new();
    look(options, &topics, |record| {
        if let Some(is_reserved) = is_reserved(record) {
            let (n_ours, n_others) = found.entry(record.topic.to_owned()).or_insert((0, 0));
            *(if is_reserved == has_registry { n_others } else { n_ours }) += 1;
        }
        Ok(())
    })?;
    let Some((topic, (n_ours, _))) = found.into_iter().find(|(_, (_, n_others))| *n_others > 0) else { return Ok(()) };
    let (other, setting) = if has_registry { ("of no registry", "names one") } else { ("of a registry", "names none") };
    let kinds = if n_ours > 0 { "schema ids of ours and" } else { "schema ids" };
    let what = format!(
        "topic `{}{topic}` has {kinds} {other}, and `kafka.registry` {setting}; use the settings that wrote it, or \
         another `topic_prefix`",
        options.topic_prefix
    );
    Err(Fault::Kafka { what, why: None, is_passing: false })
}

/// Whether a record's schema id is of our own range; `None` where it has none in the classic form.
fn is_reserved(record: &Incoming<'_>) -> Option<bool> {
    match record.value? {
        [0, a, b, c, d, ..] => Some(SchemaIds::is_reserved(u32::from_be_bytes([*a, *b, *c, *d]))),
        _ => None,
    }
}
