//! Injected attacks are on disk where the truth says, and look like others' records.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{SAMPLE, all_records};

/// Every id an attack may name, with the time of its first record.
fn ids() -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for cloud in ["aws", "azure", "gcp"] {
        for record in all_records(cloud) {
            let text = |keys: &[&str]| keys.iter().find_map(|key| record[*key].as_str()).map(str::to_owned);
            let id = text(&["eventID", "correlationId", "insertId"]);
            let time = text(&["eventTime", "time", "eventTimestamp", "timestamp"]);
            if let (Some(id), Some(time)) = (id, time) {
                out.entry(id).and_modify(|first: &mut String| *first = time.clone().min(first.clone())).or_insert(time);
            }
        }
    }
    out
}

#[test]
fn every_attack_is_on_disk_in_the_last_two_fifths() {
    let truth = &SAMPLE.1;
    let ids = ids();
    assert_eq!(truth.attacks.len(), 14);
    let kinds: BTreeSet<&str> = truth.attacks.iter().map(|a| a.kind.as_str()).collect();
    assert_eq!(kinds.len(), 14, "each kind once");
    for attack in &truth.attacks {
        assert!(!attack.event_ids.is_empty(), "{}", attack.id);
        let new = attack.first_actions.len() + attack.first_resources.len() + attack.denied_actions.len();
        assert!(new > 0, "{} does nothing new", attack.kind);
        assert!(truth.identities.iter().any(|i| i.id == attack.identity), "{}", attack.identity);
        // Twenty-one days from the tenth: sixty percent are over on the 22nd at noon.
        assert!(attack.start.as_str() > "2026-10-22T14", "{} starts {}", attack.id, attack.start);
        for id in &attack.event_ids {
            let time = ids.get(id).unwrap_or_else(|| panic!("{} of {} is not on disk", id, attack.id));
            let second = &time[..19];
            assert!((&attack.start[..19]..=&attack.end[..19]).contains(&second), "{second} of {}", attack.id);
        }
    }
}

#[test]
fn nothing_gives_an_attack_away() {
    let truth = &SAMPLE.1;
    let attacked: BTreeSet<&str> = truth.attacks.iter().flat_map(|a| a.event_ids.iter().map(String::as_str)).collect();
    let (mut bad, mut good) = (BTreeSet::new(), BTreeSet::new());
    for record in all_records("aws") {
        let network =
            |r: &Value| r["sourceIPAddress"].as_str().unwrap_or("").rsplit_once('.').map_or("", |p| p.0).to_owned();
        let seen = [network(record), record["userAgent"].as_str().unwrap_or_default().to_owned()];
        let known = record["eventID"].as_str().is_some_and(|id| attacked.contains(id));
        if known { bad.extend(seen) } else { good.extend(seen) }
    }
    let telling: Vec<&String> = bad.difference(&good).collect();
    assert!(telling.is_empty(), "only attacks come from {telling:?}");
}
