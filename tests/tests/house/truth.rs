//! What the sample says is true is what the run finds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::overgrant::{count, done, query, run, sample};

#[test]
fn what_the_sample_says_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (truth, inputs) = sample(&folder.path().join("input"), 30, 60, 5);
    let store = folder.path().join("store");
    done(run(&inputs, &store, None));

    for (cloud, records) in &truth.records {
        let records = serde_json::to_value(records).unwrap();
        let of = |column: &str| count(&store, &format!("SELECT sum({column}) FROM tally WHERE provider = '{cloud}'"));
        println!(
            "{cloud}: {records}; read {}, events {}, copies {}, not access {}, dead {}",
            of("n_read"),
            of("n_events"),
            of("n_copies"),
            of("n_not_access"),
            of("n_dead_letters")
        );
        assert_eq!(
            of("n_read"),
            of("n_events") + of("n_copies") + of("n_not_access") + of("n_dead_letters"),
            "{cloud}"
        );
        assert_eq!(of("n_dead_letters"), 0, "{cloud}");
        assert_eq!(
            of("n_events"),
            count(&store, &format!("SELECT count(*) FROM access_event WHERE provider = '{cloud}'"))
        );
    }

    let scores: BTreeMap<String, f64> = query(
        &store,
        "SELECT scope_id, max(score) AS score FROM pci_current WHERE scope_kind = 'identity' GROUP BY scope_id",
    )
    .iter()
    .map(|row| (row["scope_id"].as_str().unwrap().to_owned(), row["score"].as_f64().unwrap()))
    .collect();
    let wrong_zero: Vec<_> = truth.zero.iter().filter(|id| scores.get(*id).is_none_or(|score| *score != 0.0)).collect();
    // A role of Identity Center is scored as the people who come through it, each under an id of their own.
    let is_scored = |pair: &&Value| {
        !pair["above"].to_string().contains("AWSReservedSSO") && !pair["below"].to_string().contains("AWSReservedSSO")
    };
    let order = serde_json::to_value(&truth.order).unwrap();
    let wrong_order: Vec<&Value> =
        order.as_array().unwrap().iter().filter(is_scored).filter(|pair| !holds(pair, &scores)).collect();
    println!(
        "{} scores; {} of {} zeros and {} of {} orders are wrong",
        scores.len(),
        wrong_zero.len(),
        truth.zero.len(),
        wrong_order.len(),
        truth.order.len()
    );
    assert!(wrong_zero.is_empty(), "{wrong_zero:?}");
    assert!(wrong_order.is_empty(), "{wrong_order:?}");
    attacks(&store, &serde_json::to_value(&truth.attacks).unwrap());
}

fn holds(pair: &Value, scores: &BTreeMap<String, f64>) -> bool {
    let score = |side: &str| pair[side].as_str().and_then(|id| scores.get(id));
    let (Some(above), Some(below)) = (score("above"), score("below")) else { return false };
    above > below || (above >= below && pair["strict"] == false)
}

/// Plumbing only: the generator's attacks are ours too. Most are alerted, on the identity that did them.
fn attacks(store: &std::path::Path, attacks: &Value) {
    let alerted: Vec<String> = query(store, "SELECT DISTINCT identity_id FROM alert WHERE suppressed IS NULL")
        .iter()
        .map(|row| row["identity_id"].as_str().unwrap().to_owned())
        .collect();
    let attacks = attacks.as_array().unwrap();
    let is_found = |attack: &&Value| alerted.iter().any(|id| attack["identity"].as_str() == Some(id));
    let n_found = attacks.iter().filter(is_found).count();
    println!("{n_found} of {} attacks are alerted; {} identities have alerts", attacks.len(), alerted.len());
    assert!(2 * n_found > attacks.len(), "alerts on {alerted:?}");
}
