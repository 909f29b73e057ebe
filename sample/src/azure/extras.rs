//! Health alerts between the records of access.

use crate::{
    azure::{events::path, records::health},
    error::SampleError,
    ids::{mix, pick},
    params::DAY_US,
    truth::RecordCounts,
    world::{Cloud, World, accounts},
    writer::{Writer, encode},
};

/// Writes a health file for about one day in five of each subscription.
pub(super) fn write_health(
    world: &World,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
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
