//! `overgrant sample`: logs and entitlements of three clouds, and what is true of them.

use std::io::Write;

use sample::SampleParams;

use crate::args::SampleArgs;
use crate::{Exit, show};

pub(super) fn run(args: &SampleArgs) -> anyhow::Result<Exit> {
    let params = SampleParams {
        n_days: args.days,
        n_identities: args.identities,
        seed: args.seed,
        n_attacks: args.attacks,
        ..SampleParams::default()
    };
    let truth = sample::generate(&params, &args.out)?;
    let mut out = show::out();
    for (cloud, counts) in &truth.records {
        writeln!(out, "{cloud:<6} {counts:?}")?;
    }
    let (n_identities, n_attacks) = (truth.identities.len(), truth.attacks.len());
    writeln!(
        out,
        "{n_identities} identities, {n_attacks} attacks; what is true is in `{}`",
        args.out.join("truth.json").display()
    )?;
    Ok(Exit::Done)
}
