//! What the tests of providers share.

use std::path::PathBuf;

use schemas::{AccessEvent, Body, Id128, Origin, Provider, RawRecord, Time};

use super::{Normalized, Providers};
use crate::Config;
use crate::context::Context;

/// Reads one record as the room does with its defaults.
pub(super) fn read(provider: Provider, body: &str) -> Result<Normalized, String> {
    read_with(Config::default(), provider, body)
}

/// Reads one record that must be an event, with settings.
pub(super) fn event_with(config: Config, provider: Provider, body: &str) -> AccessEvent {
    match read_with(config, provider, body) {
        Ok(Normalized::Event(event)) => event,
        other => panic!("no event but {other:?}: {body}"),
    }
}

fn read_with(config: Config, provider: Provider, body: &str) -> Result<Normalized, String> {
    let raw = RawRecord {
        record_id: Id128::default(),
        provider,
        origin: Origin::default(),
        account_id: None,
        time: None,
        ingested_at: Time(0),
        body: Body::default(),
        n_redacted: 0,
        redriven_at: None,
    };
    let config = config.validate().unwrap();
    let mut canonical = crate::canonical::Canonical::default();
    canonical.hash(body).map_err(|reject| reject.to_string())?;
    let ctx = Context { raw: &raw, config: &config, members: canonical.members() };
    Providers::default().normalize(provider, body, &ctx).map_err(|reject| reject.to_string())
}

/// Reads one record that must be an event.
pub(super) fn event(provider: Provider, body: &str) -> AccessEvent {
    event_with(Config::default(), provider, body)
}

/// A fixture of ours.
pub(super) fn fixture(name: &str) -> String {
    std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)).unwrap()
}

/// A file or folder of the real data; `None`, with a plain line, where it is absent.
pub(super) fn shared(path: &str) -> Option<PathBuf> {
    let found = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln_plain(path);
    None
}

fn eprintln_plain(path: &str) {
    eprintln!("`../shared/data/{path}` is absent: nothing was checked");
}

/// Fields of an expected output beside ours.
#[derive(Default)]
pub(super) struct Agreement {
    n_compared: usize,
    differing: Vec<String>,
}

impl Agreement {
    /// Compares one field.
    pub(super) fn field(&mut self, row: &str, name: &str, expected: &str, ours: &str) {
        self.n_compared += 1;
        if expected != ours {
            self.differing.push(format!("{row} {name}: expected `{expected}`, ours `{ours}`"));
        }
    }

    /// Compares one field that has no case.
    pub(super) fn caseless(&mut self, row: &str, name: &str, expected: &str, ours: &str) {
        self.field(row, name, &expected.to_lowercase(), &ours.to_lowercase());
    }

    /// The count and each difference, for `expect!`; more than 2 % must not differ.
    pub(super) fn report(&self) -> String {
        assert!(self.differing.len() * 50 <= self.n_compared, "more than 2 % differ: {:#?}", self.differing);
        let mut text = format!("{} fields compared, {} differ\n", self.n_compared, self.differing.len());
        for line in &self.differing {
            text = text + line + "\n";
        }
        text
    }
}

/// A record with one value, the `place`th of all, replaced by another: what a hostile or careless exporter could write.
pub(super) fn with_replaced(record: &str, place: usize, other: &serde_json::Value) -> String {
    fn replace(value: &mut serde_json::Value, left: &mut usize, other: &serde_json::Value) -> bool {
        if *left == 0 {
            *value = other.clone();
            return true;
        }
        *left -= 1;
        match value {
            serde_json::Value::Array(items) => items.iter_mut().any(|item| replace(item, left, other)),
            serde_json::Value::Object(map) => map.values_mut().any(|item| replace(item, left, other)),
            _ => false,
        }
    }
    let mut value: serde_json::Value = serde_json::from_str(record).unwrap();
    let mut left = place;
    replace(&mut value, &mut left, other);
    value.to_string()
}

/// Values of every type, and texts that break careless slicing.
pub(super) fn any_value() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    prop_oneof![
        prop::sample::select(vec![
            Value::Null,
            json!(true),
            json!(-1),
            json!(1.5e300),
            json!([]),
            json!({}),
            json!([[{"a": [1]}]]),
            json!({"value": {"value": "x"}, "code": 7}),
            json!(""),
            json!("/"),
            json!("//"),
            json!("/subscriptions//providers/ä/ö"),
            json!("[]"),
            json!("projects/"),
            json!("instances/:"),
            json!("{\"error\":{\"code\":[]}}"),
            json!("\"userAssignedIdentities\":{\"/ä/userassignedidentities/ö"),
            json!("é".repeat(3000)),
            json!("/a".repeat(3000)),
        ]),
        any::<String>().prop_map(Value::from),
        "[/a-z:@%._-]{0,40}".prop_map(Value::from),
    ]
}

/// What one event says, a line for each field that matters, for `expect!`.
pub(super) fn summary(event: &AccessEvent) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let or_dash = |value: Option<&str>| value.unwrap_or("-").to_owned();
    let counts = if event.counts_as_use { "counts" } else { "does not count" };
    writeln!(text, "{} {} {} org {}", event.time, event.account_id, event.category, or_dash(event.org_id.as_deref()))
        .unwrap();
    let (name, account) = (or_dash(event.identity_name.as_deref()), or_dash(event.identity_account.as_deref()));
    writeln!(text, "by {} ({}) {name} of {account}", event.identity_id, event.identity_kind).unwrap();
    for somebody in &event.on_behalf_of {
        writeln!(text, "for {somebody}").unwrap();
    }
    let level = event.access_level.map_or("-", |level| level.as_str());
    writeln!(
        text,
        "{} {} -> {} ({}, {level})",
        event.service,
        event.operation,
        or_dash(event.action.as_deref()),
        event.action_known
    )
    .unwrap();
    for used in &event.uses {
        let (on, of) = (or_dash(used.resource_id.as_deref()), or_dash(used.resource_account.as_deref()));
        writeln!(text, "uses {} on {on} of {of}: {} {}", used.action, used.granted, used.how).unwrap();
    }
    for resource in &event.resources {
        writeln!(text, "touches {} ({})", resource.id, or_dash(resource.kind.as_deref())).unwrap();
    }
    writeln!(text, "{} {} {counts}", event.outcome, or_dash(event.error_code.as_deref())).unwrap();
    let details = [
        ("region", event.region.as_deref()),
        ("ip", event.source_ip.as_deref()),
        ("from", event.source_service.as_deref()),
        ("tool", event.tool.as_deref()),
        ("session", event.session_name.as_deref()),
        ("credential", event.credential_id.as_deref()),
        ("call", event.call_id.as_deref()),
        ("id", event.provider_event_id.as_deref()),
        ("mfa", event.mfa.map(|mfa| if mfa { "yes" } else { "no" })),
    ];
    for (name, value) in details.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
        write!(text, "{name} {value} ").unwrap();
    }
    text.trim_end().to_owned() + "\n"
}
