//! `overgrant`, the one binary: wires the rooms together and shows what they found.
//!
//! # Layout
//!
//! `args` is the command line, `config` the settings, `pipeline` who reads what from whom, `commands/` one file a
//! command, `show` how things look on a terminal, `telemetry` what a run tells of itself.

mod args;
mod commands;
mod config;
mod kafka;
mod pipeline;
mod show;
mod telemetry;
#[cfg(feature = "kafka")]
mod wire;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::telemetry::Traces;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How the process ends; documented in `--help` and the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done = 0,
    /// Something broke: a fault, with nothing half-done.
    Fault = 1,
    /// Wrong usage, settings or question.
    Usage = 2,
    /// Done, but some records were rejected.
    Rejected = 3,
    /// Done, and an answer is not the expected one.
    Unexpected = 4,
}

/// An error that is the user's to mend: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Mistake(pub(crate) String);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (traces, spans) = traces(&cli);
    show::start_logs(cli.log_format, spans);
    let result = commands::run(cli);
    if let Some(traces) = traces {
        traces.end();
    }
    match result {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) if is_broken_pipe(&error) => ExitCode::from(Exit::Done as u8),
        Err(error) => {
            show::error(&error);
            ExitCode::from(exit_of(&error) as u8)
        }
    }
}

/// Who sends spans, if the settings ask for it.
#[cfg(feature = "otlp")]
fn traces(cli: &Cli) -> (Option<Traces>, Option<show::Spans>) {
    match telemetry::layer(cli) {
        Ok(started) => started.unzip(),
        Err(error) => {
            show::error(&error);
            (None, None)
        }
    }
}

/// A build without traces sends none.
#[cfg(not(feature = "otlp"))]
fn traces(_: &Cli) -> (Option<Traces>, Option<show::Spans>) {
    (None, None)
}

fn exit_of(error: &anyhow::Error) -> Exit {
    let is_usage = error.chain().any(|cause| {
        cause.is::<Mistake>()
            || cause.is::<config::ConfigError>()
            || cause.is::<ingest::IngestError>()
            || cause.is::<sample::SampleError>()
            || matches!(cause.downcast_ref(), Some(query) if !matches!(query, sinks::QueryError::Fault(_)))
    });
    if is_usage { Exit::Usage } else { Exit::Fault }
}

/// `overgrant … | head` ends when `head` has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_pipe = |io: &std::io::Error| io.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(is_pipe))
}
