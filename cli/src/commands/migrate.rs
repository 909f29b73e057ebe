//! `overgrant migrate`: tables, views and users of ClickHouse.

use crate::Exit;
use crate::args::MigrateArgs;

#[cfg(not(feature = "clickhouse"))]
pub(super) fn run(args: &MigrateArgs) -> anyhow::Result<Exit> {
    let (_, place) = super::store::place(args.url.as_deref().map(std::path::Path::new), args.config.as_deref())?;
    let place = place.ok_or_else(nowhere)?;
    let _ = args.print;
    Err(super::store::unknown(&place).into())
}

#[cfg(feature = "clickhouse")]
pub(super) fn run(args: &MigrateArgs) -> anyhow::Result<Exit> {
    use std::io::Write;

    use schemas::clickhouse::MIGRATIONS;
    use sinks::clickhouse::{Step, migrate, statements};

    let (config, place) = super::store::place(args.url.as_deref().map(std::path::Path::new), args.config.as_deref())?;
    let mut out = crate::show::out();
    if args.print {
        let database = place.as_ref().map_or("overgrant", |place| place.database());
        for migration in MIGRATIONS {
            writeln!(out, "-- {}", migration.name)?;
            for sql in statements(migration, database) {
                writeln!(out, "{sql};\n")?;
            }
        }
        return Ok(Exit::Done);
    }
    let place = place.ok_or_else(nowhere)?;
    let (bold, dim) = (crate::show::BOLD, crate::show::DIM);
    for step in super::block_on(async { Ok(migrate(&config, &place).await?) })? {
        match step {
            Step::Known(name) => writeln!(out, "{dim}known    {name}{dim:#}")?,
            Step::Applied(name) => writeln!(out, "{bold}applied{bold:#}  {name}")?,
            Step::Skipped { name, why } => {
                writeln!(out, "skipped  {name}: the server lets us make no users ({why}); an administrator may run")?;
                writeln!(out, "         {dim}what `overgrant migrate --print` shows under that name{dim:#}")?;
            }
        }
    }
    Ok(Exit::Done)
}

fn nowhere() -> crate::Mistake {
    crate::Mistake(
        "which database? say `--url http://USER@HOST:8123/DATABASE`, or set `sinks.clickhouse.url`".to_owned(),
    )
}
