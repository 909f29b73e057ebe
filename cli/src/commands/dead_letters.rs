//! `overgrant dead-letters`: what could not be used, why, and once more after a fix.

mod list;
mod redrive;
mod show;

use crate::args::{DeadLettersArgs, DeadLettersCommand, LetterFilterArgs};
use crate::{Exit, Mistake};
use schemas::Id128;

pub(super) fn run(args: &DeadLettersArgs) -> anyhow::Result<Exit> {
    match &args.command {
        DeadLettersCommand::List(args) => list::run(args),
        DeadLettersCommand::Show(args) => show::run(args),
        DeadLettersCommand::Redrive(args) => redrive::run(args),
    }
}

/// What a filter is in SQL, behind a `WHERE`, with its parameters.
fn filter(args: &LetterFilterArgs) -> (String, Vec<(String, String)>) {
    let (mut sql, mut params) = ("deleted_at IS NULL".to_owned(), Vec::new());
    if let Some(room) = &args.room {
        sql += " AND room = {room:String}";
        params.push(("room".to_owned(), room.clone()));
    }
    if let Some(reason) = &args.reason {
        sql += " AND reason LIKE {reason:String}";
        params.push(("reason".to_owned(), format!("%{}%", escaped(reason))));
    }
    (sql, params)
}

/// A text as a part of a pattern: what it stands for and nothing else.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn id(text: &str) -> Result<Id128, Mistake> {
    Id128::parse(text).ok_or_else(|| Mistake(format!("`{text}` is no dead letter's id; it has 32 hexadecimal digits")))
}

/// The rows of an answer, by the names of their columns.
fn rows(answer: &sinks::Answer) -> anyhow::Result<Vec<serde_json::Value>> {
    let mut text = Vec::new();
    sinks::format::write(&mut text, &answer.schema, &answer.batches, sinks::format::Format::Ndjson, None)?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(serde_json::from_slice).collect::<Result<_, _>>()?)
}
