//! `overgrant dead-letters show`: one record that could not be used.

use std::io::Write;

use anyhow::Context;
use schemas::{DeadLetter, Noun};
use sinks::query::{col, lit};
use stream::bodies::BodyStore;

use super::super::{block_on, store};
use crate::args::ShowLetterArgs;
use crate::config::Config;
use crate::{Exit, Mistake, show};

/// How much of the bytes is shown beside the rest.
const SHOWN_BYTES: usize = 2_000;

pub(super) fn run(args: &ShowLetterArgs) -> anyhow::Result<Exit> {
    let id = super::id(&args.dead_letter_id)?;
    let letter = block_on(async {
        let filter = col("dead_letter_id").eq(lit(id.to_string()));
        let found: Vec<DeadLetter> = store::open(&args.place).await?.rows_where(DeadLetter::NAME, Some(filter)).await?;
        Ok(found.into_iter().max_by_key(|letter| letter.revision))
    })?;
    let letter =
        letter.ok_or_else(|| Mistake(format!("no dead letter `{id}` in the store, or it is no longer kept")))?;
    if args.raw {
        let mut out = std::io::stdout().lock();
        out.write_all(&bytes(args, &letter)?)?;
        return Ok(Exit::Done);
    }
    describe(&letter)?;
    Ok(Exit::Done)
}

/// All bytes where they can be had, redacted as a store would.
fn bytes(args: &ShowLetterArgs, letter: &DeadLetter) -> anyhow::Result<Vec<u8>> {
    let config = Config::load(args.place.config.as_deref())?;
    let (Some(object), Some(kafka)) = (&letter.body_object, &config.kafka) else { return Ok(letter.body.0.to_vec()) };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let bodies = BodyStore::in_folder(kafka.bodies.clone(), runtime.handle().clone())?;
    let bytes = bodies.get(object)?.map_err(|error| Mistake(error.to_string()))?;
    Ok(config.sinks.redaction().apply(&bytes).map_or(bytes, |(redacted, _)| redacted))
}

fn describe(letter: &DeadLetter) -> anyhow::Result<()> {
    let (mut out, bold, dim) = (show::out(), show::BOLD, show::DIM);
    writeln!(out, "{bold}{}{bold:#}", letter.reason)?;
    let provider = letter.provider.map_or("?", schemas::Provider::as_str);
    writeln!(out, "{:<8} {}, {provider}, read {}", "room", letter.room, letter.time)?;
    let origin = &letter.origin;
    let place = match &origin.file {
        Some(file) => format!("{file}, record {}", origin.offset),
        None => format!("partition {}, offset {}", origin.partition, origin.offset),
    };
    writeln!(out, "{:<8} {}, {place}", "origin", origin.topic)?;
    if let Some(at) = letter.deleted_at {
        writeln!(out, "{:<8} redriven {at}; it is a dead letter no more", "gone")?;
    }
    if let Some(key) = &letter.key {
        writeln!(out, "{:<8} {}", "key", plain(&key.0))?;
    }
    for header in &letter.headers {
        writeln!(out, "{:<8} {}: {}", "header", header.name, plain(&header.value.0))?;
    }
    let body = &letter.body.0;
    let n_shown = body.len().min(SHOWN_BYTES);
    writeln!(out, "{:<8} {}, hash {}", "bytes", letter.n_bytes, letter.body_hash)?;
    writeln!(out, "{}", plain(&body[..n_shown]))?;
    let id = letter.dead_letter_id;
    if i64::try_from(n_shown) != Ok(letter.n_bytes) && letter.deleted_at.is_none() {
        writeln!(out, "{dim}the first {n_shown} bytes; more: overgrant dead-letters show --raw {id}{dim:#}")?;
    }
    if letter.deleted_at.is_none() {
        writeln!(out, "{dim}after a fix: overgrant dead-letters redrive {id}{dim:#}")?;
    }
    Ok(())
}

/// Bytes for a terminal: what is no text, or would steer the terminal, is replaced.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}
