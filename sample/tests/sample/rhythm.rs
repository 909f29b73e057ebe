//! When people work, read from the trail files alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{SAMPLE, all_records};

/// Minutes since 1970 of an RFC 3339 time.
fn minutes(time: &str) -> i64 {
    let time: jiff::Timestamp = time.parse().unwrap();
    time.as_second().div_euclid(60)
}

#[test]
fn people_keep_office_hours_in_their_own_zone() {
    let truth = &SAMPLE.1;
    let attacked: BTreeSet<&str> = truth.attacks.iter().flat_map(|a| a.event_ids.iter().map(String::as_str)).collect();
    let offsets: BTreeMap<&str, i64> = truth
        .identities
        .iter()
        .filter(|i| i.cloud == "aws" && i.kind == "user" && i.office_hours)
        .map(|i| (i.id.as_str(), i64::from(i.utc_offset_minutes)))
        .collect();
    let (mut n, mut n_weekend, mut n_office) = (0.0, 0.0, 0.0);
    for record in all_records("aws") {
        let identity = &record["userIdentity"];
        if identity["type"] != "IAMUser" || attacked.contains(record["eventID"].as_str().unwrap()) {
            continue;
        }
        let account = identity["accountId"].as_str().unwrap();
        let id = format!("aws:{account}:user/{}", identity["userName"].as_str().unwrap());
        let Some(offset) = offsets.get(id.as_str()) else { continue };
        let local = minutes(record["eventTime"].as_str().unwrap()) + offset;
        n += 1.0;
        // 1970-01-01 was a Thursday, the fourth day of the week.
        n_weekend += f64::from((local.div_euclid(1440) + 3).rem_euclid(7) >= 5);
        n_office += f64::from((9..18).contains(&(local.rem_euclid(1440) / 60)));
    }
    assert!(n > 3_000.0, "only {n} calls of people");
    let (weekend, office) = (n_weekend / n, n_office / n);
    assert!((0.02..0.06).contains(&weekend), "weekend share {weekend}");
    assert!((0.70..0.80).contains(&office), "office share {office}");
}

#[test]
fn new_resources_become_rare() {
    let truth = &SAMPLE.1;
    let people: BTreeSet<&str> =
        truth.identities.iter().filter(|i| i.persona == "aws.data").map(|i| i.id.rsplit('/').next().unwrap()).collect();
    let mut touched: Vec<(String, String, String)> = Vec::new();
    for record in all_records("aws") {
        let user = record["userIdentity"]["userName"].as_str().unwrap_or_default();
        let bucket = record["requestParameters"]["bucketName"].as_str();
        if let (true, Some(bucket)) = (people.contains(user), bucket) {
            touched.push((record["eventTime"].as_str().unwrap().into(), user.into(), bucket.into()));
        }
    }
    touched.sort();
    let mut seen = BTreeSet::new();
    let fresh: Vec<bool> = touched.into_iter().map(|(_, user, bucket)| seen.insert((user, bucket))).collect();
    let share = |part: &[bool]| part.iter().filter(|new| **new).count() as f64 / part.len() as f64;
    let third = fresh.len() / 3;
    let (early, late) = (share(&fresh[..third]), share(&fresh[2 * third..]));
    assert!(early > 2.0 * late, "early {early}, late {late}");
}
