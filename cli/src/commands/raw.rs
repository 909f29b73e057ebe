//! `overgrant raw`: the original bytes of an event.

use std::io::Write;

use schemas::Id128;

use super::{block_on, store};
use crate::args::RawArgs;
use crate::{Exit, Mistake};

pub(super) fn run(args: &RawArgs) -> anyhow::Result<Exit> {
    let wrong = || Mistake(format!("`{}` is no event id; it has 32 hexadecimal digits", args.event_id));
    let id = Id128::parse(&args.event_id).ok_or_else(wrong)?;
    let raw = block_on(async { Ok(store::open(&args.place).await?.raw(id).await?) })?;
    let missing = || Mistake(format!("no event `{id}` in the store, or its raw record is no longer kept"));
    let raw = raw.ok_or_else(missing)?;
    let mut out = std::io::stdout().lock();
    out.write_all(&raw.body.0)?;
    out.write_all(b"\n")?;
    Ok(Exit::Done)
}
