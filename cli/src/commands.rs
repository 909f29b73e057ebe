//! One file a command.

mod alerts;
mod can;
mod catalog;
mod dead_letters;
mod findings;
mod guardrails;
mod held;
mod lint;
mod migrate;
mod normalize;
mod paths;
mod pci;
mod permissions;
mod query;
mod raw;
#[cfg(feature = "kafka")]
mod rebuild;
mod run;
mod sample;
mod simulate;
mod status;
mod store;

use std::future::Future;
use std::io::Write;

use anyhow::Context;
use clap::CommandFactory;

use crate::Exit;
use crate::args::{Cli, Command};
use crate::config::Config;
use crate::show;

#[cfg(feature = "clickhouse")]
pub(crate) use self::store::password;

/// Does what the command line asks for.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Exit> {
    catalog::install(&cli.catalogue)?;
    match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Normalize(args) => normalize::run(&args),
        Command::Query(args) => query::run(&args),
        Command::Pci(args) => pci::run(&args),
        Command::Alerts(args) => alerts::run(&args),
        Command::Findings(args) => findings::run(&args),
        Command::Raw(args) => raw::run(&args),
        Command::DeadLetters(args) => dead_letters::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        #[cfg(feature = "kafka")]
        Command::RebuildState(args) => rebuild::rebuild(&args),
        #[cfg(feature = "kafka")]
        Command::Repartition(args) => rebuild::repartition(&args),
        #[cfg(not(feature = "kafka"))]
        Command::RebuildState(_) | Command::Repartition(_) => {
            Err(crate::Mistake("this build does not know Kafka; build it with `--features kafka`".to_owned()).into())
        }
        Command::Status(args) => status::run(&args),
        Command::Paths(args) => paths::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Guardrails(args) => guardrails::run(&args),
        Command::Catalog(args) => catalog::run(&args, &cli.catalogue),
        Command::Can(args) => can::can(&args),
        Command::WhoCan(args) => can::who_can(&args),
        Command::Permissions(args) => permissions::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Sample(args) => sample::run(&args),
        Command::CheckConfig(args) => {
            Config::load(Some(&args.file))?;
            writeln!(show::out(), "`{}` is fine", args.file.display())?;
            Ok(Exit::Done)
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "overgrant", &mut show::out());
            Ok(Exit::Done)
        }
    }
}

/// Prints rows that were worked out and not read from a table.
fn print_rows(columns: &[&str], rows: &[serde_json::Value], format: crate::args::FormatArg) -> anyhow::Result<()> {
    Ok(sinks::format::rows(&mut show::out(), columns, rows, format.0, show::width())?)
}

/// Largest file that a command reads as a whole.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Reads a file that is named on the command line.
fn read_file(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(
            &mut std::io::Read::take(std::fs::File::open(path)?, MAX_FILE_BYTES + 1),
            &mut bytes,
        )?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| crate::Mistake(format!("cannot read `{}`: {error}", path.display())))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(crate::Mistake(format!("`{}` has more than {MAX_FILE_BYTES} bytes", path.display())).into());
    }
    Ok(bytes)
}

/// Runs one question to its end.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Runtime::new().context("cannot start the runtime")?.block_on(future)
}

/// Prints an answer in the form asked for.
fn print(answer: &sinks::Answer, format: crate::args::FormatArg) -> anyhow::Result<()> {
    let mut out = show::out();
    sinks::format::write(&mut out, &answer.schema, &answer.batches, format.0, show::width())?;
    if answer.is_cut {
        anstream::eprintln!(
            "{}only the first {} rows are shown; add a LIMIT or a WHERE{:#}",
            show::DIM,
            answer.n_rows(),
            show::DIM
        );
    }
    Ok(())
}
