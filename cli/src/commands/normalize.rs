//! `overgrant normalize`: raw records in, unified events out.

use std::fs::File;
use std::io::{BufWriter, Read, Write};

use anyhow::Context;
use ingest::Item;
use schemas::{DeadLetter, Message, Noun, Provider};
use stream::{Batch, Output, Transform};

use crate::args::{CloudArg, NormalizeArgs};
use crate::config::Config;
use crate::{Exit, show};

/// How many records are normalized in one go.
const BATCH: usize = 1_000;

pub(super) fn run(args: &NormalizeArgs) -> anyhow::Result<Exit> {
    let provider = match args.provider {
        CloudArg::Auto => None,
        CloudArg::Aws => Some(Provider::Aws),
        CloudArg::Azure => Some(Provider::Azure),
        CloudArg::Gcp => Some(Provider::Gcp),
    };
    let config = Config::load(None)?;
    let mut lines =
        Lines { room: normalize::Normalizer::new(config.normalize), out: BufWriter::new(show::out()), n_rejected: 0 };
    if args.files.is_empty() {
        lines.read(std::io::stdin().lock(), provider, "-")?;
    }
    for path in &args.files {
        let file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()));
        let name = path.display().to_string();
        match file {
            Ok(file) => lines.read(file, provider, &name)?,
            Err(error) => {
                show::error(&error);
                lines.n_rejected += 1;
            }
        }
    }
    lines.out.flush()?;
    Ok(if lines.n_rejected == 0 { Exit::Done } else { Exit::Rejected })
}

struct Lines<W: Write> {
    room: normalize::Normalizer,
    out: W,
    n_rejected: usize,
}

impl<W: Write> Lines<W> {
    fn read(&mut self, reader: impl Read, provider: Option<Provider>, name: &str) -> anyhow::Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        for item in ingest::split(reader, provider, name) {
            match item {
                Item::Rejected(dead) => self.reject(&dead)?,
                Item::Log(raw) => batch.push(raw.into_message()),
                Item::Grant(_) => {}
            }
            if batch.len() == BATCH {
                self.normalize(std::mem::take(&mut batch))?;
            }
        }
        self.normalize(batch)
    }

    fn normalize(&mut self, raw: Vec<Message>) -> anyhow::Result<()> {
        let mut output = Output::default();
        self.room.apply(Batch::of(0, 0, raw), &mut output);
        for message in output.emitted {
            if let Message::AccessEvent(event) = message {
                writeln!(self.out, "{}", schemas::json::to_line(event.as_ref()))?;
            }
        }
        for message in output.rejected {
            if let Message::DeadLetter(dead) = message {
                self.reject(&dead)?;
            }
        }
        Ok(())
    }

    fn reject(&mut self, dead: &DeadLetter) -> anyhow::Result<()> {
        self.n_rejected += 1;
        let file = dead.origin.file.as_deref().unwrap_or("-");
        writeln!(std::io::stderr().lock(), "{file}, record {}: {}", dead.origin.offset, dead.reason)?;
        Ok(())
    }
}
