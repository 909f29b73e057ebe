//! `overgrant query`: SQL over the store.

use sinks::Store;

use super::{block_on, print};
use crate::Exit;
use crate::args::QueryArgs;

pub(super) fn run(args: &QueryArgs) -> anyhow::Result<Exit> {
    let answer = block_on(async { Ok(Store::open(&args.of.store).await?.sql(&args.sql).await?) })?;
    print(&answer, args.of.format)?;
    Ok(Exit::Done)
}
