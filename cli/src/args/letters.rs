//! The options of `dead-letters`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ListArgs, WhereArgs};

/// Options of `dead-letters`.
#[derive(Debug, Args)]
pub(crate) struct DeadLettersArgs {
    #[command(subcommand)]
    pub(crate) command: DeadLettersCommand,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// Show why records were rejected, the most frequent reason first; the other forms have one row for each record.
    List(ListLettersArgs),
    /// Show one: reason, origin, headers and bytes.
    Show(ShowLetterArgs),
    /// Send records again, after what made them fail was mended: the rows are those of a run in which they never failed.
    Redrive(RedriveArgs),
}

/// Which ones.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LetterFilterArgs {
    /// Only those of this room: ingest, normalize, stream …
    #[arg(long)]
    pub(crate) room: Option<String>,
    /// Only those whose reason has this text in it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Options of `dead-letters list`.
#[derive(Debug, Args)]
pub(crate) struct ListLettersArgs {
    #[command(flatten)]
    pub(crate) list: ListArgs,
    #[command(flatten)]
    pub(crate) filter: LetterFilterArgs,
    /// Only those read in the last 90d, 12h or 30m.
    #[arg(long, value_name = "SPAN")]
    pub(crate) since: Option<String>,
    /// One row for each record, rather than one for each reason.
    #[arg(long)]
    pub(crate) each: bool,
}

/// Options of `dead-letters show`.
#[derive(Debug, Args)]
pub(crate) struct ShowLetterArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// The dead letter's id.
    pub(crate) dead_letter_id: String,
    /// Only the record's bytes, as the store has them; those of a large record from the folder of `kafka.bodies`.
    #[arg(long)]
    pub(crate) raw: bool,
}

/// Options of `dead-letters redrive`.
#[derive(Debug, Args)]
pub(crate) struct RedriveArgs {
    /// The ids of dead letters.
    #[arg(value_name = "ID", required_unless_present_any = ["room", "reason", "all"])]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: LetterFilterArgs,
    /// All of them.
    #[arg(long)]
    pub(crate) all: bool,
    /// Say what would be sent again, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The config file, as the run has it.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// The inputs of the run, for records whose bytes are only in their files; may be given again.
    #[arg(long = "input", value_name = "PATH")]
    pub(crate) inputs: Vec<String>,
    /// The store's folder. With Kafka the records come from the topic dead_letter.v1.
    #[arg(long, default_value = "overgrant-store", env = "OVERGRANT_STORE")]
    pub(crate) store: PathBuf,
}
