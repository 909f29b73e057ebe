//! Health alerts between the records of access.

use serde_json::{Value, json};

use crate::{
    azure::{events::path, resources::arm_id},
    error::SampleError,
    ids::{digits, hex, iso_fraction, mix, pick, uuid},
    params::DAY_US,
    truth::RecordCounts,
    world::{Account, Cloud, Kind, World, accounts},
    writer::{Writer, encode},
};

/// Writes a health file for about one day in five of each subscription.
pub(super) fn write_health(world: &World, writer: &Writer, counts: &mut RecordCounts) -> Result<(), SampleError> {
    for (idx, account) in accounts(Cloud::Azure).iter().enumerate() {
        let mut day = world.span.0;
        while day < world.span.1 {
            let noise = mix(mix(world.seed, 0x68), mix(idx as u64, day as u64));
            if pick(noise, 2, 5) == 0 {
                let record = encode(&health(account, day, noise))?;
                writer.envelope(&path("health", account.id, day), "records", &[record])?;
                counts.n_not_access += 1;
                counts.n_files += 1;
            }
            day += DAY_US;
        }
    }
    Ok(())
}

/// A health alert, which is no access.
fn health(account: &Account, day: i64, noise: u64) -> Value {
    let service = noise.is_multiple_of(2);
    let category = if service { "ServiceHealth" } else { "ResourceHealth" };
    let at = day + (noise % DAY_US as u64) as i64;
    let properties = if service {
        json!({
            "title": "Storage latency in West Europe",
            "service": "Storage",
            "region": "West Europe",
            "communication": "Some requests took longer than usual. Engineers have put it right.",
            "incidentType": "Incident",
            "trackingId": format!("{}-{}", hex(noise, 5, 4).to_uppercase(), digits(noise, 5, 3)),
            "stage": "Resolved",
        })
    } else {
        json!({
            "title": "Degraded",
            "details": "The machine was slow to answer for four minutes.",
            "currentHealthStatus": "Available",
            "previousHealthStatus": "Degraded",
            "type": "Downtime",
            "cause": "PlatformInitiated",
        })
    };
    json!({
        "time": iso_fraction(at, noise, 7),
        "resourceId": arm_id(Kind::Vm, account, (noise % 12) as u16).to_uppercase(),
        "correlationId": uuid(noise, 0xb1),
        "operationName": if service { "Microsoft.ServiceHealth/incident/action" } else { "Microsoft.Resourcehealth/healthevent/Resolved/action" },
        "level": "Information",
        "resultType": if service { "Resolved" } else { "Updated" },
        "category": category,
        "properties": { "eventCategory": category, "eventProperties": properties },
    })
}
