//! How often the two mappings say the same, so that "the same mapping" is shown and not claimed.

use benches::{BenchError, Corpus};
use normalize::{Config, Normalizer};
use schemas::{AccessEvent, Message};
use stream::{Batch, Output, Transform};
use vrl::value::{KeyString, Value};

use crate::mapping::{Mapping, body};

/// The fields that are compared.
const FIELDS: [&str; 8] =
    ["time", "account_id", "identity_id", "identity_name", "operation", "action", "outcome", "source_ip"];

/// Prints for each field on how many of our events the program says the same.
pub(crate) fn show(corpus: &Corpus, mapping: &mut Mapping) -> Result<(), BenchError> {
    let mut room = Normalizer::new(Config::default().validate()?);
    let (mut n_events, mut n_same) = (0, [0; FIELDS.len()]);
    let mut differences = [const { None }; FIELDS.len()];
    for record in &corpus.records {
        let mut output = Output::default();
        room.apply(Batch::of(0, 0, [record.clone()]), &mut output);
        let ours = output.emitted.iter().find_map(|message| match message {
            Message::AccessEvent(event) => Some(event),
            _ => None,
        });
        let Some(ours) = ours else { continue };
        n_events += 1;
        let theirs = body(record).and_then(|body| mapping.event(body));
        for (place, field) in FIELDS.iter().enumerate() {
            let (ours, theirs) = (of_ours(ours, field), theirs.as_ref().and_then(|theirs| of_theirs(theirs, field)));
            if ours == theirs {
                n_same[place] += 1;
            } else {
                differences[place].get_or_insert((ours, theirs));
            }
        }
    }
    println!("  vrl says the same of {n_events} events:");
    for ((field, n_same), difference) in FIELDS.iter().zip(n_same).zip(differences) {
        let first = difference.map_or_else(String::new, |(ours, theirs)| {
            format!("; first `{}`, not `{}`", theirs.unwrap_or_default(), ours.unwrap_or_default())
        });
        println!("    {field:<14} {:>6.2} %{first}", n_same as f64 / f64::from(n_events.max(1)) * 100.0);
    }
    Ok(())
}

fn of_ours(event: &AccessEvent, field: &str) -> Option<String> {
    match field {
        "time" => Some(event.time.0.to_string()),
        "account_id" => Some(event.account_id.to_string()),
        "identity_id" => Some(event.identity_id.to_string()),
        "identity_name" => event.identity_name.as_ref().map(ToString::to_string),
        "operation" => Some(event.operation.to_string()),
        "action" => event.action.as_ref().map(ToString::to_string),
        "outcome" => Some(event.outcome.to_string()),
        "source_ip" => event.source_ip.as_ref().map(ToString::to_string),
        _ => None,
    }
}

/// A field of a program's event, in the form of ours: times in microseconds.
fn of_theirs(event: &Value, field: &str) -> Option<String> {
    let Value::Object(members) = event else { return None };
    match members.get(&KeyString::from(field))? {
        Value::Timestamp(time) => Some(time.timestamp_micros().to_string()),
        Value::String(text) => Some(text.to_string()),
        _ => None,
    }
}
