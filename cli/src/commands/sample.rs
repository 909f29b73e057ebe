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
    let bold = show::BOLD;
    writeln!(
        out,
        "{bold}{:<6} {:>8} {:>9} {:>9} {:>7} {:>11} {:>7}{bold:#}",
        "cloud", "files", "records", "events", "copies", "not access", "broken"
    )?;
    for (cloud, counts) in &truth.records {
        writeln!(
            out,
            "{cloud:<6} {:>8} {:>9} {:>9} {:>7} {:>11} {:>7}",
            counts.n_files, counts.n_records, counts.n_events, counts.n_copies, counts.n_not_access, counts.n_broken
        )?;
    }
    let (n_identities, n_attacks) = (truth.identities.len(), truth.attacks.len());
    writeln!(
        out,
        "{n_identities} identities, {n_attacks} attacks; what is true is in `{}`",
        args.out.join("truth.json").display()
    )?;
    Ok(Exit::Done)
}
