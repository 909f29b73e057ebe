use std::fmt::Write;
use std::path::PathBuf;

use expect_test::expect_file;
use schemas::{AccountId, Provider};

use crate::providers::{Normalized, testing};

mod agreement;
mod services;

/// Our fixtures, in order.
fn fixtures() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/aws");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let name = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn each_fixture_becomes_the_right_event() {
    let mut all = String::new();
    for (name, body) in fixtures() {
        writeln!(all, "# {name}").unwrap();
        match testing::read(Provider::Aws, &body) {
            Ok(Normalized::Event(event)) => {
                write!(all, "{}", testing::summary(&event)).unwrap();
                writeln!(all, "view {}\n", event.vantage).unwrap();
            }
            Ok(Normalized::NotAccess(kind)) => writeln!(all, "no access: {kind}\n").unwrap(),
            Err(reason) => writeln!(all, "rejected: {reason}\n").unwrap(),
        }
    }
    expect_file!["../../../testdata/aws/events.txt"].assert_eq(&all);
}

#[test]
fn the_owners_view_counts_unless_the_callers_account_is_ours() {
    let (_, body) = fixtures().into_iter().find(|(name, _)| name == "other_account_reads_our_secret").unwrap();
    for (own, counts) in [(vec![], true), (vec![AccountId::from("300000000003")], false)] {
        let config = crate::Config { own_accounts: own, ..crate::Config::default() };
        assert_eq!(testing::event_with(config, Provider::Aws, &body).counts_as_use, counts);
    }
}

/// `serde_json`'s tree is the oracle of what a text says: a record read from its compact form, or from one with all
/// members in reverse order, is the same event.
#[test]
fn how_a_record_is_written_does_not_matter() {
    for (name, body) in fixtures() {
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        let Ok(Normalized::Event(event)) = testing::read(Provider::Aws, &body) else { continue };
        for other in [value.to_string(), reversed(&value).to_string()] {
            assert_eq!(testing::event(Provider::Aws, &other), event, "{name}");
        }
        let text = |key: &str| value[key].as_str().filter(|text| !text.is_empty());
        assert_eq!(event.operation.as_str(), text("eventName").unwrap(), "{name}");
        assert_eq!(event.region.as_deref(), text("awsRegion"), "{name}");
        assert_eq!(event.call_id.as_deref(), text("requestID"), "{name}");
        assert_eq!(event.provider_event_id.as_deref(), text("eventID"), "{name}");
        assert_eq!(event.user_agent.as_deref(), text("userAgent"), "{name}");
        assert_eq!(event.time, schemas::Time::parse(text("eventTime").unwrap()).unwrap(), "{name}");
    }
}

fn reversed(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => map.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect(),
        other => other.clone(),
    }
}
