//! Our schemas in a real registry: they get ids, are found by them, and a break is refused.

use std::time::Duration;

use schemas::wire::{Encoded, SchemaIds, Wire, WireError, decode, encode};
use stream::registry::{Registry, RegistryError, Settings};
use tests::servers;

/// The level that every subject of ours has.
const FULL_TRANSITIVE: &str = "FULL_TRANSITIVE";

fn client(url: &str) -> Registry {
    Registry::new(Settings { first_pause: Duration::from_millis(50), ..Settings::at(url) }).unwrap()
}

/// A subject that a registry which outlives this run has not seen.
fn fresh(noun: &str) -> String {
    format!("{:x}.{noun}.v1-value", rand::random::<u64>())
}

#[test]
fn every_noun_gets_an_id_and_is_read_by_it() {
    let server = servers::Registry::start().unwrap();
    let registry = client(server.url());
    let mut encoded = Encoded::default();
    for message in schemas::example::all() {
        let (noun, text) = (message.table(), schemas::avro::text_of(message.table()).unwrap());
        let subject = fresh(noun);
        assert!(registry.check(&subject, &text).unwrap(), "{noun}: a subject that is not there takes any schema");
        let id = registry.register(&subject, &text).unwrap();
        registry.set_compatibility(&subject, FULL_TRANSITIVE).unwrap();
        assert_eq!(registry.register(&subject, &text).unwrap(), id, "{noun}: registered again, it is the same");
        assert!(!SchemaIds::is_reserved(id));

        encode(&message, &SchemaIds::of(vec![(noun, id)]), "test", &mut encoded).unwrap();
        let headers = encoded.headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
        let (key, value) = (Some(encoded.key.as_slice()), encoded.value.as_deref());
        let wire = Wire { topic: message.topic(), partition: 0, offset: 0, timestamp_ms: None, key, value, headers };
        let mut reader = SchemaIds::reserved();
        assert_eq!(decode(&wire, &reader), Err(WireError::UnknownId(id)));
        reader.add_writer(id, noun, &registry.schema(id).unwrap()).unwrap();
        assert_eq!(decode(&wire, &reader), Ok(Some(message.clone())));
    }
}

#[test]
fn a_break_is_refused_and_a_field_with_a_default_is_taken() {
    let server = servers::Registry::start().unwrap();
    let registry = client(server.url());
    let subject = fresh("usage");
    let text = schemas::avro::text_of("usage").unwrap();
    let id = registry.register(&subject, &text).unwrap();
    registry.set_compatibility(&subject, FULL_TRANSITIVE).unwrap();

    let with = |field: &str| text.replacen("\"fields\": [", &format!("\"fields\": [{field},"), 1);
    let more = with(r#"{"name": "region", "type": ["null", "string"], "default": null}"#);
    let broken = with(r#"{"name": "region", "type": "string"}"#);
    assert!(!registry.check(&subject, &broken).unwrap());
    let refused = registry.register(&subject, &broken).unwrap_err();
    assert!(matches!(refused, RegistryError::Incompatible { .. }), "{refused}");
    assert!(registry.check(&subject, &more).unwrap());
    assert_ne!(registry.register(&subject, &more).unwrap(), id);

    let unknown = registry.schema(0x7eff_ffff).unwrap_err();
    assert!(matches!(unknown, RegistryError::NotFound { .. }), "{unknown}");
}
