//! `overgrant dead-letters redrive`: records once more, after a fix.

mod embedded;
#[cfg(feature = "kafka")]
mod kafka;
mod plan;

use std::collections::BTreeSet;
use std::io::Write;

use ingest::{FileSource, FileSourceParams};
use schemas::{DeadLetter, Id128};
use stream::clock::Clock;

use self::plan::Report;
use crate::args::RedriveArgs;
use crate::config::{Config, ValidConfig};
use crate::{Exit, Mistake, show};

pub(super) fn run(args: &RedriveArgs) -> anyhow::Result<Exit> {
    let config = Config::load(args.config.as_deref())?;
    let wanted = Wanted::of(args)?;
    match &config.kafka {
        None => embedded::run(args, &config, wanted),
        #[cfg(feature = "kafka")]
        Some(kafka) => kafka::run(args, &config, kafka, &wanted),
        #[cfg(not(feature = "kafka"))]
        Some(kafka) => {
            Err(Mistake(format!("this build does not know Kafka, which `{}` asks for", kafka.brokers)).into())
        }
    }
}

/// Which letters are wanted.
#[derive(Clone, Debug)]
struct Wanted {
    ids: BTreeSet<Id128>,
    room: Option<String>,
    reason: Option<String>,
}

impl Wanted {
    fn of(args: &RedriveArgs) -> Result<Self, Mistake> {
        let ids = args.ids.iter().map(|text| super::id(text)).collect::<Result<_, _>>()?;
        Ok(Self { ids, room: args.filter.room.clone(), reason: args.filter.reason.clone() })
    }

    fn takes(&self, letter: &DeadLetter) -> bool {
        letter.deleted_at.is_none()
            && (self.ids.is_empty() || self.ids.contains(&letter.dead_letter_id))
            && self.room.as_ref().is_none_or(|room| letter.room == room.as_str())
            && self.reason.as_ref().is_none_or(|reason| letter.reason.contains(reason.as_str()))
    }
}

/// The files of the run, for letters whose bytes stand only there.
fn files(args: &RedriveArgs, config: &ValidConfig) -> anyhow::Result<FileSource> {
    let params = FileSourceParams {
        inputs: args.inputs.clone(),
        once: true,
        as_of: None,
        provider: None,
        config: config.ingest.clone(),
    };
    Ok(FileSource::new(params, Clock::system())?)
}

/// Says what came of it; `n_again` of those that were sent were rejected again, if that is known.
fn tell(report: &Report, is_dry: bool, n_again: Option<usize>) -> anyhow::Result<Exit> {
    let (mut out, bold) = (show::out(), show::BOLD);
    let n_sent = report.sent.len();
    match (is_dry, n_again) {
        (true, _) => writeln!(out, "{bold}{n_sent}{bold:#} dead letters would be sent again")?,
        (false, Some(n)) => writeln!(out, "{bold}{}{bold:#} dead letters are in now", n_sent.saturating_sub(n))?,
        (false, None) => {
            writeln!(
                out,
                "{bold}{n_sent}{bold:#} records were sent again; `overgrant dead-letters list` has what comes back"
            )?;
        }
    }
    let n_broken = report.n_broken + n_again.unwrap_or_default();
    if n_broken > 0 {
        writeln!(out, "{n_broken} were rejected again; `overgrant dead-letters list` says why")?;
    }
    for (why, n) in &report.refused {
        writeln!(out, "{n} cannot be sent again: {why}")?;
    }
    let is_whole = n_broken == 0 && report.refused.is_empty();
    Ok(if is_whole { Exit::Done } else { Exit::Rejected })
}
