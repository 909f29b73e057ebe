//! Generates raw logs and entitlement files of three clouds in the providers' own formats, and what is true of them.
//!
//! [`generate`] writes a folder; [`Truth`] says what a correct reader must find in it: who was granted what, who used
//! what, whose score must stand above whose, which attacks were injected. The same [`SampleParams`] give the same bytes.
//!
//! # Layout
//! - [`SampleParams`]: what may be chosen; [`Truth`]: what came out; [`SampleError`]: why nothing did.
//! - `world`: the invented company: accounts, resources, personas, grants. `rhythm`: when they work.
//! - `calls`, `simulate`: sessions, tasks and calls of every identity; `attacks`: those of thieves.
//! - `aws`, `azure`, `gcp`: operations, records, entitlements and inventories as each cloud prints them.
//! - `truth`: counting; `writer`: files.

mod attacks;
mod aws;
mod azure;
mod broken;
mod calls;
mod error;
mod gcp;
mod ids;
mod network;
mod ops;
mod params;
mod rhythm;
mod simulate;
mod truth;
mod world;
mod writer;

use std::{collections::BTreeMap, path::Path};

pub use error::SampleError;
pub use params::SampleParams;
pub use truth::{AccountTruth, AttackTruth, IdentityTruth, OrderTruth, RecordCounts, Truth, UseTruth};

use crate::{
    calls::Traffic,
    ops::AllOps,
    truth::Tally,
    world::{Cloud, World},
    writer::Writer,
};

/// Writes a sample below `out` and returns its truth, which is also written as `out/truth.json`.
///
/// Files of the same name are replaced, others are left alone: use a folder of its own.
///
/// # Errors
/// [`SampleError::Params`] before anything is written, [`SampleError::Write`] when the folder cannot be written.
pub fn generate(params: &SampleParams, out: &Path) -> Result<Truth, SampleError> {
    let span = params.span_us()?;
    let world = World::new(params.seed, span, params.n_identities);
    let ops = AllOps::new();
    let (mut traffic, mut tally) = (Traffic::default(), Tally::default());
    for me in &world.people {
        simulate::live(&world, &ops, me, &mut traffic, &mut tally);
    }
    let attacks = attacks::inject(&world, &ops, params.n_attacks, &mut traffic, &mut tally);
    traffic.sort();

    let writer = Writer::new(out);
    aws::write_entitlements(&world, &tally, &writer)?;
    azure::write_entitlements(&world, &writer)?;
    gcp::write_entitlements(&world, &writer)?;
    aws::write_inventory(&writer)?;
    azure::write_inventory(&writer)?;
    gcp::write_inventory(&world, &writer)?;
    let mut records = BTreeMap::new();
    for cloud in [Cloud::Aws, Cloud::Azure, Cloud::Gcp] {
        let counts = write_logs(cloud, params, &world, &ops, &traffic, &tally, &writer)?;
        records.insert(cloud.word().to_owned(), counts);
    }
    let truth = truth::build(&world, &tally, attacks, records);
    writer.pretty("truth.json", "truth", &truth)?;
    Ok(truth)
}

fn write_logs(
    cloud: Cloud,
    params: &SampleParams,
    world: &World,
    ops: &AllOps,
    traffic: &Traffic,
    tally: &Tally,
    writer: &Writer,
) -> Result<RecordCounts, SampleError> {
    let people = world.people.iter().filter(|i| i.persona.cloud == cloud).map(|i| i.idx);
    let mut counts = RecordCounts {
        n_calls: tally.n_calls(people),
        n_by_others: tally.n_by_others(cloud),
        ..RecordCounts::default()
    };
    match cloud {
        Cloud::Aws => aws::write_events(world, ops.of(cloud), traffic, writer, &mut counts)?,
        Cloud::Azure => azure::write_events(world, ops.of(cloud), traffic, writer, &mut counts)?,
        Cloud::Gcp => gcp::write_events(world, ops.of(cloud), traffic, writer, &mut counts)?,
    }
    broken::write(cloud, params.seed, params.n_broken, writer, &mut counts)?;
    counts.n_records = counts.n_events + counts.n_copies + counts.n_not_access;
    Ok(counts)
}
